/* kernel_libraries.c - see kernel_libraries.h: every function of OpenBLAS and LAPACKE that this folder calls. */
#include "kernels/kernel_libraries.h"

#include <cblas.h>
#include <lapacke.h>

lofi_library lofi_library_openblas = {.file = LOFI_FILE_openblas};
/* What LAPACKE calls is in OpenBLAS and in the system's LAPACK: it is to be OpenBLAS, whichever the system would take. */
lofi_library lofi_library_lapacke = {
    .file = LOFI_FILE_lapacke, .package = "liblapacke", .before = &lofi_library_openblas};

lofi_library *const lofi_kernel_libraries[] = {&lofi_library_openblas, &lofi_library_lapacke, NULL};

/* ---- OpenBLAS ---- */

void cblas_sgemm(const enum CBLAS_ORDER Order, const enum CBLAS_TRANSPOSE TransA, const enum CBLAS_TRANSPOSE TransB,
                 const blasint M, const blasint N, const blasint K, const float alpha, const float *A,
                 const blasint lda, const float *B, const blasint ldb, const float beta, float *C, const blasint ldc) {
    LOFI_IMPORTED(openblas, cblas_sgemm)(Order, TransA, TransB, M, N, K, alpha, A, lda, B, ldb, beta, C, ldc);
}
void cblas_sgemv(const enum CBLAS_ORDER order, const enum CBLAS_TRANSPOSE trans, const blasint m, const blasint n,
                 const float alpha, const float *a, const blasint lda, const float *x, const blasint incx,
                 const float beta, float *y, const blasint incy) {
    LOFI_IMPORTED(openblas, cblas_sgemv)(order, trans, m, n, alpha, a, lda, x, incx, beta, y, incy);
}
void openblas_set_num_threads(int num_threads) {
    LOFI_IMPORTED(openblas, openblas_set_num_threads)(num_threads);
}

/* ---- LAPACKE ---- */

lapack_int LAPACKE_dsyevd(int matrix_layout, char jobz, char uplo, lapack_int n, double *a, lapack_int lda, double *w) {
    return LOFI_IMPORTED(lapacke, LAPACKE_dsyevd)(matrix_layout, jobz, uplo, n, a, lda, w);
}
