/* interpolate.cu - interpolation in time on the GPU, and its transpose; see kernels/interpolate.h. A warp takes a frame at a time;
 * sums have the order that they have on the CPU. */
#include "kernels/interpolate_taps.h"
#include "ops/cuda_elements.h"
#include "ops/shape_attributes.h"

namespace {

enum { warp = 32, warps = LOFI_CUDA_THREADS / warp };

/* for (int64_t row = ...): each warp its rows. */
#define FOR_ROWS(row, rows)                                                                                            \
    for (int64_t row = (int64_t)blockIdx.x * warps + threadIdx.y; row < (rows); row += (int64_t)gridDim.x * warps)

__global__ void interpolate(float *out, const float *x, lofi_interpolate_sizes s) {
    FOR_ROWS(row, s.batch * s.length) {
        int64_t song = row / s.length;
        lofi_taps taps = lofi_taps_of(&s, row - song * s.length);
        const float *frames = x + song * s.in * s.channels;
        for (int64_t c = threadIdx.x; c < s.channels; c += warp) {
            float sum = taps.weight[0] * frames[taps.frame[0] * s.channels + c];
#pragma unroll
            for (int k = 1; k < LOFI_MAX_TAPS; k++)
                if (k < taps.count) sum += taps.weight[k] * frames[taps.frame[k] * s.channels + c];
            out[row * s.channels + c] = sum;
        }
    }
}

/* The first output whose taps end at the frame or after it, or begin after it: between the two lie those that use the frame. */
__device__ int64_t first_output(const lofi_interpolate_sizes &s, int64_t frame, bool after) {
    int64_t low = 0, high = s.length;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        lofi_taps taps = lofi_taps_of(&s, middle);
        int64_t end = taps.count == 2 ? taps.frame[1] : taps.frame[LOFI_MAX_TAPS - 1];
        if (after ? taps.frame[0] > frame : end >= frame)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

__global__ void interpolate_transposed(float *dx, const float *dy, lofi_interpolate_sizes s) {
    FOR_ROWS(row, s.batch * s.in) {
        int64_t song = row / s.in, frame = row - song * s.in;
        int64_t begin = first_output(s, frame, false), end = first_output(s, frame, true);
        const float *outputs = dy + song * s.length * s.channels;
        for (int64_t c = threadIdx.x; c < s.channels; c += warp) {
            float sum = 0;
            for (int64_t i = begin; i < end; i++) {
                lofi_taps taps = lofi_taps_of(&s, i);
                float value = outputs[i * s.channels + c];
#pragma unroll
                for (int k = 0; k < LOFI_MAX_TAPS; k++)
                    if (k < taps.count && taps.frame[k] == frame) sum += taps.weight[k] * value;
            }
            dx[row * s.channels + c] = sum;
        }
    }
}

} // namespace

LOFI_CUDA_LAUNCHER(interpolate) {
    const lofi_interpolate_attributes *a = (const lofi_interpolate_attributes *)call->attributes;
    const lofi_view *x = &call->inputs[0], *out = &call->outputs[0];
    const lofi_view *frames = a->transposed ? out : x, *outputs = a->transposed ? x : out;
    lofi_interpolate_sizes sizes = {x->dims[0], frames->dims[1], outputs->dims[1], x->dims[2],
                                    (lofi_interpolation)a->kind};
    unsigned blocks = lofi_cuda_blocks(cuda, out->dims[0] * out->dims[1] * warp);
    const dim3 threads(warp, warps);
    cudaStream_t stream = lofi_cuda_stream(cuda);
    float *to = (float *)out->data;
    const float *from = (const float *)x->data;
    if (a->transposed)
        LOFI_CUDA_RUN(blocks, threads, 0, stream, interpolate_transposed)(to, from, sizes);
    else
        LOFI_CUDA_RUN(blocks, threads, 0, stream, interpolate)(to, from, sizes);
    return LOFI_OK;
}
