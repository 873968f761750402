/* pool.h - pooling of pictures. */
#ifndef LOFI_KERNELS_POOL_H
#define LOFI_KERNELS_POOL_H

#include <stdint.h>

/* x: [planes, height, width] -> out: [planes, height / size, width / size], the largest of each cell; what no whole cell covers
 * is left out. */
void lofi_max_pool_run(float *out, const float *x, int64_t planes, int64_t height, int64_t width, int64_t size,
                       int threads);

#endif
