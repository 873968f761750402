/* json.c - see json.h. */
#include "base/json.h"

#include <math.h>

#include "base/file.h"

#define MAX_FILE_BYTES ((size_t)1 << 30)

/* ---- reading ---- */

lofi_code lofi_json_parse(json_t **out, const char *text, size_t size, const char *name, lofi_error *err) {
    json_error_t problem;
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    if (value == NULL) {
        bool memory = json_error_code(&problem) == json_error_out_of_memory;
        return lofi_fail(err, memory ? LOFI_ERR_MEMORY : LOFI_ERR_FORMAT, "'%s' line %d: %s", name,
                         problem.line > 0 ? problem.line : 1, problem.text);
    }
    *out = value;
    return LOFI_OK;
}

lofi_code lofi_json_load(json_t **out, const char *path, lofi_error *err) {
    lofi_buffer buffer = LOFI_BUFFER_INIT;
    lofi_code code = lofi_file_read(&buffer, path, MAX_FILE_BYTES, err);
    if (code == LOFI_OK) code = lofi_json_parse(out, lofi_buffer_str(&buffer), buffer.size, path, err);
    lofi_buffer_free(&buffer);
    return code;
}

/* ---- writing ---- */

static void print_text(lofi_buffer *buffer, const char *text, size_t size) {
    lofi_buffer_text(buffer, "\"");
    size_t plain = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) continue;
        lofi_buffer_append(buffer, text + plain, i - plain);
        plain = i + 1;
        if (c == '"' || c == '\\')
            lofi_buffer_printf(buffer, "\\%c", c);
        else if (c == '\n')
            lofi_buffer_text(buffer, "\\n");
        else if (c == '\t')
            lofi_buffer_text(buffer, "\\t");
        else
            lofi_buffer_printf(buffer, "\\u%04x", c);
    }
    lofi_buffer_append(buffer, text + plain, size - plain);
    lofi_buffer_text(buffer, "\"");
}

/* The shortest of 15 to 17 digits that reads back as the same number, always recognisable as a real. */
static void print_real(lofi_buffer *buffer, double value) {
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    if (strpbrk(text, ".e") == NULL) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, ".0");
    }
    lofi_buffer_text(buffer, text);
}

static void print_break(lofi_buffer *buffer, bool indented, int depth) {
    if (indented) lofi_buffer_printf(buffer, "\n%*s", 2 * depth, "");
}

static void print_value(lofi_buffer *buffer, const json_t *value, bool indented, int depth);

static void print_array(lofi_buffer *buffer, const json_t *array, bool indented, int depth) {
    size_t count = json_array_size(array);
    /* An array of plain numbers stays on one line: shapes and the like are read as one thing. */
    bool plain = true;
    for (size_t i = 0; i < count; i++) plain = plain && json_is_number(json_array_get(array, i));
    lofi_buffer_text(buffer, "[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0) lofi_buffer_text(buffer, indented && !plain ? "," : ", ");
        if (!plain) print_break(buffer, indented, depth + 1);
        print_value(buffer, json_array_get(array, i), indented, depth + 1);
    }
    if (!plain) print_break(buffer, indented, depth);
    lofi_buffer_text(buffer, "]");
}

static void print_object(lofi_buffer *buffer, const json_t *object, bool indented, int depth) {
    json_t *mutable = (json_t *)(uintptr_t)object; /* the iterator of Jansson is not const-correct */
    const char *key;
    json_t *member;
    bool first = true;
    lofi_buffer_text(buffer, "{");
    json_object_foreach(mutable, key, member) {
        if (!first) lofi_buffer_text(buffer, indented ? "," : ", ");
        first = false;
        print_break(buffer, indented, depth + 1);
        print_text(buffer, key, strlen(key));
        lofi_buffer_text(buffer, ": ");
        print_value(buffer, member, indented, depth + 1);
    }
    if (!first) print_break(buffer, indented, depth);
    lofi_buffer_text(buffer, "}");
}

static void print_value(lofi_buffer *buffer, const json_t *value, bool indented, int depth) {
    if (buffer->failed != LOFI_OK) return;
    switch (json_typeof(value)) {
    case JSON_OBJECT: print_object(buffer, value, indented, depth); break;
    case JSON_ARRAY: print_array(buffer, value, indented, depth); break;
    case JSON_STRING: print_text(buffer, json_string_value(value), json_string_length(value)); break;
    case JSON_INTEGER: lofi_buffer_printf(buffer, "%" JSON_INTEGER_FORMAT, json_integer_value(value)); break;
    case JSON_REAL: print_real(buffer, json_real_value(value)); break;
    case JSON_TRUE: lofi_buffer_text(buffer, "true"); break;
    case JSON_FALSE: lofi_buffer_text(buffer, "false"); break;
    case JSON_NULL: lofi_buffer_text(buffer, "null"); break;
    }
}

json_t *lofi_json_finite(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *lofi_json_name(const char *text) {
    json_t *value = json_string(text);
    if (value != NULL) return value;
    char *copy = strdup(text);
    for (char *at = copy; copy != NULL && *at != '\0'; at++)
        if ((unsigned char)*at >= 0x80) *at = '?';
    value = json_string(copy == NULL ? "" : copy);
    free(copy);
    return value;
}

lofi_code lofi_json_print(lofi_buffer *buffer, const json_t *value, bool indented, lofi_error *err) {
    if (value == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate a JSON document");
    print_value(buffer, value, indented, 0);
    return lofi_buffer_check(buffer, err);
}

lofi_code lofi_json_save(const json_t *value, const char *path, lofi_error *err) {
    lofi_buffer buffer = LOFI_BUFFER_INIT;
    lofi_code code = lofi_json_print(&buffer, value, true, err);
    lofi_buffer_text(&buffer, "\n");
    if (code == LOFI_OK) code = lofi_buffer_check(&buffer, err);
    if (code == LOFI_OK)
        code = lofi_file_write(path, buffer.data, buffer.size, err);
    else
        lofi_error_prefix(err, "cannot write '%s'", path);
    lofi_buffer_free(&buffer);
    return code;
}

/* ---- members ---- */

static const char *type_name(const json_t *value) {
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a string";
    case JSON_INTEGER: return "an integer";
    case JSON_REAL: return "a number with a fraction";
    case JSON_TRUE:
    case JSON_FALSE: return "true or false";
    case JSON_NULL: return "null";
    }
    return "something unknown";
}

static lofi_code wrong_type(const json_t *value, const char *key, const char *wanted, const char *where,
                            lofi_error *err) {
    return lofi_fail(err, LOFI_ERR_FORMAT, "%s: '%s' must be %s, but is %s", where, key, wanted, type_name(value));
}

/* NULL in *out when the key is missing or null and that is allowed. */
static lofi_code member(const json_t **out, const json_t *object, const char *key, bool optional, const char *where,
                        lofi_error *err) {
    if (!json_is_object(object))
        return lofi_fail(err, LOFI_ERR_FORMAT, "%s: expected an object with '%s', but found %s", where, key,
                         object == NULL ? "nothing" : type_name(object));
    const json_t *value = json_object_get(object, key);
    if (value != NULL && json_is_null(value) && optional) value = NULL;
    if (value == NULL && !optional) return lofi_fail(err, LOFI_ERR_FORMAT, "%s: '%s' is missing", where, key);
    *out = value;
    return LOFI_OK;
}

lofi_code lofi_json_string(const char **out, const json_t *object, const char *key, const char *where,
                           lofi_error *err) {
    const json_t *value;
    LOFI_TRY(member(&value, object, key, false, where, err));
    if (!json_is_string(value)) return wrong_type(value, key, "a string", where, err);
    *out = json_string_value(value);
    return LOFI_OK;
}

lofi_code lofi_json_string_or(const char **out, const json_t *object, const char *key, const char *fallback,
                              const char *where, lofi_error *err) {
    const json_t *value;
    LOFI_TRY(member(&value, object, key, true, where, err));
    if (value != NULL) return lofi_json_string(out, object, key, where, err);
    *out = fallback;
    return LOFI_OK;
}

static bool as_integer(const json_t *value, int64_t *out) {
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return true;
    }
    double real = json_real_value(value);
    if (!json_is_real(value) || real != floor(real) || fabs(real) > 9007199254740992.0) return false;
    *out = (int64_t)real;
    return true;
}

lofi_code lofi_json_int(int64_t *out, const json_t *object, const char *key, int64_t min, int64_t max,
                        const char *where, lofi_error *err) {
    const json_t *value;
    int64_t number;
    LOFI_TRY(member(&value, object, key, false, where, err));
    if (!as_integer(value, &number)) return wrong_type(value, key, "an integer", where, err);
    if (number < min || number > max)
        return lofi_fail(err, LOFI_ERR_FORMAT, "%s: '%s' is %lld, but must be between %lld and %lld", where, key,
                         (long long)number, (long long)min, (long long)max);
    *out = number;
    return LOFI_OK;
}

lofi_code lofi_json_int_or(int64_t *out, const json_t *object, const char *key, int64_t fallback, int64_t min,
                           int64_t max, const char *where, lofi_error *err) {
    const json_t *value;
    LOFI_TRY(member(&value, object, key, true, where, err));
    if (value != NULL) return lofi_json_int(out, object, key, min, max, where, err);
    *out = fallback;
    return LOFI_OK;
}

lofi_code lofi_json_number(double *out, const json_t *object, const char *key, const char *where, lofi_error *err) {
    const json_t *value;
    LOFI_TRY(member(&value, object, key, false, where, err));
    if (!json_is_number(value)) return wrong_type(value, key, "a number", where, err);
    *out = json_number_value(value);
    return LOFI_OK;
}

lofi_code lofi_json_number_or(double *out, const json_t *object, const char *key, double fallback, const char *where,
                              lofi_error *err) {
    const json_t *value;
    LOFI_TRY(member(&value, object, key, true, where, err));
    if (value != NULL) return lofi_json_number(out, object, key, where, err);
    *out = fallback;
    return LOFI_OK;
}

lofi_code lofi_json_bool_or(bool *out, const json_t *object, const char *key, bool fallback, const char *where,
                            lofi_error *err) {
    const json_t *value;
    LOFI_TRY(member(&value, object, key, true, where, err));
    if (value != NULL && !json_is_boolean(value)) return wrong_type(value, key, "true or false", where, err);
    *out = value == NULL ? fallback : json_is_true(value);
    return LOFI_OK;
}

lofi_code lofi_json_array(const json_t **out, const json_t *object, const char *key, const char *where,
                          lofi_error *err) {
    const json_t *value;
    LOFI_TRY(member(&value, object, key, false, where, err));
    if (!json_is_array(value)) return wrong_type(value, key, "an array", where, err);
    *out = value;
    return LOFI_OK;
}

lofi_code lofi_json_object(const json_t **out, const json_t *object, const char *key, const char *where,
                           lofi_error *err) {
    const json_t *value;
    LOFI_TRY(member(&value, object, key, false, where, err));
    if (!json_is_object(value)) return wrong_type(value, key, "an object", where, err);
    *out = value;
    return LOFI_OK;
}

lofi_code lofi_json_int_array(int64_t *values, size_t *count, const json_t *object, const char *key, const char *where,
                              lofi_error *err) {
    const json_t *array;
    LOFI_TRY(lofi_json_array(&array, object, key, where, err));
    size_t length = json_array_size(array);
    if (length > *count)
        return lofi_fail(err, LOFI_ERR_FORMAT, "%s: '%s' has %zu items, but at most %zu are allowed", where, key,
                         length, *count);
    for (size_t i = 0; i < length; i++) {
        int64_t number;
        if (!as_integer(json_array_get(array, i), &number))
            return lofi_fail(err, LOFI_ERR_FORMAT, "%s: item %zu of '%s' must be an integer", where, i, key);
    }
    for (size_t i = 0; i < length; i++)
        if (!as_integer(json_array_get(array, i), &values[i])) break;
    *count = length;
    return LOFI_OK;
}

/* ---- small questions ---- */

const char *lofi_json_text(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

bool lofi_json_holds(const json_t *array, const json_t *value) {
    for (size_t i = 0; i < json_array_size(array); i++)
        if (json_equal(json_array_get(array, i), value)) return true;
    return false;
}

void lofi_json_count_up(json_t *counts, const char *key) {
    json_object_set_new(counts, key, json_integer(json_integer_value(json_object_get(counts, key)) + 1));
}

void lofi_json_pointer_add(char *pointer, size_t size, const char *key) {
    size_t used = strlen(pointer);
    used += (size_t)snprintf(pointer + used, size - used, "/");
    for (; *key && used + 3 < size; key++) {
        const char *escaped = *key == '~' ? "~0" : *key == '/' ? "~1" : NULL;
        used += (size_t)(escaped ? snprintf(pointer + used, size - used, "%s", escaped)
                                 : snprintf(pointer + used, size - used, "%c", *key));
    }
}
