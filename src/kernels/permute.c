/* permute.c - the axes of a tensor in another order.
 *
 * Axes that stay neighbours are joined first. If the last axis stays last, whole runs of it are copied. Otherwise the last
 * axis of the output and the last axis of the input span a plane that is transposed in bands, square by square.
 */
#include "kernels/permute.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "kernels/axes.h"
#include "kernels/parallel.h"
#include "kernels/transpose.h"

enum { parallel_bytes = 1 << 16, line_bytes = 64, band_rows = 256, least_rows = 32, band_area = 8192 };

static lofi_axes axes_of(int rank, const int64_t *dims, const int32_t *order) {
    int64_t strides[lofi_max_axes], stride = 1;
    lofi_axes axes = {.rank = 0};
    for (int axis = rank - 1; axis >= 0; axis--) {
        strides[axis] = stride;
        stride *= dims[axis];
    }
    for (int i = 0; i < rank; i++) lofi_axes_add(&axes, dims[order[i]], strides[order[i]]);
    lofi_axes_finish(&axes);
    return axes;
}

/* Where the index-th place of the axes before `rank` without axis `skip` lies, in the input. */
static int64_t offset_of(const lofi_axes *w, int rank, int skip, int64_t index, const int64_t *strides) {
    int64_t offset = 0;
    for (int axis = rank - 1; axis >= 0; axis--) {
        if (axis == skip) continue;
        offset += index % w->dims[axis] * strides[axis];
        index /= w->dims[axis];
    }
    return offset;
}

/* Runs of `run` elements, axis by axis from the outside; counted, since runs may be short. */
static void copy_runs(const lofi_axes *w, int64_t count, size_t element, const char *x, char *out, int threads) {
    int64_t run = w->dims[w->rank - 1], lines = w->rank > 1 ? w->dims[w->rank - 2] : 1;
    size_t bytes = (size_t)run * element, step = w->rank > 1 ? (size_t)w->strides[w->rank - 2] * element : 0;
    LOFI_PARALLEL_FOR(lofi_team((size_t)count * element > parallel_bytes, threads), i, count / (run * lines), {
        const char *from = x + (size_t)offset_of(w, w->rank - 2, -1, i, w->strides) * element;
        char *to = out + (size_t)(i * lines) * bytes;
        for (int64_t line = 0; line < lines; line++, from += step, to += bytes) memcpy(to, from, bytes);
    });
}

/* out[i * out_stride + j] = x[i + j * x_stride] for i < rows, j < columns. Squares in registers; the last ones overlap those
 * before. Along a line of the output first, so that it is written as a whole. */
#define DEFINE_TRANSPOSE(name, type, vector, side, turn)                                                               \
    static inline LOFI_BODY void name##_square(const type *x, int64_t x_stride, type *out, int64_t out_stride) {       \
        vector rows[side];                                                                                             \
        for (int j = 0; j < side; j++) rows[j] = *(const vector *)(x + j * x_stride);                                  \
        turn(rows);                                                                                                    \
        for (int i = 0; i < side; i++) *(vector *)(out + i * out_stride) = rows[i];                                    \
    }                                                                                                                  \
    static inline LOFI_BODY void name##_body(int64_t rows, int64_t columns, const void *x, int64_t x_stride,           \
                                             void *out, int64_t out_stride) {                                          \
        const type *from = x;                                                                                          \
        type *to = out;                                                                                                \
        if (rows < side || columns < side) {                                                                           \
            for (int64_t i = 0; i < rows; i++)                                                                         \
                for (int64_t j = 0; j < columns; j++) to[i * out_stride + j] = from[i + j * x_stride];                 \
            return;                                                                                                    \
        }                                                                                                              \
        const int64_t line = line_bytes / (int64_t)sizeof(type);                                                       \
        for (int64_t begin = 0; begin < columns; begin += line)                                                        \
            for (int64_t i = 0; i < rows; i += side) {                                                                 \
                if (i > rows - side) i = rows - side;                                                                  \
                for (int64_t j = begin; j < begin + line && j < columns; j += side) {                                  \
                    int64_t at = j > columns - side ? columns - side : j;                                              \
                    name##_square(from + i + at * x_stride, x_stride, to + i * out_stride + at, out_stride);           \
                }                                                                                                      \
            }                                                                                                          \
    }                                                                                                                  \
    LOFI_VERSIONS(name,                                                                                                \
                  (int64_t rows, int64_t columns, const void *x, int64_t x_stride, void *out, int64_t out_stride),     \
                  (rows, columns, x, x_stride, out, out_stride))
DEFINE_TRANSPOSE(transpose_2, uint16_t, lofi_eight_halves, 8, lofi_transpose_halves)
DEFINE_TRANSPOSE(transpose_4, uint32_t, lofi_eight_words, 8, lofi_transpose_words)
DEFINE_TRANSPOSE(transpose_8, uint64_t, lofi_four_doubles, 4, lofi_transpose_doubles)

static void transpose_1(int64_t rows, int64_t columns, const void *x, int64_t x_stride, void *out, int64_t out_stride) {
    const uint8_t *from = x;
    uint8_t *to = out;
    for (int64_t j = 0; j < columns; j++)
        for (int64_t i = 0; i < rows; i++) to[i * out_stride + j] = from[i + j * x_stride];
}

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

/* How many rows of a plane are one job: read in runs of that length, written in as many places. Fewer where the threads
 * would not all have several jobs. */
static int64_t band_for(int64_t rows, int64_t columns, int64_t planes, int threads) {
    int64_t band = columns * band_rows < band_area ? band_area / columns : band_rows;
    int64_t share = threads > 1 ? rows * planes / ((int64_t)threads * 4) : band;
    if (share < band) band = share < least_rows ? least_rows : share / least_rows * least_rows;
    return band;
}

/* The output's axis `inner` is the input's last one (stride 1); the output's last axis has another stride. Band by band
 * through all planes: those that follow each other often lie side by side in the output. */
static void transpose_planes(const lofi_axes *w, int inner, int64_t count, size_t element, const char *x, char *out,
                             int threads) {
    transpose_function *transpose = transpose_for(element);
    int64_t out_strides[lofi_max_axes], stride = 1;
    for (int axis = w->rank - 1; axis >= 0; axis--) {
        out_strides[axis] = stride;
        stride *= w->dims[axis];
    }
    int64_t rows = w->dims[inner], columns = w->dims[w->rank - 1], x_stride = w->strides[w->rank - 1];
    int64_t planes = count / (rows * columns), band = band_for(rows, columns, planes, threads);
    int64_t bands = rows > band ? rows / band : 1; /* the last one takes what is left over */
    LOFI_PARALLEL_FOR(lofi_team((size_t)count * element > parallel_bytes, threads), job, planes * bands, {
        int64_t plane = job % planes, first = job / planes * band;
        int64_t from = offset_of(w, w->rank - 1, inner, plane, w->strides) + first;
        int64_t to = offset_of(w, w->rank - 1, inner, plane, out_strides) + first * out_strides[inner];
        transpose(job / planes == bands - 1 ? rows - first : band, columns, x + (size_t)from * element, x_stride,
                  out + (size_t)to * element, out_strides[inner]);
    });
}

/* Runs of a few bytes are elements, where they lie as such: pairs of f32 move as 64 bits. */
static size_t join_run(lofi_axes *w, size_t element, const void *x, const void *out) {
    size_t bytes = (size_t)w->dims[w->rank - 1] * element;
    if (w->rank == 1 || w->strides[w->rank - 1] != 1 || (bytes != 2 && bytes != 4 && bytes != 8)) return element;
    if (((uintptr_t)x | (uintptr_t)out) % bytes != 0) return element;
    w->rank--;
    for (int axis = 0; axis < w->rank; axis++) w->strides[axis] /= w->dims[w->rank];
    return bytes;
}

void lofi_permute_axes(int rank, const int64_t *dims, const int32_t *order, size_t element_bytes, const void *x,
                       void *out, int threads) {
    int64_t count = 1;
    for (int axis = 0; axis < rank; axis++) count *= dims[axis];
    if (count == 0) return;
    lofi_axes w = axes_of(rank, dims, order);
    size_t element = join_run(&w, element_bytes, x, out);
    count = count * (int64_t)element_bytes / (int64_t)element;
    if (w.strides[w.rank - 1] == 1) {
        copy_runs(&w, count, element, x, out, threads);
        return;
    }
    int inner = 0;
    while (w.strides[inner] != 1) inner++;
    transpose_planes(&w, inner, count, element, x, out, threads);
}
