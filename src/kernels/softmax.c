/* softmax.c - softmax with the maximum subtracted, sixteen numbers at a time.
 *
 * exp(x) = 2^n exp(r) with n = round(x / ln 2), |r| <= ln 2 / 2: ln 2 is subtracted in two parts (Cody and Waite) and
 * exp(r) is its Taylor polynomial of degree 7, whose remainder is below 6e-9. Arguments are never positive here.
 *
 * The same body is compiled for the widths of vectors that processors have, and chosen at run time. It always adds in
 * sixteen lanes and never fuses, so that every processor gives the same bytes.
 */
#include "kernels/softmax.h"

#include <math.h>
#include <string.h>

enum { lanes = 16 };

typedef float vector __attribute__((vector_size(4 * lanes)));
typedef int32_t mask __attribute__((vector_size(4 * lanes)));
typedef uint32_t bits __attribute__((vector_size(4 * lanes)));

#define INLINE static inline __attribute__((always_inline))

/* The next up to sixteen numbers, `fill` where there are none. */
INLINE void load(vector *out, const float *from, int64_t count, float fill) {
    if (count >= lanes) {
        memcpy(out, from, sizeof *out);
        return;
    }
    float values[lanes];
    for (int lane = 0; lane < lanes; lane++) values[lane] = lane < count ? from[lane] : fill;
    memcpy(out, values, sizeof *out);
}

INLINE void store(float *to, const vector *in, int64_t count) {
    memcpy(to, in, (size_t)(count < lanes ? count : lanes) * sizeof *to);
}

/* where ? a : b, element by element; `where` is all ones or all zeros. */
INLINE void choose(vector *out, const mask *where, const vector *a, const vector *b) {
    *out = (vector)(((mask)*a & *where) | ((mask)*b & ~*where));
}

INLINE float sum_of(const vector *v) {
    float sums[lanes];
    memcpy(sums, v, sizeof sums);
    for (int width = lanes / 2; width > 0; width /= 2) {
        for (int lane = 0; lane < width; lane++) sums[lane] += sums[lane + width];
    }
    return sums[0];
}

INLINE void exp_of_negative(vector *x) {
    const vector zero = {0}, magic = zero + 12582912.0f; /* 1.5 * 2^23: leaves the rounded integer in the low bits */
    vector shifted = *x * 1.44269504f + magic;
    vector n = shifted - magic;
    vector r = (*x - n * 0.693359375f) + n * 2.12194440e-4f;
    vector p = r * (1.0f / 5040) + (1.0f / 720);
    p = p * r + (1.0f / 120);
    p = p * r + (1.0f / 24);
    p = p * r + (1.0f / 6);
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    vector result = p * (vector)(((bits)shifted << 23) + 0x3f800000u);
    mask tiny = *x < zero - 87.0f; /* the result would be less than 2e-38 */
    choose(x, &tiny, &zero, &result);
}

INLINE float largest_of(float *row, int64_t columns, const float *column_mask) {
    const vector zero = {0}, nothing = zero - INFINITY;
    vector largest = nothing, x, taken;
    for (int64_t j = 0; j < columns; j += lanes) {
        load(&x, row + j, columns - j, -INFINITY);
        if (column_mask) {
            load(&taken, column_mask + j, columns - j, 0.0f);
            mask out = taken == zero;
            choose(&x, &out, &nothing, &x);
            store(row + j, &x, columns - j);
        }
        mask larger = x > largest;
        choose(&largest, &larger, &x, &largest);
    }
    float maximum = -INFINITY;
    for (int lane = 0; lane < lanes; lane++) maximum = largest[lane] > maximum ? largest[lane] : maximum;
    return maximum;
}

INLINE void softmax_row(float *row, int64_t columns, const float *column_mask) {
    float maximum = largest_of(row, columns, column_mask);
    if (maximum == -INFINITY) {
        /* Nothing takes part; or every score is NaN or -infinity, and then the NaN is handed on. */
        for (int64_t j = 0; j < columns; j++) row[j] = row[j] == -INFINITY ? 0.0f : row[j];
        return;
    }
    vector sum = {0}, x;
    for (int64_t j = 0; j < columns; j += lanes) {
        load(&x, row + j, columns - j, -INFINITY);
        x -= maximum;
        exp_of_negative(&x);
        sum += x;
        store(row + j, &x, columns - j);
    }
    float factor = 1.0f / sum_of(&sum);
    for (int64_t j = 0; j < columns; j++) row[j] *= factor;
}

INLINE void forward(float *scores, int64_t rows, int64_t columns, const float *row_mask, const float *column_mask) {
    for (int64_t i = 0; i < rows; i++) {
        float *row = scores + i * columns;
        if (row_mask && row_mask[i] == 0.0f)
            memset(row, 0, (size_t)columns * sizeof *row);
        else
            softmax_row(row, columns, column_mask);
    }
}

INLINE void backward(float *dp, const float *p, int64_t rows, int64_t columns) {
    for (int64_t i = 0; i < rows; i++) {
        float *dp_row = dp + i * columns;
        const float *p_row = p + i * columns;
        vector sum = {0}, a, b;
        for (int64_t j = 0; j < columns; j += lanes) {
            load(&a, p_row + j, columns - j, 0.0f);
            load(&b, dp_row + j, columns - j, 0.0f);
            sum += a * b;
        }
        float dot = sum_of(&sum);
        for (int64_t j = 0; j < columns; j++) dp_row[j] = p_row[j] * (dp_row[j] - dot);
    }
}

static void forward_plain(float *scores, int64_t rows, int64_t columns, const float *row_mask,
                          const float *column_mask) {
    forward(scores, rows, columns, row_mask, column_mask);
}

static void backward_plain(float *dp, const float *p, int64_t rows, int64_t columns) {
    backward(dp, p, rows, columns);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void forward_256(float *scores, int64_t rows, int64_t columns,
                                                        const float *row_mask, const float *column_mask) {
    forward(scores, rows, columns, row_mask, column_mask);
}

__attribute__((target("avx2"))) static void backward_256(float *dp, const float *p, int64_t rows, int64_t columns) {
    backward(dp, p, rows, columns);
}

__attribute__((target("avx512f"))) static void forward_512(float *scores, int64_t rows, int64_t columns,
                                                           const float *row_mask, const float *column_mask) {
    forward(scores, rows, columns, row_mask, column_mask);
}

__attribute__((target("avx512f"))) static void backward_512(float *dp, const float *p, int64_t rows, int64_t columns) {
    backward(dp, p, rows, columns);
}

void lofi_softmax_tile(float *scores, int64_t rows, int64_t columns, const float *row_mask, const float *column_mask) {
    if (__builtin_cpu_supports("avx512f"))
        forward_512(scores, rows, columns, row_mask, column_mask);
    else if (__builtin_cpu_supports("avx2"))
        forward_256(scores, rows, columns, row_mask, column_mask);
    else
        forward_plain(scores, rows, columns, row_mask, column_mask);
}

void lofi_softmax_tile_backward(float *dp, const float *p, int64_t rows, int64_t columns) {
    if (__builtin_cpu_supports("avx512f"))
        backward_512(dp, p, rows, columns);
    else if (__builtin_cpu_supports("avx2"))
        backward_256(dp, p, rows, columns);
    else
        backward_plain(dp, p, rows, columns);
}
#else
void lofi_softmax_tile(float *scores, int64_t rows, int64_t columns, const float *row_mask, const float *column_mask) {
    forward_plain(scores, rows, columns, row_mask, column_mask);
}

void lofi_softmax_tile_backward(float *dp, const float *p, int64_t rows, int64_t columns) {
    backward_plain(dp, p, rows, columns);
}
#endif
