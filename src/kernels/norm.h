/* norm.h - normalisation of rows; statistics in f64. weight and bias may be NULL (1 and 0) unless said otherwise. */
#ifndef LOFI_KERNELS_NORM_H
#define LOFI_KERNELS_NORM_H

#include <stddef.h>
#include <stdint.h>

/* x: [rows, width] -> x / sqrt(mean(x^2) + epsilon) * weight + bias. out may be x. */
void lofi_rms_norm_rows(float *out, const float *x, const float *weight, const float *bias, float epsilon, int64_t rows,
                        int64_t width, int threads);
/* With r = 1 / sqrt(mean(x^2) + epsilon) and g = weight dy: dx = r g - x r^3 mean(g x). dx may be x or dy. */
void lofi_rms_norm_gradient_rows(float *dx, const float *x, const float *dy, const float *weight, float epsilon,
                                 int64_t rows, int64_t width, int threads);

/* x: [rows, width] -> (x - mean) / sqrt(variance + epsilon) * weight + bias. out may be x. */
void lofi_layer_norm_rows(float *out, const float *x, const float *weight, const float *bias, float epsilon,
                          int64_t rows, int64_t width, int threads);
/* With z the normalised x, r = 1 / sqrt(variance + epsilon), g = weight dy: dx = r (g - mean(g) - z mean(g z)). */
void lofi_layer_norm_gradient_rows(float *dx, const float *x, const float *dy, const float *weight, float epsilon,
                                   int64_t rows, int64_t width, int threads);

/* x: [batch, length, channels]; mean and variance over the length and the channels / groups channels of a group; weight
 * and bias: [channels]. Workspace: lofi_group_norm_workspace bytes. */
size_t lofi_group_norm_workspace(int64_t batch, int64_t length, int groups);
void lofi_group_norm_run(float *out, const float *x, const float *weight, const float *bias, int groups, float epsilon,
                         int64_t batch, int64_t length, int64_t channels, void *workspace, int threads);

#endif
