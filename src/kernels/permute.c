/* permute.c - the axes of a tensor in another order.
 *
 * Axes that stay neighbours are joined first. If the last axis stays last, whole runs of it are copied. Otherwise the last
 * axis of the output and the last axis of the input span a plane that is transposed square by square.
 */
#include "kernels/permute.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "kernels/parallel.h"

enum { max_axes = 8, square = 16, parallel_bytes = 1 << 16 };

/* The output's axes, outermost first: their sizes, and the distances in the input. */
typedef struct walk {
    int rank;
    int64_t dims[max_axes], strides[max_axes];
} walk;

static walk walk_of(int rank, const int64_t *dims, const int32_t *order) {
    int64_t strides[max_axes], stride = 1;
    walk w = {.rank = 0};
    for (int axis = rank - 1; axis >= 0; axis--) {
        strides[axis] = stride;
        stride *= dims[axis];
    }
    for (int i = 0; i < rank; i++) {
        int axis = order[i];
        if (dims[axis] == 1) continue;
        if (w.rank > 0 && w.strides[w.rank - 1] == strides[axis] * dims[axis]) {
            w.dims[w.rank - 1] *= dims[axis];
            w.strides[w.rank - 1] = strides[axis];
        } else {
            w.dims[w.rank] = dims[axis];
            w.strides[w.rank++] = strides[axis];
        }
    }
    if (w.rank == 0) w = (walk){.rank = 1, .dims = {1}, .strides = {1}};
    return w;
}

/* Where the index-th place of the axes before `rank` without axis `skip` lies, in the input. */
static int64_t offset_of(const walk *w, int rank, int skip, int64_t index, const int64_t *strides) {
    int64_t offset = 0;
    for (int axis = rank - 1; axis >= 0; axis--) {
        if (axis == skip) continue;
        offset += index % w->dims[axis] * strides[axis];
        index /= w->dims[axis];
    }
    return offset;
}

static void copy_runs(const walk *w, int64_t count, size_t element, const char *x, char *out, int threads) {
    int64_t run = w->dims[w->rank - 1], runs = count / run;
    size_t bytes = (size_t)run * element;
    LOFI_PARALLEL_FOR(lofi_team((size_t)count * element > parallel_bytes, threads), i, runs, {
        int64_t from = offset_of(w, w->rank - 1, -1, i, w->strides);
        memcpy(out + (size_t)i * bytes, x + (size_t)from * element, bytes);
    });
}

/* out[i * out_stride + j] = x[i + j * x_stride] for i < rows, j < columns. */
#define DEFINE_TRANSPOSE(name, type)                                                                                   \
    static void name(int64_t rows, int64_t columns, const void *x, int64_t x_stride, void *out, int64_t out_stride) {  \
        const type *from = x;                                                                                          \
        type *to = out;                                                                                                \
        for (int64_t j = 0; j < columns; j++) {                                                                        \
            for (int64_t i = 0; i < rows; i++) to[i * out_stride + j] = from[i + j * x_stride];                        \
        }                                                                                                              \
    }
DEFINE_TRANSPOSE(transpose_1, uint8_t)
DEFINE_TRANSPOSE(transpose_2, uint16_t)
DEFINE_TRANSPOSE(transpose_4, uint32_t)
DEFINE_TRANSPOSE(transpose_8, uint64_t)

typedef void transpose_function(int64_t rows, int64_t columns, const void *x, int64_t x_stride, void *out,
                                int64_t out_stride);

static transpose_function *transpose_for(size_t element) {
    switch (element) {
    case 1: return transpose_1;
    case 2: return transpose_2;
    case 4: return transpose_4;
    default: assert(element == 8); return transpose_8;
    }
}

/* The output's axis `inner` is the input's last one (stride 1); the output's last axis has another stride. */
static void transpose_planes(const walk *w, int inner, int64_t count, size_t element, const char *x, char *out,
                             int threads) {
    transpose_function *transpose = transpose_for(element);
    int64_t out_strides[max_axes], stride = 1;
    for (int axis = w->rank - 1; axis >= 0; axis--) {
        out_strides[axis] = stride;
        stride *= w->dims[axis];
    }
    int64_t rows = w->dims[inner], columns = w->dims[w->rank - 1];
    int64_t bands = (rows + square - 1) / square, planes = count / (rows * columns);
    LOFI_PARALLEL_FOR(lofi_team((size_t)count * element > parallel_bytes, threads), job, planes * bands, {
        int64_t plane = job / bands, first = job % bands * square, rest = rows - first;
        int64_t height = rest < square ? rest : square;
        int64_t from = offset_of(w, w->rank - 1, inner, plane, w->strides) + first;
        int64_t to = offset_of(w, w->rank - 1, inner, plane, out_strides) + first * out_strides[inner];
        for (int64_t j = 0; j < columns; j += square) {
            int64_t width = columns - j < square ? columns - j : square;
            transpose(height, width, x + (size_t)(from + j * w->strides[w->rank - 1]) * element,
                      w->strides[w->rank - 1], out + (size_t)(to + j) * element, out_strides[inner]);
        }
    });
}

void lofi_permute_axes(int rank, const int64_t *dims, const int32_t *order, size_t element_bytes, const void *x,
                       void *out, int threads) {
    int64_t count = 1;
    for (int axis = 0; axis < rank; axis++) count *= dims[axis];
    if (count == 0) return;
    walk w = walk_of(rank, dims, order);
    if (w.strides[w.rank - 1] == 1) {
        copy_runs(&w, count, element_bytes, x, out, threads);
        return;
    }
    int inner = 0;
    while (w.strides[inner] != 1) inner++;
    transpose_planes(&w, inner, count, element_bytes, x, out, threads);
}
