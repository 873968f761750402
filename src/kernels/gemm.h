/* gemm.h - matrix products in f32; the factors may be stored in bf16 or f16.
 *
 * C = alpha op(A) op(B) + D, row-major, D an addend of C's shape or a row or column of it. Factors are copied block by
 * block into the order in which they are read (and converted on the way, so no matrix ever exists in f32 beside its
 * 16 bits), then multiplied in registers (kernels/gemm_tile.h). Nothing is allocated.
 *
 * Every element of C is computed alike wherever it lies: sums over k in ascending order in runs of LOFI_GEMM_DEPTH, each
 * added to the element. So a product is the same to the last bit for every number of threads and however it is cut.
 *
 * Why not a BLAS: see "matrix products" in docs/performance.md, measured by bench/gemm.
 */
#ifndef LOFI_KERNELS_GEMM_H
#define LOFI_KERNELS_GEMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/dtype.h"

#define LOFI_GEMM_DEPTH 384

/* Writes op(B)[first .. first + depth) x [column .. column + width) to `out`, rows `stride` floats apart: for factors that
 * are made while they are read, as the columns of a convolution. */
typedef void lofi_gemm_gather(const void *source, float *out, int64_t stride, int64_t first, int64_t depth,
                              int64_t column, int64_t width);

typedef struct lofi_gemm {
    int64_t m, n, k;
    const void *a;     /* [m, k], or [k, m] when transposed */
    lofi_dtype a_type; /* LOFI_F32 (0), LOFI_BF16, LOFI_F16 */
    int64_t a_stride;  /* elements from one stored row to the next */
    bool transpose_a;
    const void *b; /* [k, n], or [n, k] when transposed: the layout of linear layers */
    lofi_dtype b_type;
    int64_t b_stride;
    bool transpose_b;
    lofi_gemm_gather
        *gather; /* or NULL; else it gives B, `b` being its source, and b_type, b_stride, transpose_b unused */
    float *c;    /* [m, n] */
    int64_t c_stride;
    float alpha;
    /* D, or NULL for zeros; may be C itself. Element (i, j) is at addend[i * addend_row + j * addend_column]; addend_column
     * is 1 or 0. */
    const float *addend;
    int64_t addend_row, addend_column;
} lofi_gemm;

void lofi_gemm_run(const lofi_gemm *gemm, int threads);

/* `count` products of one size, a, b, c and the addend moving on by so many elements. A step of 0 uses the same matrix
 * again (not for c). Threads take tiles of all products. */
typedef struct lofi_gemm_batch {
    int64_t count, a_step, b_step, c_step, addend_step;
} lofi_gemm_batch;
void lofi_gemm_run_batch(const lofi_gemm *gemm, lofi_gemm_batch batch, int threads);

/* The calling thread only, for kernels that are parallel themselves. */
void lofi_gemm_serial(const lofi_gemm *gemm);

#endif
