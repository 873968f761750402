/* merge.h - a base model and adapters as one model: W + strength * scale * B A for every layer that an adapter has.
 *
 * The result is a model folder like the base's. Sums are f32, rounded to the type in which the base has the tensor (to nearest,
 * ties to even); tensors without an adapter are copied byte for byte; files of weights keep their names, the order of their
 * tensors and their metadata, to which comes what was merged (LOFI_MERGED_* below). The other files of the base, and of its
 * other networks, are the same files where the file system can give them a second name (hard links), else copies: no link
 * leads out of the folder, so it can be moved, and removing it takes nothing from the base.
 */
#ifndef LOFI_LORA_MERGE_H
#define LOFI_LORA_MERGE_H

#include "base/hash.h"
#include "base/log.h"
#include "lora/lora_file.h"
#include "store/checkpoint_folder.h"

#define LOFI_MERGED_BASE     "lofi.base_sha256" /* over names and contents of the base's weight files          */
#define LOFI_MERGED_ADAPTERS "lofi.adapters"    /* JSON: [{name, sha256, strength, dataset_hash, unlicensed}]    */
#define LOFI_MERGED_PROGRAM  "lofi.program"

typedef struct lofi_merge_settings {
    const char *base, *output;
    const lofi_adapter_choice *adapters;
    size_t adapter_count;
    int threads; /* 0: all */
    lofi_log *log;
} lofi_merge_settings;

/* Which part is to blame for a failure. */
typedef enum lofi_merge_blame { LOFI_MERGE_BASE = 1, LOFI_MERGE_ADAPTER = 2, LOFI_MERGE_ITSELF = 3 } lofi_merge_blame;

typedef struct lofi_merge_result {
    size_t merged, copied; /* tensors of the transformer */
    uint64_t bytes;        /* of its weight files */
    char base_hash[LOFI_SHA256_HEX];
} lofi_merge_result;

/* The whole of it: the folder appears when it is complete. An output that is there is replaced when an earlier merge made it,
 * else refused. */
lofi_code lofi_merge_run(lofi_merge_result *result, lofi_merge_blame *blame, const lofi_merge_settings *settings,
                         lofi_error *err) LOFI_MUST_USE;

typedef struct lofi_merge_check {
    double
        relative_error; /* of the merged model's output against base and adapters side by side, l2 in double precision */
    double effect;      /* how far the adapters move the output from the base's, relative; for comparison */
    double limit;
} lofi_merge_check;

/* One step of the transformer with both on fixed inputs (16 frames, 16 text and lyric tokens). The limit is 1e-5 where the
 * base has f32; where it has 16 bits, what merging rounds is as large as the base's own rounding: 2e-3 (f16), 1.5e-2 (bf16). */
lofi_code lofi_merge_verify(lofi_merge_check *check, const lofi_merge_settings *settings,
                            lofi_error *err) LOFI_MUST_USE;

#endif
