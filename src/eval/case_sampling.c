/* case_sampling.c - noise to latents through the whole loop, for every recorded combination of scheduler and guidance; the
 * noise that was drawn is recorded. */
#include <stdio.h>

#include "base/json.h"
#include "diffusion/denoiser.h"
#include "eval/recorded_settings.h"
#include "eval/training_rows.h"

#define LIMIT 2e-5

typedef struct work {
    lofi_selftest *test;
    lofi_training_rows rows;
    lofi_loaded *transformer;
    lofi_denoiser *denoiser;
    json_t *settings;
    const char *name; /* of the way that is being computed */
} work;

static lofi_code predict(void *user, lofi_condition condition, const float *latents, float timestep, float *output,
                         lofi_error *err) {
    const work *w = user;
    return lofi_denoiser_predict(w->denoiser, condition, latents, timestep, output, err);
}

static lofi_code recorded_latents(const float **out, const work *w, const char *what, lofi_error *err) {
    char name[256];
    const lofi_stored_tensor *tensor;
    snprintf(name, sizeof name, "%s.%s", w->name, what);
    LOFI_TRY(lofi_selftest_input(&tensor, w->test, name, 4, err));
    if (tensor->count != w->rows.latent_values)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' has %zu values, the latents of train_inputs have %zu", name,
                         tensor->count, w->rows.latent_values);
    return lofi_recorded_f32(out, w->test, tensor, 0, tensor->count, err);
}

static lofi_code noise(void *user, int64_t evaluation, float *values, int64_t count, lofi_error *err) {
    const float *recorded;
    char what[64];
    snprintf(what, sizeof what, "noise_%lld", (long long)evaluation);
    LOFI_TRY(recorded_latents(&recorded, user, what, err));
    for (int64_t i = 0; i < count; i++) values[i] = recorded[i];
    return LOFI_OK;
}

/* Row 0; speaker, prompt and lyrics are zeros where a condition leaves them out, the masks stay. */
static lofi_code set_conditions(const work *w, lofi_error *err) {
    const lofi_training_rows *rows = &w->rows;
    lofi_condition_inputs inputs = {
        .text = rows->text, .lyric = rows->lyric, .text_mask = rows->text_mask, .lyric_mask = rows->lyric_mask};
    LOFI_TRY(lofi_denoiser_set_condition(w->denoiser, LOFI_CONDITION_NONE, &inputs, err));
    inputs.text_states = rows->text_states;
    LOFI_TRY(lofi_denoiser_set_condition(w->denoiser, LOFI_CONDITION_PROMPT, &inputs, err));
    inputs.lyric_token_ids = rows->lyric_token_ids;
    inputs.speaker = rows->speaker;
    LOFI_TRY(lofi_denoiser_set_condition(w->denoiser, LOFI_CONDITION_FULL, &inputs, err));
    return lofi_denoiser_start(w->denoiser, rows->frames, err);
}

static lofi_code compute_one(work *w, const json_t *settings, lofi_error *err) {
    const lofi_ace_step_config *config = lofi_denoiser_config(w->denoiser);
    const float *start;
    lofi_sampling sampling;
    char name[256];
    LOFI_TRY(lofi_recorded_sampling(&sampling, w->test, settings, w->name, err));
    LOFI_TRY(recorded_latents(&start, w, "start", err));
    size_t count = w->rows.latent_values;
    float *latents = lofi_arena_alloc(w->test->arena, count * sizeof *latents);
    if (!latents) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the self-test");
    for (size_t i = 0; i < count; i++) latents[i] = start[i];
    lofi_sampler_model model = {.user = w, .predict = predict, .noise = noise};
    LOFI_TRY(lofi_sample(&sampling, &model, config->in_channels, config->height * w->rows.frames, latents, err));
    snprintf(name, sizeof name, "%s.end", w->name);
    return lofi_selftest_compare_flat(w->test, name, latents, (int64_t)count, LIMIT, err);
}

static lofi_code open_all(work *w, lofi_error *err) {
    LOFI_TRY(lofi_training_rows_open(&w->rows, w->test, err));
    LOFI_TRY(lofi_training_open_transformer(&w->transformer, w->test, err));
    LOFI_TRY(lofi_denoiser_open(&w->denoiser, w->transformer, NULL, w->test->options->threads, err));
    LOFI_TRY(lofi_training_rows_check(&w->rows, lofi_denoiser_config(w->denoiser), err));
    if (w->rows.batch != 1)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "recorded with %lld songs at once, one is sampled at a time",
                         (long long)w->rows.batch);
    LOFI_TRY(lofi_recorded_settings_load(&w->settings, w->test, err));
    return set_conditions(w, err);
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
    lofi_denoiser_close(w.denoiser);
    lofi_loaded_close(w.transformer);
    lofi_training_rows_close(&w.rows);
    return code;
}

const lofi_selftest_case lofi_case_sampling = {.name = "sampling", .run = run_case};
