/* ops_cases_attention.c - cases of the attention operators and their gradients. */
#include <math.h>
#include <stdlib.h>

#include "ops/backward_attention.h"
#include "ops/ops.h"
#include "ops_harness.h"

typedef struct settings {
    int heads;
    float number;  /* scale of attention, epsilon of linear attention */
    bool relative; /* attention with relative positions */
    bool gradient; /* input 3 is d loss / d out */
} settings;

/* The mask of place i of batch entry b: 1 without a mask, 0 for entries that the mask lacks (see `padded`). */
static double mask_at(const ops_array *mask, int64_t b, int64_t i) {
    if (!mask || !mask->values) return 1.0;
    return b < mask->dims[0] ? mask->values[b * mask->dims[1] + i] : 0.0;
}

/* A mask of one batch entry less than there are: the last one is masked as a whole. */
static lofi_tensor *padded(lofi_graph *graph, const lofi_tensor *q, lofi_tensor *mask) {
    bool lacking = q && mask && mask->shape.dims[0] == 1 && q->shape.dims[0] == 2;
    return lacking ? lofi_pad(graph, mask, 0, 0, 1) : mask;
}

/* ---- softmax attention, plain and with relative positions ---- */

/* Inputs of a case by what they are. */
typedef struct parts {
    const double *q, *k, *v, *dout, *bias, *positions, *u, *w;
    const ops_array *query_mask, *key_mask;
    int64_t batch, queries, keys, heads, width, windows;
    double scale;
} parts;

static parts parts_of(const ops_array *in, const settings *s) {
    int after = s->gradient ? 4 : 3;
    parts p = {.q = in[0].values, .k = in[1].values, .v = in[2].values, .heads = s->heads};
    p.batch = in[0].dims[0], p.queries = in[0].dims[1], p.keys = in[1].dims[1];
    p.width = in[0].dims[2] / s->heads;
    p.dout = s->gradient ? in[3].values : NULL;
    if (s->relative) {
        p.positions = in[after].values, p.u = in[after + 1].values, p.w = in[after + 2].values;
        p.key_mask = &in[after + 3];
        p.scale = 1.0 / sqrt((double)p.width);
    } else {
        p.windows = in[after].rank == 4 ? in[after].dims[0] : 1;
        p.bias = in[after].values, p.query_mask = &in[after + 1], p.key_mask = &in[after + 2];
        p.scale = (double)s->number;
    }
    return p;
}

static int64_t query_at(const parts *p, int64_t b, int64_t i, int64_t h) {
    return ((b * p->queries + i) * p->heads + h) * p->width;
}

static int64_t key_at(const parts *p, int64_t b, int64_t j, int64_t h) {
    return ((b * p->keys + j) * p->heads + h) * p->width;
}

static int64_t position_at(const parts *p, int64_t i, int64_t j, int64_t h) {
    return ((p->queries - 1 - i + j) * p->heads + h) * p->width;
}

static double score_of(const parts *p, int64_t b, int64_t h, int64_t i, int64_t j) {
    const double *q = p->q + query_at(p, b, i, h), *k = p->k + key_at(p, b, j, h);
    double sum = 0.0;
    for (int64_t c = 0; c < p->width; c++) {
        sum += (q[c] + (p->u ? p->u[h * p->width + c] : 0.0)) * k[c];
        if (p->positions) sum += (q[c] + p->w[h * p->width + c]) * p->positions[position_at(p, i, j, h) + c];
    }
    int64_t place = p->bias ? ((b % p->windows * p->heads + h) * p->queries + i) * p->keys + j : 0;
    return p->scale * sum + (p->bias ? p->bias[place] : 0.0);
}

/* The probabilities of row i; all zero when nothing takes part. */
static void row_of(const parts *p, int64_t b, int64_t h, int64_t i, double *row) {
    double maximum = -INFINITY, sum = 0.0;
    bool masked = mask_at(p->query_mask, b, i) == 0.0;
    for (int64_t j = 0; j < p->keys; j++) {
        bool takes_part = !masked && mask_at(p->key_mask, b, j) != 0.0;
        row[j] = takes_part ? score_of(p, b, h, i, j) : -INFINITY;
        maximum = fmax(maximum, row[j]);
    }
    for (int64_t j = 0; j < p->keys; j++) {
        row[j] = row[j] == -INFINITY ? 0.0 : exp(row[j] - maximum);
        sum += row[j];
    }
    for (int64_t j = 0; j < p->keys; j++) row[j] = sum > 0.0 ? row[j] / sum : 0.0;
}

static void zero(ops_array *out) {
    for (int64_t i = 0; i < out->count; i++) out->values[i] = 0.0;
}

static void forward_row(const parts *p, int64_t b, int64_t h, int64_t i, const double *row, double *out) {
    for (int64_t j = 0; j < p->keys; j++) {
        for (int64_t c = 0; c < p->width; c++) out[query_at(p, b, i, h) + c] += row[j] * p->v[key_at(p, b, j, h) + c];
    }
}

/* Adds what row i contributes to the gradients; d is room for the row. */
static void backward_row(const parts *p, int64_t b, int64_t h, int64_t i, const double *row, double *d, double *dq,
                         double *dk, double *dv) {
    int64_t q_at = query_at(p, b, i, h), head = h * p->width;
    double dot = 0.0;
    for (int64_t j = 0; j < p->keys; j++) {
        d[j] = 0.0;
        for (int64_t c = 0; c < p->width; c++) {
            d[j] += p->dout[q_at + c] * p->v[key_at(p, b, j, h) + c];
            dv[key_at(p, b, j, h) + c] += row[j] * p->dout[q_at + c];
        }
        dot += row[j] * d[j];
    }
    for (int64_t j = 0; j < p->keys; j++) {
        double ds = p->scale * row[j] * (d[j] - dot);
        for (int64_t c = 0; c < p->width; c++) {
            int64_t k_at = key_at(p, b, j, h) + c;
            dq[q_at + c] += ds * (p->k[k_at] + (p->positions ? p->positions[position_at(p, i, j, h) + c] : 0.0));
            dk[k_at] += ds * (p->q[q_at + c] + (p->u ? p->u[head + c] : 0.0));
        }
    }
}

static void reference_softmax(const ops_array *in, ops_array *out, const void *given) {
    const settings *s = given;
    parts p = parts_of(in, s);
    double *row = calloc((size_t)(2 * p.keys), sizeof *row);
    if (!row) abort();
    for (int o = 0; o < (s->gradient ? 3 : 1); o++) zero(&out[o]);
    for (int64_t b = 0; b < p.batch; b++) {
        for (int64_t h = 0; h < p.heads; h++) {
            for (int64_t i = 0; i < p.queries; i++) {
                row_of(&p, b, h, i, row);
                if (s->gradient) {
                    backward_row(&p, b, h, i, row, row + p.keys, out[0].values, out[1].values, out[2].values);
                } else {
                    forward_row(&p, b, h, i, row, out[0].values);
                }
            }
        }
    }
    free(row);
}

static void build_attention(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    const settings *s = given;
    out[0] = lofi_attention(graph, in[0], in[1], in[2], in[3], padded(graph, in[0], in[4]), padded(graph, in[0], in[5]),
                            s->heads, s->number);
}

static void build_attention_gradient(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    const settings *s = given;
    lofi_attention_gradient(graph, in[0], in[1], in[2], in[3], in[4], in[5], in[6], s->heads, s->number, out);
}

static void build_relative(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    const settings *s = given;
    out[0] = lofi_relative_attention(graph, in[0], in[1], in[2], in[3], in[4], in[5], padded(graph, in[0], in[6]),
                                     s->heads);
}

static void build_relative_gradient(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    const settings *s = given;
    lofi_relative_attention_gradient(graph, in[0], in[1], in[2], in[3], in[4], in[5], in[6],
                                     padded(graph, in[0], in[7]), s->heads, out);
}

/* ---- linear attention ---- */

typedef struct linear_parts {
    const double *q, *k, *v, *dout;
    const ops_array *mask;
    int64_t batch, length, heads, width;
    double epsilon;
} linear_parts;

static linear_parts linear_parts_of(const ops_array *in, const settings *s) {
    linear_parts p = {.q = in[0].values, .k = in[1].values, .v = in[2].values, .heads = s->heads};
    p.dout = s->gradient ? in[3].values : NULL;
    p.mask = &in[s->gradient ? 4 : 3];
    p.batch = in[0].dims[0], p.length = in[0].dims[1], p.width = in[0].dims[2] / s->heads;
    p.epsilon = (double)s->number;
    return p;
}

static double masked(const linear_parts *p, const double *x, int64_t b, int64_t i, int64_t h, int64_t c) {
    return mask_at(p->mask, b, i) * x[((b * p->length + i) * p->heads + h) * p->width + c];
}

static double rectified(const linear_parts *p, const double *x, int64_t b, int64_t i, int64_t h, int64_t c) {
    return fmax(masked(p, x, b, i, h, c), 0.0);
}

static double pair_of(const linear_parts *p, int64_t b, int64_t i, int64_t j, int64_t h) {
    double sum = 0.0;
    for (int64_t c = 0; c < p->width; c++) sum += rectified(p, p->q, b, i, h, c) * rectified(p, p->k, b, j, h, c);
    return sum;
}

static double denominator_of(const linear_parts *p, int64_t b, int64_t i, int64_t h) {
    double sum = 0.0;
    for (int64_t j = 0; j < p->length; j++) sum += pair_of(p, b, i, j, h);
    return sum;
}

static void linear_row(const linear_parts *p, int64_t b, int64_t h, int64_t i, double *out) {
    double denominator = denominator_of(p, b, i, h) + p->epsilon;
    for (int64_t j = 0; j < p->length; j++) {
        double weight = pair_of(p, b, i, j, h) / denominator;
        for (int64_t c = 0; c < p->width; c++) out[c] += weight * masked(p, p->v, b, j, h, c);
    }
}

static void reference_linear(const ops_array *in, ops_array *out, const void *given) {
    linear_parts p = linear_parts_of(in, given);
    zero(&out[0]);
    for (int64_t b = 0; b < p.batch; b++) {
        for (int64_t i = 0; i < p.length; i++) {
            for (int64_t h = 0; h < p.heads; h++)
                linear_row(&p, b, h, i, out[0].values + ((b * p.length + i) * p.heads + h) * p.width);
        }
    }
}

/* What output row i contributes: out_i = sum_j w_ij v'_j / (sum_j w_ij + epsilon), w_ij = q'_i k'_j. */
static void linear_backward_row(const linear_parts *p, int64_t b, int64_t h, int64_t i, double *dq, double *dk,
                                double *dv) {
    double plain = denominator_of(p, b, i, h), inverse = 1.0 / (plain + p->epsilon), mean = 0.0;
    int64_t at = ((b * p->length + i) * p->heads + h) * p->width;
    double mask_i = mask_at(p->mask, b, i);
    if (plain == 0.0) return;
    for (int64_t j = 0; j < p->length; j++) {
        double weight = pair_of(p, b, i, j, h);
        for (int64_t c = 0; c < p->width; c++) mean += weight * masked(p, p->v, b, j, h, c) * p->dout[at + c] * inverse;
    }
    for (int64_t j = 0; j < p->length; j++) {
        double weight = pair_of(p, b, i, j, h), mask_j = mask_at(p->mask, b, j), slope = -mean;
        int64_t to = ((b * p->length + j) * p->heads + h) * p->width;
        for (int64_t c = 0; c < p->width; c++) {
            slope += masked(p, p->v, b, j, h, c) * p->dout[at + c];
            dv[to + c] += mask_j * weight * inverse * p->dout[at + c];
        }
        for (int64_t c = 0; c < p->width; c++) {
            double q = rectified(p, p->q, b, i, h, c), k = rectified(p, p->k, b, j, h, c);
            if (q > 0.0) dq[at + c] += mask_i * slope * inverse * k;
            if (k > 0.0) dk[to + c] += mask_j * slope * inverse * q;
        }
    }
}

static void reference_linear_gradient(const ops_array *in, ops_array *out, const void *given) {
    linear_parts p = linear_parts_of(in, given);
    for (int o = 0; o < 3; o++) zero(&out[o]);
    for (int64_t b = 0; b < p.batch; b++) {
        for (int64_t h = 0; h < p.heads; h++) {
            for (int64_t i = 0; i < p.length; i++)
                linear_backward_row(&p, b, h, i, out[0].values, out[1].values, out[2].values);
        }
    }
}

static void build_linear(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    const settings *s = given;
    out[0] = lofi_linear_attention(graph, in[0], in[1], in[2], padded(graph, in[0], in[3]), s->heads, s->number);
}

static void build_linear_gradient(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    const settings *s = given;
    lofi_linear_attention_gradient(graph, in[0], in[1], in[2], in[3], in[4], s->heads, s->number, out);
}

/* ---- linear attention in pieces ---- */

/* in: k, v, mask -> [batch, heads, width + 1, width] */
static void reference_state(const ops_array *in, ops_array *out, const void *given) {
    const settings *s = given;
    linear_parts p = {.k = in[0].values, .v = in[1].values, .mask = &in[2], .heads = s->heads};
    p.batch = in[0].dims[0], p.length = in[0].dims[1], p.width = in[0].dims[2] / s->heads;
    zero(&out[0]);
    for (int64_t b = 0; b < p.batch; b++) {
        for (int64_t h = 0; h < p.heads; h++) {
            double *state = out[0].values + (b * p.heads + h) * (p.width + 1) * p.width;
            for (int64_t j = 0; j < p.length; j++)
                for (int64_t row = 0; row < p.width; row++) {
                    double key = rectified(&p, p.k, b, j, h, row);
                    state[p.width * p.width + row] += key;
                    for (int64_t c = 0; c < p.width; c++) state[row * p.width + c] += key * masked(&p, p.v, b, j, h, c);
                }
        }
    }
}

/* in: q, state */
static void reference_apply(const ops_array *in, ops_array *out, const void *given) {
    const settings *s = given;
    linear_parts p = {.q = in[0].values, .heads = s->heads};
    p.batch = in[0].dims[0], p.length = in[0].dims[1], p.width = in[0].dims[2] / s->heads;
    for (int64_t b = 0; b < p.batch; b++) {
        for (int64_t h = 0; h < p.heads; h++) {
            const double *state = in[1].values + (b * p.heads + h) * (p.width + 1) * p.width;
            for (int64_t i = 0; i < p.length; i++) {
                double *row = out[0].values + ((b * p.length + i) * p.heads + h) * p.width, below = s->number;
                for (int64_t c = 0; c < p.width; c++) row[c] = 0;
                for (int64_t k = 0; k < p.width; k++) {
                    double query = rectified(&p, p.q, b, i, h, k);
                    below += query * state[p.width * p.width + k];
                    for (int64_t c = 0; c < p.width; c++) row[c] += query * state[k * p.width + c];
                }
                for (int64_t c = 0; c < p.width; c++) row[c] /= below;
            }
        }
    }
}

static void build_state(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    const settings *s = given;
    out[0] = lofi_linear_attention_state(graph, in[0], in[1], in[2], s->heads);
}

static void build_apply(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *given) {
    const settings *s = given;
    out[0] = lofi_linear_attention_apply(graph, in[0], in[1], s->heads, s->number);
}

static const settings one_head = {.heads = 1, .number = 0.5f};
static const settings three_heads = {.heads = 3, .number = 0.7f};
static const settings three_backward = {.heads = 3, .number = 0.7f, .gradient = true};
static const settings one_backward = {.heads = 1, .number = 0.5f, .gradient = true};
static const settings relative_one = {.heads = 1, .relative = true};
static const settings relative_three = {.heads = 3, .relative = true};
static const settings relative_three_backward = {.heads = 3, .relative = true, .gradient = true};
static const settings relative_one_backward = {.heads = 1, .relative = true, .gradient = true};
static const settings linear_one = {.heads = 1, .number = 1e-15f};
static const settings linear_three = {.heads = 3, .number = 1e-15f};
static const settings linear_three_backward = {.heads = 3, .number = 1e-15f, .gradient = true};
static const settings linear_one_backward = {.heads = 1, .number = 1e-15f, .gradient = true};

#define ABSENT                                                                                                         \
    { .shape = "", .absent = true }

const ops_case ops_cases_attention[] = {
    /* attention */
    {.op = "attention",
     .name = "one head, nothing masked",
     .inputs = {{"1 4 3"}, {"1 5 3"}, {"1 5 3"}, ABSENT, ABSENT, ABSENT},
     .outputs = {"1 4 3"},
     .build = build_attention,
     .reference = reference_softmax,
     .settings = &one_head,
     .gradient = 0x7,
     .tolerance = OPS_SUM,
     .depth = 8},
    {.op = "attention",
     .name = "three heads, bias, both masks, symbolic lengths",
     .inputs = {{"B=2 S=5 12"},
                {"B=2 K=7 12"},
                {"B=2 K=7 12"},
                {"3 S=5 K=7"},
                {"B=2 S=5", .fill = OPS_MASK},
                {"B=2 K=7", .fill = OPS_MASK}},
     .outputs = {"2 5 12"},
     .build = build_attention,
     .reference = reference_softmax,
     .settings = &three_heads,
     .gradient = 0x7,
     .tolerance = OPS_SUM,
     .depth = 12},
    {.op = "attention",
     .name = "a bias for each of two windows",
     .inputs = {{"4 5 12"}, {"4 7 12"}, {"4 7 12"}, {"2 3 5 7"}, ABSENT, ABSENT},
     .outputs = {"4 5 12"},
     .build = build_attention,
     .reference = reference_softmax,
     .settings = &three_heads,
     .gradient = 0x7,
     .tolerance = OPS_SUM,
     .depth = 12},
    {.op = "attention",
     .name = "a window's bias of another size",
     .inputs = {{"4 5 12"}, {"4 7 12"}, {"4 7 12"}, {"2 3 5 6"}, ABSENT, ABSENT},
     .build = build_attention,
     .settings = &three_heads,
     .refused = "bias must be [2, 3, 5, 7] f32"},
    {.op = "attention",
     .name = "no key of one entry takes part",
     .inputs = {{"2 3 6"}, {"2 4 6"}, {"2 4 6"}, ABSENT, ABSENT, {"1 4", .fill = OPS_MASK}},
     .outputs = {"2 3 6"},
     .build = build_attention,
     .reference = reference_softmax,
     .settings = &three_heads,
     .gradient = 0x7,
     .tolerance = OPS_SUM,
     .depth = 16},
    {.op = "attention",
     .name = "no query of one entry takes part",
     .inputs = {{"2 3 6"}, {"2 4 6"}, {"2 4 6"}, ABSENT, {"1 3", .fill = OPS_MASK}, ABSENT},
     .outputs = {"2 3 6"},
     .build = build_attention,
     .reference = reference_softmax,
     .settings = &three_heads,
     .gradient = 0x7,
     .tolerance = OPS_SUM,
     .depth = 16},
    {.op = "attention",
     .name = "several tiles of queries",
     .inputs = {{"1 S=150 3"},
                {"1 K=37 3"},
                {"1 K=37 3"},
                ABSENT,
                {"1 S=150", .fill = OPS_MASK},
                {"1 K=37", .fill = OPS_MASK}},
     .outputs = {"1 150 3"},
     .build = build_attention,
     .reference = reference_softmax,
     .settings = &three_heads,
     .gradient = 0x7,
     .tolerance = OPS_SUM,
     .depth = 40},
    {.op = "attention",
     .name = "large scores",
     .inputs = {{"1 6 4", .fill = OPS_LARGE}, {"1 9 4"}, {"1 9 4"}, ABSENT, ABSENT, ABSENT},
     .outputs = {"1 6 4"},
     .build = build_attention,
     .reference = reference_softmax,
     .settings = &one_head,
     .gradient = 0x7,
     .tolerance = OPS_SUM,
     .depth = 4096},
    {.op = "attention",
     .name = "heads that do not divide",
     .inputs = {{"1 4 4"}, {"1 5 4"}, {"1 5 4"}, ABSENT, ABSENT, ABSENT},
     .build = build_attention,
     .settings = &three_heads,
     .refused = "multiple of 3 heads"},
    {.op = "attention",
     .name = "keys of another width",
     .inputs = {{"1 4 3"}, {"1 5 6"}, {"1 5 6"}, ABSENT, ABSENT, ABSENT},
     .build = build_attention,
     .settings = &three_heads,
     .refused = "k must be [1, 5, 3] f32, got [1, 5, 6] f32"},
    {.op = "attention",
     .name = "fewer values than keys",
     .inputs = {{"1 4 3"}, {"1 5 3"}, {"1 4 3"}, ABSENT, ABSENT, ABSENT},
     .build = build_attention,
     .settings = &three_heads,
     .refused = "v must be"},
    {.op = "attention",
     .name = "a key mask as long as the queries",
     .inputs = {{"1 4 3"}, {"1 5 3"}, {"1 5 3"}, ABSENT, ABSENT, {"1 4"}},
     .build = build_attention,
     .settings = &three_heads,
     .refused = "key mask must be [1, 5] f32"},
    {.op = "attention",
     .name = "a bias of another number of heads",
     .inputs = {{"1 4 3"}, {"1 5 3"}, {"1 5 3"}, {"1 4 5"}, ABSENT, ABSENT},
     .build = build_attention,
     .settings = &three_heads,
     .refused = "bias must be [3, 4, 5] f32"},
    {.op = "attention",
     .name = "queries without a batch",
     .inputs = {{"4 3"}, {"1 5 3"}, {"1 5 3"}, ABSENT, ABSENT, ABSENT},
     .build = build_attention,
     .settings = &three_heads,
     .refused = "q must be [batch, queries, heads * width] f32"},
    {.op = "attention",
     .name = "16-bit queries",
     .inputs = {{"1 4 3", .dtype = LOFI_BF16}, {"1 5 3"}, {"1 5 3"}, ABSENT, ABSENT, ABSENT},
     .build = build_attention,
     .settings = &three_heads,
     .refused = "q must be"},
    {.op = "attention_gradient",
     .name = "bias and both masks",
     .inputs = {{"2 5 12"},
                {"2 7 12"},
                {"2 7 12"},
                {"2 5 12"},
                {"3 5 7"},
                {"2 5", .fill = OPS_MASK},
                {"2 7", .fill = OPS_MASK}},
     .outputs = {"2 5 12", "2 7 12", "2 7 12"},
     .build = build_attention_gradient,
     .reference = reference_softmax,
     .settings = &three_backward,
     .tolerance = OPS_SUM,
     .depth = 16},
    {.op = "attention_gradient",
     .name = "a bias for each of two windows",
     .inputs = {{"4 5 12"}, {"4 7 12"}, {"4 7 12"}, {"4 5 12"}, {"2 3 5 7"}, ABSENT, ABSENT},
     .outputs = {"4 5 12", "4 7 12", "4 7 12"},
     .build = build_attention_gradient,
     .reference = reference_softmax,
     .settings = &three_backward,
     .tolerance = OPS_SUM,
     .depth = 16},
    {.op = "attention_gradient",
     .name = "one key",
     .inputs = {{"2 3 3"}, {"2 1 3"}, {"2 1 3"}, {"2 3 3"}, ABSENT, ABSENT, ABSENT},
     .outputs = {"2 3 3", "2 1 3", "2 1 3"},
     .build = build_attention_gradient,
     .reference = reference_softmax,
     .settings = &three_backward,
     .tolerance = OPS_SUM,
     .depth = 4},
    {.op = "attention_gradient",
     .name = "several tiles",
     .inputs = {{"1 200 8"}, {"1 90 8"}, {"1 90 8"}, {"1 200 8"}, ABSENT, ABSENT, ABSENT},
     .outputs = {"1 200 8", "1 90 8", "1 90 8"},
     .build = build_attention_gradient,
     .reference = reference_softmax,
     .settings = &one_backward,
     .tolerance = OPS_SUM,
     .depth = 200},
    {.op = "attention_gradient",
     .name = "a gradient as long as the keys",
     .inputs = {{"1 4 3"}, {"1 5 3"}, {"1 5 3"}, {"1 5 3"}, ABSENT, ABSENT, ABSENT},
     .build = build_attention_gradient,
     .settings = &three_backward,
     .refused = "the gradient of the output must be [1, 4, 3] f32"},

    /* relative_attention */
    {.op = "relative_attention",
     .name = "one head",
     .inputs = {{"1 4 3"}, {"1 4 3"}, {"1 4 3"}, {"7 3"}, {"3"}, {"3"}, ABSENT},
     .outputs = {"1 4 3"},
     .build = build_relative,
     .reference = reference_softmax,
     .settings = &relative_one,
     .gradient = 0x7,
     .tolerance = OPS_SUM,
     .depth = 8},
    {.op = "relative_attention",
     .name = "three heads and a mask",
     .inputs = {{"B=2 5 12"}, {"B=2 5 12"}, {"B=2 5 12"}, {"9 12"}, {"12"}, {"12"}, {"B=2 5", .fill = OPS_MASK}},
     .outputs = {"2 5 12"},
     .build = build_relative,
     .reference = reference_softmax,
     .settings = &relative_three,
     .gradient = 0x7,
     .tolerance = OPS_SUM,
     .depth = 16},
    {.op = "relative_attention",
     .name = "no key of one entry takes part",
     .inputs = {{"2 3 6"}, {"2 3 6"}, {"2 3 6"}, {"5 6"}, {"6"}, {"6"}, {"1 3", .fill = OPS_MASK}},
     .outputs = {"2 3 6"},
     .build = build_relative,
     .reference = reference_softmax,
     .settings = &relative_three,
     .gradient = 0x7,
     .tolerance = OPS_SUM,
     .depth = 16},
    {.op = "relative_attention",
     .name = "several tiles",
     .inputs = {{"1 140 2"}, {"1 140 2"}, {"1 140 2"}, {"279 2"}, {"2"}, {"2"}, {"1 140", .fill = OPS_MASK}},
     .outputs = {"1 140 2"},
     .build = build_relative,
     .reference = reference_softmax,
     .settings = &relative_one,
     .gradient = 0x7,
     .tolerance = OPS_SUM,
     .depth = 140},
    {.op = "relative_attention",
     .name = "too few positions",
     .inputs = {{"1 4 3"}, {"1 4 3"}, {"1 4 3"}, {"4 3"}, {"3"}, {"3"}, ABSENT},
     .build = build_relative,
     .settings = &relative_three,
     .refused = "positions must be [7, 3] f32, got [4, 3] f32"},
    {.op = "relative_attention",
     .name = "keys of another length",
     .inputs = {{"1 4 3"}, {"1 5 3"}, {"1 5 3"}, {"7 3"}, {"3"}, {"3"}, ABSENT},
     .build = build_relative,
     .settings = &relative_three,
     .refused = "k must be [1, 4, 3] f32"},
    {.op = "relative_attention",
     .name = "a bias by heads",
     .inputs = {{"1 4 3"}, {"1 4 3"}, {"1 4 3"}, {"7 3"}, {"3 1"}, {"3"}, ABSENT},
     .build = build_relative,
     .settings = &relative_three,
     .refused = "bias u must be [3] f32"},
    {.op = "relative_attention_gradient",
     .name = "three heads and a mask",
     .inputs = {{"2 5 12"}, {"2 5 12"}, {"2 5 12"}, {"2 5 12"}, {"9 12"}, {"12"}, {"12"}, {"2 5", .fill = OPS_MASK}},
     .outputs = {"2 5 12", "2 5 12", "2 5 12"},
     .build = build_relative_gradient,
     .reference = reference_softmax,
     .settings = &relative_three_backward,
     .tolerance = OPS_SUM,
     .depth = 16},
    {.op = "relative_attention_gradient",
     .name = "one position",
     .inputs = {{"2 1 3"}, {"2 1 3"}, {"2 1 3"}, {"2 1 3"}, {"1 3"}, {"3"}, {"3"}, ABSENT},
     .outputs = {"2 1 3", "2 1 3", "2 1 3"},
     .build = build_relative_gradient,
     .reference = reference_softmax,
     .settings = &relative_three_backward,
     .tolerance = OPS_SUM,
     .depth = 4},
    {.op = "relative_attention_gradient",
     .name = "several tiles",
     .inputs = {{"1 150 4"}, {"1 150 4"}, {"1 150 4"}, {"1 150 4"}, {"299 4"}, {"4"}, {"4"}, ABSENT},
     .outputs = {"1 150 4", "1 150 4", "1 150 4"},
     .build = build_relative_gradient,
     .reference = reference_softmax,
     .settings = &relative_one_backward,
     .tolerance = OPS_SUM,
     .depth = 300},
    {.op = "relative_attention_gradient",
     .name = "too few positions",
     .inputs = {{"1 4 3"}, {"1 4 3"}, {"1 4 3"}, {"1 4 3"}, {"8 3"}, {"3"}, {"3"}, ABSENT},
     .build = build_relative_gradient,
     .settings = &relative_three_backward,
     .refused = "positions must be [7, 3] f32"},

    /* linear_attention */
    {.op = "linear_attention",
     .name = "one head",
     .inputs = {{"1 4 5", .fill = OPS_AWAY}, {"1 4 5", .fill = OPS_AWAY}, {"1 4 5"}, ABSENT},
     .outputs = {"1 4 5"},
     .build = build_linear,
     .reference = reference_linear,
     .settings = &linear_one,
     .gradient = 0x7,
     .tolerance = OPS_SUM,
     .depth = 32},
    {.op = "linear_attention",
     .name = "three heads and a mask, symbolic lengths",
     .inputs = {{"B=2 S=7 12", .fill = OPS_AWAY},
                {"B=2 S=7 12", .fill = OPS_AWAY},
                {"B=2 S=7 12"},
                {"B=2 S=7", .fill = OPS_MASK}},
     .outputs = {"2 7 12"},
     .build = build_linear,
     .reference = reference_linear,
     .settings = &linear_three,
     .gradient = 0x7,
     .tolerance = OPS_SUM,
     .depth = 64},
    {.op = "linear_attention",
     .name = "nothing of one entry takes part",
     .inputs = {{"2 6 12", .fill = OPS_AWAY}, {"2 6 12", .fill = OPS_AWAY}, {"2 6 12"}, {"1 6", .fill = OPS_MASK}},
     .outputs = {"2 6 12"},
     .build = build_linear,
     .reference = reference_linear,
     .settings = &linear_three,
     .gradient = 0x7,
     .tolerance = OPS_SUM,
     .depth = 16},
    {.op = "linear_attention",
     .name = "narrow heads: some rows pass nothing",
     .inputs = {{"2 6 6", .fill = OPS_AWAY}, {"2 6 6", .fill = OPS_AWAY}, {"2 6 6"}, ABSENT},
     .outputs = {"2 6 6"},
     .build = build_linear,
     .reference = reference_linear,
     .settings = &linear_three,
     .gradient = 0x7,
     .tolerance = OPS_SUM,
     .depth = 1000 /* a head of one open number cancels: its gradient is exactly zero */},
    {.op = "linear_attention",
     .name = "a mask that is more than zeros and ones",
     .inputs = {{"2 5 12", .fill = OPS_AWAY}, {"2 5 12", .fill = OPS_AWAY}, {"2 5 12"}, {"2 5", .fill = OPS_POSITIVE}},
     .outputs = {"2 5 12"},
     .build = build_linear,
     .reference = reference_linear,
     .settings = &linear_three,
     .gradient = 0x7,
     .tolerance = OPS_SUM,
     .depth = 64},
    {.op = "linear_attention",
     .name = "several tiles",
     .inputs = {{"1 140 2", .fill = OPS_AWAY}, {"1 140 2", .fill = OPS_AWAY}, {"1 140 2"}, {"1 140", .fill = OPS_MASK}},
     .outputs = {"1 140 2"},
     .build = build_linear,
     .reference = reference_linear,
     .settings = &linear_one,
     .gradient = 0x7,
     .tolerance = OPS_SUM,
     .depth = 280},
    {.op = "linear_attention",
     .name = "heads as wide as those of the model",
     .inputs = {{"1 5 96", .fill = OPS_AWAY}, {"1 5 96", .fill = OPS_AWAY}, {"1 5 96"}, {"1 5", .fill = OPS_MASK}},
     .outputs = {"1 5 96"},
     .build = build_linear,
     .reference = reference_linear,
     .settings = &linear_three,
     .gradient = 0x7,
     .tolerance = OPS_SUM,
     .depth = 256},
    {.op = "linear_attention",
     .name = "heads wider than a tile",
     .inputs = {{"1 3 72", .fill = OPS_AWAY}, {"1 3 72", .fill = OPS_AWAY}, {"1 3 72"}, ABSENT},
     .outputs = {"1 3 72"},
     .build = build_linear,
     .reference = reference_linear,
     .settings = &linear_one,
     .gradient = 0x7,
     .tolerance = OPS_SUM,
     .depth = 512},
    {.op = "linear_attention",
     .name = "heads that do not divide",
     .inputs = {{"1 4 4"}, {"1 4 4"}, {"1 4 4"}, ABSENT},
     .build = build_linear,
     .settings = &linear_three,
     .refused = "multiple of 3 heads"},
    {.op = "linear_attention",
     .name = "keys of another length",
     .inputs = {{"1 4 3"}, {"1 5 3"}, {"1 5 3"}, ABSENT},
     .build = build_linear,
     .settings = &linear_three,
     .refused = "k must be [1, 4, 3] f32"},
    {.op = "linear_attention",
     .name = "a mask per element",
     .inputs = {{"1 4 3"}, {"1 4 3"}, {"1 4 3"}, {"1 4 3"}},
     .build = build_linear,
     .settings = &linear_three,
     .refused = "mask must be [1, 4] f32"},
    {.op = "linear_attention_state",
     .name = "three heads and a mask, symbolic lengths",
     .inputs = {{"B=2 S=7 12", .fill = OPS_AWAY}, {"B=2 S=7 12"}, {"B=2 S=7", .fill = OPS_MASK}},
     .outputs = {"2 3 5 4"},
     .build = build_state,
     .reference = reference_state,
     .settings = &linear_three,
     .tolerance = OPS_SUM,
     .depth = 64},
    {.op = "linear_attention_state",
     .name = "one head, several tiles, no mask",
     .inputs = {{"1 140 2", .fill = OPS_AWAY}, {"1 140 2"}, ABSENT},
     .outputs = {"1 1 3 2"},
     .build = build_state,
     .reference = reference_state,
     .settings = &linear_one,
     .tolerance = OPS_SUM,
     .depth = 280},
    {.op = "linear_attention_state",
     .name = "wide heads and a mask",
     .inputs = {{"2 37 120", .fill = OPS_AWAY}, {"2 37 120"}, {"2 37", .fill = OPS_MASK}},
     .outputs = {"2 3 41 40"},
     .build = build_state,
     .reference = reference_state,
     .settings = &linear_three,
     .tolerance = OPS_SUM,
     .depth = 128},
    {.op = "linear_attention_state",
     .name = "values of another length",
     .inputs = {{"1 4 3"}, {"1 5 3"}, ABSENT},
     .build = build_state,
     .settings = &linear_three,
     .refused = "v must be [1, 4, 3] f32"},
    {.op = "linear_attention_apply",
     .name = "three heads, symbolic lengths",
     .inputs = {{"B=2 S=7 12", .fill = OPS_AWAY}, {"B=2 3 5 4", .fill = OPS_POSITIVE}},
     .outputs = {"2 7 12"},
     .build = build_apply,
     .reference = reference_apply,
     .settings = &linear_three,
     .tolerance = OPS_SUM,
     .depth = 64},
    {.op = "linear_attention_apply",
     .name = "one head, several tiles",
     .inputs = {{"1 140 2", .fill = OPS_POSITIVE}, {"1 1 3 2", .fill = OPS_POSITIVE}},
     .outputs = {"1 140 2"},
     .build = build_apply,
     .reference = reference_apply,
     .settings = &linear_one,
     .tolerance = OPS_SUM,
     .depth = 16},
    {.op = "linear_attention_apply",
     .name = "wide heads",
     .inputs = {{"2 37 120", .fill = OPS_AWAY}, {"2 3 41 40", .fill = OPS_POSITIVE}},
     .outputs = {"2 37 120"},
     .build = build_apply,
     .reference = reference_apply,
     .settings = &linear_three,
     .tolerance = OPS_SUM,
     .depth = 128},
    {.op = "linear_attention_apply",
     .name = "a state of other heads",
     .inputs = {{"1 4 6"}, {"1 2 3 2"}},
     .build = build_apply,
     .settings = &linear_three,
     .refused = "the state must be [1, 3, 3, 2] f32"},
    {.op = "linear_attention_gradient",
     .name = "three heads and a mask",
     .inputs = {{"2 7 12", .fill = OPS_AWAY},
                {"2 7 12", .fill = OPS_AWAY},
                {"2 7 12"},
                {"2 7 12"},
                {"2 7", .fill = OPS_MASK}},
     .outputs = {"2 7 12", "2 7 12", "2 7 12"},
     .build = build_linear_gradient,
     .reference = reference_linear_gradient,
     .settings = &linear_three_backward,
     .tolerance = OPS_SUM,
     .depth = 64},
    {.op = "linear_attention_gradient",
     .name = "several tiles",
     .inputs = {{"1 300 8", .fill = OPS_AWAY}, {"1 300 8", .fill = OPS_AWAY}, {"1 300 8"}, {"1 300 8"}, ABSENT},
     .outputs = {"1 300 8", "1 300 8", "1 300 8"},
     .build = build_linear_gradient,
     .reference = reference_linear_gradient,
     .settings = &linear_one_backward,
     .tolerance = OPS_SUM,
     .depth = 600},
    {.op = "linear_attention_gradient",
     .name = "heads as wide as those of the model",
     .inputs = {{"2 21 96", .fill = OPS_AWAY},
                {"2 21 96", .fill = OPS_AWAY},
                {"2 21 96"},
                {"2 21 96"},
                {"2 21", .fill = OPS_MASK}},
     .outputs = {"2 21 96", "2 21 96", "2 21 96"},
     .build = build_linear_gradient,
     .reference = reference_linear_gradient,
     .settings = &linear_three_backward,
     .tolerance = OPS_SUM,
     .depth = 256},
    {.op = "linear_attention_gradient",
     .name = "heads wider than a tile",
     .inputs = {{"1 70 72", .fill = OPS_AWAY}, {"1 70 72", .fill = OPS_AWAY}, {"1 70 72"}, {"1 70 72"}, ABSENT},
     .outputs = {"1 70 72", "1 70 72", "1 70 72"},
     .build = build_linear_gradient,
     .reference = reference_linear_gradient,
     .settings = &linear_one_backward,
     .tolerance = OPS_SUM,
     .depth = 512},
    {.op = "linear_attention_gradient",
     .name = "a gradient of another length",
     .inputs = {{"1 4 3"}, {"1 4 3"}, {"1 4 3"}, {"1 5 3"}, ABSENT},
     .build = build_linear_gradient,
     .settings = &linear_three_backward,
     .refused = "the gradient of the output must be [1, 4, 3] f32"},
    OPS_END,
};
