/* convolution.cu - conv2d, conv_transpose1d, depthwise_conv1d and max_pool2d on the GPU, all in f32.
 *
 * conv2d has three ways. Kernels of one place are matrix products on x as it lies. One channel in and one out is computed output by
 * output. Everything else is a product of the weight and a matrix of columns that exists only tile by tile, in shared memory:
 * column n belongs to output place n, and its rows are what the taps see there. A transposed convolution is the same product:
 * of the outputs t with equal t mod stride each is a plain convolution, over few of the taps and with steps backwards.
 */
extern "C" {
#include "ops/depthwise_conv1d.h"
#include "ops/ops.h"
}
#include "ops/cuda_launch.h"
#include "ops/cuda_numbers.h"

namespace {

constexpr int threads = LOFI_CUDA_THREADS;

/* Whether indices below `count` can be divided as 32-bit numbers, which is several times as fast. */
bool is_short(int64_t count) {
    return count < (int64_t)1 << 31;
}

/* ---- the product with columns ---- */

constexpr int depth = 8; /* channels of one tile */

/* The convolution as the product sees it: of every group, out[m, n] = sum over taps and channels of weight x column. */
struct geometry {
    int64_t columns, plane; /* output places of all images, of one */
    int row_length;         /* of those in one row of the output */
    int height, width, kernel_h, kernel_w;
    int stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w;
    int channels;                              /* of x in a group */
    int64_t image_in, group_in, channel_in;    /* steps in x */
    int outputs, padded_outputs;               /* channels of the output in a group; in the arranged weight */
    int steps;                                 /* tiles of channels of all taps */
    int groups, tiles_m;                       /* tiles_m: of the outputs of a group; known when it is launched */
    int64_t image_out, group_out, channel_out; /* steps in the output */
    int64_t group_bias;                        /* and in the bias */
    /* Place n of an image is number n * place_step + group * group_step + place_first of a channel of the output; what comes out
     * below 0 or above channel_out is left out. */
    int64_t place_step, group_step, place_first;
    bool whole; /* four neighbouring places can be written as one */
};

/* Where a thread finds its column of the matrix: at every tap one place of x, or nothing; there it reads every step-th channel from
 * the first on. */
struct gatherer {
    const float *from, *at; /* the first channel it reads in the group; where it reads next */
    int64_t step_floats;
    int first, step, row, column, tap_h, tap_w, channel;
    bool exists, inside;

    __device__ gatherer(const geometry &g, const float *x, int64_t group, int64_t n, int first, int step)
        : step_floats(step * g.channel_in), first(first), step(step), tap_h(0), tap_w(0), channel(0) {
        int64_t image = n / g.plane, place = n - image * g.plane;
        exists = n < g.columns;
        from = x + image * g.image_in + group * g.group_in + first * g.channel_in;
        row = (int)(place / g.row_length) * g.stride_h - g.padding_h;
        column = (int)(place % g.row_length) * g.stride_w - g.padding_w;
        look(g);
    }

    __device__ void look(const geometry &g) {
        int r = row + tap_h * g.dilation_h, c = column + tap_w * g.dilation_w;
        inside = exists && r >= 0 && r < g.height && c >= 0 && c < g.width;
        at = inside ? from + (int64_t)r * g.width + c : from;
    }

    /* One tile of channels, which is count steps; then on to the next. */
    template <int count> __device__ void read(const geometry &g, float (&values)[count]) {
        int left = g.channels - channel - first;
#pragma unroll
        for (int i = 0; i < count; i++) {
            values[i] = inside && i * step < left ? *at : 0.0f;
            at += step_floats;
        }
        channel += depth;
        if (channel < g.channels) return;
        channel = 0;
        if (++tap_w == g.kernel_w) {
            tap_w = 0;
            tap_h++;
        }
        look(g);
    }
};

/* Of `tile` rows or columns a thread computes `own`, in runs of up to four that lie tile / runs apart: so neighbouring threads
 * read neighbouring words of shared memory. */
template <int tile, int own> struct share {
    static constexpr int run = own < 4 ? own : 4, runs = own / run;

    static __device__ int place(int thread, int i) {
        return i / run * (tile / runs) + thread * run + i % run;
    }

    static __device__ void read(float (&to)[own], const float *from, int thread) {
#pragma unroll
        for (int r = 0; r < runs; r++) {
            const float *at = from + place(thread, r * run);
            if constexpr (run == 4) {
                float4 four = *(const float4 *)at;
                to[4 * r] = four.x, to[4 * r + 1] = four.y, to[4 * r + 2] = four.z, to[4 * r + 3] = four.w;
            } else {
#pragma unroll
                for (int i = 0; i < run; i++) to[r * run + i] = at[i];
            }
        }
    }
};

/* sums += a b over one tile of channels. */
template <int tile_m, int tile_n, int own_m, int own_n>
__device__ void add_products(float (&sums)[own_m][own_n], const float *a, const float *b, int thread_m, int thread_n) {
#pragma unroll
    for (int k = 0; k < depth; k++) {
        float left[own_m], right[own_n];
        share<tile_m, own_m>::read(left, a + k * tile_m, thread_m);
        share<tile_n, own_n>::read(right, b + k * tile_n, thread_n);
#pragma unroll
        for (int i = 0; i < own_m; i++)
#pragma unroll
            for (int j = 0; j < own_n; j++) sums[i][j] = fmaf(left[i], right[j], sums[i][j]);
    }
}

/* Where output place n lies in channel 0 of the group, or NULL. */
__device__ float *target_of(const geometry &g, float *out, int64_t group, int64_t n) {
    if (n >= g.columns) return nullptr;
    int64_t image = n / g.plane;
    int64_t to = (n - image * g.plane) * g.place_step + group * g.group_step + g.place_first;
    if (to < 0 || to >= g.channel_out) return nullptr;
    return out + image * g.image_out + group * g.group_out + to;
}

/* What a thread has computed: rows of the tile are channels of the output. */
template <int tile_m, int own_m, int own_n> struct result {
    float sums[own_m][own_n];
    int first_m, thread_m;

    __device__ int channel(int i) const {
        return first_m + share<tile_m, own_m>::place(thread_m, i);
    }

    /* bias: of the group, or NULL. */
    __device__ void add_bias(const geometry &g, const float *bias) {
#pragma unroll
        for (int i = 0; i < own_m; i++) {
            float start = bias && channel(i) < g.outputs ? bias[channel(i)] : 0.0f;
#pragma unroll
            for (int j = 0; j < own_n; j++) sums[i][j] += start;
        }
    }

    __device__ void write(const geometry &g, float *to, int j) const {
#pragma unroll
        for (int i = 0; i < own_m; i++)
            if (channel(i) < g.outputs) to[channel(i) * g.channel_out] = sums[i][j];
    }

    __device__ void write_four(const geometry &g, float *to, int j) const {
#pragma unroll
        for (int i = 0; i < own_m; i++) {
            const float *four = sums[i] + j;
            if (channel(i) < g.outputs)
                *(float4 *)(to + channel(i) * g.channel_out) = make_float4(four[0], four[1], four[2], four[3]);
        }
    }
};

/* first_n: of the tile. */
template <int tile_n, int tile_m, int own_m, int own_n>
__device__ void write_result(const geometry &g, float *out, int64_t group, int64_t first_n, int thread_n,
                             const result<tile_m, own_m, own_n> &r) {
    constexpr int run = share<tile_n, own_n>::run;
#pragma unroll
    for (int j = 0; j < own_n; j++) {
        bool as_four = run == 4 && g.whole;
        if (as_four && j % run != 0) continue;
        float *to = target_of(g, out, group, first_n + share<tile_n, own_n>::place(thread_n, j));
        if (!to) continue;
        if (!as_four) r.write(g, to, j);
        if constexpr (run == 4) {
            if (as_four) r.write_four(g, to, j / run * run);
        }
    }
}

/* One tile of the output of one group: weight [groups, steps, depth, padded_outputs] times columns, and the bias. While a tile is
 * multiplied the next one is read; shared memory has room for two. */
template <int tile_m, int tile_n, int own_m, int own_n>
__global__ void __launch_bounds__(threads, 2)
    multiply_columns(float *__restrict__ out, const float *__restrict__ x, const float *__restrict__ weight,
                     const float *__restrict__ bias, geometry g) {
    static_assert(tile_m / own_m * (tile_n / own_n) == threads, "a thread for every share");
    static_assert(tile_m * depth / 4 <= threads && threads % tile_n == 0, "a tile is read in one go");
    constexpr int fours = tile_m / 4, reads = tile_n * depth / threads, rows_apart = threads / tile_n;
    __shared__ __align__(16) float a[2][depth * tile_m];
    __shared__ __align__(16) float b[2][depth * tile_n];
    int thread = (int)threadIdx.x, thread_m = thread / (tile_n / own_n), thread_n = thread % (tile_n / own_n);
    int together = g.groups * g.tiles_m, which = (int)(blockIdx.x % together);
    int first_m = which % g.tiles_m * tile_m;
    int64_t group = which / g.tiles_m, first_n = (int64_t)(blockIdx.x / together) * tile_n;
    int64_t step_floats = (int64_t)depth * g.padded_outputs;

    bool reads_weight = thread < fours * depth;
    const float *weights = weight + group * g.steps * step_floats + thread / fours * (int64_t)g.padded_outputs +
                           first_m + thread % fours * 4;
    gatherer columns(g, x, group, first_n + thread % tile_n, thread / tile_n, rows_apart);

    float4 next_a = {0, 0, 0, 0};
    float next_b[reads];
    result<tile_m, own_m, own_n> r = {{}, first_m, thread_m};
    for (int step = 0; step <= g.steps; step++) {
        if (step < g.steps) {
            if (reads_weight) next_a = *(const float4 *)(weights + step * step_floats);
            columns.read(g, next_b);
        }
        int before = (step - 1) & 1, now = step & 1;
        if (step > 0) add_products<tile_m, tile_n>(r.sums, a[before], b[before], thread_m, thread_n);
        if (step < g.steps) {
            if (reads_weight) *(float4 *)(a[now] + thread * 4) = next_a;
#pragma unroll
            for (int i = 0; i < reads; i++)
                b[now][(thread / tile_n + i * rows_apart) * tile_n + thread % tile_n] = next_b[i];
        }
        __syncthreads();
    }
    r.add_bias(g, bias ? bias + group * g.group_bias : nullptr);
    write_result<tile_n>(g, out, group, first_n, thread_n, r);
}

/* Outputs of a group are padded to a multiple of the tile that fits them. */
int64_t padded(int64_t outputs) {
    return outputs > 32 ? lofi_cuda_rounded_up(outputs, 64) : outputs > 16 ? 32 : outputs > 8 ? 16 : 8;
}

template <int tile_m, int tile_n> int64_t blocks_of(const geometry *g) {
    return (int64_t)g->groups * (g->padded_outputs / tile_m) * lofi_cuda_pieces(g->columns, tile_n);
}

template <int tile_m, int tile_n, int own_m, int own_n>
void launch_tiles(lofi_cuda *cuda, geometry g, float *out, const float *x, const float *weight, const float *bias) {
    g.tiles_m = g.padded_outputs / tile_m;
    unsigned blocks = (unsigned)blocks_of<tile_m, tile_n>(&g);
    LOFI_CUDA_RUN(blocks, threads, 0, lofi_cuda_stream(cuda), multiply_columns<tile_m, tile_n, own_m, own_n>)
    (out, x, weight, bias, g);
}

/* The largest tile that occupies the GPU. Whichever it is, every sum is made in the same order. */
void launch_columns(lofi_cuda *cuda, const geometry *g, float *out, const float *x, const float *weight,
                    const float *bias) {
    int rows = g->padded_outputs;
    if (rows % 128 == 0 && blocks_of<128, 128>(g) >= cuda->multiprocessors)
        launch_tiles<128, 128, 8, 8>(cuda, *g, out, x, weight, bias);
    else if (rows % 64 == 0)
        launch_tiles<64, 128, 8, 4>(cuda, *g, out, x, weight, bias);
    else if (rows == 32)
        launch_tiles<32, 256, 8, 4>(cuda, *g, out, x, weight, bias);
    else if (rows == 16)
        launch_tiles<16, 256, 4, 4>(cuda, *g, out, x, weight, bias);
    else
        launch_tiles<8, 256, 8, 1>(cuda, *g, out, x, weight, bias);
}

/* ---- conv2d ---- */

geometry geometry_of_conv2d(const lofi_call *call) {
    const lofi_conv2d_attributes *a = (const lofi_conv2d_attributes *)call->attributes;
    const int64_t *x = call->inputs[0].dims, *weight = call->inputs[1].dims, *out = call->outputs[0].dims;
    geometry g = {};
    g.plane = out[2] * out[3];
    g.columns = x[0] * g.plane;
    g.row_length = (int)out[3];
    g.height = (int)x[2], g.width = (int)x[3];
    g.kernel_h = (int)weight[2], g.kernel_w = (int)weight[3];
    g.stride_h = a->stride_h, g.stride_w = a->stride_w;
    g.padding_h = a->padding_h, g.padding_w = a->padding_w;
    g.dilation_h = a->dilation_h, g.dilation_w = a->dilation_w;
    g.groups = a->groups;
    g.channels = (int)weight[1];
    g.channel_in = x[2] * x[3];
    g.group_in = g.channels * g.channel_in;
    g.image_in = x[1] * g.channel_in;
    g.outputs = (int)(weight[0] / a->groups);
    g.padded_outputs = (int)padded(g.outputs);
    g.steps = g.kernel_h * g.kernel_w * (int)lofi_cuda_pieces(g.channels, depth);
    g.channel_out = g.plane;
    g.group_out = g.outputs * g.plane;
    g.image_out = out[1] * g.plane;
    g.group_bias = g.outputs;
    g.place_step = 1;
    g.whole = g.plane % 4 == 0 && (uintptr_t)call->outputs[0].data % 16 == 0;
    return g;
}

bool is_depthwise(const geometry *g) {
    return g->channels == 1 && g->outputs == 1;
}

/* x itself is the matrix of columns. */
bool is_pointwise(const geometry *g) {
    return g->groups == 1 && g->kernel_h * g->kernel_w == 1 && g->stride_h == 1 && g->stride_w == 1 &&
           g->padding_h == 0 && g->padding_w == 0;
}

int64_t arranged_floats(const geometry *g) {
    return (int64_t)g->groups * g->steps * depth * g->padded_outputs;
}

constexpr int square = 32;

/* The weight [groups, outputs, channels, taps] as [groups, taps, padded channels, padded outputs] in f32, zero where padded. Each
 * block turns a square of outputs and (channel, tap) pairs. */
__global__ void arrange(float *__restrict__ to, const void *__restrict__ weight, lofi_dtype type, geometry g,
                        int64_t tiles_k) {
    __shared__ float room[square][square + 1];
    int column = (int)threadIdx.x % square, row = (int)threadIdx.x / square;
    int64_t tiles_m = (g.padded_outputs + square - 1) / square, taps = (int64_t)g.kernel_h * g.kernel_w;
    int64_t first_m = blockIdx.x % tiles_m * square, rest = blockIdx.x / tiles_m;
    int64_t first_k = rest % tiles_k * square, group = rest / tiles_k, filled = g.channels * taps;
    int64_t padded_channels = g.steps / taps * depth;
    for (int i = row; i < square; i += threads / square) {
        int64_t m = first_m + i, k = first_k + column;
        bool there = m < g.outputs && k < filled;
        room[i][column] = there ? lofi_number_at(weight, type, (group * g.outputs + m) * filled + k) : 0.0f;
    }
    __syncthreads();
    for (int i = row; i < square; i += threads / square) {
        int64_t m = first_m + column, k = first_k + i, channel = k / taps, tap = k % taps;
        if (m >= g.padded_outputs || channel >= padded_channels) continue;
        to[((group * taps + tap) * padded_channels + channel) * g.padded_outputs + m] = room[column][i];
    }
}

__global__ void convert(float *to, const void *weight, lofi_dtype type, int64_t count) {
    LOFI_CUDA_FOR(i, count) to[i] = lofi_number_at(weight, type, i);
}

/* out[image, channel, ...] = bias[channel] */
template <class index>
__global__ void fill_with_bias(float *out, const float *bias, int64_t channels, int64_t plane, int64_t count) {
    LOFI_CUDA_FOR(i, count) out[i] = bias[(index)i / (index)plane % (index)channels];
}

/* One channel in, one out. */
template <class index>
__global__ void convolve_channels(float *__restrict__ out, const float *__restrict__ x, const void *__restrict__ weight,
                                  lofi_dtype type, const float *__restrict__ bias, geometry g, int64_t count) {
    LOFI_CUDA_FOR(i, count) {
        index at = (index)i, image = at / (index)g.plane, place = at - image * (index)g.plane;
        int64_t channel = (int64_t)(image % (index)g.groups), first = channel * g.kernel_h * g.kernel_w;
        int row = (int)(place / (index)g.row_length), column = (int)(place - (index)row * (index)g.row_length);
        const float *from = x + (int64_t)image * g.channel_in;
        float sum = bias ? bias[channel] : 0.0f;
        for (int h = 0; h < g.kernel_h; h++) {
            int r = row * g.stride_h + h * g.dilation_h - g.padding_h;
            if (r < 0 || r >= g.height) continue;
            for (int w = 0; w < g.kernel_w; w++) {
                int c = column * g.stride_w + w * g.dilation_w - g.padding_w;
                if (c < 0 || c >= g.width) continue;
                sum = fmaf(lofi_number_at(weight, type, first + h * g.kernel_w + w), from[(int64_t)r * g.width + c],
                           sum);
            }
        }
        out[i] = sum;
    }
}

struct tensors {
    float *out;
    const float *x, *bias;
    const void *weight;
    lofi_dtype type; /* of the weight */
};

tensors tensors_of(const lofi_call *call) {
    return {(float *)call->outputs[0].data, (const float *)call->inputs[0].data, (const float *)call->inputs[2].data,
            call->inputs[1].data, call->inputs[1].dtype};
}

void run_depthwise(const lofi_call *call, lofi_cuda *cuda, const geometry *g) {
    tensors t = tensors_of(call);
    int64_t count = call->outputs[0].count;
    unsigned blocks = lofi_cuda_blocks(cuda, count);
    cudaStream_t stream = lofi_cuda_stream(cuda);
    if (is_short(count)) {
        LOFI_CUDA_RUN(blocks, threads, 0, stream, convolve_channels<uint32_t>)
        (t.out, t.x, t.weight, t.type, t.bias, *g, count);
    } else {
        LOFI_CUDA_RUN(blocks, threads, 0, stream, convolve_channels<uint64_t>)
        (t.out, t.x, t.weight, t.type, t.bias, *g, count);
    }
}

lofi_code run_pointwise(const lofi_call *call, lofi_cuda *cuda, const geometry *g, lofi_error *err) {
    tensors t = tensors_of(call);
    int64_t count = call->outputs[0].count, weights = call->inputs[1].count;
    cudaStream_t stream = lofi_cuda_stream(cuda);
    const void *weight = t.weight;
    if (t.type != LOFI_F32) {
        LOFI_CUDA_RUN(lofi_cuda_blocks(cuda, weights), threads, 0, stream, convert)
        ((float *)call->workspace, weight, t.type, weights);
        weight = call->workspace;
    }
    unsigned blocks = lofi_cuda_blocks(cuda, count);
    if (t.bias && is_short(count))
        LOFI_CUDA_RUN(blocks, threads, 0, stream, fill_with_bias<uint32_t>)(t.out, t.bias, g->outputs, g->plane, count);
    else if (t.bias)
        LOFI_CUDA_RUN(blocks, threads, 0, stream, fill_with_bias<uint64_t>)(t.out, t.bias, g->outputs, g->plane, count);
    lofi_cuda_product product = {};
    product.m = g->outputs, product.n = g->plane, product.k = g->channels;
    product.lda = g->channels, product.ldb = g->plane, product.ldc = g->plane;
    product.batch = call->inputs[0].dims[0];
    product.stride_b = g->image_in, product.stride_c = g->image_out;
    product.type = LOFI_F32;
    product.alpha = 1.0f, product.beta = t.bias ? 1.0f : 0.0f;
    return lofi_cuda_multiply(cuda, &product, weight, t.x, t.out, err);
}

void run_columns(const lofi_call *call, lofi_cuda *cuda, const geometry *g) {
    tensors t = tensors_of(call);
    float *arranged = (float *)call->workspace;
    int64_t tiles_k = lofi_cuda_pieces((int64_t)g->steps * depth, square),
            tiles_m = lofi_cuda_pieces(g->padded_outputs, square);
    LOFI_CUDA_RUN((unsigned)(g->groups * tiles_k * tiles_m), threads, 0, lofi_cuda_stream(cuda), arrange)
    (arranged, t.weight, t.type, *g, tiles_k);
    launch_columns(cuda, g, t.out, t.x, arranged, t.bias);
}

/* ---- conv_transpose1d ----
 *
 * Output t lies in cell i = (t + padding) / stride and is number r = (t + padding) mod stride there. Tap q of it reads x[i - q] with
 * weight r + q stride. So the r are the groups, and the cells the places. */

geometry geometry_of_transposed(const lofi_call *call) {
    const lofi_conv_transpose1d_attributes *a = (const lofi_conv_transpose1d_attributes *)call->attributes;
    const int64_t *x = call->inputs[0].dims, *weight = call->inputs[1].dims, *out = call->outputs[0].dims;
    geometry g = {};
    g.plane = lofi_cuda_pieces(out[2] + a->padding, a->stride);
    g.columns = x[0] * g.plane;
    g.row_length = (int)g.plane;
    g.height = 1, g.width = (int)x[2];
    g.kernel_h = 1, g.kernel_w = (int)lofi_cuda_pieces(weight[2], a->stride);
    g.stride_h = g.stride_w = g.dilation_h = 1;
    g.dilation_w = -1;
    g.groups = a->stride;
    g.channels = (int)x[1];
    g.channel_in = x[2];
    g.image_in = x[1] * x[2];
    g.outputs = (int)out[1];
    g.padded_outputs = (int)padded(g.outputs);
    g.steps = g.kernel_w * (int)lofi_cuda_pieces(g.channels, depth);
    g.channel_out = out[2];
    g.image_out = out[1] * out[2];
    g.place_step = a->stride;
    g.group_step = 1;
    g.place_first = -(int64_t)a->padding;
    return g;
}

/* The weight [channels, outputs, taps of all] as [groups, taps, padded channels, padded outputs], zero where padded. */
template <class index>
__global__ void arrange_transposed(float *to, const float *weight, geometry g, int64_t all_taps, int64_t count) {
    index outputs = (index)g.padded_outputs, taps = (index)g.kernel_w;
    index channels = (index)(g.steps / g.kernel_w * depth);
    LOFI_CUDA_FOR(i, count) {
        index rest = (index)i / outputs, m = (index)i - rest * outputs, channel = rest % channels;
        rest /= channels;
        int64_t tap = (int64_t)(rest / taps) + (int64_t)(rest % taps) * g.groups;
        bool there = m < (index)g.outputs && channel < (index)g.channels && tap < all_taps;
        to[i] = there ? weight[((int64_t)channel * g.outputs + (int64_t)m) * all_taps + tap] : 0.0f;
    }
}

/* ---- depthwise_conv1d ---- */

constexpr int run_length = 8; /* places in time of one thread */

struct song {
    int64_t length, channels, taps, runs;
    bool flipped;
};

/* Neighbouring threads have neighbouring channels. known: the number of taps, or 0. */
template <int known>
__global__ void convolve_in_time(float *__restrict__ out, const float *__restrict__ x, const void *__restrict__ weight,
                                 lofi_dtype type, const float *__restrict__ bias, song s, int64_t count) {
    const int taps = known ? known : (int)s.taps;
    LOFI_CUDA_FOR(i, count) {
        int64_t rest = i / s.channels, channel = i - rest * s.channels, image = rest / s.runs;
        int64_t first = (rest - image * s.runs) * run_length, from = image * s.length * s.channels + channel;
        float start = bias ? bias[channel] : 0.0f, kept[known ? known : 1];
        for (int j = 0; j < known; j++)
            kept[j] = lofi_number_at(weight, type, channel * taps + (s.flipped ? taps - 1 - j : j));
#pragma unroll
        for (int step = 0; step < run_length; step++) {
            int64_t place = first + step;
            if (place >= s.length) break;
            float sum = start;
            for (int j = 0; j < taps; j++) {
                int64_t at = place + j - taps / 2;
                if (at < 0 || at >= s.length) continue;
                float factor = known ? kept[known ? j : 0]
                                     : lofi_number_at(weight, type, channel * taps + (s.flipped ? taps - 1 - j : j));
                sum = fmaf(factor, x[from + at * s.channels], sum);
            }
            out[from + place * s.channels] = sum;
        }
    }
}

template <int known> void launch_in_time(const lofi_call *call, lofi_cuda *cuda, const song *s) {
    tensors t = tensors_of(call);
    int64_t count = call->inputs[0].dims[0] * s->runs * s->channels;
    LOFI_CUDA_RUN(lofi_cuda_blocks(cuda, count), threads, 0, lofi_cuda_stream(cuda), convolve_in_time<known>)
    (t.out, t.x, t.weight, t.type, t.bias, *s, count);
}

/* ---- max_pool2d ---- */

template <class index>
__global__ void pool(float *__restrict__ out, const float *__restrict__ x, int64_t height, int64_t width, int size,
                     int64_t count) {
    index high = (index)(height / size), wide = (index)(width / size);
    LOFI_CUDA_FOR(i, count) {
        index above = (index)i / wide, column = (index)i - above * wide, plane = above / high,
              row = above - plane * high;
        const float *from = x + ((int64_t)plane * height + (int64_t)row * size) * width + (int64_t)column * size;
        float most = from[0];
        for (int h = 0; h < size; h++)
            for (int w = 0; w < size; w++) {
                float value = from[h * width + w];
                if (value > most || value != value) most = value; /* a NaN is larger than all */
            }
        out[i] = most;
    }
}

} // namespace

extern "C" size_t lofi_cuda_conv2d_workspace(const lofi_call *call) {
    geometry g = geometry_of_conv2d(call);
    if (is_depthwise(&g)) return 0;
    if (!is_pointwise(&g)) return (size_t)arranged_floats(&g) * sizeof(float);
    return call->inputs[1].dtype == LOFI_F32 ? 0 : (size_t)call->inputs[1].count * sizeof(float);
}

LOFI_CUDA_LAUNCHER(conv2d) {
    geometry g = geometry_of_conv2d(call);
    if (!call->outputs[0].count) return LOFI_OK;
    if (is_depthwise(&g))
        run_depthwise(call, cuda, &g);
    else if (is_pointwise(&g))
        return run_pointwise(call, cuda, &g, err);
    else
        run_columns(call, cuda, &g);
    return LOFI_OK;
}

extern "C" size_t lofi_cuda_conv_transpose1d_workspace(const lofi_call *call) {
    geometry g = geometry_of_transposed(call);
    return (size_t)arranged_floats(&g) * sizeof(float);
}

LOFI_CUDA_LAUNCHER(conv_transpose1d) {
    (void)err;
    geometry g = geometry_of_transposed(call);
    if (!call->outputs[0].count) return LOFI_OK;
    tensors t = tensors_of(call);
    float *arranged = (float *)call->workspace;
    const float *weight = (const float *)t.weight;
    int64_t count = arranged_floats(&g), taps = call->inputs[1].dims[2];
    unsigned blocks = lofi_cuda_blocks(cuda, count);
    cudaStream_t stream = lofi_cuda_stream(cuda);
    if (is_short(count))
        LOFI_CUDA_RUN(blocks, threads, 0, stream, arrange_transposed<uint32_t>)(arranged, weight, g, taps, count);
    else
        LOFI_CUDA_RUN(blocks, threads, 0, stream, arrange_transposed<uint64_t>)(arranged, weight, g, taps, count);
    launch_columns(cuda, &g, t.out, t.x, arranged, t.bias);
    return LOFI_OK;
}

LOFI_CUDA_LAUNCHER(depthwise_conv1d) {
    (void)err;
    const lofi_view *x = &call->inputs[0];
    song s = {x->dims[1], x->dims[2], call->inputs[1].dims[2], lofi_cuda_pieces(x->dims[1], run_length), false};
    s.flipped = ((const lofi_depthwise_conv1d_attributes *)call->attributes)->flipped != 0;
    if (!x->count) return LOFI_OK;
    if (s.taps == 3)
        launch_in_time<3>(call, cuda, &s);
    else if (s.taps == 7)
        launch_in_time<7>(call, cuda, &s);
    else
        launch_in_time<0>(call, cuda, &s);
    return LOFI_OK;
}

LOFI_CUDA_LAUNCHER(max_pool2d) {
    (void)err;
    const lofi_view *x = &call->inputs[0];
    int64_t count = call->outputs[0].count;
    int size = *(const int32_t *)call->attributes;
    unsigned blocks = lofi_cuda_blocks(cuda, count);
    cudaStream_t stream = lofi_cuda_stream(cuda);
    float *out = (float *)call->outputs[0].data;
    if (!count) return LOFI_OK;
    if (is_short(count)) {
        LOFI_CUDA_RUN(blocks, threads, 0, stream, pool<uint32_t>)
        (out, (const float *)x->data, x->dims[2], x->dims[3], size, count);
    } else {
        LOFI_CUDA_RUN(blocks, threads, 0, stream, pool<uint64_t>)
        (out, (const float *)x->data, x->dims[2], x->dims[3], size, count);
    }
    return LOFI_OK;
}
