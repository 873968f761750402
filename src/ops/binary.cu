/* binary.cu - add, sub, mul, div on the GPU: two operands, broadcast as in numpy. */
#include "kernels/broadcast.h"
#include "ops/cuda_launch.h"

namespace {

/* The output's dimensions, and how far each operand moves along them (0: it is repeated). */
struct walk {
    int rank;
    int64_t dims[LOFI_MAX_RANK], a[LOFI_MAX_RANK], b[LOFI_MAX_RANK];
};

struct add {
    __device__ float operator()(float a, float b) const {
        return a + b;
    }
};
struct sub {
    __device__ float operator()(float a, float b) const {
        return a - b;
    }
};
struct mul {
    __device__ float operator()(float a, float b) const {
        return a * b;
    }
};
struct divide {
    __device__ float operator()(float a, float b) const {
        return a / b;
    }
};

void strides_of(const lofi_view *operand, const lofi_view *out, int64_t *strides) {
    int64_t stride = 1;
    for (int i = out->rank - 1, j = operand->rank - 1; i >= 0; i--, j--) {
        bool repeated = j < 0 || operand->dims[j] == 1;
        strides[i] = repeated ? 0 : stride;
        if (j >= 0) stride *= operand->dims[j];
    }
}

/* Neighbouring axes along which both operands move as through one become one: most calls end with one or two axes. */
void join_axes(walk *w) {
    int kept = 0;
    for (int i = 0; i < w->rank; i++) {
        if (w->dims[i] == 1) continue;
        if (kept && w->a[kept - 1] == w->a[i] * w->dims[i] && w->b[kept - 1] == w->b[i] * w->dims[i]) {
            w->dims[kept - 1] *= w->dims[i];
            w->a[kept - 1] = w->a[i], w->b[kept - 1] = w->b[i];
            continue;
        }
        w->dims[kept] = w->dims[i], w->a[kept] = w->a[i], w->b[kept] = w->b[i];
        kept++;
    }
    w->rank = kept;
}

template <class Operation>
__global__ void combine(float *out, const float *a, const float *b, int64_t count, walk w, Operation operation) {
    LOFI_CUDA_FOR(i, count) {
        int64_t rest = i, at_a = 0, at_b = 0;
        for (int axis = w.rank - 1; axis >= 0; axis--) {
            int64_t place = axis ? rest % w.dims[axis] : rest;
            at_a += place * w.a[axis], at_b += place * w.b[axis];
            if (axis) rest /= w.dims[axis];
        }
        out[i] = operation(a[at_a], b[at_b]);
    }
}

template <class Operation> void launch(const lofi_call *call, lofi_cuda *cuda, Operation operation) {
    const lofi_view *a = &call->inputs[0], *b = &call->inputs[1], *out = &call->outputs[0];
    if (!out->count) return;
    walk w = {out->rank, {}, {}, {}};
    for (int i = 0; i < out->rank; i++) w.dims[i] = out->dims[i];
    strides_of(a, out, w.a);
    strides_of(b, out, w.b);
    join_axes(&w);
    LOFI_CUDA_RUN(lofi_cuda_blocks(cuda, out->count), LOFI_CUDA_THREADS, 0, lofi_cuda_stream(cuda), combine)
    ((float *)out->data, (const float *)a->data, (const float *)b->data, out->count, w, operation);
}

} // namespace

LOFI_CUDA_LAUNCHER(add) {
    launch(call, cuda, add());
    return LOFI_OK;
}

LOFI_CUDA_LAUNCHER(sub) {
    launch(call, cuda, sub());
    return LOFI_OK;
}

LOFI_CUDA_LAUNCHER(mul) {
    launch(call, cuda, mul());
    return LOFI_OK;
}

LOFI_CUDA_LAUNCHER(div) {
    launch(call, cuda, divide());
    return LOFI_OK;
}
