/* tracks.h - the songs of a folder, and the text files that stand beside them. */
#ifndef LOFI_CATALOG_TRACKS_H
#define LOFI_CATALOG_TRACKS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

/* Whether a name ends like an audio file: mp3 wav flac m4a aac ogg opus, in any case of letters. */
bool lofi_track_is_audio_name(const char *name);

typedef struct lofi_track_file {
    const char *name;     /* relative to the folder: "win/Apex Aleph.ogg" */
    const char *track_id; /* the name without folder and extension: "Apex Aleph" */
} lofi_track_file;

typedef struct lofi_track_files lofi_track_files;

/* All audio files below a folder, sub-folders included, sorted by name; told by their extension. Two files with the same
 * id, and folders that cannot be read, are warnings in the log (may be NULL). LOFI_ERR_NOT_FOUND when there is none;
 * LOFI_ERR_FORMAT for a name that is not UTF-8 or holds a control character. *out is yours. */
lofi_code lofi_track_files_list(lofi_track_files **out, const char *folder, lofi_log *log,
                                lofi_error *err) LOFI_MUST_USE;
void lofi_track_files_free(lofi_track_files *files); /* NULL is fine */
size_t lofi_track_files_count(const lofi_track_files *files);
const lofi_track_file *lofi_track_files_at(const lofi_track_files *files, size_t index);
/* Whether a track of this id is among them. */
bool lofi_track_files_have(const lofi_track_files *files, const char *track_id);

/* The path of a text file that belongs to a track: `folder`, the track's sub-folder, its id and `ending`
 * ("_prompt.txt", "_lyrics.txt"). */
lofi_code lofi_track_text_path(char path[LOFI_PATH_MAX], const char *folder, const lofi_track_file *track,
                               const char *ending, lofi_error *err) LOFI_MUST_USE;

typedef enum lofi_text_outcome {
    LOFI_TEXT_GENERATED, /* written: it was not there, was blank, or `force` replaced it */
    LOFI_TEXT_UNCHANGED, /* there with the same text */
    LOFI_TEXT_KEPT       /* there with another text: somebody's work, left as it is */
} lofi_text_outcome;
const char *lofi_text_outcome_name(lofi_text_outcome outcome); /* "generated", "unchanged", "kept" */

/* Puts a text file in place with its folder, whole or not at all. An existing file with another text stays, unless
 * `force`. dry_run: only tells what would happen. batch: where it is written with others; NULL: at once. */
lofi_code lofi_text_file_put(lofi_text_outcome *outcome, const char *path, const char *text, bool force, bool dry_run,
                             lofi_file_batch *batch, lofi_error *err) LOFI_MUST_USE;

#endif
