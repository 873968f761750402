/* generator.h - a base model, adapters and a prompt become music: text encoder, lyric tokenizer, transformer, sampler and decoder
 * together, as ACE-Step's pipeline does it (acestep/pipeline_ace_step.py, tasks text2music and retake).
 *
 * A song follows from the model, its request and nothing else: the same bytes every time, with 1 to 4 threads. Models are
 * opened once; several songs of one length use the same plans.
 */
#ifndef LOFI_DIFFUSION_GENERATOR_H
#define LOFI_DIFFUSION_GENERATOR_H

#include "audio/audio.h"
#include "base/log.h"
#include "diffusion/sampler.h"
#include "lora/lora_file.h"

#define LOFI_GENERATE_MAX_SECONDS 600 /* the longest that is computed                     */
#define LOFI_TRAINED_SECONDS      240 /* the longest song that the released model learned */

typedef struct lofi_generator lofi_generator;

typedef struct lofi_generator_settings {
    const char *checkpoint_dir;
    const char *lyric_vocab, *ace_step_dir; /* as in lofi_lyric_vocab_find; may be NULL */
    const lofi_adapter_choice *adapters;    /* their effects add up                     */
    size_t adapter_count;
    int threads; /* 0: all */
} lofi_generator_settings;

/* Opens and checks everything, the base model first. Warnings go to `log`, which must outlive it. *out is yours. */
lofi_code lofi_generator_open(lofi_generator **out, const lofi_generator_settings *settings, lofi_log *log,
                              lofi_error *err) LOFI_MUST_USE;
void lofi_generator_close(lofi_generator *generator); /* NULL is fine */

/* ---- entropy rectifying guidance ----
 * Guidance compares with weakened conditions in the place of empty ones. TEXT has an effect only beside LYRIC, as in the
 * original. */
enum { LOFI_ERG_TEXT = 1, LOFI_ERG_LYRIC = 2, LOFI_ERG_DIFFUSION = 4, LOFI_ERG_ALL = 7 };
/* The parts that this model has layers for. */
unsigned lofi_generator_erg(const lofi_generator *generator);

/* ---- a song ---- */

typedef struct lofi_song {
    const char *prompt;   /* UTF-8; cut at 256 tokens                                             */
    const char *lyrics;   /* UTF-8, lines with section marks; "": none                            */
    const char *language; /* of the lyrics; NULL: guessed line by line                            */
    double seconds;       /* at least one frame (0.1 s), at most LOFI_GENERATE_MAX_SECONDS        */
    uint64_t seed;
    lofi_sampling sampling;
    unsigned erg;
    const float *noise; /* [channels, height, frames] to begin with; NULL: drawn from the seed     */
    bool retake;        /* mix noise of retake_seed in: cos(v pi / 2) noise + sin(v pi / 2) other   */
    uint64_t retake_seed;
    double retake_variance; /* v, 0..1 */
    /* After each run of the scheduler, and while decoding with the share that is done; may be NULL. */
    void (*on_step)(void *user, int64_t done, int64_t evaluations);
    void (*on_decoded)(void *user, double share);
    void *user;
} lofi_song;

/* floor(seconds * 44100 / 512 / 8): frames of the latents. */
int64_t lofi_song_frames(double seconds);

/* What a request comes to. */
typedef struct lofi_song_plan {
    int64_t frames, text_tokens, lyric_tokens;
    double audio_seconds; /* of the sound that comes out */
    lofi_sampling_cost cost;
    size_t activation_bytes; /* of one step */
    const char *language;    /* of the lyrics */
} lofi_song_plan;
/* Checks a request and says what it takes, without computing anything; warns of what is odd about it. */
lofi_code lofi_generator_plan(lofi_generator *generator, const lofi_song *song, lofi_song_plan *plan,
                              lofi_error *err) LOFI_MUST_USE;

/* Noise to latents [channels, height, frames], borrowed until the next call. LOFI_ERR_INTERRUPTED between runs of the
 * network. */
lofi_code lofi_generator_sample(lofi_generator *generator, const lofi_song *song, const float **latents,
                                lofi_error *err) LOFI_MUST_USE;
/* The latents that were sampled last, as sound: 48 kHz stereo, yours: lofi_audio_free. */
lofi_code lofi_generator_decode(lofi_generator *generator, const lofi_song *song, lofi_audio *out,
                                lofi_error *err) LOFI_MUST_USE;

int64_t lofi_generator_channels(const lofi_generator *generator);
int64_t lofi_generator_height(const lofi_generator *generator);

#endif
