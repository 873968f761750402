/* expand.c - see expand.h. */
#include "kernels/expand.h"

#include <assert.h>

#include "kernels/parallel.h"

enum { max_axes = 8, parallel_count = 1 << 14 };

/* Distances in x along every axis of out: 0 where x is repeated. */
static void strides_in(int x_rank, const int64_t *x_dims, int rank, const int64_t *dims, int64_t *strides) {
    int64_t stride = 1;
    for (int axis = rank - 1, from = x_rank - 1; axis >= 0; axis--, from--) {
        int64_t size = from >= 0 ? x_dims[from] : 1;
        assert(size == dims[axis] || size == 1);
        strides[axis] = size == 1 ? 0 : stride;
        stride *= size;
    }
}

void lofi_expand_axes(int x_rank, const int64_t *x_dims, const float *x, int rank, const int64_t *dims, float *out,
                      float divisor, int threads) {
    int64_t strides[max_axes], rows = 1;
    assert(rank <= max_axes && x_rank <= rank);
    strides_in(x_rank, x_dims, rank, dims, strides);
    int64_t width = rank > 0 ? dims[rank - 1] : 1, step = rank > 0 ? strides[rank - 1] : 0;
    for (int axis = 0; axis < rank - 1; axis++) rows *= dims[axis];
    LOFI_PARALLEL_FOR(lofi_team(rows * width > parallel_count, threads), row, rows, {
        int64_t offset = 0, index = row;
        for (int axis = rank - 2; axis >= 0; axis--) {
            offset += index % dims[axis] * strides[axis];
            index /= dims[axis];
        }
        float *to = out + row * width;
        if (step == 0) {
            float value = x[offset] / divisor;
            for (int64_t i = 0; i < width; i++) to[i] = value;
        } else {
            for (int64_t i = 0; i < width; i++) to[i] = x[offset + i] / divisor;
        }
    });
}
