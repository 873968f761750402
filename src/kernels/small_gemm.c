/* small_gemm.c - see small_gemm.h. Columns of C are taken WIDTH at a time, with the rows of B for them copied side by side
 * (which also undoes its transposition), and then ROWS rows of C at a time in registers. */
#include "kernels/small_gemm.h"

#include <string.h>

#include "kernels/vector.h"

#define WIDTH 16
#define ROWS  6
#define DEPTH 256 /* of k at a time: the copied part of B is 16 KiB */

typedef float lanes __attribute__((vector_size(WIDTH * sizeof(float)), aligned(4)));

/* Elements of A: element (i, l) is at a[i * row + l * column]. */
typedef struct left {
    const float *a;
    int64_t row, column;
} left;

static inline LOFI_BODY void copy_b(float *out, const float *b, int64_t stride, bool transposed, int64_t depth,
                                    int64_t width) {
    if (width < WIDTH) memset(out, 0, (size_t)depth * WIDTH * sizeof *out);
    if (!transposed) {
        for (int64_t l = 0; l < depth; l++) memcpy(out + l * WIDTH, b + l * stride, (size_t)width * sizeof *out);
    } else if (width == WIDTH) {
        for (int64_t l = 0; l < depth; l++)
            for (int j = 0; j < WIDTH; j++) out[l * WIDTH + j] = b[j * stride + l];
    } else {
        for (int64_t j = 0; j < width; j++)
            for (int64_t l = 0; l < depth; l++) out[l * WIDTH + j] = b[j * stride + l];
    }
}

/* sums[r] += row r of A times the copied B, for `rows` rows; a constant, so that the sums stay in registers. */
static inline LOFI_BODY void add_up(lanes *sums, const int rows, left from, const float *b, int64_t depth) {
    lanes kept[ROWS];
    for (int r = 0; r < rows; r++) kept[r] = sums[r];
    for (int64_t l = 0; l < depth; l++) {
        lanes right = *(const lanes *)(const void *)(b + l * WIDTH);
        for (int r = 0; r < rows; r++) kept[r] += from.a[r * from.row + l * from.column] * right;
    }
    for (int r = 0; r < rows; r++) sums[r] = kept[r];
}

static inline LOFI_BODY void store(float *c, const lanes *sum, float alpha, bool add, int64_t width) {
    float values[WIDTH];
    lanes scaled = *sum * alpha;
    memcpy(values, &scaled, sizeof values);
    for (int64_t j = 0; j < width; j++) c[j] = add ? c[j] + values[j] : values[j];
}

/* All rows of C for `width` columns from one part of k. */
static inline LOFI_BODY void columns_body(const lofi_gemm *gemm, float *c, const float *b, int64_t first, int64_t depth,
                                          int64_t width, bool add) {
    left from = {gemm->a, gemm->transpose_a ? 1 : gemm->a_stride, gemm->transpose_a ? gemm->a_stride : 1};
    from.a += first * from.column;
    int64_t i = 0;
    for (; i + ROWS <= gemm->m; i += ROWS, from.a += ROWS * from.row) {
        lanes sums[ROWS] = {{0}};
        add_up(sums, ROWS, from, b, depth);
        for (int r = 0; r < ROWS; r++) store(c + (i + r) * gemm->c_stride, &sums[r], gemm->alpha, add, width);
    }
    for (; i < gemm->m; i++, from.a += from.row) {
        lanes sum[1] = {{0}};
        add_up(sum, 1, from, b, depth);
        store(c + i * gemm->c_stride, sum, gemm->alpha, add, width);
    }
}

static inline LOFI_BODY void product_body(const lofi_gemm *gemm, bool add) {
    float copied[DEPTH * WIDTH] __attribute__((aligned(64)));
    for (int64_t j = 0; j < gemm->n; j += WIDTH) {
        int64_t width = gemm->n - j < WIDTH ? gemm->n - j : WIDTH;
        for (int64_t l = 0; l < gemm->k; l += DEPTH) {
            int64_t depth = gemm->k - l < DEPTH ? gemm->k - l : DEPTH;
            const float *b = (const float *)gemm->b +
                             (gemm->transpose_b ? j * gemm->b_stride + l : l * gemm->b_stride + j);
            copy_b(copied, b, gemm->b_stride, gemm->transpose_b, depth, width);
            if (width == WIDTH)
                columns_body(gemm, gemm->c + j, copied, l, depth, WIDTH, add || l > 0);
            else
                columns_body(gemm, gemm->c + j, copied, l, depth, width, add || l > 0);
        }
    }
}
LOFI_VERSIONS(product, (const lofi_gemm *gemm, bool add), (gemm, add))

void lofi_small_gemm(const lofi_gemm *gemm, bool add) {
    product(gemm, add);
}
