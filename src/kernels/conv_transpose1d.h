/* conv_transpose1d.h - transposed convolution over time: [batch, in, length] becomes `stride` times as long. */
#ifndef LOFI_KERNELS_CONV_TRANSPOSE1D_H
#define LOFI_KERNELS_CONV_TRANSPOSE1D_H

#include <stddef.h>
#include <stdint.h>

typedef struct lofi_conv_transpose1d_sizes {
    int64_t batch, in_channels, length; /* of x */
    int64_t out_channels, out_length;   /* of out: (length - 1) * stride - 2 * padding + kernel */
    int64_t kernel, stride, padding;
} lofi_conv_transpose1d_sizes;

/* out[b, c, i * stride + j - padding] += sum over in of x[b, in, i] * weight[in, c, j], from bias[c] or 0.
 * weight: [in_channels, out_channels, kernel]; bias: [out_channels] or NULL. Strips of output are computed one by one, each
 * as one matrix product into the workspace (lofi_conv_transpose1d_workspace bytes), whose overlapping parts are then added
 * in a fixed order. The bytes of the result do not depend on the number of threads. */
size_t lofi_conv_transpose1d_workspace(const lofi_conv_transpose1d_sizes *sizes, int threads);
void lofi_conv_transpose1d_run(const lofi_conv_transpose1d_sizes *sizes, float *out, const float *x,
                               const float *weight, const float *bias, void *workspace, int threads);

#endif
