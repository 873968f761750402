/* attention.cu - softmax attention, plain and with relative positions, and its gradients on the GPU.
 *
 * Scores are held for a tile at a time: all rows of some entries of the batch, or some rows of one entry, with all heads. Products
 * are cuBLAS's, over the heads or the entries of a tile; between them kernels go over rows of scores, a block to a row.
 * For relative positions see kernels/relative_attention.c: row r of a tile of n rows that begins at row i meets `keys` of the
 * tile's keys + n - 1 positions, from n - 1 - r on.
 *
 * Where products may round to bf16, those of plain attention do: q, k, v, d loss / d out, probabilities and the gradients of scores
 * are there in bf16 beside f32. Softmax and everything that is summed stays in f32.
 */
#include "ops/cuda_convert.h"
#include "ops/cuda_rows.h"

extern "C" {
#include "ops/attention_rules.h"
}

namespace {

const int64_t most_floats = (int64_t)16 << 20; /* of scores, in all their forms */

/* With fewer rows, keys or numbers of a head products stay in f32; and rows in bf16 begin at multiples of so many. */
const int64_t least_bf16 = 32, aligned = 8;

struct sizes {
    int64_t batch, queries, keys, heads, width, stride, groups; /* stride: between positions; groups: of the bias */
    float scale;
    bool relative, bf16;
};

struct inputs {
    const float *q, *k, *v, *bias, *query_mask, *key_mask;
    const float *positions, *bias_u, *bias_v; /* relative positions only */
};

struct tile {
    int64_t first_entry, entries, first_row, rows;
    int64_t positions; /* relative positions: that the tile meets */
    float *p, *dp;     /* [entries, heads, rows, keys] */
    float *shifted;    /* [entries, heads, rows, positions] */
    float *u, *w;      /* [entries, rows, stride]: queries with the biases */
    /* bf16 only: p and dp with rows at multiples of `aligned`, and the tile's part of what their names say. */
    lofi_cuda_bf16 *p16, *dp16, *q16, *dout16, *k16, *v16;
};

/* ---- tiles ---- */

int64_t rounded(int64_t floats) {
    return (floats + 15) / 16 * 16;
}

/* Between rows of scores in bf16. */
int64_t row_of_bf16(const sizes *s) {
    return (s->keys + aligned - 1) / aligned * aligned;
}

/* Floats that so many numbers in bf16 take. */
int64_t halved(int64_t numbers) {
    return rounded((numbers + 1) / 2);
}

/* The size of all tiles but the last, which may be smaller. All of them are about as high as one another. */
tile largest_tile(const sizes *s, bool backward) {
    int64_t forms = (backward ? 2 : 1) + (s->relative ? 2 : 0) + (s->bf16 ? 1 : 0), row = s->heads * s->keys * forms;
    int64_t rows = row ? most_floats / row : s->queries;
    tile t = {};
    rows = rows < 1 ? 1 : rows;
    if (rows < s->queries) {
        int64_t tiles = (s->queries + rows - 1) / rows;
        t.rows = (s->queries + tiles - 1) / tiles, t.entries = 1;
    } else {
        t.rows = s->queries, t.entries = lofi_cuda_smaller(s->batch, s->queries ? rows / s->queries : s->batch);
    }
    t.positions = s->relative ? s->keys + t.rows - 1 : 0;
    return t;
}

/* Divides the workspace among the forms of the scores; gives back how many floats it takes. */
int64_t place(const sizes *s, tile *t, float *workspace, bool backward) {
    int64_t pairs = t->entries * s->heads, scores = rounded(pairs * t->rows * s->keys);
    int64_t shifted = rounded(pairs * t->rows * t->positions);
    int64_t biased = s->relative ? rounded(t->entries * t->rows * s->stride) : 0;
    int64_t scores16 = s->bf16 ? halved(pairs * t->rows * row_of_bf16(s)) : 0;
    int64_t queries16 = s->bf16 ? halved(t->entries * t->rows * s->stride) : 0;
    int64_t keys16 = s->bf16 ? halved(t->entries * s->keys * s->stride) : 0;
    struct {
        void **to;
        int64_t floats;
    } parts[] = {{(void **)&t->p, scores},
                 {(void **)&t->dp, backward ? scores : 0},
                 {(void **)&t->shifted, shifted},
                 {(void **)&t->u, biased},
                 {(void **)&t->w, biased},
                 {(void **)&t->p16, scores16},
                 {(void **)&t->q16, queries16},
                 {(void **)&t->dp16, backward ? scores16 : 0},
                 {(void **)&t->k16, keys16},
                 {(void **)&t->v16, keys16},
                 {(void **)&t->dout16, backward ? queries16 : 0}};
    int64_t total = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        *parts[i].to = workspace && parts[i].floats ? workspace + total : NULL;
        total += parts[i].floats;
    }
    return total;
}

/* The tile that begins there. */
tile tile_at(const sizes *s, const tile *largest, int64_t entry, int64_t row) {
    tile t = *largest;
    t.first_entry = entry, t.entries = lofi_cuda_smaller(largest->entries, s->batch - entry);
    t.first_row = row, t.rows = lofi_cuda_smaller(largest->rows, s->queries - row);
    t.positions = s->relative ? s->keys + t.rows - 1 : 0;
    return t;
}

/* A matrix of every head of every entry of a tile: where the first is, the distance of its stored rows, and how far the next
 * head's and the next entry's are. */
struct matrices {
    void *data;
    lofi_dtype type;
    int64_t stride, head, entry;
    bool transposed;
};

matrices transposed(matrices x) {
    x.transposed = !x.transposed;
    return x;
}

matrices queries_of(const sizes *s, const tile *t, const float *x) {
    return {(float *)x + (t->first_entry * s->queries + t->first_row) * s->stride,
            LOFI_F32,
            s->stride,
            s->width,
            s->queries * s->stride,
            false};
}

matrices keys_of(const sizes *s, const tile *t, const float *x) {
    return {
        (float *)x + t->first_entry * s->keys * s->stride, LOFI_F32, s->stride, s->width, s->keys * s->stride, false};
}

matrices scores_of(const sizes *s, const tile *t, float *x) {
    return {x, LOFI_F32, s->keys, t->rows * s->keys, s->heads * t->rows * s->keys, false};
}

matrices shifted_of(const sizes *s, const tile *t) {
    return {t->shifted, LOFI_F32, t->positions, t->rows * t->positions, s->heads * t->rows * t->positions, false};
}

matrices biased_of(const sizes *s, const tile *t, float *x) {
    return {x, LOFI_F32, s->stride, s->width, t->rows * s->stride, false};
}

/* All entries meet the same positions. */
matrices positions_of(const sizes *s, const tile *t, const float *positions) {
    int64_t first = s->queries - t->first_row - t->rows;
    return {(float *)positions + first * s->stride, LOFI_F32, s->stride, s->width, 0, false};
}

/* ---- operands: in f32 as they are, or in bf16 ---- */

matrices scores_operand(const sizes *s, const tile *t, float *x, lofi_cuda_bf16 *x16) {
    int64_t row = row_of_bf16(s);
    if (!s->bf16) return scores_of(s, t, x);
    return {x16, LOFI_BF16, row, t->rows * row, s->heads * t->rows * row, false};
}

/* `rows` rows of every entry of the tile, which lie in `x` one after another; brought to x16 unless they are there. */
matrices operand_of(lofi_cuda *cuda, const sizes *s, const tile *t, matrices x, int64_t rows, lofi_cuda_bf16 *x16,
                    bool there) {
    if (!s->bf16) return x;
    lofi_cuda_window w = {};
    w.matrices = 1, w.rows = t->entries * rows, w.columns = w.from_row = w.to_row = s->stride;
    if (!there) lofi_cuda_convert(cuda, x16, LOFI_BF16, x.data, LOFI_F32, w);
    return {x16, LOFI_BF16, s->stride, s->width, rows * s->stride, false};
}

/* The keys of an entry are there since its first tile. */
matrices keys_operand(lofi_cuda *cuda, const sizes *s, const tile *t, const float *x, lofi_cuda_bf16 *x16, bool there) {
    return operand_of(cuda, s, t, keys_of(s, t, x), s->keys, x16, there || t->first_row > 0);
}

matrices queries_operand(lofi_cuda *cuda, const sizes *s, const tile *t, const float *x, lofi_cuda_bf16 *x16,
                         bool there) {
    return operand_of(cuda, s, t, queries_of(s, t, x), t->rows, x16, there);
}

/* ---- products ---- */

char *moved(const matrices *x, bool heads, int64_t count) {
    int64_t bytes = x->type == LOFI_BF16 ? 2 : 4;
    return (char *)x->data + count * (heads ? x->head : x->entry) * bytes;
}

/* c = alpha a b + beta c for all heads and entries of a tile, of which the fewer are gone through here. */
lofi_code multiply(lofi_cuda *cuda, const sizes *s, const tile *t, int64_t m, int64_t n, int64_t k, float alpha,
                   matrices a, matrices b, float beta, matrices c, lofi_error *err) {
    bool heads = s->heads >= t->entries; /* at once */
    lofi_cuda_product p = {};
    p.transpose_a = a.transposed, p.transpose_b = b.transposed;
    p.m = m, p.n = n, p.k = k, p.lda = a.stride, p.ldb = b.stride, p.ldc = c.stride;
    p.batch = heads ? s->heads : t->entries;
    p.stride_a = heads ? a.head : a.entry, p.stride_b = heads ? b.head : b.entry;
    p.stride_c = heads ? c.head : c.entry;
    p.type = a.type, p.alpha = alpha, p.beta = beta;
    for (int64_t i = 0; i < (heads ? t->entries : s->heads); i++)
        LOFI_TRY(lofi_cuda_multiply(cuda, &p, moved(&a, !heads, i), moved(&b, !heads, i), (float *)moved(&c, !heads, i),
                                    err));
    return LOFI_OK;
}

/* ---- rows of scores ---- */

/* What a kernel has to know of a tile. */
struct scores {
    float *p, *dp, *shifted;
    lofi_cuda_bf16 *p16, *dp16; /* NULL, or where probabilities and gradients go in rows of row16 */
    int64_t row16;
    int64_t first_entry, first_row, rows, queries, keys, heads, groups, positions, count; /* count: rows of all heads */
    const float *bias, *query_mask, *key_mask;
};

struct scores_row {
    int64_t entry, row;    /* of the batch, of its queries */
    const float *addend;   /* [keys] or NULL: its biases, or its part of the positions */
    const float *key_mask; /* [keys] or NULL */
};

__device__ scores_row row_at(const scores &s, int64_t index) {
    int64_t row = index % s.rows, pair = index / s.rows, head = pair % s.heads;
    scores_row r = {s.first_entry + pair / s.heads, s.first_row + row, NULL, NULL};
    if (s.shifted)
        r.addend = s.shifted + index * s.positions + (s.rows - 1 - row);
    else if (s.bias)
        r.addend = s.bias + ((r.entry % s.groups * s.heads + head) * s.queries + r.row) * s.keys;
    if (s.key_mask) r.key_mask = s.key_mask + r.entry * s.keys;
    return r;
}

/* Adds the addend and puts -infinity where a key is masked; gives back the largest. */
__device__ float complete_row(float *p, const scores_row &r, int64_t keys) {
    float largest = -INFINITY;
    for (int64_t j = threadIdx.x; j < keys; j += blockDim.x) {
        float x = p[j];
        if (r.addend) x += r.addend[j];
        if (r.key_mask && r.key_mask[j] == 0.0f) x = -INFINITY;
        p[j] = x;
        if (x > largest) largest = x;
    }
    return lofi_cuda_join_block(largest, lofi_cuda_largest());
}

/* A number of a row of probabilities: in f32 where the gradient or a product in f32 wants it. */
__device__ void put(const scores &s, int64_t index, int64_t j, float x) {
    if (s.dp || !s.p16) s.p[index * s.keys + j] = x;
    if (s.p16) lofi_cuda_set(&s.p16[index * s.row16 + j], x);
}

/* As kernels/softmax.h. Every thread comes back to its own numbers, so that no pass waits for another. */
__global__ void softmax(scores s) {
    for (int64_t index = blockIdx.x; index < s.count; index += gridDim.x) {
        scores_row r = row_at(s, index);
        float *p = s.p + index * s.keys;
        if (s.query_mask && s.query_mask[r.entry * s.queries + r.row] == 0.0f) {
            for (int64_t j = threadIdx.x; j < s.keys; j += blockDim.x) put(s, index, j, 0.0f);
            continue;
        }
        float largest = complete_row(p, r, s.keys), sum = 0.0f;
        if (largest == -INFINITY) {
            for (int64_t j = threadIdx.x; j < s.keys; j += blockDim.x)
                put(s, index, j, p[j] == -INFINITY ? 0.0f : p[j]);
            continue;
        }
        for (int64_t j = threadIdx.x; j < s.keys; j += blockDim.x) {
            float x = expf(p[j] - largest);
            p[j] = x;
            sum += x;
        }
        float factor = 1.0f / lofi_cuda_join_block(sum, lofi_cuda_sum());
        for (int64_t j = threadIdx.x; j < s.keys; j += blockDim.x) put(s, index, j, p[j] * factor);
    }
}

/* dp = p (dp - sum of p dp), row by row. With relative positions the same goes to where the positions of the row are, among zeros. */
__global__ void softmax_gradient(scores s) {
    for (int64_t index = blockIdx.x; index < s.count; index += gridDim.x) {
        const float *p = s.p + index * s.keys;
        float *dp = s.dp + index * s.keys, sum = 0.0f;
        for (int64_t j = threadIdx.x; j < s.keys; j += blockDim.x) sum = fmaf(p[j], dp[j], sum);
        sum = lofi_cuda_join_block(sum, lofi_cuda_sum());
        int64_t before = s.rows - 1 - index % s.rows;
        float *shifted = s.shifted ? s.shifted + index * s.positions : NULL;
        for (int64_t j = threadIdx.x; j < s.keys; j += blockDim.x) {
            float x = p[j] * (dp[j] - sum);
            if (s.dp16)
                lofi_cuda_set(&s.dp16[index * s.row16 + j], x);
            else
                dp[j] = x;
            if (shifted) shifted[before + j] = x;
        }
        if (!shifted) continue;
        for (int64_t j = threadIdx.x; j < before; j += blockDim.x) shifted[j] = 0.0f;
        for (int64_t j = before + s.keys + threadIdx.x; j < s.positions; j += blockDim.x) shifted[j] = 0.0f;
    }
}

/* Queries with both biases: `count` numbers, whole rows of `stride`. */
__global__ void add_biases(float *u, float *w, const float *q, const float *bias_u, const float *bias_v, int64_t count,
                           int64_t stride) {
    LOFI_CUDA_FOR(i, count) {
        int64_t column = i % stride;
        float x = q[i];
        u[i] = x + bias_u[column];
        w[i] = x + bias_v[column];
    }
}

scores scores_for(const sizes *s, const inputs *in, const tile *t) {
    scores all = {};
    all.p = t->p, all.dp = t->dp, all.shifted = s->relative ? t->shifted : NULL;
    all.p16 = t->p16, all.dp16 = t->dp16, all.row16 = row_of_bf16(s);
    all.first_entry = t->first_entry, all.first_row = t->first_row, all.rows = t->rows;
    all.queries = s->queries, all.keys = s->keys, all.heads = s->heads, all.groups = s->groups;
    all.positions = t->positions, all.count = t->entries * s->heads * t->rows;
    all.bias = in->bias, all.query_mask = in->query_mask, all.key_mask = in->key_mask;
    return all;
}

/* ---- the steps of a tile ---- */

lofi_code score(lofi_cuda *cuda, const sizes *s, const inputs *in, const tile *t, lofi_error *err) {
    matrices keys = transposed(keys_operand(cuda, s, t, in->k, t->k16, false)), p = scores_of(s, t, t->p);
    if (!s->relative)
        return multiply(cuda, s, t, t->rows, s->keys, s->width, s->scale,
                        queries_operand(cuda, s, t, in->q, t->q16, false), keys, 0, p, err);
    int64_t count = t->entries * t->rows * s->stride;
    LOFI_CUDA_RUN(lofi_cuda_blocks(cuda, count), LOFI_CUDA_THREADS, 0, lofi_cuda_stream(cuda), add_biases)
    (t->u, t->w, (const float *)queries_of(s, t, in->q).data, in->bias_u, in->bias_v, count, s->stride);
    LOFI_TRY(multiply(cuda, s, t, t->rows, s->keys, s->width, s->scale, biased_of(s, t, t->u), keys, 0, p, err));
    return multiply(cuda, s, t, t->rows, t->positions, s->width, s->scale, biased_of(s, t, t->w),
                    transposed(positions_of(s, t, in->positions)), 0, shifted_of(s, t), err);
}

lofi_code probabilities(lofi_cuda *cuda, const sizes *s, const inputs *in, const tile *t, lofi_error *err) {
    scores all = scores_for(s, in, t);
    LOFI_TRY(score(cuda, s, in, t, err));
    LOFI_CUDA_RUN(lofi_cuda_row_blocks(cuda, all.count), lofi_cuda_row_threads(s->keys), 0, lofi_cuda_stream(cuda),
                  softmax)
    (all);
    return LOFI_OK;
}

lofi_code forward_tile(lofi_cuda *cuda, const sizes *s, const inputs *in, const tile *t, float *out, lofi_error *err) {
    LOFI_TRY(probabilities(cuda, s, in, t, err));
    return multiply(cuda, s, t, t->rows, s->width, s->keys, 1, scores_operand(s, t, t->p, t->p16),
                    keys_operand(cuda, s, t, in->v, t->v16, false), 0, queries_of(s, t, out), err);
}

/* The first tile of an entry writes dk and dv, the others add. */
lofi_code backward_tile(lofi_cuda *cuda, const sizes *s, const inputs *in, const tile *t, const float *dout,
                        float *const gradients[3], lofi_error *err) {
    float add = t->first_row > 0 ? 1.0f : 0.0f;
    matrices dq = queries_of(s, t, gradients[0]), dk = keys_of(s, t, gradients[1]), dv = keys_of(s, t, gradients[2]);
    scores all = scores_for(s, in, t);

    LOFI_TRY(probabilities(cuda, s, in, t, err));
    matrices p = scores_operand(s, t, t->p, t->p16), ds = scores_operand(s, t, t->dp, t->dp16);
    matrices gradient = queries_operand(cuda, s, t, dout, t->dout16, false);
    LOFI_TRY(multiply(cuda, s, t, s->keys, s->width, t->rows, 1, transposed(p), gradient, add, dv, err));
    matrices values = transposed(keys_operand(cuda, s, t, in->v, t->v16, false));
    LOFI_TRY(multiply(cuda, s, t, t->rows, s->keys, s->width, 1, gradient, values, 0, scores_of(s, t, t->dp), err));
    LOFI_CUDA_RUN(lofi_cuda_row_blocks(cuda, all.count), lofi_cuda_row_threads(s->keys), 0, lofi_cuda_stream(cuda),
                  softmax_gradient)
    (all);
    matrices keys = keys_operand(cuda, s, t, in->k, t->k16, true);
    matrices queries = s->relative ? biased_of(s, t, t->u) : queries_operand(cuda, s, t, in->q, t->q16, true);
    LOFI_TRY(multiply(cuda, s, t, t->rows, s->width, s->keys, s->scale, ds, keys, 0, dq, err));
    LOFI_TRY(multiply(cuda, s, t, s->keys, s->width, t->rows, s->scale, transposed(ds), queries, add, dk, err));
    if (!s->relative) return LOFI_OK;
    return multiply(cuda, s, t, t->rows, s->width, t->positions, s->scale, shifted_of(s, t),
                    positions_of(s, t, in->positions), 1, dq, err);
}

lofi_code fill_with_zeros(lofi_cuda *cuda, const lofi_view *view, lofi_error *err) {
    return view->count ? lofi_cuda_fill(cuda, view->data, 0, (size_t)view->count * sizeof(float), err) : LOFI_OK;
}

/* Without keys rows have no partner; without queries keys have no gradient. */
bool is_empty(const sizes *s) {
    return s->batch == 0 || s->queries == 0 || s->keys == 0;
}

lofi_code forward(const lofi_call *call, lofi_cuda *cuda, const sizes *s, const inputs *in, lofi_error *err) {
    tile largest = largest_tile(s, false);
    if (is_empty(s)) return fill_with_zeros(cuda, &call->outputs[0], err);
    place(s, &largest, (float *)call->workspace, false);
    for (int64_t entry = 0; entry < s->batch; entry += largest.entries) {
        for (int64_t row = 0; row < s->queries; row += largest.rows) {
            tile t = tile_at(s, &largest, entry, row);
            LOFI_TRY(forward_tile(cuda, s, in, &t, (float *)call->outputs[0].data, err));
        }
    }
    return LOFI_OK;
}

lofi_code backward(const lofi_call *call, lofi_cuda *cuda, const sizes *s, const inputs *in, lofi_error *err) {
    tile largest = largest_tile(s, true);
    float *gradients[3];
    for (int i = 0; i < 3; i++) {
        gradients[i] = (float *)call->outputs[i].data;
        if (is_empty(s)) LOFI_TRY(fill_with_zeros(cuda, &call->outputs[i], err));
    }
    if (is_empty(s)) return LOFI_OK;
    place(s, &largest, (float *)call->workspace, true);
    for (int64_t entry = 0; entry < s->batch; entry += largest.entries) {
        for (int64_t row = 0; row < s->queries; row += largest.rows) {
            tile t = tile_at(s, &largest, entry, row);
            LOFI_TRY(backward_tile(cuda, s, in, &t, (const float *)call->inputs[3].data, gradients, err));
        }
    }
    return LOFI_OK;
}

/* ---- calls ---- */

sizes sizes_of(const lofi_call *call, bool relative) {
    const lofi_heads_attributes *a = (const lofi_heads_attributes *)call->attributes;
    const int64_t *q = call->inputs[0].dims;
    int64_t width = q[2] / a->heads;
    float scale = relative ? 1.0f / sqrtf((float)width) : a->number;
    return {q[0], q[1], call->inputs[1].dims[1], a->heads, width, q[2], 1, scale, relative, false};
}

/* `after`: the input that comes after q, k, v and, of the gradient, dout. */
sizes plain_sizes(const lofi_call *call, int after) {
    sizes s = sizes_of(call, false);
    const lofi_view *bias = &call->inputs[after];
    if (bias->rank == 4) s.groups = bias->dims[0];
    s.bf16 = call->bf16 && s.width >= least_bf16 && s.queries >= least_bf16 && s.keys >= least_bf16 &&
             s.width % aligned == 0;
    return s;
}

inputs plain_inputs(const lofi_call *call, int after) {
    const float *in[7] = {};
    for (int i = 0; i < after + 3; i++) in[i] = (const float *)call->inputs[i].data;
    return {in[0], in[1], in[2], in[after], in[after + 1], in[after + 2], NULL, NULL, NULL};
}

inputs relative_inputs(const lofi_call *call, int after) {
    const float *in[8] = {};
    for (int i = 0; i < after + 4; i++) in[i] = (const float *)call->inputs[i].data;
    return {in[0], in[1], in[2], NULL, NULL, in[after + 3], in[after], in[after + 1], in[after + 2]};
}

size_t workspace_of(const sizes *s, bool backward) {
    tile largest = largest_tile(s, backward);
    return is_empty(s) ? 0 : (size_t)place(s, &largest, NULL, backward) * sizeof(float);
}

} // namespace

extern "C" size_t lofi_cuda_attention_workspace(const lofi_call *call) {
    sizes s = plain_sizes(call, 3);
    return workspace_of(&s, false);
}

LOFI_CUDA_LAUNCHER(attention) {
    sizes s = plain_sizes(call, 3);
    inputs in = plain_inputs(call, 3);
    return forward(call, cuda, &s, &in, err);
}

extern "C" size_t lofi_cuda_attention_gradient_workspace(const lofi_call *call) {
    sizes s = plain_sizes(call, 4);
    return workspace_of(&s, true);
}

LOFI_CUDA_LAUNCHER(attention_gradient) {
    sizes s = plain_sizes(call, 4);
    inputs in = plain_inputs(call, 4);
    return backward(call, cuda, &s, &in, err);
}

extern "C" size_t lofi_cuda_relative_attention_workspace(const lofi_call *call) {
    sizes s = sizes_of(call, true);
    return workspace_of(&s, false);
}

LOFI_CUDA_LAUNCHER(relative_attention) {
    sizes s = sizes_of(call, true);
    inputs in = relative_inputs(call, 3);
    return forward(call, cuda, &s, &in, err);
}

extern "C" size_t lofi_cuda_relative_attention_gradient_workspace(const lofi_call *call) {
    sizes s = sizes_of(call, true);
    return workspace_of(&s, true);
}

LOFI_CUDA_LAUNCHER(relative_attention_gradient) {
    sizes s = sizes_of(call, true);
    inputs in = relative_inputs(call, 4);
    return backward(call, cuda, &s, &in, err);
}
