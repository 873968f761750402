/* test_kernels.c - what the operator harness does not see: the exponential against double, every 16-bit number, tiles of
 * products against each other, pooling of what is no number, permutations of bytes, and that products allocate nothing once they are warm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "allocations.h"
#include "base/half.h"
#include "base/random.h"
#include "kernels/conv2d.h"
#include "kernels/convert.h"
#include "kernels/elementwise.h"
#include "kernels/gemm.h"
#include "kernels/norm.h"
#include "kernels/permute.h"
#include "kernels/pool.h"

static float *random_floats(int64_t count, uint64_t stream) {
    float *values = malloc((size_t)(count + 1) * sizeof *values);
    if (!values) abort();
    lofi_random random = lofi_random_at(4, LOFI_RANDOM_TEST, stream);
    lofi_random_fill_normal(&random, 0, values, (size_t)count);
    return values;
}

/* ---- exponential ---- */

static double ulps(float got, double exact) {
    float nearest = (float)exact;
    double unit = (double)nextafterf(nearest, INFINITY) - (double)nearest;
    return fabs((double)got - exact) / unit;
}

static void test_exponential(void **state) {
    (void)state;
    enum { COUNT = 1 << 19 };
    float *x = malloc(COUNT * sizeof *x), *y = malloc(COUNT * sizeof *y);
    if (!x || !y) abort();
    double worst = 0;
    for (int i = 0; i < COUNT; i++) x[i] = -87.3f + 176.0f * (float)i / COUNT;
    lofi_exp_array(y, x, COUNT, 1);
    for (int i = 0; i < COUNT; i++) worst = fmax(worst, ulps(y[i], exp((double)x[i])));
    if (worst > 1.5) fail_msg("%g units in the last place", worst);
    const float special[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 88.73f, 1000.0f, -104.0f, -1000.0f, 0x1p-30f};
    const float expected[] = {NAN, INFINITY, 0, 1, 1, INFINITY, INFINITY, 0, 0, 1};
    float got[10];
    lofi_exp_array(got, special, 10, 1);
    for (int i = 0; i < 10; i++)
        if (!(got[i] == expected[i] || (isnan(got[i]) && isnan(expected[i]))))
            fail_msg("e^%g is %g", (double)special[i], (double)got[i]);
    for (float v = -103.9f; v < -87.3f; v += 0.01f) {
        lofi_exp_array(got, &v, 1, 1);
        if (fabs((double)got[0] - exp((double)v)) > 0x1p-148) fail_msg("e^%g is %g", (double)v, (double)got[0]);
    }
    free(x);
    free(y);
}

/* x Phi(x) and its slope against double, far into the tails. */
static void test_gelu(void **state) {
    (void)state;
    enum { COUNT = 1 << 18 };
    float *x = malloc(COUNT * sizeof *x), *y = malloc(COUNT * sizeof *y), *ones = malloc(COUNT * sizeof *ones);
    if (!x || !y || !ones) abort();
    for (int i = 0; i < COUNT; i++) x[i] = -12.5f + 25.0f * (float)i / COUNT, ones[i] = 1;
    lofi_gelu_array(y, x, false, COUNT, 1);
    for (int i = 0; i < COUNT; i++) {
        double exact = (double)x[i] * 0.5 * erfc(-(double)x[i] / sqrt(2));
        if (fabs((double)y[i] - exact) > 6e-7 * fabs(exact)) fail_msg("gelu(%g) is %g", (double)x[i], (double)y[i]);
    }
    lofi_gelu_gradient_array(y, x, ones, false, COUNT, 1);
    for (int i = 0; i < COUNT; i++) {
        double v = (double)x[i], below = 0.5 * erfc(-v / sqrt(2)), bend = v * exp(-0.5 * v * v) / sqrt(2 * acos(-1));
        if (fabs((double)y[i] - below - bend) > 6e-7 * (below + fabs(bend)))
            fail_msg("the slope of gelu at %g is %g", v, (double)y[i]);
    }
    free(x), free(y), free(ones);
}

static void test_not_numbers_stay(void **state) {
    (void)state;
    const float x[] = {NAN, INFINITY, -INFINITY}, dy[] = {1, 1, 1};
    float out[3];
    lofi_silu_array(out, x, 3, 1);
    assert_true(isnan(out[0]) && out[1] == INFINITY);
    lofi_relu_array(out, x, 3, 1);
    assert_true(isnan(out[0]) && out[1] == INFINITY && out[2] == 0);
    lofi_gelu_array(out, x, true, 3, 1);
    assert_true(isnan(out[0]) && out[1] == INFINITY);
    lofi_silu_gradient_array(out, x, dy, 3, 1);
    assert_true(isnan(out[0]));
    const float far[] = {-90, -200, 90, 200};
    float slope[4];
    const float ones[] = {1, 1, 1, 1};
    lofi_silu_gradient_array(slope, far, ones, 4, 1);
    assert_true(fabsf(slope[0]) < 1e-30f && slope[1] == 0 && slope[2] == 1 && slope[3] == 1);
    lofi_gelu_gradient_array(slope, far, ones, true, 4, 1);
    assert_true(slope[0] == 0 && slope[1] == 0 && slope[2] == 1 && slope[3] == 1);
}

/* ---- conversion ---- */

static void test_conversion(void **state) {
    (void)state;
    enum { COUNT = 65536 };
    uint16_t *half = malloc(COUNT * sizeof *half);
    float *got = malloc(COUNT * sizeof *got);
    if (!half || !got) abort();
    for (int i = 0; i < COUNT; i++) half[i] = (uint16_t)i;
    for (int type = 0; type < 2; type++) {
        lofi_convert_to_f32(got, half, type ? LOFI_F16 : LOFI_BF16, COUNT);
        for (int i = 0; i < COUNT; i++) {
            float expected = type ? lofi_f32_from_f16(half[i]) : lofi_f32_from_bf16(half[i]);
            if (memcmp(&expected, &got[i], sizeof expected) != 0)
                fail_msg("%s number %#x", type ? "f16" : "bf16", (unsigned)i);
        }
    }
    free(half);
    free(got);
}

/* ---- products ---- */

/* Strides larger than the matrices, for all transpositions; nothing outside C is touched. */
static void test_strides(void **state) {
    (void)state;
    enum { M = 19, N = 23, K = 31, PAD = 5 };
    float *a = random_floats(64 * 64, 1), *b = random_floats(64 * 64, 2), *c = random_floats(64 * 64, 3),
          *kept = random_floats(64 * 64, 3);
    for (int form = 0; form < 16; form++) {
        bool ta = form & 1, tb = form & 2, add = form & 4, bias = (form & 8) && !add;
        memcpy(c, kept, 64 * 64 * sizeof *c);
        lofi_gemm gemm = {.m = M,
                          .n = N,
                          .k = K,
                          .a = a,
                          .a_stride = (ta ? M : K) + PAD,
                          .transpose_a = ta,
                          .b = b,
                          .b_type = LOFI_F32,
                          .b_stride = (tb ? K : N) + PAD,
                          .transpose_b = tb,
                          .c = c,
                          .c_stride = N + PAD,
                          .alpha = 0.5f,
                          .addend = add    ? c
                                    : bias ? a
                                           : NULL,
                          .addend_row = add ? N + PAD : 0,
                          .addend_column = 1};
        lofi_gemm_run(&gemm, 2);
        for (int i = 0; i < M; i++)
            for (int j = 0; j < N + PAD; j++) {
                double sum = 0;
                int at = i * (N + PAD) + j;
                for (int l = 0; l < K; l++)
                    sum += (double)a[ta ? l * gemm.a_stride + i : i * gemm.a_stride + l] *
                           (double)b[tb ? j * gemm.b_stride + l : l * gemm.b_stride + j];
                double want = 0.5 * sum + (add ? (double)kept[at] : bias ? (double)a[j] : 0);
                if (j >= N) want = (double)kept[at];
                if (fabs((double)c[at] - want) > 1e-5)
                    fail_msg("form %d, row %d, column %d: %g, expected %g", form, i, j, (double)c[at], want);
            }
    }
    free(a), free(b), free(c), free(kept);
}

static void test_inner_dimension_of_zero(void **state) {
    (void)state;
    float c[6] = {NAN, NAN, NAN, NAN, NAN, NAN};
    const float bias[] = {1, 2, 3};
    lofi_gemm gemm = {.m = 2,
                      .n = 3,
                      .k = 0,
                      .a = c,
                      .a_stride = 1,
                      .b = c,
                      .b_type = LOFI_F32,
                      .b_stride = 3,
                      .c = c,
                      .c_stride = 3,
                      .alpha = 1};
    lofi_gemm_run(&gemm, 1);
    for (int i = 0; i < 6; i++) assert_true(c[i] == 0);
    gemm.addend = bias, gemm.addend_column = 1;
    lofi_gemm_run(&gemm, 1);
    for (int i = 0; i < 6; i++) assert_true(c[i] == bias[i % 3]);
}

/* However many tiles a product is cut into. */
static void test_threads_give_the_same_bytes(void **state) {
    (void)state;
    enum { M = 700, N = 1100, K = 800 };
    float *a = random_floats(M * K, 1), *b = random_floats(N * K, 2), *first = random_floats(M * N, 3),
          *other = random_floats(M * N, 4);
    uint16_t *half = malloc(N * K * sizeof *half);
    if (!half) abort();
    lofi_bf16_from_f32_array(half, b, N * K);
    for (int type = 0; type < 2; type++) {
        lofi_gemm gemm = {.m = M,
                          .n = N,
                          .k = K,
                          .a = a,
                          .a_stride = K,
                          .b = type ? (void *)half : (void *)b,
                          .b_type = type ? LOFI_BF16 : LOFI_F32,
                          .b_stride = K,
                          .transpose_b = true,
                          .c_stride = N,
                          .alpha = 1};
        for (int threads = 1; threads <= 9; threads += 2) {
            gemm.c = threads == 1 ? first : other;
            lofi_gemm_run(&gemm, threads);
            if (threads > 1) assert_memory_equal(first, other, M * N * sizeof *first);
        }
    }
    free(a), free(b), free(first), free(other), free(half);
}

static void test_batches(void **state) {
    (void)state;
    enum { COUNT = 5, M = 6, N = 7, K = 8 };
    float *a = random_floats(COUNT * M * K, 1), *b = random_floats(COUNT * N * K, 2), c[COUNT * M * N], single[M * N];
    lofi_gemm gemm = {.m = M,
                      .n = N,
                      .k = K,
                      .a = a,
                      .a_stride = K,
                      .b = b,
                      .b_type = LOFI_F32,
                      .b_stride = N,
                      .c = c,
                      .c_stride = N,
                      .alpha = 1};
    for (int shared = 0; shared < 2; shared++) {
        lofi_gemm_run_batch(&gemm, (lofi_gemm_batch){COUNT, M * K, shared ? 0 : K * N, M * N, 0}, 2);
        for (int i = 0; i < COUNT; i++) {
            lofi_gemm one = gemm;
            one.a = a + i * M * K, one.b = b + (shared ? 0 : i * K * N), one.c = single;
            lofi_gemm_run(&one, 1);
            assert_memory_equal(single, c + i * M * N, sizeof single);
        }
    }
    free(a), free(b);
}

/* ---- pooling, normalising, permuting ---- */

/* A NaN anywhere in a cell makes the cell one, and no other. */
static void test_not_numbers_in_cells(void **state) {
    (void)state;
    enum { WIDTH = 93, CELLS = WIDTH / 2 };
    float *x = random_floats(2 * WIDTH, 5), got[CELLS], expected[CELLS];
    lofi_max_pool_run(expected, x, 1, 2, WIDTH, 2, 1);
    for (int at = 0; at < 2 * WIDTH; at++) {
        float before = x[at];
        int cell = at % WIDTH / 2;
        x[at] = NAN;
        lofi_max_pool_run(got, x, 1, 2, WIDTH, 2, 1);
        for (int i = 0; i < CELLS; i++) assert_true(i == cell ? isnan(got[i]) : got[i] == expected[i]);
        x[at] = before;
    }
    free(x);
}

/* The statistics of a channel whose numbers lie far from zero, and a NaN that stays in its group. */
static void test_group_norm_far_from_zero(void **state) {
    (void)state;
    enum { LENGTH = 1001, CHANNELS = 131 };
    float *x = random_floats(LENGTH * CHANNELS, 6), *out = malloc(LENGTH * CHANNELS * sizeof *out);
    void *workspace = malloc(lofi_group_norm_workspace(1, LENGTH, CHANNELS));
    if (!out || !workspace) abort();
    for (int i = 0; i < LENGTH * CHANNELS; i++) x[i] += 50.0f * (float)(i % CHANNELS);
    x[500 * CHANNELS + 7] = NAN;
    lofi_group_norm_run(out, x, NULL, NULL, CHANNELS, 1e-5f, 1, LENGTH, CHANNELS, workspace, 2);
    for (int c = 0; c < CHANNELS; c++) {
        double mean = 0, variance = 0;
        for (int i = 0; i < LENGTH; i++) mean += (double)x[i * CHANNELS + c] / LENGTH;
        for (int i = 0; i < LENGTH; i++) variance += pow((double)x[i * CHANNELS + c] - mean, 2) / LENGTH;
        for (int i = 0; i < LENGTH; i++) {
            double z = ((double)x[i * CHANNELS + c] - mean) / sqrt(variance + 1e-5),
                   got = (double)out[i * CHANNELS + c];
            assert_true(c == 7 ? isnan(got) : fabs(got - z) < 1e-6);
        }
    }
    free(x), free(out), free(workspace);
}

/* Elements of every size; at an odd address, too, where pairs are no larger elements. */
static void test_permutations_of_bytes(void **state) {
    (void)state;
    enum { HEIGHT = 37, WIDTH = 45, BYTES = HEIGHT * WIDTH * 16 };
    static uint64_t in[BYTES / 8 + 1], out[BYTES / 8 + 1];
    for (int i = 0; i < BYTES; i++) ((uint8_t *)in)[i] = (uint8_t)(i * 37 ^ i >> 7);
    for (int element = 1; element <= 8; element *= 2)
        for (int run = 1; run <= 2; run++)
            for (int shift = 0; shift < 8; shift += element) {
                const uint8_t *from = (const uint8_t *)in + shift;
                uint8_t *to = (uint8_t *)out + shift;
                int bytes = element * run;
                lofi_permute_axes(3, (int64_t[]){HEIGHT, WIDTH, run}, (int32_t[]){1, 0, 2}, (size_t)element, from, to,
                                  1);
                for (int i = 0; i < WIDTH; i++)
                    for (int j = 0; j < HEIGHT; j++)
                        assert_memory_equal(to + (i * HEIGHT + j) * bytes, from + (j * WIDTH + i) * bytes,
                                            (size_t)bytes);
            }
}

/* ---- nothing is allocated once warm ---- */

static void products_and_convolution(float *a, float *b, uint16_t *half, float *c, void *workspace) {
    lofi_gemm gemm = {.m = 400,
                      .n = 600,
                      .k = 64,
                      .a = a,
                      .a_stride = 64,
                      .b = b,
                      .b_type = LOFI_F32,
                      .b_stride = 64,
                      .transpose_b = true,
                      .c = c,
                      .c_stride = 600,
                      .alpha = 1};
    lofi_gemm_run(&gemm, 2);
    gemm.b = half, gemm.b_type = LOFI_BF16;
    lofi_gemm_run(&gemm, 2);
    gemm.m = 1;
    lofi_gemm_run(&gemm, 2);
    gemm = (lofi_gemm){.m = 64,
                       .n = 30,
                       .k = 400,
                       .a = a,
                       .a_stride = 64,
                       .transpose_a = true,
                       .b = b,
                       .b_type = LOFI_F32,
                       .b_stride = 30,
                       .c = c,
                       .c_stride = 30,
                       .alpha = 1,
                       .addend = c,
                       .addend_row = 30,
                       .addend_column = 1};
    lofi_gemm_run(&gemm, 2);
    lofi_conv2d_sizes sizes = {1, 8, 20, 30, 16, 20, 30, 3, 3, 1, 1, 1, 1, 1, 1, 1};
    lofi_conv2d_run(&sizes, c, a, b, LOFI_F32, NULL, workspace, 2);
    lofi_silu_array(c, a, 400 * 64, 2);
}

static void test_no_allocation(void **state) {
    (void)state;
    if (!allocations_are_counted()) skip(); /* a sanitizer has taken the place of the allocator */
    float *a = random_floats(400 * 64, 1), *b = random_floats(600 * 64, 2), *c = random_floats(400 * 600, 3);
    uint16_t *half = malloc(600 * 64 * sizeof *half);
    void *workspace = malloc((size_t)8 << 20);
    if (!half || !workspace) abort();
    lofi_bf16_from_f32_array(half, b, 600 * 64);
    long before = allocations_so_far();
    void *volatile probe = malloc(100);
    free(probe);
    assert_true(allocations_so_far() > before); /* counting works */
    products_and_convolution(a, b, half, c, workspace);
    before = allocations_so_far();
    for (int i = 0; i < 100; i++) products_and_convolution(a, b, half, c, workspace);
    assert_int_equal(allocations_so_far() - before, 0);
    free(a), free(b), free(c), free(half), free(workspace);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exponential),
        cmocka_unit_test(test_gelu),
        cmocka_unit_test(test_not_numbers_stay),
        cmocka_unit_test(test_conversion),
        cmocka_unit_test(test_strides),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_inner_dimension_of_zero),
        cmocka_unit_test(test_no_allocation),
        cmocka_unit_test(test_threads_give_the_same_bytes),
        cmocka_unit_test(test_not_numbers_in_cells),
        cmocka_unit_test(test_group_norm_far_from_zero),
        cmocka_unit_test(test_permutations_of_bytes),
    };
    return cmocka_run_group_tests_name("kernels", tests, NULL, NULL);
}
