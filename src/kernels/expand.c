/* expand.c - see expand.h.
 *
 * Neighbouring axes that are both repeated, or both kept, are joined first. The inner axes, as many as make a block of moderate
 * size, are written from the inside: a repeated axis is its first copy, copied.
 */
#include "kernels/expand.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "kernels/axes.h"
#include "kernels/parallel.h"
#include "kernels/vector.h"

enum { parallel_count = 1 << 14, block_count = 1 << 14 };

/* The axes of out, how far their places are apart in out, and what is divided by. */
typedef struct walk {
    lofi_axes axes;
    int64_t out_strides[lofi_max_axes];
    float divisor;
} walk;

static walk walk_of(int x_rank, const int64_t *x_dims, int rank, const int64_t *dims, float divisor) {
    int64_t strides[lofi_max_axes], stride = 1;
    walk w = {.divisor = divisor};
    for (int axis = rank - 1, from = x_rank - 1; axis >= 0; axis--, from--) {
        int64_t size = from >= 0 ? x_dims[from] : 1;
        assert(size == dims[axis] || size == 1);
        strides[axis] = size == 1 ? 0 : stride;
        stride *= size;
    }
    for (int axis = 0; axis < rank; axis++) lofi_axes_add(&w.axes, dims[axis], strides[axis]);
    lofi_axes_finish(&w.axes);
    stride = 1;
    for (int axis = w.axes.rank - 1; axis >= 0; axis--) {
        w.out_strides[axis] = stride;
        stride *= w.axes.dims[axis];
    }
    return w;
}

/* Each of `count` numbers `times` times. */
static inline LOFI_BODY void spread_body(const float *x, int64_t count, int64_t times, float divisor, float *out) {
    if (times == 2) {
#pragma omp simd
        for (int64_t i = 0; i < count; i++) out[2 * i] = out[2 * i + 1] = x[i] / divisor;
        return;
    }
    for (int64_t i = 0; i < count; i++, out += times) {
        float value = x[i] / divisor;
        for (int64_t j = 0; j < times; j++) out[j] = value;
    }
}
LOFI_VERSIONS(spread, (const float *x, int64_t count, int64_t times, float divisor, float *out),
              (x, count, times, divisor, out))

static inline LOFI_BODY void divide_body(const float *x, int64_t count, float divisor, float *out) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) out[i] = x[i] / divisor;
}
LOFI_VERSIONS(divide, (const float *x, int64_t count, float divisor, float *out), (x, count, divisor, out))

static void write_row(const walk *w, const float *x, float *out) {
    int64_t count = w->axes.dims[w->axes.rank - 1];
    if (w->axes.strides[w->axes.rank - 1] == 0)
        spread(x, 1, count, w->divisor, out);
    else if (w->divisor == 1.0f)
        memcpy(out, x, (size_t)count * sizeof *out);
    else
        divide(x, count, w->divisor, out);
}

/* The axes from `axis` on, at x and out. */
static void write_block(const walk *w, int axis, const float *x, float *out) {
    int64_t count = w->axes.dims[axis], inner = w->out_strides[axis];
    if (axis == w->axes.rank - 1) {
        write_row(w, x, out);
    } else if (w->axes.strides[axis] == 0) {
        write_block(w, axis + 1, x, out);
        for (int64_t i = 1; i < count; i++) memcpy(out + i * inner, out, (size_t)inner * sizeof *out);
    } else if (axis == w->axes.rank - 2 && w->axes.strides[axis] == 1) {
        spread(x, count, inner, w->divisor, out);
    } else {
        for (int64_t i = 0; i < count; i++) write_block(w, axis + 1, x + i * w->axes.strides[axis], out + i * inner);
    }
}

void lofi_expand_axes(int x_rank, const int64_t *x_dims, const float *x, int rank, const int64_t *dims, float *out,
                      float divisor, int threads) {
    assert(rank <= lofi_max_axes && x_rank <= rank);
    int64_t blocks = 1, count = 1;
    for (int axis = 0; axis < rank; axis++) count *= dims[axis];
    if (count == 0) return;
    walk w = walk_of(x_rank, x_dims, rank, dims, divisor);
    int outer = 0;
    while (outer < w.axes.rank - 1 && w.out_strides[outer] * w.axes.dims[outer] > block_count)
        blocks *= w.axes.dims[outer++];
    int64_t block = count / blocks;
    LOFI_PARALLEL_FOR(lofi_team(count > parallel_count, threads), i, blocks, {
        int64_t offset = 0, index = i;
        for (int axis = outer - 1; axis >= 0; axis--) {
            offset += index % w.axes.dims[axis] * w.axes.strides[axis];
            index /= w.axes.dims[axis];
        }
        write_block(&w, outer, x + offset, out + i * block);
    });
}
