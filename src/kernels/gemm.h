/* gemm.h - matrix products in f32, the right factor also in bf16 or f16.
 *
 * C = alpha op(A) op(B) + (C | bias row | 0), row-major. The product is cut into tiles, every tile is one single-threaded
 * BLAS call, and threads take tiles: no second pool of threads runs beside OpenMP, and nothing is allocated. Tiles follow
 * from the sizes alone while there are at least as many as threads; with more threads they get smaller, which is the one
 * way in which the number of threads could change a last bit. A 16-bit B is converted panel by panel into the workspace:
 * the whole matrix never exists in f32.
 *
 * Why OpenBLAS: see "matrix products" in docs/performance.md, measured by bench/gemm.
 */
#ifndef LOFI_KERNELS_GEMM_H
#define LOFI_KERNELS_GEMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/dtype.h"

typedef struct lofi_gemm {
    int64_t m, n, k;
    const float *a;   /* [m, k], or [k, m] when transposed */
    int64_t a_stride; /* elements from one stored row to the next */
    bool transpose_a;
    const void *b;     /* [k, n], or [n, k] when transposed: the layout of linear layers */
    lofi_dtype b_type; /* LOFI_F32, LOFI_BF16, LOFI_F16 */
    int64_t b_stride;
    bool transpose_b;
    float *c; /* [m, n] */
    int64_t c_stride;
    float alpha;
    bool accumulate;   /* add to what C holds, else C is overwritten */
    const float *bias; /* [n], added to every row, or NULL; not together with accumulate */
} lofi_gemm;

/* Bytes of scratch for lofi_gemm_run: 0 when B is f32. Pointers need not be set. */
size_t lofi_gemm_workspace(const lofi_gemm *gemm, int threads);
void lofi_gemm_run(const lofi_gemm *gemm, void *workspace, int threads);

/* `count` products of one size, a, b and c moving on by so many elements. A step of 0 uses the same matrix again (not
 * for c). Threads take tiles of all products. */
typedef struct lofi_gemm_batch {
    int64_t count, a_step, b_step, c_step;
} lofi_gemm_batch;
void lofi_gemm_run_batch(const lofi_gemm *gemm, lofi_gemm_batch batch, void *workspace, int threads);

/* The calling thread only, for kernels that are parallel themselves; B must be f32. */
void lofi_gemm_serial(const lofi_gemm *gemm);

#endif
