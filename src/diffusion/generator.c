/* generator.c - see the header. */
#include "diffusion/generator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/memory.h"
#include "base/random.h"
#include "diffusion/engine.h"
#include "models/text_encoder.h"
#include "text/lyric_tokenizer.h"

struct lofi_generator {
    lofi_log *log;
    lofi_engine *engine;
    lofi_lyric_tokenizer
        *lyrics;          /* NULL: there is no vocabulary, and the engine does without as long as there are no lyrics */
    lofi_error no_lyrics; /* then: why */
    float *latents;
    size_t latent_capacity;
    int64_t frames; /* of the latents */
};

/* ---- opening ---- */

static lofi_code check_vocabulary(const lofi_generator *g, const char *path, lofi_error *err) {
    int64_t tokens = lofi_lyric_tokenizer_vocab_size(g->lyrics), known = g->engine->lyric_vocabulary;
    if (known == 0 || tokens <= known) return LOFI_OK;
    lofi_fail(err, LOFI_ERR_FORMAT, "the lyric vocabulary '%s' has %lld tokens, the transformer knows only %lld", path,
              (long long)tokens, (long long)known);
    return lofi_hint(err, "name the one that belongs to the model with --lyric-vocab");
}

static lofi_code open_lyrics(lofi_generator *g, const lofi_generator_settings *s, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    lofi_code code = lofi_lyric_vocab_find(path, g->engine->folder, s->lyric_vocab, s->ace_step_dir, &g->no_lyrics);
    if (code == LOFI_ERR_NOT_FOUND && g->engine->without_lyrics && !s->lyric_vocab) return LOFI_OK;
    if (code != LOFI_OK && err) *err = g->no_lyrics;
    LOFI_TRY(code);
    LOFI_TRY(lofi_lyric_tokenizer_open(&g->lyrics, path, err));
    return check_vocabulary(g, path, err);
}

lofi_code lofi_generator_open_engine(lofi_generator **out, lofi_engine *engine, const lofi_generator_settings *settings,
                                     lofi_log *log, lofi_error *err) {
    lofi_generator *g = calloc(1, sizeof *g);
    if (!g) {
        lofi_engine_close(engine);
        return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the generator");
    }
    g->log = log;
    g->engine = engine;
    lofi_code code = open_lyrics(g, settings, err);
    if (code == LOFI_OK)
        *out = g;
    else
        lofi_generator_close(g);
    return code;
}

lofi_code lofi_generator_open(lofi_generator **out, const lofi_generator_settings *settings, lofi_log *log,
                              lofi_error *err) {
    lofi_engine *engine = NULL;
    LOFI_TRY(lofi_engine_native_open(&engine, settings, log, err));
    return lofi_generator_open_engine(out, engine, settings, log, err);
}

void lofi_engine_close(lofi_engine *engine) {
    if (engine) engine->functions->close(engine);
}

void lofi_generator_close(lofi_generator *g) {
    if (!g) return;
    lofi_engine_close(g->engine);
    lofi_lyric_tokenizer_free(g->lyrics);
    lofi_free(g->latents);
    free(g);
}

int64_t lofi_generator_channels(const lofi_generator *g) {
    return g->engine->channels;
}

int64_t lofi_generator_height(const lofi_generator *g) {
    return g->engine->height;
}

unsigned lofi_generator_erg(const lofi_generator *g) {
    return g->engine->erg;
}

/* ---- checking a request ---- */

int64_t lofi_song_frames(double seconds) {
    return (int64_t)(seconds * 44100 / 512 / 8);
}

static lofi_code check_song(const lofi_generator *g, const lofi_song *song, lofi_error *err) {
    if (!(song->seconds <= LOFI_GENERATE_MAX_SECONDS) || lofi_song_frames(song->seconds) < 1)
        return lofi_fail(err, LOFI_ERR_USAGE, "a duration of %g s cannot be generated: expected 1 to %d s",
                         song->seconds, LOFI_GENERATE_MAX_SECONDS);
    if (song->retake && !(song->retake_variance >= 0 && song->retake_variance <= 1))
        return lofi_fail(err, LOFI_ERR_USAGE, "the variance of the retake is %g: expected 0 to 1",
                         song->retake_variance);
    unsigned missing = song->erg & ~lofi_generator_erg(g);
    if (missing && g->engine->erg_gap)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "there is no entropy rectifying guidance here: %s",
                         g->engine->erg_gap);
    if (missing)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED,
                         "this model has too few layers for entropy rectifying guidance of %s",
                         missing & LOFI_ERG_TEXT    ? "text: its text encoder must have 10"
                         : missing & LOFI_ERG_LYRIC ? "lyrics: its lyric encoder must have 6"
                                                    : "diffusion: its transformer must have 20");
    return lofi_sampling_check(&song->sampling, err);
}

/* Without a vocabulary a song without lyrics is one padding token, as always. */
static lofi_code tokenize_lyrics(const lofi_generator *g, const lofi_song *song, lofi_lyric_tokens *lyrics,
                                 lofi_error *err) {
    if (g->lyrics) return lofi_lyric_tokenizer_encode_lines(g->lyrics, song->lyrics, song->language, lyrics, err);
    if (*song->lyrics) {
        if (err) *err = g->no_lyrics;
        return g->no_lyrics.code;
    }
    *lyrics = (lofi_lyric_tokens){.count = 1, .ids = calloc(1, sizeof *lyrics->ids)};
    return lyrics->ids ? LOFI_OK : lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a token");
}

static bool has_section(const char *lyrics) {
    for (const char *line = lyrics; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (line[strspn(line, " \t")] == '[') return true;
    }
    return false;
}

static void warn_of_lyrics(const lofi_generator *g, const lofi_song *song, const lofi_lyric_tokens *lyrics) {
    if (*song->lyrics && !has_section(song->lyrics))
        lofi_warn(g->log,
                  "the lyrics have no section marks such as [verse] and [chorus]: the model was trained with them");
    if (lyrics->count > LOFI_LYRIC_MAX_TOKENS)
        lofi_warn(g->log, "the lyrics are %zu tokens long: the model was trained with at most %d", lyrics->count,
                  LOFI_LYRIC_MAX_TOKENS);
    if (lyrics->note_count)
        lofi_warn(g->log, "lyrics, line %zu (%s): %s%s", lyrics->notes[0].line, lyrics->notes[0].language,
                  lyrics->notes[0].reason, lyrics->note_count > 1 ? "; other lines too" : "");
}

static void warn_of_song(const lofi_generator *g, const lofi_song *song, int64_t text_tokens) {
    if (text_tokens > LOFI_TEXT_MAX_TOKENS)
        lofi_warn(g->log, "the prompt is %lld tokens long: only the first %d are used", (long long)text_tokens,
                  LOFI_TEXT_MAX_TOKENS);
    if (song->seconds > LOFI_TRAINED_SECONDS)
        lofi_warn(g->log, "%g s is longer than what the model was trained with (%d s): expect it to wander off",
                  song->seconds, LOFI_TRAINED_SECONDS);
    if ((song->erg & LOFI_ERG_TEXT) && !(song->erg & LOFI_ERG_LYRIC))
        lofi_warn(g->log, "entropy rectifying guidance of text has no effect without that of lyrics");
}

lofi_code lofi_generator_plan(lofi_generator *g, const lofi_song *song, lofi_song_plan *plan, lofi_error *err) {
    lofi_lyric_tokens lyrics;
    LOFI_TRY(check_song(g, song, err));
    *plan = (lofi_song_plan){.frames = lofi_song_frames(song->seconds), .cost = lofi_sampling_count(&song->sampling)};
    LOFI_TRY(g->engine->functions->count_tokens(g->engine, song->prompt, &plan->text_tokens, err));
    LOFI_TRY(tokenize_lyrics(g, song, &lyrics, err));
    warn_of_song(g, song, plan->text_tokens);
    warn_of_lyrics(g, song, &lyrics);
    if (plan->text_tokens > LOFI_TEXT_MAX_TOKENS) plan->text_tokens = LOFI_TEXT_MAX_TOKENS;
    plan->lyric_tokens = (int64_t)lyrics.count;
    plan->language = lyrics.language;
    lofi_lyric_tokens_free(&lyrics);
    plan->audio_seconds = (double)g->engine->functions->decoded_length(g->engine, plan->frames) / 48000;
    return g->engine->functions->measure(g->engine, &plan->activation_bytes, plan->frames, plan->text_tokens,
                                         plan->lyric_tokens, err);
}

/* ---- conditions ---- */

/* Everything but the speaker, which the released model does not know: zeros in all. */
static lofi_code set_none(lofi_generator *g, const lofi_song *song, lofi_condition_inputs inputs, lofi_error *err) {
    int64_t tokens;
    inputs.weak_blocks = song->erg & LOFI_ERG_DIFFUSION;
    inputs.weak_lyrics = song->erg & LOFI_ERG_LYRIC;
    if (!inputs.weak_lyrics) inputs.lyric_token_ids = NULL;
    inputs.text_states = NULL;
    if (inputs.weak_lyrics && (song->erg & LOFI_ERG_TEXT))
        LOFI_TRY(g->engine->functions->encode_prompt(g->engine, song->prompt, true, &inputs.text_states, &tokens, err));
    return g->engine->functions->set_condition(g->engine, LOFI_CONDITION_NONE, &inputs, err);
}

static lofi_code set_prompt_only(lofi_generator *g, const lofi_song *song, lofi_condition_inputs inputs,
                                 lofi_error *err) {
    inputs.weak_lyrics = song->erg & LOFI_ERG_LYRIC;
    if (!inputs.weak_lyrics) inputs.lyric_token_ids = NULL;
    return g->engine->functions->set_condition(g->engine, LOFI_CONDITION_PROMPT, &inputs, err);
}

/* The text encoder's states are borrowed until its next run: the weakened ones are used up first. */
static lofi_code set_conditions(lofi_generator *g, const lofi_song *song, const lofi_lyric_tokens *lyrics,
                                lofi_error *err) {
    static const float nothing = 0;
    lofi_sampling_cost cost = lofi_sampling_count(&song->sampling);
    lofi_condition_inputs inputs = {
        .lyric = (int64_t)lyrics->count, .lyric_token_ids = lyrics->ids, .lyric_mask = *song->lyrics ? NULL : &nothing};
    LOFI_TRY(g->engine->functions->count_tokens(g->engine, song->prompt, &inputs.text, err));
    if (inputs.text > LOFI_TEXT_MAX_TOKENS) inputs.text = LOFI_TEXT_MAX_TOKENS;
    if (cost.asked[LOFI_CONDITION_NONE]) LOFI_TRY(set_none(g, song, inputs, err));
    LOFI_TRY(
        g->engine->functions->encode_prompt(g->engine, song->prompt, false, &inputs.text_states, &inputs.text, err));
    if (cost.asked[LOFI_CONDITION_PROMPT]) LOFI_TRY(set_prompt_only(g, song, inputs, err));
    return g->engine->functions->set_condition(g->engine, LOFI_CONDITION_FULL, &inputs, err);
}

/* ---- sampling ---- */

typedef struct sampling {
    lofi_generator *generator;
    const lofi_song *song;
} sampling;

static lofi_code check_interrupt(lofi_error *err) {
    if (!lofi_interrupt_asked()) return LOFI_OK;
    lofi_fail(err, LOFI_ERR_INTERRUPTED, "stopped while generating; the unfinished song is not kept");
    return lofi_hint(err, "run the same command again");
}

static lofi_code predict(void *user, lofi_condition condition, const float *latents, float timestep, float *output,
                         lofi_error *err) {
    const sampling *s = user;
    LOFI_TRY(check_interrupt(err));
    return s->generator->engine->functions->predict(s->generator->engine, condition, latents, timestep, output, err);
}

static lofi_code draw(void *user, int64_t evaluation, float *values, int64_t count, lofi_error *err) {
    (void)err;
    const sampling *s = user;
    lofi_random random = lofi_random_at(s->song->seed, LOFI_RANDOM_SAMPLE, 1 + (uint64_t)evaluation);
    lofi_random_fill_normal(&random, 0, values, (size_t)count);
    return LOFI_OK;
}

static lofi_code progress(void *user, int64_t done, int64_t evaluations, lofi_error *err) {
    const sampling *s = user;
    if (s->song->on_step) s->song->on_step(s->song->user, done, evaluations);
    return check_interrupt(err);
}

/* Number by number, so that no second array is needed. */
static void mix_retake(float *latents, size_t count, const lofi_song *song) {
    lofi_random random = lofi_random_at(song->retake_seed, LOFI_RANDOM_RETAKE, 0);
    float angle = (float)(song->retake_variance * 3.14159265358979323846 / 2), c = cosf(angle), s = sinf(angle);
    for (size_t i = 0; i < count; i++) latents[i] = c * latents[i] + s * lofi_random_normal(&random, i);
}

static lofi_code start(lofi_generator *g, const lofi_song *song, lofi_error *err) {
    int64_t frames = lofi_song_frames(song->seconds);
    size_t count = (size_t)(lofi_generator_channels(g) * lofi_generator_height(g) * frames);
    if (g->latent_capacity < count) {
        lofi_free(g->latents);
        g->latents = NULL;
        g->latent_capacity = 0;
        LOFI_TRY(lofi_alloc((void **)&g->latents, count, sizeof *g->latents, "latents", err));
        g->latent_capacity = count;
    }
    g->frames = frames;
    if (song->noise)
        memcpy(g->latents, song->noise, count * sizeof *g->latents);
    else {
        lofi_random random = lofi_random_at(song->seed, LOFI_RANDOM_SAMPLE, 0);
        lofi_random_fill_normal(&random, 0, g->latents, count);
    }
    if (song->retake) mix_retake(g->latents, count, song);
    return g->engine->functions->start(g->engine, frames, err);
}

lofi_code lofi_generator_sample(lofi_generator *g, const lofi_song *song, const float **latents, lofi_error *err) {
    lofi_lyric_tokens lyrics;
    sampling user = {g, song};
    lofi_sampler_model model = {&user, predict, draw, progress};
    LOFI_TRY(check_song(g, song, err));
    LOFI_TRY(tokenize_lyrics(g, song, &lyrics, err));
    lofi_code code = set_conditions(g, song, &lyrics, err);
    lofi_lyric_tokens_free(&lyrics);
    LOFI_TRY(code);
    LOFI_TRY(start(g, song, err));
    LOFI_TRY(lofi_sample(&song->sampling, &model, lofi_generator_channels(g), lofi_generator_height(g) * g->frames,
                         g->latents, err));
    *latents = g->latents;
    return LOFI_OK;
}

/* ---- decoding ---- */

static bool decoded(void *user, double share) {
    const lofi_song *song = user;
    if (song->on_decoded) song->on_decoded(song->user, share);
    return !lofi_interrupt_asked();
}

lofi_code lofi_generator_decode(lofi_generator *g, const lofi_song *song, lofi_audio *out, lofi_error *err) {
    lofi_code code = g->engine->functions->decode(g->engine, g->latents, g->frames, decoded, (void *)(uintptr_t)song,
                                                  out, err);
    return code == LOFI_ERR_INTERRUPTED && lofi_interrupt_asked() ? check_interrupt(err) : code;
}
