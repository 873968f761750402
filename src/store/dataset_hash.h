/* dataset_hash.h - what identifies a dataset: SHA-256 over what training sees, in row order.
 *
 * The format's name, seed, repeat count; for each split its name and count; for each track the SHA-256 of the audio file's bytes,
 * prompt, tags, lyrics, style ids. No paths, no dates, nothing of the machine.
 */
#ifndef LOFI_STORE_DATASET_HASH_H
#define LOFI_STORE_DATASET_HASH_H

#include <stdint.h>

#include "base/hash.h"
#include "store/hf_dataset.h"

/* A sum that has begun; lofi_sha256_end ends it. */
lofi_code lofi_dataset_hash_new(lofi_sha256 **out, int64_t seed, int64_t repeat_count, lofi_error *err) LOFI_MUST_USE;
void lofi_dataset_hash_split(lofi_sha256 *hash, const char *name, size_t track_count);
/* The tracks of the split named last, in row order. */
void lofi_dataset_hash_track(lofi_sha256 *hash, const lofi_dataset_track *track, const char *audio_sha256);

#endif
