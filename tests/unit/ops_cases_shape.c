/* ops_cases_shape.c - cases of the operators that move elements. */
#include <math.h>
#include <stdlib.h>

#include "ops/ops.h"
#include "ops_harness.h"

typedef struct settings {
    int axis;
    int64_t start, length; /* slice; pad: before, after */
    bool symbolic;         /* slice and pad: start and length are the dimensions of input 1 */
    int order[LOFI_MAX_RANK];
    int count; /* concat: parts */
    int rank;
    int64_t dims[LOFI_MAX_RANK];
} settings;

/* The index of place `at` of an array along each axis. */
static void index_of(const ops_array *array, int64_t at, int64_t *index) {
    for (int axis = array->rank - 1; axis >= 0; axis--) {
        index[axis] = at % array->dims[axis];
        at /= array->dims[axis];
    }
}

static int64_t place_of(const ops_array *array, const int64_t *index) {
    int64_t at = 0;
    for (int axis = 0; axis < array->rank; axis++) at = at * array->dims[axis] + index[axis];
    return at;
}

/* ---- reshape, permute ---- */

static void build_reshape(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    const settings *s = given;
    /* A view of an input as an output would be copied: the sum with itself makes it a value in between. */
    out[0] = lofi_add(graph, lofi_reshape(graph, in[0], s->rank, s->dims), lofi_full(graph, 1.0f, s->rank, s->dims));
}

static void reference_reshape(const ops_array *in, ops_array *out, const void *given) {
    (void)given;
    for (int64_t at = 0; at < out->count; at++) out->values[at] = in[0].values[at] + 1.0;
}

/* [B, S, 12] to [B * S, 3, 4] and back. */
static void build_reshape_symbols(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    (void)given;
    if (!in[0]) return;
    const lofi_dim *dims = in[0]->shape.dims;
    lofi_dim flat[3] = {lofi_dim_mul(graph, dims[0], dims[1]), 3, 4};
    lofi_tensor *x = lofi_affine(graph, lofi_reshape(graph, in[0], 3, flat), 1.0f, 1.0f);
    out[0] = lofi_reshape(graph, x, 3, dims);
}

static void build_permute(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    const settings *s = given;
    out[0] = lofi_permute(graph, in[0], s->order);
}

static void reference_permute(const ops_array *in, ops_array *out, const void *given) {
    const settings *s = given;
    for (int64_t at = 0; at < out->count; at++) {
        int64_t to[LOFI_MAX_RANK], from[LOFI_MAX_RANK];
        index_of(out, at, to);
        for (int i = 0; i < out->rank; i++) from[s->order[i]] = to[i];
        out->values[at] = in[0].values[place_of(&in[0], from)];
    }
}

/* ---- concat, slice, pad ---- */

static void build_concat(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    const settings *s = given;
    out[0] = lofi_concat(graph, in, s->count, s->axis);
}

static void reference_concat(const ops_array *in, ops_array *out, const void *given) {
    const settings *s = given;
    for (int64_t at = 0; at < out->count; at++) {
        int64_t index[LOFI_MAX_RANK];
        int part = 0;
        index_of(out, at, index);
        while (index[s->axis] >= in[part].dims[s->axis]) index[s->axis] -= in[part++].dims[s->axis];
        out->values[at] = in[part].values[place_of(&in[part], index)];
    }
}

static void window_of(const settings *s, lofi_tensor *const *in, lofi_dim *start, lofi_dim *length) {
    *start = s->symbolic && in[1] ? in[1]->shape.dims[0] : s->start;
    *length = s->symbolic && in[1] ? in[1]->shape.dims[1] : s->length;
}

static void build_slice(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    const settings *s = given;
    lofi_dim start, length;
    window_of(s, in, &start, &length);
    out[0] = lofi_slice(graph, in[0], s->axis, start, length);
}

static void reference_slice(const ops_array *in, ops_array *out, const void *given) {
    const settings *s = given;
    for (int64_t at = 0; at < out->count; at++) {
        int64_t index[LOFI_MAX_RANK];
        index_of(out, at, index);
        index[s->axis] += s->start;
        out->values[at] = in[0].values[place_of(&in[0], index)];
    }
}

static void build_pad(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    const settings *s = given;
    lofi_dim before, after;
    window_of(s, in, &before, &after);
    out[0] = lofi_pad(graph, in[0], s->axis, before, after);
}

static void reference_pad(const ops_array *in, ops_array *out, const void *given) {
    const settings *s = given;
    for (int64_t at = 0; at < out->count; at++) {
        int64_t index[LOFI_MAX_RANK];
        index_of(out, at, index);
        index[s->axis] -= s->start;
        bool inside = index[s->axis] >= 0 && index[s->axis] < in[0].dims[s->axis];
        out->values[at] = inside ? in[0].values[place_of(&in[0], index)] : 0.0;
    }
}

/* Columns of a table, by turning it over first. */
static void build_columns(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    (void)given;
    out[0] = lofi_embedding(graph, in[0], lofi_permute(graph, in[1], (const int[]){1, 0}));
}

static void reference_columns(const ops_array *in, ops_array *out, const void *given) {
    int64_t height = in[1].dims[0], width = in[1].dims[1];
    (void)given;
    for (int64_t at = 0; at < out->count; at++)
        out->values[at] = in[1].values[at % height * width + (int64_t)in[0].values[at / height]];
}

static const settings to_matrix = {.rank = 2, .dims = {6, 4}};
static const settings to_one = {.rank = 0};
static const settings to_five_rows = {.rank = 2, .dims = {5, 5}};
static const settings swap = {.order = {1, 0}};
static const settings heads_first = {.order = {0, 2, 1, 3}};
static const settings last_first = {.order = {3, 1, 0, 2}};
static const settings swap_last = {.order = {0, 2, 1}};
static const settings rotate = {.order = {2, 0, 1}};
static const settings six_axes = {.order = {4, 0, 5, 2, 1, 3}};
static const settings same_order = {.order = {0, 1, 2}};
static const settings axis_twice = {.order = {0, 0, 1}};
static const settings three_parts = {.axis = 1, .count = 3};
static const settings two_parts = {.axis = 0, .count = 2};
static const settings two_parts_last = {.axis = 2, .count = 2};
static const settings far_axis = {.axis = 3, .count = 2, .length = 1};
static const settings middle = {.axis = 1, .start = 2, .length = 3};
static const settings front = {.axis = 0, .start = 0, .length = 1};
static const settings last_two = {.axis = 2, .start = 4, .length = 2};
static const settings by_symbol = {.axis = 1, .start = 2, .length = 3, .symbolic = true};
static const settings nothing = {.axis = 1, .start = 2, .length = 0};
static const settings beyond = {.axis = 1, .start = 4, .length = 4};

/* ---- interpolation: settings hold the symbol of the length, or a number ---- */

typedef struct interpolation {
    const char *symbol; /* NULL: `length` */
    int64_t length;
} interpolation;

static void build_interpolate(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *own) {
    const interpolation *to = own;
    out[0] = lofi_interpolate(graph, in[0], to->symbol ? lofi_dim_symbol(graph, to->symbol) : to->length);
}

static void reference_interpolate(const ops_array *in, ops_array *out, const void *own) {
    (void)own;
    int64_t before = in[0].dims[1], after = out->dims[1], channels = out->dims[2];
    for (int64_t at = 0; at < out->count; at++) {
        int64_t c = at % channels, i = at / channels % after, b = at / channels / after;
        float scale = (float)before / (float)after; /* places are defined in single precision */
        double place = (double)(scale * ((float)i + 0.5f) - 0.5f);
        place = place < 0 ? 0 : place > (double)(before - 1) ? (double)(before - 1) : place;
        int64_t first = (int64_t)place, second = first + 1 < before ? first + 1 : first;
        double weight = place - (double)first, a = in[0].values[(b * before + first) * channels + c];
        out->values[at] = (1 - weight) * a + weight * in[0].values[(b * before + second) * channels + c];
    }
}

static void build_cubic(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *own) {
    const interpolation *to = own;
    out[0] = lofi_interpolate_cubic(graph, in[0], to->length);
}

static double cubic_weight(double x) {
    const double a = -0.75;
    return x <= 1 ? (a + 2) * x * x * x - (a + 3) * x * x + 1 : x < 2 ? a * (x * x * x - 5 * x * x + 8 * x - 4) : 0;
}

static void reference_cubic(const ops_array *in, ops_array *out, const void *own) {
    (void)own;
    int64_t before = in[0].dims[1], after = out->dims[1], channels = out->dims[2];
    float scale = (float)(before - 1) / (float)(after - 1); /* places are defined in single precision */
    for (int64_t at = 0; at < out->count; at++) {
        int64_t c = at % channels, i = at / channels % after, b = at / channels / after;
        double place = (double)(scale * (float)i), sum = 0;
        for (int64_t tap = (int64_t)place - 1; tap <= (int64_t)place + 2; tap++) {
            int64_t from = tap < 0 ? 0 : tap < before ? tap : before - 1;
            double distance = place > (double)tap ? place - (double)tap : (double)tap - place;
            sum += cubic_weight(distance) * in[0].values[(b * before + from) * channels + c];
        }
        out->values[at] = sum;
    }
}

static const interpolation to_symbol = {"S", 0}, to_nothing = {NULL, 0}, to_single = {NULL, 1}, to_eleven = {NULL, 11},
                           to_ninety = {NULL, 90};

#define INTERPOLATE                                                                                                    \
    .op = "interpolate", .build = build_interpolate, .reference = reference_interpolate, .tolerance = OPS_SUM

const ops_case ops_cases_shape[] = {
    {.op = "reshape",
     .name = "to a matrix",
     .inputs = {{"2 3 4"}},
     .outputs = {"6 4"},
     .build = build_reshape,
     .reference = reference_reshape,
     .settings = &to_matrix,
     .gradient = 0x1},
    {.op = "reshape",
     .name = "to no axes",
     .inputs = {{"1 1"}},
     .outputs = {""},
     .build = build_reshape,
     .reference = reference_reshape,
     .settings = &to_one,
     .gradient = 0x1},
    {.op = "reshape",
     .name = "products of symbols",
     .inputs = {{"B=2 S=5 12"}},
     .outputs = {"2 5 12"},
     .build = build_reshape_symbols,
     .reference = reference_reshape,
     .gradient = 0x1},
    {.op = "reshape",
     .name = "another number of elements",
     .inputs = {{"2 3 4"}},
     .build = build_reshape,
     .settings = &to_five_rows,
     .refused = "[2, 3, 4] f32 has not as many elements as [5, 5] f32"},

    {.op = "permute",
     .name = "a matrix",
     .inputs = {{"S=37 41"}},
     .outputs = {"41 37"},
     .build = build_permute,
     .reference = reference_permute,
     .settings = &swap,
     .gradient = 0x1,
     .tolerance = OPS_EXACT},
    {.op = "permute",
     .name = "rows that stay whole",
     .inputs = {{"2 3 5 4"}},
     .outputs = {"2 5 3 4"},
     .build = build_permute,
     .reference = reference_permute,
     .settings = &heads_first,
     .gradient = 0x1,
     .tolerance = OPS_EXACT},
    {.op = "permute",
     .name = "the last axis first",
     .inputs = {{"2 3 5 4"}},
     .outputs = {"4 3 2 5"},
     .build = build_permute,
     .reference = reference_permute,
     .settings = &last_first,
     .gradient = 0x1,
     .tolerance = OPS_EXACT},
    {.op = "permute",
     .name = "the last two of three",
     .inputs = {{"3 19 18"}},
     .outputs = {"3 18 19"},
     .build = build_permute,
     .reference = reference_permute,
     .settings = &swap_last,
     .gradient = 0x1,
     .tolerance = OPS_EXACT},
    {.op = "permute",
     .name = "around",
     .inputs = {{"3 4 5"}},
     .outputs = {"5 3 4"},
     .build = build_permute,
     .reference = reference_permute,
     .settings = &rotate,
     .gradient = 0x1,
     .tolerance = OPS_EXACT},
    {.op = "permute",
     .name = "six axes, some of one",
     .inputs = {{"2 3 1 4 2 1"}},
     .outputs = {"2 2 1 1 3 4"},
     .build = build_permute,
     .reference = reference_permute,
     .settings = &six_axes,
     .gradient = 0x1,
     .tolerance = OPS_EXACT},
    {.op = "permute",
     .name = "nothing moves",
     .inputs = {{"2 3 4"}},
     .outputs = {"2 3 4"},
     .build = build_permute,
     .reference = reference_permute,
     .settings = &same_order,
     .gradient = 0x1,
     .tolerance = OPS_EXACT},
    {.op = "permute",
     .name = "large enough for several threads",
     .inputs = {{"3 130 101"}},
     .outputs = {"3 101 130"},
     .build = build_permute,
     .reference = reference_permute,
     .settings = &swap_last,
     .gradient = 0x1,
     .tolerance = OPS_EXACT},
    {.op = "permute",
     .name = "bands of rows, none a multiple of a square",
     .inputs = {{"2 619 131"}},
     .outputs = {"2 131 619"},
     .build = build_permute,
     .reference = reference_permute,
     .settings = &swap_last,
     .gradient = 0x1,
     .tolerance = OPS_EXACT},
    {.op = "permute",
     .name = "a long axis last, bands through many planes",
     .inputs = {{"9 3 11 1031"}},
     .outputs = {"1031 3 9 11"},
     .build = build_permute,
     .reference = reference_permute,
     .settings = &last_first,
     .gradient = 0x1,
     .tolerance = OPS_EXACT},
    {.op = "permute",
     .name = "fewer columns than a square",
     .inputs = {{"3 5 3000"}},
     .outputs = {"3 3000 5"},
     .build = build_permute,
     .reference = reference_permute,
     .settings = &swap_last,
     .gradient = 0x1,
     .tolerance = OPS_EXACT},
    {.op = "permute",
     .name = "pairs that stay whole",
     .inputs = {{"3 45 67 2"}},
     .outputs = {"3 67 45 2"},
     .build = build_permute,
     .reference = reference_permute,
     .settings = &heads_first,
     .gradient = 0x1,
     .tolerance = OPS_EXACT},
    {.op = "permute",
     .name = "runs of three",
     .inputs = {{"3 45 67 3"}},
     .outputs = {"3 67 45 3"},
     .build = build_permute,
     .reference = reference_permute,
     .settings = &heads_first,
     .gradient = 0x1,
     .tolerance = OPS_EXACT},
    {.op = "permute",
     .name = "16-bit elements, squares",
     .inputs = {{"4", .dtype = LOFI_I64, .fill = OPS_IDS, .bound = 77}, {"613 77", .dtype = LOFI_BF16}},
     .outputs = {"4 613"},
     .onnx_refused = "bf16",
     .build = build_columns,
     .reference = reference_columns,
     .tolerance = OPS_EXACT},
    {.op = "permute",
     .name = "64-bit elements, squares",
     .inputs = {{"2 301 35", .dtype = LOFI_I64, .fill = OPS_IDS, .bound = 99999}},
     .outputs = {"2 35 301"},
     .build = build_permute,
     .reference = reference_permute,
     .settings = &swap_last,
     .tolerance = OPS_EXACT},
    {.op = "permute",
     .name = "16-bit elements",
     .inputs = {{"4", .dtype = LOFI_I64, .fill = OPS_IDS, .bound = 5}, {"7 5", .dtype = LOFI_BF16}},
     .outputs = {"4 7"},
     .onnx_refused = "bf16",
     .build = build_columns,
     .reference = reference_columns,
     .tolerance = OPS_EXACT},
    {.op = "permute",
     .name = "64-bit elements",
     .inputs = {{"3 4 5", .dtype = LOFI_I64, .fill = OPS_IDS, .bound = 99}},
     .outputs = {"5 3 4"},
     .build = build_permute,
     .reference = reference_permute,
     .settings = &rotate,
     .tolerance = OPS_EXACT},
    {.op = "permute",
     .name = "an axis twice",
     .inputs = {{"2 3 4"}},
     .build = build_permute,
     .settings = &axis_twice,
     .refused = "each axis of [2, 3, 4] f32 once, got axis 0 at place 1"},

    {.op = "concat",
     .name = "three parts in the middle, symbolic",
     .inputs = {{"2 S=3 4"}, {"2 1 4"}, {"2 K=5 4"}},
     .outputs = {"2 9 4"},
     .build = build_concat,
     .reference = reference_concat,
     .settings = &three_parts,
     .gradient = 0x7,
     .tolerance = OPS_EXACT},
    {.op = "concat",
     .name = "along the first axis",
     .inputs = {{"2 3"}, {"4 3"}},
     .outputs = {"6 3"},
     .build = build_concat,
     .reference = reference_concat,
     .settings = &two_parts,
     .gradient = 0x3,
     .tolerance = OPS_EXACT},
    {.op = "concat",
     .name = "along the last axis",
     .inputs = {{"2 3 1"}, {"2 3 4"}},
     .outputs = {"2 3 5"},
     .build = build_concat,
     .reference = reference_concat,
     .settings = &two_parts_last,
     .gradient = 0x3,
     .tolerance = OPS_EXACT},
    {.op = "concat",
     .name = "ids",
     .inputs = {{"2", .dtype = LOFI_I64, .fill = OPS_IDS, .bound = 9},
                {"3", .dtype = LOFI_I64, .fill = OPS_IDS, .bound = 9}},
     .outputs = {"5"},
     .build = build_concat,
     .reference = reference_concat,
     .settings = &two_parts,
     .tolerance = OPS_EXACT},
    {.op = "concat",
     .name = "large enough for several threads",
     .inputs = {{"300 200"}, {"300 200"}},
     .outputs = {"600 200"},
     .build = build_concat,
     .reference = reference_concat,
     .settings = &two_parts,
     .gradient = 0x3,
     .tolerance = OPS_EXACT},
    {.op = "concat",
     .name = "parts of different widths",
     .inputs = {{"2 3"}, {"4 4"}},
     .build = build_concat,
     .settings = &two_parts,
     .refused = "part 1 must be as part 0 in all but axis 0, [2, 3] f32, got [4, 4] f32"},
    {.op = "concat",
     .name = "parts of different types",
     .inputs = {{"2 3"}, {"4 3", .dtype = LOFI_F16}},
     .build = build_concat,
     .settings = &two_parts,
     .refused = "got [4, 3] f16"},
    {.op = "concat",
     .name = "an axis that is not there",
     .inputs = {{"2 3"}, {"4 3"}},
     .build = build_concat,
     .settings = &far_axis,
     .refused = "axis 3 is not among those of [2, 3] f32"},

    {.op = "slice",
     .name = "in the middle",
     .inputs = {{"2 S=7 3"}},
     .outputs = {"2 3 3"},
     .build = build_slice,
     .reference = reference_slice,
     .settings = &middle,
     .gradient = 0x1,
     .tolerance = OPS_EXACT},
    {.op = "slice",
     .name = "the front of the first axis",
     .inputs = {{"4 3"}},
     .outputs = {"1 3"},
     .build = build_slice,
     .reference = reference_slice,
     .settings = &front,
     .gradient = 0x1,
     .tolerance = OPS_EXACT},
    {.op = "slice",
     .name = "the end of the last axis",
     .inputs = {{"2 3 6"}},
     .outputs = {"2 3 2"},
     .build = build_slice,
     .reference = reference_slice,
     .settings = &last_two,
     .gradient = 0x1,
     .tolerance = OPS_EXACT},
    {.op = "slice",
     .name = "a symbolic window",
     .inputs = {{"2 S=7 3"}, {"K=2 L=3", .dtype = LOFI_I64}},
     .outputs = {"2 3 3"},
     .build = build_slice,
     .reference = reference_slice,
     .settings = &by_symbol,
     .gradient = 0x1,
     .tolerance = OPS_EXACT},
    {.op = "slice",
     .name = "beyond the end",
     .inputs = {{"2 7 3"}},
     .build = build_slice,
     .settings = &beyond,
     .refused = "4 from 4 on along axis 1 is not inside of [2, 7, 3] f32"},
    {.op = "slice",
     .name = "an axis that is not there",
     .inputs = {{"2 7 3"}},
     .build = build_slice,
     .settings = &far_axis,
     .refused = "axis 3 is not among those of [2, 7, 3] f32"},

    {.op = "pad",
     .name = "before and after",
     .inputs = {{"2 S=4 3"}},
     .outputs = {"2 9 3"},
     .build = build_pad,
     .reference = reference_pad,
     .settings = &middle,
     .gradient = 0x1,
     .tolerance = OPS_EXACT},
    {.op = "pad",
     .name = "only after, first axis",
     .inputs = {{"2 3"}},
     .outputs = {"3 3"},
     .build = build_pad,
     .reference = reference_pad,
     .settings = &front,
     .gradient = 0x1,
     .tolerance = OPS_EXACT},
    {.op = "pad",
     .name = "only before",
     .inputs = {{"2 4 3"}},
     .outputs = {"2 6 3"},
     .build = build_pad,
     .reference = reference_pad,
     .settings = &nothing,
     .gradient = 0x1,
     .tolerance = OPS_EXACT},
    {.op = "pad",
     .name = "symbolic widths",
     .inputs = {{"2 S=4 3"}, {"K=2 L=3", .dtype = LOFI_I64}},
     .outputs = {"2 9 3"},
     .build = build_pad,
     .reference = reference_pad,
     .settings = &by_symbol,
     .gradient = 0x1,
     .tolerance = OPS_EXACT},
    {.op = "pad",
     .name = "an axis that is not there",
     .inputs = {{"2 7 3"}},
     .build = build_pad,
     .settings = &far_axis,
     .refused = "axis 3 is not among those of [2, 7, 3] f32"},
    {INTERPOLATE, .name = "longer", .inputs = {{"B=2 S=5 3"}}, .outputs = {"2 11 3"}, .settings = &to_eleven,
     .gradient = 1, .depth = 12},
    {INTERPOLATE, .name = "shorter", .inputs = {{"B=2 S=29 3"}}, .outputs = {"2 11 3"}, .settings = &to_eleven,
     .gradient = 1, .depth = 12},
    {INTERPOLATE, .name = "the same length", .inputs = {{"B=2 S=7 4"}}, .outputs = {"2 7 4"}, .settings = &to_symbol,
     .gradient = 1, .depth = 12},
    {INTERPOLATE, .name = "from one frame", .inputs = {{"B=2 S=1 4"}}, .outputs = {"2 11 4"}, .settings = &to_eleven,
     .gradient = 1, .depth = 24},
    {INTERPOLATE, .name = "to one frame", .inputs = {{"B=2 S=6 4"}}, .outputs = {"2 1 4"}, .settings = &to_single,
     .gradient = 1, .depth = 12},
    {INTERPOLATE, .name = "wide, for several threads", .inputs = {{"B=1 S=70 1030"}}, .outputs = {"1 90 1030"},
     .settings = &to_ninety, .depth = 12, .gradient = 1},
    {.op = "interpolate",
     .name = "cubic, longer",
     .inputs = {{"B=2 S=7 3"}},
     .outputs = {"2 11 3"},
     .build = build_cubic,
     .reference = reference_cubic,
     .settings = &to_eleven,
     .gradient = 1,
     .tolerance = OPS_SUM,
     .depth = 16},
    {.op = "interpolate",
     .name = "cubic, shorter",
     .inputs = {{"B=1 S=40 3"}},
     .outputs = {"1 11 3"},
     .build = build_cubic,
     .reference = reference_cubic,
     .settings = &to_eleven,
     .gradient = 1,
     .tolerance = OPS_SUM,
     .depth = 16},
    {INTERPOLATE, .name = "to no frame", .inputs = {{"B=2 S=6 4"}}, .settings = &to_nothing,
     .refused = "at least one frame"},
    {INTERPOLATE, .name = "two dimensions", .inputs = {{"S=6 4"}}, .settings = &to_eleven,
     .refused = "x must be [batch, frames, channels]"},
    OPS_END,
};
