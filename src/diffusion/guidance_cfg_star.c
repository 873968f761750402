/* guidance_cfg_star.c - CFG-Zero*: the unconditional answer is scaled to fit the conditional one, and the first steps do
 * nothing. */
#include <string.h>

#include "diffusion/guidance.h"

#define ZERO_STEPS 1 /* the last step that does nothing */
#define EPSILON    1e-8f

static void apply(const lofi_guidance_call *call) {
    int64_t count = call->channels * call->plane;
    if (call->step <= ZERO_STEPS) {
        memset(call->out, 0, (size_t)count * sizeof *call->out);
        return;
    }
    double product = 0, square = 0;
    for (int64_t i = 0; i < count; i++) {
        product += (double)call->conditional[i] * (double)call->unconditional[i];
        square += (double)call->unconditional[i] * (double)call->unconditional[i];
    }
    float fit = (float)product / ((float)square + EPSILON), scale = (float)call->scale;
    for (int64_t i = 0; i < count; i++) {
        float fitted = call->unconditional[i] * fit;
        call->out[i] = fitted + scale * (call->conditional[i] - fitted);
    }
}

const lofi_guidance lofi_guidance_cfg_star = {
    .name = "cfg_star", .summary = "CFG-Zero*: steadier at low scales, still in the first two steps", .apply = apply};
