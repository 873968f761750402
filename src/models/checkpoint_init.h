/* checkpoint_init.h - a new base model with random weights, in the folder layout of the released one.
 *
 * Every network of models/list.h gets its folder with config.json and weights, the text encoder a small tokenizer of our
 * own, the whole a small lyric vocabulary, so that all programs that open the released model open this one too. It has
 * learned nothing: it is for trying things out, for tests and for demonstrations.
 *
 * A weight's numbers depend on seed, component and name alone. They are written as they are drawn: memory stays small
 * whatever the model's size.
 */
#ifndef LOFI_MODELS_CHECKPOINT_INIT_H
#define LOFI_MODELS_CHECKPOINT_INIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"

#define LOFI_CHECKPOINT_MAX_PARTS 16

typedef struct lofi_checkpoint_init_settings {
    const char *folder; /* not there, or empty */
    const char *preset; /* "tiny", "small", "full" */
    uint64_t seed;
    bool dry_run; /* only the summary: nothing is written */
} lofi_checkpoint_init_settings;

typedef struct lofi_checkpoint_part {
    const char *name; /* of the component's folder */
    const char *type; /* of its weights: "F32", "BF16" */
    size_t tensors;
    int64_t parameters, bytes;
} lofi_checkpoint_part;

typedef struct lofi_checkpoint_summary {
    size_t count;
    lofi_checkpoint_part parts[LOFI_CHECKPOINT_MAX_PARTS];
    int64_t parameters, bytes; /* of all */
} lofi_checkpoint_summary;

/* Writes the folder whole or not at all. LOFI_ERR_USAGE for an unknown preset or a folder that holds something,
 * LOFI_ERR_INTERRUPTED when asked to stop. Weights are F32, or for "full" what the released files have: BF16, but F32
 * where the config says so ("torch_dtype"). */
lofi_code lofi_checkpoint_init(lofi_checkpoint_summary *summary, const lofi_checkpoint_init_settings *settings,
                               lofi_log *log, lofi_error *err) LOFI_MUST_USE;

#endif
