/* sampler.c - see the header. */
#include "diffusion/sampler.h"

#include <math.h>

#include "base/memory.h"

lofi_sampling lofi_sampling_default(void) {
    return (lofi_sampling){.scheduler = lofi_scheduler_find("euler"),
                           .guidance = lofi_guidance_find("apg"),
                           .steps = 60,
                           .guidance_scale = 15,
                           .guidance_interval = 0.5,
                           .min_guidance_scale = 3,
                           .omega_scale = 10};
}

/* ---- the plan of a run ---- */

typedef struct schedule {
    lofi_noise_levels levels;
    const lofi_guidance *guidance; /* NULL: none at any step */
    int64_t first, end;            /* guided evaluations     */
} schedule;

static lofi_code check_number(double value, double min, double max, const char *name, lofi_error *err) {
    if (value >= min && value <= max) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_USAGE, "the %s is %g: expected %g to %g", name, value, min, max);
}

static lofi_code check_numbers(const lofi_sampling *s, lofi_error *err) {
    LOFI_TRY(check_number(s->guidance_scale, 0, 1000, "guidance scale", err));
    LOFI_TRY(check_number(s->guidance_interval, 0, 1, "guidance interval", err));
    LOFI_TRY(check_number(s->interval_decay, 0, 1, "decay of the guidance interval", err));
    LOFI_TRY(check_number(s->min_guidance_scale, 0, 1000, "least guidance scale", err));
    LOFI_TRY(check_number(s->omega_scale, -1000, 1000, "omega scale", err));
    LOFI_TRY(check_number(s->prompt_scale, 0, 1000, "guidance scale of the prompt", err));
    return check_number(s->lyric_scale, 0, 1000, "guidance scale of the lyrics", err);
}

static lofi_code plan(schedule *out, const lofi_sampling *s, lofi_error *err) {
    LOFI_TRY(check_numbers(s, err));
    LOFI_TRY(s->chosen_count ? lofi_noise_levels_choose(&out->levels, s->scheduler, s->chosen, s->chosen_count, err)
                             : lofi_noise_levels_make(&out->levels, s->scheduler, s->steps, err));
    bool guided = s->guidance_scale != 0 && s->guidance_scale != 1;
    bool both = s->prompt_scale > 1 && s->lyric_scale > 1;
    double steps = (double)out->levels.steps;
    out->guidance = !guided ? NULL : both ? &lofi_guidance_double : s->guidance;
    out->first = (int64_t)(steps * ((1 - s->guidance_interval) / 2));
    out->end = (int64_t)(steps * (s->guidance_interval / 2 + 0.5));
    return LOFI_OK;
}

static bool guided_at(const schedule *plan, int64_t index) {
    return plan->guidance && index >= plan->first && index < plan->end;
}

lofi_code lofi_sampling_check(const lofi_sampling *settings, lofi_error *err) {
    schedule ignored;
    return plan(&ignored, settings, err);
}

lofi_sampling_cost lofi_sampling_count(const lofi_sampling *settings) {
    schedule s;
    lofi_sampling_cost cost = {.asked = {[LOFI_CONDITION_FULL] = true}};
    if (plan(&s, settings, NULL) != LOFI_OK) return cost;
    cost.steps = s.levels.steps;
    cost.evaluations = cost.network_runs = s.levels.evaluations;
    for (int64_t i = 0; i < s.levels.evaluations; i++) {
        if (!guided_at(&s, i)) continue;
        cost.network_runs += s.guidance->wants_prompt_only ? 2 : 1;
        cost.asked[LOFI_CONDITION_NONE] = true;
        cost.asked[LOFI_CONDITION_PROMPT] = s.guidance->wants_prompt_only;
    }
    return cost;
}

/* ---- the loop ---- */

enum { CONDITIONAL, UNCONDITIONAL, PROMPT_ONLY, GUIDED, AVERAGE, NOISE, FIRST_MEMORY };
#define ARRAYS (FIRST_MEMORY + LOFI_MAX_SCHEDULER_MEMORIES)

typedef struct loop {
    const lofi_sampling *settings;
    const lofi_sampler_model *model;
    schedule plan;
    int64_t channels, plane, count;
    float *arrays[ARRAYS]; /* [count] each; NULL: not needed */
    float *block;
} loop;

static lofi_code allocate(loop *l, lofi_error *err) {
    const lofi_scheduler *scheduler = l->settings->scheduler;
    const lofi_guidance *guidance = l->plan.guidance;
    bool needed[ARRAYS] = {[CONDITIONAL] = true, [NOISE] = scheduler->draws_noise};
    needed[UNCONDITIONAL] = needed[GUIDED] = guidance != NULL;
    needed[PROMPT_ONLY] = guidance && guidance->wants_prompt_only;
    needed[AVERAGE] = guidance && guidance->remembers;
    for (int i = 0; i < scheduler->memory_count; i++) needed[FIRST_MEMORY + i] = true;
    size_t arrays = 0, total;
    for (int i = 0; i < ARRAYS; i++) arrays += needed[i];
    if (!lofi_mul_size(arrays, (size_t)l->count, &total))
        return lofi_fail(err, LOFI_ERR_MEMORY, "the latents are too large");
    LOFI_TRY(lofi_alloc((void **)&l->block, total, sizeof(float), "sampling", err));
    float *next = l->block;
    for (int i = 0; i < ARRAYS; i++)
        if (needed[i]) l->arrays[i] = next, next += l->count;
    return LOFI_OK;
}

static lofi_code ask(loop *l, lofi_condition condition, int64_t index, const float *latents, float *output,
                     lofi_error *err) {
    return l->model->predict(l->model->user, condition, latents, l->plan.levels.timesteps[index], output, err);
}

/* Falls linearly within the interval. With a single guided step the original divides by zero; here nothing falls. */
static double scale_at(const loop *l, int64_t index) {
    const lofi_sampling *s = l->settings;
    int64_t length = l->plan.end - l->plan.first - 1;
    if (!(s->interval_decay > 0) || length < 1) return s->guidance_scale;
    double progress = (double)(index - l->plan.first) / (double)length;
    return s->guidance_scale - (s->guidance_scale - s->min_guidance_scale) * progress * s->interval_decay;
}

/* *output: what the latents move by, borrowed until the next evaluation. */
static lofi_code evaluate(loop *l, int64_t index, const float *latents, const float **output, lofi_error *err) {
    *output = l->arrays[CONDITIONAL];
    LOFI_TRY(ask(l, LOFI_CONDITION_FULL, index, latents, l->arrays[CONDITIONAL], err));
    if (!guided_at(&l->plan, index)) return LOFI_OK;
    if (l->arrays[PROMPT_ONLY]) LOFI_TRY(ask(l, LOFI_CONDITION_PROMPT, index, latents, l->arrays[PROMPT_ONLY], err));
    LOFI_TRY(ask(l, LOFI_CONDITION_NONE, index, latents, l->arrays[UNCONDITIONAL], err));
    lofi_guidance_call call = {.conditional = l->arrays[CONDITIONAL],
                               .unconditional = l->arrays[UNCONDITIONAL],
                               .prompt_only = l->arrays[PROMPT_ONLY],
                               .out = l->arrays[GUIDED],
                               .memory = l->arrays[AVERAGE],
                               .channels = l->channels,
                               .plane = l->plane,
                               .step = index,
                               .scale = scale_at(l, index),
                               .prompt_scale = l->settings->prompt_scale,
                               .lyric_scale = l->settings->lyric_scale};
    l->plan.guidance->apply(&call);
    *output = l->arrays[GUIDED];
    return LOFI_OK;
}

static bool all_finite(const float *values, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(values[i])) return false;
    return true;
}

static lofi_code advance(loop *l, int64_t index, float *latents, lofi_error *err) {
    lofi_scheduler_call call = {.levels = &l->plan.levels,
                                .index = index,
                                .noise = l->arrays[NOISE],
                                .latents = latents,
                                .count = l->count,
                                .omega = l->settings->omega_scale};
    for (int i = 0; i < LOFI_MAX_SCHEDULER_MEMORIES; i++) call.memories[i] = l->arrays[FIRST_MEMORY + i];
    LOFI_TRY(evaluate(l, index, latents, &call.output, err));
    if (call.noise) LOFI_TRY(l->model->noise(l->model->user, index, l->arrays[NOISE], l->count, err));
    l->settings->scheduler->step(&call);
    if (all_finite(latents, l->count)) return LOFI_OK;
    lofi_fail(err, LOFI_ERR_NUMERIC, "the latents are not finite any more after %lld of %lld runs of the network",
              (long long)index + 1, (long long)l->plan.levels.evaluations);
    return lofi_hint(err, "lower the guidance scale, or check the model with 'lofi model check'");
}

static lofi_code run(loop *l, float *latents, lofi_error *err) {
    int64_t evaluations = l->plan.levels.evaluations;
    for (int64_t i = 0; i < evaluations; i++) {
        LOFI_TRY(advance(l, i, latents, err));
        if (l->model->progress) LOFI_TRY(l->model->progress(l->model->user, i + 1, evaluations, err));
    }
    return LOFI_OK;
}

lofi_code lofi_sample(const lofi_sampling *settings, const lofi_sampler_model *model, int64_t channels, int64_t plane,
                      float *latents, lofi_error *err) {
    loop l = {.settings = settings, .model = model, .channels = channels, .plane = plane, .count = channels * plane};
    LOFI_TRY(plan(&l.plan, settings, err));
    LOFI_TRY(allocate(&l, err));
    lofi_code code = run(&l, latents, err);
    lofi_free(l.block);
    return code;
}
