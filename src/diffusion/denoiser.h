/* denoiser.h - the diffusion transformer ready for sampling: conditions encoded once, then asked many times.
 *
 * Two graphs with one plan each per length: encoding of conditions, and one step. Conditions are kept as the states that a
 * step attends to. Several songs of one length use the same plan.
 */
#ifndef LOFI_DIFFUSION_DENOISER_H
#define LOFI_DIFFUSION_DENOISER_H

#include "diffusion/sampler.h"
#include "models/ace_step_transformer.h"
#include "models/loaded.h"

typedef struct lofi_denoiser lofi_denoiser;

/* transformer and adapter (NULL: none) must outlive it. threads 0: all. *out is yours. LOFI_ERR_UNSUPPORTED for a network
 * whose output is no latent. */
lofi_code lofi_denoiser_open(lofi_denoiser **out, lofi_loaded *transformer, const lofi_adapter_hook *adapter,
                             int threads, lofi_error *err) LOFI_MUST_USE;
void lofi_denoiser_close(lofi_denoiser *denoiser); /* NULL is fine */

const lofi_ace_step_config *lofi_denoiser_config(const lofi_denoiser *denoiser);
/* Whether it has the layers that entropy rectifying guidance weakens: 4 and 5 of the lyric encoder, blocks 15 to 19. */
bool lofi_denoiser_can_weaken_lyrics(const lofi_denoiser *denoiser);
bool lofi_denoiser_can_weaken_blocks(const lofi_denoiser *denoiser);

/* What a condition is made of; nothing is kept. */
typedef struct lofi_condition_inputs {
    int64_t text, lyric;            /* tokens, at least 1; the same for all conditions of a song             */
    const float *text_states;       /* [text, text_width]; NULL: zeros                                       */
    const float *text_mask;         /* [text]; NULL: ones                                                    */
    const int64_t *lyric_token_ids; /* [lyric], each in [0, lyric_vocabulary); NULL: zeros                   */
    const float *lyric_mask;        /* [lyric]; NULL: ones                                                   */
    const float *speaker;           /* [speaker_width]; NULL: zeros                                          */
    bool weak_lyrics;               /* queries of the lyric encoder weakened                                 */
    bool weak_blocks;               /* queries of the transformer weakened whenever this condition is asked  */
} lofi_condition_inputs;

lofi_code lofi_denoiser_set_condition(lofi_denoiser *denoiser, lofi_condition condition,
                                      const lofi_condition_inputs *inputs, lofi_error *err) LOFI_MUST_USE;
/* Plans steps of `frames` frames with the conditions that were set last. */
lofi_code lofi_denoiser_start(lofi_denoiser *denoiser, int64_t frames, lofi_error *err) LOFI_MUST_USE;
/* latents: [channels, height, frames] -> output, likewise. After start; needs no memory. */
lofi_code lofi_denoiser_predict(lofi_denoiser *denoiser, lofi_condition condition, const float *latents, float timestep,
                                float *output, lofi_error *err) LOFI_MUST_USE;

/* Plans for a length without any condition, for what it would cost: bytes of activations of one step. */
lofi_code lofi_denoiser_measure(size_t *bytes, lofi_denoiser *denoiser, int64_t frames, int64_t text, int64_t lyric,
                                lofi_error *err) LOFI_MUST_USE;

#endif
