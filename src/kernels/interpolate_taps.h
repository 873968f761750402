/* interpolate_taps.h - which frames an output of an interpolation is made of, and with what weights. */
#ifndef LOFI_KERNELS_INTERPOLATE_TAPS_H
#define LOFI_KERNELS_INTERPOLATE_TAPS_H

#include <math.h>

#include "base/host_device.h"
#include "kernels/interpolate.h"

#define LOFI_MAX_TAPS 4
#define LOFI_CUBIC_A  (-0.75f)

/* An output: the sum of weight x frame over its taps. From an output to the next, and from a tap to the next, the frames never
 * go back. */
typedef struct lofi_taps {
    int count;
    int64_t frame[LOFI_MAX_TAPS];
    float weight[LOFI_MAX_TAPS];
} lofi_taps;

static inline LOFI_HOST_DEVICE int64_t lofi_frame_inside(int64_t frame, int64_t in) {
    return frame < 0 ? 0 : frame < in ? frame : in - 1;
}

static inline LOFI_HOST_DEVICE lofi_taps lofi_linear_taps(int64_t i, int64_t in, int64_t length) {
    float scale = (float)in / (float)length, at = scale * ((float)i + 0.5f) - 0.5f;
    if (at < 0) at = 0;
    int64_t first = lofi_frame_inside((int64_t)at, in);
    float weight = at - (float)first;
    lofi_taps taps = {2, {first, lofi_frame_inside(first + 1, in)}, {1.0f - weight, weight}};
    return taps;
}

/* Keys' cubic convolution kernel (1981) at a distance below 1, and from 1 to 2. */
static inline LOFI_HOST_DEVICE float lofi_near_weight(float x) {
    return ((LOFI_CUBIC_A + 2.0f) * x - (LOFI_CUBIC_A + 3.0f)) * x * x + 1.0f;
}

static inline LOFI_HOST_DEVICE float lofi_far_weight(float x) {
    return ((LOFI_CUBIC_A * x - 5.0f * LOFI_CUBIC_A) * x + 8.0f * LOFI_CUBIC_A) * x - 4.0f * LOFI_CUBIC_A;
}

static inline LOFI_HOST_DEVICE lofi_taps lofi_cubic_taps(int64_t i, int64_t in, int64_t length) {
    float scale = length > 1 ? (float)(in - 1) / (float)(length - 1) : 0.0f, at = scale * (float)i;
    int64_t first = (int64_t)floorf(at);
    float t = at - (float)first;
    lofi_taps taps = {
        4,
        {lofi_frame_inside(first - 1, in), lofi_frame_inside(first, in), lofi_frame_inside(first + 1, in),
         lofi_frame_inside(first + 2, in)},
        {lofi_far_weight(t + 1.0f), lofi_near_weight(t), lofi_near_weight(1.0f - t), lofi_far_weight(2.0f - t)}};
    return taps;
}

static inline LOFI_HOST_DEVICE lofi_taps lofi_taps_of(const lofi_interpolate_sizes *s, int64_t i) {
    return s->kind == LOFI_INTERPOLATE_CUBIC ? lofi_cubic_taps(i, s->in, s->length)
                                             : lofi_linear_taps(i, s->in, s->length);
}

#endif
