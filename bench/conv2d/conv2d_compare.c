/* conv2d_compare.c - convolutions of the audio encoder's shapes: kernels/conv2d against oneDNN.
 *
 *     conv2d_compare
 *
 * One thread, processor time, best of several runs, GFLOP/s. oneDNN may choose its own layouts ("blocked", turning x,
 * weight and result over included: the tensors of a graph are plain) or is held to plain ones. Making the primitive is not
 * counted. See docs/performance.md.
 */
#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/random.h"
#include "kernels/conv2d.h"

typedef struct shape {
    const char *what;
    int in, out, height, width, kernel, groups;
} shape;

static const shape shapes[] = {
    {"first, 3x3", 2, 128, 32, 512, 3, 1},
    {"128 channels, 3x3", 128, 128, 32, 512, 3, 1},
    {"256 channels, 3x3", 256, 256, 32, 256, 3, 1},
    {"512 channels, 3x3", 512, 512, 16, 128, 3, 1},
    {"1024 channels, 3x3", 1024, 1024, 8, 64, 3, 1},
    {"512 channels, 1x1", 512, 512, 32, 128, 1, 1},
    {"1024 to 4096, 1x1", 1024, 4096, 16, 64, 1, 1},
    {"channel by channel, 5x5", 1536, 1536, 16, 128, 5, 1536},
    {"channel by channel, 3x3", 2048, 2048, 16, 128, 3, 2048},
    {"groups of 32, 1x1", 1536, 1536, 16, 128, 1, 48},
};

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void need(dnnl_status_t status) {
    if (status == dnnl_success) return;
    fprintf(stderr, "oneDNN refused with status %d\n", (int)status);
    exit(1);
}

/* ---- oneDNN ---- */

typedef struct buffers {
    float *x, *weight, *bias, *out;
} buffers;

typedef struct peer {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t convolution;
    dnnl_memory_t x, weight, bias, out;                /* in the layouts of the convolution */
    dnnl_memory_t plain_x, plain_weight, plain_result; /* as they lie in a graph */
} peer;

static dnnl_memory_desc_t described(int rank, const int64_t *dims, dnnl_format_tag_t tag) {
    dnnl_dims_t all = {0};
    dnnl_memory_desc_t description;
    for (int i = 0; i < rank; i++) all[i] = dims[i];
    need(dnnl_memory_desc_init_by_tag(&description, rank, all, dnnl_f32, tag));
    return description;
}

static dnnl_memory_t memory_of(peer *p, const dnnl_memory_desc_t *description, void *data) {
    dnnl_memory_t memory;
    need(dnnl_memory_create(&memory, description, p->engine, data));
    return memory;
}

static void turn_over(peer *p, dnnl_memory_t from, dnnl_memory_t to) {
    const dnnl_memory_desc_t *a, *b;
    dnnl_primitive_desc_t description;
    dnnl_primitive_t reorder;
    need(dnnl_memory_get_memory_desc(from, &a));
    need(dnnl_memory_get_memory_desc(to, &b));
    need(dnnl_reorder_primitive_desc_create(&description, a, p->engine, b, p->engine, NULL));
    need(dnnl_primitive_create(&reorder, description));
    need(dnnl_primitive_execute(reorder, p->stream, 2, (dnnl_exec_arg_t[]){{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}}));
    need(dnnl_stream_wait(p->stream));
    need(dnnl_primitive_destroy(reorder));
    need(dnnl_primitive_desc_destroy(description));
}

static peer peer_for(const shape *s, const buffers *with, bool plain) {
    peer p;
    need(dnnl_engine_create(&p.engine, dnnl_cpu, 0));
    need(dnnl_stream_create(&p.stream, p.engine, dnnl_stream_default_flags));
    bool grouped = s->groups > 1;
    int64_t x_dims[] = {1, s->in, s->height, s->width}, out_dims[] = {1, s->out, s->height, s->width};
    int64_t dims[] = {s->out, s->in, s->kernel, s->kernel}, bias_dims[] = {s->out};
    int64_t grouped_dims[] = {s->groups, s->out / s->groups, s->in / s->groups, s->kernel, s->kernel};
    int rank = grouped ? 5 : 4;
    const int64_t *weight_dims = grouped ? grouped_dims : dims;
    dnnl_format_tag_t weight_tag = grouped ? dnnl_goihw : dnnl_oihw;
    dnnl_memory_desc_t x = described(4, x_dims, plain ? dnnl_nchw : dnnl_format_tag_any);
    dnnl_memory_desc_t out = described(4, out_dims, plain ? dnnl_nchw : dnnl_format_tag_any);
    dnnl_memory_desc_t weight = described(rank, weight_dims, plain ? weight_tag : dnnl_format_tag_any);
    dnnl_memory_desc_t bias = described(1, bias_dims, dnnl_a);
    dnnl_dims_t strides = {1, 1}, padding = {s->kernel / 2, s->kernel / 2};
    dnnl_convolution_desc_t convolution;
    need(dnnl_convolution_forward_desc_init(&convolution, dnnl_forward_inference, dnnl_convolution_auto, &x, &weight,
                                            &bias, &out, strides, padding, padding));
    dnnl_primitive_desc_t made;
    need(dnnl_primitive_desc_create(&made, &convolution, NULL, p.engine, NULL));
    need(dnnl_primitive_create(&p.convolution, made));
    p.x = memory_of(&p, dnnl_primitive_desc_query_md(made, dnnl_query_src_md, 0), DNNL_MEMORY_ALLOCATE);
    p.weight = memory_of(&p, dnnl_primitive_desc_query_md(made, dnnl_query_weights_md, 0), DNNL_MEMORY_ALLOCATE);
    p.out = memory_of(&p, dnnl_primitive_desc_query_md(made, dnnl_query_dst_md, 0), DNNL_MEMORY_ALLOCATE);
    p.bias = memory_of(&p, &bias, with->bias);
    dnnl_memory_desc_t plain_x = described(4, x_dims, dnnl_nchw), plain_out = described(4, out_dims, dnnl_nchw);
    dnnl_memory_desc_t plain_weight = described(rank, weight_dims, weight_tag);
    p.plain_x = memory_of(&p, &plain_x, with->x);
    p.plain_weight = memory_of(&p, &plain_weight, with->weight);
    p.plain_result = memory_of(&p, &plain_out, with->out);
    need(dnnl_primitive_desc_destroy(made));
    return p;
}

static void peer_run(peer *p) {
    turn_over(p, p->plain_x, p->x);
    turn_over(p, p->plain_weight, p->weight);
    const dnnl_exec_arg_t arguments[] = {
        {DNNL_ARG_SRC, p->x}, {DNNL_ARG_WEIGHTS, p->weight}, {DNNL_ARG_BIAS, p->bias}, {DNNL_ARG_DST, p->out}};
    need(dnnl_primitive_execute(p->convolution, p->stream, 4, arguments));
    need(dnnl_stream_wait(p->stream));
    turn_over(p, p->out, p->plain_result);
}

static void peer_free(peer *p) {
    dnnl_memory_t all[] = {p->x, p->weight, p->bias, p->out, p->plain_x, p->plain_weight, p->plain_result};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) need(dnnl_memory_destroy(all[i]));
    need(dnnl_primitive_destroy(p->convolution));
    need(dnnl_stream_destroy(p->stream));
    need(dnnl_engine_destroy(p->engine));
}

/* ---- the table ---- */

static float *random_floats(size_t count, uint64_t stream) {
    float *values = malloc(count * sizeof *values);
    if (!values) exit(1);
    lofi_random random = lofi_random_at(1, LOFI_RANDOM_TEST, stream);
    lofi_random_fill_normal(&random, 0, values, count);
    return values;
}

static void best_of(double *best, double start) {
    double taken = seconds() - start;
    if (*best == 0 || taken < *best) *best = taken;
}

static void compare(const shape *s) {
    size_t plane = (size_t)s->height * (size_t)s->width, taps = (size_t)(s->in / s->groups * s->kernel * s->kernel);
    buffers with = {random_floats((size_t)s->in * plane, 1), random_floats((size_t)s->out * taps, 2),
                    random_floats((size_t)s->out, 3), random_floats((size_t)s->out * plane, 4)};
    lofi_conv2d_sizes sizes = {1,         s->in,     s->height, s->width, s->out, s->height,     s->width,
                               s->kernel, s->kernel, s->groups, 1,        1,      s->kernel / 2, s->kernel / 2,
                               1,         1};
    void *workspace = malloc(lofi_conv2d_workspace(&sizes, LOFI_F32) + 1);
    if (!workspace) exit(1);
    peer blocked = peer_for(s, &with, false), plain = peer_for(s, &with, true);
    double work = 2e-9 * (double)taps * (double)plane * s->out, ours = 0, by_blocked = 0, by_plain = 0;
    for (int round = 0; round < 6; round++) {
        double start = seconds();
        lofi_conv2d_run(&sizes, with.out, with.x, with.weight, LOFI_F32, with.bias, workspace, 1);
        best_of(&ours, start);
        start = seconds();
        peer_run(&blocked);
        best_of(&by_blocked, start);
        start = seconds();
        peer_run(&plain);
        best_of(&by_plain, start);
    }
    printf("%-26s %8.1f %16.1f %14.1f\n", s->what, work / ours, work / by_blocked, work / by_plain);
    fflush(stdout);
    peer_free(&blocked);
    peer_free(&plain);
    free(with.x), free(with.weight), free(with.bias), free(with.out), free(workspace);
}

int main(void) {
    omp_set_num_threads(1);
    printf("%-26s %8s %16s %14s\n", "GFLOP/s", "lofi", "oneDNN blocked", "oneDNN plain");
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) compare(&shapes[i]);
    return 0;
}
