/* engine.h - what computes the networks of a song: this program (engine_native.c), or exported models in another runtime
 * (export/bundle_engine.c). Tokenizing lyrics, schedules, guidance and seeds are the generator's, whatever computes.
 */
#ifndef LOFI_DIFFUSION_ENGINE_H
#define LOFI_DIFFUSION_ENGINE_H

#include "audio/audio.h"
#include "diffusion/denoiser.h"
#include "diffusion/generator.h"

typedef struct lofi_engine lofi_engine;

/* Shapes as in denoiser.h, text_encoder.h and audio_decoder.h. */
typedef struct lofi_engine_functions {
    void (*close)(lofi_engine *engine);
    /* How many tokens a prompt has before it is cut, the end token included. */
    lofi_code (*count_tokens)(lofi_engine *engine, const char *prompt, int64_t *tokens, lofi_error *err);
    /* states: [*tokens, width], borrowed until the next call. weakened: only asked for with LOFI_ERG_TEXT in erg. */
    lofi_code (*encode_prompt)(lofi_engine *engine, const char *prompt, bool weakened, const float **states,
                               int64_t *tokens, lofi_error *err);
    lofi_code (*set_condition)(lofi_engine *engine, lofi_condition condition, const lofi_condition_inputs *inputs,
                               lofi_error *err);
    lofi_code (*start)(lofi_engine *engine, int64_t frames, lofi_error *err);
    lofi_code (*predict)(lofi_engine *engine, lofi_condition condition, const float *latents, float timestep,
                         float *output, lofi_error *err);
    /* Bytes of activations of one step, 0 where that is not known. */
    lofi_code (*measure)(lofi_engine *engine, size_t *bytes, int64_t frames, int64_t text, int64_t lyric,
                         lofi_error *err);
    /* 48 kHz samples per channel that so many latent frames become, and these samples. progress: as in audio_decoder.h. */
    int64_t (*decoded_length)(const lofi_engine *engine, int64_t frames);
    lofi_code (*decode)(lofi_engine *engine, const float *latents, int64_t frames,
                        bool (*progress)(void *user, double share), void *user, lofi_audio *out, lofi_error *err);
} lofi_engine_functions;

/* First member of every engine. */
struct lofi_engine {
    const lofi_engine_functions *functions;
    int64_t channels, height; /* of the latents */
    int64_t lyric_vocabulary; /* lyric tokens that are known; 0: not known */
    unsigned erg;             /* parts of entropy rectifying guidance that it can do */
    const char *erg_gap;      /* why it can do no others; NULL: the model lacks the layers */
    const char *folder;       /* where a lyric vocabulary may lie */
    bool without_lyrics;      /* songs without lyrics need no lyric vocabulary */
};

/* A base model with adapters. *out is yours: lofi_engine_close. */
lofi_code lofi_engine_native_open(lofi_engine **out, const lofi_generator_settings *settings, lofi_log *log,
                                  lofi_error *err) LOFI_MUST_USE;
void lofi_engine_close(lofi_engine *engine); /* NULL is fine */

/* A generator that computes with `engine` and closes it, also when it fails. Of the settings only what concerns lyrics is read. */
lofi_code lofi_generator_open_engine(lofi_generator **out, lofi_engine *engine, const lofi_generator_settings *settings,
                                     lofi_log *log, lofi_error *err) LOFI_MUST_USE;

#endif
