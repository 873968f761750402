/* adamw.cu - what happens between the runs of a network on the GPU: sums of gradients, their norm, AdamW. */
#include "kernels/adamw.h"
#include "kernels/cuda_run.h"

namespace {

enum { THREADS = LOFI_CUDA_THREADS, PARTS = 1024 };

__global__ void add_to(float *to, const float *from, size_t count) {
    LOFI_CUDA_FOR(i, (int64_t)count)
    to[i] = to[i] + from[i];
}

/* The sum over the threads of a block, in an order that does not change; valid in thread 0. */
__device__ double block_sum(double value) {
    __shared__ double values[THREADS];
    values[threadIdx.x] = value;
    __syncthreads();
    for (int half = THREADS / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) values[threadIdx.x] += values[threadIdx.x + half];
        __syncthreads();
    }
    return values[0];
}

__global__ void square_sums(double *parts, const float *values, size_t count) {
    double sum = 0;
    for (size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x; i < count; i += (size_t)PARTS * THREADS)
        sum += (double)values[i] * (double)values[i];
    sum = block_sum(sum);
    if (threadIdx.x == 0) parts[blockIdx.x] = sum;
}

__global__ void sum_parts(double *parts) {
    double sum = 0;
    for (int i = threadIdx.x; i < PARTS; i += THREADS) sum += parts[i];
    sum = block_sum(sum);
    if (threadIdx.x == 0) parts[0] = sum;
}

__global__ void update(lofi_adamw_step s, float *values, const float *gradient, float *first, float *second,
                       size_t count) {
    LOFI_CUDA_FOR(i, (int64_t)count)
    lofi_adamw_number(&s, &values[i], gradient[i], &first[i], &second[i]);
}

} // namespace

lofi_code lofi_cuda_add_array(lofi_cuda *cuda, float *to, const float *from, size_t count, lofi_error *err) {
    LOFI_CUDA_RUN(lofi_cuda_blocks(cuda, (int64_t)count), THREADS, 0, lofi_cuda_stream(cuda), add_to)(to, from, count);
    return lofi_cuda_launched(cuda, "the sum of gradients", err);
}

lofi_code lofi_cuda_square_sum(lofi_cuda *cuda, double *sum, const float *values, size_t count, lofi_error *err) {
    double *parts = (double *)cuda->scratch;
    static_assert(PARTS * sizeof(double) <= LOFI_CUDA_SCRATCH_BYTES, "the parts fit");
    LOFI_CUDA_RUN(PARTS, THREADS, 0, lofi_cuda_stream(cuda), square_sums)(parts, values, count);
    LOFI_CUDA_RUN(1, THREADS, 0, lofi_cuda_stream(cuda), sum_parts)(parts);
    lofi_code code = lofi_cuda_launched(cuda, "the norm of the gradient", err);
    return code == LOFI_OK ? lofi_cuda_download(cuda, sum, parts, sizeof *sum, err) : code;
}

lofi_code lofi_cuda_adamw(lofi_cuda *cuda, const lofi_adamw_step *step, float *values, const float *gradient,
                          float *first, float *second, size_t count, lofi_error *err) {
    LOFI_CUDA_RUN(lofi_cuda_blocks(cuda, (int64_t)count), THREADS, 0, lofi_cuda_stream(cuda), update)
    (*step, values, gradient, first, second, count);
    return lofi_cuda_launched(cuda, "the update of the adapter", err);
}
