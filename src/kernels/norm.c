/* norm.c - see norm.h. */
#include "kernels/norm.h"

#include <math.h>

#include "kernels/parallel.h"
#include "kernels/vector.h"

static int team_for(int64_t rows, int64_t width, int threads) {
    return rows > 1 && rows * width > LOFI_TEAM_ELEMENTS ? threads : 1;
}

/* ---- root mean square ---- */

static inline LOFI_BODY void rms_row_body(float *out, const float *x, const float *weight, const float *bias,
                                          float epsilon, int64_t width) {
    double squares = 0;
#pragma omp simd reduction(+ : squares)
    for (int64_t i = 0; i < width; i++) squares += (double)x[i] * (double)x[i];
    float scale = (float)(1.0 / sqrt(squares / (double)width + (double)epsilon));
    if (weight && bias) {
#pragma omp simd
        for (int64_t i = 0; i < width; i++) out[i] = x[i] * scale * weight[i] + bias[i];
    } else if (weight) {
#pragma omp simd
        for (int64_t i = 0; i < width; i++) out[i] = x[i] * scale * weight[i];
    } else {
        for (int64_t i = 0; i < width; i++) out[i] = x[i] * scale + (bias ? bias[i] : 0.0f);
    }
}
LOFI_VERSIONS(rms_row,
              (float *out, const float *x, const float *weight, const float *bias, float epsilon, int64_t width),
              (out, x, weight, bias, epsilon, width))

void lofi_rms_norm_rows(float *out, const float *x, const float *weight, const float *bias, float epsilon, int64_t rows,
                        int64_t width, int threads) {
    int team = team_for(rows, width, threads);
    LOFI_PARALLEL_FOR(team, row, rows, { rms_row(out + row * width, x + row * width, weight, bias, epsilon, width); });
}

static inline LOFI_BODY void rms_gradient_row_body(float *dx, const float *x, const float *dy, const float *weight,
                                                   float epsilon, int64_t width) {
    double squares = 0, products = 0;
    if (weight) {
#pragma omp simd reduction(+ : squares, products)
        for (int64_t i = 0; i < width; i++) {
            squares += (double)x[i] * (double)x[i];
            products += (double)x[i] * (double)weight[i] * (double)dy[i];
        }
    } else {
#pragma omp simd reduction(+ : squares, products)
        for (int64_t i = 0; i < width; i++) {
            squares += (double)x[i] * (double)x[i];
            products += (double)x[i] * (double)dy[i];
        }
    }
    double r = 1.0 / sqrt(squares / (double)width + (double)epsilon);
    float scale = (float)r, pull = (float)(r * r * r * products / (double)width);
    if (weight) {
#pragma omp simd
        for (int64_t i = 0; i < width; i++) dx[i] = weight[i] * dy[i] * scale - x[i] * pull;
    } else {
#pragma omp simd
        for (int64_t i = 0; i < width; i++) dx[i] = dy[i] * scale - x[i] * pull;
    }
}
LOFI_VERSIONS(rms_gradient_row,
              (float *dx, const float *x, const float *dy, const float *weight, float epsilon, int64_t width),
              (dx, x, dy, weight, epsilon, width))

void lofi_rms_norm_gradient_rows(float *dx, const float *x, const float *dy, const float *weight, float epsilon,
                                 int64_t rows, int64_t width, int threads) {
    int team = team_for(rows, width, threads);
    LOFI_PARALLEL_FOR(team, row, rows, {
        rms_gradient_row(dx + row * width, x + row * width, dy + row * width, weight, epsilon, width);
    });
}

/* ---- mean and variance of a row, two passes ---- */

typedef struct moments {
    double mean, variance;
} moments;

static inline LOFI_BODY moments moments_of(const float *x, int64_t width) {
    double sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < width; i++) sum += (double)x[i];
    double mean = sum / (double)width;
#pragma omp simd reduction(+ : squares)
    for (int64_t i = 0; i < width; i++) squares += ((double)x[i] - mean) * ((double)x[i] - mean);
    return (moments){mean, squares / (double)width};
}

static inline LOFI_BODY void layer_row_body(float *out, const float *x, const float *weight, const float *bias,
                                            float epsilon, int64_t width) {
    moments found = moments_of(x, width);
    double r = 1.0 / sqrt(found.variance + (double)epsilon);
    if (weight && bias) {
#pragma omp simd
        for (int64_t i = 0; i < width; i++) out[i] = (float)(((double)x[i] - found.mean) * r) * weight[i] + bias[i];
    } else {
        for (int64_t i = 0; i < width; i++)
            out[i] = (float)(((double)x[i] - found.mean) * r) * (weight ? weight[i] : 1.0f) + (bias ? bias[i] : 0.0f);
    }
}
LOFI_VERSIONS(layer_row,
              (float *out, const float *x, const float *weight, const float *bias, float epsilon, int64_t width),
              (out, x, weight, bias, epsilon, width))

void lofi_layer_norm_rows(float *out, const float *x, const float *weight, const float *bias, float epsilon,
                          int64_t rows, int64_t width, int threads) {
    int team = team_for(rows, width, threads);
    LOFI_PARALLEL_FOR(team, row, rows,
                      { layer_row(out + row * width, x + row * width, weight, bias, epsilon, width); });
}

static inline LOFI_BODY void layer_gradient_row_body(float *dx, const float *x, const float *dy, const float *weight,
                                                     float epsilon, int64_t width) {
    moments found = moments_of(x, width);
    double mean = found.mean, r = 1.0 / sqrt(found.variance + (double)epsilon), sum = 0, products = 0;
    if (weight) {
#pragma omp simd reduction(+ : sum, products)
        for (int64_t i = 0; i < width; i++) {
            double g = (double)dy[i] * (double)weight[i];
            sum += g;
            products += g * ((double)x[i] - mean);
        }
    } else {
#pragma omp simd reduction(+ : sum, products)
        for (int64_t i = 0; i < width; i++) {
            sum += (double)dy[i];
            products += (double)dy[i] * ((double)x[i] - mean);
        }
    }
    double shift = sum / (double)width, pull = r * r * products / (double)width;
    for (int64_t i = 0; i < width; i++) {
        double g = (double)dy[i] * (weight ? (double)weight[i] : 1.0);
        dx[i] = (float)(r * (g - shift - ((double)x[i] - mean) * pull));
    }
}
LOFI_VERSIONS(layer_gradient_row,
              (float *dx, const float *x, const float *dy, const float *weight, float epsilon, int64_t width),
              (dx, x, dy, weight, epsilon, width))

void lofi_layer_norm_gradient_rows(float *dx, const float *x, const float *dy, const float *weight, float epsilon,
                                   int64_t rows, int64_t width, int threads) {
    int team = team_for(rows, width, threads);
    LOFI_PARALLEL_FOR(team, row, rows, {
        layer_gradient_row(dx + row * width, x + row * width, dy + row * width, weight, epsilon, width);
    });
}

/* ---- groups of channels ---- */

#define SLAB 256 /* rows summed together; sums of slabs are added in order, whoever made them */
#define RUN  128 /* channels at a time, whose sums stay in the first cache */

static int64_t slabs_in(int64_t length) {
    return (length + SLAB - 1) / SLAB;
}

size_t lofi_group_norm_workspace(int64_t batch, int64_t length, int groups) {
    size_t per_batch = ((size_t)slabs_in(length) + 1) * 2 * (size_t)groups;
    return (size_t)batch * per_batch * sizeof(double);
}

/* Sums and squares of `count` neighbouring channels over the rows of a slab, four rows at a time. */
static inline LOFI_BODY void add_rows_body(double *sums, double *squares, const float *x, int64_t rows,
                                           int64_t channels, int64_t count) {
    int64_t row = 0;
    for (; row + 4 <= rows; row += 4) {
        const float *a = x + row * channels, *b = a + channels, *c = b + channels, *d = c + channels;
#pragma omp simd
        for (int64_t i = 0; i < count; i++) {
            double p = (double)a[i], q = (double)b[i], r = (double)c[i], s = (double)d[i];
            sums[i] += (p + q) + (r + s);
            squares[i] += (p * p + q * q) + (r * r + s * s);
        }
    }
    for (; row < rows; row++) {
        const float *a = x + row * channels;
#pragma omp simd
        for (int64_t i = 0; i < count; i++) {
            sums[i] += (double)a[i];
            squares[i] += (double)a[i] * (double)a[i];
        }
    }
}
LOFI_VERSIONS(add_rows, (double *sums, double *squares, const float *x, int64_t rows, int64_t channels, int64_t count),
              (sums, squares, x, rows, channels, count))

/* sums[group] and squares[group] over the rows of a slab: channel by channel, then the channels of a group in order. */
static void add_up(double *sums, double *squares, const float *x, int64_t rows, int64_t channels, int groups) {
    int64_t width = channels / groups;
    for (int group = 0; group < groups; group++) sums[group] = squares[group] = 0;
    for (int64_t first = 0; first < channels; first += RUN) {
        double sum[RUN] = {0}, square[RUN] = {0};
        int64_t count = channels - first < RUN ? channels - first : RUN;
        add_rows(sum, square, x + first, rows, channels, count);
        for (int64_t i = 0; i < count; i++) {
            sums[(first + i) / width] += sum[i];
            squares[(first + i) / width] += square[i];
        }
    }
}

/* Mean and 1 / sqrt(variance + epsilon) of every group, from the sums of the slabs. */
static void finish(double *mean, double *r, const double *slab_sums, int64_t slabs, int groups, double elements,
                   float epsilon) {
    for (int group = 0; group < groups; group++) {
        double sum = 0, square = 0;
        for (int64_t slab = 0; slab < slabs; slab++) {
            sum += slab_sums[slab * 2 * groups + group];
            square += slab_sums[(slab * 2 + 1) * groups + group];
        }
        mean[group] = sum / elements;
        double variance = square / elements - mean[group] * mean[group];
        r[group] = 1.0 / sqrt((variance > 0 ? variance : 0) + (double)epsilon);
    }
}

/* What is the same in all rows of a run of channels. */
typedef struct scales {
    double mean[RUN], r[RUN];
    float weight[RUN], bias[RUN];
} scales;

static inline LOFI_BODY void scale_rows_body(float *out, const float *x, const scales *s, int64_t rows,
                                             int64_t channels, int64_t count) {
    for (int64_t row = 0; row < rows; row++, x += channels, out += channels) {
#pragma omp simd
        for (int64_t i = 0; i < count; i++)
            out[i] = (float)(((double)x[i] - s->mean[i]) * s->r[i]) * s->weight[i] + s->bias[i];
    }
}
LOFI_VERSIONS(scale_rows, (float *out, const float *x, const scales *s, int64_t rows, int64_t channels, int64_t count),
              (out, x, s, rows, channels, count))

static void normalise(float *out, const float *x, const float *weight, const float *bias, const double *mean,
                      const double *r, int64_t rows, int64_t channels, int groups) {
    int64_t width = channels / groups;
    for (int64_t first = 0; first < channels; first += RUN) {
        scales s;
        int64_t count = channels - first < RUN ? channels - first : RUN;
        for (int64_t i = 0; i < count; i++) {
            s.mean[i] = mean[(first + i) / width], s.r[i] = r[(first + i) / width];
            s.weight[i] = weight ? weight[first + i] : 1.0f, s.bias[i] = bias ? bias[first + i] : 0.0f;
        }
        scale_rows(out + first, x + first, &s, rows, channels, count);
    }
}

void lofi_group_norm_run(float *out, const float *x, const float *weight, const float *bias, int groups, float epsilon,
                         int64_t batch, int64_t length, int64_t channels, void *workspace, int threads) {
    int64_t slabs = slabs_in(length), pieces = batch * slabs;
    double *sums = workspace, *results = sums + batch * slabs * 2 * groups;
    int team = team_for(pieces, length * channels, threads);
    LOFI_PARALLEL_FOR(team, piece, pieces, {
        int64_t row = piece % slabs * SLAB, rows = length - row < SLAB ? length - row : SLAB;
        double *own = sums + piece * 2 * groups;
        add_up(own, own + groups, x + (piece / slabs * length + row) * channels, rows, channels, groups);
    });
    double elements = (double)(length * (channels / groups));
    for (int64_t b = 0; b < batch; b++) {
        double *mean = results + b * 2 * groups;
        finish(mean, mean + groups, sums + b * slabs * 2 * groups, slabs, groups, elements, epsilon);
    }
    LOFI_PARALLEL_FOR(team, piece, pieces, {
        int64_t row = piece % slabs * SLAB, rows = length - row < SLAB ? length - row : SLAB;
        int64_t at = (piece / slabs * length + row) * channels;
        const double *mean = results + piece / slabs * 2 * groups;
        normalise(out + at, x + at, weight, bias, mean, mean + groups, rows, channels, groups);
    });
}
