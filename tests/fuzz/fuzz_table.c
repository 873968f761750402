/* Spreadsheets and JSON tables of tracks: read, and what was read written as CSV and read again is the same. */
#include <stdlib.h>

#include "catalog/exchange.h"
#include "fuzz.h"

/* Cells are text in CSV; rows where nothing but their line differs. */
static void forget_lines(json_t *rows) {
    for (size_t i = 0; i < json_array_size(rows); i++) json_object_del(json_array_get(rows, i), "_line");
}

static int is_csv(const json_t *rows) {
    const char *key;
    json_t *value;
    for (size_t i = 0; i < json_array_size(rows); i++) json_object_foreach(json_array_get(rows, i), key, value) {
            if (!json_is_string(value)) return 0;
        }
    return json_array_size(rows) > 0;
}

static void write_and_read(json_t *rows) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    json_t *again = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    if (lofi_exchange_csv(&text, rows, &err) != LOFI_OK) abort();
    if (lofi_exchange_read(&again, fuzz_file((const uint8_t *)text.data, text.size), &err) != LOFI_OK) abort();
    forget_lines(again);
    if (json_array_size(again) != json_array_size(rows)) abort();
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const char *key;
        json_t *value;
        json_object_foreach(json_array_get(rows, i), key, value) {
            if (*key && !json_equal(value, json_object_get(json_array_get(again, i), key))) abort();
        }
    }
    json_decref(again);
    lofi_buffer_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_t *rows = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    if (lofi_exchange_read(&rows, fuzz_file(data, size), &err) != LOFI_OK) return 0;
    forget_lines(rows);
    if (is_csv(rows)) write_and_read(rows);
    json_decref(rows);
    return 0;
}
