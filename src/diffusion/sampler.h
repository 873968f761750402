/* sampler.h - the loop of ACE-Step's text2music_diffusion_process (acestep/pipeline_ace_step.py): which condition the network
 * is asked with at which step, how the answers are guided, and how the latents move. Knows no network: it asks through
 * functions.
 */
#ifndef LOFI_DIFFUSION_SAMPLER_H
#define LOFI_DIFFUSION_SAMPLER_H

#include "diffusion/guidance.h"
#include "diffusion/scheduler.h"

typedef struct lofi_sampling {
    const lofi_scheduler *scheduler;
    const lofi_guidance *guidance;
    int64_t steps;         /* 1..LOFI_MAX_SAMPLING_STEPS; not used when steps are chosen                       */
    const int64_t *chosen; /* see lofi_noise_levels_choose; chosen_count 0: all steps                          */
    size_t chosen_count;
    double guidance_scale;    /* 0 or 1: no guidance, half the time                                           */
    double guidance_interval; /* 0..1: the share of the steps, around the middle, that is guided              */
    double interval_decay;    /* 0..1: how far the scale falls to min_guidance_scale within the interval      */
    double min_guidance_scale;
    double omega_scale;
    double prompt_scale, lyric_scale; /* both above 1: double guidance in place of `guidance`                  */
} lofi_sampling;

/* The values of the original's interface: 60 Euler steps, apg 15 in the middle half, omega 10. */
lofi_sampling lofi_sampling_default(void);

/* What the network is told. */
typedef enum lofi_condition {
    LOFI_CONDITION_FULL,   /* prompt and lyrics              */
    LOFI_CONDITION_NONE,   /* neither, or both weakened      */
    LOFI_CONDITION_PROMPT, /* the prompt, lyrics weakened    */
    LOFI_CONDITION_COUNT
} lofi_condition;

typedef struct lofi_sampler_model {
    void *user;
    /* latents [channels, plane] at a timestep (0..1000) -> output, likewise */
    lofi_code (*predict)(void *user, lofi_condition condition, const float *latents, float timestep, float *output,
                         lofi_error *err);
    /* Standard normal numbers for an evaluation [channels * plane]; asked only of schedulers that draw noise. */
    lofi_code (*noise)(void *user, int64_t evaluation, float *values, int64_t count, lofi_error *err);
    /* After each evaluation; a failure ends the loop with it. NULL: none. */
    lofi_code (*progress)(void *user, int64_t done, int64_t evaluations, lofi_error *err);
} lofi_sampler_model;

/* latents: [channels, plane], noise at first, changed in place. LOFI_ERR_NUMERIC when they are not finite any more;
 * LOFI_ERR_USAGE and LOFI_ERR_UNSUPPORTED as in lofi_sampling_check. Nothing is allocated per step. */
lofi_code lofi_sample(const lofi_sampling *settings, const lofi_sampler_model *model, int64_t channels, int64_t plane,
                      float *latents, lofi_error *err) LOFI_MUST_USE;

/* Whether the settings make sense, naming the one that does not. */
lofi_code lofi_sampling_check(const lofi_sampling *settings, lofi_error *err) LOFI_MUST_USE;
/* Which conditions are asked for at all, and how often the network will run; the settings are sound. */
typedef struct lofi_sampling_cost {
    int64_t steps, evaluations, network_runs;
    bool asked[LOFI_CONDITION_COUNT];
} lofi_sampling_cost;
lofi_sampling_cost lofi_sampling_count(const lofi_sampling *settings);

#endif
