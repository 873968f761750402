/* JSON documents as metadata: every schema, the lines of every value, and the files of a metadata folder. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/document.h"
#include "base/json.h"
#include "base/schema.h"
#include "catalog/entity.h"
#include "catalog/metadata.h"
#include "fuzz.h"

/* A line is one of the text, and no value begins before the one around it. */
static void check_lines(const char *text, size_t size, const json_t *value, const char *pointer, size_t around,
                        int depth) {
    char inner[256];
    size_t line = lofi_json_line(text, size, pointer), last = 1, index;
    const char *key;
    json_t *member;
    for (size_t i = 0; i < size; i++) last += text[i] == '\n';
    if (line < around || line > last) abort();
    if (depth == 4) return;
    if (json_is_array(value)) json_array_foreach(value, index, member) {
            if (index == 8) return;
            snprintf(inner, sizeof inner, "%s/%zu", pointer, index);
            check_lines(text, size, member, inner, line, depth + 1);
        }
    json_object_foreach((json_t *)value, key, member) {
        if (strpbrk(key, "~/") || strlen(pointer) + strlen(key) + 2 > sizeof inner) continue;
        snprintf(inner, sizeof inner, "%s/%s", pointer, key);
        check_lines(text, size, member, inner, line, depth + 1);
    }
}

static void read_as_metadata(const uint8_t *data, size_t size) {
    for (int kind = 0; kind < LOFI_METADATA_KINDS; kind++) {
        lofi_document document = {0};
        lofi_error err = LOFI_ERROR_INIT;
        lofi_code code = lofi_metadata_load(&document, fuzz_file(data, size), (lofi_metadata_kind)kind, &err);
        if (code == LOFI_OK && lofi_metadata_save(NULL, &document, (lofi_metadata_kind)kind, true, &err) != LOFI_OK)
            abort();
        lofi_document_free(&document);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_document document = {0};
    lofi_schema *schema = NULL;
    lofi_schema_fault fault;
    if (lofi_document_load(&document, fuzz_file(data, size), &err) == LOFI_OK) {
        for (int i = 0; i < LOFI_ENTITIES; i++)
            if (lofi_entity_check((lofi_entity)i, document.root, &document, "", &err) != LOFI_OK) fuzz_use(err.message);
        check_lines(lofi_buffer_str(&document.text), document.text.size, document.root, "", 1, 0);
    }
    /* The same document as a schema, of itself. */
    if (lofi_schema_new(&schema, (const char *)data, size, "fuzz", &err) == LOFI_OK)
        if (!lofi_schema_accepts(schema, document.root ? document.root : json_null(), &fault)) fuzz_use(fault.rule);
    lofi_schema_free(schema);
    lofi_document_free(&document);
    read_as_metadata(data, size);
    return 0;
}
