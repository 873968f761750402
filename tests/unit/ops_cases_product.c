/* ops_cases_product.c - cases of products and convolutions. */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "ops/backward.h"
#include "ops/ops.h"
#include "ops_harness.h"

/* ---- matmul ---- */

static void build_matmul(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    const lofi_matmul_attributes *attributes = settings;
    out[0] = lofi_matmul(graph, in[0], in[1], in[2], *attributes);
}

/* Elements of matrix number `batch`, element (i, j) of its untransposed form. */
static double element(const ops_array *array, int64_t batch, int64_t i, int64_t j, bool transposed) {
    int64_t rows = array->rank > 1 ? array->dims[array->rank - 2] : 1, columns = array->dims[array->rank - 1];
    int64_t at = transposed ? j * columns + i : i * columns + j;
    return array->values[batch * rows * columns + at];
}

static void reference_matmul(const ops_array *in, ops_array *out, const void *settings) {
    const lofi_matmul_attributes *attributes = settings;
    bool ta = attributes->transpose_a, tb = attributes->transpose_b;
    int64_t m = out->rank > 1 ? out->dims[out->rank - 2] : 1, n = out->dims[out->rank - 1];
    int64_t k = in[1].dims[in[1].rank - (tb ? 1 : 2)];
    for (int64_t batch = 0; out->count > 0 && batch < out->count / (m * n); batch++)
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++) {
                double sum = 0;
                for (int64_t l = 0; l < k; l++)
                    sum += element(&in[0], batch, i, l, ta) * element(&in[1], in[1].rank == 2 ? 0 : batch, l, j, tb);
                int64_t at = (batch * m + i) * n + j;
                double c = !in[2].values ? 0 : in[2].rank == 1 ? in[2].values[j] : in[2].values[at];
                out->values[at] = (double)attributes->alpha * sum + c;
            }
}

/* c is computed by another node, so that the product may write over it. */
static void build_matmul_over_sum(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    const lofi_matmul_attributes *attributes = settings;
    out[0] = lofi_matmul(graph, in[0], in[1], lofi_affine(graph, in[2], 1.0f, 0.0f), *attributes);
}

static const lofi_matmul_attributes plain = {.alpha = 1}, linear = {.transpose_b = 1, .alpha = 0.75f},
                                    left = {.transpose_a = 1, .alpha = 1.5f},
                                    both = {.transpose_a = 1, .transpose_b = 1, .alpha = -1};

#define MATMUL .op = "matmul", .build = build_matmul, .reference = reference_matmul, .tolerance = OPS_SUM
#define NO_C                                                                                                           \
    { .shape = "", .absent = true }

/* ---- convolutions ---- */

static void build_conv2d(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    const lofi_conv2d_attributes *attributes = settings;
    out[0] = lofi_conv2d(graph, in[0], in[1], in[2], *attributes);
}

static void reference_conv2d(const ops_array *in, ops_array *out, const void *settings) {
    const lofi_conv2d_attributes *a = settings;
    const int64_t *x = in[0].dims, *w = in[1].dims, *o = out->dims;
    int64_t out_each = o[1] / a->groups;
    for (int64_t at = 0; at < out->count; at++) {
        int64_t column = at % o[3], row = at / o[3] % o[2], channel = at / o[3] / o[2] % o[1],
                image = at / o[3] / o[2] / o[1];
        double sum = in[2].values ? in[2].values[channel] : 0;
        for (int64_t c = 0; c < w[1]; c++)
            for (int64_t i = 0; i < w[2]; i++)
                for (int64_t j = 0; j < w[3]; j++) {
                    int64_t r = row * a->stride_h + i * a->dilation_h - a->padding_h;
                    int64_t s = column * a->stride_w + j * a->dilation_w - a->padding_w;
                    if (r < 0 || r >= x[2] || s < 0 || s >= x[3]) continue;
                    int64_t from = channel / out_each * w[1] + c;
                    sum += in[0].values[((image * x[1] + from) * x[2] + r) * x[3] + s] *
                           in[1].values[((channel * w[1] + c) * w[2] + i) * w[3] + j];
                }
        out->values[at] = sum;
    }
}

static const lofi_conv2d_attributes same3 = {1, 1, 1, 1, 1, 1, 1}, stride2 = {2, 3, 1, 0, 1, 1, 1},
                                    dilated = {1, 2, 2, 4, 2, 3, 1}, point = {1, 1, 0, 0, 1, 1, 1},
                                    point_groups = {1, 1, 0, 0, 1, 1, 3}, groups2 = {1, 1, 1, 1, 1, 1, 2},
                                    depthwise5 = {1, 1, 2, 2, 1, 1, 4}, depthwise_stride = {2, 2, 1, 1, 1, 1, 4},
                                    no_stride = {0, 1, 0, 0, 1, 1, 1};

#define CONV2D .op = "conv2d", .build = build_conv2d, .reference = reference_conv2d, .tolerance = OPS_SUM

static void build_depthwise(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    (void)settings;
    out[0] = lofi_depthwise_conv1d(graph, in[0], in[1], in[2]);
}

static void reference_depthwise(const ops_array *in, ops_array *out, const void *settings) {
    (void)settings;
    int64_t length = in[0].dims[1], channels = in[0].dims[2], taps = in[1].dims[2];
    for (int64_t at = 0; at < out->count; at++) {
        int64_t c = at % channels, s = at / channels % length;
        double sum = in[2].values ? in[2].values[c] : 0;
        for (int64_t j = 0; j < taps; j++) {
            int64_t from = s + j - taps / 2;
            if (from >= 0 && from < length)
                sum += in[0].values[at + (from - s) * channels] * in[1].values[c * taps + j];
        }
        out->values[at] = sum;
    }
}

#define DEPTHWISE                                                                                                      \
    .op = "depthwise_conv1d", .build = build_depthwise, .reference = reference_depthwise, .tolerance = OPS_SUM

static void build_max_pool(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    out[0] = lofi_max_pool2d(graph, in[0], *(const int *)settings);
}

static void reference_max_pool(const ops_array *in, ops_array *out, const void *settings) {
    int64_t size = *(const int *)settings;
    const int64_t *x = in[0].dims, *o = out->dims;
    for (int64_t at = 0; at < out->count; at++) {
        int64_t column = at % o[3] * size, row = at / o[3] % o[2] * size, plane = at / o[3] / o[2];
        double most = -1e300;
        for (int64_t i = 0; i < size * size; i++) {
            double value = in[0].values[(plane * x[2] + row + i / size) * x[3] + column + i % size];
            if (value > most) most = value;
        }
        out->values[at] = most;
    }
}

static const int cell_of_two = 2, cell_of_three = 3, no_cell = 0;

#define MAX_POOL .op = "max_pool2d", .build = build_max_pool, .reference = reference_max_pool, .tolerance = OPS_EXACT

static void build_transposed(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    const lofi_conv_transpose1d_attributes *attributes = settings;
    out[0] = lofi_conv_transpose1d(graph, in[0], in[1], in[2], *attributes);
}

static void reference_transposed(const ops_array *in, ops_array *out, const void *settings) {
    const lofi_conv_transpose1d_attributes *a = settings;
    const int64_t *x = in[0].dims, *w = in[1].dims, *o = out->dims;
    for (int64_t at = 0; at < out->count; at++) out->values[at] = in[2].values ? in[2].values[at / o[2] % o[1]] : 0;
    for (int64_t b = 0; b < x[0]; b++)
        for (int64_t c = 0; c < x[1]; c++)
            for (int64_t i = 0; i < x[2]; i++)
                for (int64_t j = 0; j < w[1] * w[2]; j++) {
                    int64_t to = i * a->stride + j % w[2] - a->padding;
                    if (to < 0 || to >= o[2]) continue;
                    out->values[(b * o[1] + j / w[2]) * o[2] + to] += in[0].values[(b * x[1] + c) * x[2] + i] *
                                                                      in[1].values[c * w[1] * w[2] + j];
                }
}

static const lofi_conv_transpose1d_attributes up4 = {4, 2}, up2 = {2, 1}, up3 = {3, 1}, up1 = {1, 2}, up2_bare = {2, 0},
                                              up_none = {0, 0};

#define TRANSPOSED                                                                                                     \
    .op = "conv_transpose1d", .build = build_transposed, .reference = reference_transposed, .tolerance = OPS_SUM

const ops_case ops_cases_product[] = {
    {MATMUL, .name = "rows times a matrix", .inputs = {{"B=2 S=5 7"}, {"7 4"}, NO_C}, .outputs = {"2 5 4"},
     .settings = &plain, .gradient = 3, .depth = 10},
    {MATMUL, .name = "linear layer with bias", .inputs = {{"B=2 S=5 7"}, {"4 7"}, {"4"}}, .outputs = {"2 5 4"},
     .settings = &linear, .gradient = 7, .depth = 10},
    {MATMUL, .name = "linear layer of one row with bias", .inputs = {{"1 7"}, {"4 7"}, {"4"}}, .outputs = {"1 4"},
     .settings = &linear, .gradient = 7, .depth = 10},
    {MATMUL, .name = "a vector with bias", .inputs = {{"7"}, {"7 4"}, {"4"}}, .outputs = {"4"}, .settings = &plain,
     .gradient = 7, .depth = 7},
    {MATMUL, .name = "added to a matrix", .inputs = {{"S=5 7"}, {"7 4"}, {"S=5 4"}}, .outputs = {"5 4"},
     .settings = &plain, .gradient = 7, .depth = 7},
    {.op = "matmul",
     .reference = reference_matmul,
     .tolerance = OPS_SUM,
     .name = "written over the addend",
     .inputs = {{"B=2 S=5 7"}, {"4 7"}, {"B=2 S=5 4"}},
     .outputs = {"2 5 4"},
     .settings = &linear,
     .build = build_matmul_over_sum,
     .gradient = 7,
     .depth = 10},
    {MATMUL, .name = "left transposed", .inputs = {{"7 S=5"}, {"7 4"}, NO_C}, .outputs = {"5 4"}, .settings = &left,
     .gradient = 3, .depth = 7},
    {MATMUL, .name = "both transposed", .inputs = {{"7 S=5"}, {"4 7"}, {"4"}}, .outputs = {"5 4"}, .settings = &both,
     .gradient = 7, .depth = 7},
    {MATMUL, .name = "batches", .inputs = {{"B=2 3 S=5 7"}, {"B=2 3 7 4"}, NO_C}, .outputs = {"2 3 5 4"},
     .settings = &plain, .gradient = 3, .depth = 7},
    {MATMUL, .name = "batches, right transposed", .inputs = {{"B=3 S=5 7"}, {"B=3 4 7"}, {"B=3 S=5 4"}},
     .outputs = {"3 5 4"}, .settings = &linear, .gradient = 7, .depth = 7},
    {MATMUL, .name = "batches, left transposed", .inputs = {{"B=3 7 S=5"}, {"B=3 7 4"}, NO_C}, .outputs = {"3 5 4"},
     .settings = &left, .gradient = 3, .depth = 7},
    {MATMUL, .name = "batches, both transposed", .inputs = {{"B=3 7 S=5"}, {"B=3 4 7"}, {"4"}}, .outputs = {"3 5 4"},
     .settings = &both, .gradient = 7, .depth = 15},
    {MATMUL, .name = "batches left transposed, one right", .inputs = {{"B=3 7 S=5"}, {"7 4"}, NO_C},
     .outputs = {"3 5 4"}, .settings = &left, .gradient = 3, .depth = 15},
    {MATMUL, .name = "batches both transposed, one right", .inputs = {{"B=3 7 S=5"}, {"4 7"}, NO_C},
     .outputs = {"3 5 4"}, .settings = &both, .gradient = 3, .depth = 15},
    {MATMUL, .name = "bf16 linear layer", .inputs = {{"B=2 S=5 7"}, {"4 7", LOFI_BF16, .parameter = true}, {"4"}},
     .outputs = {"2 5 4"}, .settings = &linear, .gradient = 5, .depth = 7},
    {MATMUL, .name = "f16 linear layer", .inputs = {{"B=2 S=5 7"}, {"4 7", LOFI_F16, .parameter = true}, NO_C},
     .outputs = {"2 5 4"}, .settings = &linear, .gradient = 1, .depth = 7},
    {MATMUL, .name = "bf16, not transposed", .inputs = {{"S=5 7"}, {"7 4", LOFI_BF16, .parameter = true}, {"S=5 4"}},
     .outputs = {"5 4"}, .settings = &plain, .gradient = 5, .depth = 7},
    {MATMUL, .name = "bf16, left batches transposed",
     .inputs = {{"B=2 7 S=5"}, {"7 4", LOFI_BF16, .parameter = true}, NO_C}, .outputs = {"2 5 4"}, .settings = &left,
     .gradient = 1, .depth = 7},
    {MATMUL, .name = "several tiles", .inputs = {{"S=510 9"}, {"770 9"}, {"770"}}, .outputs = {"510 770"},
     .settings = &linear, .gradient = 7, .depth = 770},
    {MATMUL, .name = "several tiles and panels of bf16",
     .inputs = {{"S=5 801"}, {"800 801", LOFI_BF16, .parameter = true}, {"800"}}, .outputs = {"5 800"},
     .settings = &linear, .depth = 801, .gradient = 5},
    {MATMUL, .name = "one row, panels of bf16",
     .inputs = {{"1 801"}, {"700 801", LOFI_BF16, .parameter = true}, {"1 700"}}, .outputs = {"1 700"},
     .settings = &linear, .depth = 801, .gradient = 5},
    {MATMUL, .name = "one row, left and right as they lie", .inputs = {{"31 1"}, {"31 40"}, {"40"}},
     .outputs = {"1 40"}, .settings = &left, .depth = 40, .gradient = 7},
    {MATMUL, .name = "panels of f16, not transposed",
     .inputs = {{"S=13 801"}, {"801 40", LOFI_F16, .parameter = true}, NO_C}, .outputs = {"13 40"}, .settings = &plain,
     .depth = 801, .gradient = 1},
    {MATMUL, .name = "no rows", .inputs = {{"S=0 7"}, {"7 4"}, NO_C}, .outputs = {"0 4"}, .settings = &plain,
     .gradient = 3},
    {MATMUL, .name = "inner dimensions differ", .inputs = {{"S=5 7"}, {"8 4"}, NO_C}, .settings = &plain,
     .refused = "expected equal inner dimensions, got 7 and 8"},
    {MATMUL, .name = "leading dimensions differ", .inputs = {{"B=2 5 7"}, {"3 7 4"}, NO_C}, .settings = &plain,
     .refused = "leading dimensions of a"},
    {MATMUL, .name = "addend of another width", .inputs = {{"S=5 7"}, {"7 4"}, {"5"}}, .settings = &plain,
     .refused = "c must be [4] f32"},
    {MATMUL, .name = "16-bit left factor", .inputs = {{"S=5 7", LOFI_BF16}, {"7 4"}, NO_C}, .settings = &plain,
     .refused = "a must be"},
    {MATMUL, .name = "integers on the right", .inputs = {{"S=5 7"}, {"7 4", LOFI_I64, OPS_IDS, 3}, NO_C},
     .settings = &plain, .refused = "b must be"},

    {CONV2D, .name = "3x3", .inputs = {{"B=2 3 H=6 W=7"}, {"4 3 3 3"}, {"4"}}, .outputs = {"2 4 6 7"},
     .settings = &same3, .depth = 27},
    {CONV2D, .name = "strides", .inputs = {{"1 3 H=9 W=11"}, {"4 3 3 2"}, NO_C}, .outputs = {"1 4 5 4"},
     .settings = &stride2, .depth = 18},
    {CONV2D, .name = "dilations", .inputs = {{"1 2 H=9 W=11"}, {"3 2 3 3"}, {"3"}}, .outputs = {"1 3 9 7"},
     .settings = &dilated, .depth = 18},
    {CONV2D, .name = "1x1", .inputs = {{"B=2 6 H=5 W=9"}, {"4 6 1 1"}, {"4"}}, .outputs = {"2 4 5 9"},
     .settings = &point, .depth = 6},
    {CONV2D, .name = "1x1 in groups", .inputs = {{"B=2 6 H=5 W=9"}, {"9 2 1 1"}, NO_C}, .outputs = {"2 9 5 9"},
     .settings = &point_groups, .depth = 2},
    {CONV2D, .name = "3x3 in groups", .inputs = {{"B=2 6 H=5 W=9"}, {"4 3 3 3"}, {"4"}}, .outputs = {"2 4 5 9"},
     .settings = &groups2, .depth = 27},
    {CONV2D, .name = "5x5 channel by channel", .inputs = {{"B=2 4 H=5 W=9"}, {"4 1 5 5"}, {"4"}},
     .outputs = {"2 4 5 9"}, .settings = &depthwise5, .depth = 25},
    {CONV2D, .name = "channel by channel with strides",
     .inputs = {{"B=2 4 H=5 W=9"}, {"4 1 3 3", LOFI_F16, .parameter = true}, NO_C}, .outputs = {"2 4 3 5"},
     .settings = &depthwise_stride, .depth = 9},
    {CONV2D, .name = "bf16 weight", .inputs = {{"B=2 3 H=6 W=7"}, {"4 3 3 3", LOFI_BF16, .parameter = true}, {"4"}},
     .outputs = {"2 4 6 7"}, .settings = &same3, .depth = 27},
    {CONV2D, .name = "several strips", .inputs = {{"1 48 H=40 W=37"}, {"24 48 3 3"}, {"24"}}, .outputs = {"1 24 40 37"},
     .settings = &same3, .depth = 432},
    {CONV2D, .name = "strides, rows longer than a panel, f16 weight",
     .inputs = {{"B=2 70 H=5 W=199"}, {"5 70 3 2", LOFI_F16, .parameter = true}, {"5"}}, .outputs = {"2 5 3 66"},
     .settings = &stride2, .depth = 420},
    {CONV2D, .name = "narrower than the kernel", .inputs = {{"1 2 H=3 W=1"}, {"3 2 3 3"}, {"3"}},
     .outputs = {"1 3 3 1"}, .settings = &same3, .depth = 18},
    {CONV2D, .name = "channels differ", .inputs = {{"B=2 3 H=6 W=7"}, {"4 5 3 3"}, {"4"}}, .settings = &same3,
     .refused = "weight must be [a multiple of 1, 3, height, width]"},
    {CONV2D, .name = "channels and groups", .inputs = {{"B=2 3 H=6 W=7"}, {"4 3 3 3"}, {"4"}}, .settings = &groups2,
     .refused = "must be a multiple of 2 groups"},
    {CONV2D, .name = "bias of another width", .inputs = {{"B=2 3 H=6 W=7"}, {"4 3 3 3"}, {"3"}}, .settings = &same3,
     .refused = "bias must be [4]"},
    {CONV2D, .name = "smaller than the kernel", .inputs = {{"1 3 2 7"}, {"4 3 3 3"}, NO_C}, .settings = &point,
     .refused = "at least as large as the kernel"},
    {CONV2D, .name = "no stride", .inputs = {{"1 3 2 7"}, {"4 3 1 1"}, NO_C}, .settings = &no_stride,
     .refused = "must be at least 1"},
    {CONV2D, .name = "three dimensions", .inputs = {{"3 2 7"}, {"4 3 1 1"}, NO_C}, .settings = &point,
     .refused = "x must be [batch, channels, height, width]"},

    {DEPTHWISE, .name = "three taps", .inputs = {{"B=2 S=6 5"}, {"5 1 3"}, {"5"}}, .outputs = {"2 6 5"}, .gradient = 1,
     .depth = 3},
    {DEPTHWISE, .name = "longer than the song, bf16",
     .inputs = {{"B=2 S=3 5"}, {"5 1 9", LOFI_BF16, .parameter = true}, NO_C}, .outputs = {"2 3 5"}, .gradient = 1,
     .depth = 9},
    {DEPTHWISE, .name = "wide", .inputs = {{"B=1 S=150 70"}, {"70 1 31", LOFI_F16, .parameter = true}, {"70"}},
     .outputs = {"1 150 70"}, .gradient = 1, .depth = 31},
    {DEPTHWISE, .name = "even number of taps", .inputs = {{"B=2 S=6 5"}, {"5 1 4"}, NO_C},
     .refused = "odd number of taps"},
    {DEPTHWISE, .name = "other channels", .inputs = {{"B=2 S=6 5"}, {"4 1 3"}, NO_C},
     .refused = "weight must be [5, 1, taps]"},
    {DEPTHWISE, .name = "bias of another width", .inputs = {{"B=2 S=6 5"}, {"5 1 3"}, {"4"}},
     .refused = "bias must be [5]"},

    {MAX_POOL, .name = "cells of two", .inputs = {{"B=2 3 H=6 W=8"}}, .outputs = {"2 3 3 4"}, .settings = &cell_of_two},
    {MAX_POOL, .name = "a rest is left out", .inputs = {{"B=1 40 H=47 W=64"}}, .outputs = {"1 40 15 21"},
     .settings = &cell_of_three},
    {MAX_POOL, .name = "cells of two, large enough for several threads", .inputs = {{"B=2 7 H=61 W=93"}},
     .outputs = {"2 7 30 46"}, .settings = &cell_of_two},
    {MAX_POOL, .name = "no cell", .inputs = {{"B=1 4 H=7 W=6"}}, .settings = &no_cell, .refused = "must be at least 1"},
    {MAX_POOL, .name = "three dimensions", .inputs = {{"4 H=7 W=6"}}, .settings = &cell_of_two,
     .refused = "x must be [batch, channels, height, width]"},

    {TRANSPOSED, .name = "four times as long", .inputs = {{"B=2 6 S=5"}, {"6 3 8"}, {"3"}}, .outputs = {"2 3 20"},
     .settings = &up4, .depth = 12},
    {TRANSPOSED, .name = "twice as long, one sample", .inputs = {{"1 4 S=1"}, {"4 2 4"}, NO_C}, .outputs = {"1 2 2"},
     .settings = &up2, .depth = 8},
    {TRANSPOSED, .name = "taps that the stride does not divide", .inputs = {{"B=2 4 S=7"}, {"4 3 8"}, {"3"}},
     .outputs = {"2 3 24"}, .settings = &up3, .depth = 12},
    {TRANSPOSED, .name = "stride of one", .inputs = {{"1 3 S=9"}, {"3 2 5"}, {"2"}}, .outputs = {"1 2 9"},
     .settings = &up1, .depth = 15},
    {TRANSPOSED, .name = "no padding", .inputs = {{"1 3 S=4"}, {"3 2 3"}, {"2"}}, .outputs = {"1 2 9"},
     .settings = &up2_bare, .depth = 6},
    {TRANSPOSED, .name = "several strips", .inputs = {{"B=2 8 S=9001"}, {"8 5 4"}, {"5"}}, .outputs = {"2 5 18002"},
     .settings = &up2, .depth = 16},
    {TRANSPOSED, .name = "other channels", .inputs = {{"B=2 6 S=5"}, {"5 3 8"}, {"3"}}, .settings = &up4,
     .refused = "weight must be f32 [6, channels, taps]"},
    {TRANSPOSED, .name = "a weight of 16 bits", .inputs = {{"1 6 S=5"}, {"6 3 8", LOFI_BF16, .parameter = true}, NO_C},
     .settings = &up4, .refused = "weight must be f32"},
    {TRANSPOSED, .name = "bias of another width", .inputs = {{"B=2 6 S=5"}, {"6 3 8"}, {"4"}}, .settings = &up4,
     .refused = "bias must be [3]"},
    {TRANSPOSED, .name = "no stride", .inputs = {{"B=2 6 S=5"}, {"6 3 8"}, NO_C}, .settings = &up_none,
     .refused = "must be at least 1"},
    {TRANSPOSED, .name = "less taps than the stride", .inputs = {{"B=2 6 S=5"}, {"6 3 3"}, NO_C}, .settings = &up4,
     .refused = "3 taps are less than a stride of 4"},
    {TRANSPOSED, .name = "two dimensions", .inputs = {{"6 S=5"}, {"6 3 8"}, NO_C}, .settings = &up4,
     .refused = "x must be [batch, channels, length]"},
    OPS_END};
