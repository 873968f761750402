/* guidance_apg.c - adaptive projected guidance: what the prompt adds is averaged with a negative momentum, shortened, and only
 * the part of it that is orthogonal to the conditional answer is used. Channel by channel; the projection in f64. */
#include <math.h>

#include "diffusion/guidance.h"

#define MOMENTUM       (-0.75f)
#define NORM_THRESHOLD 2.5f
#define SMALLEST_NORM  1e-12

static double norm(const float *values, int64_t count) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += (double)values[i] * (double)values[i];
    return sqrt(sum);
}

/* out = what is left of `change` without its part along `direction`. */
static void reject(float *out, const float *change, const float *direction, int64_t count) {
    double length = fmax(norm(direction, count), SMALLEST_NORM), along = 0;
    for (int64_t i = 0; i < count; i++) along += (double)change[i] * ((double)direction[i] / length);
    for (int64_t i = 0; i < count; i++) out[i] = (float)((double)change[i] - along * ((double)direction[i] / length));
}

static void guide_channel(const lofi_guidance_call *call, int64_t channel) {
    int64_t first = channel * call->plane, count = call->plane;
    const float *conditional = call->conditional + first, *unconditional = call->unconditional + first;
    float *average = call->memory + first, *out = call->out + first;
    for (int64_t i = 0; i < count; i++) average[i] = (conditional[i] - unconditional[i]) + MOMENTUM * average[i];
    float shorten = fminf(1, NORM_THRESHOLD / (float)norm(average, count));
    for (int64_t i = 0; i < count; i++) out[i] = average[i] * shorten;
    reject(out, out, conditional, count);
    float scale = (float)(call->scale - 1);
    for (int64_t i = 0; i < count; i++) out[i] = conditional[i] + scale * out[i];
}

static void apply(const lofi_guidance_call *call) {
    for (int64_t channel = 0; channel < call->channels; channel++) guide_channel(call, channel);
}

const lofi_guidance lofi_guidance_apg = {.name = "apg",
                                         .summary = "adaptive projected guidance: high scales without harshness",
                                         .remembers = true,
                                         .apply = apply};
