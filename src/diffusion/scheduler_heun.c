/* scheduler_heun.c - a trial step, then the same step again with the mean of both slopes (acestep:
 * scheduling_flow_match_heun_discrete.py, without churn). Every level but the first is asked twice; the last step, to 0,
 * is a plain one. */
#include <string.h>

#include "diffusion/flow_schedule.h"
#include "diffusion/scheduler.h"

static void expand(lofi_noise_levels *levels, const float *sigmas, int64_t steps) {
    levels->steps = steps;
    levels->evaluations = 2 * steps - 1;
    for (int64_t i = 0; i < levels->evaluations; i++) {
        levels->sigmas[i] = sigmas[(i + 1) / 2];
        levels->timesteps[i] = sigmas[(i + 1) / 2] * (float)LOFI_FLOW_STEPS;
    }
    levels->sigmas[levels->evaluations] = 0;
}

/* The slope as the original computes it: through its estimate of the clean latents. */
static float slope_at(float latent, float output, float sigma) {
    float denoised = latent - output * sigma;
    return (latent - denoised) / sigma;
}

static void step(const lofi_scheduler_call *call) {
    const float *sigma = call->levels->sigmas + call->index;
    float *slope = call->memories[0], *start = call->memories[1];
    if (call->index % 2 == 0) {
        memcpy(start, call->latents, (size_t)call->count * sizeof *start);
        for (int64_t i = 0; i < call->count; i++) slope[i] = slope_at(start[i], call->output[i], sigma[0]);
        lofi_omega_step(call->latents, start, slope, sigma[1] - sigma[0], call->count, call->omega);
        return;
    }
    for (int64_t i = 0; i < call->count; i++)
        slope[i] = 0.5f * (slope[i] + slope_at(call->latents[i], call->output[i], sigma[0]));
    lofi_omega_step(call->latents, start, slope, sigma[0] - sigma[-1], call->count, call->omega);
}

const lofi_scheduler lofi_scheduler_heun = {
    .name = "heun",
    .summary = "each step tried and corrected: two runs of the network",
    .memory_count = 2,
    .expand = expand,
    .step = step,
};
