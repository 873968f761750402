/* scheduler_pingpong.c - all noise taken out, and less of it put in again, new each time (acestep:
 * scheduling_flow_match_pingpong.py). */
#include "diffusion/scheduler.h"

static void step(const lofi_scheduler_call *call) {
    float sigma = call->levels->sigmas[call->index], next = call->levels->sigmas[call->index + 1];
    for (int64_t i = 0; i < call->count; i++) {
        float denoised = call->latents[i] - sigma * call->output[i];
        call->latents[i] = (1.0f - next) * denoised + next * call->noise[i];
    }
}

const lofi_scheduler lofi_scheduler_pingpong = {
    .name = "pingpong",
    .summary = "cleaned completely and made noisy again at each step",
    .draws_noise = true,
    .takes_levels = true,
    .expand = lofi_noise_levels_plain,
    .step = step,
};
