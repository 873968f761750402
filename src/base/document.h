/* document.h - a JSON file together with its text, so that a fault in it can name the line. */
#ifndef LOFI_BASE_DOCUMENT_H
#define LOFI_BASE_DOCUMENT_H

#include <jansson.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/schema.h"

typedef struct lofi_document {
    char *path;
    lofi_buffer text; /* as read */
    json_t *root;     /* may be changed; lines are those of the text */
} lofi_document;

/* Messages and limits as lofi_json_load. Free it in any case: lofi_document_free. */
lofi_code lofi_document_load(lofi_document *out, const char *path, lofi_error *err) LOFI_MUST_USE;
/* A document that is not on the disk yet: takes the reference to `root`. */
lofi_code lofi_document_new(lofi_document *out, const char *path, json_t *root, lofi_error *err) LOFI_MUST_USE;
void lofi_document_free(lofi_document *document); /* zeroes it; fine on a zeroed one */

/* The line (from 1) on which the value at a JSON pointer begins; of the nearest value around it where there is none. */
size_t lofi_json_line(const char *text, size_t size, const char *pointer);

/* LOFI_ERR_FORMAT: "'FILE' line 12: sources[2].cost: ...", with the place that a JSON pointer says. */
lofi_code lofi_document_fail(const lofi_document *document, lofi_error *err, const char *pointer, const char *format,
                             ...) LOFI_PRINTF(4, 5);

/* Checks `value`, which stands at `pointer` of the document, against a schema: LOFI_ERR_FORMAT names file, line, field, rule and
 * the value found. */
lofi_code lofi_document_check(const lofi_document *document, const lofi_schema *schema, const json_t *value,
                              const char *pointer, lofi_error *err) LOFI_MUST_USE;

#endif
