/* document.c - see document.h. */
#include "base/document.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

#define MAX_FILE_BYTES ((size_t)1 << 30)

lofi_code lofi_document_new(lofi_document *out, const char *path, json_t *root, lofi_error *err) {
    *out = (lofi_document){.path = strdup(path), .text = LOFI_BUFFER_INIT, .root = root};
    if (out->path && root) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for '%s'", path);
}

lofi_code lofi_document_load(lofi_document *out, const char *path, lofi_error *err) {
    *out = (lofi_document){.path = strdup(path), .text = LOFI_BUFFER_INIT};
    if (!out->path) return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for '%s'", path);
    LOFI_TRY(lofi_file_read(&out->text, path, MAX_FILE_BYTES, err));
    return lofi_json_parse(&out->root, lofi_buffer_str(&out->text), out->text.size, path, err);
}

void lofi_document_free(lofi_document *document) {
    json_decref(document->root);
    lofi_buffer_free(&document->text);
    free(document->path);
    *document = (lofi_document){0};
}

/* ---- lines: a walk over text that has been parsed before, so that its form is known to be right ---- */

typedef struct walk {
    const char *at, *end;
} walk;

static void skip_space(walk *text) {
    while (text->at < text->end && strchr(" \t\r\n", *text->at)) text->at++;
}

static void skip_string(walk *text) {
    for (text->at++; text->at < text->end && *text->at != '"'; text->at++)
        if (*text->at == '\\') text->at++;
    if (text->at < text->end) text->at++;
}

static void skip_value(walk *text) {
    size_t depth = 0;
    do {
        skip_space(text);
        if (text->at >= text->end) return;
        if (*text->at == '"') {
            skip_string(text);
        } else if (strchr("{[", *text->at)) {
            depth++;
            text->at++;
        } else if (strchr("}]", *text->at)) {
            depth--;
            text->at++;
        } else if (strchr(",:", *text->at)) {
            text->at++;
        } else {
            while (text->at < text->end && !strchr(",:]} \t\r\n", *text->at)) text->at++;
        }
    } while (depth > 0);
}

/* The segment of a pointer at `*pointer`, unescaped; moves on behind it. */
static void next_segment(char *out, size_t size, const char **pointer) {
    size_t used = 0;
    for ((*pointer)++; **pointer && **pointer != '/'; (*pointer)++) {
        char c = **pointer;
        if (c == '~' && (*pointer)[1]) c = *++*pointer == '1' ? '/' : '~';
        if (used + 1 < size) out[used++] = c;
    }
    out[used] = 0;
}

static bool key_is(const char *from, const char *end, const char *wanted) {
    json_t *key = json_loadb(from, (size_t)(end - from), JSON_DECODE_ANY, NULL);
    bool same = key && strcmp(json_string_value(key), wanted) == 0;
    json_decref(key);
    return same;
}

static bool enter_object(walk *text, const char *wanted) {
    walk inner = {text->at + 1, text->end};
    for (skip_space(&inner); inner.at < inner.end && *inner.at == '"'; skip_space(&inner)) {
        const char *key = inner.at;
        skip_string(&inner);
        const char *key_end = inner.at;
        skip_space(&inner);
        if (inner.at < inner.end) inner.at++; /* the colon */
        skip_space(&inner);
        if (key_is(key, key_end, wanted)) {
            *text = inner;
            return true;
        }
        skip_value(&inner);
        skip_space(&inner);
        if (inner.at < inner.end && *inner.at == ',') inner.at++;
    }
    return false;
}

static bool enter_array(walk *text, size_t index) {
    walk inner = {text->at + 1, text->end};
    for (skip_space(&inner); inner.at < inner.end && *inner.at != ']'; skip_space(&inner)) {
        if (index-- == 0) {
            *text = inner;
            return true;
        }
        skip_value(&inner);
        skip_space(&inner);
        if (inner.at < inner.end && *inner.at == ',') inner.at++;
    }
    return false;
}

size_t lofi_json_line(const char *text, size_t size, const char *pointer) {
    walk place = {text, text + size};
    char segment[512];
    bool found = true;
    skip_space(&place);
    while (found && *pointer == '/') {
        next_segment(segment, sizeof segment, &pointer);
        found = place.at < place.end &&
                (*place.at == '{' ? enter_object(&place, segment)
                                  : *place.at == '[' && enter_array(&place, strtoul(segment, NULL, 10)));
        if (found) skip_space(&place);
    }
    size_t line = 1;
    for (const char *at = text; at < place.at; at++) line += *at == '\n';
    return line;
}

/* ---- faults ---- */

/* "/sources/2/cost" as people write it: sources[2].cost */
static void show_pointer(char *out, size_t size, const char *pointer) {
    char segment[512];
    size_t used = 0;
    out[0] = 0;
    while (*pointer == '/' && used < size) {
        next_segment(segment, sizeof segment, &pointer);
        bool number = segment[0] && strspn(segment, "0123456789") == strlen(segment);
        const char *before = number ? "[" : used ? "." : "", *behind = number ? "]" : "";
        used += (size_t)snprintf(out + used, size - used, "%s%s%s", before, segment, behind);
    }
}

lofi_code lofi_document_fail(const lofi_document *document, lofi_error *err, const char *pointer, const char *format,
                             ...) {
    char field[512], message[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    show_pointer(field, sizeof field, pointer);
    if (document->text.size == 0)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s': %s%s%s", document->path, field, field[0] ? ": " : "", message);
    return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' line %zu: %s%s%s", document->path,
                     lofi_json_line(lofi_buffer_str(&document->text), document->text.size, pointer), field,
                     field[0] ? ": " : "", message);
}

lofi_code lofi_document_check(const lofi_document *document, const lofi_schema *schema, const json_t *value,
                              const char *pointer, lofi_error *err) {
    lofi_schema_fault fault;
    char place[1024];
    if (lofi_schema_accepts(schema, value, &fault)) return LOFI_OK;
    snprintf(place, sizeof place, "%s%s", pointer, fault.pointer);
    if (!fault.found[0]) return lofi_document_fail(document, err, place, "%s", fault.rule);
    return lofi_document_fail(document, err, place, "%s, found %s", fault.rule, fault.found);
}
