/* ledger.h - what earlier runs found out about songs: METADATA/audio.jsonl, one JSON object a line.
 *
 * A record is added before a track gets its name, so that every track that is there has one; the last record of a track counts.
 * A track is done when its record says the same content and settings, and the file is the one on record. Paths are relative to
 * the metadata folder, so that a whole tree can be moved.
 *
 *     track            path of the track, also where none was made
 *     source           path of the song
 *     content          what identifies its bytes, see lofi_ledger_content
 *     settings         the line of lofi_process_settings
 *     status, reason, message, duration, trimmed, quality_score, measures, fingerprint, format, codec, sample_rate,
 *     channels, bit_rate
 *                      of lofi_process_result
 *     sha256, bytes, modified_ns   of the track
 *
 * A track that this program did not make, but looked at, has the status "examined", and neither source nor settings.
 *
 * One process at a time writes a ledger.
 */
#ifndef LOFI_AUDIO_LEDGER_H
#define LOFI_AUDIO_LEDGER_H

#include <jansson.h>

#include "audio/process.h"
#include "base/error.h"
#include "base/log.h"

typedef struct lofi_ledger lofi_ledger;

/* Reads what is there. Lines that are no records are warnings in the log and stay out. With `writing` the folder is made when it
 * is missing and kept for this process: LOFI_ERR_IO when another run keeps it. */
lofi_code lofi_ledger_open(lofi_ledger **out, const char *metadata, bool writing, lofi_log *log,
                           lofi_error *err) LOFI_MUST_USE;
/* For a step that only wants to keep what it finds out: for writing when `keep` is set and no other run keeps the ledger, else for
 * reading. */
lofi_code lofi_ledger_open_if_free(lofi_ledger **out, const char *metadata, bool keep, lofi_log *log,
                                   lofi_error *err) LOFI_MUST_USE;
/* Frees it. Writing: where more than half of the lines are superseded, the file is written anew without them. */
lofi_code lofi_ledger_close(lofi_ledger *ledger, lofi_error *err) LOFI_MUST_USE;

/* The same at the end of work that gave `code`, which is returned, unless it is LOFI_OK and closing fails. NULL is fine. */
lofi_code lofi_ledger_close_after(lofi_ledger *ledger, lofi_code code, lofi_error *err) LOFI_MUST_USE;
/* Frees one that was opened for reading; NULL is fine. */
void lofi_ledger_free(lofi_ledger *ledger);
/* Whether it was opened for writing. */
bool lofi_ledger_is_writing(const lofi_ledger *ledger);

/* SHA-256 of a file up to 64 MiB; of a larger one over its size, its time of change and its first and last 32 MiB. */
lofi_code lofi_ledger_content(char hex[LOFI_SHA256_HEX], const char *path, lofi_error *err) LOFI_MUST_USE;

/* Whether an earlier verdict about this content still holds; then *result is it, with the names given here (yours). A track that
 * was made is skipped as unchanged, a rejection is repeated. */
lofi_code lofi_ledger_recall(bool *holds, lofi_process_result *result, const lofi_ledger *ledger, const char *source,
                             const char *output, const char *content, const char *settings,
                             lofi_error *err) LOFI_MUST_USE;

/* The record of a result as one line; yours by free(). */
lofi_code lofi_ledger_line(char **line, const lofi_ledger *ledger, const lofi_process_result *result,
                           const char *output, const char *settings, lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_ledger_add(lofi_ledger *ledger, const char *line, size_t size, lofi_error *err) LOFI_MUST_USE;

/* A result as JSON and back, without its names: what a worker answers. `output` is NULL where there is no track. */
json_t *lofi_process_result_json(const lofi_process_result *result);
lofi_code lofi_process_result_from_json(lofi_process_result *result, const json_t *object, const char *source,
                                        const char *output, lofi_error *err) LOFI_MUST_USE;

/* Puts a track on record that was only looked at: `facts` holds what was found out, by the names above; what an earlier record
 * says of the same file and facts does not say is kept. The size and the time of the file are added, and its hash where facts does
 * not say it. */
lofi_code lofi_ledger_note(lofi_ledger *ledger, const char *path, const json_t *facts, lofi_error *err) LOFI_MUST_USE;

/* The record of the track at `path`, borrowed: NULL when there is none, or when the file is not the one on record. */
const json_t *lofi_ledger_find(const lofi_ledger *ledger, const char *path);

/* Every track that is on record as made and is there, with its fingerprint: `each` gets its path as it can be opened from here. */
typedef lofi_code lofi_ledger_track_fn(void *user, const char *track, const char *fingerprint, lofi_error *err);
lofi_code lofi_ledger_tracks(const lofi_ledger *ledger, lofi_ledger_track_fn *each, void *user,
                             lofi_error *err) LOFI_MUST_USE;

#endif
