/* sources.h - where tracks come from, and whether a model may be trained on them.
 *
 * File (sources.json): {"sources": [SourceRecord, ...]}, see config/schemas/source_record.schema.json. A track may be named by
 * several records: then each of them must permit.
 */
#ifndef LOFI_CATALOG_SOURCES_H
#define LOFI_CATALOG_SOURCES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/document.h"
#include "base/error.h"

typedef struct lofi_source {
    const char *source_id, *source_type, *provider, *license_type; /* borrowed from the lofi_sources */
    bool ai_training_permitted;
    const json_t *record; /* the whole SourceRecord; likewise borrowed */
} lofi_source;

typedef struct lofi_sources lofi_sources;

/* *out is yours. LOFI_ERR_NOT_FOUND without the file, LOFI_ERR_FORMAT when a rule of the schema is broken, an id is there twice,
 * or a date is in the future: the message names file, line, field, rule and the value found. */
lofi_code lofi_sources_load(lofi_sources **out, const char *path, lofi_error *err) LOFI_MUST_USE;
/* The same of a document that was checked before (catalog/metadata.h), as it is now; later changes are not seen. */
lofi_code lofi_sources_new(lofi_sources **out, const lofi_document *document, lofi_error *err) LOFI_MUST_USE;
void lofi_sources_free(lofi_sources *sources); /* NULL is fine */

size_t lofi_sources_count(const lofi_sources *sources);
const lofi_source *lofi_sources_at(const lofi_sources *sources, size_t index);

/* The first record that names the track, NULL when none does; *permitted: there is one, and all that name it permit
 * training. `sources` may be NULL: nothing is known. */
const lofi_source *lofi_sources_of_track(const lofi_sources *sources, const char *track_id, bool *permitted);

#endif
