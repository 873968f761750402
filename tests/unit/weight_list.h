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

static inline void expect_entry(const lofi_model *model, const lofi_weight_table *table, const char *name,
                                const char *shape) {
    char ours[128] = "";
    const lofi_weight_entry *entry = lofi_weight_table_find(table,
                                                            model->canonical_name ? model->canonical_name(name) : name);
    if (!entry) fail_msg("no weight '%s' is declared", name);
    for (int i = 0; i < entry->rank; i++) {
        size_t used = strlen(ours);
        snprintf(ours + used, sizeof ours - used, "%s%lld", i ? "x" : "", (long long)entry->dims[i]);
    }
    assert_string_equal(entry->rank ? ours : "scalar", shape);
}

/* Every line of the list is a weight of that shape, and there are no others. */
static inline void expect_table(const lofi_model *model, const char *config_text, const char *list, size_t lines) {
    lofi_weight_table table = {0};
    lofi_buffer text = LOFI_BUFFER_INIT;
    lofi_error err = LOFI_ERROR_INIT;
    char *rest = NULL;
    size_t count = 0;
    json_t *config = parsed(config_text);
    must(model->declare(config, &table, &err), &err);
    must(lofi_file_read(&text, list, 1 << 20, &err), &err);
    for (char *row = strtok_r(text.data, "\n", &rest); row; row = strtok_r(NULL, "\n", &rest), count++) {
        char *tab = strchr(row, '\t');
        assert_non_null(tab);
        *tab = 0;
        expect_entry(model, &table, row, tab + 1);
    }
    assert_int_equal(count, lines);
    assert_int_equal(table.count, lines);
    lofi_buffer_free(&text);
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
