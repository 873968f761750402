/* copy.h - boxes of bytes from one tensor to another: what joining, cutting and padding along an axis come to. */
#ifndef LOFI_KERNELS_COPY_H
#define LOFI_KERNELS_COPY_H

#include <stddef.h>
#include <stdint.h>

/* `rows` runs of `bytes`, whose starts are out_step and in_step bytes apart. */
void lofi_copy_rows(int64_t rows, size_t bytes, const void *in, size_t in_step, void *out, size_t out_step,
                    int threads);
/* The same with zeros. */
void lofi_zero_rows(int64_t rows, size_t bytes, void *out, size_t out_step, int threads);

#endif
