/* test_gemm_variants.c - products in every instruction set that this processor has, not only in the one it would choose: all
 * of gemm_tile.c is compiled into this program. Against double, for every layout and type, sizes around the edges of strips,
 * panels and blocks, and NaN and infinity in 16 bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "base/half.h"
#include "base/random.h"
#include "kernels/gemm_tile.c"

enum { MOST = 800 };

typedef struct factor {
    float *values; /* as multiplied: [outer, inner] */
    void *stored;  /* in its type and layout */
    lofi_dtype type;
    int64_t stride;
    bool turned; /* stored [inner, outer] */
} factor;

static factor make_factor(int64_t outer, int64_t inner, lofi_dtype type, bool turned, uint64_t stream) {
    factor f = {.type = type, .turned = turned, .stride = (turned ? outer : inner) + 3};
    size_t count = (size_t)(outer * inner);
    f.values = malloc((count + 1) * sizeof *f.values);
    f.stored = calloc((size_t)((turned ? inner : outer) * f.stride + 1), lofi_dtype_bytes(type));
    if (!f.values || !f.stored) abort();
    lofi_random random = lofi_random_at(9, LOFI_RANDOM_TEST, stream);
    lofi_random_fill_normal(&random, 0, f.values, count);
    for (int64_t i = 0; i < outer; i++)
        for (int64_t l = 0; l < inner; l++) {
            float *value = &f.values[i * inner + l];
            int64_t at = turned ? l * f.stride + i : i * f.stride + l;
            uint16_t *half = (uint16_t *)f.stored + at;
            if (type == LOFI_F32)
                ((float *)f.stored)[at] = *value;
            else if (type == LOFI_BF16)
                *half = lofi_bf16_from_f32(*value), *value = lofi_f32_from_bf16(*half);
            else
                *half = lofi_f16_from_f32(*value), *value = lofi_f32_from_f16(*half);
        }
    return f;
}

static void free_factor(factor f) {
    free(f.values);
    free(f.stored);
}

static void expect_product(const lofi_gemm *g, const factor *a, const factor *b, const char *name) {
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < g->n; j++) {
            double sum = 0, scale = 1;
            for (int64_t l = 0; l < g->k; l++) {
                double term = (double)a->values[i * g->k + l] * (double)b->values[j * g->k + l];
                sum += term, scale += fabs(term);
            }
            double want = (double)g->alpha * sum;
            if (g->addend) want += (double)g->addend[i * g->addend_row + j * g->addend_column];
            double got = (double)g->c[i * g->c_stride + j];
            if (!(fabs(got - want) <= 2e-6 * scale))
                fail_msg("%s, %lld x %lld x %lld, row %lld, column %lld: %g, expected %g", name, (long long)g->m,
                         (long long)g->n, (long long)g->k, (long long)i, (long long)j, got, want);
        }
}

static void check(const variant *which, const char *name, int64_t m, int64_t n, int64_t k, int form) {
    static const lofi_dtype types[] = {LOFI_F32, LOFI_BF16, LOFI_F16};
    factor a = make_factor(m, k, types[form % 3], form & 1, 1), b = make_factor(n, k, types[form / 3 % 3], form & 2, 2);
    float *c = calloc((size_t)(m * (n + 2)), sizeof *c), *addend = malloc((size_t)(m + n) * sizeof *addend);
    if (!c || !addend) abort();
    for (int64_t i = 0; i < m + n; i++) addend[i] = (float)i / 7;
    lofi_gemm g = {.m = m, .n = n, .k = k, .alpha = 0.5f, .c = c, .c_stride = n + 2};
    g.a = a.stored, g.a_type = a.type, g.a_stride = a.stride, g.transpose_a = a.turned;
    g.b = b.stored, g.b_type = b.type, g.b_stride = b.stride, g.transpose_b = !b.turned;
    if (form % 4) g.addend = addend, g.addend_row = form % 4 == 1, g.addend_column = form % 4 == 2;
    which->tile(&g);
    expect_product(&g, &a, &b, name);
    for (int64_t i = 0; i < m; i++) assert_true(c[i * (n + 2) + n] == 0 && c[i * (n + 2) + n + 1] == 0);
    if (m == 1) {
        which->row(&g);
        expect_product(&g, &a, &b, name);
    }
    free_factor(a), free_factor(b), free(c), free(addend);
}

static void check_sizes(const variant *which, const char *name) {
    static const int64_t m[] = {1, 2, 5, 13, 14, 15, 29, 97}, n[] = {1, 7, 8, 16, 31, 33, 70, 300},
                         k[] = {1, 7, 9, 64, 383, 385};
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++)
            for (int l = 0; l < 6; l++) check(which, name, m[i], n[j], k[l], i + 3 * j + 5 * l);
    check(which, name, MOST, 70, 400, 2); /* more rows than a block has */
}

static void test_plain(void **state) {
    (void)state;
    check_sizes(&plain, "plain");
}

static void test_avx2(void **state) {
    (void)state;
#if defined(__x86_64__)
    if (LOFI_HAS_AVX2()) {
        check_sizes(&avx2, "AVX2");
        return;
    }
#endif
    skip();
}

static void test_avx512(void **state) {
    (void)state;
#if defined(__x86_64__)
    if (LOFI_HAS_AVX512()) {
        check_sizes(&avx512, "AVX-512");
        return;
    }
#endif
    skip();
}

/* Every number of 16 bits, times one, in every instruction set. */
static void test_halves(void **state) {
    (void)state;
    const variant *all[] = {&plain, chosen()};
    uint16_t *half = malloc(65536 * sizeof *half);
    float *c = malloc(65536 * sizeof *c), one = 1;
    if (!half || !c) abort();
    for (int i = 0; i < 65536; i++) half[i] = (uint16_t)i;
    for (int i = 0; i < 4; i++) {
        lofi_dtype type = i & 1 ? LOFI_F16 : LOFI_BF16;
        lofi_gemm g = {.m = 1, .n = 65536, .k = 1, .a = &one, .a_stride = 1, .b = half, .b_type = type};
        g.b_stride = 65536, g.c = c, g.c_stride = 65536, g.alpha = 1;
        all[i / 2]->tile(&g);
        for (int j = 0; j < 65536; j++) {
            float want = i & 1 ? lofi_f32_from_f16(half[j]) : lofi_f32_from_bf16(half[j]);
            if (c[j] != want && !(isnan(c[j]) && isnan(want))) fail_msg("number %#x of type %d", (unsigned)j, type);
        }
    }
    free(half), free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_plain), cmocka_unit_test(test_avx2),
                                       cmocka_unit_test(test_avx512), cmocka_unit_test(test_halves)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
