/* ops_cases_reduction.c - cases of the operators that repeat, fill, add up and look up elements. */
#include "ops/ops.h"
#include "ops/reduction.h"
#include "ops_harness.h"

typedef struct settings {
    unsigned axes;
    bool keep, share;
    int rank;
    int64_t dims[LOFI_MAX_RANK];
    double value;
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

/* ---- expand, full, sum, mean ---- */

static void build_expand(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    const settings *s = given;
    out[0] = s->share ? lofi_expand_shared(graph, in[0], s->rank, s->dims, true)
                      : lofi_expand(graph, in[0], s->rank, s->dims);
}

/* To the shape of input 1. */
static void build_expand_like(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    (void)given;
    if (in[1]) out[0] = lofi_expand(graph, in[0], in[1]->shape.rank, in[1]->shape.dims);
}

/* Where `in` repeats itself to become the array that `index` points into. */
static int64_t repeated_place(const ops_array *in, int rank, const int64_t *index) {
    int64_t own[LOFI_MAX_RANK];
    for (int i = 0; i < in->rank; i++) own[i] = in->dims[i] == 1 ? 0 : index[rank - in->rank + i];
    return place_of(in, own);
}

static void reference_expand(const ops_array *in, ops_array *out, const void *given) {
    const settings *s = given;
    double divisor = s->share ? (double)(out->count / in[0].count) : 1.0;
    for (int64_t at = 0; at < out->count; at++) {
        int64_t index[LOFI_MAX_RANK];
        index_of(out, at, index);
        out->values[at] = in[0].values[repeated_place(&in[0], out->rank, index)] / divisor;
    }
}

static void build_full(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    const settings *s = given;
    if (in[0]) out[0] = lofi_full(graph, (float)s->value, in[0]->shape.rank, in[0]->shape.dims);
}

static void reference_full(const ops_array *in, ops_array *out, const void *given) {
    const settings *s = given;
    (void)in;
    for (int64_t at = 0; at < out->count; at++) out->values[at] = s->value;
}

static void build_sum(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    const settings *s = given;
    out[0] = lofi_sum(graph, in[0], s->axes, s->keep);
}

static void build_mean(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    const settings *s = given;
    out[0] = lofi_mean(graph, in[0], s->axes, s->keep);
}

static void add_up(const ops_array *in, ops_array *out, const settings *s) {
    for (int64_t at = 0; at < out->count; at++) out->values[at] = 0.0;
    for (int64_t at = 0; at < in->count; at++) {
        int64_t index[LOFI_MAX_RANK], to = 0;
        index_of(in, at, index);
        for (int axis = 0; axis < in->rank; axis++) {
            if (!(s->axes >> axis & 1u)) to = to * in->dims[axis] + index[axis];
        }
        out->values[to] += in->values[at];
    }
}

static void reference_sum(const ops_array *in, ops_array *out, const void *given) {
    add_up(&in[0], out, given);
}

static void reference_mean(const ops_array *in, ops_array *out, const void *given) {
    add_up(&in[0], out, given);
    for (int64_t at = 0; at < out->count; at++) out->values[at] /= (double)(in[0].count / out->count);
}

/* To the shape of input 1. */
static void build_sum_to(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    (void)given;
    if (in[1]) out[0] = lofi_sum_to(graph, in[0], &in[1]->shape);
}

static void reference_sum_to(const ops_array *in, ops_array *out, const void *given) {
    (void)given;
    for (int64_t at = 0; at < out->count; at++) out->values[at] = 0.0;
    for (int64_t at = 0; at < in[0].count; at++) {
        int64_t index[LOFI_MAX_RANK];
        index_of(&in[0], at, index);
        out->values[repeated_place(out, in[0].rank, index)] += in[0].values[at];
    }
}

/* ---- embedding ---- */

static void build_embedding(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    (void)given;
    out[0] = lofi_embedding(graph, in[0], in[1]);
}

static void reference_embedding(const ops_array *in, ops_array *out, const void *given) {
    int64_t width = in[1].dims[1];
    (void)given;
    for (int64_t at = 0; at < out->count; at++)
        out->values[at] = in[1].values[(int64_t)in[0].values[at / width] * width + at % width];
}

static const settings to_cube = {.rank = 3, .dims = {2, 3, 4}};
static const settings to_cube_shared = {.rank = 3, .dims = {2, 3, 4}, .share = true};
static const settings doubled = {.rank = 6, .dims = {2, 30, 17, 2, 37, 2}};
static const settings tripled_shared = {.rank = 6, .dims = {2, 3, 5, 3, 7, 3}, .share = true};
static const settings long_channels = {.rank = 4, .dims = {5, 3, 2, 20011}};
static const settings long_channels_shared = {.rank = 3, .dims = {3, 2, 20011}, .share = true};
static const settings to_vector = {.rank = 1, .dims = {4}};
static const settings no_settings = {.rank = 0};
static const settings seven = {.value = -7.5};
static const settings sum_last = {.axes = 0x4};
static const settings sum_last_keep = {.axes = 0x4, .keep = true};
static const settings sum_first = {.axes = 0x1};
static const settings sum_middle = {.axes = 0x2, .keep = true};
static const settings sum_all = {.axes = 0x7};
static const settings sum_line = {.axes = 0x1, .keep = true};
static const settings sum_none = {.axes = 0x0};
static const settings sum_alternating = {.axes = 0x5};
static const settings sum_others = {.axes = 0xA};
static const settings sum_fourth = {.axes = 0x8};

const ops_case ops_cases_reduction[] = {
    {.op = "expand",
     .name = "a row",
     .inputs = {{"4"}},
     .outputs = {"2 3 4"},
     .build = build_expand,
     .reference = reference_expand,
     .settings = &to_cube,
     .gradient = 0x1},
    {.op = "expand",
     .name = "a column",
     .inputs = {{"3 1"}},
     .outputs = {"2 3 4"},
     .build = build_expand,
     .reference = reference_expand,
     .settings = &to_cube,
     .gradient = 0x1},
    {.op = "expand",
     .name = "the middle axis",
     .inputs = {{"2 1 4"}},
     .outputs = {"2 3 4"},
     .build = build_expand,
     .reference = reference_expand,
     .settings = &to_cube,
     .gradient = 0x1},
    {.op = "expand",
     .name = "one number",
     .inputs = {{""}},
     .outputs = {"2 3 4"},
     .build = build_expand,
     .reference = reference_expand,
     .settings = &to_cube,
     .gradient = 0x1},
    {.op = "expand",
     .name = "each with its share",
     .inputs = {{"2 1 4"}},
     .outputs = {"2 3 4"},
     .build = build_expand,
     .reference = reference_expand,
     .settings = &to_cube_shared,
     .gradient = 0x1,
     .onnx_refused = "gradient"},
    {.op = "expand",
     .name = "to symbols",
     .inputs = {{"S=3 1"}, {"B=2 S=3 K=5", .dtype = LOFI_I64}},
     .outputs = {"2 3 5"},
     .build = build_expand_like,
     .reference = reference_expand,
     .settings = &no_settings,
     .gradient = 0x1},
    {.op = "expand",
     .name = "large enough for several threads",
     .inputs = {{"200 1"}, {"200 150", .dtype = LOFI_I64}},
     .outputs = {"200 150"},
     .build = build_expand_like,
     .reference = reference_expand,
     .settings = &no_settings,
     .gradient = 0x1},
    {.op = "expand",
     .name = "doubled along two axes",
     .inputs = {{"2 30 17 1 37 1"}},
     .outputs = {"2 30 17 2 37 2"},
     .build = build_expand,
     .reference = reference_expand,
     .settings = &doubled,
     .gradient = 0x1,
     .depth = 4},
    {.op = "expand",
     .name = "three times along two axes, each with its share",
     .inputs = {{"2 3 5 1 7 1"}},
     .outputs = {"2 3 5 3 7 3"},
     .build = build_expand,
     .reference = reference_expand,
     .settings = &tripled_shared,
     .gradient = 0x1,
     .depth = 9,
     .onnx_refused = "gradient"},
    {.op = "expand",
     .name = "rows longer than a block",
     .inputs = {{"3 1 20011"}},
     .outputs = {"5 3 2 20011"},
     .build = build_expand,
     .reference = reference_expand,
     .settings = &long_channels,
     .gradient = 0x1,
     .depth = 10},
    {.op = "expand",
     .name = "rows longer than a block, each with its share",
     .inputs = {{"3 1 20011"}},
     .outputs = {"3 2 20011"},
     .build = build_expand,
     .reference = reference_expand,
     .settings = &long_channels_shared,
     .gradient = 0x1,
     .onnx_refused = "gradient"},
    {.op = "expand",
     .name = "another size",
     .inputs = {{"5"}},
     .build = build_expand,
     .settings = &to_cube,
     .refused = "[5] f32 cannot be repeated to [2, 3, 4] f32"},
    {.op = "expand",
     .name = "to fewer axes",
     .inputs = {{"1 4"}},
     .build = build_expand,
     .settings = &to_vector,
     .refused = "[1, 4] f32 cannot be repeated to [4] f32"},
    {.op = "full",
     .name = "symbolic shape",
     .inputs = {{"S=3 2", .dtype = LOFI_I64}},
     .outputs = {"3 2"},
     .build = build_full,
     .reference = reference_full,
     .settings = &seven,
     .tolerance = OPS_EXACT},

    {.op = "sum",
     .name = "the last axis",
     .inputs = {{"B=2 S=3 11"}},
     .outputs = {"2 3"},
     .build = build_sum,
     .reference = reference_sum,
     .settings = &sum_last,
     .gradient = 0x1},
    {.op = "sum",
     .name = "the first axis",
     .inputs = {{"S=5 3 150"}},
     .outputs = {"3 150"},
     .build = build_sum,
     .reference = reference_sum,
     .settings = &sum_first,
     .gradient = 0x1},
    {.op = "sum",
     .name = "the middle axis stays as one",
     .inputs = {{"2 5 3"}},
     .outputs = {"2 1 3"},
     .build = build_sum,
     .reference = reference_sum,
     .settings = &sum_middle,
     .gradient = 0x1},
    {.op = "sum",
     .name = "everything",
     .inputs = {{"2 S=5 3"}},
     .outputs = {""},
     .build = build_sum,
     .reference = reference_sum,
     .settings = &sum_all,
     .gradient = 0x1},
    {.op = "sum",
     .name = "everything, several chunks",
     .inputs = {{"70001"}},
     .outputs = {"1"},
     .build = build_sum,
     .reference = reference_sum,
     .settings = &sum_line,
     .gradient = 0x1},
    {.op = "sum",
     .name = "rows of several chunks",
     .inputs = {{"1 3 40000"}},
     .outputs = {"1 3 1"},
     .build = build_sum,
     .reference = reference_sum,
     .settings = &sum_last_keep,
     .gradient = 0x1},
    {.op = "sum",
     .name = "columns for several threads",
     .inputs = {{"300 1 400"}},
     .outputs = {"1 400"},
     .build = build_sum,
     .reference = reference_sum,
     .settings = &sum_first,
     .gradient = 0x1},
    {.op = "sum",
     .name = "no axis",
     .inputs = {{"2 3"}},
     .outputs = {"2 3"},
     .build = build_sum,
     .reference = reference_sum,
     .settings = &sum_none,
     .gradient = 0x1},
    {.op = "sum",
     .name = "first and last of three",
     .inputs = {{"3 4 5"}},
     .outputs = {"4"},
     .build = build_sum,
     .reference = reference_sum,
     .settings = &sum_alternating,
     .gradient = 0x1},
    {.op = "sum",
     .name = "every other of four",
     .inputs = {{"2 3 4 5"}},
     .outputs = {"2 4"},
     .build = build_sum,
     .reference = reference_sum,
     .settings = &sum_others,
     .gradient = 0x1},
    {.op = "sum",
     .name = "to a row",
     .inputs = {{"2 S=3 4"}, {"4", .dtype = LOFI_I64}},
     .outputs = {"4"},
     .build = build_sum_to,
     .reference = reference_sum_to,
     .gradient = 0x1},
    {.op = "sum",
     .name = "to a column",
     .inputs = {{"2 3 4"}, {"3 1", .dtype = LOFI_I64}},
     .outputs = {"3 1"},
     .build = build_sum_to,
     .reference = reference_sum_to,
     .gradient = 0x1},
    {.op = "sum",
     .name = "to one number",
     .inputs = {{"2 3"}, {"", .dtype = LOFI_I64}},
     .outputs = {""},
     .build = build_sum_to,
     .reference = reference_sum_to,
     .gradient = 0x1},
    {.op = "sum",
     .name = "an axis that is not there",
     .inputs = {{"2 3"}},
     .build = build_sum,
     .settings = &sum_fourth,
     .refused = "the axes 0x8 are not all among those of [2, 3] f32"},
    {.op = "sum",
     .name = "16-bit numbers",
     .inputs = {{"2 3 4", .dtype = LOFI_BF16}},
     .build = build_sum,
     .settings = &sum_last,
     .refused = "got [2, 3, 4] bf16"},
    {.op = "mean",
     .name = "the last axis stays as one",
     .inputs = {{"2 S=3 7"}},
     .outputs = {"2 3 1"},
     .build = build_mean,
     .reference = reference_mean,
     .settings = &sum_last_keep,
     .gradient = 0x1},
    {.op = "mean",
     .name = "a symbolic axis",
     .inputs = {{"S=5 3 4"}},
     .outputs = {"3 4"},
     .build = build_mean,
     .reference = reference_mean,
     .settings = &sum_first,
     .gradient = 0x1},
    {.op = "mean",
     .name = "everything",
     .inputs = {{"2 S=5 3"}},
     .outputs = {""},
     .build = build_mean,
     .reference = reference_mean,
     .settings = &sum_all,
     .gradient = 0x1},
    {.op = "mean",
     .name = "an axis that is not there",
     .inputs = {{"2 3"}},
     .build = build_mean,
     .settings = &sum_fourth,
     .refused = "the axes 0x8 are not all among those of [2, 3] f32"},

    {.op = "embedding",
     .name = "a table in f32",
     .inputs = {{"B=2 S=3", .dtype = LOFI_I64, .fill = OPS_IDS, .bound = 7}, {"7 5", .parameter = true}},
     .outputs = {"2 3 5"},
     .build = build_embedding,
     .reference = reference_embedding,
     .tolerance = OPS_EXACT},
    {.op = "embedding",
     .name = "a table in bf16",
     .inputs = {{"4", .dtype = LOFI_I64, .fill = OPS_IDS, .bound = 7}, {"7 5", .dtype = LOFI_BF16, .parameter = true}},
     .outputs = {"4 5"},
     .build = build_embedding,
     .reference = reference_embedding,
     .tolerance = OPS_EXACT},
    {.op = "embedding",
     .name = "a table in f16",
     .inputs = {{"4", .dtype = LOFI_I64, .fill = OPS_IDS, .bound = 7}, {"7 5", .dtype = LOFI_F16, .parameter = true}},
     .outputs = {"4 5"},
     .build = build_embedding,
     .reference = reference_embedding,
     .tolerance = OPS_EXACT},
    {.op = "embedding",
     .name = "ids in f32",
     .inputs = {{"4"}, {"7 5"}},
     .build = build_embedding,
     .refused = "the ids must be i64 of up to 5 axes, got [4] f32"},
    {.op = "embedding",
     .name = "a table of one axis",
     .inputs = {{"4", .dtype = LOFI_I64, .fill = OPS_IDS, .bound = 7}, {"7"}},
     .build = build_embedding,
     .refused = "the table must be [rows, width]"},
    OPS_END,
};
