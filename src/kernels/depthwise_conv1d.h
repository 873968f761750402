/* depthwise_conv1d.h - convolution over time, channel by channel, same length, channels last. */
#ifndef LOFI_KERNELS_DEPTHWISE_CONV1D_H
#define LOFI_KERNELS_DEPTHWISE_CONV1D_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/dtype.h"

/* x, out: [batch, length, channels]; weight: [channels, taps], taps odd, f32, bf16 or f16; bias: [channels] or NULL.
 * out[b, s, c] = bias[c] + sum_j weight[c, j] x[b, s + j - taps / 2, c], zeros outside. flipped: weight[c, taps - 1 - j],
 * which is the gradient of x. workspace: lofi_depthwise_conv1d_workspace bytes. */
size_t lofi_depthwise_conv1d_workspace(int64_t channels, int64_t taps);
void lofi_depthwise_conv1d_run(float *out, const float *x, const void *weight, lofi_dtype weight_type,
                               const float *bias, int64_t batch, int64_t length, int64_t channels, int64_t taps,
                               bool flipped, void *workspace, int threads);

#endif
