/* scheduler_euler.c - one straight step per evaluation (acestep: scheduling_flow_match_euler_discrete.py). */
#include "diffusion/scheduler.h"

static void step(const lofi_scheduler_call *call) {
    const float *sigma = call->levels->sigmas + call->index;
    lofi_omega_step(call->latents, call->latents, call->output, sigma[1] - sigma[0], call->count, call->omega);
}

const lofi_scheduler lofi_scheduler_euler = {
    .name = "euler",
    .summary = "one straight step per run of the network",
    .takes_levels = true,
    .expand = lofi_noise_levels_plain,
    .step = step,
};
