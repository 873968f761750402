/* guidance_cfg.c - classifier-free guidance, plain. */
#include "diffusion/guidance.h"

static void apply(const lofi_guidance_call *call) {
    float scale = (float)call->scale;
    for (int64_t i = 0; i < call->channels * call->plane; i++)
        call->out[i] = call->unconditional[i] + scale * (call->conditional[i] - call->unconditional[i]);
}

const lofi_guidance lofi_guidance_cfg = {.name = "cfg", .summary = "plain classifier-free guidance", .apply = apply};
