/* broadcast.c - see broadcast.h. Neighbouring dimensions that both operands walk through alike are merged; what is left
 * is rows, in which each operand either advances or stands still. */
#include "kernels/broadcast.h"

#include <assert.h>
#include <stdbool.h>

#include "kernels/parallel.h"
#include "kernels/vector.h"

#define PIECE 16384 /* elements of one piece of work */

typedef struct walk {
    int rank;
    int64_t dims[LOFI_BROADCAST_RANK];
    int64_t a_step[LOFI_BROADCAST_RANK], b_step[LOFI_BROADCAST_RANK]; /* 0: the operand is repeated along it */
} walk;

/* Steps of an operand along the dimensions of the output. */
static void steps_of(lofi_operand operand, int rank, const int64_t *dims, int64_t *steps) {
    int64_t step = 1;
    for (int i = rank - 1; i >= 0; i--) {
        int own = i - (rank - operand.rank);
        int64_t size = own >= 0 ? operand.dims[own] : 1;
        assert(size == 1 || size == dims[i]);
        steps[i] = size == 1 ? 0 : step;
        step *= size;
    }
}

static bool continues(int64_t outer_step, int64_t inner_step, int64_t inner_size) {
    return outer_step == inner_step * inner_size;
}

static walk walk_for(int rank, const int64_t *dims, lofi_operand a, lofi_operand b) {
    int64_t a_step[LOFI_BROADCAST_RANK], b_step[LOFI_BROADCAST_RANK];
    steps_of(a, rank, dims, a_step);
    steps_of(b, rank, dims, b_step);
    walk merged = {.rank = 0};
    for (int i = 0; i < rank; i++) {
        if (dims[i] == 1) continue;
        int last = merged.rank - 1;
        if (last >= 0 && continues(merged.a_step[last], a_step[i], dims[i]) &&
            continues(merged.b_step[last], b_step[i], dims[i])) {
            merged.dims[last] *= dims[i];
        } else {
            merged.dims[++last] = dims[i];
            merged.rank = last + 1;
        }
        merged.a_step[last] = a_step[i];
        merged.b_step[last] = b_step[i];
    }
    if (merged.rank == 0) merged.rank = 1, merged.dims[0] = 1, merged.a_step[0] = merged.b_step[0] = 1;
    return merged;
}

/* clang-format off */
#define ROWS(name, operation)                                                                                          \
    static inline LOFI_BODY void name##_body(float *out, const float *a, const float *b, int64_t a_step,               \
                                             int64_t b_step, int64_t count) {                                          \
        if (a_step == 1 && b_step == 1) {                                                                              \
            _Pragma("omp simd") for (int64_t i = 0; i < count; i++) out[i] = a[i] operation b[i];                      \
        } else if (a_step == 1) {                                                                                      \
            float fixed = *b;                                                                                          \
            _Pragma("omp simd") for (int64_t i = 0; i < count; i++) out[i] = a[i] operation fixed;                     \
        } else {                                                                                                       \
            float fixed = *a;                                                                                          \
            _Pragma("omp simd") for (int64_t i = 0; i < count; i++) out[i] = fixed operation b[i];                     \
        }                                                                                                              \
    }                                                                                                                  \
    LOFI_VERSIONS(name, (float *out, const float *a, const float *b, int64_t a_step, int64_t b_step, int64_t count),   \
                  (out, a, b, a_step, b_step, count))

ROWS(add_row, +)
ROWS(sub_row, -)
ROWS(mul_row, *)
ROWS(div_row, /)
/* clang-format on */

typedef void row_function(float *out, const float *a, const float *b, int64_t a_step, int64_t b_step, int64_t count);

static row_function *const row_functions[] = {
    [LOFI_BINARY_ADD] = add_row, [LOFI_BINARY_SUB] = sub_row, [LOFI_BINARY_MUL] = mul_row, [LOFI_BINARY_DIV] = div_row};

/* Rows [first, last), from column `begin` to `end`. */
static void rows(const walk *steps, row_function *function, float *out, const float *a, const float *b, int64_t first,
                 int64_t last, int64_t begin, int64_t end) {
    int inner = steps->rank - 1;
    for (int64_t row = first; row < last; row++) {
        int64_t rest = row, at_a = begin * steps->a_step[inner], at_b = begin * steps->b_step[inner];
        for (int i = inner - 1; i >= 0; i--) {
            int64_t index = rest % steps->dims[i];
            rest /= steps->dims[i];
            at_a += index * steps->a_step[i];
            at_b += index * steps->b_step[i];
        }
        function(out + row * steps->dims[inner] + begin, a + at_a, b + at_b, steps->a_step[inner], steps->b_step[inner],
                 end - begin);
    }
}

void lofi_binary_broadcast(lofi_binary kind, float *out, int rank, const int64_t *dims, lofi_operand a, lofi_operand b,
                           int threads) {
    walk merged = walk_for(rank, dims, a, b);
    int64_t inner = merged.dims[merged.rank - 1], outer = 1;
    for (int i = 0; i < merged.rank - 1; i++) outer *= merged.dims[i];
    if (inner <= 0 || outer <= 0) return;

    /* A piece is several short rows, or a part of a long one. */
    int64_t rows_each = inner < PIECE ? PIECE / inner : 1, parts = (inner + PIECE - 1) / PIECE;
    int64_t groups = (outer + rows_each - 1) / rows_each, pieces = groups * parts;
    LOFI_PARALLEL_FOR(lofi_team(outer * inner > LOFI_TEAM_ELEMENTS, threads), piece, pieces, {
        int64_t first = piece / parts * rows_each, begin = piece % parts * PIECE;
        int64_t last = first + rows_each < outer ? first + rows_each : outer;
        int64_t end = begin + PIECE < inner ? begin + PIECE : inner;
        rows(&merged, row_functions[kind], out, a.data, b.data, first, last, begin, end);
    });
}
