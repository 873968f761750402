/* kernel_libraries.c - see kernel_libraries.h: every function of LAPACKE that this folder calls. */
#include "kernels/kernel_libraries.h"

#include <lapacke.h>

lofi_library lofi_library_lapacke = {.file = LOFI_FILE_lapacke, .package = "liblapacke"};

lofi_library *const lofi_kernel_libraries[] = {&lofi_library_lapacke, NULL};

lapack_int LAPACKE_dsyevd(int matrix_layout, char jobz, char uplo, lapack_int n, double *a, lapack_int lda, double *w) {
    return LOFI_IMPORTED(lapacke, LAPACKE_dsyevd)(matrix_layout, jobz, uplo, n, a, lda, w);
}
