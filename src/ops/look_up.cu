/* look_up.cu - rows of tables and tables of positions on the GPU: embedding, sinusoids, biases by distance. */
#include "ops/cuda_elements.h"

extern "C" {
#include "kernels/rope.h"
}

#include "ops/look_up.h"
#include "ops/ops.h"

namespace {

/* ---- embedding ---- */

/* A block takes a row at a time. Ids outside give zeros. */
__global__ void embed(float *out, const int64_t *ids, int64_t count, const void *table, lofi_dtype type, int64_t rows,
                      int64_t width) {
    for (int64_t i = blockIdx.x; i < count; i += gridDim.x) {
        int64_t id = ids[i];
        bool inside = id >= 0 && id < rows;
        for (int64_t c = threadIdx.x; c < width; c += blockDim.x)
            out[i * width + c] = inside ? lofi_number_at(table, type, id * width + c) : 0.0f;
    }
}

/* ---- sinusoids: the sine and the cosine of position x frequency, the product in f32, the rest in double ---- */

/* Frequencies are computed where the CPU computes them, and come to a kernel in its arguments, so many at a time. */
enum { most_frequencies = 512 };

struct frequencies {
    int64_t first, count;
    float at[most_frequencies];
};

/* Where they go: a row for each position. */
struct waves {
    float *sine, *cosine; /* for the first position and the first frequency */
    int64_t rows, width;  /* numbers from a row to the next */
    int64_t step;         /* from a frequency to the next */
    int64_t again;        /* how much further a second copy lies; 0: there is none */
};

template <class Position> __global__ void draw_waves(waves w, frequencies f, Position position) {
    LOFI_CUDA_FOR(i, w.rows * f.count) {
        int64_t row = i / f.count, j = i - row * f.count, to = row * w.width + (f.first + j) * w.step;
        double sine, cosine;
        sincos((double)(position(row) * f.at[j]), &sine, &cosine);
        w.sine[to] = (float)sine, w.cosine[to] = (float)cosine;
        if (w.again) w.sine[to + w.again] = (float)sine, w.cosine[to + w.again] = (float)cosine;
    }
}

template <class Position, class Frequency>
lofi_code launch_waves(lofi_cuda *cuda, const waves &w, int64_t count, Position position, Frequency frequency) {
    for (int64_t first = 0; first < count; first += most_frequencies) {
        frequencies f;
        f.first = first, f.count = count - first < most_frequencies ? count - first : most_frequencies;
        for (int64_t j = 0; j < f.count; j++) f.at[j] = frequency(first + j);
        for (int64_t j = f.count; j < most_frequencies; j++) f.at[j] = 0;
        LOFI_CUDA_RUN(lofi_cuda_blocks(cuda, w.rows * f.count), LOFI_CUDA_THREADS, 0, lofi_cuda_stream(cuda),
                      draw_waves)
        (w, f, position);
    }
    return LOFI_OK;
}

/* Positions of the rows: 0, 1, 2 ...; from `last` down; given ones. */
struct counted_up {
    __device__ float operator()(int64_t row) const {
        return (float)row;
    }
};

struct counted_down {
    int64_t last;
    __device__ float operator()(int64_t row) const {
        return (float)(last - row);
    }
};

struct given {
    const float *positions;
    __device__ float operator()(int64_t row) const {
        return positions[row];
    }
};

/* ---- biases ---- */

/* by_distance: for each head 2 * length numbers, the first for the distance 1 - length; the last one is not used. */
__global__ void look_up_distances(float *by_distance, const void *table, lofi_dtype type, int64_t buckets,
                                  int64_t max_distance, int64_t heads, int64_t length) {
    LOFI_CUDA_FOR(i, heads * 2 * length) {
        int64_t head = i / (2 * length), distance = i - head * 2 * length + 1 - length;
        int64_t bucket = lofi_relative_bucket(distance, buckets, max_distance);
        by_distance[i] = lofi_number_at(table, type, bucket * heads + head);
    }
}

__global__ void spread_distances(float *out, const float *by_distance, int64_t heads, int64_t length) {
    LOFI_CUDA_FOR(i, heads * length * length) {
        int64_t row = i / length, key = i - row * length, head = row / length, query = row - head * length;
        out[i] = by_distance[head * 2 * length + length - 1 - query + key];
    }
}

/* Only the last windows down and across hold parts of both ends of the picture, which are kept apart. */
__device__ bool kept_apart(const lofi_window_bias_attributes &a, int64_t window, int64_t i, int64_t j) {
    int64_t w = a.window, across = a.width / w, edge = w - a.shift;
    bool last_down = window / across == a.height / w - 1, last_across = window % across == across - 1;
    return (last_down && (i / w < edge) != (j / w < edge)) || (last_across && (i % w < edge) != (j % w < edge));
}

__global__ void bias_windows(float *out, const float *table, int64_t count, int64_t heads,
                             lofi_window_bias_attributes a) {
    int64_t places = (int64_t)a.window * a.window;
    LOFI_CUDA_FOR(at, count) {
        int64_t row = at / places, j = at - row * places, of_head = row / places, i = row - of_head * places;
        int64_t window = of_head / heads, head = of_head - window * heads;
        float bias = table[lofi_window_row(a.window, i, j) * heads + head];
        out[at] = a.shift > 0 && kept_apart(a, window, i, j) ? bias + LOFI_WINDOW_APART : bias;
    }
}

} // namespace

LOFI_CUDA_LAUNCHER(embedding) {
    const lofi_view *ids = &call->inputs[0], *table = &call->inputs[1];
    LOFI_CUDA_RUN(lofi_cuda_blocks(cuda, ids->count * LOFI_CUDA_THREADS), LOFI_CUDA_THREADS, 0, lofi_cuda_stream(cuda),
                  embed)
    ((float *)call->outputs[0].data, (const int64_t *)ids->data, ids->count, table->data, table->dtype, table->dims[0],
     table->dims[1]);
    return LOFI_OK;
}

LOFI_CUDA_LAUNCHER(rotary_table) {
    const lofi_rotary_attributes *a = (const lofi_rotary_attributes *)call->attributes;
    const lofi_view *cosine = &call->outputs[0], *sine = &call->outputs[1];
    int64_t width = cosine->dims[1], half = width / 2;
    return launch_waves(cuda, {(float *)sine->data, (float *)cosine->data, cosine->dims[0], width, 1, half}, half,
                        counted_up(), [=](int64_t j) { return lofi_rope_frequency(j, width, a->theta); });
}

LOFI_CUDA_LAUNCHER(relative_positions) {
    const lofi_view *out = &call->outputs[0];
    float *first = (float *)out->data;
    int64_t rows = out->dims[0], width = out->dims[1];
    return launch_waves(cuda, {first, first + 1, rows, width, 2, 0}, width / 2, counted_down{(rows + 1) / 2 - 1},
                        [=](int64_t pair) { return lofi_relative_frequency(2 * pair, width); });
}

LOFI_CUDA_LAUNCHER(timestep_sinusoid) {
    const lofi_view *out = &call->outputs[0];
    float *first = (float *)out->data;
    int64_t rows = out->dims[0], width = out->dims[1], half = width / 2;
    return launch_waves(cuda, {first + half, first, rows, width, 1, 0}, half,
                        given{(const float *)call->inputs[0].data},
                        [=](int64_t i) { return lofi_timestep_frequency(i, half); });
}

extern "C" size_t lofi_cuda_relative_bias_workspace(const lofi_call *call) {
    const int64_t *out = call->outputs[0].dims;
    return (size_t)(out[0] * 2 * out[1]) * sizeof(float);
}

LOFI_CUDA_LAUNCHER(relative_bias) {
    const lofi_bias_attributes *a = (const lofi_bias_attributes *)call->attributes;
    const lofi_view *table = &call->inputs[0], *out = &call->outputs[0];
    int64_t heads = out->dims[0], length = out->dims[1];
    float *by_distance = (float *)call->workspace;
    LOFI_CUDA_RUN(lofi_cuda_blocks(cuda, heads * 2 * length), LOFI_CUDA_THREADS, 0, lofi_cuda_stream(cuda),
                  look_up_distances)
    (by_distance, table->data, table->dtype, table->dims[0], a->max_distance, heads, length);
    LOFI_CUDA_RUN(lofi_cuda_blocks(cuda, out->count), LOFI_CUDA_THREADS, 0, lofi_cuda_stream(cuda), spread_distances)
    ((float *)out->data, by_distance, heads, length);
    return LOFI_OK;
}

LOFI_CUDA_LAUNCHER(window_bias) {
    const lofi_view *out = &call->outputs[0];
    LOFI_CUDA_RUN(lofi_cuda_blocks(cuda, out->count), LOFI_CUDA_THREADS, 0, lofi_cuda_stream(cuda), bias_windows)
    ((float *)out->data, (const float *)call->inputs[0].data, out->count, out->dims[1],
     *(const lofi_window_bias_attributes *)call->attributes);
    return LOFI_OK;
}
