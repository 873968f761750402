/* block_product.h - a product of two windows of larger f32 matrices on the calling thread, written short: attention
 * kernels consist of these.
 *
 * C = alpha * op(A) op(B) (+ C), row-major. op(A) is [m, k], op(B) is [k, n], C is [m, n]; what is transposed lies as
 * [k, m] or [n, k]. Strides are the distances between stored rows in floats.
 */
#ifndef LOFI_KERNELS_BLOCK_PRODUCT_H
#define LOFI_KERNELS_BLOCK_PRODUCT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct lofi_block {
    const float *data;
    int64_t stride;
    bool transposed;
} lofi_block;

/* accumulate: C is added to, else written. */
void lofi_block_product(int64_t m, int64_t n, int64_t k, float alpha, lofi_block a, lofi_block b, bool accumulate,
                        float *c, int64_t c_stride);

#endif
