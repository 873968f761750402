/* catalogue.h - everything that is known about the tracks of a metadata folder, put together.
 *
 * tracks.json lists the tracks. Three of its fields repeat what other files say, so that every entry is a whole Track by itself:
 *     style_ids  style_mapping.json decides; a track that it does not name has CORE-01, and is for a person to look at
 *     source_id  sources.json decides
 *     split      dataset_manifest.json decides
 * They, and `state`, are brought up to date whenever the catalogue is saved. When somebody wrote style_ids into tracks.json by
 * hand for a track that the mapping does not name, they go into the mapping.
 *
 * States: RAW         the prepared audio is not there
 *         PROCESSED   it is there
 *         TAGGED      so are prompt and lyrics
 *         VERIFIED    TAGGED, and a person has verified it; no source that permits AI training
 *         TRAINING_READY  TAGGED, and all its sources permit AI training
 */
#ifndef LOFI_CATALOG_CATALOGUE_H
#define LOFI_CATALOG_CATALOGUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "catalog/mapping.h"
#include "catalog/metadata.h"
#include "catalog/sources.h"
#include "catalog/styles.h"

typedef struct lofi_catalogue_track {
    const char *track_id;
    json_t *record;                                     /* the entry of tracks.json; all borrowed from the catalogue */
    const char *audio_path, *prompt_path, *lyrics_path; /* as they can be opened from here */
    const lofi_style *styles[LOFI_TRACK_STYLES_MAX];    /* at least one */
    size_t style_count;
    bool has_style;             /* of its own: somebody said it */
    const lofi_source *source;  /* NULL: none names it */
    bool permitted;             /* there is one, and all that name it permit AI training */
    const char *split;          /* "train", "validation" or NULL */
    const char *dataset_sha256; /* of the audio that the last dataset was made of; NULL when it is not in it */
    const char *state;
    bool has_audio, has_prompt, has_lyrics;
    double human_score; /* mean over people, of each the last score */
    size_t human_count; /* how many people */
} lofi_catalogue_track;

typedef struct lofi_catalogue lofi_catalogue;

typedef struct lofi_catalogue_options {
    const char *folder;        /* of the metadata */
    const lofi_styles *styles; /* must outlive the catalogue */
    bool writing;              /* keeps other writers out until it is closed */
    bool dry_run;              /* of saving */
    lofi_log *log;             /* may be NULL */
} lofi_catalogue_options;

/* *out is yours. A folder without files is a catalogue without tracks. LOFI_ERR_FORMAT names file, line, field, rule and the value
 * found. */
lofi_code lofi_catalogue_open(lofi_catalogue **out, const lofi_catalogue_options *options,
                              lofi_error *err) LOFI_MUST_USE;
void lofi_catalogue_close(lofi_catalogue *catalogue); /* NULL is fine; what was not saved is gone */

const char *lofi_catalogue_folder(const lofi_catalogue *catalogue);
size_t lofi_catalogue_count(const lofi_catalogue *catalogue);
const lofi_catalogue_track *lofi_catalogue_at(const lofi_catalogue *catalogue, size_t index); /* order of the file */
/* NULL when there is none. */
const lofi_catalogue_track *lofi_catalogue_get(const lofi_catalogue *catalogue, const char *track_id);

/* The entries of a file, to be changed: seen by the functions above after lofi_catalogue_save. */
json_t *lofi_catalogue_entries(lofi_catalogue *catalogue, lofi_metadata_kind kind);
/* The entry of the list whose member `key` is `id`, or NULL. */
json_t *lofi_catalogue_entry(lofi_catalogue *catalogue, lofi_metadata_kind kind, const char *key, const char *id);

/* Checks everything, brings tracks.json up to date, and writes the files that changed, each whole or not at all: sources, mapping,
 * scores, tracks. A crash between two of them loses nothing: the first three decide, and the last follows when it is
 * saved again. *changed (may be NULL): whether something was or, on a dry run, would be written. */
lofi_code lofi_catalogue_save(lofi_catalogue *catalogue, bool *changed, lofi_error *err) LOFI_MUST_USE;

/* The Track entity as it is now; the reference is yours. */
json_t *lofi_catalogue_track_json(const lofi_catalogue_track *track);
/* All style ids of a track, the leading one first; the reference is yours. */
json_t *lofi_catalogue_style_ids(const lofi_catalogue_track *track);

/* A path of this program, as it is written into tracks.json: relative to the metadata folder. */
lofi_code lofi_catalogue_relative(char out[LOFI_PATH_MAX], const lofi_catalogue *catalogue, const char *path,
                                  lofi_error *err) LOFI_MUST_USE;

#endif
