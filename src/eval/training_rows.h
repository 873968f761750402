/* training_rows.h - cases/train_inputs.safetensors: what the recorded training steps were fed, row by row, and their
 * settings. Inside of eval/ only. */
#ifndef LOFI_EVAL_TRAINING_ROWS_H
#define LOFI_EVAL_TRAINING_ROWS_H

#include "eval/selftest_case.h"
#include "lora/lora.h"
#include "train/optimizer.h"
#include "train/step.h"

#define LOFI_TRAINING_TARGETS 2

typedef struct lofi_training_rows {
    lofi_safetensors *file;
    int64_t steps, batch, frames, text, lyric; /* rows, and the sizes of each */
    lofi_lora_config lora;                     /* metadata: rank, alpha, targets; rank-stabilised as in the original */
    lofi_adamw adamw;                          /* learning_rate is the peak */
    int64_t warmup_steps, max_steps;
    double clip_norm;
    /* everything as arrays, in the arena of the case */
    const float *latents, *noise, *text_states, *text_mask, *lyric_mask, *speaker, *timestep, *sigma, *attention_mask;
    const int64_t *lyric_token_ids;
    size_t latent_values, text_values, speaker_values; /* per row */
    /* what the heads of the self-supervised alignment should tell: "mert", "hubert"; NULL where they are not recorded */
    const float *targets[LOFI_TRAINING_TARGETS];
    int64_t target_frames[LOFI_TRAINING_TARGETS], target_width[LOFI_TRAINING_TARGETS];
} lofi_training_rows;

/* Close it also after a failure. */
lofi_code lofi_training_rows_open(lofi_training_rows *rows, lofi_selftest *test, lofi_error *err) LOFI_MUST_USE;
void lofi_training_rows_close(lofi_training_rows *rows);
/* LOFI_ERR_FORMAT when the rows are not what this transformer takes. */
lofi_code lofi_training_rows_check(const lofi_training_rows *rows, const lofi_ace_step_config *config,
                                   lofi_error *err) LOFI_MUST_USE;
/* LOFI_ERR_NOT_FOUND or LOFI_ERR_FORMAT when the targets of the alignment are not there, or do not fit this transformer. */
lofi_code lofi_training_rows_check_targets(const lofi_training_rows *rows, const lofi_ace_step_config *config,
                                           lofi_error *err) LOFI_MUST_USE;
/* Pointers into the rows. */
lofi_step_inputs lofi_training_rows_at(const lofi_training_rows *rows, int64_t row);

/* ---- adapters beside them ---- */

/* The transformer of the reference. */
lofi_code lofi_training_open_transformer(lofi_loaded **out, const lofi_selftest *test, lofi_error *err) LOFI_MUST_USE;
/* An adapter as the rows' settings want it, with the recorded tensors PREFIX + LAYER.lora_A.weight and lora_B; those count as
 * used. *out is yours. */
lofi_code lofi_recorded_adapter(lofi_adapter **out, lofi_selftest *test, const lofi_lora_config *config,
                                const lofi_weight_table *table, const char *prefix, lofi_error *err) LOFI_MUST_USE;
/* Compares every recorded tensor PREFIX + LAYER.lora_?.weight with its place in a block that is laid out like the adapter's
 * values. A layer that is recorded and not adapted fails. */
lofi_code lofi_recorded_adapter_compare(lofi_selftest *test, const lofi_adapter *adapter, const float *values,
                                        const char *prefix, double limit, lofi_error *err) LOFI_MUST_USE;

#endif
