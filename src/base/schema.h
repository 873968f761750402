/* schema.h - JSON Schema (draft 2020-12), as far as our schema files use it.
 *
 * Understood:  type (a word or a list), enum, const, required, properties, additionalProperties (a schema, or false), items,
 *              minItems, maxItems, uniqueItems, minLength, maxLength, minimum, maximum, pattern (what POSIX extended and
 *              ECMA 262 regular expressions have in common), if / then / else
 * Passed over: $schema, $id, $comment, title, description, default, examples
 * Any other keyword is refused when the schema is read: no rule is left out in silence. A number such as 3.0 is an integer, and
 * lengths of texts are in Unicode characters, as the specification says.
 *
 * Source: https://json-schema.org/draft/2020-12/json-schema-validation
 */
#ifndef LOFI_BASE_SCHEMA_H
#define LOFI_BASE_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

typedef struct lofi_schema lofi_schema;

/* `name` stands for the schema in messages. LOFI_ERR_UNSUPPORTED for a keyword that is not listed above, LOFI_ERR_FORMAT for one
 * whose value makes no sense. *out is yours. */
lofi_code lofi_schema_new(lofi_schema **out, const char *text, size_t size, const char *name,
                          lofi_error *err) LOFI_MUST_USE;
void lofi_schema_free(lofi_schema *schema); /* NULL is fine */

/* The first rule that a value breaks. */
typedef struct lofi_schema_fault {
    char pointer[512]; /* where, as a JSON pointer (RFC 6901): "/track_ids/2"; "" is the value itself */
    char rule[256];    /* "must be at least 30"; "is missing" */
    char found[96];    /* the value found there, short: "12", "'x'", "a list of 3"; "" where something is missing */
} lofi_schema_fault;

/* Whether a value keeps every rule; else *fault says which not. */
bool lofi_schema_accepts(const lofi_schema *schema, const json_t *value, lofi_schema_fault *fault);

#endif
