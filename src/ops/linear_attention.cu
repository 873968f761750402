/* linear_attention.cu - linear attention with ReLU kernels, whole and in pieces, and its gradient on the GPU.
 *
 * All of it consists of two products, made here because their operands are rectified, masked or scaled on the way: `gather` sums
 * over the positions of a slice of the sequence to a matrix [width, width] of each head, and `apply` multiplies rows by such a
 * matrix. Slices are joined by a second pass in their order. Positions of one head are `heads * width` numbers apart; positions
 * and heads counted together, as [batch, length, heads], are "rows" below: row r begins at r * width.
 */
#include "ops/cuda_rows.h"

extern "C" {
#include "ops/attention_rules.h"
}

namespace {

const int64_t least_slice = 256, most_slices = 64;
const int depth = 16;     /* of what is held of both operands of a product at a time */
const int margin = 4;     /* columns behind those of an operand there, against bank conflicts */
const int patch = 4;      /* a thread computes patch x patch numbers */
const int resident = 768; /* threads that the registers of a multiprocessor must suffice for */

struct sizes {
    int64_t batch, length, heads, width;
    int64_t slices, slice; /* slice: positions of one; the last may have fewer */
    float epsilon;
};

__host__ __device__ int64_t pairs_of(const sizes &s) {
    return s.batch * s.heads;
}

__host__ __device__ int64_t rows_of(const sizes &s) {
    return s.batch * s.length * s.heads;
}

__host__ __device__ int64_t ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

/* q, k, v or dout as a product sees it: times a factor of each position or row, then rectified. */
struct source {
    const float *data;
    const float *factor; /* NULL: 1 */
    bool by_row;         /* factor is [batch, length, heads], else [batch, length] */
    bool rectified;
};

/* A source at one head of one entry. */
struct lines {
    const float *data, *factor;
    int64_t stride, factor_stride;
    bool rectified;
};

__device__ lines lines_of(const sizes &s, const source &x, int64_t pair) {
    int64_t entry = pair / s.heads, head = pair % s.heads;
    lines l = {x.data + (entry * s.length * s.heads + head) * s.width, NULL, s.heads * s.width, 1, x.rectified};
    if (x.factor && x.by_row)
        l.factor = x.factor + entry * s.length * s.heads + head, l.factor_stride = s.heads;
    else if (x.factor)
        l.factor = x.factor + entry * s.length;
    return l;
}

__device__ float value_at(const lines &l, int64_t position, int64_t column) {
    float x = l.data[position * l.stride + column];
    if (l.factor) x *= l.factor[position * l.factor_stride];
    return l.rectified && x < 0.0f ? 0.0f : x;
}

/* ---- products ---- */

/* sums += a^T b over `depth`, for the patch of this thread: rows of the tile from a, columns from b. */
template <int tile>
__device__ void multiply_held(const float (*a)[tile + margin], const float (*b)[tile + margin], float (*sums)[patch]) {
    int column = (int)threadIdx.x % (tile / patch) * patch, row = (int)threadIdx.x / (tile / patch) * patch;
    for (int k = 0; k < depth; k++) {
        float4 x = *(const float4 *)&a[k][row], y = *(const float4 *)&b[k][column];
        float rows[patch] = {x.x, x.y, x.z, x.w}, columns[patch] = {y.x, y.y, y.z, y.w};
        for (int i = 0; i < patch; i++)
            for (int j = 0; j < patch; j++) sums[i][j] = fmaf(rows[i], columns[j], sums[i][j]);
    }
}

/* parts[pair, slice] = sum over the positions of the slice of x^T y. A block to a tile of one of these. */
template <int tile>
__global__ void __launch_bounds__(tile / patch * (tile / patch)) gather(sizes s, source x, source y, float *parts) {
    __shared__ __align__(16) float a[depth][tile + margin];
    __shared__ __align__(16) float b[depth][tile + margin];
    int64_t tiles = ceil_div(s.width, tile), at = blockIdx.x;
    int64_t column = at % tiles * tile, row = at / tiles % tiles * tile;
    int64_t part = at / tiles / tiles, pair = part / s.slices, first = part % s.slices * s.slice;
    int64_t last = first + s.slice < s.length ? first + s.slice : s.length;
    lines left = lines_of(s, x, pair), right = lines_of(s, y, pair);
    float sums[patch][patch] = {};
    for (int64_t position = first; position < last; position += depth) {
        for (int i = (int)threadIdx.x; i < depth * tile; i += (int)blockDim.x) {
            int k = i / tile, c = i % tile;
            bool there = position + k < last;
            a[k][c] = there && row + c < s.width ? value_at(left, position + k, row + c) : 0.0f;
            b[k][c] = there && column + c < s.width ? value_at(right, position + k, column + c) : 0.0f;
        }
        __syncthreads();
        multiply_held<tile>(a, b, sums);
        __syncthreads();
    }
    row += (int)threadIdx.x / (tile / patch) * patch, column += (int)threadIdx.x % (tile / patch) * patch;
    float *to = parts + part * s.width * s.width;
    for (int i = 0; i < patch; i++)
        for (int j = 0; j < patch; j++)
            if (row + i < s.width && column + j < s.width) to[(row + i) * s.width + column + j] = sums[i][j];
}

/* What becomes of a number of `apply` before it is written; what is NULL is left out, in this order. */
struct result {
    float *data;
    const double *addend; /* [pairs, width], */
    const float *slope;   /* times this of the row; NULL: 1 */
    const float *divisor; /* [batch, length, heads] */
    const float *mask;    /* [batch, length] */
    source gate;          /* zero where this is not positive */
};

__device__ void put_row(const sizes &s, const result &to, const lines &gate, int64_t pair, int64_t position,
                        int64_t column, const float *values) {
    int64_t entry = pair / s.heads, place = entry * s.length + position, row = place * s.heads + pair % s.heads;
    double slope = to.slope ? (double)to.slope[row] : 1.0;
    float divisor = to.divisor ? to.divisor[row] : 1.0f, mask = to.mask ? to.mask[place] : 1.0f;
#pragma unroll
    for (int j = 0; j < patch; j++) {
        if (column + j >= s.width) break;
        float value = values[j];
        if (to.addend) value += (float)(to.addend[pair * s.width + column + j] * slope);
        value = value / divisor * mask;
        if (to.gate.data && !(value_at(gate, position, column + j) > 0.0f)) value = 0.0f;
        to.data[row * s.width + column + j] = value;
    }
}

/* Rows of x times the matrix of their head, which lies `step` after that of the head before. A block to a tile of positions and
 * columns of a head. */
template <int tile>
__global__ void __launch_bounds__(tile / patch * (tile / patch), resident / (tile / patch * (tile / patch)))
    apply(sizes s, source x, const float *matrices, int64_t step, bool transposed, result to) {
    __shared__ __align__(16) float a[depth][tile + margin];
    __shared__ __align__(16) float b[depth][tile + margin];
    int64_t tiles = ceil_div(s.width, tile), heights = ceil_div(s.length, tile), at = blockIdx.x;
    int64_t column = at % tiles * tile, row = at / tiles % heights * tile, pair = at / tiles / heights;
    const float *matrix = matrices + pair * step;
    lines left = lines_of(s, x, pair), gate = lines_of(s, to.gate, pair);
    float sums[patch][patch] = {};
    for (int64_t inner = 0; inner < s.width; inner += depth) {
        for (int i = (int)threadIdx.x; i < depth * tile; i += (int)blockDim.x) {
            /* What lies side by side in memory is read side by side. */
            int k = i % depth, c = i / depth;
            bool there = inner + k < s.width;
            a[k][c] = there && row + c < s.length ? value_at(left, row + c, inner + k) : 0.0f;
            if (!transposed) k = i / tile, c = i % tile;
            there = inner + k < s.width && column + c < s.width;
            int64_t place = transposed ? (column + c) * s.width + inner + k : (inner + k) * s.width + column + c;
            b[k][c] = there ? matrix[place] : 0.0f;
        }
        __syncthreads();
        multiply_held<tile>(a, b, sums);
        __syncthreads();
    }
    row += (int)threadIdx.x / (tile / patch) * patch, column += (int)threadIdx.x % (tile / patch) * patch;
#pragma unroll
    for (int i = 0; i < patch; i++)
        if (row + i < s.length) put_row(s, to, gate, pair, row + i, column, sums[i]);
}

/* ---- sums ---- */

/* parts[pair, slice, column] = sum over the positions of the slice of x, times the slope of the row (NULL: 1), in f64. A warp
 * reads side by side; the warps of a block take turns at the positions. */
__global__ void sum_slices(sizes s, source x, const float *slope, double *parts) {
    __shared__ double sums[LOFI_CUDA_THREADS / LOFI_CUDA_WARP][LOFI_CUDA_WARP];
    int64_t part = blockIdx.x, pair = part / s.slices, first = part % s.slices * s.slice;
    int64_t last = first + s.slice < s.length ? first + s.slice : s.length;
    int lane = (int)threadIdx.x % LOFI_CUDA_WARP, warp = (int)threadIdx.x / LOFI_CUDA_WARP;
    int warps = (int)blockDim.x / LOFI_CUDA_WARP;
    lines from = lines_of(s, x, pair);
    const float *slopes = slope ? slope + pair / s.heads * s.length * s.heads + pair % s.heads : NULL;
    for (int64_t start = 0; start < s.width; start += LOFI_CUDA_WARP) {
        int64_t column = start + lane;
        double sum = 0.0;
        for (int64_t position = first + warp; position < last && column < s.width; position += warps) {
            float value = value_at(from, position, column);
            sum += (double)(slopes ? value * slopes[position * s.heads] : value);
        }
        sums[warp][lane] = sum;
        __syncthreads();
        if (warp == 0 && column < s.width) {
            for (int i = 1; i < warps; i++) sum += sums[i][lane];
            parts[part * s.width + column] = sum;
        }
        __syncthreads();
    }
}

/* out[pair, i] = sum over the slices of parts[pair, slice, i]; those of a pair lie `step` after those of the pair before. */
template <class From, class To>
__global__ void join_slices(To *out, int64_t step, const From *parts, int64_t pairs, int64_t slices, int64_t count) {
    LOFI_CUDA_FOR(at, pairs * count) {
        int64_t pair = at / count, i = at - pair * count;
        double sum = 0.0;
        for (int64_t slice = 0; slice < slices; slice++) sum += (double)parts[(pair * slices + slice) * count + i];
        out[pair * step + i] = (To)sum;
    }
}

/* ---- rows, a warp to each ---- */

/* for (int64_t row = ...) over all rows, from inside a kernel launched with row_blocks. */
#define FOR_ROWS(row, count)                                                                                           \
    for (int64_t row = (int64_t)blockIdx.x * (blockDim.x / LOFI_CUDA_WARP) + threadIdx.x / LOFI_CUDA_WARP;             \
         row < (count); row += (int64_t)gridDim.x * (blockDim.x / LOFI_CUDA_WARP))

unsigned row_blocks(const lofi_cuda *cuda, int64_t rows) {
    return lofi_cuda_blocks(cuda, rows * LOFI_CUDA_WARP);
}

__device__ int64_t pair_of_row(const sizes &s, int64_t row) {
    return row / (s.length * s.heads) * s.heads + row % s.heads;
}

/* q' of the row times the sums of its head. */
template <class Sum> __device__ float denominator_of(const sizes &s, const source &q, int64_t row, const Sum *sums) {
    const float *data = q.data + row * s.width;
    float factor = q.factor ? q.factor[row / s.heads] : 1.0f;
    double dot = 0.0;
    for (int64_t c = (int)threadIdx.x % LOFI_CUDA_WARP; c < s.width; c += LOFI_CUDA_WARP) {
        float x = factor * data[c];
        dot += (double)(x < 0.0f ? 0.0f : x) * (double)sums[c];
    }
    return (float)lofi_cuda_join_warp(dot, lofi_cuda_sum());
}

/* sums: those of a head lie `step` after those of the head before. */
template <class Sum> __global__ void denominators(sizes s, source q, const Sum *sums, int64_t step, float *out) {
    FOR_ROWS(row, rows_of(s)) {
        float plain = denominator_of(s, q, row, sums + pair_of_row(s, row) * step);
        if (threadIdx.x % LOFI_CUDA_WARP == 0) out[row] = plain + s.epsilon;
    }
}

/* From d loss / d out of a row and its numerator (q' state) to the inverse of its denominator, which times dout is the gradient of
 * the numerator, and to the gradient of the denominator. Both are zero where q' is zero or meets none: the quotient by epsilon
 * alone would only overflow. */
__global__ void row_gradients(sizes s, source q, const double *sums, const float *numerator, const float *dout,
                              float *inverse, float *slope) {
    FOR_ROWS(row, rows_of(s)) {
        float plain = denominator_of(s, q, row, sums + pair_of_row(s, row) * s.width);
        float factor = plain == 0.0f ? 0.0f : 1.0f / (plain + s.epsilon);
        double dot = 0.0;
        for (int64_t c = (int)threadIdx.x % LOFI_CUDA_WARP; c < s.width; c += LOFI_CUDA_WARP)
            dot += (double)(dout[row * s.width + c] * factor) * (double)numerator[row * s.width + c];
        dot = lofi_cuda_join_warp(dot, lofi_cuda_sum());
        if (threadIdx.x % LOFI_CUDA_WARP == 0) inverse[row] = factor, slope[row] = (float)(-dot * (double)factor);
    }
}

/* ---- launches ---- */

void launch_gather(lofi_cuda *cuda, const sizes &s, const source &x, const source &y, float *parts) {
    int64_t count = pairs_of(s) * s.slices;
    cudaStream_t stream = lofi_cuda_stream(cuda);
    if (!count) return;
    if (s.width <= 32) {
        LOFI_CUDA_RUN((unsigned)count, 64, 0, stream, gather<32>)(s, x, y, parts);
    } else {
        int64_t tiles = ceil_div(s.width, 64);
        LOFI_CUDA_RUN((unsigned)(count * tiles * tiles), 256, 0, stream, gather<64>)(s, x, y, parts);
    }
}

void launch_apply(lofi_cuda *cuda, const sizes &s, const source &x, const float *matrices, int64_t step,
                  bool transposed, const result &to) {
    cudaStream_t stream = lofi_cuda_stream(cuda);
    int64_t pairs = pairs_of(s);
    if (!rows_of(s)) return;
    if (s.width <= 32) {
        LOFI_CUDA_RUN((unsigned)(pairs * ceil_div(s.length, 32)), 64, 0, stream, apply<32>)
        (s, x, matrices, step, transposed, to);
    } else {
        int64_t blocks = pairs * ceil_div(s.length, 64) * ceil_div(s.width, 64);
        LOFI_CUDA_RUN((unsigned)blocks, 256, 0, stream, apply<64>)(s, x, matrices, step, transposed, to);
    }
}

void launch_sum(lofi_cuda *cuda, const sizes &s, const source &x, const float *slope, double *parts) {
    int64_t count = pairs_of(s) * s.slices;
    if (!count) return;
    LOFI_CUDA_RUN((unsigned)count, LOFI_CUDA_THREADS, 0, lofi_cuda_stream(cuda), sum_slices)(s, x, slope, parts);
}

template <class From, class To>
void launch_join(lofi_cuda *cuda, const sizes &s, To *out, int64_t step, const From *parts, int64_t count) {
    int64_t pairs = pairs_of(s);
    if (!pairs) return;
    LOFI_CUDA_RUN(lofi_cuda_blocks(cuda, pairs * count), LOFI_CUDA_THREADS, 0, lofi_cuda_stream(cuda),
                  join_slices<From, To>)
    (out, step, parts, pairs, s.slices, count);
}

/* ---- scratch ---- */

struct scratch {
    double *sum_parts, *sums, *dsums; /* [pairs, slices, width], [pairs, width] twice */
    float *parts, *state, *dstate;    /* [pairs, slices, width, width], [pairs, width, width] twice */
    float *rows, *slope;              /* [batch, length, heads]: denominators or their inverses; their gradients */
};

/* Divides the workspace; gives back how many bytes it takes. */
size_t place(const sizes &s, scratch *w, void *workspace, bool backward) {
    int64_t pairs = pairs_of(s), sums = pairs * s.width, state = sums * s.width, rows = rows_of(s);
    struct {
        void **to;
        int64_t bytes;
    } parts[] = {{(void **)&w->sum_parts, sums * s.slices * (int64_t)sizeof(double)},
                 {(void **)&w->sums, sums * (int64_t)sizeof(double)},
                 {(void **)&w->dsums, backward ? sums * (int64_t)sizeof(double) : 0},
                 {(void **)&w->parts, state * s.slices * (int64_t)sizeof(float)},
                 {(void **)&w->state, state * (int64_t)sizeof(float)},
                 {(void **)&w->dstate, backward ? state * (int64_t)sizeof(float) : 0},
                 {(void **)&w->rows, rows * (int64_t)sizeof(float)},
                 {(void **)&w->slope, backward ? rows * (int64_t)sizeof(float) : 0}};
    int64_t total = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        *parts[i].to = workspace ? (char *)workspace + total : NULL;
        total += (parts[i].bytes + 63) / 64 * 64;
    }
    return (size_t)total;
}

sizes sizes_of(const lofi_call *call) {
    lofi_linear_sizes all = lofi_linear_sizes_of(call);
    int64_t slice = ceil_div(all.length, most_slices);
    if (slice < least_slice) slice = least_slice;
    return {all.batch, all.length, all.heads, all.width, ceil_div(all.length, slice), slice, all.epsilon};
}

size_t workspace_of(const lofi_call *call, bool backward) {
    scratch w;
    return place(sizes_of(call), &w, NULL, backward);
}

source plain(const void *data, const float *mask) {
    return {(const float *)data, mask, false, false};
}

source rectified(const void *data, const float *mask) {
    return {(const float *)data, mask, false, true};
}

/* sum of k' and of k'^T v' over all positions. */
template <class Sum>
void gather_state(lofi_cuda *cuda, const sizes &s, const scratch &w, const source &k, const source &v, float *state,
                  int64_t state_step, Sum *sums, int64_t sums_step) {
    launch_gather(cuda, s, k, v, w.parts);
    launch_join(cuda, s, state, state_step, w.parts, s.width * s.width);
    launch_sum(cuda, s, k, NULL, w.sum_parts);
    launch_join(cuda, s, sums, sums_step, w.sum_parts, s.width);
}

/* out = q' state / (q' sums + epsilon) */
template <class Sum>
void read_state(lofi_cuda *cuda, const sizes &s, const source &q, const float *state, int64_t state_step,
                const Sum *sums, int64_t sums_step, float *below, float *out) {
    result to = {};
    if (!rows_of(s)) return;
    LOFI_CUDA_RUN(row_blocks(cuda, rows_of(s)), LOFI_CUDA_THREADS, 0, lofi_cuda_stream(cuda), denominators)
    (s, q, sums, sums_step, below);
    to.data = out, to.divisor = below;
    launch_apply(cuda, s, q, state, state_step, false, to);
}

/* dq, and on the way what dk and dv need: the gradients of the state and of the sums. dq holds the numerators meanwhile. */
void backward_queries(lofi_cuda *cuda, const sizes &s, const scratch &w, const source &q, const void *dout, float *dq) {
    int64_t size = s.width * s.width;
    result numerators = {}, to = {};
    source gradient = {(const float *)dout, w.rows, true, false};
    numerators.data = dq;
    launch_apply(cuda, s, q, w.state, size, false, numerators);
    LOFI_CUDA_RUN(row_blocks(cuda, rows_of(s)), LOFI_CUDA_THREADS, 0, lofi_cuda_stream(cuda), row_gradients)
    (s, q, w.sums, dq, (const float *)dout, w.rows, w.slope);
    launch_gather(cuda, s, q, gradient, w.parts);
    launch_join(cuda, s, w.dstate, size, w.parts, size);
    launch_sum(cuda, s, q, w.slope, w.sum_parts);
    launch_join(cuda, s, w.dsums, s.width, w.sum_parts, s.width);
    to.data = dq, to.addend = w.sums, to.slope = w.slope, to.mask = q.factor, to.gate = q;
    launch_apply(cuda, s, gradient, w.state, size, true, to);
}

void backward_keys(lofi_cuda *cuda, const sizes &s, const scratch &w, const source &k, const source &v, float *dk,
                   float *dv) {
    result to_keys = {}, to_values = {};
    to_keys.data = dk, to_keys.addend = w.dsums, to_keys.mask = k.factor, to_keys.gate = k;
    launch_apply(cuda, s, v, w.dstate, s.width * s.width, true, to_keys);
    to_values.data = dv, to_values.mask = v.factor;
    launch_apply(cuda, s, k, w.dstate, s.width * s.width, false, to_values);
}

} // namespace

extern "C" size_t lofi_cuda_linear_attention_workspace(const lofi_call *call) {
    return workspace_of(call, false);
}

LOFI_CUDA_LAUNCHER(linear_attention) {
    (void)err;
    const lofi_view *in = call->inputs;
    const float *mask = (const float *)in[3].data;
    sizes s = sizes_of(call);
    scratch w;
    if (!call->outputs[0].count) return LOFI_OK;
    place(s, &w, call->workspace, false);
    gather_state(cuda, s, w, rectified(in[1].data, mask), plain(in[2].data, mask), w.state, s.width * s.width, w.sums,
                 s.width);
    read_state(cuda, s, rectified(in[0].data, mask), w.state, s.width * s.width, w.sums, s.width, w.rows,
               (float *)call->outputs[0].data);
    return LOFI_OK;
}

extern "C" size_t lofi_cuda_linear_attention_gradient_workspace(const lofi_call *call) {
    return workspace_of(call, true);
}

LOFI_CUDA_LAUNCHER(linear_attention_gradient) {
    (void)err;
    const lofi_view *in = call->inputs, *out = call->outputs;
    const float *mask = (const float *)in[4].data;
    sizes s = sizes_of(call);
    source q = rectified(in[0].data, mask), k = rectified(in[1].data, mask), v = plain(in[2].data, mask);
    scratch w;
    if (!out[0].count) return LOFI_OK;
    place(s, &w, call->workspace, true);
    gather_state(cuda, s, w, k, v, w.state, s.width * s.width, w.sums, s.width);
    backward_queries(cuda, s, w, q, in[3].data, (float *)out[0].data);
    backward_keys(cuda, s, w, k, v, (float *)out[1].data, (float *)out[2].data);
    return LOFI_OK;
}

extern "C" size_t lofi_cuda_linear_attention_state_workspace(const lofi_call *call) {
    return workspace_of(call, false);
}

LOFI_CUDA_LAUNCHER(linear_attention_state) {
    (void)err;
    const lofi_view *in = call->inputs;
    const float *mask = (const float *)in[2].data;
    float *out = (float *)call->outputs[0].data;
    sizes s = sizes_of(call);
    scratch w;
    int64_t step = (s.width + 1) * s.width;
    if (!call->outputs[0].count) return LOFI_OK;
    place(s, &w, call->workspace, false);
    gather_state(cuda, s, w, rectified(in[0].data, mask), plain(in[1].data, mask), out, step, out + s.width * s.width,
                 step);
    return LOFI_OK;
}

extern "C" size_t lofi_cuda_linear_attention_apply_workspace(const lofi_call *call) {
    return (size_t)rows_of(sizes_of(call)) * sizeof(float);
}

LOFI_CUDA_LAUNCHER(linear_attention_apply) {
    (void)err;
    const float *state = (const float *)call->inputs[1].data;
    sizes s = sizes_of(call);
    int64_t step = (s.width + 1) * s.width;
    read_state(cuda, s, rectified(call->inputs[0].data, NULL), state, step, state + s.width * s.width, step,
               (float *)call->workspace, (float *)call->outputs[0].data);
    return LOFI_OK;
}
