/* elementwise.cu - one value in, one value out, on the GPU. The formulas are those of kernels/elementwise.h, in the forms that lose
 * nothing for large arguments; e^x is CUDA's, within one or two units in the last place. */
#include "base/philox.h"
#include "kernels/vector.h"
#include "ops/cuda_elements.h"
#include "ops/element_attributes.h"

namespace {

/* ---- of x ---- */

struct scale_and_shift {
    float factor, offset;
    __device__ float operator()(float x) const {
        return fmaf(factor, x, offset);
    }
};

struct square_of {
    __device__ float operator()(float x) const {
        return x * x;
    }
};

struct root_of {
    __device__ float operator()(float x) const {
        return sqrtf(x);
    }
};

struct positive_part {
    __device__ float operator()(float x) const {
        return x < 0.0f ? 0.0f : x;
    }
};

/* Rounded once: the gradient, 1 - tanh^2, would show the units that tanhf is off where it is nearly 1. */
struct tangent {
    __device__ float operator()(float x) const {
        return (float)tanh((double)x);
    }
};

struct silu {
    __device__ float operator()(float x) const {
        return x / (1.0f + expf(-x));
    }
};

/* tanh(ln(1 + e^x)) is n / (n + 2) with n = e^x (e^x + 2); from 20 on the quotient is 1. */
struct mish {
    __device__ float operator()(float x) const {
        float e = expf(x < 20.0f ? x : 20.0f), n = e * (e + 2.0f);
        return x * (n / (n + 2.0f));
    }
};

constexpr float twice_root_2_over_pi = 1.5957691216057308f, cubic = 0.044715f, density_at_0 = 0.39894228040143268f;

/* (1 + tanh(u)) / 2 is 1 / (1 + e^-2u). */
struct gelu_by_tanh {
    __device__ float operator()(float x) const {
        return x / (1.0f + expf(-twice_root_2_over_pi * (x + cubic * x * x * x)));
    }
};

__device__ float normal_below(float x, lofi_normal_tail tail) {
    float beyond = tail.factor * tail.share;
    return x < 0.0f ? beyond : 1.0f - beyond;
}

struct gelu_by_normal {
    __device__ float operator()(float x) const {
        return x * normal_below(x, lofi_normal_tail_at(x));
    }
};

/* ---- of x and dy ---- */

/* s = 1 / (1 + e^-x) and 1 - s, which keeps its digits where s is nearly 1. */
struct logistic {
    float s, rest;
};

__device__ logistic logistic_of(float x) {
    float e = expf(-x), s = 1.0f / (1.0f + e);
    return {s, e < 1e30f ? e * s : 1.0f};
}

struct silu_slope {
    __device__ float operator()(float x, float dy) const {
        logistic at = logistic_of(x);
        return dy * (at.s * (1.0f + x * at.rest));
    }
};

struct positive_part_slope {
    __device__ float operator()(float x, float dy) const {
        return x > 0.0f ? dy : 0.0f;
    }
};

/* Where the bend has run out it is left away: it would be 0 times infinity. */
struct gelu_by_tanh_slope {
    __device__ float operator()(float x, float dy) const {
        logistic at = logistic_of(twice_root_2_over_pi * (x + cubic * x * x * x));
        float slope = twice_root_2_over_pi * (1.0f + 3.0f * cubic * x * x), bend = at.s * at.rest;
        return dy * (at.s + (bend > 0.0f ? x * bend * slope : 0.0f));
    }
};

struct gelu_by_normal_slope {
    __device__ float operator()(float x, float dy) const {
        lofi_normal_tail tail = lofi_normal_tail_at(x);
        float bend = tail.factor > 0.0f ? x * tail.factor * density_at_0 : 0.0f;
        return dy * (x == x ? normal_below(x, tail) + bend : x);
    }
};

/* ---- over all elements: out may be x, or dy ---- */

template <int lanes, class Function>
__global__ void apply(lofi_pack<lanes> *out, const lofi_pack<lanes> *x, int64_t packs, Function function) {
    LOFI_CUDA_FOR(i, packs) {
        lofi_pack<lanes> values = x[i];
#pragma unroll
        for (int lane = 0; lane < lanes; lane++) values.at[lane] = function(values.at[lane]);
        out[i] = values;
    }
}

template <int lanes, class Function>
__global__ void apply_slope(lofi_pack<lanes> *dx, const lofi_pack<lanes> *x, const lofi_pack<lanes> *dy, int64_t packs,
                            Function function) {
    LOFI_CUDA_FOR(i, packs) {
        lofi_pack<lanes> values = x[i], slopes = dy[i];
#pragma unroll
        for (int lane = 0; lane < lanes; lane++) slopes.at[lane] = function(values.at[lane], slopes.at[lane]);
        dx[i] = slopes;
    }
}

template <int lanes, class Function> void launch_lanes(const lofi_call *call, lofi_cuda *cuda, Function function) {
    int64_t packs = call->outputs[0].count / lanes;
    LOFI_CUDA_RUN(lofi_cuda_blocks(cuda, packs), LOFI_CUDA_THREADS, 0, lofi_cuda_stream(cuda), apply<lanes>)
    ((lofi_pack<lanes> *)call->outputs[0].data, (const lofi_pack<lanes> *)call->inputs[0].data, packs, function);
}

template <class Function> lofi_code launch(const lofi_call *call, lofi_cuda *cuda, Function function) {
    const lofi_view *x = &call->inputs[0], *out = &call->outputs[0];
    if (lofi_in_fours(out->count, x->data, out->data))
        launch_lanes<4>(call, cuda, function);
    else
        launch_lanes<1>(call, cuda, function);
    return LOFI_OK;
}

template <int lanes, class Function>
void launch_slope_lanes(const lofi_call *call, lofi_cuda *cuda, Function function) {
    int64_t packs = call->outputs[0].count / lanes;
    LOFI_CUDA_RUN(lofi_cuda_blocks(cuda, packs), LOFI_CUDA_THREADS, 0, lofi_cuda_stream(cuda), apply_slope<lanes>)
    ((lofi_pack<lanes> *)call->outputs[0].data, (const lofi_pack<lanes> *)call->inputs[0].data,
     (const lofi_pack<lanes> *)call->inputs[1].data, packs, function);
}

template <class Function> lofi_code launch_slope(const lofi_call *call, lofi_cuda *cuda, Function function) {
    const lofi_view *x = &call->inputs[0], *dy = &call->inputs[1], *dx = &call->outputs[0];
    if (lofi_in_fours(dx->count, x->data, dy->data, dx->data))
        launch_slope_lanes<4>(call, cuda, function);
    else
        launch_slope_lanes<1>(call, cuda, function);
    return LOFI_OK;
}

/* ---- gated silu: rows of x are values, then as many gates; `width` counts packs ---- */

/* A block takes a row at a time. */
unsigned blocks_for_rows(const lofi_cuda *cuda, int64_t rows) {
    return lofi_cuda_blocks(cuda, rows * LOFI_CUDA_THREADS);
}

template <int lanes>
__global__ void gate(lofi_pack<lanes> *out, const lofi_pack<lanes> *x, int64_t rows, int64_t width) {
    for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
        const lofi_pack<lanes> *values = x + row * 2 * width, *gates = values + width;
        for (int64_t i = threadIdx.x; i < width; i += blockDim.x) {
            lofi_pack<lanes> value = values[i], by = gates[i];
#pragma unroll
            for (int lane = 0; lane < lanes; lane++) value.at[lane] *= silu()(by.at[lane]);
            out[row * width + i] = value;
        }
    }
}

/* dx may be x: a thread reads the two numbers that it then replaces. */
template <int lanes>
__global__ void gate_slope(lofi_pack<lanes> *dx, const lofi_pack<lanes> *x, const lofi_pack<lanes> *dy, int64_t rows,
                           int64_t width) {
    for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
        int64_t first = row * 2 * width;
        for (int64_t i = threadIdx.x; i < width; i += blockDim.x) {
            lofi_pack<lanes> value = x[first + i], by = x[first + width + i], slope = dy[row * width + i];
#pragma unroll
            for (int lane = 0; lane < lanes; lane++) {
                logistic at = logistic_of(by.at[lane]);
                float of_value = slope.at[lane] * by.at[lane] * at.s;
                by.at[lane] = slope.at[lane] * value.at[lane] * (at.s * (1.0f + by.at[lane] * at.rest));
                value.at[lane] = of_value;
            }
            dx[first + i] = value;
            dx[first + width + i] = by;
        }
    }
}

template <int lanes> void launch_gate(const lofi_call *call, lofi_cuda *cuda, int64_t rows, int64_t width) {
    LOFI_CUDA_RUN(blocks_for_rows(cuda, rows), LOFI_CUDA_THREADS, 0, lofi_cuda_stream(cuda), gate<lanes>)
    ((lofi_pack<lanes> *)call->outputs[0].data, (const lofi_pack<lanes> *)call->inputs[0].data, rows, width / lanes);
}

template <int lanes> void launch_gate_slope(const lofi_call *call, lofi_cuda *cuda, int64_t rows, int64_t width) {
    LOFI_CUDA_RUN(blocks_for_rows(cuda, rows), LOFI_CUDA_THREADS, 0, lofi_cuda_stream(cuda), gate_slope<lanes>)
    ((lofi_pack<lanes> *)call->outputs[0].data, (const lofi_pack<lanes> *)call->inputs[0].data,
     (const lofi_pack<lanes> *)call->inputs[1].data, rows, width / lanes);
}

/* ---- dropout ---- */

/* The key is on the device, so every thread opens the stream itself. Four numbers of the stream come from one block of it. */
template <int lanes>
__global__ void drop(lofi_pack<lanes> *out, const lofi_pack<lanes> *x, int64_t packs, const int64_t *key,
                     lofi_dropout_attributes attributes, float scale) {
    uint64_t step = (uint64_t)key[1] * LOFI_DROPOUT_SITES + (uint64_t)attributes.site;
    lofi_random random = {(uint64_t)key[0], LOFI_RANDOM_DROPOUT, step};
    lofi_stream stream = lofi_stream_open(&random, 0);
    LOFI_CUDA_FOR(i, packs) {
        uint32_t words[4];
        lofi_stream_block(&stream, (uint64_t)i * lanes / 4, words);
        lofi_pack<lanes> values = x[i];
#pragma unroll
        for (int lane = 0; lane < lanes; lane++) {
            float draw = lofi_word_uniform(words[lanes == 4 ? lane : i % 4]);
            values.at[lane] = draw >= attributes.p ? values.at[lane] * scale : 0.0f;
        }
        out[i] = values;
    }
}

template <int lanes> void launch_drop(const lofi_call *call, lofi_cuda *cuda) {
    const lofi_dropout_attributes *attributes = (const lofi_dropout_attributes *)call->attributes;
    int64_t packs = call->outputs[0].count / lanes;
    LOFI_CUDA_RUN(lofi_cuda_blocks(cuda, packs), LOFI_CUDA_THREADS, 0, lofi_cuda_stream(cuda), drop<lanes>)
    ((lofi_pack<lanes> *)call->outputs[0].data, (const lofi_pack<lanes> *)call->inputs[0].data, packs,
     (const int64_t *)call->inputs[1].data, *attributes, 1.0f / (1.0f - attributes->p));
}

/* ---- full ---- */

template <int lanes> __global__ void fill(lofi_pack<lanes> *out, int64_t packs, float value) {
    lofi_pack<lanes> values;
#pragma unroll
    for (int lane = 0; lane < lanes; lane++) values.at[lane] = value;
    LOFI_CUDA_FOR(i, packs) out[i] = values;
}

template <int lanes> void launch_fill(const lofi_call *call, lofi_cuda *cuda) {
    int64_t packs = call->outputs[0].count / lanes;
    LOFI_CUDA_RUN(lofi_cuda_blocks(cuda, packs), LOFI_CUDA_THREADS, 0, lofi_cuda_stream(cuda), fill<lanes>)
    ((lofi_pack<lanes> *)call->outputs[0].data, packs, ((const lofi_full_attributes *)call->attributes)->value);
}

bool by_tanh(const lofi_call *call) {
    return ((const lofi_gelu_attributes *)call->attributes)->tanh_form != 0;
}

} // namespace

LOFI_CUDA_LAUNCHER(affine) {
    const lofi_affine_attributes *attributes = (const lofi_affine_attributes *)call->attributes;
    return launch(call, cuda, scale_and_shift{attributes->factor, attributes->offset});
}

LOFI_CUDA_LAUNCHER(square) {
    return launch(call, cuda, square_of());
}

LOFI_CUDA_LAUNCHER(square_root) {
    return launch(call, cuda, root_of());
}

LOFI_CUDA_LAUNCHER(relu) {
    return launch(call, cuda, positive_part());
}

LOFI_CUDA_LAUNCHER(tanh) {
    return launch(call, cuda, tangent());
}

LOFI_CUDA_LAUNCHER(silu) {
    return launch(call, cuda, silu());
}

LOFI_CUDA_LAUNCHER(mish) {
    return launch(call, cuda, mish());
}

LOFI_CUDA_LAUNCHER(gelu) {
    return by_tanh(call) ? launch(call, cuda, gelu_by_tanh()) : launch(call, cuda, gelu_by_normal());
}

LOFI_CUDA_LAUNCHER(silu_gradient) {
    return launch_slope(call, cuda, silu_slope());
}

LOFI_CUDA_LAUNCHER(relu_gradient) {
    return launch_slope(call, cuda, positive_part_slope());
}

LOFI_CUDA_LAUNCHER(gelu_gradient) {
    return by_tanh(call) ? launch_slope(call, cuda, gelu_by_tanh_slope())
                         : launch_slope(call, cuda, gelu_by_normal_slope());
}

LOFI_CUDA_LAUNCHER(gated_silu) {
    const lofi_view *x = &call->inputs[0], *out = &call->outputs[0];
    int64_t width = out->dims[out->rank - 1], rows = width > 0 ? out->count / width : 0;
    if (lofi_in_fours(width, x->data, out->data))
        launch_gate<4>(call, cuda, rows, width);
    else
        launch_gate<1>(call, cuda, rows, width);
    return LOFI_OK;
}

LOFI_CUDA_LAUNCHER(gated_silu_gradient) {
    const lofi_view *x = &call->inputs[0], *dy = &call->inputs[1], *dx = &call->outputs[0];
    int64_t width = dy->dims[dy->rank - 1], rows = width > 0 ? dy->count / width : 0;
    if (lofi_in_fours(width, x->data, dy->data, dx->data))
        launch_gate_slope<4>(call, cuda, rows, width);
    else
        launch_gate_slope<1>(call, cuda, rows, width);
    return LOFI_OK;
}

LOFI_CUDA_LAUNCHER(dropout) {
    const lofi_view *x = &call->inputs[0], *out = &call->outputs[0];
    if (lofi_in_fours(out->count, x->data, out->data))
        launch_drop<4>(call, cuda);
    else
        launch_drop<1>(call, cuda);
    return LOFI_OK;
}

LOFI_CUDA_LAUNCHER(full) {
    if (lofi_in_fours(call->outputs[0].count, call->outputs[0].data))
        launch_fill<4>(call, cuda);
    else
        launch_fill<1>(call, cuda);
    return LOFI_OK;
}

LOFI_CUDA_LAUNCHER(copy) {
    const lofi_view *out = &call->outputs[0];
    return lofi_cuda_copy(cuda, out->data, call->inputs[0].data, (size_t)out->count * lofi_dtype_bytes(out->dtype),
                          err);
}
