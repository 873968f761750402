/* case_pipeline.c - prompt and lyrics to latents and sound, from the recorded noise. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "diffusion/generator.h"
#include "eval/recorded_settings.h"
#include "text/lyric_tokenizer.h"

#define LATENT_LIMIT 3e-5
#define AUDIO_LIMIT  5e-5

typedef struct work {
    lofi_selftest *test;
    lofi_generator *generator;
    lofi_lyric_tokenizer *lyrics;
    json_t *settings;
    const char *name; /* of the song that is being computed */
} work;

static lofi_code read_erg(unsigned *erg, const json_t *settings, const char *name, lofi_error *err) {
    static const char *const keys[] = {"use_erg_tag", "use_erg_lyric", "use_erg_diffusion"};
    *erg = 0;
    for (unsigned i = 0; i < 3; i++) {
        bool on;
        LOFI_TRY(lofi_json_bool_or(&on, settings, keys[i], true, name, err));
        if (on) *erg |= 1u << i;
    }
    return LOFI_OK;
}

static lofi_code compare_ids(const work *w, const lofi_song *song, lofi_error *err) {
    char name[256];
    lofi_lyric_tokens tokens;
    snprintf(name, sizeof name, "%s.lyric_token_ids", w->name);
    LOFI_TRY(lofi_lyric_tokenizer_encode_lines(w->lyrics, song->lyrics, NULL, &tokens, err));
    lofi_code code = lofi_selftest_compare_integers(w->test, name, tokens.ids, (int64_t)tokens.count, 0, err);
    lofi_lyric_tokens_free(&tokens);
    return code;
}

static lofi_code compare_sound(const work *w, const lofi_song *song, lofi_error *err) {
    char name[256];
    lofi_audio audio;
    LOFI_TRY(lofi_generator_decode(w->generator, song, &audio, err));
    snprintf(name, sizeof name, "%s.audio_48k", w->name);
    int64_t dims[] = {audio.channels, audio.frames};
    lofi_code code = lofi_selftest_compare(w->test, name, audio.samples, 2, dims, AUDIO_LIMIT, err);
    lofi_audio_free(&audio);
    return code;
}

static lofi_code read_noise(const work *w, lofi_song *song, lofi_error *err) {
    char name[256];
    const lofi_stored_tensor *start;
    snprintf(name, sizeof name, "%s.start", w->name);
    LOFI_TRY(lofi_selftest_input(&start, w->test, name, 4, err));
    int64_t dims[] = {1, lofi_generator_channels(w->generator), lofi_generator_height(w->generator),
                      lofi_song_frames(song->seconds)};
    if (!lofi_stored_has_shape(start, 4, dims))
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' does not fit the model and the duration beside it", name);
    return lofi_recorded_f32(&song->noise, w->test, start, 0, start->count, err);
}

static lofi_code compute_one(const work *w, const json_t *settings, lofi_error *err) {
    char name[256];
    lofi_song song = {0};
    const float *latents;
    LOFI_TRY(lofi_recorded_sampling(&song.sampling, w->test, settings, w->name, err));
    LOFI_TRY(lofi_json_string(&song.prompt, settings, "prompt", w->name, err));
    LOFI_TRY(lofi_json_string(&song.lyrics, settings, "lyrics", w->name, err));
    LOFI_TRY(lofi_json_number(&song.seconds, settings, "audio_duration", w->name, err));
    LOFI_TRY(read_erg(&song.erg, settings, w->name, err));
    LOFI_TRY(read_noise(w, &song, err));
    LOFI_TRY(compare_ids(w, &song, err));
    LOFI_TRY(lofi_generator_sample(w->generator, &song, &latents, err));
    snprintf(name, sizeof name, "%s.latents", w->name);
    int64_t count = lofi_generator_channels(w->generator) * lofi_generator_height(w->generator) *
                    lofi_song_frames(song.seconds);
    LOFI_TRY(lofi_selftest_compare_flat(w->test, name, latents, count, LATENT_LIMIT, err));
    return compare_sound(w, &song, err);
}

static lofi_code open_all(work *w, lofi_error *err) {
    char model[LOFI_PATH_MAX], vocabulary[LOFI_PATH_MAX];
    LOFI_TRY(lofi_selftest_path(model, w->test, "model", err));
    LOFI_TRY(lofi_selftest_path(vocabulary, w->test, "small_lyric_vocab.json", err));
    lofi_generator_settings settings = {
        .checkpoint_dir = model, .lyric_vocab = vocabulary, .threads = w->test->options->threads};
    LOFI_TRY(lofi_generator_open(&w->generator, &settings, w->test->log, err));
    LOFI_TRY(lofi_lyric_tokenizer_open(&w->lyrics, vocabulary, err));
    return lofi_recorded_settings_load(&w->settings, w->test, err);
}

static lofi_code compute(work *w, lofi_error *err) {
    json_t *settings;
    LOFI_TRY(open_all(w, err));
    json_object_foreach(w->settings, w->name, settings) LOFI_TRY(compute_one(w, settings, err));
    return LOFI_OK;
}

static lofi_code run_case(lofi_selftest *test, lofi_error *err) {
    work w = {.test = test};
    lofi_code code = compute(&w, err);
    json_decref(w.settings);
    lofi_lyric_tokenizer_free(w.lyrics);
    lofi_generator_close(w.generator);
    return code;
}

const lofi_selftest_case lofi_case_pipeline = {.name = "pipeline", .run = run_case};
