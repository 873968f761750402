/* cuda_rows.h - rows of numbers on the GPU: one block of threads works through a row, and what its threads found is joined in one
 * fixed order. Only .cu files include it. */
#ifndef LOFI_OPS_CUDA_ROWS_H
#define LOFI_OPS_CUDA_ROWS_H

#include "ops/cuda_launch.h"

#define LOFI_CUDA_WARP     32
#define LOFI_CUDA_ALL      0xffffffffu /* lanes of a warp */
#define LOFI_CUDA_MOST_ROW 256         /* threads of a row */

/* Threads for rows of so many numbers: whole warps, several numbers to each thread. */
static inline unsigned lofi_cuda_row_threads(int64_t columns) {
    unsigned threads = LOFI_CUDA_WARP;
    while (threads < LOFI_CUDA_MOST_ROW && (int64_t)threads * 4 < columns) threads *= 2;
    return threads;
}

/* Blocks for a loop over rows that strides by the whole grid; at least 1. */
static inline unsigned lofi_cuda_row_blocks(const lofi_cuda *cuda, int64_t rows) {
    int64_t most = 32 * (int64_t)cuda->multiprocessors;
    return (unsigned)(rows < 1 ? 1 : rows < most ? rows : most);
}

struct lofi_cuda_sum {
    template <class T> __device__ T operator()(T a, T b) const {
        return a + b;
    }
};
/* The larger of two numbers; of a number and NaN the first. */
struct lofi_cuda_largest {
    __device__ float operator()(float a, float b) const {
        return b > a ? b : a;
    }
};

/* What the lanes of a warp have, joined: every lane gets it. */
template <class T, class Join> __device__ T lofi_cuda_join_warp(T value, Join join) {
    for (int away = LOFI_CUDA_WARP / 2; away > 0; away /= 2)
        value = join(value, __shfl_xor_sync(LOFI_CUDA_ALL, value, away));
    return value;
}

/* The same for a block of whole warps, all threads of which must call it: every thread gets it. */
template <class T, class Join> __device__ T lofi_cuda_join_block(T value, Join join) {
    __shared__ T parts[LOFI_CUDA_MOST_ROW / LOFI_CUDA_WARP];
    int warps = (int)blockDim.x / LOFI_CUDA_WARP;
    value = lofi_cuda_join_warp(value, join);
    if (warps == 1) return value;
    __syncthreads(); /* the parts of the call before this one have been read */
    if (threadIdx.x % LOFI_CUDA_WARP == 0) parts[threadIdx.x / LOFI_CUDA_WARP] = value;
    __syncthreads();
    value = parts[0];
    for (int i = 1; i < warps; i++) value = join(value, parts[i]);
    return value;
}

#endif
