/* symmetric.c - see symmetric.h. LAPACK stores matrices by columns: those are our rows. */
#include "kernels/symmetric.h"

#include <lapacke.h>
#include <limits.h>
#include <math.h>

bool lofi_symmetric_eigen(double *a, double *values, int64_t n, bool vectors) {
    if (n > INT_MAX) return false;
    for (int64_t i = 0; i < n * n; i++)
        if (!isfinite(a[i])) return false;
    if (n == 0) return true;
    return LAPACKE_dsyevd(LAPACK_COL_MAJOR, vectors ? 'V' : 'N', 'U', (lapack_int)n, a, (lapack_int)n, values) == 0;
}
