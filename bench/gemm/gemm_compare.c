/* gemm_compare.c - matrix products of the real shapes: OpenBLAS with its own threads, oneDNN, and kernels/gemm.
 *
 *     gemm_compare [THREADS]
 *
 * Prints a table in GFLOP/s, the best of several runs each; with one thread by processor time, so that a busy machine
 * matters little, else by the clock. The shapes are those of a transformer of width 2560 on 60 s
 * of music (646 tokens), its LoRA factors, one head of attention, and the small test model. See docs/performance.md.
 */
#include <cblas.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/half.h"
#include "base/random.h"
#include "base/threads.h"
#include "kernels/gemm.h"

extern void omp_set_num_threads(int count);
extern void openblas_set_num_threads(int count);
extern char *openblas_get_corename(void);

typedef struct shape {
    const char *what;
    int m, n, k;
    bool transpose_a, transpose_b;
} shape;

static const shape shapes[] = {
    {"attention projection", 646, 2560, 2560, false, true},
    {"its input's gradient", 646, 2560, 2560, false, false},
    {"feed-forward in", 646, 12800, 2560, false, true},
    {"feed-forward out", 646, 2560, 6400, false, true},
    {"feed-forward out, gradient", 646, 6400, 2560, false, false},
    {"LoRA down, rank 64", 646, 64, 2560, false, true},
    {"LoRA up, rank 64", 646, 2560, 64, false, true},
    {"LoRA up's weight gradient", 2560, 64, 646, true, false},
    {"scores of a head", 646, 646, 128, false, true},
    {"one row", 1, 2560, 2560, false, true},
    {"small model", 48, 64, 64, false, true},
};

typedef struct operands {
    float *a, *b, *c;
    uint16_t *b_half;
    int threads;
} operands;

typedef void method(const shape *shape, const operands *with);

static double seconds(int threads) {
    struct timespec now;
    clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void by_openblas(const shape *s, const operands *with) {
    openblas_set_num_threads(with->threads);
    cblas_sgemm(CblasRowMajor, s->transpose_a ? CblasTrans : CblasNoTrans, s->transpose_b ? CblasTrans : CblasNoTrans,
                s->m, s->n, s->k, 1.0f, with->a, s->transpose_a ? s->m : s->k, with->b, s->transpose_b ? s->k : s->n,
                0.0f, with->c, s->n);
    openblas_set_num_threads(1);
}

static void by_onednn(const shape *s, const operands *with) {
    dnnl_sgemm(s->transpose_a ? 'T' : 'N', s->transpose_b ? 'T' : 'N', s->m, s->n, s->k, 1.0f, with->a,
               s->transpose_a ? s->m : s->k, with->b, s->transpose_b ? s->k : s->n, 0.0f, with->c, s->n);
}

static lofi_gemm ours(const shape *s, const operands *with, lofi_dtype type) {
    return (lofi_gemm){.m = s->m,
                       .n = s->n,
                       .k = s->k,
                       .a = with->a,
                       .a_stride = s->transpose_a ? s->m : s->k,
                       .transpose_a = s->transpose_a,
                       .b = type == LOFI_F32 ? (const void *)with->b : with->b_half,
                       .b_type = type,
                       .b_stride = s->transpose_b ? s->k : s->n,
                       .transpose_b = s->transpose_b,
                       .c = with->c,
                       .c_stride = s->n,
                       .alpha = 1.0f};
}

static void by_lofi(const shape *s, const operands *with) {
    lofi_gemm gemm = ours(s, with, LOFI_F32);
    lofi_gemm_run(&gemm, with->threads);
}

static void by_lofi_bf16(const shape *s, const operands *with) {
    lofi_gemm gemm = ours(s, with, LOFI_BF16);
    lofi_gemm_run(&gemm, with->threads);
}

static const struct {
    const char *name;
    method *run;
} methods[] = {{"openblas", by_openblas}, {"onednn", by_onednn}, {"lofi", by_lofi}, {"lofi bf16", by_lofi_bf16}};

#define METHODS (sizeof methods / sizeof methods[0])

/* Methods take turns, so that a busy neighbour disturbs them alike. */
static void measure(const shape *s, const operands *with, double best[METHODS]) {
    double work = 2.0 * s->m * s->n * s->k;
    int rounds = work > 1e10 ? 6 : work > 1e9 ? 12 : 100;
    for (size_t i = 0; i < METHODS; i++) best[i] = 1e9;
    for (int round = 0; round < rounds; round++)
        for (size_t i = 0; i < METHODS; i++) {
            methods[i].run(s, with); /* warms the caches and the threads for this method */
            double start = seconds(with->threads);
            methods[i].run(s, with);
            double taken = seconds(with->threads) - start;
            if (taken < best[i]) best[i] = taken;
        }
    for (size_t i = 0; i < METHODS; i++) best[i] = work / best[i] * 1e-9;
}

static float *random_floats(size_t count, uint64_t stream) {
    float *values = malloc(count * sizeof *values);
    if (!values) exit(1);
    lofi_random random = lofi_random_at(1, LOFI_RANDOM_TEST, stream);
    lofi_random_fill_normal(&random, 0, values, count);
    return values;
}

int main(int count, char **arguments) {
    int threads = count > 1 ? (int)strtol(arguments[1], NULL, 10) : lofi_threads_available();
    omp_set_num_threads(threads);
    printf("%d threads, OpenBLAS kernels for %s, GFLOP/s\n%-28s %5s %5s %5s", threads, openblas_get_corename(), "", "m",
           "n", "k");
    for (size_t i = 0; i < METHODS; i++) printf(" %10s", methods[i].name);
    printf("\n");
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const shape *s = &shapes[i];
        size_t m = (size_t)s->m, n = (size_t)s->n, k = (size_t)s->k;
        operands with = {random_floats(m * k, 1), random_floats(n * k, 2), random_floats(m * n, 3), NULL, threads};
        with.b_half = malloc(n * k * sizeof *with.b_half);
        if (!with.b_half) return 1;
        lofi_bf16_from_f32_array(with.b_half, with.b, n * k);
        double rates[METHODS];
        measure(s, &with, rates);
        printf("%-28s %5d %5d %5d", s->what, s->m, s->n, s->k);
        for (size_t j = 0; j < METHODS; j++) printf(" %10.1f", rates[j]);
        printf("\n");
        fflush(stdout);
        free(with.a), free(with.b), free(with.c), free(with.b_half);
    }
    return 0;
}
