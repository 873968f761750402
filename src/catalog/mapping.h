/* mapping.h - which styles a track has, as somebody wrote it down.
 *
 * File (style_mapping.json): an object, track id -> style id or list of style ids, the leading style first:
 *     {"rainy window": "SEASON-06", "night walk": ["THEME-02", "INST-05"], "not heard yet": []}
 * A track id is the name of the audio file without folder and extension. An empty list is a track without a style.
 */
#ifndef LOFI_CATALOG_MAPPING_H
#define LOFI_CATALOG_MAPPING_H

#include <stddef.h>

#include "base/document.h"
#include "base/error.h"
#include "catalog/styles.h"

#define LOFI_TRACK_STYLES_MAX 8

typedef struct lofi_mapping_entry {
    const char *track_id;                            /* borrowed from the mapping */
    const lofi_style *styles[LOFI_TRACK_STYLES_MAX]; /* each once; borrowed from the lofi_styles */
    size_t count;
} lofi_mapping_entry;

typedef struct lofi_style_mapping lofi_style_mapping;

/* *out is yours; `styles` must outlive it. LOFI_ERR_FORMAT for an entry that breaks the schema, and for an unknown style: the
 * message names file, line and track, the nearest style, and how many more entries are wrong. */
lofi_code lofi_style_mapping_load(lofi_style_mapping **out, const char *path, const lofi_styles *styles,
                                  lofi_error *err) LOFI_MUST_USE;
/* The same of a document that was checked before (catalog/metadata.h), as it is now; later changes are not seen. */
lofi_code lofi_style_mapping_new(lofi_style_mapping **out, const lofi_document *document, const lofi_styles *styles,
                                 lofi_error *err) LOFI_MUST_USE;
void lofi_style_mapping_free(lofi_style_mapping *mapping); /* NULL is fine */

size_t lofi_style_mapping_count(const lofi_style_mapping *mapping);
const lofi_mapping_entry *lofi_style_mapping_at(const lofi_style_mapping *mapping,
                                                size_t index); /* order of the file */
/* NULL when the track is not in it. */
const lofi_mapping_entry *lofi_style_mapping_get(const lofi_style_mapping *mapping, const char *track_id);

#endif
