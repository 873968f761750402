/* trainer.h - a training run from a dataset and a base model to adapter checkpoints.
 *
 * Everything that happens in step n follows from the seed and n: the row, the order of its tags, noise, timestep, condition
 * dropout, dropout. So a run that was stopped, killed or crashed goes on from its last checkpoint to the very bytes that it
 * would have had.
 */
#ifndef LOFI_TRAIN_TRAINER_H
#define LOFI_TRAIN_TRAINER_H

#include "base/file.h"
#include "base/log.h"
#include "lora/lora.h"

typedef struct lofi_train_settings {
    const char *dataset;    /* folder */
    const char *experiment; /* name: the run's folder is LOGGER_DIR/EXPERIMENT */
    const char *logger_dir;
    const char *checkpoint_dir; /* the base model */
    const char *cache_dir;
    const char *lyric_vocab;  /* or NULL */
    const char *ace_step_dir; /* or NULL */
    lofi_lora_config lora;
    int64_t max_steps, save_every, plot_every, accumulate, warmup_steps;
    double learning_rate, clip_norm;
    double
        ssl_coefficient; /* of the self-supervised alignment, where MERT and mHuBERT are beside the base model; 0: never */
    uint64_t seed;
    bool resume;
    int64_t resume_from;     /* a step, or -1 */
    const char *resume_path; /* a checkpoint folder, or NULL */
    bool checkpointing;      /* gradient checkpointing */
    bool dropout;            /* of the lyric encoder */
    bool bf16;               /* frozen matrices rounded to bf16 */
    int validation_draws;    /* noise levels per held-out track */
    int threads;
    bool dry_run; /* everything up to the first step is checked, nothing is written but the cache */
} lofi_train_settings;

typedef struct lofi_train_summary {
    char run[LOFI_PATH_MAX];
    char checkpoint[LOFI_PATH_MAX]; /* the newest, "" when none */
    int64_t first_step, last_step;  /* updates before and after this call */
    size_t rows, validation_tracks, left_out, adapted_layers, adapter_parameters;
    bool aligned;                 /* with the self-supervised alignment */
    double first_loss, last_loss; /* mean over up to 20 steps at the beginning of the run and at its end */
    bool validated;
    double validation_before, validation_after, validation_spread; /* spread: the larger one of the two */
    double seconds_per_step;
    size_t activation_bytes;
} lofi_train_summary;

/* LOFI_ERR_INTERRUPTED after a stop was asked for and the state saved; LOFI_ERR_NUMERIC when the loss is not finite: the
 * message names the last good checkpoint. The summary is filled as far as things went. */
lofi_code lofi_train(const lofi_train_settings *settings, lofi_train_summary *summary, lofi_log *log,
                     lofi_error *err) LOFI_MUST_USE;

#endif
