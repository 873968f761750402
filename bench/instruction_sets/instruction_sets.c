/* instruction_sets.c - the loops that are compiled for several instruction sets, in each of those that this processor has, not only in
 * the one that it would choose: what machines without AVX-512, or without AVX2, can expect.
 *
 *     instruction_sets
 *
 * Prints nanoseconds of processor time for each number of the result, one thread, the best of several runs on 16,384 numbers that
 * are in the cache, and whether all instruction sets gave the same bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/random.h"
#include "kernels/vector.h"

/* Instead of what the processor has: what is being measured. */
static int level;
#undef LOFI_HAS_AVX512
#undef LOFI_HAS_AVX2
#define LOFI_HAS_AVX512() (level == 2)
#define LOFI_HAS_AVX2()   (level == 1)
#include "kernels/elementwise.c"
#include "kernels/softmax.c"

enum { COUNT = 16384, COLUMNS = 512, LEVELS = 3, RUNS = 60 };

static float x[2 * COUNT], dy[2 * COUNT], out[2 * COUNT], mask_of_keys[COLUMNS];

static void affine_loop(void) {
    lofi_affine_array(out, x, 2, 1, COUNT, 1);
}
static void square_root_loop(void) {
    lofi_square_root_array(out, x, COUNT, 1);
}
static void relu_loop(void) {
    lofi_relu_array(out, x, COUNT, 1);
}
static void silu_loop(void) {
    lofi_silu_array(out, x, COUNT, 1);
}
static void silu_gradient_loop(void) {
    lofi_silu_gradient_array(out, x, dy, COUNT, 1);
}
static void gelu_tanh_loop(void) {
    lofi_gelu_array(out, x, true, COUNT, 1);
}
static void gelu_erf_loop(void) {
    lofi_gelu_array(out, x, false, COUNT, 1);
}
static void gelu_erf_gradient_loop(void) {
    lofi_gelu_gradient_array(out, x, dy, false, COUNT, 1);
}
static void mish_loop(void) {
    lofi_mish_array(out, x, COUNT, 1);
}
static void exponential_loop(void) {
    lofi_exp_array(out, x, COUNT, 1);
}
static void gated_silu_loop(void) {
    lofi_gated_silu_rows(out, x, 1, COUNT, 1);
}
static void softmax_loop(void) {
    memcpy(out, x, sizeof out / 2);
    lofi_softmax_tile(out, COUNT / COLUMNS, COLUMNS, NULL, mask_of_keys);
}
static void softmax_gradient_loop(void) {
    memcpy(out, dy, sizeof out / 2);
    lofi_softmax_tile_backward(out, x, COUNT / COLUMNS, COLUMNS);
}

static const struct {
    const char *name;
    void (*run)(void);
} loops[] = {{"affine", affine_loop},
             {"square root", square_root_loop},
             {"relu", relu_loop},
             {"silu", silu_loop},
             {"silu, gradient", silu_gradient_loop},
             {"gelu, tanh form", gelu_tanh_loop},
             {"gelu, erf form", gelu_erf_loop},
             {"gelu, erf form, gradient", gelu_erf_gradient_loop},
             {"mish", mish_loop},
             {"exponential", exponential_loop},
             {"gated silu", gated_silu_loop},
             {"softmax, masked", softmax_loop},
             {"softmax, gradient", softmax_gradient_loop}};

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double best_of(void (*run)(void)) {
    double best = 1e9;
    for (int i = 0; i < RUNS; i++) {
        double start = seconds();
        for (int again = 0; again < 4; again++) run();
        double taken = (seconds() - start) / 4;
        if (taken < best) best = taken;
    }
    return best / COUNT * 1e9;
}

static bool has(int which) {
#if defined(__x86_64__)
    if (which == 2) return __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    if (which == 1) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return which == 0;
}

int main(void) {
    static const char *const names[LEVELS] = {"plain", "AVX2", "AVX-512"};
    static float first[COUNT];
    lofi_random random = lofi_random_at(1, LOFI_RANDOM_TEST, 0);
    lofi_random_fill_normal(&random, 0, x, 2 * COUNT);
    lofi_random_fill_normal(&random, 2 * COUNT, dy, 2 * COUNT);
    for (int i = 0; i < COLUMNS; i++) mask_of_keys[i] = i % 5 > 0;
    printf("ns a number%15s", "");
    for (level = 0; level < LEVELS; level++) printf(" %8s", has(level) ? names[level] : "");
    for (size_t i = 0; i < sizeof loops / sizeof *loops; i++) {
        bool same = true;
        printf("\n%-26s", loops[i].name);
        for (level = 0; level < LEVELS; level++) {
            if (!has(level)) continue;
            printf(" %8.2f", best_of(loops[i].run));
            if (level > 0) same = same && memcmp(first, out, sizeof first) == 0;
            memcpy(first, out, sizeof first);
        }
        printf("%s", same ? "" : "   bytes differ");
        fflush(stdout);
    }
    printf("\n");
    return 0;
}
