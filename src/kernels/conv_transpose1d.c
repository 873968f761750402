/* conv_transpose1d.c - see conv_transpose1d.h. Output is divided into cells of `stride` samples, cell i being where the
 * first taps of input i fall; a strip is a run of cells. */
#include "kernels/conv_transpose1d.h"

#include "kernels/gemm.h"
#include "kernels/parallel.h"

#define STRIP_FLOATS ((int64_t)1 << 18) /* of a strip's product: 1 MiB */
#define STRIP_MIN    64                 /* cells */
#define STRIP_MAX    4096

static int64_t min_of(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t max_of(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static int64_t cells_of(const lofi_conv_transpose1d_sizes *s) {
    return (s->out_length + s->padding + s->stride - 1) / s->stride;
}

/* Inputs before a cell whose last taps still reach into it. */
static int64_t reach_of(const lofi_conv_transpose1d_sizes *s) {
    return (s->kernel - 1) / s->stride;
}

static int64_t strip_of(const lofi_conv_transpose1d_sizes *s) {
    int64_t strip = STRIP_FLOATS / (s->out_channels * s->kernel);
    return min_of(min_of(max_of(strip, STRIP_MIN), STRIP_MAX), cells_of(s));
}

static size_t strip_floats(const lofi_conv_transpose1d_sizes *s) {
    return (size_t)(s->out_channels * s->kernel * (strip_of(s) + reach_of(s)) + 15) / 16 * 16;
}

size_t lofi_conv_transpose1d_workspace(const lofi_conv_transpose1d_sizes *sizes, int threads) {
    return strip_floats(sizes) * (size_t)threads * sizeof(float);
}

/* Adds row j of one channel's product, for the inputs [from, end), to the outputs [start, stop). */
static void add_tap(const lofi_conv_transpose1d_sizes *s, float *out, const float *row, int64_t j, int64_t from,
                    int64_t end, int64_t start, int64_t stop) {
    int64_t offset = j - s->padding;
    if (from * s->stride + offset < start) from = (start - offset + s->stride - 1) / s->stride;
    if ((end - 1) * s->stride + offset >= stop) end = (stop - offset + s->stride - 1) / s->stride;
    for (int64_t i = from; i < end; i++) out[i * s->stride + offset] += row[i];
}

/* The cells [first, last) of one image. */
static void run_strip(const lofi_conv_transpose1d_sizes *s, float *out, const float *x, const float *weight,
                      const float *bias, int64_t first, int64_t last, float *room) {
    int64_t start = max_of(first * s->stride - s->padding, 0),
            stop = min_of(last * s->stride - s->padding, s->out_length);
    int64_t from = max_of(first - reach_of(s), 0), end = min_of(last, s->length), width = end - from;
    if (stop <= start) return;
    for (int64_t c = 0; c < s->out_channels; c++)
        for (int64_t i = start; i < stop; i++) out[c * s->out_length + i] = bias ? bias[c] : 0.0f;
    if (width <= 0) return;
    lofi_gemm product = {.m = s->out_channels * s->kernel,
                         .n = width,
                         .k = s->in_channels,
                         .a = weight,
                         .a_stride = s->out_channels * s->kernel,
                         .transpose_a = true,
                         .b = x + from,
                         .b_type = LOFI_F32,
                         .b_stride = s->length,
                         .c = room,
                         .c_stride = width,
                         .alpha = 1.0f};
    lofi_gemm_serial(&product);
    for (int64_t c = 0; c < s->out_channels; c++)
        for (int64_t j = 0; j < s->kernel; j++)
            add_tap(s, out + c * s->out_length, room + (c * s->kernel + j) * width - from, j, from, end, start, stop);
}

void lofi_conv_transpose1d_run(const lofi_conv_transpose1d_sizes *sizes, float *out, const float *x,
                               const float *weight, const float *bias, void *workspace, int threads) {
    int64_t strip = strip_of(sizes), cells = cells_of(sizes), strips = (cells + strip - 1) / strip;
    int64_t pieces = sizes->batch * strips;
    int team = lofi_team(pieces > 1, threads);
    LOFI_PARALLEL_FOR(team, part, team, {
        float *room = (float *)workspace + (size_t)part * strip_floats(sizes);
        for (int64_t i = pieces * part / team; i < pieces * (part + 1) / team; i++) {
            int64_t image = i / strips, first = i % strips * strip;
            run_strip(sizes, out + image * sizes->out_channels * sizes->out_length,
                      x + image * sizes->in_channels * sizes->length, weight, bias, first, min_of(first + strip, cells),
                      room);
        }
    });
}
