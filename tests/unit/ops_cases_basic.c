/* ops_cases_basic.c - cases of elementwise operators and norms. */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "ops/backward.h"
#include "ops/ops.h"
#include "ops_harness.h"

#define NO_C                                                                                                           \
    { .shape = "", .absent = true }

/* ---- two operands ---- */

typedef lofi_tensor *binary_builder(lofi_graph *graph, lofi_tensor *a, lofi_tensor *b);
typedef struct binary_settings {
    binary_builder *build;
    char sign;
} binary_settings;

static void build_binary(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    const binary_settings *binary = settings;
    out[0] = binary->build(graph, in[0], in[1]);
}

/* Both operands are the same tensor. */
static void build_binary_twice(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    const binary_settings *binary = settings;
    out[0] = binary->build(graph, in[0], in[0]);
}

static double broadcast_element(const ops_array *array, const ops_array *out, int64_t at) {
    int64_t index = 0, step = 1;
    for (int i = 1; i <= out->rank; i++) {
        int64_t size = out->dims[out->rank - i], place = at % size;
        at /= size;
        if (i > array->rank) continue;
        if (array->dims[array->rank - i] != 1) index += place * step;
        step *= array->dims[array->rank - i];
    }
    return array->values[index];
}

static double combined(char sign, double a, double b) {
    return sign == '+' ? a + b : sign == '-' ? a - b : sign == '*' ? a * b : a / b;
}

static void reference_binary(const ops_array *in, ops_array *out, const void *settings) {
    const binary_settings *binary = settings;
    for (int64_t i = 0; i < out->count; i++)
        out->values[i] = combined(binary->sign, broadcast_element(&in[0], out, i), broadcast_element(&in[1], out, i));
}

static void reference_binary_twice(const ops_array *in, ops_array *out, const void *settings) {
    const binary_settings *binary = settings;
    for (int64_t i = 0; i < out->count; i++) out->values[i] = combined(binary->sign, in[0].values[i], in[0].values[i]);
}

static const binary_settings add = {lofi_add, '+'}, sub = {lofi_sub, '-'}, mul = {lofi_mul, '*'},
                             divide = {lofi_div, '/'};

#define BINARY .build = build_binary, .reference = reference_binary

/* ---- one operand ---- */

static void build_silu(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    (void)settings;
    out[0] = lofi_silu(graph, in[0]);
}

static double silu(double x) {
    return x / (1 + exp(-x));
}

static double silu_slope(double x) {
    double s = 1 / (1 + exp(-x));
    return s * (1 + x * (1 - s));
}

static void reference_silu(const ops_array *in, ops_array *out, const void *settings) {
    (void)settings;
    for (int64_t i = 0; i < out->count; i++) out->values[i] = silu(in[0].values[i]);
}

static void build_silu_gradient(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    (void)settings;
    out[0] = lofi_silu_gradient(graph, in[0], in[1]);
}

static void reference_silu_gradient(const ops_array *in, ops_array *out, const void *settings) {
    (void)settings;
    for (int64_t i = 0; i < out->count; i++) out->values[i] = in[1].values[i] * silu_slope(in[0].values[i]);
}

static void build_relu(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    (void)settings;
    out[0] = lofi_relu(graph, in[0]);
}

static void reference_relu(const ops_array *in, ops_array *out, const void *settings) {
    (void)settings;
    for (int64_t i = 0; i < out->count; i++) out->values[i] = in[0].values[i] > 0 ? in[0].values[i] : 0;
}

static void build_mish(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    (void)settings;
    out[0] = lofi_mish(graph, in[0]);
}

static void reference_mish(const ops_array *in, ops_array *out, const void *settings) {
    (void)settings;
    for (int64_t i = 0; i < out->count; i++) out->values[i] = in->values[i] * tanh(log1p(exp(in->values[i])));
}

static void build_tanh(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    (void)settings;
    out[0] = lofi_tanh(graph, in[0]);
}

static void reference_tanh(const ops_array *in, ops_array *out, const void *settings) {
    (void)settings;
    for (int64_t i = 0; i < out->count; i++) out->values[i] = tanh(in->values[i]);
}

static void build_square_root(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    (void)settings;
    out[0] = lofi_square_root(graph, in[0]);
}

static void reference_square_root(const ops_array *in, ops_array *out, const void *settings) {
    (void)settings;
    for (int64_t i = 0; i < out->count; i++) out->values[i] = sqrt(in->values[i]);
}

static void build_relu_gradient(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    (void)settings;
    out[0] = lofi_relu_gradient(graph, in[0], in[1]);
}

static void reference_relu_gradient(const ops_array *in, ops_array *out, const void *settings) {
    (void)settings;
    for (int64_t i = 0; i < out->count; i++) out->values[i] = in[0].values[i] > 0 ? in[1].values[i] : 0;
}

static const bool tanh_form = true, erf_form = false;

static void build_gelu(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    out[0] = lofi_gelu(graph, in[0], *(const bool *)settings);
}

static double gelu(double x, bool tanh_formula) {
    if (tanh_formula) return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    return 0.5 * x * erfc(-x / sqrt(2.0));
}

static void reference_gelu(const ops_array *in, ops_array *out, const void *settings) {
    for (int64_t i = 0; i < out->count; i++) out->values[i] = gelu(in[0].values[i], *(const bool *)settings);
}

static void build_gelu_gradient(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    out[0] = lofi_gelu_gradient(graph, in[0], in[1], *(const bool *)settings);
}

/* The slope as a difference quotient of the formula, with the third-order error cancelled. */
static void reference_gelu_gradient(const ops_array *in, ops_array *out, const void *settings) {
    bool form = *(const bool *)settings;
    for (int64_t i = 0; i < out->count; i++) {
        double x = in[0].values[i], h = 1e-3;
        double wide = (gelu(x + h, form) - gelu(x - h, form)) / (2 * h),
               narrow = (gelu(x + h / 2, form) - gelu(x - h / 2, form)) / h;
        out->values[i] = in[1].values[i] * (4 * narrow - wide) / 3;
    }
}

static void build_square(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    (void)settings;
    out[0] = lofi_square(graph, in[0]);
}

static void reference_square(const ops_array *in, ops_array *out, const void *settings) {
    (void)settings;
    for (int64_t i = 0; i < out->count; i++) out->values[i] = in[0].values[i] * in[0].values[i];
}

static void build_affine(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    const float *numbers = settings;
    out[0] = lofi_affine(graph, in[0], numbers[0], numbers[1]);
}

static void reference_affine(const ops_array *in, ops_array *out, const void *settings) {
    const float *numbers = settings;
    for (int64_t i = 0; i < out->count; i++) out->values[i] = (double)numbers[0] * in[0].values[i] + (double)numbers[1];
}

static const float factor_and_offset[] = {-1.75f, 0.3f}, only_offset[] = {1, 2};

static void build_copy(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    (void)settings;
    out[0] = lofi_copy(graph, in[0]);
}

static void reference_copy(const ops_array *in, ops_array *out, const void *settings) {
    (void)settings;
    memcpy(out->values, in[0].values, (size_t)out->count * sizeof *out->values);
}

/* Passes an absent tensor where one is needed. */
static void build_copy_of_nothing(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    (void)settings, (void)in;
    out[0] = lofi_copy(graph, NULL);
}

static void build_gated_silu(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    (void)settings;
    out[0] = lofi_gated_silu(graph, in[0]);
}

static void reference_gated_silu(const ops_array *in, ops_array *out, const void *settings) {
    (void)settings;
    int64_t width = out->dims[out->rank - 1];
    for (int64_t i = 0; i < out->count; i++) {
        const double *row = in[0].values + i / width * 2 * width;
        out->values[i] = row[i % width] * silu(row[width + i % width]);
    }
}

static void build_gated_silu_gradient(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out,
                                      const void *settings) {
    (void)settings;
    out[0] = lofi_gated_silu_gradient(graph, in[0], in[1]);
}

static void reference_gated_silu_gradient(const ops_array *in, ops_array *out, const void *settings) {
    (void)settings;
    int64_t width = in[1].dims[in[1].rank - 1];
    for (int64_t i = 0; i < in[1].count; i++) {
        int64_t value = i / width * 2 * width + i % width, gate = value + width;
        out->values[value] = in[1].values[i] * silu(in[0].values[gate]);
        out->values[gate] = in[1].values[i] * in[0].values[value] * silu_slope(in[0].values[gate]);
    }
}

/* ---- dropout ---- */

typedef struct dropout_settings {
    float p;
    int site;
} dropout_settings;

static void build_dropout(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    const dropout_settings *dropout = settings;
    out[0] = lofi_dropout(graph, in[0], in[1], dropout->p, dropout->site);
}

static void reference_dropout(const ops_array *in, ops_array *out, const void *settings) {
    const dropout_settings *dropout = settings;
    uint64_t stream = (uint64_t)in[1].values[1] * 4096 + (uint64_t)dropout->site;
    lofi_random random = lofi_random_at((uint64_t)in[1].values[0], LOFI_RANDOM_DROPOUT, stream);
    for (int64_t i = 0; i < out->count; i++)
        out->values[i] = lofi_random_uniform(&random, (uint64_t)i) >= dropout->p
                             ? in[0].values[i] / (1 - (double)dropout->p)
                             : 0;
}

static const dropout_settings tenth = {0.1f, 3}, half = {0.5f, 4095}, none = {0, 0}, all = {1, 0},
                              no_site = {0.1f, 4096};

/* ---- norms ---- */

static const float epsilon = 1e-5f;

static void build_rms_norm(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    out[0] = lofi_rms_norm(graph, in[0], in[1], in[2], *(const float *)settings);
}

static void reference_rms_norm(const ops_array *in, ops_array *out, const void *settings) {
    int64_t width = out->dims[out->rank - 1];
    for (int64_t i = 0; i < out->count; i++) {
        const double *row = in[0].values + i / width * width;
        double squares = 0;
        for (int64_t j = 0; j < width; j++) squares += row[j] * row[j];
        out->values[i] = row[i % width] / sqrt(squares / (double)width + (double)*(const float *)settings) *
                             (in[1].values ? in[1].values[i % width] : 1) +
                         (in[2].values ? in[2].values[i % width] : 0);
    }
}

static void build_layer_norm(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    out[0] = lofi_layer_norm(graph, in[0], in[1], in[2], *(const float *)settings);
}

static void reference_layer_norm(const ops_array *in, ops_array *out, const void *settings) {
    int64_t width = out->dims[out->rank - 1];
    for (int64_t i = 0; i < out->count; i++) {
        const double *row = in[0].values + i / width * width;
        double mean = 0, variance = 0;
        for (int64_t j = 0; j < width; j++) mean += row[j] / (double)width;
        for (int64_t j = 0; j < width; j++) variance += (row[j] - mean) * (row[j] - mean) / (double)width;
        out->values[i] = (row[i % width] - mean) / sqrt(variance + (double)*(const float *)settings) *
                             in[1].values[i % width] +
                         in[2].values[i % width];
    }
}

/* d (sum of dy * norm(x)) / d x by difference quotients of the norm's own reference, element by element. */
static void norm_gradient(const ops_array *in, ops_array *out, const void *settings,
                          void (*norm)(const ops_array *in, ops_array *out, const void *settings)) {
    int64_t width = out->dims[out->rank - 1];
    double row[64], result[64], zeros[64] = {0}, ones[64];
    for (int i = 0; i < 64; i++) ones[i] = 1;
    for (int64_t i = 0; i < out->count; i++) {
        double slopes[2];
        for (int round = 0; round < 2; round++) {
            double h = round ? 5e-4 : 1e-3, losses[2] = {0, 0};
            for (int side = 0; side < 2; side++) {
                memcpy(row, in[0].values + i / width * width, (size_t)width * sizeof *row);
                row[i % width] += side ? h : -h;
                ops_array inputs[3] = {{1, {width}, width, row},
                                       {1, {width}, width, in[2].values ? in[2].values : ones},
                                       {1, {width}, width, zeros}};
                ops_array output = {1, {width}, width, result};
                norm(inputs, &output, settings);
                for (int64_t j = 0; j < width; j++) losses[side] += result[j] * in[1].values[i / width * width + j];
            }
            slopes[round] = (losses[1] - losses[0]) / (2 * h);
        }
        out->values[i] = (4 * slopes[1] - slopes[0]) / 3;
    }
}

static void build_rms_norm_gradient(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out,
                                    const void *settings) {
    out[0] = lofi_rms_norm_gradient(graph, in[0], in[1], in[2], *(const float *)settings);
}

static void reference_rms_norm_gradient(const ops_array *in, ops_array *out, const void *settings) {
    norm_gradient(in, out, settings, reference_rms_norm);
}

static void build_layer_norm_gradient(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out,
                                      const void *settings) {
    out[0] = lofi_layer_norm_gradient(graph, in[0], in[1], in[2], *(const float *)settings);
}

static void reference_layer_norm_gradient(const ops_array *in, ops_array *out, const void *settings) {
    norm_gradient(in, out, settings, reference_layer_norm);
}

typedef struct group_settings {
    int groups;
} group_settings;

static const group_settings four_groups = {4}, one_group = {1}, two_groups = {2}, three_hundred_groups = {300};

static void build_group_norm(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    out[0] = lofi_group_norm(graph, in[0], in[1], in[2], ((const group_settings *)settings)->groups, epsilon);
}

static void reference_group_norm(const ops_array *in, ops_array *out, const void *settings) {
    int64_t length = out->dims[1], channels = out->dims[2],
            width = channels / ((const group_settings *)settings)->groups;
    for (int64_t i = 0; i < out->count; i++) {
        int64_t batch = i / channels / length, group = i % channels / width;
        const double *x = in[0].values + batch * length * channels + group * width;
        double mean = 0, variance = 0, count = (double)(length * width);
        for (int64_t s = 0; s < length; s++)
            for (int64_t c = 0; c < width; c++) mean += x[s * channels + c] / count;
        for (int64_t s = 0; s < length; s++)
            for (int64_t c = 0; c < width; c++)
                variance += (x[s * channels + c] - mean) * (x[s * channels + c] - mean) / count;
        out->values[i] = (in[0].values[i] - mean) / sqrt(variance + (double)epsilon) * in[1].values[i % channels] +
                         in[2].values[i % channels];
    }
}

#define RMS   .op = "rms_norm", .build = build_rms_norm, .reference = reference_rms_norm, .settings = &epsilon
#define LAYER .op = "layer_norm", .build = build_layer_norm, .reference = reference_layer_norm, .settings = &epsilon
#define RMS_BACK                                                                                                       \
    .op = "rms_norm_gradient", .build = build_rms_norm_gradient, .reference = reference_rms_norm_gradient,             \
    .settings = &epsilon
#define LAYER_BACK                                                                                                     \
    .op = "layer_norm_gradient", .build = build_layer_norm_gradient, .reference = reference_layer_norm_gradient,       \
    .settings = &epsilon
#define GROUP .op = "group_norm", .build = build_group_norm, .reference = reference_group_norm

const ops_case ops_cases_basic[] = {
    {BINARY, .op = "add", .name = "one shape", .inputs = {{"S=5 7"}, {"S=5 7"}}, .outputs = {"5 7"}, .settings = &add,
     .gradient = 3, .tolerance = OPS_EXACT},
    {BINARY, .op = "add", .name = "one number", .inputs = {{""}, {"B=2 S=5 7"}}, .outputs = {"2 5 7"}, .settings = &add,
     .gradient = 3, .tolerance = OPS_EXACT, .depth = 70},
    {BINARY, .op = "add", .name = "rows, long", .inputs = {{"B=2 S=190 301"}, {"301"}}, .outputs = {"2 190 301"},
     .settings = &add, .gradient = 3, .tolerance = OPS_EXACT, .depth = 180},
    {BINARY, .op = "add", .name = "crosswise", .inputs = {{"B=2 1 7"}, {"S=5 1"}}, .outputs = {"2 5 7"},
     .settings = &add, .gradient = 3, .tolerance = OPS_EXACT, .depth = 10},
    {.op = "add",
     .name = "a tensor with itself",
     .inputs = {{"S=5 7"}},
     .outputs = {"5 7"},
     .settings = &add,
     .build = build_binary_twice,
     .reference = reference_binary_twice,
     .gradient = 1,
     .tolerance = OPS_EXACT},
    {BINARY, .op = "add", .name = "shapes that do not broadcast", .inputs = {{"S=5 7"}, {"S=5 6"}}, .settings = &add,
     .refused = "expected shapes that broadcast, got [S, 7] f32 and [S, 6] f32"},
    {BINARY, .op = "add", .name = "integers", .inputs = {{"S=5"}, {"S=5", LOFI_I64, OPS_IDS, 3}}, .settings = &add,
     .refused = "b must be"},
    {BINARY, .op = "sub", .name = "one shape", .inputs = {{"S=5 7"}, {"S=5 7"}}, .outputs = {"5 7"}, .settings = &sub,
     .gradient = 3, .tolerance = OPS_EXACT},
    {BINARY, .op = "sub", .name = "broadcast left", .inputs = {{"B=2 1 7"}, {"B=2 S=5 7"}}, .outputs = {"2 5 7"},
     .settings = &sub, .gradient = 3, .tolerance = OPS_EXACT, .depth = 5},
    {BINARY, .op = "sub", .name = "shapes that do not broadcast", .inputs = {{"S=5 7"}, {"T=4 7"}}, .settings = &sub,
     .refused = "S and T differ"},
    {BINARY, .op = "mul", .name = "one shape", .inputs = {{"S=5 7"}, {"S=5 7"}}, .outputs = {"5 7"}, .settings = &mul,
     .gradient = 3},
    {BINARY, .op = "mul", .name = "mask of positions", .inputs = {{"B=2 S=5 7"}, {"B=2 S=5 1", .fill = OPS_MASK}},
     .outputs = {"2 5 7"}, .settings = &mul, .gradient = 3, .depth = 7},
    {BINARY, .op = "mul", .name = "six dimensions", .inputs = {{"2 1 3 1 2 1"}, {"2 3 1 2 1 2"}},
     .outputs = {"2 3 3 2 2 2"}, .settings = &mul, .gradient = 3, .depth = 12},
    {.op = "mul",
     .name = "a tensor with itself",
     .inputs = {{"S=5 7"}},
     .outputs = {"5 7"},
     .settings = &mul,
     .build = build_binary_twice,
     .reference = reference_binary_twice,
     .gradient = 1},
    {BINARY, .op = "mul", .name = "shapes that do not broadcast", .inputs = {{"2 5"}, {"2"}}, .settings = &mul,
     .refused = "5 and 2 differ"},
    {BINARY, .op = "div", .name = "one shape", .inputs = {{"S=5 7"}, {"S=5 7", .fill = OPS_POSITIVE}},
     .outputs = {"5 7"}, .settings = &divide, .gradient = 3},
    {BINARY, .op = "div", .name = "by rows", .inputs = {{"B=2 S=5 7"}, {"B=2 S=5 1", .fill = OPS_POSITIVE}},
     .outputs = {"2 5 7"}, .settings = &divide, .gradient = 3, .depth = 7},
    {BINARY, .op = "div", .name = "one number by many", .inputs = {{""}, {"S=5 7", .fill = OPS_POSITIVE}},
     .outputs = {"5 7"}, .settings = &divide, .gradient = 3, .depth = 35},
    {BINARY, .op = "div", .name = "shapes that do not broadcast", .inputs = {{"2 5"}, {"3 5"}}, .settings = &divide,
     .refused = "2 and 3 differ"},

    {.op = "affine",
     .name = "factor and offset",
     .inputs = {{"B=2 S=5 7"}},
     .outputs = {"2 5 7"},
     .build = build_affine,
     .reference = reference_affine,
     .settings = factor_and_offset,
     .gradient = 1},
    {.op = "affine",
     .name = "offset only",
     .inputs = {{""}},
     .outputs = {""},
     .build = build_affine,
     .reference = reference_affine,
     .settings = only_offset,
     .gradient = 1},
    {.op = "affine",
     .name = "integers",
     .inputs = {{"3", LOFI_I64}},
     .build = build_affine,
     .settings = only_offset,
     .refused = "x must be [...] f32, got [3] i64"},
    {.op = "silu",
     .name = "a matrix",
     .inputs = {{"S=9 7"}},
     .outputs = {"9 7"},
     .build = build_silu,
     .reference = reference_silu,
     .gradient = 1},
    {.op = "silu",
     .name = "large values",
     .inputs = {{"S=60 7", .fill = OPS_LARGE}},
     .outputs = {"60 7"},
     .build = build_silu,
     .reference = reference_silu,
     .gradient = 1},
    {.op = "silu",
     .name = "long",
     .inputs = {{"S=140000"}},
     .outputs = {"140000"},
     .build = build_silu,
     .reference = reference_silu,
     .gradient = 1},
    {.op = "silu", .name = "integers", .inputs = {{"3", LOFI_I64}}, .build = build_silu, .refused = "x must be"},
    {.op = "silu_gradient",
     .name = "large values",
     .inputs = {{"S=60 7", .fill = OPS_LARGE}, {"S=60 7"}},
     .outputs = {"60 7"},
     .build = build_silu_gradient,
     .reference = reference_silu_gradient},
    {.op = "silu_gradient",
     .name = "shapes differ",
     .inputs = {{"S=6 7"}, {"S=6 8"}},
     .build = build_silu_gradient,
     .refused = "dy must be [S, 7] f32"},
    {.op = "relu",
     .name = "a matrix",
     .inputs = {{"S=9 7", .fill = OPS_AWAY}},
     .outputs = {"9 7"},
     .build = build_relu,
     .reference = reference_relu,
     .gradient = 1,
     .tolerance = OPS_EXACT},
    {.op = "tanh",
     .name = "a batch",
     .inputs = {{"B=3 S=70 7"}},
     .outputs = {"3 70 7"},
     .build = build_tanh,
     .reference = reference_tanh,
     .gradient = 1},
    {.op = "tanh",
     .name = "large values",
     .inputs = {{"200", .fill = OPS_LARGE}},
     .outputs = {"200"},
     .build = build_tanh,
     .reference = reference_tanh,
     .gradient = 1},
    {.op = "square_root",
     .name = "a batch",
     .inputs = {{"B=3 S=70 7", .fill = OPS_POSITIVE}},
     .outputs = {"3 70 7"},
     .build = build_square_root,
     .reference = reference_square_root,
     .gradient = 1},
    {.op = "square_root",
     .name = "integers",
     .inputs = {{"3", LOFI_I64}},
     .build = build_square_root,
     .refused = "x must be"},
    {.op = "tanh", .name = "integers", .inputs = {{"3", LOFI_I64}}, .build = build_tanh, .refused = "x must be"},
    {.op = "relu", .name = "integers", .inputs = {{"3", LOFI_I64}}, .build = build_relu, .refused = "x must be"},
    {.op = "relu_gradient",
     .name = "a matrix",
     .inputs = {{"S=9 7"}, {"S=9 7"}},
     .outputs = {"9 7"},
     .build = build_relu_gradient,
     .reference = reference_relu_gradient,
     .tolerance = OPS_EXACT},
    {.op = "relu_gradient",
     .name = "at zero",
     .inputs = {{"S=9 7", .fill = OPS_ZEROS}, {"S=9 7"}},
     .outputs = {"9 7"},
     .build = build_relu_gradient,
     .reference = reference_relu_gradient,
     .tolerance = OPS_EXACT},
    {.op = "relu_gradient",
     .name = "shapes differ",
     .inputs = {{"S=6 7"}, {"7"}},
     .build = build_relu_gradient,
     .refused = "dy must be [S, 7] f32"},
    {.op = "gelu",
     .name = "tanh form",
     .inputs = {{"S=90 7"}},
     .outputs = {"90 7"},
     .build = build_gelu,
     .reference = reference_gelu,
     .settings = &tanh_form,
     .gradient = 1},
    {.op = "mish", .inputs = {{"S=90 7"}}, .outputs = {"90 7"}, .build = build_mish, .reference = reference_mish},
    {.op = "mish", .name = "integers", .inputs = {{"3", LOFI_I64}}, .build = build_mish, .refused = "x must be"},
    {.op = "mish",
     .name = "large values",
     .inputs = {{"S=90 7", .fill = OPS_LARGE}},
     .outputs = {"90 7"},
     .build = build_mish,
     .reference = reference_mish},
    {.op = "gelu",
     .name = "tanh form, large values",
     .inputs = {{"S=90 7", .fill = OPS_LARGE}},
     .outputs = {"90 7"},
     .build = build_gelu,
     .reference = reference_gelu,
     .settings = &tanh_form,
     .gradient = 1},
    {.op = "gelu",
     .name = "erf form",
     .inputs = {{"S=90 7"}},
     .outputs = {"90 7"},
     .build = build_gelu,
     .reference = reference_gelu,
     .settings = &erf_form,
     .gradient = 1},
    {.op = "gelu",
     .name = "integers",
     .inputs = {{"3", LOFI_I64}},
     .build = build_gelu,
     .settings = &erf_form,
     .refused = "x must be"},
    {.op = "gelu_gradient",
     .name = "tanh form, large values",
     .inputs = {{"S=90 7", .fill = OPS_LARGE}, {"S=90 7"}},
     .outputs = {"90 7"},
     .build = build_gelu_gradient,
     .reference = reference_gelu_gradient,
     .settings = &tanh_form},
    {.op = "gelu_gradient",
     .name = "erf form",
     .inputs = {{"S=90 7"}, {"S=90 7"}},
     .outputs = {"90 7"},
     .build = build_gelu_gradient,
     .reference = reference_gelu_gradient,
     .settings = &erf_form},
    {.op = "gelu_gradient",
     .name = "shapes differ",
     .inputs = {{"S=6 7"}, {"7"}},
     .build = build_gelu_gradient,
     .settings = &erf_form,
     .refused = "dy must be [S, 7] f32"},
    {.op = "square",
     .name = "a matrix",
     .inputs = {{"S=9 7"}},
     .outputs = {"9 7"},
     .build = build_square,
     .reference = reference_square,
     .gradient = 1},
    {.op = "square", .name = "integers", .inputs = {{"3", LOFI_I64}}, .build = build_square, .refused = "x must be"},
    {.op = "copy",
     .name = "a matrix",
     .inputs = {{"S=9 7"}},
     .outputs = {"9 7"},
     .build = build_copy,
     .reference = reference_copy,
     .gradient = 1,
     .tolerance = OPS_EXACT},
    {.op = "copy",
     .name = "integers",
     .inputs = {{"S=9", LOFI_I64, OPS_IDS, 100}},
     .outputs = {"9"},
     .build = build_copy,
     .reference = reference_copy,
     .tolerance = OPS_EXACT},
    {.op = "copy",
     .name = "nothing",
     .inputs = {{"S=9"}},
     .build = build_copy_of_nothing,
     .refused = "a needed input is absent"},
    {.op = "gated_silu",
     .name = "rows",
     .inputs = {{"B=2 S=5 14"}},
     .outputs = {"2 5 7"},
     .build = build_gated_silu,
     .reference = reference_gated_silu,
     .gradient = 1},
    {.op = "gated_silu",
     .name = "wide",
     .inputs = {{"S=141 1026"}},
     .outputs = {"141 513"},
     .build = build_gated_silu,
     .reference = reference_gated_silu,
     .gradient = 1},
    {.op = "gated_silu",
     .name = "odd width",
     .inputs = {{"S=5 7"}},
     .build = build_gated_silu,
     .refused = "with an even number, got [S, 7] f32"},
    {.op = "gated_silu",
     .name = "width not known",
     .inputs = {{"5 S=8"}},
     .build = build_gated_silu,
     .refused = "with an even number, got [5, S] f32"},
    {.op = "gated_silu_gradient",
     .name = "rows",
     .inputs = {{"B=2 S=5 14"}, {"B=2 S=5 7"}},
     .outputs = {"2 5 14"},
     .build = build_gated_silu_gradient,
     .reference = reference_gated_silu_gradient},
    {.op = "gated_silu_gradient",
     .name = "shapes differ",
     .inputs = {{"S=5 14"}, {"S=5 14"}},
     .build = build_gated_silu_gradient,
     .refused = "dy must be [S, 7] f32"},

    {.op = "dropout",
     .name = "one tenth",
     .inputs = {{"S=50 73"}, {"2", LOFI_I64, OPS_IDS, 1000}},
     .outputs = {"50 73"},
     .build = build_dropout,
     .reference = reference_dropout,
     .settings = &tenth,
     .gradient = 1},
    {.op = "dropout",
     .name = "half, last site",
     .inputs = {{"S=9 7"}, {"2", LOFI_I64, OPS_IDS, 1000}},
     .outputs = {"9 7"},
     .build = build_dropout,
     .reference = reference_dropout,
     .settings = &half,
     .gradient = 1},
    {.op = "dropout",
     .name = "nothing dropped",
     .inputs = {{"S=9 7"}, {"2", LOFI_I64, OPS_IDS, 1000}},
     .outputs = {"9 7"},
     .build = build_dropout,
     .reference = reference_dropout,
     .settings = &none,
     .gradient = 1,
     .tolerance = OPS_EXACT},
    {.op = "dropout",
     .name = "everything dropped",
     .inputs = {{"S=9 7"}, {"2", LOFI_I64}},
     .build = build_dropout,
     .settings = &all,
     .refused = "at least 0 and below 1, got 1"},
    {.op = "dropout",
     .name = "site out of range",
     .inputs = {{"S=9 7"}, {"2", LOFI_I64}},
     .build = build_dropout,
     .settings = &no_site,
     .refused = "0..4095, got 4096"},
    {.op = "dropout",
     .name = "key of floats",
     .inputs = {{"S=9 7"}, {"2"}},
     .build = build_dropout,
     .settings = &half,
     .refused = "key must be [2] i64"},

    {RMS, .name = "weight", .inputs = {{"B=2 S=5 16"}, {"16"}, NO_C}, .outputs = {"2 5 16"}, .gradient = 1},
    {RMS, .name = "weight and bias", .inputs = {{"B=2 S=5 16"}, {"16"}, {"16"}}, .outputs = {"2 5 16"}, .gradient = 1},
    {RMS, .name = "no weight", .inputs = {{"B=2 S=5 16"}, NO_C, NO_C}, .outputs = {"2 5 16"}, .gradient = 1},
    {RMS, .name = "many rows", .inputs = {{"S=1100 64"}, {"64"}, NO_C}, .outputs = {"1100 64"}, .gradient = 1},
    {RMS, .name = "weight of another width", .inputs = {{"S=5 16"}, {"15"}, NO_C},
     .refused = "weight must be [16] f32, got [15] f32"},
    {RMS_BACK, .name = "weight", .inputs = {{"B=2 S=5 16"}, {"B=2 S=5 16"}, {"16"}}, .outputs = {"2 5 16"}},
    {RMS_BACK, .name = "no weight", .inputs = {{"S=5 17"}, {"S=5 17"}, NO_C}, .outputs = {"5 17"}},
    {RMS_BACK, .name = "shapes differ", .inputs = {{"S=5 17"}, {"S=5 16"}, NO_C}, .refused = "dy must be [S, 17] f32"},
    {LAYER, .name = "rows", .inputs = {{"B=2 S=5 16"}, {"16"}, {"16"}}, .outputs = {"2 5 16"}, .gradient = 1},
    {LAYER, .name = "many rows", .inputs = {{"S=1100 64"}, {"64"}, {"64"}}, .outputs = {"1100 64"}, .gradient = 1},
    {LAYER, .name = "bias of another width", .inputs = {{"S=5 16"}, {"16"}, {"3"}},
     .refused = "bias must be [16] f32, got [3] f32"},
    {LAYER_BACK, .name = "weight", .inputs = {{"B=2 S=5 16"}, {"B=2 S=5 16"}, {"16"}}, .outputs = {"2 5 16"}},
    {LAYER_BACK, .name = "no weight", .inputs = {{"S=5 17"}, {"S=5 17"}, NO_C}, .outputs = {"5 17"}},
    {LAYER_BACK, .name = "shapes differ", .inputs = {{"S=5 17"}, {"S=5 16"}, NO_C},
     .refused = "dy must be [S, 17] f32"},
    {GROUP, .name = "four groups", .inputs = {{"B=2 S=9 16"}, {"16"}, {"16"}}, .outputs = {"2 9 16"},
     .settings = &four_groups},
    {GROUP, .name = "one group, several slabs", .inputs = {{"B=1 S=1100 16"}, {"16"}, {"16"}}, .outputs = {"1 1100 16"},
     .settings = &one_group},
    {GROUP, .name = "groups of more channels than are summed at a time", .inputs = {{"B=2 S=9 260"}, {"260"}, {"260"}},
     .outputs = {"2 9 260"}, .settings = &two_groups},
    {GROUP, .name = "each channel a group, large enough for several threads",
     .inputs = {{"B=1 S=301 300"}, {"300"}, {"300"}}, .outputs = {"1 301 300"}, .settings = &three_hundred_groups},
    {GROUP, .name = "channels and groups", .inputs = {{"B=2 S=9 18"}, {"18"}, {"18"}}, .settings = &four_groups,
     .refused = "must be a multiple of 4 groups"},
    {GROUP, .name = "two dimensions", .inputs = {{"S=9 16"}, {"16"}, {"16"}}, .settings = &four_groups,
     .refused = "x must be [batch, length, channels]"},
    OPS_END};
