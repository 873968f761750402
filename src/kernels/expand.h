/* expand.h - a tensor repeated to a larger shape. */
#ifndef LOFI_KERNELS_EXPAND_H
#define LOFI_KERNELS_EXPAND_H

#include <stdint.h>

/* x [x_dims] to out [dims]: axes of 1 are repeated, axes may be added in front; every value is divided by `divisor`.
 * Ranks up to 8. */
void lofi_expand_axes(int x_rank, const int64_t *x_dims, const float *x, int rank, const int64_t *dims, float *out,
                      float divisor, int threads);

#endif
