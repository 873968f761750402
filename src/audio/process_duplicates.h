/* process_duplicates.h - the same recording among the tracks of a batch and those of earlier runs: METADATA/duplicates.json.
 *
 *     {"tracks": 16, "pairs_compared": 120, "duplicates": [{"first", "second", "offset_seconds", "overlap_seconds",
 *       "similarity"}]}
 *
 * Paths are relative to the metadata folder. A duplicate is never a reason to reject a song.
 */
#ifndef LOFI_AUDIO_PROCESS_DUPLICATES_H
#define LOFI_AUDIO_PROCESS_DUPLICATES_H

#include "audio/ledger.h"
#include "audio/process.h"
#include "base/error.h"

/* {"first", "second", "offset_seconds", "overlap_seconds", "similarity"}, with these names; the reference is yours. */
json_t *lofi_process_duplicate_json(const char *first, const char *second, const lofi_duplicate *match);

/* Fills names, duplicates and compared_pairs of the report; on a dry run nothing is written. */
lofi_code lofi_process_find_duplicates(lofi_process_report *report, const lofi_ledger *ledger,
                                       const lofi_process_options *options, lofi_error *err) LOFI_MUST_USE;

#endif
