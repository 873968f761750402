/* linear_attention.c - linear attention, head by head, in tiles of rows. */
#include "kernels/linear_attention.h"

#include <omp.h>
#include <string.h>

#include "kernels/block_product.h"
#include "kernels/parallel.h"

enum { tile_rows = 128 };

/* What one thread works in. */
typedef struct scratch {
    double *sum, *dsum;    /* [width]: sum of k', and the gradient of it */
    float *state, *dstate; /* [width, width] */
    float *a, *b, *c;      /* [tile_rows, width] */
} scratch;

static int64_t rounded(int64_t floats) {
    return (floats + 15) / 16 * 16;
}

static int64_t scratch_floats(const lofi_linear_sizes *s) {
    return 2 * rounded(2 * s->width) + 2 * rounded(s->width * s->width) + 3 * rounded(tile_rows * s->width);
}

size_t lofi_linear_attention_workspace(const lofi_linear_sizes *sizes) {
    return (size_t)sizes->threads * (size_t)scratch_floats(sizes) * sizeof(float);
}

size_t lofi_linear_attention_backward_workspace(const lofi_linear_sizes *sizes) {
    return lofi_linear_attention_workspace(sizes);
}

static scratch scratch_at(const lofi_linear_sizes *s, void *workspace) {
    float *at = (float *)workspace + omp_get_thread_num() * scratch_floats(s);
    scratch w = {.sum = (double *)(void *)at};
    w.dsum = (double *)(void *)(at + rounded(2 * s->width));
    w.state = at + 2 * rounded(2 * s->width);
    w.dstate = w.state + rounded(s->width * s->width);
    w.a = w.dstate + rounded(s->width * s->width);
    w.b = w.a + rounded(tile_rows * s->width);
    w.c = w.b + rounded(tile_rows * s->width);
    return w;
}

typedef struct tile {
    int64_t rows, stride, at; /* at: where its first row begins in q, k, v and out */
    const float *mask;        /* of its rows, or NULL */
} tile;

static tile tile_at(const lofi_linear_sizes *s, const lofi_linear_inputs *in, int64_t pair, int64_t first) {
    int64_t batch = pair / s->heads, head = pair % s->heads, rest = s->length - first;
    tile t = {.rows = rest < tile_rows ? rest : tile_rows, .stride = s->heads * s->width};
    t.at = (batch * s->length + first) * t.stride + head * s->width;
    t.mask = in->mask ? in->mask + batch * s->length + first : NULL;
    return t;
}

static float mask_of(const tile *t, int64_t row) {
    return t->mask ? t->mask[row] : 1.0f;
}

/* out [rows, width] = relu(mask * x) */
static void rectify(const lofi_linear_sizes *s, const tile *t, const float *x, float *out) {
    for (int64_t i = 0; i < t->rows; i++) {
        const float *row = x + t->at + i * t->stride;
        float mask = mask_of(t, i);
        for (int64_t c = 0; c < s->width; c++) {
            float value = mask * row[c];
            out[i * s->width + c] = value < 0.0f ? 0.0f : value;
        }
    }
}

/* out [rows, width] = factor of the row * x, for x among the strided tensors */
static void scale_rows(const lofi_linear_sizes *s, const tile *t, const float *x, const float *factors, float *out) {
    for (int64_t i = 0; i < t->rows; i++) {
        const float *row = x + t->at + i * t->stride;
        float factor = factors ? factors[i] : 1.0f;
        for (int64_t c = 0; c < s->width; c++) out[i * s->width + c] = factor * row[c];
    }
}

/* v' of the tile: where it lies, or masked in `room`. */
static lofi_block values_of(const lofi_linear_sizes *s, const lofi_linear_inputs *in, const tile *t, float *room) {
    if (!t->mask) return (lofi_block){in->v + t->at, t->stride, false};
    scale_rows(s, t, in->v, t->mask, room);
    return (lofi_block){room, s->width, false};
}

static void gather_state(const lofi_linear_sizes *s, const lofi_linear_inputs *in, int64_t pair, const scratch *w) {
    memset(w->sum, 0, (size_t)s->width * sizeof *w->sum);
    memset(w->state, 0, (size_t)(s->width * s->width) * sizeof *w->state);
    for (int64_t first = 0; first < s->length; first += tile_rows) {
        tile t = tile_at(s, in, pair, first);
        rectify(s, &t, in->k, w->a);
        for (int64_t i = 0; i < t.rows; i++) {
            for (int64_t c = 0; c < s->width; c++) w->sum[c] += (double)w->a[i * s->width + c];
        }
        lofi_block_product(s->width, s->width, t.rows, 1.0f, (lofi_block){w->a, s->width, true},
                           values_of(s, in, &t, w->b), true, w->state, s->width);
    }
}

static float denominator_of(const lofi_linear_sizes *s, const float *q, const double *sum) {
    double dot = 0.0;
#pragma omp simd reduction(+ : dot)
    for (int64_t c = 0; c < s->width; c++) dot += (double)q[c] * sum[c];
    return (float)dot;
}

/* The rows of a head, once state and sum are there. */
static void read_state(const lofi_linear_sizes *s, const lofi_linear_inputs *in, int64_t pair, const scratch *w,
                       float *out) {
    for (int64_t first = 0; first < s->length; first += tile_rows) {
        tile t = tile_at(s, in, pair, first);
        rectify(s, &t, in->q, w->a);
        lofi_block_product(t.rows, s->width, s->width, 1.0f, (lofi_block){w->a, s->width, false},
                           (lofi_block){w->state, s->width, false}, false, out + t.at, t.stride);
        for (int64_t i = 0; i < t.rows; i++) {
            float denominator = denominator_of(s, w->a + i * s->width, w->sum) + s->epsilon;
            for (int64_t c = 0; c < s->width; c++) out[t.at + i * t.stride + c] /= denominator;
        }
    }
}

void lofi_linear_attention_forward(const lofi_linear_sizes *sizes, const lofi_linear_inputs *in, float *out,
                                   void *workspace) {
    const lofi_linear_sizes *s = sizes;
    LOFI_PARALLEL_FOR_DYNAMIC(lofi_team(s->batch * s->heads > 1, s->threads), pair, s->batch * s->heads, {
        scratch w = scratch_at(s, workspace);
        gather_state(s, in, pair, &w);
        read_state(s, in, pair, &w, out);
    });
}

void lofi_linear_attention_gather(const lofi_linear_sizes *sizes, const lofi_linear_inputs *in, float *state,
                                  void *workspace) {
    const lofi_linear_sizes *s = sizes;
    LOFI_PARALLEL_FOR_DYNAMIC(lofi_team(s->batch * s->heads > 1, s->threads), pair, s->batch * s->heads, {
        scratch w = scratch_at(s, workspace);
        float *to = state + pair * (s->width + 1) * s->width;
        gather_state(s, in, pair, &w);
        memcpy(to, w.state, (size_t)(s->width * s->width) * sizeof *to);
        for (int64_t c = 0; c < s->width; c++) to[s->width * s->width + c] = (float)w.sum[c];
    });
}

void lofi_linear_attention_read(const lofi_linear_sizes *sizes, const lofi_linear_inputs *in, const float *state,
                                float *out, void *workspace) {
    const lofi_linear_sizes *s = sizes;
    LOFI_PARALLEL_FOR_DYNAMIC(lofi_team(s->batch * s->heads > 1, s->threads), pair, s->batch * s->heads, {
        scratch w = scratch_at(s, workspace);
        const float *from = state + pair * (s->width + 1) * s->width;
        memcpy(w.state, from, (size_t)(s->width * s->width) * sizeof *from);
        for (int64_t c = 0; c < s->width; c++) w.sum[c] = (double)from[s->width * s->width + c];
        read_state(s, in, pair, &w, out);
    });
}

/* From d loss / d out of a row to the gradients of its numerator (in `dnumerator`) and of its denominator (returned).
 * numerator holds q' state of the row. */
static float row_gradient(int64_t width, float plain, float epsilon, const float *numerator, const float *dout,
                          float *dnumerator) {
    if (plain == 0.0f) { /* q' is zero (or meets none): the quotient by epsilon alone would only overflow */
        memset(dnumerator, 0, (size_t)width * sizeof *dnumerator);
        return 0.0f;
    }
    float inverse = 1.0f / (plain + epsilon);
    double dot = 0.0;
#pragma omp simd reduction(+ : dot)
    for (int64_t c = 0; c < width; c++) {
        float g = dout[c] * inverse;
        dnumerator[c] = g;
        dot += (double)g * (double)numerator[c];
    }
    return (float)(-dot * (double)inverse);
}

/* value where `gate` is positive, else 0; without a branch, which would be a coin toss. */
static inline float passed(float value, float gate) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits &= gate > 0.0f ? UINT32_MAX : 0u;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* dx = mask * dx' where relu let x pass, else 0; dx' [rows, width] in `from`, x' in `rectified`. */
static void pass_back(const lofi_linear_sizes *s, const tile *t, const float *from, const float *rectified, float *dx) {
    for (int64_t i = 0; i < t->rows; i++) {
        float *row = dx + t->at + i * t->stride;
        float mask = mask_of(t, i);
        for (int64_t c = 0; c < s->width; c++) {
            int64_t at = i * s->width + c;
            row[c] = passed(mask * from[at], rectified[at]);
        }
    }
}

/* dq of a head; gathers dstate and dsum. */
static void backward_queries(const lofi_linear_sizes *s, const lofi_linear_inputs *in, int64_t pair, const scratch *w,
                             const float *dout, float *dq) {
    lofi_block state = {w->state, s->width, false}, state_transposed = {w->state, s->width, true};
    memset(w->dsum, 0, (size_t)s->width * sizeof *w->dsum);
    memset(w->dstate, 0, (size_t)(s->width * s->width) * sizeof *w->dstate);
    for (int64_t first = 0; first < s->length; first += tile_rows) {
        tile t = tile_at(s, in, pair, first);
        rectify(s, &t, in->q, w->a);
        lofi_block queries = {w->a, s->width, false}, queries_transposed = {w->a, s->width, true};
        lofi_block_product(t.rows, s->width, s->width, 1.0f, queries, state, false, w->b, s->width);
        for (int64_t i = 0; i < t.rows; i++) {
            const float *q = w->a + i * s->width;
            float plain = denominator_of(s, q, w->sum);
            float d = row_gradient(s->width, plain, s->epsilon, w->b + i * s->width, dout + t.at + i * t.stride,
                                   w->c + i * s->width);
            for (int64_t c = 0; c < s->width; c++) {
                w->dsum[c] += (double)(q[c] * d);
                w->b[i * s->width + c] = (float)(w->sum[c] * (double)d);
            }
        }
        lofi_block gradient = {w->c, s->width, false};
        lofi_block_product(s->width, s->width, t.rows, 1.0f, queries_transposed, gradient, true, w->dstate, s->width);
        lofi_block_product(t.rows, s->width, s->width, 1.0f, gradient, state_transposed, true, w->b, s->width);
        pass_back(s, &t, w->b, w->a, dq);
    }
}

/* dk and dv of a head from dstate and dsum. */
static void backward_keys(const lofi_linear_sizes *s, const lofi_linear_inputs *in, int64_t pair, const scratch *w,
                          float *dk, float *dv) {
    for (int64_t first = 0; first < s->length; first += tile_rows) {
        tile t = tile_at(s, in, pair, first);
        rectify(s, &t, in->k, w->a);
        lofi_block values = values_of(s, in, &t, w->b);
        for (int64_t i = 0; i < t.rows; i++) {
            for (int64_t c = 0; c < s->width; c++) w->c[i * s->width + c] = (float)w->dsum[c];
        }
        lofi_block_product(t.rows, s->width, s->width, 1.0f, values, (lofi_block){w->dstate, s->width, true}, true,
                           w->c, s->width);
        pass_back(s, &t, w->c, w->a, dk);
        lofi_block_product(t.rows, s->width, s->width, 1.0f, (lofi_block){w->a, s->width, false},
                           (lofi_block){w->dstate, s->width, false}, false, dv + t.at, t.stride);
        for (int64_t i = 0; t.mask && i < t.rows; i++) {
            for (int64_t c = 0; c < s->width; c++) dv[t.at + i * t.stride + c] *= t.mask[i];
        }
    }
}

void lofi_linear_attention_backward(const lofi_linear_sizes *sizes, const lofi_linear_inputs *in, const float *dout,
                                    float *dq, float *dk, float *dv, void *workspace) {
    const lofi_linear_sizes *s = sizes;
    LOFI_PARALLEL_FOR_DYNAMIC(lofi_team(s->batch * s->heads > 1, s->threads), pair, s->batch * s->heads, {
        scratch w = scratch_at(s, workspace);
        gather_state(s, in, pair, &w);
        backward_queries(s, in, pair, &w, dout, dq);
        backward_keys(s, in, pair, &w, dk, dv);
    });
}
