/* conv2d.h - convolution of images [batch, channels, height, width], with groups. */
#ifndef LOFI_KERNELS_CONV2D_H
#define LOFI_KERNELS_CONV2D_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/dtype.h"

typedef struct lofi_conv2d_sizes {
    int64_t batch, in_channels, height, width;   /* of x */
    int64_t out_channels, out_height, out_width; /* of out */
    int64_t kernel_h, kernel_w, groups;
    int64_t stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w;
} lofi_conv2d_sizes;

/* weight: [out_channels, in_channels / groups, kernel_h, kernel_w], f32, bf16 or f16; bias: [out_channels] or NULL.
 * A group of one channel in and one out is computed directly; everything else is a matrix product per strip of output,
 * whose matrix of columns exists only where the product reads it. The bytes of the result do not depend on the number of
 * threads. workspace: lofi_conv2d_workspace bytes. */
size_t lofi_conv2d_workspace(const lofi_conv2d_sizes *sizes, lofi_dtype weight_type);
void lofi_conv2d_run(const lofi_conv2d_sizes *sizes, float *out, const float *x, const void *weight,
                     lofi_dtype weight_type, const float *bias, void *workspace, int threads);

#endif
