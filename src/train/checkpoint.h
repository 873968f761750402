/* checkpoint.h - checkpoints of a training run: written whole or not at all, checked before use, listed in a manifest.
 *
 * A run's folder RUN holds RUN/checkpoints/epoch=0-step=N_lora/ with
 *     pytorch_lora_weights.safetensors, adapter_config.json, adapter_model.safetensors   the adapter (lora/lora_file.h)
 *     training_state.safetensors   the optimizer's moments `first` and `second`, in the order of the adapter's flat block
 *     training.json                configuration, hashes, seeds, program version: the record of the run
 *     checkpoint.json              step, time, and size and SHA-256 of every other file
 * and RUN/checkpoints/manifest.json, {"checkpoints": [...]} with the same entries by step. A folder is complete when its
 * checkpoint.json agrees with its files; the manifest is changed last, and entries that it lacks are added again when a run
 * goes on. Everything else that an exact resume needs follows from the step: data order, noise and timesteps are
 * counter-based.
 */
#ifndef LOFI_TRAIN_CHECKPOINT_H
#define LOFI_TRAIN_CHECKPOINT_H

#include <jansson.h>

#include "base/file.h"
#include "base/log.h"
#include "lora/lora.h"

typedef struct lofi_training_state {
    lofi_adapter *adapter; /* values at `step` */
    float *first, *second; /* moments, adapter->value_count each */
    int64_t step;          /* updates done */
} lofi_training_state;

/* Saves into RUN/checkpoints; the path comes back in `folder`. record: an object with at least the strings dataset_hash,
 * base_model_hash, config_hash, program; kept as training.json, and its strings go into the adapter's metadata. An existing
 * checkpoint of the same step is replaced. On failure nothing of the new one is left and the older ones are as they were;
 * only when the manifest alone cannot be changed, the new one is there, as the message says, and is listed when the run goes
 * on. */
lofi_code lofi_checkpoint_save(char folder[LOFI_PATH_MAX], const char *run, const lofi_training_state *state,
                               const json_t *record, lofi_error *err) LOFI_MUST_USE;

/* Compares the files of a checkpoint, and the step in its name, with its checkpoint.json. LOFI_ERR_FORMAT or
 * LOFI_ERR_NOT_FOUND names the first that does not agree. */
lofi_code lofi_checkpoint_verify(const char *folder, lofi_error *err) LOFI_MUST_USE;

/* The newest checkpoint of a run that verifies; those that are damaged are warned about and passed over. folder is "" and
 * *step -1 when there is none. Changes nothing. */
lofi_code lofi_checkpoint_latest(char folder[LOFI_PATH_MAX], int64_t *step, const char *run, lofi_log *log,
                                 lofi_error *err) LOFI_MUST_USE;
/* The checkpoint of exactly that step, verified; LOFI_ERR_NOT_FOUND lists the steps that there are. */
lofi_code lofi_checkpoint_at(char folder[LOFI_PATH_MAX], const char *run, int64_t step, lofi_error *err) LOFI_MUST_USE;
/* Moves the checkpoints of later steps to RUN/superseded, because the run goes on from `step` another way, and lists the others
 * in the manifest again where it lacks them (a crash between renaming and listing, or the manifest itself is gone). */
lofi_code lofi_checkpoint_set_aside_after(const char *run, int64_t step, lofi_log *log, lofi_error *err) LOFI_MUST_USE;
/* Whether a run has any checkpoint folder. */
bool lofi_checkpoint_any(const char *run);

/* Fills state->adapter, the moments and the step from a verified checkpoint. LOFI_ERR_USAGE when the adapter has other
 * layers or another rank. *record (when not NULL) is the content of training.json, yours. */
lofi_code lofi_checkpoint_load(lofi_training_state *state, json_t **record, const char *folder,
                               lofi_error *err) LOFI_MUST_USE;

#endif
