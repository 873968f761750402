/* dataset_splits.h - a dataset folder with all its splits, looked at as a whole: described, checked, compared.
 *
 * Datasets of other programs are read too; what they do not say of themselves (seed, hash, licences) is left out.
 */
#ifndef LOFI_STORE_DATASET_SPLITS_H
#define LOFI_STORE_DATASET_SPLITS_H

#include <jansson.h>

#include "audio/ledger.h"
#include "base/error.h"
#include "base/log.h"
#include "store/hf_dataset.h"

#define LOFI_DATASET_SPLITS_MAX 16

typedef struct lofi_dataset_splits {
    char names[LOFI_DATASET_SPLITS_MAX][64];
    lofi_hf_dataset *splits[LOFI_DATASET_SPLITS_MAX];
    size_t count;
} lofi_dataset_splits;

/* Errors as lofi_hf_dataset_open. Free *out in any case: lofi_dataset_splits_close. */
lofi_code lofi_dataset_splits_open(lofi_dataset_splits *out, const char *folder, lofi_error *err) LOFI_MUST_USE;
void lofi_dataset_splits_close(lofi_dataset_splits *splits); /* zeroes it; fine on a zeroed one */

/* {"splits": {name: {"tracks", "rows", "hours"}}, "tracks", "rows", "hours", "styles": {id: tracks}, "sources": {id: tracks},
 * "lyrics": {"instrumental", "with_words"}, "own": what this program wrote about it, or null}. hours are null where a dataset does
 * not say lengths. The reference is yours. */
json_t *lofi_dataset_describe(const lofi_dataset_splits *splits);

/* Appends {"split", "track_id", "message"} for everything that is wrong: audio that is not there or no sound, a track or the same
 * audio in two splits, rows that are not the repeated sequence, no tags, and, for datasets of this program, a hash that does not
 * follow from what is there now. The ledger (may be NULL) saves reading audio whose hash is on record. */
lofi_code lofi_dataset_verify(json_t *faults, const lofi_dataset_splits *splits, lofi_ledger *ledger, lofi_log *log,
                              lofi_error *err) LOFI_MUST_USE;

/* {"added": [ids], "removed": [ids], "changed": {id: {field: [before, after]}}, "settings": {field: [before, after]}}; fields of a
 * track: split, prompt, lyrics, style_ids, source_id, duration, audio (its file name). The reference is yours. */
json_t *lofi_dataset_difference(const lofi_dataset_splits *before, const lofi_dataset_splits *after);

#endif
