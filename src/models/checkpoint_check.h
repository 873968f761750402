/* checkpoint_check.h - is a checkpoint folder whole, and do its parts fit each other? Everything found is told at once. */
#ifndef LOFI_MODELS_CHECKPOINT_CHECK_H
#define LOFI_MODELS_CHECKPOINT_CHECK_H

#include <stdbool.h>

#include "base/hash.h"
#include "store/checkpoint_folder.h"

typedef struct lofi_finding {
    bool harmful;          /* else a note: the model works all the same */
    const char *component; /* "umt5-base", or "" when it concerns the whole */
    const char *text;      /* "missing tensor 'a.b' [64, 64]" */
} lofi_finding;

typedef struct lofi_findings {
    lofi_finding *items; /* component by component */
    size_t count, capacity;
    size_t harmful;
    struct lofi_arena *arena;
} lofi_findings;
void lofi_findings_free(lofi_findings *findings); /* fine on a zeroed one; zeroes it */

/* Finds the folder (checkpoint_folder.h; when only some of its components are there they are checked too) and looks at
 * config, names, shapes and types of all tensors, tokenizer, lyric vocabulary, and whether the sizes of the parts agree.
 * What is wrong with the model is in *findings (yours), not in the result; that is LOFI_ERR_NOT_FOUND when there is no
 * model at all. ace_step_dir: NULL, or where the lyric vocabulary is looked for besides the folder. */
lofi_code lofi_checkpoint_check(lofi_findings *findings, lofi_checkpoint_folder *folder, const char *path,
                                const char *ace_step_dir, lofi_error *err) LOFI_MUST_USE;

/* ---- is it the released one? ---- */

typedef struct lofi_file_identity {
    const char *component;
    const char *file; /* its name in the component's folder */
    char hex[LOFI_SHA256_HEX];
    bool released; /* it is the file of ACE-Step v1 3.5B, byte by byte */
} lofi_file_identity;

#define LOFI_RELEASED_FILES 5

/* Reads the five large files of the released model. One that is not there (weights in several files, say) has an empty
 * hex and is not the released one. LOFI_ERR_INTERRUPTED between files. */
lofi_code lofi_checkpoint_identify(lofi_file_identity files[LOFI_RELEASED_FILES], const lofi_checkpoint_folder *folder,
                                   lofi_error *err) LOFI_MUST_USE;

#endif
