/* cuda_launch.h - what every .cu file of this folder starts from: the form of a launcher, the number of blocks, the stream.
 *
 * A launcher unpacks a lofi_call as the operator's cpu() does, launches kernels in the device's stream and returns; what a
 * launch failed with is asked afterwards, by the caller. No launcher allocates, waits or adds atomically: sums have one order.
 */
#ifndef LOFI_OPS_CUDA_LAUNCH_H
#define LOFI_OPS_CUDA_LAUNCH_H

#include "kernels/cuda.h"
#include "kernels/cuda_run.h"
#include "ops/cuda_slot.h"

#define LOFI_CUDA_LAUNCHER(op)                                                                                         \
    extern "C" lofi_code lofi_cuda_launch_##op(const lofi_call *call, struct lofi_cuda *cuda, lofi_error *err)

/* Threads of a block in loops over elements. */
#define LOFI_CUDA_THREADS 256

/* Blocks for a loop over `count` elements that strides by the whole grid; at least 1. */
static inline unsigned lofi_cuda_blocks(const lofi_cuda *cuda, int64_t count) {
    int64_t wanted = (count + LOFI_CUDA_THREADS - 1) / LOFI_CUDA_THREADS, most = 16 * (int64_t)cuda->multiprocessors;
    return (unsigned)(wanted < 1 ? 1 : wanted < most ? wanted : most);
}

static inline cudaStream_t lofi_cuda_stream(const lofi_cuda *cuda) {
    return (cudaStream_t)cuda->stream;
}

/* for (int64_t i = ...) over all elements, from inside a kernel launched with lofi_cuda_blocks x LOFI_CUDA_THREADS. */
#define LOFI_CUDA_FOR(i, count)                                                                                        \
    for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < (count); i += (int64_t)gridDim.x * blockDim.x)

#endif
