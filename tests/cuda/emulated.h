/* emulated.h - CUDA for a plain C++ compiler: what .cu files of this program use of the language, so that their kernels run on the
 * CPU, thread by thread. The build with LOFI_CUDA_EMULATED includes it before everything else in them. See docs/cuda.md.
 *
 * A launch runs block after block in one thread of the process (tests/cuda/emulated.cpp). Threads of a block run one after the other
 * as far as the next barrier or exchange; in which order LOFI_EMULATED_ORDER says.
 */
#ifndef LOFI_TESTS_CUDA_EMULATED_H
#define LOFI_TESTS_CUDA_EMULATED_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <functional>

#define LOFI_CUDA_EMULATED 1

#define __global__
#define __device__
#define __host__
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))

/* In a section of its own shared memory can be filled before a block begins (gcc leaves that of templates outside it);
 * AddressSanitizer guards it only outside of one. */
#ifdef __SANITIZE_ADDRESS__
#define __shared__ static
#else
#define __shared__ static __attribute__((section("lofi_shared")))
#endif

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
struct uint3 {
    unsigned x, y, z;
};
struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
static inline float2 make_float2(float x, float y) {
    return {x, y};
}
static inline float4 make_float4(float x, float y, float z, float w) {
    return {x, y, z, w};
}

/* Of the thread that runs. */
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;

typedef struct CUstream_st *cudaStream_t;

/* ---- launches ---- */

/* Launches `body`, the kernel with its arguments, or notes it down while a recording is made. Numbers that a GPU would refuse are
 * kept as the error of lofi_cuda_launched. */
void lofi_emulated_launch(dim3 blocks, dim3 threads, size_t shared, const std::function<void()> &body);

/* kernel: something without a state that calls the kernel, so that template arguments follow from the arguments. */
template <class Kernel> struct lofi_emulated_run {
    dim3 blocks, threads;
    size_t shared;
    Kernel kernel;

    template <class... Arguments> void operator()(Arguments... arguments) const {
        Kernel run = kernel;
        lofi_emulated_launch(blocks, threads, shared, [run, arguments...] { run(arguments...); });
    }
};
template <class Kernel>
lofi_emulated_run<Kernel> lofi_emulated_runner(dim3 blocks, dim3 threads, size_t shared, cudaStream_t, Kernel kernel) {
    return {blocks, threads, shared, kernel};
}

#define LOFI_CUDA_RUN(blocks, threads, shared, stream, ...)                                                            \
    lofi_emulated_runner(blocks, threads, shared, stream, [](auto... arguments) { __VA_ARGS__(arguments...); })

/* Shared memory whose size the launch says: `extern __shared__ float name[]` of CUDA is `float *name = ...` here. */
void *lofi_emulated_shared(void);

/* ---- threads that meet ---- */

void __syncthreads(void);
void __syncwarp(unsigned lanes = 0xffffffffu);
/* The bits that lane `from` of the warp brings; all of `lanes` call it. A lane that is not among them is an error. */
uint64_t lofi_emulated_exchange(unsigned lanes, uint64_t bits, int from, const char *name);
int lofi_emulated_lane(void);

template <class T> static inline T lofi_emulated_exchanged(unsigned lanes, T value, int from, const char *name) {
    static_assert(sizeof(T) <= 8, "a number");
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof value);
    bits = lofi_emulated_exchange(lanes, bits, from, name);
    memcpy(&value, &bits, sizeof value);
    return value;
}
template <class T> static inline T __shfl_xor_sync(unsigned lanes, T value, int distance) {
    return lofi_emulated_exchanged(lanes, value, lofi_emulated_lane() ^ distance, "__shfl_xor_sync");
}
template <class T> static inline T __shfl_sync(unsigned lanes, T value, int from) {
    return lofi_emulated_exchanged(lanes, value, from & 31, "__shfl_sync");
}
/* Lanes that would look behind the last or before the first keep their own. */
template <class T> static inline T __shfl_down_sync(unsigned lanes, T value, unsigned distance) {
    int from = lofi_emulated_lane() + (int)distance;
    return lofi_emulated_exchanged(lanes, value, from < 32 ? from : lofi_emulated_lane(), "__shfl_down_sync");
}
template <class T> static inline T __shfl_up_sync(unsigned lanes, T value, unsigned distance) {
    int from = lofi_emulated_lane() - (int)distance;
    return lofi_emulated_exchanged(lanes, value, from >= 0 ? from : lofi_emulated_lane(), "__shfl_up_sync");
}

/* ---- arithmetic ---- */

static inline float __uint_as_float(unsigned bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
static inline unsigned __float_as_uint(float value) {
    unsigned bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

#endif
