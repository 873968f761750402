/* rope.cu - rotary position embedding on the GPU, forwards and transposed: one thread to a pair of numbers. */
#include "ops/rope.h"

#include "ops/cuda_launch.h"

namespace {

/* `pairs` pairs of numbers; half of a head's width is how many of them a head has. A thread reads both numbers before it writes
 * either, so `out` may be `x`. */
__global__ void rotate(float2 *out, const float2 *x, const float2 *cosine, const float2 *sine, int64_t pairs,
                       int64_t length, int64_t heads, int64_t half, bool transposed) {
    LOFI_CUDA_FOR(i, pairs) {
        int64_t row = i / (heads * half), place = i % half;
        float2 c = cosine[row % length * half + place], s = sine[row % length * half + place], in = x[i];
        out[i] = transposed ? make_float2(in.x * c.x + in.y * s.y, in.y * c.y - in.x * s.x)
                            : make_float2(in.x * c.x - in.y * s.x, in.y * c.y + in.x * s.y);
    }
}

} // namespace

LOFI_CUDA_LAUNCHER(rope) {
    const lofi_rope_attributes *a = (const lofi_rope_attributes *)call->attributes;
    const lofi_view *in = call->inputs, *out = &call->outputs[0];
    if (!out->count) return LOFI_OK;
    int64_t length = in[0].dims[1], half = in[0].dims[2] / a->heads / 2, pairs = out->count / 2;
    LOFI_CUDA_RUN(lofi_cuda_blocks(cuda, pairs), LOFI_CUDA_THREADS, 0, lofi_cuda_stream(cuda), rotate)
    ((float2 *)out->data, (const float2 *)in[0].data, (const float2 *)in[1].data, (const float2 *)in[2].data, pairs,
     length, a->heads, half, a->transposed != 0);
    return LOFI_OK;
}
