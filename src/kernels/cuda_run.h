/* cuda_run.h - how .cu files launch a kernel: with how many blocks, in which stream. Only they include it.
 *
 *     LOFI_CUDA_RUN(blocks, threads, shared, stream, kernel<5, float>)(arguments...);
 *
 * The kernel comes last because commas may be in its name; `shared` is bytes of shared memory beyond those that the kernel declares.
 * Where no CUDA compiler is at work, LOFI_CUDA_RUN is defined already (tests/cuda/emulated.h): there the arguments of the kernel are
 * passed as they are written, so NULL, which is a number there, must not be one of them.
 */
#ifndef LOFI_KERNELS_CUDA_RUN_H
#define LOFI_KERNELS_CUDA_RUN_H

#include "kernels/cuda.h"

#ifndef LOFI_CUDA_RUN
#define LOFI_CUDA_RUN(blocks, threads, shared, stream, ...) __VA_ARGS__<<<blocks, threads, shared, stream>>>
#endif

/* How many pieces of `size` cover `length`; the least multiple that is not below it; the smaller of two. */
static inline int64_t lofi_cuda_pieces(int64_t length, int64_t size) {
    return (length + size - 1) / size;
}

static inline int64_t lofi_cuda_rounded_up(int64_t length, int64_t multiple) {
    return lofi_cuda_pieces(length, multiple) * multiple;
}

static inline int64_t lofi_cuda_smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Threads of a block in loops over elements. */
#define LOFI_CUDA_THREADS 256

/* Blocks for a loop over `count` elements that strides by the whole grid; at least 1. */
static inline unsigned lofi_cuda_blocks(const lofi_cuda *cuda, int64_t count) {
    int64_t wanted = lofi_cuda_smaller(lofi_cuda_pieces(count, LOFI_CUDA_THREADS), 16 * (int64_t)cuda->multiprocessors);
    return (unsigned)(wanted < 1 ? 1 : wanted);
}

static inline cudaStream_t lofi_cuda_stream(const lofi_cuda *cuda) {
    return (cudaStream_t)cuda->stream;
}

/* for (int64_t i = ...) over all elements, from inside a kernel launched with lofi_cuda_blocks x LOFI_CUDA_THREADS. */
#define LOFI_CUDA_FOR(i, count)                                                                                        \
    for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < (count); i += (int64_t)gridDim.x * blockDim.x)

#endif
