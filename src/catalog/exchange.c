/* exchange.c - the catalogue as rows, and rows as CSV (libcsv) and back. What rows change: exchange_apply.c. */
#include "catalog/exchange.h"

#include <csv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"

#define MAX_FILE_BYTES ((size_t)1 << 30)
#define MAX_COLUMNS    256

/* ---- rows ---- */

static const char *const columns[] = {"track_id",
                                      "filename",
                                      "audio_path",
                                      "duration",
                                      "quality_score",
                                      "split",
                                      "state",
                                      "style_ids",
                                      "source_id",
                                      "source_type",
                                      "provider",
                                      "license_type",
                                      "ai_training_permitted",
                                      "cost",
                                      "date_acquired",
                                      "human_verified",
                                      "verified_by",
                                      "notes",
                                      "human_score",
                                      "score",
                                      "scorer",
                                      "score_date",
                                      "score_notes"};
#define COLUMNS (sizeof columns / sizeof *columns)

/* Columns that are fields of the track's source. */
static bool is_of_source(const char *name) {
    static const char *const fields[] = {"source_type",           "provider", "license_type",
                                         "ai_training_permitted", "cost",     "date_acquired"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strcmp(fields[i], name) == 0) return true;
    return false;
}

static bool is_column(const char *name) {
    for (size_t i = 0; i < COLUMNS; i++)
        if (strcmp(columns[i], name) == 0) return true;
    return false;
}

/* Fields of a Track that are no columns: paths that follow from the others, and what every track has. */
static bool is_implied(const char *name) {
    return strcmp(name, "prompt_path") == 0 || strcmp(name, "lyrics_path") == 0 || strcmp(name, "sample_rate") == 0 ||
           strcmp(name, "verified_at") == 0;
}

static json_t *make_row(const lofi_catalogue_track *track) {
    json_t *row = json_object(), *entity = lofi_catalogue_track_json(track);
    const char *key;
    json_t *value;
    for (size_t i = 0; i < COLUMNS; i++) {
        value = !is_of_source(columns[i]) ? json_object_get(entity, columns[i])
                : track->source           ? json_object_get(track->source->record, columns[i])
                                          : NULL;
        json_object_set(row, columns[i], value ? value : json_null());
    }
    if (!track->has_style) json_object_set_new(row, "style_ids", json_array());
    if (track->human_count) json_object_set_new(row, "human_score", json_real(track->human_score));
    json_object_foreach(entity, key, value) {
        bool scalar = !json_is_object(value) && !json_is_array(value);
        if (scalar && !is_column(key) && !is_implied(key)) json_object_set(row, key, value);
    }
    json_decref(entity);
    return row;
}

json_t *lofi_exchange_rows(const lofi_catalogue *catalogue) {
    json_t *rows = json_array();
    for (size_t i = 0; i < lofi_catalogue_count(catalogue); i++)
        json_array_append_new(rows, make_row(lofi_catalogue_at(catalogue, i)));
    return rows;
}

/* ---- writing CSV ---- */

static lofi_code add_cell(lofi_buffer *out, const char *text, bool first, lofi_error *err) {
    size_t size = strlen(text);
    if (!first) lofi_buffer_text(out, ",");
    if (!strpbrk(text, ",;\t\"\r\n") && (size == 0 || (text[0] != ' ' && text[size - 1] != ' '))) {
        lofi_buffer_append(out, text, size);
        return LOFI_OK;
    }
    size_t need = csv_write(NULL, 0, text, size);
    char *quoted = malloc(need + 1);
    if (!quoted) return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for a table");
    csv_write(quoted, need, text, size);
    lofi_buffer_append(out, quoted, need);
    free(quoted);
    return LOFI_OK;
}

/* A value as the text of a cell. */
static lofi_code print_value(lofi_buffer *text, const json_t *value, lofi_error *err) {
    lofi_buffer_clear(text);
    if (!value || json_is_null(value)) return LOFI_OK;
    if (json_is_string(value)) {
        lofi_buffer_text(text, json_string_value(value));
        return LOFI_OK;
    }
    if (!json_is_array(value)) return lofi_json_print(text, value, false, err);
    for (size_t i = 0; i < json_array_size(value); i++)
        lofi_buffer_printf(text, "%s%s", i ? " " : "", json_string_value(json_array_get(value, i)));
    return LOFI_OK;
}

/* The names of all columns: the usual ones, then what some track has besides. The reference is yours. */
static json_t *all_columns(const json_t *rows) {
    json_t *names = json_object();
    const char *key;
    json_t *value;
    for (size_t i = 0; i < COLUMNS; i++) json_object_set_new(names, columns[i], json_true());
    for (size_t i = 0; i < json_array_size(rows); i++) json_object_foreach(json_array_get(rows, i), key, value) {
            json_object_set_new(names, key, json_true());
        }
    return names;
}

static lofi_code add_row(lofi_buffer *out, lofi_buffer *text, json_t *names, const json_t *row, lofi_error *err) {
    const char *name;
    json_t *ignored;
    bool first = true;
    json_object_foreach(names, name, ignored) {
        if (row) LOFI_TRY(print_value(text, json_object_get(row, name), err));
        LOFI_TRY(add_cell(out, row ? lofi_buffer_str(text) : name, first, err));
        first = false;
    }
    lofi_buffer_text(out, "\r\n");
    return LOFI_OK;
}

lofi_code lofi_exchange_csv(lofi_buffer *out, const json_t *rows, lofi_error *err) {
    json_t *names = all_columns(rows);
    lofi_buffer text = LOFI_BUFFER_INIT;
    lofi_code code = add_row(out, &text, names, NULL, err);
    for (size_t i = 0; code == LOFI_OK && i < json_array_size(rows); i++)
        code = add_row(out, &text, names, json_array_get(rows, i), err);
    json_decref(names);
    lofi_buffer_free(&text);
    LOFI_TRY(code);
    return lofi_buffer_check(out, err);
}

/* ---- reading CSV ---- */

typedef struct csv_reading {
    json_t *rows, *names, *row;
    size_t cell, line; /* line: of the row, counted in records: cells with line breaks count once */
    const char *fault;
} csv_reading;

static void take_cell(void *cell, size_t size, void *user) {
    csv_reading *reading = user;
    const char *name = json_string_value(json_array_get(reading->names, reading->cell));
    json_t *text = json_stringn(cell ? cell : "", size);
    if (!text) reading->fault = "a cell is not UTF-8";
    if (!reading->row) {
        if (json_array_size(reading->names) == MAX_COLUMNS) reading->fault = "more than 256 columns";
        if (text && json_string_length(text) > 0 && lofi_json_holds(reading->names, text))
            reading->fault = "a column is there twice";
        json_array_append_new(reading->names, text);
    } else if (name) {
        json_object_set_new(reading->row, name, text);
    } else {
        if (size > 0 && !reading->fault) reading->fault = "more cells than columns";
        json_decref(text);
    }
    reading->cell++;
}

static void end_row(int end, void *user) {
    csv_reading *reading = user;
    (void)end;
    if (reading->row && reading->cell > 1 && !reading->fault) {
        json_object_set_new(reading->row, "_line", json_integer((json_int_t)reading->line));
        json_array_append(reading->rows, reading->row);
    }
    json_decref(reading->row);
    reading->row = json_object();
    reading->cell = 0;
    if (!reading->fault) reading->line++;
}

/* What separates the cells: of comma, semicolon and tab the most frequent in the first line. */
static unsigned char find_separator(const char *text, size_t size) {
    size_t counts[3] = {0};
    static const char signs[] = ",;\t";
    for (size_t i = 0; i < size && text[i] != '\n'; i++)
        for (size_t k = 0; k < 3; k++) counts[k] += text[i] == signs[k];
    size_t best = counts[1] > counts[0] ? 1 : 0;
    return (unsigned char)signs[counts[2] > counts[best] ? 2 : best];
}

static lofi_code parse(csv_reading *reading, const char *text, size_t size, const char *path, lofi_error *err) {
    struct csv_parser parser;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
        return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for '%s'", path);
    csv_set_delim(&parser, find_separator(text, size));
    bool whole = csv_parse(&parser, text, size, take_cell, end_row, reading) == size &&
                 csv_fini(&parser, take_cell, end_row, reading) == 0;
    if (!whole && !reading->fault) reading->fault = csv_strerror(csv_error(&parser));
    csv_free(&parser);
    if (!reading->fault) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' row %zu: %s", path, reading->line, reading->fault);
}

static lofi_code read_csv(json_t **rows, const char *text, size_t size, const char *path, lofi_error *err) {
    csv_reading reading = {.rows = json_array(), .names = json_array(), .line = 1};
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) text += 3, size -= 3;
    lofi_code code = parse(&reading, text, size, path, err);
    bool has_id = false;
    for (size_t i = 0; i < json_array_size(reading.names); i++)
        has_id = has_id || strcmp(json_string_value(json_array_get(reading.names, i)), "track_id") == 0;
    if (code == LOFI_OK && !has_id)
        code = lofi_fail(err, LOFI_ERR_FORMAT, "'%s' row 1: there is no column 'track_id'", path);
    if (code == LOFI_OK)
        *rows = reading.rows;
    else
        json_decref(reading.rows);
    json_decref(reading.row);
    json_decref(reading.names);
    return code;
}

/* ---- reading JSON ---- */

static lofi_code read_json(json_t **rows, const char *text, size_t size, const char *path, lofi_error *err) {
    json_t *document;
    const json_t *list;
    LOFI_TRY(lofi_json_parse(&document, text, size, path, err));
    lofi_code code = lofi_json_array(&list, document, "tracks", path, err);
    for (size_t i = 0; code == LOFI_OK && i < json_array_size(list); i++) {
        json_t *row = json_array_get(list, i);
        char pointer[64];
        snprintf(pointer, sizeof pointer, "/tracks/%zu", i);
        if (!json_is_object(row))
            code = lofi_fail(err, LOFI_ERR_FORMAT, "'%s' line %zu: a track is an object", path,
                             lofi_json_line(text, size, pointer));
        else
            json_object_set_new(row, "_line", json_integer((json_int_t)lofi_json_line(text, size, pointer)));
    }
    if (code == LOFI_OK) *rows = json_incref((json_t *)list);
    json_decref(document);
    return code;
}

lofi_code lofi_exchange_read(json_t **rows, const char *path, lofi_error *err) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    LOFI_TRY(lofi_file_read(&text, path, MAX_FILE_BYTES, err));
    const char *bytes = lofi_buffer_str(&text);
    lofi_code code;
    if (!lofi_utf8_valid(bytes, text.size) || memchr(bytes, 0, text.size))
        code = lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is not UTF-8 text; export it as UTF-8", path);
    else if (bytes[strspn(bytes, " \t\r\n")] == '{')
        code = read_json(rows, bytes, text.size, path, err);
    else
        code = read_csv(rows, bytes, text.size, path, err);
    lofi_buffer_free(&text);
    return code;
}
