/* interpolate.h - interpolation in time, and its transpose. */
#ifndef LOFI_KERNELS_INTERPOLATE_H
#define LOFI_KERNELS_INTERPOLATE_H

#include <stdint.h>

/* Where output i of `length` lies in an input of `in` frames, in single precision as PyTorch computes it. */
typedef enum lofi_interpolation {
    LOFI_INTERPOLATE_LINEAR, /* (i + 0.5) in / length - 0.5, not below 0; beyond the last frame it keeps that frame */
    LOFI_INTERPOLATE_CUBIC   /* i (in - 1) / (length - 1), cubic convolution with A = -0.75, ends repeated */
} lofi_interpolation;

typedef struct lofi_interpolate_sizes {
    int64_t batch, in, length, channels;
    lofi_interpolation kind;
} lofi_interpolate_sizes;

/* x: [batch, in, channels] -> out: [batch, length, channels] */
void lofi_interpolate_run(const lofi_interpolate_sizes *sizes, float *out, const float *x, int threads);
/* The transpose, which is the gradient: dy: [batch, length, channels] -> dx: [batch, in, channels]. */
void lofi_interpolate_transposed_run(const lofi_interpolate_sizes *sizes, float *dx, const float *dy, int threads);

#endif
