/* elementwise.c - see elementwise.h. Threads take pieces of PIECE elements; a piece is one vector loop. */
#include "kernels/elementwise.h"

#include <math.h>
#include <string.h>

#include "kernels/parallel.h"
#include "kernels/vector.h"

#define PIECE 16384

/* Runs `statement` for the pieces [first, first + length) of `count` elements. */
#define FOR_PIECES(count, threads, statement)                                                                          \
    do {                                                                                                               \
        int64_t pieces_ = ((count) + PIECE - 1) / PIECE;                                                               \
        LOFI_PARALLEL_FOR(lofi_team((count) > LOFI_TEAM_ELEMENTS, threads), piece_, pieces_, {                         \
            int64_t first = piece_ * PIECE;                                                                            \
            int64_t length = (count)-first < PIECE ? (count)-first : PIECE;                                            \
            statement;                                                                                                 \
        });                                                                                                            \
    } while (0)

/* Threads for `rows` rows of `width` elements: one where splitting costs more than it gives. */
static int team_for(int64_t rows, int64_t width, int threads) {
    return rows > 1 && rows * width > LOFI_TEAM_ELEMENTS ? threads : 1;
}

/* ---- affine, square, square root ---- */

static inline LOFI_BODY void affine_body(float *out, const float *x, float factor, float offset, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) out[i] = factor * x[i] + offset;
}
LOFI_VERSIONS(affine, (float *out, const float *x, float factor, float offset, int64_t count),
              (out, x, factor, offset, count))

void lofi_affine_array(float *out, const float *x, float factor, float offset, int64_t count, int threads) {
    FOR_PIECES(count, threads, affine(out + first, x + first, factor, offset, length));
}

static inline LOFI_BODY void square_body(float *out, const float *x, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) out[i] = x[i] * x[i];
}
LOFI_VERSIONS(square, (float *out, const float *x, int64_t count), (out, x, count))

void lofi_square_array(float *out, const float *x, int64_t count, int threads) {
    FOR_PIECES(count, threads, square(out + first, x + first, length));
}

static inline LOFI_BODY void square_root_body(float *out, const float *x, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) out[i] = sqrtf(x[i]);
}
LOFI_VERSIONS(square_root, (float *out, const float *x, int64_t count), (out, x, count))

void lofi_square_root_array(float *out, const float *x, int64_t count, int threads) {
    FOR_PIECES(count, threads, square_root(out + first, x + first, length));
}

/* ---- silu ---- */

/* s = 1 / (1 + e^-x) and 1 - s, which keeps its digits where s is nearly 1. */
typedef struct logistic {
    float s, rest;
} logistic;

static inline LOFI_BODY logistic logistic_of(float x) {
    float e = lofi_exp_f32(-x), s = 1.0f / (1.0f + e);
    return (logistic){s, e < 1e30f ? e * s : 1.0f};
}

static inline LOFI_BODY float silu_of(float x) {
    return x / (1.0f + lofi_exp_f32(-x));
}

static inline LOFI_BODY float silu_slope(float x) {
    logistic at = logistic_of(x);
    return at.s * (1.0f + x * at.rest);
}

static inline LOFI_BODY void silu_body(float *out, const float *x, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) out[i] = silu_of(x[i]);
}
LOFI_VERSIONS(silu, (float *out, const float *x, int64_t count), (out, x, count))

void lofi_silu_array(float *out, const float *x, int64_t count, int threads) {
    FOR_PIECES(count, threads, silu(out + first, x + first, length));
}

static inline LOFI_BODY void silu_gradient_body(float *dx, const float *x, const float *dy, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) dx[i] = dy[i] * silu_slope(x[i]);
}
LOFI_VERSIONS(silu_gradient, (float *dx, const float *x, const float *dy, int64_t count), (dx, x, dy, count))

void lofi_silu_gradient_array(float *dx, const float *x, const float *dy, int64_t count, int threads) {
    FOR_PIECES(count, threads, silu_gradient(dx + first, x + first, dy + first, length));
}

/* ---- relu ---- */

static inline LOFI_BODY void relu_body(float *out, const float *x, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) out[i] = x[i] < 0.0f ? 0.0f : x[i];
}
LOFI_VERSIONS(relu, (float *out, const float *x, int64_t count), (out, x, count))

void lofi_relu_array(float *out, const float *x, int64_t count, int threads) {
    FOR_PIECES(count, threads, relu(out + first, x + first, length));
}

static inline LOFI_BODY void relu_gradient_body(float *dx, const float *x, const float *dy, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) dx[i] = x[i] > 0.0f ? dy[i] : 0.0f;
}
LOFI_VERSIONS(relu_gradient, (float *dx, const float *x, const float *dy, int64_t count), (dx, x, dy, count))

void lofi_relu_gradient_array(float *dx, const float *x, const float *dy, int64_t count, int threads) {
    FOR_PIECES(count, threads, relu_gradient(dx + first, x + first, dy + first, length));
}

/* ---- mish: tanh(ln(1 + e^x)) is n / (n + 2) with n = e^x (e^x + 2), which loses nothing for negative x ---- */

static inline LOFI_BODY float mish_of(float x) {
    float e = lofi_exp_f32(x < 20.0f ? x : 20.0f), n = e * (e + 2.0f); /* from 20 on the quotient is 1 */
    return x * (n / (n + 2.0f));
}

static inline LOFI_BODY void mish_body(float *out, const float *x, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) out[i] = mish_of(x[i]);
}
LOFI_VERSIONS(mish, (float *out, const float *x, int64_t count), (out, x, count))

void lofi_mish_array(float *out, const float *x, int64_t count, int threads) {
    FOR_PIECES(count, threads, mish(out + first, x + first, length));
}

/* ---- gelu: (1 + tanh(u)) / 2 is 1 / (1 + e^-2u), which loses nothing for negative u ---- */

#define TWICE_ROOT_2_OVER_PI 1.5957691216057308f
#define CUBIC                0.044715f

static inline LOFI_BODY void gelu_tanh_body(float *out, const float *x, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        float v = x[i];
        out[i] = v / (1.0f + lofi_exp_f32(-TWICE_ROOT_2_OVER_PI * (v + CUBIC * v * v * v)));
    }
}
LOFI_VERSIONS(gelu_tanh, (float *out, const float *x, int64_t count), (out, x, count))

static inline LOFI_BODY float normal_below(float x, lofi_normal_tail tail) {
    float beyond = tail.factor * tail.share;
    return x < 0.0f ? beyond : 1.0f - beyond;
}

static inline LOFI_BODY void gelu_erf_body(float *out, const float *x, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) out[i] = x[i] * normal_below(x[i], lofi_normal_tail_at(x[i]));
}
LOFI_VERSIONS(gelu_erf, (float *out, const float *x, int64_t count), (out, x, count))

void lofi_gelu_array(float *out, const float *x, bool tanh_form, int64_t count, int threads) {
    if (tanh_form)
        FOR_PIECES(count, threads, gelu_tanh(out + first, x + first, length));
    else
        FOR_PIECES(count, threads, gelu_erf(out + first, x + first, length));
}

static inline LOFI_BODY void gelu_tanh_gradient_body(float *dx, const float *x, const float *dy, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        float v = x[i];
        logistic at = logistic_of(TWICE_ROOT_2_OVER_PI * (v + CUBIC * v * v * v));
        float slope = TWICE_ROOT_2_OVER_PI * (1.0f + 3.0f * CUBIC * v * v);
        float bend = at.s * at.rest;
        dx[i] = dy[i] * (at.s + (bend > 0.0f ? v * bend * slope : 0.0f)); /* not 0 * infinity where s has run out */
    }
}
LOFI_VERSIONS(gelu_tanh_gradient, (float *dx, const float *x, const float *dy, int64_t count), (dx, x, dy, count))

#define DENSITY_AT_0 0.39894228040143268f

static inline LOFI_BODY void gelu_erf_gradient_body(float *dx, const float *x, const float *dy, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        lofi_normal_tail tail = lofi_normal_tail_at(x[i]);
        float bend = tail.factor > 0.0f ? x[i] * tail.factor * DENSITY_AT_0 : 0.0f; /* not infinity times 0 */
        dx[i] = dy[i] * (x[i] == x[i] ? normal_below(x[i], tail) + bend : x[i]);
    }
}
LOFI_VERSIONS(gelu_erf_gradient, (float *dx, const float *x, const float *dy, int64_t count), (dx, x, dy, count))

void lofi_gelu_gradient_array(float *dx, const float *x, const float *dy, bool tanh_form, int64_t count, int threads) {
    if (tanh_form)
        FOR_PIECES(count, threads, gelu_tanh_gradient(dx + first, x + first, dy + first, length));
    else
        FOR_PIECES(count, threads, gelu_erf_gradient(dx + first, x + first, dy + first, length));
}

/* ---- tanh, exp ---- */

static void tangent(float *out, const float *x, int64_t count) {
    for (int64_t i = 0; i < count; i++) out[i] = tanhf(x[i]);
}

void lofi_tanh_array(float *out, const float *x, int64_t count, int threads) {
    FOR_PIECES(count, threads, tangent(out + first, x + first, length));
}

static inline LOFI_BODY void exponential_body(float *out, const float *x, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) out[i] = lofi_exp_f32(x[i]);
}
LOFI_VERSIONS(exponential, (float *out, const float *x, int64_t count), (out, x, count))

void lofi_exp_array(float *out, const float *x, int64_t count, int threads) {
    FOR_PIECES(count, threads, exponential(out + first, x + first, length));
}

/* ---- gated silu ---- */

static inline LOFI_BODY void gated_row_body(float *out, const float *x, int64_t width) {
#pragma omp simd
    for (int64_t i = 0; i < width; i++) out[i] = x[i] * silu_of(x[width + i]);
}
LOFI_VERSIONS(gated_row, (float *out, const float *x, int64_t width), (out, x, width))

void lofi_gated_silu_rows(float *out, const float *x, int64_t rows, int64_t width, int threads) {
    int team = team_for(rows, width, threads);
    LOFI_PARALLEL_FOR(team, row, rows, { gated_row(out + row * width, x + row * 2 * width, width); });
}

static inline LOFI_BODY void gated_gradient_row_body(float *dx, const float *x, const float *dy, int64_t width) {
#pragma omp simd
    for (int64_t i = 0; i < width; i++) {
        float gate = x[width + i], value = x[i];
        logistic at = logistic_of(gate);
        dx[i] = dy[i] * gate * at.s;
        dx[width + i] = dy[i] * value * (at.s * (1.0f + gate * at.rest));
    }
}
LOFI_VERSIONS(gated_gradient_row, (float *dx, const float *x, const float *dy, int64_t width), (dx, x, dy, width))

void lofi_gated_silu_gradient_rows(float *dx, const float *x, const float *dy, int64_t rows, int64_t width,
                                   int threads) {
    int team = team_for(rows, width, threads);
    LOFI_PARALLEL_FOR(team, row, rows,
                      { gated_gradient_row(dx + row * 2 * width, x + row * 2 * width, dy + row * width, width); });
}

void lofi_copy_bytes(void *out, const void *in, size_t bytes, int threads) {
    if (out == in) return;
    FOR_PIECES((int64_t)bytes, threads, memcpy((char *)out + first, (const char *)in + first, (size_t)length));
}
