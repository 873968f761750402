/* softmax.c - softmax with the maximum subtracted; the exponential is our own so that the compiler can vectorise it.
 *
 * exp(x) = 2^n exp(r) with n = round(x / ln 2), |r| <= ln 2 / 2: ln 2 is subtracted in two parts (Cody and Waite) and
 * exp(r) is its Taylor polynomial of degree 7, whose remainder is below 6e-9. Arguments are never positive here.
 */
#include "kernels/softmax.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

enum { lanes = 16 };

static const float round_magic = 12582912.0f;  /* 1.5 * 2^23: adding it leaves the rounded integer in the low bits */
static const float smallest_argument = -87.0f; /* below, the result is 0: it would be less than 2e-38 */

static inline float bits_to_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t float_to_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float exp_of_negative(float x) {
    float shifted = x * 1.44269504f + round_magic;
    float n = shifted - round_magic;
    float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    float result = p * bits_to_float((float_to_bits(shifted) << 23) + 0x3f800000u);
    return x < smallest_argument ? 0.0f : result;
}

static float maximum_of(const float *row, int64_t columns) {
    float lane[lanes];
    for (int l = 0; l < lanes; l++) lane[l] = -INFINITY;
    int64_t j = 0;
    for (; j + lanes <= columns; j += lanes) {
        for (int l = 0; l < lanes; l++) lane[l] = row[j + l] > lane[l] ? row[j + l] : lane[l];
    }
    float maximum = -INFINITY;
    for (; j < columns; j++) maximum = row[j] > maximum ? row[j] : maximum;
    for (int l = 0; l < lanes; l++) maximum = lane[l] > maximum ? lane[l] : maximum;
    return maximum;
}

static void softmax_row(float *row, int64_t columns, const float *column_mask) {
    if (column_mask) {
        for (int64_t j = 0; j < columns; j++) row[j] = column_mask[j] != 0.0f ? row[j] : -INFINITY;
    }
    float maximum = maximum_of(row, columns);
    if (maximum == -INFINITY) {
        /* Nothing takes part; or every score is NaN or -infinity, and then the NaN is handed on. */
        for (int64_t j = 0; j < columns; j++) row[j] = row[j] == -INFINITY ? 0.0f : row[j];
        return;
    }
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (int64_t j = 0; j < columns; j++) {
        float e = exp_of_negative(row[j] - maximum);
        row[j] = e;
        sum += e;
    }
    float factor = 1.0f / sum;
#pragma omp simd
    for (int64_t j = 0; j < columns; j++) row[j] *= factor;
}

void lofi_softmax_tile(float *scores, int64_t rows, int64_t columns, const float *row_mask, const float *column_mask) {
    for (int64_t i = 0; i < rows; i++) {
        float *row = scores + i * columns;
        if (row_mask && row_mask[i] == 0.0f) {
            memset(row, 0, (size_t)columns * sizeof *row);
        } else {
            softmax_row(row, columns, column_mask);
        }
    }
}

void lofi_softmax_tile_backward(float *dp, const float *p, int64_t rows, int64_t columns) {
    for (int64_t i = 0; i < rows; i++) {
        float *dp_row = dp + i * columns;
        const float *p_row = p + i * columns;
        float dot = 0.0f;
#pragma omp simd reduction(+ : dot)
        for (int64_t j = 0; j < columns; j++) dot += p_row[j] * dp_row[j];
#pragma omp simd
        for (int64_t j = 0; j < columns; j++) dp_row[j] = p_row[j] * (dp_row[j] - dot);
    }
}
