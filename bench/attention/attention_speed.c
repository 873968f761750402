/* attention_speed.c - the attention kernels at the sizes of the music transformer, forward and backward.
 *
 *     attention_speed [THREADS]
 *
 * 20 heads of 128, 646 positions (60 s of music), 800 conditions; relative attention as in the lyric encoder (16 heads of
 * 64, 500 positions). Prints the best of several runs in milliseconds, GFLOP/s of the products, and the scratch memory.
 * See docs/performance.md.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/random.h"
#include "base/threads.h"
#include "kernels/attention.h"
#include "kernels/linear_attention.h"
#include "kernels/relative_attention.h"
#include "kernels/rope.h"
#include "kernels/softmax.h"

enum { runs = 15 };

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void *memory(size_t bytes) {
    void *block = aligned_alloc(64, (bytes + 127) / 64 * 64);
    if (!block) {
        fprintf(stderr, "attention_speed: cannot allocate %zu bytes\n", bytes);
        exit(1);
    }
    return block;
}

static float *numbers(size_t count, uint64_t step) {
    float *values = memory(count * sizeof *values);
    lofi_random random = lofi_random_at(1, LOFI_RANDOM_TEST, step);
    lofi_random_fill_normal(&random, 0, values, count);
    return values;
}

static void print_line(const char *what, double best, double operations, size_t scratch) {
    printf("%-28s %8.2f ms", what, best * 1e3);
    if (operations > 0) printf(" %7.1f GFLOP/s", operations / best * 1e-9);
    if (scratch > 0) printf("  scratch %.2f MiB", (double)scratch / (1024.0 * 1024.0));
    printf("\n");
}

#define MEASURE(what, operations, scratch, call)                                                                       \
    do {                                                                                                               \
        double best = 1e9;                                                                                             \
        for (int run = 0; run < runs; run++) {                                                                         \
            double start = seconds();                                                                                  \
            call;                                                                                                      \
            double taken = seconds() - start;                                                                          \
            best = taken < best ? taken : best;                                                                        \
        }                                                                                                              \
        print_line(what, best, operations, scratch);                                                                   \
    } while (0)

static void measure_softmax_attention(int threads) {
    lofi_attention_sizes s = {1, 646, 800, 20, 128, 1, 0.0883883f, threads};
    size_t q_count = (size_t)(s.queries * s.heads * s.width), k_count = (size_t)(s.keys * s.heads * s.width);
    float *q = numbers(q_count, 1), *k = numbers(k_count, 2), *v = numbers(k_count, 3), *dout = numbers(q_count, 4);
    float *dq = numbers(q_count, 5), *dk = numbers(k_count, 6), *dv = numbers(k_count, 7);
    size_t scratch = lofi_attention_workspace(&s), scratch_back = lofi_attention_backward_workspace(&s);
    void *workspace = memory(scratch_back);
    lofi_attention_inputs in = {.q = q, .k = k, .v = v};
    double product = 2.0 * (double)(s.heads * s.queries * s.keys * s.width);
    MEASURE("attention", 2 * product, scratch, lofi_attention_forward(&s, &in, dq, workspace));
    MEASURE("attention, backward", 5 * product, scratch_back,
            lofi_attention_backward(&s, &in, dout, dq, dk, dv, workspace));
    float *scores = numbers((size_t)(s.heads * s.queries * s.keys), 8);
    MEASURE("its softmax, one thread", 0.0, 0, lofi_softmax_tile(scores, s.heads * s.queries, s.keys, NULL, NULL));
    free(q), free(k), free(v), free(dout), free(dq), free(dk), free(dv), free(scores), free(workspace);
}

static void measure_linear_attention(int threads) {
    lofi_linear_sizes s = {1, 646, 20, 128, 1e-15f, threads};
    size_t count = (size_t)(s.length * s.heads * s.width);
    float *q = numbers(count, 1), *k = numbers(count, 2), *v = numbers(count, 3), *dout = numbers(count, 4);
    float *dq = numbers(count, 5), *dk = numbers(count, 6), *dv = numbers(count, 7);
    size_t scratch = lofi_linear_attention_workspace(&s);
    void *workspace = memory(lofi_linear_attention_backward_workspace(&s));
    lofi_linear_inputs in = {.q = q, .k = k, .v = v};
    double product = 2.0 * (double)(s.heads * s.length * s.width * s.width);
    MEASURE("linear attention", 2 * product, scratch, lofi_linear_attention_forward(&s, &in, dq, workspace));
    MEASURE("linear attention, backward", 6 * product, scratch,
            lofi_linear_attention_backward(&s, &in, dout, dq, dk, dv, workspace));
    float *cosine = memory((size_t)(s.length * s.width) * sizeof *cosine);
    float *sine = memory((size_t)(s.length * s.width) * sizeof *sine);
    MEASURE("rotary table, one thread", 0.0, 0, lofi_rope_table(s.length, s.width, 1e6f, cosine, sine));
    lofi_rope_sizes rope = {1, s.length, s.heads, s.width, threads};
    MEASURE("rotation", 0.0, 0, lofi_rope_rotate(&rope, q, cosine, sine, false, dq));
    free(q), free(k), free(v), free(dout), free(dq), free(dk), free(dv), free(cosine), free(sine), free(workspace);
}

static void measure_relative_attention(int threads) {
    lofi_relative_sizes s = {1, 500, 16, 64, threads};
    size_t width = (size_t)(s.heads * s.width), count = (size_t)s.length * width;
    float *q = numbers(count, 1), *k = numbers(count, 2), *v = numbers(count, 3), *dout = numbers(count, 4);
    float *dq = numbers(count, 5), *dk = numbers(count, 6), *dv = numbers(count, 7);
    float *positions = numbers(2 * count, 8), *u = numbers(width, 9), *w = numbers(width, 10);
    size_t scratch = lofi_relative_attention_workspace(&s);
    size_t scratch_back = lofi_relative_attention_backward_workspace(&s);
    void *workspace = memory(scratch_back);
    lofi_relative_inputs in = {.q = q, .k = k, .v = v, .positions = positions, .bias_u = u, .bias_v = w};
    MEASURE("relative attention", 0.0, scratch, lofi_relative_attention_forward(&s, &in, dq, workspace));
    MEASURE("relative attention, backward", 0.0, scratch_back,
            lofi_relative_attention_backward(&s, &in, dout, dq, dk, dv, workspace));
    free(q), free(k), free(v), free(dout), free(dq), free(dk), free(dv), free(positions), free(u), free(w);
    free(workspace);
}

int main(int count, char **arguments) {
    int threads = count > 1 ? (int)strtol(arguments[1], NULL, 10) : lofi_threads_available();
    if (threads < 1) {
        fprintf(stderr, "attention_speed: '%s' is no number of threads\n", arguments[1]);
        return 2;
    }
    printf("%d threads\n", threads);
    measure_softmax_attention(threads);
    measure_linear_attention(threads);
    measure_relative_attention(threads);
    return 0;
}
