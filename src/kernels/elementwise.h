/* elementwise.h - one value in, one value out, over arrays of `count` f32. out may be x (the same memory); dy likewise. */
#ifndef LOFI_KERNELS_ELEMENTWISE_H
#define LOFI_KERNELS_ELEMENTWISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* factor * x + offset */
void lofi_affine_array(float *out, const float *x, float factor, float offset, int64_t count, int threads);
/* x^2, and the square root */
void lofi_square_array(float *out, const float *x, int64_t count, int threads);
void lofi_square_root_array(float *out, const float *x, int64_t count, int threads);
/* x / (1 + e^-x), and dy times its derivative s (1 + x (1 - s)) with s = 1 / (1 + e^-x) */
void lofi_silu_array(float *out, const float *x, int64_t count, int threads);
void lofi_silu_gradient_array(float *dx, const float *x, const float *dy, int64_t count, int threads);
/* max(x, 0) (a NaN stays), and dy where x > 0, else 0 */
void lofi_relu_array(float *out, const float *x, int64_t count, int threads);
void lofi_relu_gradient_array(float *dx, const float *x, const float *dy, int64_t count, int threads);
/* x Phi(x) with the normal distribution function, or with its tanh form
 * x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2; and dy times the derivative. */
void lofi_gelu_array(float *out, const float *x, bool tanh_form, int64_t count, int threads);
void lofi_gelu_gradient_array(float *dx, const float *x, const float *dy, bool tanh_form, int64_t count, int threads);
/* the hyperbolic tangent */
/* x tanh(ln(1 + e^x)) */
void lofi_mish_array(float *out, const float *x, int64_t count, int threads);
void lofi_tanh_array(float *out, const float *x, int64_t count, int threads);
/* e^x */
void lofi_exp_array(float *out, const float *x, int64_t count, int threads);

/* x: [rows, 2 width] -> out: [rows, width]: first half * silu(second half); and the gradient dx: [rows, 2 width]. */
void lofi_gated_silu_rows(float *out, const float *x, int64_t rows, int64_t width, int threads);
void lofi_gated_silu_gradient_rows(float *dx, const float *x, const float *dy, int64_t rows, int64_t width,
                                   int threads);

/* memcpy by several threads. */
void lofi_copy_bytes(void *out, const void *in, size_t bytes, int threads);

#endif
