/* schema.c - a schema compiled into a tree of rules, and values walked along it. */
#include "base/schema.h"

#include <assert.h>
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/utf8.h"

enum {
    IS_OBJECT = 1,
    IS_ARRAY = 2,
    IS_STRING = 4,
    IS_INTEGER = 8,
    IS_NUMBER = 16,
    IS_BOOLEAN = 32,
    IS_NULL = 64,
    MAX_DEPTH = 32
};

/* What one schema demands; NULL and -1 stand for "nothing said". */
typedef struct rules {
    unsigned types;                              /* 0: any */
    const json_t *allowed, *constant, *required; /* borrowed from the document */
    struct rules *properties;                    /* property_names[i] goes with properties[i] */
    const char **property_names;
    size_t property_count;
    struct rules *additional, *items, *when, *then, *otherwise;
    bool closed, unique; /* additionalProperties false; uniqueItems */
    json_int_t min_items, max_items, min_length, max_length;
    double minimum, maximum;
    const char *pattern_text;
    regex_t *pattern;
} rules;

struct lofi_schema {
    json_t *document;
    lofi_arena *arena;
    rules root;
    regex_t *patterns[64]; /* to be freed */
    size_t pattern_count;
    const char *name;
};

/* ---- reading a schema ---- */

static const struct {
    const char *word;
    unsigned bit;
} type_words[] = {{"object", IS_OBJECT}, {"array", IS_ARRAY},     {"string", IS_STRING}, {"integer", IS_INTEGER},
                  {"number", IS_NUMBER}, {"boolean", IS_BOOLEAN}, {"null", IS_NULL}};
#define COUNT(array) (sizeof(array) / sizeof *(array))

static lofi_code bad_keyword(const lofi_schema *schema, const char *keyword, lofi_error *err) {
    return lofi_fail(err, LOFI_ERR_FORMAT, "schema '%s': the value of '%s' makes no sense", schema->name, keyword);
}

static unsigned type_bit(const char *word) {
    for (size_t i = 0; word && i < COUNT(type_words); i++)
        if (strcmp(type_words[i].word, word) == 0) return type_words[i].bit;
    return 0;
}

static lofi_code read_type(lofi_schema *schema, rules *out, const json_t *value, lofi_error *err) {
    size_t count = json_is_array(value) ? json_array_size(value) : 1;
    for (size_t i = 0; i < count; i++) {
        unsigned bit = type_bit(json_string_value(json_is_array(value) ? json_array_get(value, i) : value));
        if (!bit) return bad_keyword(schema, "type", err);
        out->types |= bit;
    }
    return LOFI_OK;
}

static lofi_code read_pattern(lofi_schema *schema, rules *out, const json_t *value, lofi_error *err) {
    out->pattern_text = json_string_value(value);
    if (!out->pattern_text || schema->pattern_count == COUNT(schema->patterns))
        return bad_keyword(schema, "pattern", err);
    regex_t *pattern = lofi_arena_alloc(schema->arena, sizeof *pattern);
    if (!pattern) return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a schema");
    if (regcomp(pattern, out->pattern_text, REG_EXTENDED | REG_NOSUB) != 0) return bad_keyword(schema, "pattern", err);
    schema->patterns[schema->pattern_count++] = pattern;
    out->pattern = pattern;
    return LOFI_OK;
}

static lofi_code read_rules(lofi_schema *schema, rules *out, const json_t *value, int depth, lofi_error *err);

static lofi_code read_inner(lofi_schema *schema, rules **out, const json_t *value, int depth, lofi_error *err) {
    *out = lofi_arena_alloc(schema->arena, sizeof **out);
    if (!*out) return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a schema");
    return read_rules(schema, *out, value, depth + 1, err);
}

static lofi_code read_properties(lofi_schema *schema, rules *out, const json_t *value, int depth, lofi_error *err) {
    const char *name;
    json_t *inner;
    size_t count = json_object_size(value);
    out->properties = lofi_arena_alloc(schema->arena, (count + 1) * sizeof *out->properties);
    out->property_names = lofi_arena_alloc(schema->arena, (count + 1) * sizeof *out->property_names);
    if (!out->properties || !out->property_names) return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a schema");
    json_object_foreach((json_t *)value, name, inner) {
        out->property_names[out->property_count] = name;
        LOFI_TRY(read_rules(schema, &out->properties[out->property_count++], inner, depth + 1, err));
    }
    return LOFI_OK;
}

/* The keywords whose value is a schema. *known: this was one of them. */
static lofi_code read_nested(bool *known, lofi_schema *schema, rules *out, const char *word, const json_t *value,
                             int depth, lofi_error *err) {
    struct {
        const char *word;
        rules **at;
    } nested[] = {{"items", &out->items},
                  {"if", &out->when},
                  {"then", &out->then},
                  {"else", &out->otherwise},
                  {"additionalProperties", &out->additional}};
    *known = true;
    if (strcmp(word, "properties") == 0) return read_properties(schema, out, value, depth, err);
    if (strcmp(word, "additionalProperties") == 0 && json_is_boolean(value)) {
        out->closed = json_is_false(value);
        return LOFI_OK;
    }
    for (size_t i = 0; i < COUNT(nested); i++)
        if (strcmp(word, nested[i].word) == 0) return read_inner(schema, nested[i].at, value, depth, err);
    *known = false;
    return LOFI_OK;
}

static bool read_limit(rules *out, const char *word, const json_t *value) {
    struct {
        const char *word;
        json_int_t *at;
    } counts[] = {{"minItems", &out->min_items},
                  {"maxItems", &out->max_items},
                  {"minLength", &out->min_length},
                  {"maxLength", &out->max_length}};
    for (size_t i = 0; i < COUNT(counts); i++)
        if (strcmp(word, counts[i].word) == 0 && json_is_integer(value)) {
            *counts[i].at = json_integer_value(value);
            return true;
        }
    double *limit = strcmp(word, "minimum") == 0 ? &out->minimum : strcmp(word, "maximum") == 0 ? &out->maximum : NULL;
    if (limit && json_is_number(value)) *limit = json_number_value(value);
    return limit && json_is_number(value);
}

static bool read_plain(rules *out, const char *word, const json_t *value) {
    static const char *const passed_over[] = {"$schema",     "$id",     "$comment", "title",
                                              "description", "default", "examples"};
    for (size_t i = 0; i < COUNT(passed_over); i++)
        if (strcmp(word, passed_over[i]) == 0) return true;
    if (strcmp(word, "enum") == 0 && json_is_array(value)) return (out->allowed = value) != NULL;
    if (strcmp(word, "const") == 0) return (out->constant = value) != NULL;
    if (strcmp(word, "required") == 0 && json_is_array(value)) return (out->required = value) != NULL;
    if (strcmp(word, "uniqueItems") == 0 && json_is_boolean(value)) {
        out->unique = json_is_true(value);
        return true;
    }
    return read_limit(out, word, value);
}

static lofi_code read_keyword(lofi_schema *schema, rules *out, const char *word, const json_t *value, int depth,
                              lofi_error *err) {
    bool known;
    if (strcmp(word, "type") == 0) return read_type(schema, out, value, err);
    if (strcmp(word, "pattern") == 0) return read_pattern(schema, out, value, err);
    if (read_plain(out, word, value)) return LOFI_OK;
    LOFI_TRY(read_nested(&known, schema, out, word, value, depth, err));
    if (known) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "schema '%s': the keyword '%s' with this value is not understood",
                     schema->name, word);
}

static lofi_code read_rules(lofi_schema *schema, rules *out, const json_t *value, int depth, lofi_error *err) {
    const char *word;
    json_t *inner;
    *out = (rules){.min_items = -1,
                   .max_items = -1,
                   .min_length = -1,
                   .max_length = -1,
                   .minimum = -INFINITY,
                   .maximum = INFINITY};
    if (!json_is_object(value) || depth > MAX_DEPTH)
        return lofi_fail(err, LOFI_ERR_FORMAT, "schema '%s': a schema is an object, at most %d deep", schema->name,
                         MAX_DEPTH);
    json_object_foreach((json_t *)value, word, inner) LOFI_TRY(read_keyword(schema, out, word, inner, depth, err));
    return LOFI_OK;
}

lofi_code lofi_schema_new(lofi_schema **out, const char *text, size_t size, const char *name, lofi_error *err) {
    lofi_schema *schema;
    LOFI_TRY(lofi_alloc((void **)&schema, 1, sizeof *schema, "a schema", err));
    lofi_code code = lofi_arena_new(&schema->arena, err);
    schema->name = name;
    if (code == LOFI_OK) code = lofi_json_parse(&schema->document, text, size, name, err);
    if (code == LOFI_OK) code = read_rules(schema, &schema->root, schema->document, 0, err);
    schema->name = "";
    if (code == LOFI_OK)
        *out = schema;
    else
        lofi_schema_free(schema);
    return code;
}

void lofi_schema_free(lofi_schema *schema) {
    if (!schema) return;
    for (size_t i = 0; i < schema->pattern_count; i++) regfree(schema->patterns[i]);
    json_decref(schema->document);
    lofi_arena_free(schema->arena);
    lofi_free(schema);
}

/* ---- checking a value ---- */

/* The way down to the value at hand. */
typedef struct place {
    const struct place *above;
    const char *key; /* NULL: index */
    size_t index;
} place;

typedef struct check {
    lofi_schema_fault *fault; /* NULL: nobody wants to know */
} check;

static void write_pointer(char *text, size_t size, const place *at) {
    char number[32];
    if (!at || !at->above) {
        text[0] = 0;
        return;
    }
    write_pointer(text, size, at->above);
    snprintf(number, sizeof number, "%zu", at->index);
    lofi_json_pointer_add(text, size, at->key ? at->key : number);
}

static void describe(char *text, size_t size, const json_t *value) {
    text[0] = 0;
    if (!value) return;
    switch (json_typeof(value)) {
    case JSON_OBJECT: snprintf(text, size, "an object"); break;
    case JSON_ARRAY: snprintf(text, size, "a list of %zu", json_array_size(value)); break;
    case JSON_STRING:
        snprintf(text, size, "'%.60s'%s", json_string_value(value), json_string_length(value) > 60 ? "..." : "");
        break;
    case JSON_INTEGER: snprintf(text, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value)); break;
    case JSON_REAL: snprintf(text, size, "%.15g", json_real_value(value)); break;
    case JSON_TRUE: snprintf(text, size, "true"); break;
    case JSON_FALSE: snprintf(text, size, "false"); break;
    case JSON_NULL: snprintf(text, size, "null"); break;
    }
}

LOFI_PRINTF(4, 5)
static bool refuse(const check *run, const place *at, const json_t *found, const char *rule, ...) {
    if (!run->fault) return false;
    va_list arguments;
    va_start(arguments, rule);
    vsnprintf(run->fault->rule, sizeof run->fault->rule, rule, arguments);
    va_end(arguments);
    write_pointer(run->fault->pointer, sizeof run->fault->pointer, at);
    describe(run->fault->found, sizeof run->fault->found, found);
    return false;
}

static unsigned types_of(const json_t *value) {
    switch (json_typeof(value)) {
    case JSON_OBJECT: return IS_OBJECT;
    case JSON_ARRAY: return IS_ARRAY;
    case JSON_STRING: return IS_STRING;
    case JSON_INTEGER: return IS_INTEGER | IS_NUMBER;
    case JSON_REAL: return trunc(json_real_value(value)) == json_real_value(value) ? IS_INTEGER | IS_NUMBER : IS_NUMBER;
    case JSON_TRUE:
    case JSON_FALSE: return IS_BOOLEAN;
    case JSON_NULL: return IS_NULL;
    }
    return 0;
}

static bool equal(const json_t *left, const json_t *right) {
    if (json_is_number(left) && json_is_number(right)) return json_number_value(left) == json_number_value(right);
    return json_equal(left, right);
}

/* "text, null" */
static void name_types(char *text, size_t size, unsigned types) {
    static const struct {
        unsigned bit;
        const char *word;
    } words[] = {
        {IS_OBJECT, "an object"}, {IS_ARRAY, "a list"},          {IS_STRING, "text"}, {IS_INTEGER, "a whole number"},
        {IS_NUMBER, "a number"},  {IS_BOOLEAN, "true or false"}, {IS_NULL, "null"}};
    text[0] = 0;
    for (size_t i = 0; i < COUNT(words); i++)
        if (types & words[i].bit)
            snprintf(text + strlen(text), size - strlen(text), "%s%s", text[0] ? " or " : "", words[i].word);
}

static bool check_type(const check *run, const rules *schema, const json_t *value, const place *at) {
    char names[128];
    if (!schema->types || schema->types & types_of(value)) return true;
    name_types(names, sizeof names, schema->types);
    return refuse(run, at, value, "must be %s", names);
}

static bool check_allowed(const check *run, const rules *schema, const json_t *value, const place *at) {
    char list[200] = "", word[64];
    if (schema->constant && !equal(schema->constant, value)) {
        describe(word, sizeof word, schema->constant);
        return refuse(run, at, value, "must be %s", word);
    }
    if (!schema->allowed) return true;
    for (size_t i = 0; i < json_array_size(schema->allowed); i++) {
        const json_t *one = json_array_get(schema->allowed, i);
        if (equal(one, value)) return true;
        describe(word, sizeof word, one);
        if (json_is_string(one)) snprintf(word, sizeof word, "%.60s", json_string_value(one));
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "", word);
    }
    return refuse(run, at, value, "must be one of: %s", list);
}

static bool check_text(const check *run, const rules *schema, const json_t *value, const place *at) {
    json_int_t length = (json_int_t)lofi_utf8_characters(json_string_value(value));
    if (schema->min_length >= 0 && length < schema->min_length)
        return length == 0 ? refuse(run, at, value, "must not be empty")
                           : refuse(run, at, value, "must have at least %d characters", (int)schema->min_length);
    if (schema->max_length >= 0 && length > schema->max_length)
        return refuse(run, at, value, "must have at most %d characters", (int)schema->max_length);
    if (schema->pattern && regexec(schema->pattern, json_string_value(value), 0, NULL, 0) != 0)
        return refuse(run, at, value, "must match %s", schema->pattern_text);
    return true;
}

static bool check_number(const check *run, const rules *schema, const json_t *value, const place *at) {
    double number = json_number_value(value);
    if (number < schema->minimum) return refuse(run, at, value, "must be at least %g", schema->minimum);
    if (number > schema->maximum) return refuse(run, at, value, "must be at most %g", schema->maximum);
    return true;
}

static bool check_value(const check *run, const rules *schema, const json_t *value, const place *at);

/* Texts are compared through a set, so that a list of thousands of track ids costs no square. */
static bool check_unique(const check *run, const json_t *list, const place *at) {
    json_t *texts = json_object();
    bool unique = true;
    for (size_t i = 0; unique && i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        bool twice = false;
        if (json_is_string(entry)) {
            twice = json_object_get(texts, json_string_value(entry)) != NULL;
            json_object_set_new(texts, json_string_value(entry), json_true());
        }
        for (size_t k = 0; !json_is_string(entry) && k < i; k++) twice = twice || equal(json_array_get(list, k), entry);
        const place inner = {at, NULL, i};
        if (twice) unique = refuse(run, &inner, entry, "is in the list twice");
    }
    json_decref(texts);
    return unique;
}

static bool check_list(const check *run, const rules *schema, const json_t *value, const place *at) {
    json_int_t count = (json_int_t)json_array_size(value);
    if (schema->min_items >= 0 && count < schema->min_items)
        return refuse(run, at, value, "must have at least %d %s", (int)schema->min_items,
                      schema->min_items == 1 ? "entry" : "entries");
    if (schema->max_items >= 0 && count > schema->max_items)
        return refuse(run, at, value, "must have at most %d entries", (int)schema->max_items);
    for (size_t i = 0; schema->items && i < (size_t)count; i++) {
        const place inner = {at, NULL, i};
        if (!check_value(run, schema->items, json_array_get(value, i), &inner)) return false;
    }
    return !schema->unique || check_unique(run, value, at);
}

static bool is_listed(const rules *schema, const char *key) {
    for (size_t i = 0; i < schema->property_count; i++)
        if (strcmp(schema->property_names[i], key) == 0) return true;
    return false;
}

static bool check_others(const check *run, const rules *schema, const json_t *value, const place *at) {
    const char *key;
    json_t *member;
    if (!schema->closed && !schema->additional) return true;
    json_object_foreach((json_t *)value, key, member) {
        const place inner = {at, key, 0};
        if (is_listed(schema, key)) continue;
        if (schema->closed) return refuse(run, &inner, member, "is not a known field");
        if (!check_value(run, schema->additional, member, &inner)) return false;
    }
    return true;
}

static bool check_object(const check *run, const rules *schema, const json_t *value, const place *at) {
    for (size_t i = 0; i < json_array_size(schema->required); i++) {
        const char *name = json_string_value(json_array_get(schema->required, i));
        const place inner = {at, name, 0};
        if (!json_object_get(value, name)) return refuse(run, &inner, NULL, "is missing");
    }
    for (size_t i = 0; i < schema->property_count; i++) {
        const json_t *member = json_object_get(value, schema->property_names[i]);
        const place inner = {at, schema->property_names[i], 0};
        if (member && !check_value(run, &schema->properties[i], member, &inner)) return false;
    }
    return check_others(run, schema, value, at);
}

static bool check_branches(const check *run, const rules *schema, const json_t *value, const place *at) {
    static const check silent = {NULL};
    if (!schema->when) return true;
    const rules *branch = check_value(&silent, schema->when, value, at) ? schema->then : schema->otherwise;
    return !branch || check_value(run, branch, value, at);
}

static bool check_value(const check *run, const rules *schema, const json_t *value, const place *at) {
    if (!check_type(run, schema, value, at) || !check_allowed(run, schema, value, at)) return false;
    bool right = json_is_string(value)   ? check_text(run, schema, value, at)
                 : json_is_number(value) ? check_number(run, schema, value, at)
                 : json_is_array(value)  ? check_list(run, schema, value, at)
                 : json_is_object(value) ? check_object(run, schema, value, at)
                                         : true;
    return right && check_branches(run, schema, value, at);
}

bool lofi_schema_accepts(const lofi_schema *schema, const json_t *value, lofi_schema_fault *fault) {
    const place root = {NULL, NULL, 0};
    const check run = {fault};
    return check_value(&run, &schema->root, value, &root);
}
