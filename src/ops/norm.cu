/* norm.cu - rms_norm, layer_norm and their gradients, and group_norm on the GPU; statistics in f64 as on the CPU. */
extern "C" {
#include "ops/norm_rules.h"
}
#include "ops/cuda_launch.h"
#include "ops/cuda_reduction.h"

namespace {

/* ---- rows: a warp for each, or where they are long a block ----
 *
 * What is done to a row is a structure with run<team>(row, lane, room). The output may lie in the memory of an input: it is
 * written in the last pass, each element by the thread that has just read it. */

constexpr int threads = LOFI_CUDA_THREADS;
constexpr int64_t long_row = 512;
constexpr int most_sums = 2;

template <int team, class Row> __global__ void for_rows(int64_t rows, Row row) {
    __shared__ double room[most_sums * threads / LOFI_CUDA_WARP];
    constexpr int rows_here = threads / team;
    int64_t first = (int64_t)blockIdx.x * rows_here + threadIdx.x / team;
    for (int64_t at = first; at < rows; at += (int64_t)gridDim.x * rows_here)
        row.template run<team>(at, (int)(threadIdx.x % team), room);
}

template <class Row> void launch_rows(const lofi_call *call, lofi_cuda *cuda, const Row &row) {
    const lofi_view *x = &call->inputs[0];
    constexpr int64_t most = 1 << 30;
    if (!x->count) return;
    int64_t rows = lofi_row_count(x), rows_here = row.width < long_row ? threads / LOFI_CUDA_WARP : 1;
    int64_t blocks = (rows + rows_here - 1) / rows_here;
    unsigned grid = (unsigned)(blocks < most ? blocks : most);
    if (row.width < long_row)
        LOFI_CUDA_RUN(grid, threads, 0, lofi_cuda_stream(cuda), for_rows<LOFI_CUDA_WARP>)(rows, row);
    else
        LOFI_CUDA_RUN(grid, threads, 0, lofi_cuda_stream(cuda), for_rows<threads>)(rows, row);
}

struct operands {
    float *out;
    const float *x, *second, *third; /* input 1 and input 2 */
    double epsilon;
    int64_t width;
};

operands operands_of(const lofi_call *call) {
    const lofi_norm_attributes *attributes = (const lofi_norm_attributes *)call->attributes;
    return {(float *)call->outputs[0].data,      (const float *)call->inputs[0].data,
            (const float *)call->inputs[1].data, (const float *)call->inputs[2].data,
            (double)attributes->epsilon,         lofi_row_width(&call->inputs[0])};
}

/* ---- root mean square ---- */

struct rms_row : operands {
    template <int team> __device__ void run(int64_t row, int lane, double *room) const {
        const float *from = x + row * width, *weight = second, *bias = third;
        float *to = out + row * width;
        double squares[1] = {0};
#pragma unroll 4
        for (int64_t i = lane; i < width; i += team) squares[0] = fma((double)from[i], (double)from[i], squares[0]);
        lofi_team_sums<team>(squares, room);
        float scale = (float)(1.0 / sqrt(squares[0] / (double)width + epsilon));
#pragma unroll 4
        for (int64_t i = lane; i < width; i += team)
            to[i] = from[i] * scale * (weight ? weight[i] : 1.0f) + (bias ? bias[i] : 0.0f);
    }
};

struct rms_gradient_row : operands {
    template <int team> __device__ void run(int64_t row, int lane, double *room) const {
        const float *from = x + row * width, *dy = second + row * width, *weight = third;
        float *to = out + row * width;
        double sums[2] = {0, 0}; /* of squares, of products */
#pragma unroll 4
        for (int64_t i = lane; i < width; i += team) {
            double value = (double)from[i], g = (double)dy[i] * (weight ? (double)weight[i] : 1.0);
            sums[0] = fma(value, value, sums[0]);
            sums[1] = fma(value, g, sums[1]);
        }
        lofi_team_sums<team>(sums, room);
        double r = 1.0 / sqrt(sums[0] / (double)width + epsilon);
        float scale = (float)r, pull = (float)(r * r * r * sums[1] / (double)width);
#pragma unroll 4
        for (int64_t i = lane; i < width; i += team)
            to[i] = (weight ? weight[i] : 1.0f) * dy[i] * scale - from[i] * pull;
    }
};

/* ---- mean and variance of a row, two passes ---- */

struct moments {
    double mean, r; /* r = 1 / sqrt(variance + epsilon) */
};

template <int team>
__device__ moments moments_of(const float *from, int64_t width, double epsilon, int lane, double *room) {
    double sum[1] = {0}, squares[1] = {0};
#pragma unroll 4
    for (int64_t i = lane; i < width; i += team) sum[0] += (double)from[i];
    lofi_team_sums<team>(sum, room);
    double mean = sum[0] / (double)width;
#pragma unroll 4
    for (int64_t i = lane; i < width; i += team) {
        double distance = (double)from[i] - mean;
        squares[0] = fma(distance, distance, squares[0]);
    }
    lofi_team_sums<team>(squares, room);
    return {mean, 1.0 / sqrt(squares[0] / (double)width + epsilon)};
}

struct layer_row : operands {
    template <int team> __device__ void run(int64_t row, int lane, double *room) const {
        const float *from = x + row * width, *weight = second, *bias = third;
        float *to = out + row * width;
        moments found = moments_of<team>(from, width, epsilon, lane, room);
#pragma unroll 4
        for (int64_t i = lane; i < width; i += team) {
            float normal = (float)(((double)from[i] - found.mean) * found.r);
            to[i] = normal * (weight ? weight[i] : 1.0f) + (bias ? bias[i] : 0.0f);
        }
    }
};

struct layer_gradient_row : operands {
    template <int team> __device__ void run(int64_t row, int lane, double *room) const {
        const float *from = x + row * width, *dy = second + row * width, *weight = third;
        float *to = out + row * width;
        moments found = moments_of<team>(from, width, epsilon, lane, room);
        double sums[2] = {0, 0}; /* of g, of products */
#pragma unroll 4
        for (int64_t i = lane; i < width; i += team) {
            double g = (double)dy[i] * (weight ? (double)weight[i] : 1.0);
            sums[0] += g;
            sums[1] = fma(g, (double)from[i] - found.mean, sums[1]);
        }
        lofi_team_sums<team>(sums, room);
        double shift = sums[0] / (double)width, pull = found.r * found.r * sums[1] / (double)width;
#pragma unroll 4
        for (int64_t i = lane; i < width; i += team) {
            double g = (double)dy[i] * (weight ? (double)weight[i] : 1.0);
            to[i] = (float)(found.r * (g - shift - ((double)from[i] - found.mean) * pull));
        }
    }
};

/* ---- groups of channels: sums of slabs of time, then of slabs and channels, then every element ---- */

constexpr int slab_rows = 256;
constexpr int slab_columns = 32; /* channels of a block; its other threads are further rows */
constexpr int slab_lanes = threads / slab_columns;

struct groups {
    float *out;
    const float *x, *weight, *bias;
    double epsilon;
    int64_t batch, length, channels, count, width; /* how many groups, of how many channels */
    int64_t slabs, tiles;
    double *sums;    /* [batch, slabs, 2, channels]: sums and sums of squares */
    double *results; /* [batch, count, 2]: mean and 1 / sqrt(variance + epsilon) */
};

groups groups_of(const lofi_call *call) {
    const lofi_norm_attributes *attributes = (const lofi_norm_attributes *)call->attributes;
    const lofi_view *x = &call->inputs[0];
    groups g = {};
    g.out = (float *)call->outputs[0].data;
    g.x = (const float *)x->data;
    g.weight = (const float *)call->inputs[1].data;
    g.bias = (const float *)call->inputs[2].data;
    g.epsilon = (double)attributes->epsilon;
    g.batch = x->dims[0], g.length = x->dims[1], g.channels = x->dims[2];
    g.count = attributes->groups;
    g.width = g.channels / g.count;
    g.slabs = (g.length + slab_rows - 1) / slab_rows;
    g.tiles = (g.channels + slab_columns - 1) / slab_columns;
    g.sums = (double *)call->workspace;
    g.results = g.sums + g.batch * g.slabs * 2 * g.channels;
    return g;
}

/* One slab of one tile of channels. */
__global__ void sum_slab(groups g) {
    __shared__ double room[2][slab_lanes][slab_columns];
    int column = (int)threadIdx.x % slab_columns, lane = (int)threadIdx.x / slab_columns;
    int64_t piece = blockIdx.x / g.tiles, channel = blockIdx.x % g.tiles * slab_columns + column;
    int64_t first = piece % g.slabs * slab_rows, last = first + slab_rows < g.length ? first + slab_rows : g.length;
    double sum = 0, square = 0;
    if (channel < g.channels) {
        const float *from = g.x + piece / g.slabs * g.length * g.channels + channel;
#pragma unroll 4
        for (int64_t row = first + lane; row < last; row += slab_lanes) {
            double value = (double)from[row * g.channels];
            sum += value;
            square = fma(value, value, square);
        }
    }
    room[0][lane][column] = sum;
    room[1][lane][column] = square;
    __syncthreads();
    if (lane >= 2 || channel >= g.channels) return;
    double total = 0; /* the first lane adds sums, the second squares */
    for (int i = 0; i < slab_lanes; i++) total += room[lane][i][column];
    g.sums[(piece * 2 + lane) * g.channels + channel] = total;
}

/* One group of one song by a block. */
__global__ void finish_group(groups g) {
    __shared__ double room[2 * threads / LOFI_CUDA_WARP];
    int64_t batch = blockIdx.x / g.count, group = blockIdx.x % g.count;
    double sums[2] = {0, 0};
    for (int64_t i = threadIdx.x; i < g.slabs * g.width; i += threads) {
        const double *from = g.sums + (batch * g.slabs + i / g.width) * 2 * g.channels + group * g.width + i % g.width;
        sums[0] += from[0];
        sums[1] += from[g.channels];
    }
    lofi_team_sums<threads>(sums, room);
    if (threadIdx.x != 0) return;
    double elements = (double)(g.length * g.width), mean = sums[0] / elements;
    double variance = sums[1] / elements - mean * mean;
    g.results[(int64_t)blockIdx.x * 2] = mean;
    g.results[(int64_t)blockIdx.x * 2 + 1] = 1.0 / sqrt((variance > 0 ? variance : 0) + g.epsilon);
}

/* Row by row. The output may be x. */
__global__ void normalise_groups(groups g) {
    unsigned width = (unsigned)g.width;
    for (int64_t row = blockIdx.x; row < g.batch * g.length; row += gridDim.x) {
        const double *results = g.results + row / g.length * g.count * 2;
        const float *from = g.x + row * g.channels;
        float *to = g.out + row * g.channels;
        for (unsigned i = threadIdx.x; i < g.channels; i += threads) {
            const double *found = results + (int64_t)(i / width) * 2;
            float normal = (float)(((double)from[i] - found[0]) * found[1]);
            to[i] = normal * (g.weight ? g.weight[i] : 1.0f) + (g.bias ? g.bias[i] : 0.0f);
        }
    }
}

} // namespace

LOFI_CUDA_LAUNCHER(rms_norm) {
    (void)err;
    launch_rows(call, cuda, rms_row{operands_of(call)});
    return LOFI_OK;
}

LOFI_CUDA_LAUNCHER(rms_norm_gradient) {
    (void)err;
    launch_rows(call, cuda, rms_gradient_row{operands_of(call)});
    return LOFI_OK;
}

LOFI_CUDA_LAUNCHER(layer_norm) {
    (void)err;
    launch_rows(call, cuda, layer_row{operands_of(call)});
    return LOFI_OK;
}

LOFI_CUDA_LAUNCHER(layer_norm_gradient) {
    (void)err;
    launch_rows(call, cuda, layer_gradient_row{operands_of(call)});
    return LOFI_OK;
}

extern "C" size_t lofi_cuda_group_norm_workspace(const lofi_call *call) {
    groups g = groups_of(call);
    return (size_t)(g.batch * 2 * (g.slabs * g.channels + g.count)) * sizeof(double);
}

LOFI_CUDA_LAUNCHER(group_norm) {
    (void)err;
    groups g = groups_of(call);
    if (!call->inputs[0].count) return LOFI_OK;
    cudaStream_t stream = lofi_cuda_stream(cuda);
    int64_t rows = g.batch * g.length, most = 32 * (int64_t)cuda->multiprocessors;
    LOFI_CUDA_RUN((unsigned)(g.batch * g.slabs * g.tiles), threads, 0, stream, sum_slab)(g);
    LOFI_CUDA_RUN((unsigned)(g.batch * g.count), threads, 0, stream, finish_group)(g);
    LOFI_CUDA_RUN((unsigned)(rows < most ? rows : most), threads, 0, stream, normalise_groups)(g);
    return LOFI_OK;
}
