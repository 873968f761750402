/* attention.c - softmax attention by tiles of query rows. */
#include "kernels/attention.h"

#include <omp.h>
#include <string.h>

#include "kernels/block_product.h"
#include "kernels/parallel.h"
#include "kernels/softmax.h"

enum { most_rows = 128 };

static int64_t minimum(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Rows of a tile: all tiles about as high as one another, so that none is left with a few rows. */
static int64_t tile_rows(const lofi_attention_sizes *s) {
    int64_t tiles = (s->queries + most_rows - 1) / most_rows;
    return tiles > 1 ? ((s->queries + tiles - 1) / tiles + 15) / 16 * 16 : s->queries;
}

static int64_t tile_count(const lofi_attention_sizes *s) {
    return s->queries > 0 ? (s->queries + tile_rows(s) - 1) / tile_rows(s) : 0;
}

/* Floats of one tile of scores, rounded to whole cache lines. */
static int64_t tile_floats(const lofi_attention_sizes *s) {
    return (tile_rows(s) * s->keys + 15) / 16 * 16;
}

size_t lofi_attention_workspace(const lofi_attention_sizes *sizes) {
    return (size_t)sizes->threads * (size_t)tile_floats(sizes) * sizeof(float);
}

size_t lofi_attention_backward_workspace(const lofi_attention_sizes *sizes) {
    return 2 * lofi_attention_workspace(sizes);
}

/* One tile: rows [first, first + rows) of one head of one batch entry. */
typedef struct tile {
    int64_t batch, head, first, rows;
    int64_t stride;     /* between positions */
    int64_t q_at, k_at; /* where the tile's queries and the head's keys begin */
} tile;

static tile tile_at(const lofi_attention_sizes *s, int64_t pair, int64_t index) {
    tile t = {.batch = pair / s->heads, .head = pair % s->heads, .first = index * tile_rows(s)};
    t.rows = minimum(tile_rows(s), s->queries - t.first);
    t.stride = s->heads * s->width;
    t.q_at = (t.batch * s->queries + t.first) * t.stride + t.head * s->width;
    t.k_at = t.batch * s->keys * t.stride + t.head * s->width;
    return t;
}

static void add_bias(const lofi_attention_sizes *s, const float *bias, const tile *t, float *scores) {
    int64_t group = t->batch % s->bias_groups;
    const float *from = bias + ((group * s->heads + t->head) * s->queries + t->first) * s->keys;
    for (int64_t i = 0; i < t->rows * s->keys; i++) scores[i] += from[i];
}

static void probabilities_of(const lofi_attention_sizes *s, const lofi_attention_inputs *in, const tile *t, float *p) {
    lofi_block_product(t->rows, s->keys, s->width, s->scale, (lofi_block){in->q + t->q_at, t->stride, false},
                       (lofi_block){in->k + t->k_at, t->stride, true}, false, p, s->keys);
    if (in->bias) add_bias(s, in->bias, t, p);
    lofi_softmax_tile(p, t->rows, s->keys, in->query_mask ? in->query_mask + t->batch * s->queries + t->first : NULL,
                      in->key_mask ? in->key_mask + t->batch * s->keys : NULL);
}

void lofi_attention_forward(const lofi_attention_sizes *sizes, const lofi_attention_inputs *in, float *out,
                            void *workspace) {
    const lofi_attention_sizes *s = sizes;
    int64_t tiles = tile_count(s), jobs = s->batch * s->heads * tiles, floats = tile_floats(s);
    LOFI_PARALLEL_FOR_DYNAMIC(lofi_team(jobs > 1, s->threads), job, jobs, {
        float *p = (float *)workspace + omp_get_thread_num() * floats;
        tile t = tile_at(s, job / tiles, job % tiles);
        probabilities_of(s, in, &t, p);
        lofi_block_product(t.rows, s->width, s->keys, 1.0f, (lofi_block){p, s->keys, false},
                           (lofi_block){in->v + t.k_at, t.stride, false}, false, out + t.q_at, t.stride);
    });
}

static void backward_tile(const lofi_attention_sizes *s, const lofi_attention_inputs *in, const tile *t,
                          const float *dout, float *dq, float *dk, float *dv, float *p, float *dp) {
    /* The first tile of a head writes dk and dv, the others add. */
    bool add = t->first > 0;
    lofi_block keys = {in->k + t->k_at, t->stride, false}, values = {in->v + t->k_at, t->stride, true};
    lofi_block queries = {in->q + t->q_at, t->stride, false}, gradient = {dout + t->q_at, t->stride, false};
    lofi_block p_transposed = {p, s->keys, true}, ds_transposed = {dp, s->keys, true}, ds = {dp, s->keys, false};

    probabilities_of(s, in, t, p);
    lofi_block_product(s->keys, s->width, t->rows, 1.0f, p_transposed, gradient, add, dv + t->k_at, t->stride);
    lofi_block_product(t->rows, s->keys, s->width, 1.0f, gradient, values, false, dp, s->keys);
    lofi_softmax_tile_backward(dp, p, t->rows, s->keys);
    lofi_block_product(t->rows, s->width, s->keys, s->scale, ds, keys, false, dq + t->q_at, t->stride);
    lofi_block_product(s->keys, s->width, t->rows, s->scale, ds_transposed, queries, add, dk + t->k_at, t->stride);
}

void lofi_attention_backward(const lofi_attention_sizes *sizes, const lofi_attention_inputs *in, const float *dout,
                             float *dq, float *dk, float *dv, void *workspace) {
    const lofi_attention_sizes *s = sizes;
    int64_t tiles = tile_count(s), pairs = s->batch * s->heads, floats = tile_floats(s);
    if (s->queries == 0) {
        memset(dk, 0, (size_t)(pairs * s->keys * s->width) * sizeof *dk);
        memset(dv, 0, (size_t)(pairs * s->keys * s->width) * sizeof *dv);
    }
    LOFI_PARALLEL_FOR_DYNAMIC(lofi_team(pairs > 1, s->threads), pair, pairs, {
        float *p = (float *)workspace + 2 * omp_get_thread_num() * floats;
        for (int64_t i = 0; i < tiles; i++) {
            tile t = tile_at(s, pair, i);
            backward_tile(s, in, &t, dout, dq, dk, dv, p, p + floats);
        }
    });
}
