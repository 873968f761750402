/* interpolate.h - linear interpolation in time, and its transpose. */
#ifndef LOFI_KERNELS_INTERPOLATE_H
#define LOFI_KERNELS_INTERPOLATE_H

#include <stdint.h>

/* x: [batch, in, channels] -> out: [batch, length, channels]. Output i lies at (i + 0.5) in / length - 0.5 of the input (not
 * below 0), in single precision as PyTorch's F.interpolate(mode="linear", align_corners=False); beyond the last frame it
 * keeps that frame. */
void lofi_interpolate_run(float *out, const float *x, int64_t batch, int64_t in, int64_t length, int64_t channels,
                          int threads);
/* The transpose, which is the gradient: dy: [batch, length, channels] -> dx: [batch, in, channels]. */
void lofi_interpolate_transposed_run(float *dx, const float *dy, int64_t batch, int64_t in, int64_t length,
                                     int64_t channels, int threads);

#endif
