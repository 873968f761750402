/* relative_attention.c - attention with relative positions by tiles of query rows.
 *
 * Row r of a tile of n rows that begins at row i meets the positions length - 1 - i - r ... 2 length - 2 - i - r. So the
 * tile as a whole meets length + n - 1 of them, and its row r takes `length` of them from n - 1 - r on.
 */
#include "kernels/relative_attention.h"

#include <math.h>
#include <omp.h>
#include <stdbool.h>
#include <string.h>

#include "kernels/block_product.h"
#include "kernels/parallel.h"
#include "kernels/softmax.h"

enum { most_rows = 128 };

static int64_t minimum(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t rounded(int64_t floats) {
    return (floats + 15) / 16 * 16;
}

/* What one thread works in. */
typedef struct scratch {
    float *u, *v;   /* [rows, width]: queries with the biases */
    float *p, *dp;  /* [rows, length] */
    float *shifted; /* [rows, length + rows - 1]: by position instead of by key */
} scratch;

/* Rows of a tile: all tiles about as high as one another, so that none is left with a few rows. */
static int64_t tile_rows(const lofi_relative_sizes *s) {
    int64_t tiles = (s->length + most_rows - 1) / most_rows;
    return tiles > 1 ? ((s->length + tiles - 1) / tiles + 15) / 16 * 16 : s->length;
}

static int64_t tile_count(const lofi_relative_sizes *s) {
    return s->length > 0 ? (s->length + tile_rows(s) - 1) / tile_rows(s) : 0;
}

static int64_t scratch_floats(const lofi_relative_sizes *s, bool backward) {
    int64_t rows = tile_rows(s);
    return 2 * rounded(rows * s->width) + (backward ? 2 : 1) * rounded(rows * s->length) +
           rounded(rows * (s->length + rows));
}

static scratch scratch_at(const lofi_relative_sizes *s, void *workspace, bool backward) {
    int64_t rows = tile_rows(s);
    float *at = (float *)workspace + omp_get_thread_num() * scratch_floats(s, backward);
    scratch w = {.u = at};
    w.v = w.u + rounded(rows * s->width);
    w.p = w.v + rounded(rows * s->width);
    w.shifted = w.p + rounded(rows * s->length);
    w.dp = backward ? w.shifted + rounded(rows * (s->length + rows)) : NULL;
    return w;
}

size_t lofi_relative_attention_workspace(const lofi_relative_sizes *sizes) {
    return (size_t)sizes->threads * (size_t)scratch_floats(sizes, false) * sizeof(float);
}

size_t lofi_relative_attention_backward_workspace(const lofi_relative_sizes *sizes) {
    return (size_t)sizes->threads * (size_t)scratch_floats(sizes, true) * sizeof(float);
}

typedef struct tile {
    int64_t batch, head, first, rows;
    int64_t stride;      /* between positions of the sequence, and between rows of the position table */
    int64_t q_at, k_at;  /* where the tile's queries and the head's keys begin */
    int64_t positions;   /* that the tile meets */
    int64_t position_at; /* where the first of them begins */
    float scale;
} tile;

static tile tile_at(const lofi_relative_sizes *s, int64_t pair, int64_t index) {
    tile t = {.batch = pair / s->heads, .head = pair % s->heads, .first = index * tile_rows(s)};
    t.rows = minimum(tile_rows(s), s->length - t.first);
    t.stride = s->heads * s->width;
    t.k_at = t.batch * s->length * t.stride + t.head * s->width;
    t.q_at = t.k_at + t.first * t.stride;
    t.positions = s->length + t.rows - 1;
    t.position_at = (s->length - t.first - t.rows) * t.stride + t.head * s->width;
    t.scale = 1.0f / sqrtf((float)s->width);
    return t;
}

static void add_head_bias(const lofi_relative_sizes *s, const tile *t, const float *q, const float *bias, float *out) {
    for (int64_t i = 0; i < t->rows; i++) {
        const float *row = q + t->q_at + i * t->stride;
        for (int64_t c = 0; c < s->width; c++) out[i * s->width + c] = row[c] + bias[t->head * s->width + c];
    }
}

static void probabilities_of(const lofi_relative_sizes *s, const lofi_relative_inputs *in, const tile *t,
                             const scratch *w) {
    add_head_bias(s, t, in->q, in->bias_u, w->u);
    add_head_bias(s, t, in->q, in->bias_v, w->v);
    lofi_block_product(t->rows, s->length, s->width, t->scale, (lofi_block){w->u, s->width, false},
                       (lofi_block){in->k + t->k_at, t->stride, true}, false, w->p, s->length);
    lofi_block_product(t->rows, t->positions, s->width, t->scale, (lofi_block){w->v, s->width, false},
                       (lofi_block){in->positions + t->position_at, t->stride, true}, false, w->shifted, t->positions);
    for (int64_t i = 0; i < t->rows; i++) {
        const float *from = w->shifted + i * t->positions + (t->rows - 1 - i);
        float *row = w->p + i * s->length;
        for (int64_t j = 0; j < s->length; j++) row[j] += from[j];
    }
    lofi_softmax_tile(w->p, t->rows, s->length, NULL, in->key_mask ? in->key_mask + t->batch * s->length : NULL);
}

void lofi_relative_attention_forward(const lofi_relative_sizes *sizes, const lofi_relative_inputs *in, float *out,
                                     void *workspace) {
    const lofi_relative_sizes *s = sizes;
    int64_t tiles = tile_count(s), jobs = s->batch * s->heads * tiles;
    LOFI_PARALLEL_FOR_DYNAMIC(lofi_team(jobs > 1, s->threads), job, jobs, {
        scratch w = scratch_at(s, workspace, false);
        tile t = tile_at(s, job / tiles, job % tiles);
        probabilities_of(s, in, &t, &w);
        lofi_block_product(t.rows, s->width, s->length, 1.0f, (lofi_block){w.p, s->length, false},
                           (lofi_block){in->v + t.k_at, t.stride, false}, false, out + t.q_at, t.stride);
    });
}

/* The gradient of the scores, moved to where the positions of each row are; the rest of the row is zero. */
static void shift_back(const lofi_relative_sizes *s, const tile *t, const float *ds, float *shifted) {
    memset(shifted, 0, (size_t)(t->rows * t->positions) * sizeof *shifted);
    for (int64_t i = 0; i < t->rows; i++) {
        memcpy(shifted + i * t->positions + (t->rows - 1 - i), ds + i * s->length, (size_t)s->length * sizeof *ds);
    }
}

static void backward_tile(const lofi_relative_sizes *s, const lofi_relative_inputs *in, const tile *t, const scratch *w,
                          const float *dout, float *dq, float *dk, float *dv) {
    /* The first tile of a head writes dk and dv, the others add. */
    bool add = t->first > 0;
    lofi_block gradient = {dout + t->q_at, t->stride, false}, values = {in->v + t->k_at, t->stride, true};
    lofi_block keys = {in->k + t->k_at, t->stride, false};
    lofi_block positions = {in->positions + t->position_at, t->stride, false};

    probabilities_of(s, in, t, w);
    lofi_block_product(s->length, s->width, t->rows, 1.0f, (lofi_block){w->p, s->length, true}, gradient, add,
                       dv + t->k_at, t->stride);
    lofi_block_product(t->rows, s->length, s->width, 1.0f, gradient, values, false, w->dp, s->length);
    lofi_softmax_tile_backward(w->dp, w->p, t->rows, s->length);
    lofi_block_product(t->rows, s->width, s->length, t->scale, (lofi_block){w->dp, s->length, false}, keys, false,
                       dq + t->q_at, t->stride);
    lofi_block_product(s->length, s->width, t->rows, t->scale, (lofi_block){w->dp, s->length, true},
                       (lofi_block){w->u, s->width, false}, add, dk + t->k_at, t->stride);
    shift_back(s, t, w->dp, w->shifted);
    lofi_block_product(t->rows, s->width, t->positions, t->scale, (lofi_block){w->shifted, t->positions, false},
                       positions, true, dq + t->q_at, t->stride);
}

void lofi_relative_attention_backward(const lofi_relative_sizes *sizes, const lofi_relative_inputs *in,
                                      const float *dout, float *dq, float *dk, float *dv, void *workspace) {
    const lofi_relative_sizes *s = sizes;
    int64_t tiles = tile_count(s), pairs = s->batch * s->heads;
    LOFI_PARALLEL_FOR_DYNAMIC(lofi_team(pairs > 1, s->threads), pair, pairs, {
        scratch w = scratch_at(s, workspace, true);
        for (int64_t i = 0; i < tiles; i++) {
            tile t = tile_at(s, pair, i);
            backward_tile(s, in, &t, &w, dout, dq, dk, dv);
        }
    });
}
