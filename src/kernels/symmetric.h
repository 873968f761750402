/* symmetric.h - eigenvalues of symmetric matrices (LAPACK). */
#ifndef LOFI_KERNELS_SYMMETRIC_H
#define LOFI_KERNELS_SYMMETRIC_H

#include <stdbool.h>
#include <stdint.h>

/* a: [n, n], symmetric, overwritten: with `vectors` its row i becomes the unit eigenvector of values[i], else its contents are
 * lost. values: [n], ascending. lofi_library_lapacke is to be open. False when the iteration does not converge, or a value is not finite. */
bool lofi_symmetric_eigen(double *a, double *values, int64_t n, bool vectors);

#endif
