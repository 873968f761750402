/* permute.h - the axes of a tensor in another order. */
#ifndef LOFI_KERNELS_PERMUTE_H
#define LOFI_KERNELS_PERMUTE_H

#include <stddef.h>
#include <stdint.h>

/* out.dims[i] = dims[order[i]]: x has `rank` axes (up to 8) of elements of 1, 2, 4 or 8 bytes, contiguous; out too. */
void lofi_permute_axes(int rank, const int64_t *dims, const int32_t *order, size_t element_bytes, const void *x,
                       void *out, int threads);

#endif
