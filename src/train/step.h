/* step.h - one training step of the transformer: conditions and latents in, loss and gradients of the adapter out.
 *
 * One graph holds encode, decode, the flow-matching loss, the losses of the self-supervised alignment where they are asked
 * for, and, unless only the loss is wanted, the backward part. It is built once and run at any length; a length that was seen
 * before costs no allocation. With alignment, as ACE-Step's trainer.py has it:
 *     loss = denoising loss + coefficient * mean of the alignment losses
 */
#ifndef LOFI_TRAIN_STEP_H
#define LOFI_TRAIN_STEP_H

#include <stdbool.h>

#include "graph/session.h"
#include "lora/lora.h"
#include "models/ace_step_transformer.h"
#include "models/loaded.h"

typedef struct lofi_step lofi_step;

typedef struct lofi_step_options {
    bool gradients;  /* false: only the loss (held-out measurements) */
    bool checkpoint; /* gradient checkpointing between blocks */
    bool dropout;    /* the lyric encoder's, active while the original trains */
    bool bf16;       /* frozen matrices are rounded to bf16 where the file holds something finer */
    int alignments;  /* heads whose loss is added: the first so many of lofi_ace_step_taps; 0: none */
    float alignment_coefficient;
    int threads; /* 0: all */
    /* With bf16, a step of the same transformer whose rounded matrices are used instead of others; it must outlive this one. */
    const struct lofi_step *rounded_by;
} lofi_step_options;

/* Everything is borrowed for the call. B is the batch. */
typedef struct lofi_step_inputs {
    int64_t batch, frames, text, lyric; /* each at least 1 */
    const float *latents;               /* [B, channels, height, frames], clean */
    const float *noise;                 /* likewise */
    const float *attention_mask;        /* [B, frames] */
    const float *text_states;           /* [B, text, text_width] */
    const float *text_mask;             /* [B, text] */
    const int64_t *lyric_token_ids;     /* [B, lyric] */
    const float *lyric_mask;            /* [B, lyric] */
    const float *speaker;               /* [B, speaker_width] */
    const float *sigma, *timestep;      /* [B] */
    uint64_t seed, step;                /* key of the dropout; not read without dropout */
    /* With alignment: what head i should tell, [B, target_frames[i], projector_widths[i]]. */
    const float *targets[LOFI_ACE_STEP_MAX_PROJECTORS];
    int64_t target_frames[LOFI_ACE_STEP_MAX_PROJECTORS];
} lofi_step_inputs;

typedef struct lofi_step_losses {
    double total;
    double denoising;                               /* the same without alignment */
    double alignment[LOFI_ACE_STEP_MAX_PROJECTORS]; /* 0 where there is none */
} lofi_step_losses;

/* The transformer and the adapter must outlive the step. *out is yours. LOFI_ERR_UNSUPPORTED when the transformer has fewer
 * heads than options.alignments. */
lofi_code lofi_step_new(lofi_step **out, lofi_loaded *transformer, lofi_adapter *adapter, lofi_step_options options,
                        lofi_error *err) LOFI_MUST_USE;
void lofi_step_free(lofi_step *step); /* NULL is fine */

const lofi_ace_step_config *lofi_step_config(const lofi_step *step);
/* LOFI_ERR_USAGE for an id outside the vocabulary, LOFI_ERR_MEMORY with what is needed; never half a result. */
lofi_code lofi_step_run(lofi_step *step, const lofi_step_inputs *inputs, lofi_step_losses *losses,
                        lofi_error *err) LOFI_MUST_USE;
/* d loss / d adapter of the last run, in the order of adapter->values; NULL without options.gradients. */
const float *lofi_step_gradient(const lofi_step *step);
lofi_session *lofi_step_session(lofi_step *step); /* for statistics and profiles */

#endif
