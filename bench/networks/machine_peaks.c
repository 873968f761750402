/* machine_peaks.c - what this machine can do at most: floors for bench/networks/run.py.
 *
 *     machine_peaks THREADS
 *
 * Prints one JSON line, the best of several runs each: GFLOP/s of multiplications and additions in registers alone, GFLOP/s of
 * lofi's product of large square matrices, and GB/s read and written by copying blocks much larger than the caches.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/threads.h"
#include "graph/session.h"
#include "kernels/parallel.h"
#include "kernels/vector.h"
#include "ops/ops.h"

/* Short runs, many of them: on a busy machine some find all processors free. */
enum { RUNS = 40, SIDE = 1024, ROUNDS = 2000000, CHAINS = 12 };
static const size_t COPY_BYTES = (size_t)128 << 20;

static double seconds_since(int64_t start) {
    return (double)(lofi_now_ns() - start) * 1e-9;
}

/* ---- registers ---- */

/* Twelve chains that do not wait for each other hide the latency of a multiplication with addition, which the build fuses in this
 * file (bench/CMakeLists.txt). The factor keeps the numbers near 1. */
#define MULTIPLY_ADD(name, bytes)                                                                                      \
    static inline LOFI_BODY void name##_body(float *sum, int64_t rounds) {                                             \
        typedef float lanes __attribute__((vector_size(bytes)));                                                       \
        const lanes factor = (lanes){0} + 0.5f, addend = factor;                                                       \
        lanes a[CHAINS];                                                                                               \
        for (int i = 0; i < CHAINS; i++) a[i] = addend * (float)(i + 1);                                               \
        for (int64_t round = 0; round < rounds; round++)                                                               \
            _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) a[i] = a[i] * factor + addend;                   \
        for (int i = 0; i < CHAINS; i++)                                                                               \
            for (int lane = 0; lane < bytes / 4; lane++) *sum += a[i][lane];                                           \
    }                                                                                                                  \
    LOFI_VERSIONS(name, (float *sum, int64_t rounds), (sum, rounds))

/* Vectors that are wider than a register would not stay in registers, so the widest of AVX2 are tried, too. */
MULTIPLY_ADD(multiply_add_512, 64)
MULTIPLY_ADD(multiply_add_256, 32)

static void run_chains(int width, float *sum) {
    if (width == 512)
        multiply_add_512(sum, ROUNDS);
    else
        multiply_add_256(sum, ROUNDS);
}

static double register_peak(int threads) {
    double best = 0;
    float *sums = calloc((size_t)threads * 16, sizeof *sums);
    for (int run = 0; run < RUNS && sums; run++) {
        int width = run % 2 ? 256 : 512;
        int64_t start = lofi_now_ns();
        LOFI_PARALLEL_FOR(threads, t, threads, { run_chains(width, &sums[t * 16]); });
        double rate = 2.0 * (width / 32) * CHAINS * ROUNDS * threads / seconds_since(start) * 1e-9;
        if (rate > best && sums[0] > 0) best = rate;
    }
    free(sums);
    return best;
}

/* ---- products ---- */

static lofi_code time_products(double *best, lofi_session *session, lofi_graph *graph, lofi_error *err) {
    LOFI_TRY(lofi_session_prepare(session, err));
    for (int which = 0; which < 2; which++) {
        void *data;
        LOFI_TRY(lofi_session_data(session, lofi_graph_find(graph, which ? "b" : "a"), &data, NULL, err));
        for (int64_t i = 0; i < (int64_t)SIDE * SIDE; i++) ((float *)data)[i] = (float)(i % 17 - 8) / 8;
    }
    for (int run = 0; run < RUNS; run++) {
        int64_t start = lofi_now_ns();
        LOFI_TRY(lofi_session_run(session, err));
        double rate = 2.0 * SIDE * SIDE * SIDE / seconds_since(start) * 1e-9;
        if (rate > *best) *best = rate;
    }
    return LOFI_OK;
}

static lofi_code product_peak(double *best, int threads, lofi_error *err) {
    lofi_graph *graph;
    lofi_session *session = NULL;
    LOFI_TRY(lofi_graph_new(&graph, err));
    lofi_shape shape = lofi_shape_of(LOFI_F32, 2, (lofi_dim[]){SIDE, SIDE});
    lofi_tensor *a = lofi_graph_input(graph, "a", shape), *b = lofi_graph_input(graph, "b", shape);
    lofi_matmul_attributes attributes = {.transpose_b = 1, .alpha = 1};
    lofi_graph_output(graph, "c", lofi_matmul(graph, a, b, NULL, attributes));
    *best = 0;
    lofi_code code = lofi_session_new(&session, graph, (lofi_session_options){.threads = threads}, err);
    if (code == LOFI_OK) code = time_products(best, session, graph, err);
    lofi_session_free(session);
    lofi_graph_free(graph);
    return code;
}

/* ---- memory ---- */

static lofi_code copy_peak(double *best, int threads, lofi_error *err) {
    void *from = NULL, *to = NULL;
    *best = 0;
    lofi_code code = lofi_alloc(&from, COPY_BYTES, 1, "a block to copy", err);
    if (code == LOFI_OK) code = lofi_alloc(&to, COPY_BYTES, 1, "a copied block", err);
    if (code == LOFI_OK) memset(from, 1, COPY_BYTES);
    size_t part = COPY_BYTES / (size_t)threads;
    for (int run = 0; run < RUNS && code == LOFI_OK; run++) {
        int64_t start = lofi_now_ns();
        LOFI_PARALLEL_FOR(threads, t, threads,
                          { memcpy((char *)to + (size_t)t * part, (const char *)from + (size_t)t * part, part); });
        double rate = 2.0 * (double)part * threads / seconds_since(start) * 1e-9;
        if (rate > *best) *best = rate;
    }
    lofi_free(from);
    lofi_free(to);
    return code;
}

int main(int argument_count, char **arguments) {
    lofi_threads_bound_spinning(arguments);
    int threads = argument_count == 2 ? (int)strtol(arguments[1], NULL, 10) : 0;
    if (threads < 1) {
        fprintf(stderr, "usage: machine_peaks THREADS\n");
        return 2;
    }
    double product, copy;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_code code = product_peak(&product, threads, &err);
    if (code == LOFI_OK) code = copy_peak(&copy, threads, &err);
    if (code != LOFI_OK) {
        fprintf(stderr, "machine_peaks: %s\n", err.message);
        return 1;
    }
    printf("{\"threads\": %d, \"register_gflops\": %.1f, \"product_gflops\": %.1f, \"copy_gb_per_s\": %.2f}\n", threads,
           register_peak(threads), product, copy);
    return 0;
}
