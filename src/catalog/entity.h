/* entity.h - the things that are known about songs and adapters, each with its JSON Schema in config/schemas/.
 *
 * To add one: write config/schemas/NAME.schema.json (base/schema.h says what may stand in it) and one line here and in entity.c.
 * What a schema cannot say (a date in the future, a style that does not exist) is checked by who reads the file.
 */
#ifndef LOFI_CATALOG_ENTITY_H
#define LOFI_CATALOG_ENTITY_H

#include <jansson.h>

#include "base/document.h"
#include "base/error.h"

typedef enum lofi_entity {
    LOFI_ENTITY_TRACK,
    LOFI_ENTITY_STYLE_PRESET,
    LOFI_ENTITY_SOURCE_RECORD,
    LOFI_ENTITY_CHECKPOINT,
    LOFI_ENTITY_QUALITY_METRICS,
    LOFI_ENTITY_DATASET,
    LOFI_ENTITY_TAG_CATEGORY,
    LOFI_ENTITY_QUALITY_SCORE,
    LOFI_ENTITY_STYLE_MAPPING
} lofi_entity;
enum { LOFI_ENTITIES = LOFI_ENTITY_STYLE_MAPPING + 1 };

/* "track": the name of the schema file up to its first dot. */
const char *lofi_entity_name(lofi_entity entity);

/* Checks a value that stands at `pointer` (JSON pointer, "" for the whole) of a document: LOFI_ERR_FORMAT names file, line, field,
 * rule and the value found. */
lofi_code lofi_entity_check(lofi_entity entity, const json_t *value, const lofi_document *document, const char *pointer,
                            lofi_error *err) LOFI_MUST_USE;
/* The same for every entry of the list `member` of the document's root, which must be an object with that list. */
lofi_code lofi_entity_check_list(lofi_entity entity, const lofi_document *document, const char *member,
                                 lofi_error *err) LOFI_MUST_USE;
/* A value that is about to be written; `what` names it in the message, which then has no line. */
lofi_code lofi_entity_check_new(lofi_entity entity, const json_t *value, const char *what,
                                lofi_error *err) LOFI_MUST_USE;

/* A date of ISO 8601, YYYY-MM-DD with or without a time, that exists and is not in the future (a day ahead is let pass: it may be
 * tomorrow already where it was written). NULL when it is right, else what is wrong with it. */
const char *lofi_date_fault(const char *date);

#endif
