/* reduce.h - sums over some axes of a tensor, accumulated in f64 in an order that only the sizes decide. */
#ifndef LOFI_KERNELS_REDUCE_H
#define LOFI_KERNELS_REDUCE_H

#include <stddef.h>
#include <stdint.h>

typedef struct lofi_reduction {
    int rank; /* of x, up to 8 */
    int64_t dims[8];
    unsigned axes;  /* bit i: axis i is summed over */
    double divisor; /* the sums are divided by it: the number of terms for a mean */
    int threads;
} lofi_reduction;

size_t lofi_reduce_workspace(const lofi_reduction *reduction); /* bytes */
/* out: the axes that stay, in their order. A sum of nothing is 0 (a mean of nothing is what 0 / divisor is). */
void lofi_reduce(const lofi_reduction *reduction, const float *x, float *out, void *workspace);

#endif
