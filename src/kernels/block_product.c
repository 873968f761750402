/* block_product.c - see block_product.h. */
#include "kernels/block_product.h"

#include "kernels/gemm.h"

void lofi_block_product(int64_t m, int64_t n, int64_t k, float alpha, lofi_block a, lofi_block b, bool accumulate,
                        float *c, int64_t c_stride) {
    lofi_gemm_serial(&(lofi_gemm){.m = m,
                                  .n = n,
                                  .k = k,
                                  .a = a.data,
                                  .a_stride = a.stride,
                                  .transpose_a = a.transposed,
                                  .b = b.data,
                                  .b_type = LOFI_F32,
                                  .b_stride = b.stride,
                                  .transpose_b = b.transposed,
                                  .c = c,
                                  .c_stride = c_stride,
                                  .alpha = alpha,
                                  .addend = accumulate ? c : NULL,
                                  .addend_row = c_stride,
                                  .addend_column = 1});
}
