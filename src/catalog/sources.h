/* sources.h - where tracks come from, and whether a model may be trained on them.
 *
 * File (sources.json): {"sources": [SourceRecord, ...]}. A record has
 *     source_id              one of a kind in the file
 *     track_ids              list of track ids (file names without folder and extension)
 *     source_type            commissioned, royalty_free, creative_commons or partnership
 *     provider, license_type texts
 *     ai_training_permitted  true or false
 *     cost                   USD, >= 0; needed when commissioned
 *     date_acquired          ISO 8601, not in the future
 * Other fields are ignored. A track may be named by several records: then each of them must permit.
 */
#ifndef LOFI_CATALOG_SOURCES_H
#define LOFI_CATALOG_SOURCES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

typedef struct lofi_source {
    const char *source_id, *source_type, *provider, *license_type; /* borrowed from the lofi_sources */
    bool ai_training_permitted;
} lofi_source;

typedef struct lofi_sources lofi_sources;

/* *out is yours. LOFI_ERR_NOT_FOUND without the file, LOFI_ERR_FORMAT when a rule above is broken: the message names
 * file, record and field. */
lofi_code lofi_sources_load(lofi_sources **out, const char *path, lofi_error *err) LOFI_MUST_USE;
void lofi_sources_free(lofi_sources *sources); /* NULL is fine */

size_t lofi_sources_count(const lofi_sources *sources);
const lofi_source *lofi_sources_at(const lofi_sources *sources, size_t index);

/* The first record that names the track, NULL when none does; *permitted: there is one, and all that name it permit
 * training. `sources` may be NULL: nothing is known. */
const lofi_source *lofi_sources_of_track(const lofi_sources *sources, const char *track_id, bool *permitted);

#endif
