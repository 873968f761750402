/* ops_cases_position.c - cases of rotary embedding, position biases and sinusoids. */
#include <math.h>

#include "ops/ops.h"
#include "ops_harness.h"

typedef struct settings {
    int heads;
    int width;    /* of a table; relative_bias: the largest distance */
    float number; /* theta */
} settings;

/* ---- rotary embedding ---- */

static void build_rope(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    const settings *s = given;
    out[0] = lofi_rope(graph, in[0], in[1], in[2], s->heads);
}

static void reference_rope(const ops_array *in, ops_array *out, const void *given) {
    const settings *s = given;
    int64_t length = in[0].dims[1], width = in[0].dims[2] / s->heads;
    for (int64_t at = 0; at < out->count; at += 2) {
        int64_t position = at / (width * s->heads) % length, even = position * width + at % width, odd = even + 1;
        const double *x = in[0].values + at, *cosine = in[1].values, *sine = in[2].values;
        out->values[at] = x[0] * cosine[even] - x[1] * sine[even];
        out->values[at + 1] = x[1] * cosine[odd] + x[0] * sine[odd];
    }
}

/* in[0] only gives the number of positions. */
static void build_rotary_table(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    const settings *s = given;
    lofi_rotary_table(graph, in[0] ? in[0]->shape.dims[0] : 0, s->width, s->number, &out[0], &out[1]);
}

static void reference_rotary_table(const ops_array *in, ops_array *out, const void *given) {
    const settings *s = given;
    (void)in;
    for (int64_t at = 0; at < out[0].count; at++) {
        int64_t position = at / s->width, column = at % s->width % (s->width / 2);
        float inverse = 1.0f / (float)pow((double)s->number, (double)((float)(2 * column) / (float)s->width));
        out[0].values[at] = cos((double)((float)position * inverse));
        out[1].values[at] = sin((double)((float)position * inverse));
    }
}

/* ---- positions ---- */

static void build_relative_bias(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    const settings *s = given;
    out[0] = lofi_relative_bias(graph, in[0], in[1] ? in[1]->shape.dims[0] : 0, s->width);
}

/* T5's buckets for 8 buckets and distances up to 20, counted by hand from bucket = 2 + floor(2 ln(distance / 2) / ln 10). */
static int bucket_by_hand(int64_t distance) {
    int64_t far = distance < 0 ? -distance : distance;
    int bucket = far < 2 ? (int)far : far < 7 ? 2 : 3;
    return bucket + (distance > 0 ? 4 : 0);
}

static void reference_relative_bias(const ops_array *in, ops_array *out, const void *given) {
    int64_t heads = out->dims[0], length = out->dims[1];
    (void)given;
    for (int64_t at = 0; at < out->count; at++) {
        int64_t h = at / (length * length), i = at / length % length, j = at % length;
        out->values[at] = in[0].values[bucket_by_hand(j - i) * heads + h];
    }
}

static void build_relative_positions(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    const settings *s = given;
    out[0] = lofi_relative_positions(graph, in[0] ? in[0]->shape.dims[0] : 0, s->width);
}

static void reference_relative_positions(const ops_array *in, ops_array *out, const void *given) {
    const settings *s = given;
    (void)in;
    for (int64_t at = 0; at < out->count; at++) {
        int64_t position = (out->dims[0] + 1) / 2 - 1 - at / s->width, column = at % s->width;
        float exponent = (float)(column / 2 * 2) * (float)(-log(10000.0) / s->width);
        double angle = (double)((float)position * (float)exp((double)exponent));
        out->values[at] = column % 2 == 0 ? sin(angle) : cos(angle);
    }
}

static void build_sinusoid(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    const settings *s = given;
    out[0] = lofi_timestep_sinusoid(graph, in[0], s->width);
}

static void reference_sinusoid(const ops_array *in, ops_array *out, const void *given) {
    const settings *s = given;
    int64_t half = s->width / 2;
    for (int64_t at = 0; at < out->count; at++) {
        int64_t column = at % s->width;
        float exponent = (float)-log(10000.0) * (float)(column % half) / (float)half;
        double angle = (double)((float)in[0].values[at / s->width] * (float)exp((double)exponent));
        out->values[at] = column < half ? cos(angle) : sin(angle);
    }
}

static const settings one_head = {.heads = 1};
static const settings three_heads = {.heads = 3};
static const settings table = {.width = 6, .number = 1000000.0f};
static const settings odd_table = {.width = 5, .number = 10000.0f};
static const settings buckets = {.width = 20};
static const settings narrow_buckets = {.width = 2};
static const settings six_wide = {.width = 6};
static const settings odd_width = {.width = 7};

/* ---- windows of a picture ---- */

static void build_window_bias(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    const lofi_window_bias_attributes *a = given;
    out[0] = lofi_window_bias(graph, in[0], *a);
}

/* Where a place of the rolled picture was before, and so whether two of them were neighbours. */
static int64_t before_rolling(int64_t at, int64_t size, int64_t shift) {
    return (at + shift) % size;
}

static bool far_apart(const lofi_window_bias_attributes *a, int64_t window, int64_t i, int64_t j) {
    int64_t across = a->width / a->window, w = a->window;
    int64_t top = window / across * w, left = window % across * w;
    int64_t down = before_rolling(top + i / w, a->height, a->shift) - before_rolling(top + j / w, a->height, a->shift);
    int64_t right = before_rolling(left + i % w, a->width, a->shift) - before_rolling(left + j % w, a->width, a->shift);
    return down != i / w - j / w || right != i % w - j % w;
}

static void reference_window_bias(const ops_array *in, ops_array *out, const void *given) {
    const lofi_window_bias_attributes *a = given;
    int64_t heads = out->dims[1], places = out->dims[2], w = a->window;
    for (int64_t at = 0; at < out->count; at++) {
        int64_t j = at % places, i = at / places % places, head = at / places / places % heads;
        int64_t row = (i / w - j / w + w - 1) * (2 * w - 1) + i % w - j % w + w - 1;
        bool apart = a->shift && far_apart(a, at / places / places / heads, i, j);
        out->values[at] = in[0].values[row * heads + head] + (apart ? -100 : 0);
    }
}

static const lofi_window_bias_attributes still = {.window = 3}, rolled = {3, 1, 6, 9}, rolled_once = {4, 2, 4, 8},
                                         uneven = {3, 1, 6, 8}, large = {8, 4, 32, 24}, too_far = {3, 3, 6, 9};

#define WINDOW_BIAS                                                                                                    \
    .op = "window_bias", .build = build_window_bias, .reference = reference_window_bias, .tolerance = OPS_ELEMENT

const ops_case ops_cases_position[] = {
    /* rope */
    {.op = "rope",
     .name = "three heads, angles of their own",
     .inputs = {{"B=2 S=5 12"}, {"S=5 4"}, {"S=5 4"}},
     .outputs = {"2 5 12"},
     .build = build_rope,
     .reference = reference_rope,
     .settings = &three_heads,
     .gradient = 0x1},
    {.op = "rope",
     .name = "one head, one pair",
     .inputs = {{"1 3 2"}, {"3 2"}, {"3 2"}},
     .outputs = {"1 3 2"},
     .build = build_rope,
     .reference = reference_rope,
     .settings = &one_head,
     .gradient = 0x1},
    {.op = "rope",
     .name = "heads of odd width",
     .inputs = {{"1 3 9"}, {"3 3"}, {"3 3"}},
     .build = build_rope,
     .settings = &three_heads,
     .refused = "3 heads of an even width, got [1, 3, 9] f32"},
    {.op = "rope",
     .name = "a short table",
     .inputs = {{"1 3 12"}, {"2 4"}, {"3 4"}},
     .build = build_rope,
     .settings = &three_heads,
     .refused = "the table of cosines must be [3, 4] f32"},
    {.op = "rope",
     .name = "a table as wide as all heads",
     .inputs = {{"1 3 12"}, {"3 4"}, {"3 12"}},
     .build = build_rope,
     .settings = &three_heads,
     .refused = "the table of sines must be [3, 4] f32"},
    {.op = "rotary_table",
     .name = "seven positions",
     .inputs = {{"S=7", .dtype = LOFI_I64}},
     .outputs = {"7 6", "7 6"},
     .build = build_rotary_table,
     .reference = reference_rotary_table,
     .settings = &table,
     .tolerance = OPS_EXACT},
    {.op = "rotary_table",
     .name = "an odd width",
     .inputs = {{"S=7", .dtype = LOFI_I64}},
     .build = build_rotary_table,
     .settings = &odd_table,
     .refused = "must be even, got 5"},

    /* positions */
    {.op = "relative_bias",
     .name = "eight buckets",
     .inputs = {{"8 3"}, {"S=25", .dtype = LOFI_I64}},
     .outputs = {"3 25 25"},
     .build = build_relative_bias,
     .reference = reference_relative_bias,
     .settings = &buckets,
     .tolerance = OPS_EXACT},
    {.op = "relative_bias",
     .name = "a table in bf16",
     .inputs = {{"8 2", .dtype = LOFI_BF16, .parameter = true}, {"S=3", .dtype = LOFI_I64}},
     .outputs = {"2 3 3"},
     .build = build_relative_bias,
     .reference = reference_relative_bias,
     .settings = &buckets,
     .tolerance = OPS_EXACT},
    {.op = "relative_bias",
     .name = "a table in f16",
     .inputs = {{"8 2", .dtype = LOFI_F16, .parameter = true}, {"S=1", .dtype = LOFI_I64}},
     .outputs = {"2 1 1"},
     .build = build_relative_bias,
     .reference = reference_relative_bias,
     .settings = &buckets,
     .tolerance = OPS_EXACT},
    {.op = "relative_bias",
     .name = "six buckets",
     .inputs = {{"6 3"}, {"S=4", .dtype = LOFI_I64}},
     .build = build_relative_bias,
     .settings = &buckets,
     .refused = "a multiple of 4 buckets, got [6, 3] f32"},
    {.op = "relative_bias",
     .name = "a largest distance inside of the exact buckets",
     .inputs = {{"8 3"}, {"S=4", .dtype = LOFI_I64}},
     .build = build_relative_bias,
     .settings = &narrow_buckets,
     .refused = "must be above 2"},
    {.op = "relative_positions",
     .name = "five positions",
     .inputs = {{"S=5", .dtype = LOFI_I64}},
     .outputs = {"9 6"},
     .build = build_relative_positions,
     .reference = reference_relative_positions,
     .settings = &six_wide,
     .tolerance = OPS_EXACT},
    {.op = "relative_positions",
     .name = "one position",
     .inputs = {{"S=1", .dtype = LOFI_I64}},
     .outputs = {"1 6"},
     .build = build_relative_positions,
     .reference = reference_relative_positions,
     .settings = &six_wide,
     .tolerance = OPS_EXACT},
    {.op = "relative_positions",
     .name = "an odd width",
     .inputs = {{"S=5", .dtype = LOFI_I64}},
     .build = build_relative_positions,
     .settings = &odd_width,
     .refused = "must be even, got 7"},
    {.op = "timestep_sinusoid",
     .name = "three timesteps",
     .inputs = {{"B=3", .fill = OPS_LARGE}},
     .outputs = {"3 6"},
     .build = build_sinusoid,
     .reference = reference_sinusoid,
     .settings = &six_wide,
     .tolerance = OPS_EXACT},
    {.op = "timestep_sinusoid",
     .name = "an odd width",
     .inputs = {{"B=3"}},
     .build = build_sinusoid,
     .settings = &odd_width,
     .refused = "must be even, got 7"},
    {.op = "timestep_sinusoid",
     .name = "timesteps as a matrix",
     .inputs = {{"3 1"}},
     .build = build_sinusoid,
     .settings = &six_wide,
     .refused = "the timesteps must be [batch] f32, got [3, 1] f32"},
    {WINDOW_BIAS, .name = "one window", .inputs = {{"25 2"}}, .outputs = {"1 2 9 9"}, .settings = &still},
    {WINDOW_BIAS, .name = "a rolled picture", .inputs = {{"25 2"}}, .outputs = {"6 2 9 9"}, .settings = &rolled},
    {WINDOW_BIAS, .name = "rolled, one window high", .inputs = {{"49 3"}}, .outputs = {"2 3 16 16"},
     .settings = &rolled_once},
    {WINDOW_BIAS, .name = "large enough for several threads", .inputs = {{"225 3"}}, .outputs = {"12 3 64 64"},
     .settings = &large},
    {WINDOW_BIAS, .name = "a table of another size", .inputs = {{"24 2"}}, .settings = &still,
     .refused = "the table must be f32 [25, heads], got [24, 2] f32"},
    {WINDOW_BIAS, .name = "a picture that is not made of windows", .inputs = {{"25 2"}}, .settings = &uneven,
     .refused = "a picture of 6 x 8 is not made of windows of 3"},
    {WINDOW_BIAS, .name = "a shift of a whole window", .inputs = {{"25 2"}}, .settings = &too_far,
     .refused = "a window of 3 with a shift of 3 is none"},
    OPS_END,
};
