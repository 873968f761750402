/* metadata.h - the files of a metadata folder that say what is known about songs: read, checked, and written whole.
 *
 *     tracks.json          {"tracks": [Track, ...]}                 the prepared songs
 *     sources.json         {"sources": [SourceRecord, ...]}         where they come from
 *     style_mapping.json   {track id: style id or list, ...}        what they sound like
 *     quality_scores.json  {"scores": [QualityScore, ...]}          what people think of them
 *
 * Every entry is checked against its schema (catalog/entity.h) whenever a file is read or written; beyond that, track ids and
 * source ids are one of a kind, and dates are not in the future. Fields that no schema names are kept as they are. Styles are
 * checked by who knows the presets (catalog/mapping.h).
 */
#ifndef LOFI_CATALOG_METADATA_H
#define LOFI_CATALOG_METADATA_H

#include <stdbool.h>

#include "base/document.h"
#include "base/error.h"
#include "base/file.h"

typedef enum lofi_metadata_kind {
    LOFI_METADATA_SOURCES,
    LOFI_METADATA_MAPPING,
    LOFI_METADATA_SCORES,
    LOFI_METADATA_TRACKS
} lofi_metadata_kind;
enum { LOFI_METADATA_KINDS = 4 };

/* "sources.json" */
const char *lofi_metadata_file(lofi_metadata_kind kind);

/* Reads and checks a file. LOFI_ERR_NOT_FOUND when it is not there; LOFI_ERR_FORMAT names file, line, field, rule and the value
 * found. Free *out in any case: lofi_document_free. */
lofi_code lofi_metadata_load(lofi_document *out, const char *path, lofi_metadata_kind kind,
                             lofi_error *err) LOFI_MUST_USE;
/* The file of a metadata folder; without one, a document without entries. */
lofi_code lofi_metadata_open(lofi_document *out, const char *folder, lofi_metadata_kind kind,
                             lofi_error *err) LOFI_MUST_USE;
/* The list of entries, or the object of the style mapping; borrowed. */
json_t *lofi_metadata_entries(const lofi_document *document, lofi_metadata_kind kind);
/* Checks everything and writes the file whole, when that changes it; *changed (may be NULL) says whether. dry_run: checks and says. */
lofi_code lofi_metadata_save(bool *changed, const lofi_document *document, lofi_metadata_kind kind, bool dry_run,
                             lofi_error *err) LOFI_MUST_USE;

/* Keeps other writers of the folder out until it is released; waits for them. Made with the folder when that is missing. */
lofi_code lofi_metadata_lock(lofi_lock **out, const char *folder, lofi_error *err) LOFI_MUST_USE;

#endif
