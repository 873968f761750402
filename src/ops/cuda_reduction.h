/* cuda_reduction.h - sums over the threads of a warp or a block of a kernel, in double and in one order. Only for .cu files. */
#ifndef LOFI_OPS_CUDA_REDUCTION_H
#define LOFI_OPS_CUDA_REDUCTION_H

#include "ops/cuda_rows.h"

/* Replaces each of `count` values by its sum over a team, which is a warp or, with team = threads of the block, the whole block;
 * every thread of the team gets the same bits. All threads of the team call it. room: shared, count * team / 32 doubles; a warp
 * needs none. */
template <int team, int count> __device__ inline void lofi_team_sums(double (&values)[count], double *room) {
    constexpr int warps = team / LOFI_CUDA_WARP;
#pragma unroll
    for (int i = 0; i < count; i++) values[i] = lofi_cuda_join_warp(values[i], lofi_cuda_sum());
    if (warps == 1) return;
    if (threadIdx.x % LOFI_CUDA_WARP == 0)
        for (int i = 0; i < count; i++) room[i * warps + threadIdx.x / LOFI_CUDA_WARP] = values[i];
    __syncthreads();
#pragma unroll
    for (int i = 0; i < count; i++) {
        values[i] = 0;
        for (int warp = 0; warp < warps; warp++) values[i] += room[i * warps + warp];
    }
    __syncthreads(); /* before the room is written again */
}

#endif
