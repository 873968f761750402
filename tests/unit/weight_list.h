/* weight_list.h - a network's declared weights against the list of a released one: lines of 'name <tab> shape'. Include cmocka.h before. */
#ifndef LOFI_TESTS_WEIGHT_LIST_H
#define LOFI_TESTS_WEIGHT_LIST_H

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "models/model.h"

static inline void must(lofi_code code, const lofi_error *err) {
    if (code != LOFI_OK) fail_msg("%s", err->message);
}

static inline json_t *parsed(const char *text) {
    json_t *config = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    must(lofi_json_parse(&config, text, strlen(text), "a config", &err), &err);
    return config;
}

static inline void declare_preset(const lofi_model *model, const char *preset, lofi_weight_table *table) {
    lofi_error err = LOFI_ERROR_INIT;
    json_t *config = NULL;
    must(model->preset(preset, &config, &err), &err);
    must(model->declare(config, table, &err), &err);
    json_decref(config);
}

static inline int64_t parameters(const lofi_weight_table *table) {
    int64_t sum = 0;
    for (size_t i = 0; i < table->count; i++) sum += lofi_weight_entry_count(&table->entries[i]);
    return sum;
}

static inline void shape_text(char *text, size_t size, const lofi_weight_entry *entry) {
    size_t used = (size_t)snprintf(text, size, "%s", entry->rank ? "" : "scalar");
    for (int i = 0; i < entry->rank; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%lld", i ? "x" : "", (long long)entry->dims[i]);
}

/* Calls `line` with the two columns of every line of a .tsv; returns the number of lines. */
static inline size_t each_line(const char *path, void (*line)(void *user, const char *name, const char *shape),
                               void *user) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    lofi_error err = LOFI_ERROR_INIT;
    size_t count = 0;
    must(lofi_file_read(&text, path, 1 << 20, &err), &err);
    char *rest = NULL;
    for (char *row = strtok_r(text.data, "\n", &rest); row; row = strtok_r(NULL, "\n", &rest), count++) {
        char *tab = strchr(row, '\t');
        assert_non_null(tab);
        *tab = 0;
        line(user, row, tab + 1);
    }
    lofi_buffer_free(&text);
    return count;
}

typedef struct declared_weights {
    const lofi_model *model;
    const lofi_weight_table *table;
} declared_weights;

/* user: declared_weights */
static inline void expect_weight(void *user, const char *name, const char *shape) {
    const declared_weights *declared = user;
    const lofi_model *model = declared->model;
    const char *ours = model->canonical_name ? model->canonical_name(name) : name;
    const lofi_weight_entry *entry = lofi_weight_table_find(declared->table, ours);
    char text[128];
    if (!entry) fail_msg("no weight '%s' is declared", name);
    shape_text(text, sizeof text, entry);
    if (strcmp(text, shape) != 0) fail_msg("'%s' is declared as %s, the model has %s", name, text, shape);
}

/* Every line of the list is a weight of that shape. The table has `weights` of them, and no others. */
static inline void expect_list(const lofi_model *model, const lofi_weight_table *table, const char *list, size_t lines,
                               size_t weights) {
    assert_int_equal(each_line(list, expect_weight, &(declared_weights){model, table}), lines);
    assert_int_equal(table->count, weights);
}

static inline void expect_list_of_config(const lofi_model *model, const char *config_text, const char *list,
                                         size_t lines) {
    lofi_weight_table table = {0};
    lofi_error err = LOFI_ERROR_INIT;
    json_t *config = parsed(config_text);
    must(model->declare(config, &table, &err), &err);
    expect_list(model, &table, list, lines, lines);
    lofi_weight_table_free(&table);
    json_decref(config);
}

/* The config makes no network, and the message holds `because`. */
static inline void expect_refusal(const lofi_model *model, const char *config_text, const char *because) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_weight_table table = {0};
    json_t *config = parsed(config_text);
    assert_int_not_equal(model->declare(config, &table, &err), LOFI_OK);
    if (!strstr(err.message, because)) fail_msg("%s: %s", config_text, err.message);
    lofi_weight_table_free(&table);
    json_decref(config);
}

#endif
