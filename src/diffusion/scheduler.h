/* scheduler.h - from noise to latents in steps: at which noise levels the network is asked, and what is made of its answer.
 *
 * Must match the flow-matching schedulers of ACE-Step (acestep/schedulers/) with num_train_timesteps 1000 and shift 3, in
 * their precision. With n steps, in f64: t = 1000 .. 1000 sigma_min in n equal strides, s = t / 1000,
 * sigma = 3 s / (1 + 2 s), rounded to f32; sigma_min is the last noise level of training (flow_schedule.h). The network is
 * told 1000 sigma. After the last level comes 0.
 *
 * To add a scheduler: write src/diffusion/scheduler_NAME.c ending in one `const lofi_scheduler lofi_scheduler_NAME`, and
 * put one line into src/diffusion/schedulers.h. Nothing outside of its file asks which one it is.
 */
#ifndef LOFI_DIFFUSION_SCHEDULER_H
#define LOFI_DIFFUSION_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define LOFI_MAX_SAMPLING_STEPS     1000
#define LOFI_MAX_EVALUATIONS        (2 * LOFI_MAX_SAMPLING_STEPS)
#define LOFI_MAX_SCHEDULER_MEMORIES 2

typedef struct lofi_noise_levels {
    int64_t steps;                          /* what guidance intervals are counted in      */
    int64_t evaluations;                    /* how often the network is asked: steps or more */
    float timesteps[LOFI_MAX_EVALUATIONS];  /* [evaluations]: what it is told             */
    float sigmas[LOFI_MAX_EVALUATIONS + 1]; /* [evaluations + 1]: falling, the last is 0  */
} lofi_noise_levels;

/* One evaluation of the network turned into new latents. */
typedef struct lofi_scheduler_call {
    const lofi_noise_levels *levels;
    int64_t index;       /* of the evaluation, from 0 in order                                */
    const float *output; /* [count] of the network, after guidance                            */
    const float *noise;  /* [count] standard normal, new in each call; NULL unless draws_noise */
    float *latents;      /* [count], changed in place                                         */
    float *memories[LOFI_MAX_SCHEDULER_MEMORIES]; /* [count] each, kept from call to call     */
    int64_t count;
    double omega; /* the strength that users give, 0: plain; see lofi_omega_factor          */
} lofi_scheduler_call;

typedef struct lofi_scheduler {
    const char *name;    /* "euler" */
    const char *summary; /* half a sentence for the user */
    int memory_count;    /* of call.memories that it uses */
    bool draws_noise;    /* wants call.noise */
    bool takes_levels;   /* can be given chosen noise levels (oss_steps) */
    /* From one sigma per step to what is asked of the network; sets all of *levels. */
    void (*expand)(lofi_noise_levels *levels, const float *sigmas, int64_t steps);
    void (*step)(const lofi_scheduler_call *call);
} lofi_scheduler;

/* By its name, or by number from 0; NULL when there is none. */
const lofi_scheduler *lofi_scheduler_find(const char *name);
const lofi_scheduler *lofi_scheduler_at(size_t index);

/* The levels of `steps` equal strides, 1..LOFI_MAX_SAMPLING_STEPS. */
lofi_code lofi_noise_levels_make(lofi_noise_levels *out, const lofi_scheduler *scheduler, int64_t steps,
                                 lofi_error *err) LOFI_MUST_USE;
/* Chosen ones of the levels of max(chosen) steps: numbers from 1, rising ("oss_steps" of the original). As there, the
 * sigmas chosen are shifted once more. LOFI_ERR_UNSUPPORTED when the scheduler cannot; LOFI_ERR_USAGE when the list makes
 * no sense. */
lofi_code lofi_noise_levels_choose(lofi_noise_levels *out, const lofi_scheduler *scheduler, const int64_t *chosen,
                                   size_t count, lofi_error *err) LOFI_MUST_USE;

/* ---- what schedulers share ---- */

/* 0.9 + 0.2 / (1 + exp(-omega / 10)): 1 at omega 0, at most 1.1. */
double lofi_omega_factor(double omega);
/* to = from + (d - mean(d)) omega_factor + mean(d) with d = stride * slope: a step whose spread around its mean is scaled.
 * All [count]; `to` may be `from`. f32, the mean summed in f64. */
void lofi_omega_step(float *to, const float *from, const float *slope, float stride, int64_t count, double omega);
/* Levels as they are: one evaluation per step. */
void lofi_noise_levels_plain(lofi_noise_levels *levels, const float *sigmas, int64_t steps);

#endif
