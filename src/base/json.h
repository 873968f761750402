/* json.h - reading and writing JSON through Jansson, with errors that name file, line, field and rule.
 *
 * Values are Jansson's (json_t, reference counted): this header adds loading, getters with messages, and writing whole.
 */
#ifndef LOFI_BASE_JSON_H
#define LOFI_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

/* *out is yours (json_decref). Messages: "'f.json' line 3: ...". Duplicate keys are refused. */
lofi_code lofi_json_load(json_t **out, const char *path, lofi_error *err) LOFI_MUST_USE;
/* `name` stands for the file in messages. */
lofi_code lofi_json_parse(json_t **out, const char *text, size_t size, const char *name, lofi_error *err) LOFI_MUST_USE;
/* Indented by 2, keys in the order of insertion, a newline at the end; written whole or not at all. */
lofi_code lofi_json_save(const json_t *value, const char *path, lofi_error *err) LOFI_MUST_USE;
/* A number, or null where it is not finite: JSON has no word for that. The reference is yours. */
json_t *lofi_json_finite(double value);
/* A name of a file, or a text that quotes one: as it is, or with '?' for each byte of 0x80 and above where it is not UTF-8. The
 * reference is yours. */
json_t *lofi_json_name(const char *text);
/* Appends to a buffer: indented or on one line. Numbers are written so that they read back exactly. */
lofi_code lofi_json_print(lofi_buffer *buffer, const json_t *value, bool indented, lofi_error *err) LOFI_MUST_USE;

/* Members of an object. The plain form fails when the key is missing or of another type; the `_or` form takes the
 * default when it is missing or null, and fails on another type. `where` names the object in messages
 * ("config.json"). Strings and values are borrowed. Integers given as 3.0 are taken. */
lofi_code lofi_json_string(const char **out, const json_t *object, const char *key, const char *where,
                           lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_json_string_or(const char **out, const json_t *object, const char *key, const char *value,
                              const char *where, lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_json_int(int64_t *out, const json_t *object, const char *key, int64_t min, int64_t max,
                        const char *where, lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_json_int_or(int64_t *out, const json_t *object, const char *key, int64_t value, int64_t min, int64_t max,
                           const char *where, lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_json_number(double *out, const json_t *object, const char *key, const char *where,
                           lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_json_number_or(double *out, const json_t *object, const char *key, double value, const char *where,
                              lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_json_bool_or(bool *out, const json_t *object, const char *key, bool value, const char *where,
                            lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_json_array(const json_t **out, const json_t *object, const char *key, const char *where,
                          lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_json_object(const json_t **out, const json_t *object, const char *key, const char *where,
                           lofi_error *err) LOFI_MUST_USE;
/* An array of integers into `values`; *count on entry the capacity, on return the length. */
lofi_code lofi_json_int_array(int64_t *values, size_t *count, const json_t *object, const char *key, const char *where,
                              lofi_error *err) LOFI_MUST_USE;

/* The text under a key, borrowed; NULL when there is none. */
const char *lofi_json_text(const json_t *object, const char *key);
/* Whether an entry of the array equals the value. */
bool lofi_json_holds(const json_t *array, const json_t *value);
/* One more under a key of an object of counts. */
void lofi_json_count_up(json_t *counts, const char *key);
/* Appends "/KEY", escaped as RFC 6901 has it, to the JSON pointer in `pointer`, or as much of it as fits. */
void lofi_json_pointer_add(char *pointer, size_t size, const char *key);

#endif
