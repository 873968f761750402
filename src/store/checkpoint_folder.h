/* checkpoint_folder.h - where the four components of a base model lie.
 *
 * Two layouts are understood below the folder that the user names:
 *   plain   ace_step_transformer/ umt5-base/ music_dcae_f8c8/ music_vocoder/
 *   hub     [models--ACE-Step--ACE-Step-v1-3.5B/]snapshots/REVISION/ with the same four; `refs/main` names the
 *           revision, else the newest snapshot that is complete is taken. Any `models--*ACE-Step*` folder does.
 * Complete means: each of the four folders holds config.json and weights (store/weights.h).
 */
#ifndef LOFI_STORE_CHECKPOINT_FOLDER_H
#define LOFI_STORE_CHECKPOINT_FOLDER_H

#include <stdbool.h>

#include "base/error.h"
#include "base/file.h"

typedef enum lofi_component {
    LOFI_COMPONENT_TRANSFORMER,  /* ace_step_transformer */
    LOFI_COMPONENT_TEXT_ENCODER, /* umt5-base, with tokenizer.json */
    LOFI_COMPONENT_DCAE,         /* music_dcae_f8c8 */
    LOFI_COMPONENT_VOCODER,      /* music_vocoder */
    LOFI_COMPONENT_COUNT
} lofi_component;

/* "ace_step_transformer", ... */
const char *lofi_component_folder(lofi_component component);

typedef struct lofi_checkpoint_folder {
    char named[LOFI_PATH_MAX]; /* the folder that the user named */
    char root[LOFI_PATH_MAX];  /* the folder that holds the four */
    char component[LOFI_COMPONENT_COUNT][LOFI_PATH_MAX];
    bool hub_cache;     /* found in the hub layout */
    char revision[128]; /* the name of the snapshot; "" when plain */
} lofi_checkpoint_folder;

/* `path`: a leading "~/" is expanded. When nothing complete is found: LOFI_ERR_NOT_FOUND, the message lists everything
 * that is missing, the hint says what to do. */
lofi_code lofi_checkpoint_folder_resolve(lofi_checkpoint_folder *out, const char *path, lofi_error *err) LOFI_MUST_USE;

/* Another network beside the four, by the first of `names` (NULL ends) that is there with config.json and weights: a folder in
 * root or in what the user named, or a hub cache there ("models--m-a-p--MERT-v1-330M"). "" when none is. */
void lofi_checkpoint_folder_find(char path[LOFI_PATH_MAX], const lofi_checkpoint_folder *folder,
                                 const char *const *names);

#endif
