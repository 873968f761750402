/* reduce.cu - sum and mean over axes on the GPU.
 *
 * A block has so many threads for each of some neighbouring outputs ("lanes"), which add every lanes-th term in double; their sums
 * are put together as a tree. Where the outputs are too few to occupy the GPU, the terms are cut into slabs whose sums go to the
 * workspace, and a second pass of the same kernel adds them. All of that depends on the sizes only.
 */
extern "C" {
#include "ops/reduction.h"
}
#include "ops/cuda_launch.h"

namespace {

constexpr int threads = LOFI_CUDA_THREADS;
constexpr int64_t terms_of_lane = 16;      /* more lanes than that are not worth the tree */
constexpr int64_t terms_of_slab_lane = 32; /* nor is a second pass for fewer */
constexpr int64_t blocks_wanted = 1024;

/* Axes of one kind, outermost first, and how far their places are apart. */
struct walk {
    int rank;
    int64_t dims[LOFI_MAX_RANK], strides[LOFI_MAX_RANK];
};

struct form {
    walk kept, summed;
    int64_t outputs, terms; /* how many sums, of how many terms */
    bool columns;           /* the innermost axis stays: neighbouring threads read neighbouring outputs, else terms */
};

struct division {
    int lanes;
    int64_t tiles, slabs, slab_terms;
};

void add_axis(walk *w, int64_t dim, int64_t stride, bool goes_on) {
    if (goes_on) {
        w->dims[w->rank - 1] *= dim;
        w->strides[w->rank - 1] = stride;
    } else {
        w->dims[w->rank] = dim;
        w->strides[w->rank++] = stride;
    }
}

/* Neighbouring axes of the same kind become one. */
form form_of(const lofi_call *call) {
    const lofi_view *x = &call->inputs[0];
    unsigned axes = ((const lofi_reduction_attributes *)call->attributes)->axes;
    form f = {};
    int64_t strides[LOFI_MAX_RANK], stride = 1;
    for (int axis = x->rank - 1; axis >= 0; axis--) {
        strides[axis] = stride;
        stride *= x->dims[axis];
    }
    f.outputs = f.terms = 1;
    int before = -1;
    for (int axis = 0; axis < x->rank; axis++) {
        int summed = (int)(axes >> axis & 1u);
        (summed ? f.terms : f.outputs) *= x->dims[axis];
        if (x->dims[axis] == 1) continue;
        add_axis(summed ? &f.summed : &f.kept, x->dims[axis], strides[axis], summed == before);
        before = summed;
    }
    f.columns = before == 0;
    return f;
}

/* Columns are read at least 32 side by side where there are so many. */
division division_of(const form *f) {
    int beside = 1;
    while (f->columns && beside < 32 && beside < f->outputs) beside *= 2;
    division d = {1, 0, 1, f->terms};
    while (d.lanes < threads / beside && 2 * d.lanes * terms_of_lane <= f->terms) d.lanes *= 2;
    d.tiles = lofi_cuda_pieces(f->outputs, threads / d.lanes);
    return d;
}

/* More blocks by cutting the terms. */
division cut_terms(const form *f) {
    division d = division_of(f);
    int64_t most = f->terms / (d.lanes * terms_of_slab_lane),
            wanted = d.tiles ? lofi_cuda_pieces(blocks_wanted, d.tiles) : 1;
    int64_t slabs = wanted < most ? wanted : most;
    if (slabs < 2) return d;
    d.slab_terms = lofi_cuda_pieces(f->terms, slabs);
    d.slabs = lofi_cuda_pieces(f->terms, d.slab_terms);
    return d;
}

/* The second pass: partial sums are [slabs, outputs]. */
form form_of_slabs(int64_t slabs, int64_t outputs) {
    form f = {};
    add_axis(&f.summed, slabs, outputs, false);
    add_axis(&f.kept, outputs, 1, false);
    f.outputs = outputs;
    f.terms = slabs;
    f.columns = true;
    return f;
}

__device__ int64_t offset_of(const walk &w, int64_t index) {
    int64_t offset = 0;
    for (int axis = w.rank - 1; axis > 0; axis--) {
        offset += index % w.dims[axis] * w.strides[axis];
        index /= w.dims[axis];
    }
    return offset + index * w.strides[0];
}

/* The sum of one slab for the outputs of one tile, to out[slab, output]. straight: the summed axes are one. */
template <bool straight, class Number, class Result>
__global__ void sum_slab(Result *__restrict__ out, const Number *__restrict__ x, form f, division d, double divisor) {
    __shared__ double room[threads];
    int beside = threads / d.lanes, thread = (int)threadIdx.x;
    int lane = f.columns ? thread / beside : thread % d.lanes, own = f.columns ? thread % beside : thread / d.lanes;
    int64_t slab = blockIdx.x / d.tiles, output = blockIdx.x % d.tiles * beside + own;
    int64_t first = slab * d.slab_terms, last = first + d.slab_terms < f.terms ? first + d.slab_terms : f.terms;
    double sum = 0;
    if (output < f.outputs) {
        const Number *from = x + offset_of(f.kept, output);
#pragma unroll 4
        for (int64_t term = first + lane; term < last; term += d.lanes)
            sum += (double)from[straight ? term * f.summed.strides[0] : offset_of(f.summed, term)];
    }
    double *place = room + lane * beside + own;
    *place = sum;
    for (int half = d.lanes / 2; half > 0; half /= 2) {
        __syncthreads();
        if (lane < half) *place += place[half * beside];
    }
    if (lane == 0 && output < f.outputs) out[slab * f.outputs + output] = (Result)(*place / divisor);
}

template <class Number, class Result>
void launch(lofi_cuda *cuda, Result *out, const Number *x, const form *f, const division *d, double divisor) {
    unsigned blocks = (unsigned)(d->tiles * d->slabs);
    if (f->summed.rank <= 1) {
        LOFI_CUDA_RUN(blocks, threads, 0, lofi_cuda_stream(cuda), sum_slab<true, Number, Result>)
        (out, x, *f, *d, divisor);
    } else {
        LOFI_CUDA_RUN(blocks, threads, 0, lofi_cuda_stream(cuda), sum_slab<false, Number, Result>)
        (out, x, *f, *d, divisor);
    }
}

size_t workspace_of(const lofi_call *call) {
    form f = form_of(call);
    division d = cut_terms(&f);
    return d.slabs > 1 ? (size_t)(d.slabs * f.outputs) * sizeof(double) : 0;
}

void reduce(const lofi_call *call, lofi_cuda *cuda, bool mean) {
    form f = form_of(call);
    if (!f.outputs) return;
    division d = cut_terms(&f);
    double divisor = mean ? (double)f.terms : 1.0, *partial = (double *)call->workspace;
    float *out = (float *)call->outputs[0].data;
    const float *x = (const float *)call->inputs[0].data;
    if (d.slabs == 1) {
        launch(cuda, out, x, &f, &d, divisor);
        return;
    }
    launch(cuda, partial, x, &f, &d, 1.0);
    form slabs = form_of_slabs(d.slabs, f.outputs);
    division whole = division_of(&slabs);
    launch<double, float>(cuda, out, partial, &slabs, &whole, divisor);
}

} // namespace

extern "C" size_t lofi_cuda_sum_workspace(const lofi_call *call) {
    return workspace_of(call);
}

LOFI_CUDA_LAUNCHER(sum) {
    (void)err;
    reduce(call, cuda, false);
    return LOFI_OK;
}

extern "C" size_t lofi_cuda_mean_workspace(const lofi_call *call) {
    return workspace_of(call);
}

LOFI_CUDA_LAUNCHER(mean) {
    (void)err;
    reduce(call, cuda, true);
    return LOFI_OK;
}
