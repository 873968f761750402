/* shape.cu - what only moves elements, on the GPU: pieces along an axis, axes in another order, repeated axes. Elements of all types
 * move as units of 1 to 16 bytes, the largest that fit. */
#include "kernels/axes.h"
#include "ops/cuda_elements.h"
#include "ops/shape_attributes.h"
#include "ops/window.h"

namespace {

/* ---- units ---- */

/* The largest unit of which all of these, put together by |, are multiples. */
int64_t unit_of(uint64_t bytes) {
    uint64_t lowest = bytes & (~bytes + 1);
    return lowest == 0 || lowest > 16 ? 16 : (int64_t)lowest;
}

/* Calls move with a unit of so many bytes. */
template <class Move> void with_unit(int64_t bytes, const Move &move) {
    switch (bytes) {
    case 1: return move(uint8_t());
    case 2: return move(uint16_t());
    case 4: return move(uint32_t());
    case 8: return move(uint64_t());
    default: return move(uint4());
    }
}

/* ---- pieces along an axis ---- */

/* Rows that get a row of `in` from place `start` on, and zeros around it. In bytes, and on the device in units. */
struct placing {
    int64_t rows, width, out_step; /* what is written, and how far rows are apart */
    int64_t start, used, in_step;
};

template <class Unit> __global__ void place_rows(Unit *out, const Unit *in, placing p) {
    LOFI_CUDA_FOR(i, p.rows * p.width) {
        int64_t row = i / p.width, at = i - row * p.width, from = at - p.start;
        Unit unit = {};
        if (from >= 0 && from < p.used) unit = in[row * p.in_step + from];
        out[row * p.out_step + at] = unit;
    }
}

struct place {
    const lofi_cuda *cuda;
    char *out;
    const char *in;
    placing p;

    template <class Unit> void operator()(Unit) const {
        const int64_t size = sizeof(Unit);
        placing units = {p.rows, p.width / size, p.out_step / size, p.start / size, p.used / size, p.in_step / size};
        LOFI_CUDA_RUN(lofi_cuda_blocks(cuda, units.rows * units.width), LOFI_CUDA_THREADS, 0, lofi_cuda_stream(cuda),
                      place_rows)
        ((Unit *)out, (const Unit *)in, units);
    }
};

void place_bytes(const lofi_cuda *cuda, char *out, const char *in, const placing &p) {
    if (p.rows == 0 || p.width == 0) return;
    uint64_t sizes = (uint64_t)(p.width | p.out_step | p.start | p.used | p.in_step);
    with_unit(unit_of(sizes | (uintptr_t)out | (uintptr_t)in), place{cuda, out, in, p});
}

/* ---- other orders of axes ---- */

/* The axes of the output, with neighbours that stay neighbours joined, and how far their places are apart in x. */
lofi_axes moved_axes(const lofi_view *x, const int32_t *order) {
    int64_t strides[lofi_max_axes], stride = 1;
    lofi_axes axes = {};
    for (int axis = x->rank - 1; axis >= 0; axis--) {
        strides[axis] = stride;
        stride *= x->dims[axis];
    }
    for (int i = 0; i < x->rank; i++) lofi_axes_add(&axes, x->dims[order[i]], strides[order[i]]);
    lofi_axes_finish(&axes);
    return axes;
}

/* Elements that stay side by side move as larger units; a run that is one unit is an axis no more. Returns the unit's bytes. */
int64_t join_runs(lofi_axes *axes, int64_t element, const void *x, const void *out) {
    int last = axes->rank - 1;
    if (axes->strides[last] != 1) return element;
    int64_t unit = unit_of((uint64_t)(axes->dims[last] * element) | (uintptr_t)x | (uintptr_t)out);
    for (int axis = 0; axis < last; axis++) axes->strides[axis] /= unit / element;
    axes->dims[last] /= unit / element;
    if (last > 0 && axes->dims[last] == 1) axes->rank--;
    return unit;
}

/* Where the index-th place of the output lies in the input. */
__device__ int64_t offset_of(const lofi_axes &axes, int64_t index) {
    int64_t offset = 0;
    for (int axis = axes.rank - 1; axis > 0; axis--) {
        int64_t further_out = index / axes.dims[axis];
        offset += (index - further_out * axes.dims[axis]) * axes.strides[axis];
        index = further_out;
    }
    return offset + index * axes.strides[0];
}

template <class Unit> __global__ void gather(Unit *out, const Unit *x, int64_t count, lofi_axes axes) {
    LOFI_CUDA_FOR(i, count) out[i] = x[offset_of(axes, i)];
}

/* The plane that the last axis of the output spans with `inner`, the last axis of the input, is transposed square by square; the
 * other axes tell the planes apart. */
struct planes {
    lofi_axes axes;
    int64_t out_strides[lofi_max_axes];
    int inner;
    int64_t squares_down, squares_across, squares; /* of a plane along `inner`, along the last axis; of all planes */
};

enum { square_side = 32, square_lines = LOFI_CUDA_THREADS / square_side };

/* Where a plane begins in the input and in the output. */
__device__ void find_plane(const planes &p, int64_t plane, int64_t *from, int64_t *to) {
    *from = *to = 0;
    for (int axis = p.axes.rank - 2; axis >= 0; axis--) {
        if (axis == p.inner) continue;
        int64_t further_out = plane / p.axes.dims[axis], place = plane - further_out * p.axes.dims[axis];
        *from += place * p.axes.strides[axis], *to += place * p.out_strides[axis];
        plane = further_out;
    }
}

/* A square is read along the input's last axis and written along the output's. The extra column keeps the threads that read a
 * column of the square in banks of their own. */
template <class Unit> __global__ void transpose(Unit *out, const Unit *x, planes p) {
    __shared__ Unit square[square_side][square_side + 1];
    int last = p.axes.rank - 1;
    int64_t rows = p.axes.dims[p.inner], columns = p.axes.dims[last];
    int64_t x_step = p.axes.strides[last], out_step = p.out_strides[p.inner];
    for (int64_t at = blockIdx.x; at < p.squares; at += gridDim.x) {
        int64_t band = at / p.squares_across, plane = band / p.squares_down, from, to;
        int64_t row = (band - plane * p.squares_down) * square_side;
        int64_t column = (at - band * p.squares_across) * square_side;
        find_plane(p, plane, &from, &to);
        for (int j = threadIdx.y; j < square_side; j += square_lines)
            if (row + threadIdx.x < rows && column + j < columns)
                square[j][threadIdx.x] = x[from + row + threadIdx.x + (column + j) * x_step];
        __syncthreads();
        for (int i = threadIdx.y; i < square_side; i += square_lines)
            if (row + i < rows && column + threadIdx.x < columns)
                out[to + (row + i) * out_step + column + threadIdx.x] = square[threadIdx.x][i];
        __syncthreads();
    }
}

/* Planes so narrow that most of a square would be empty are not worth one. */
enum { least_side = 8 };

struct move_axes {
    const lofi_cuda *cuda;
    void *out;
    const void *x;
    lofi_axes axes;

    template <class Unit> void operator()(Unit) const {
        int64_t count = 1;
        for (int axis = 0; axis < axes.rank; axis++) count *= axes.dims[axis];
        int inner = 0;
        while (axes.strides[inner] != 1) inner++;
        if (inner < axes.rank - 1 && axes.dims[inner] >= least_side && axes.dims[axes.rank - 1] >= least_side) {
            turn<Unit>(count, inner);
        } else {
            LOFI_CUDA_RUN(lofi_cuda_blocks(cuda, count), LOFI_CUDA_THREADS, 0, lofi_cuda_stream(cuda), gather)
            ((Unit *)out, (const Unit *)x, count, axes);
        }
    }

    template <class Unit> void turn(int64_t count, int inner) const {
        planes p = {axes, {}, inner, 0, 0, 0};
        int64_t stride = 1, rows = axes.dims[inner], columns = axes.dims[axes.rank - 1];
        for (int axis = axes.rank - 1; axis >= 0; axis--) {
            p.out_strides[axis] = stride;
            stride *= axes.dims[axis];
        }
        p.squares_down = (rows + square_side - 1) / square_side;
        p.squares_across = (columns + square_side - 1) / square_side;
        p.squares = count / (rows * columns) * p.squares_down * p.squares_across;
        LOFI_CUDA_RUN(lofi_cuda_blocks(cuda, p.squares * LOFI_CUDA_THREADS), dim3(square_side, square_lines), 0,
                      lofi_cuda_stream(cuda), transpose)
        ((Unit *)out, (const Unit *)x, p);
    }
};

/* ---- repeated axes ---- */

/* The axes of the output and how far their places are apart in x, 0 where x is repeated: the last ones are 1 or 0 apart. */
lofi_axes repeated_axes(const lofi_view *x, const lofi_view *out) {
    int64_t strides[lofi_max_axes], stride = 1;
    lofi_axes axes = {};
    for (int axis = out->rank - 1, from = x->rank - 1; axis >= 0; axis--, from--) {
        int64_t size = from >= 0 ? x->dims[from] : 1;
        strides[axis] = size == 1 ? 0 : stride;
        stride *= size;
    }
    for (int axis = 0; axis < out->rank; axis++) lofi_axes_add(&axes, out->dims[axis], strides[axis]);
    lofi_axes_finish(&axes);
    return axes;
}

template <int lanes>
__global__ void repeat(lofi_pack<lanes> *out, const float *x, int64_t packs, lofi_axes axes, float divisor) {
    bool same = axes.strides[axes.rank - 1] == 0;
    LOFI_CUDA_FOR(i, packs) {
        const float *from = x + offset_of(axes, i * lanes);
        lofi_pack<lanes> values;
        if (same) {
#pragma unroll
            for (int lane = 0; lane < lanes; lane++) values.at[lane] = *from;
        } else {
            values = *(const lofi_pack<lanes> *)from;
        }
#pragma unroll
        for (int lane = 0; lane < lanes; lane++) values.at[lane] /= divisor;
        out[i] = values;
    }
}

template <int lanes> void launch_repeat(const lofi_call *call, lofi_cuda *cuda, const lofi_axes &axes, float divisor) {
    int64_t packs = call->outputs[0].count / lanes;
    LOFI_CUDA_RUN(lofi_cuda_blocks(cuda, packs), LOFI_CUDA_THREADS, 0, lofi_cuda_stream(cuda), repeat<lanes>)
    ((lofi_pack<lanes> *)call->outputs[0].data, (const float *)call->inputs[0].data, packs, axes, divisor);
}

} // namespace

LOFI_CUDA_LAUNCHER(concat) {
    int axis = ((const lofi_concat_attributes *)call->attributes)->axis;
    const lofi_view *out = &call->outputs[0];
    int64_t rows = lofi_axis_outer(out, axis), step = (int64_t)lofi_axis_step(out, axis);
    int64_t out_row = step * out->dims[axis];
    char *to = (char *)out->data;
    for (int i = 0; i < call->input_count; i++) {
        const lofi_view *part = &call->inputs[i];
        int64_t row = step * part->dims[axis];
        place_bytes(cuda, to, (const char *)part->data, {rows, row, out_row, 0, row, row});
        to += row;
    }
    return LOFI_OK;
}

LOFI_CUDA_LAUNCHER(slice) {
    const lofi_window_attributes *a = (const lofi_window_attributes *)call->attributes;
    const lofi_view *x = &call->inputs[0], *out = &call->outputs[0];
    int axis = (int)a->axis;
    int64_t step = (int64_t)lofi_axis_step(x, axis), row = step * out->dims[axis];
    place_bytes(cuda, (char *)out->data, (const char *)x->data + step * lofi_call_dim(call, a->start),
                {lofi_axis_outer(x, axis), row, row, 0, row, step * x->dims[axis]});
    return LOFI_OK;
}

LOFI_CUDA_LAUNCHER(pad) {
    const lofi_window_attributes *a = (const lofi_window_attributes *)call->attributes;
    const lofi_view *x = &call->inputs[0], *out = &call->outputs[0];
    int axis = (int)a->axis;
    int64_t step = (int64_t)lofi_axis_step(x, axis), row = step * out->dims[axis], used = step * x->dims[axis];
    place_bytes(cuda, (char *)out->data, (const char *)x->data,
                {lofi_axis_outer(x, axis), row, row, step * lofi_call_dim(call, a->start), used, used});
    return LOFI_OK;
}

LOFI_CUDA_LAUNCHER(permute) {
    const lofi_permute_attributes *a = (const lofi_permute_attributes *)call->attributes;
    const lofi_view *x = &call->inputs[0], *out = &call->outputs[0];
    if (!out->count) return LOFI_OK;
    lofi_axes axes = moved_axes(x, a->order);
    int64_t unit = join_runs(&axes, (int64_t)lofi_dtype_bytes(x->dtype), x->data, out->data);
    with_unit(unit, move_axes{cuda, out->data, x->data, axes});
    return LOFI_OK;
}

LOFI_CUDA_LAUNCHER(expand) {
    const lofi_expand_attributes *a = (const lofi_expand_attributes *)call->attributes;
    const lofi_view *x = &call->inputs[0], *out = &call->outputs[0];
    if (!out->count) return LOFI_OK;
    lofi_axes axes = repeated_axes(x, out);
    float divisor = a->share && x->count > 0 ? (float)(out->count / x->count) : 1.0f;
    if (lofi_in_fours(axes.dims[axes.rank - 1], x->data, out->data))
        launch_repeat<4>(call, cuda, axes, divisor);
    else
        launch_repeat<1>(call, cuda, axes, divisor);
    return LOFI_OK;
}
