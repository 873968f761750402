/* reduce.c - sums over axes.
 *
 * Neighbouring axes of the same kind are joined first, which leaves one of these:
 *   rows: [kept, summed]: every row is cut into chunks of a fixed size; chunks are summed alone and then put together in
 *     their order, so that one long row occupies all threads;
 *   columns: [kept, summed, kept]: a block of columns is summed from top to bottom by one thread;
 *   anything else: every output by itself, walking over the axes.
 */
#include "kernels/reduce.h"

#include <stdbool.h>

#include "kernels/parallel.h"

enum { chunk_terms = 1 << 15, block_columns = 128, lanes = 8, max_axes = 8 };

typedef struct form {
    int rank;
    int64_t dims[max_axes];
    bool summed[max_axes];
    int64_t outputs, terms; /* how many sums, of how many terms */
} form;

static form form_of(const lofi_reduction *r) {
    form f = {.rank = 0, .outputs = 1, .terms = 1};
    for (int axis = 0; axis < r->rank; axis++) {
        bool summed = r->axes >> axis & 1u;
        if (summed)
            f.terms *= r->dims[axis];
        else
            f.outputs *= r->dims[axis];
        if (r->dims[axis] == 1) continue;
        if (f.rank > 0 && f.summed[f.rank - 1] == summed) {
            f.dims[f.rank - 1] *= r->dims[axis];
        } else {
            f.dims[f.rank] = r->dims[axis];
            f.summed[f.rank++] = summed;
        }
    }
    return f;
}

static bool is_rows(const form *f) {
    return f->rank == 0 || (f->rank == 1) || (f->rank == 2 && f->summed[1]);
}

static bool is_columns(const form *f) {
    return (f->rank == 2 && f->summed[0]) || (f->rank == 3 && f->summed[1]);
}

static int64_t chunks_of(const form *f) {
    return f->terms > chunk_terms ? (f->terms + chunk_terms - 1) / chunk_terms : 1;
}

size_t lofi_reduce_workspace(const lofi_reduction *reduction) {
    form f = form_of(reduction);
    return is_rows(&f) ? (size_t)(f.outputs * chunks_of(&f)) * sizeof(double) : 0;
}

static double sum_of(const float *x, int64_t count) {
    double partial[lanes] = {0};
    int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        for (int lane = 0; lane < lanes; lane++) partial[lane] += (double)x[i + lane];
    }
    for (int lane = 0; i < count; i++, lane++) partial[lane] += (double)x[i];
    return ((partial[0] + partial[4]) + (partial[1] + partial[5])) +
           ((partial[2] + partial[6]) + (partial[3] + partial[7]));
}

static void sum_rows(const form *f, double divisor, int threads, const float *x, float *out, double *partial) {
    int64_t chunks = chunks_of(f), jobs = f->outputs * chunks;
    LOFI_PARALLEL_FOR(lofi_team(f->outputs * f->terms > chunk_terms, threads), job, jobs, {
        int64_t row = job / chunks, first = job % chunks * chunk_terms, rest = f->terms - first;
        partial[job] = sum_of(x + row * f->terms + first, rest < chunk_terms ? rest : chunk_terms);
    });
    for (int64_t row = 0; row < f->outputs; row++) {
        double sum = 0.0;
        for (int64_t chunk = 0; chunk < chunks; chunk++) sum += partial[row * chunks + chunk];
        out[row] = (float)(sum / divisor);
    }
}

static void sum_columns(const form *f, double divisor, int threads, const float *x, float *out) {
    int64_t columns = f->dims[f->rank - 1], rows = f->dims[f->rank - 2], outer = f->rank == 3 ? f->dims[0] : 1;
    int64_t blocks = (columns + block_columns - 1) / block_columns;
    LOFI_PARALLEL_FOR(lofi_team(f->outputs * f->terms > chunk_terms, threads), job, outer * blocks, {
        double sums[block_columns] = {0};
        int64_t first = job % blocks * block_columns, rest = columns - first;
        int64_t width = rest < block_columns ? rest : block_columns;
        const float *at = x + job / blocks * rows * columns + first;
        for (int64_t row = 0; row < rows; row++) {
            for (int64_t c = 0; c < width; c++) sums[c] += (double)at[row * columns + c];
        }
        float *to = out + job / blocks * columns + first;
        for (int64_t c = 0; c < width; c++) to[c] = (float)(sums[c] / divisor);
    });
}

/* The offset of the index-th place among the axes of one kind. */
static int64_t offset_of(const form *f, const int64_t *strides, bool summed, int64_t index) {
    int64_t offset = 0;
    for (int axis = f->rank - 1; axis >= 0; axis--) {
        if (f->summed[axis] != summed) continue;
        offset += index % f->dims[axis] * strides[axis];
        index /= f->dims[axis];
    }
    return offset;
}

static void sum_anything(const form *f, double divisor, int threads, const float *x, float *out) {
    int64_t strides[max_axes];
    int64_t stride = 1;
    for (int axis = f->rank - 1; axis >= 0; axis--) {
        strides[axis] = stride;
        stride *= f->dims[axis];
    }
    LOFI_PARALLEL_FOR(lofi_team(f->outputs * f->terms > chunk_terms, threads), output, f->outputs, {
        const float *from = x + offset_of(f, strides, false, output);
        double sum = 0.0;
        for (int64_t term = 0; term < f->terms; term++) sum += (double)from[offset_of(f, strides, true, term)];
        out[output] = (float)(sum / divisor);
    });
}

void lofi_reduce(const lofi_reduction *reduction, const float *x, float *out, void *workspace) {
    form f = form_of(reduction);
    if (is_rows(&f))
        sum_rows(&f, reduction->divisor, reduction->threads, x, out, workspace);
    else if (is_columns(&f))
        sum_columns(&f, reduction->divisor, reduction->threads, x, out);
    else
        sum_anything(&f, reduction->divisor, reduction->threads, x, out);
}
