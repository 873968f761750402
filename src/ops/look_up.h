/* look_up.h - what the CPU and the CUDA side of position tables and biases share: attributes, frequencies, buckets. Everything is
 * rounded to f32 where the originals round it. */
#ifndef LOFI_OPS_LOOK_UP_H
#define LOFI_OPS_LOOK_UP_H

#include <math.h>

#include "base/host_device.h"
#include "graph/graph.h"

typedef struct lofi_rotary_attributes {
    lofi_dim positions;
    int32_t width;
    float theta;
} lofi_rotary_attributes;

typedef struct lofi_bias_attributes {
    lofi_dim length;
    int64_t max_distance;
} lofi_bias_attributes;

/* Of relative_positions, for an even column. */
static inline float lofi_relative_frequency(int64_t column, int64_t width) {
    float step = (float)-(log(10000.0) / (double)width);
    return (float)exp((double)((float)column * step));
}

/* Of timestep_sinusoid. */
static inline float lofi_timestep_frequency(int64_t i, int64_t half) {
    float exponent = (float)-log(10000.0) * (float)i / (float)half;
    return (float)exp((double)exponent);
}

/* Of relative_bias; distance: of the key from the query. */
static inline LOFI_HOST_DEVICE int64_t lofi_relative_bucket(int64_t distance, int64_t buckets, int64_t max_distance) {
    int64_t half = buckets / 2, exact = half / 2, base = distance > 0 ? half : 0;
    int64_t far = distance < 0 ? -distance : distance;
    if (far < exact) return base + far;
    float ratio = (float)log((double)((float)far / (float)exact)) / (float)log((double)max_distance / (double)exact);
    int64_t bucket = exact + (int64_t)(ratio * (float)(half - exact));
    return base + (bucket < half ? bucket : half - 1);
}

/* Of window_bias, in windows of w x w places: the row of the table for place i seen from place j. */
static inline LOFI_HOST_DEVICE int64_t lofi_window_row(int64_t w, int64_t i, int64_t j) {
    int64_t down = i / w - j / w + w - 1, right = i % w - j % w + w - 1;
    return down * (2 * w - 1) + right;
}

/* What is added where places are kept apart. */
#define LOFI_WINDOW_APART (-100.0f)

#endif
