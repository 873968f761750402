/* conv2d.c - see conv2d.h. */
#include "kernels/conv2d.h"

#include <stdbool.h>
#include <string.h>

#include "kernels/convert.h"
#include "kernels/gemm.h"
#include "kernels/parallel.h"
#include "kernels/vector.h"

#define STRIP_FLOATS ((int64_t)1 << 20) /* a strip's gathered columns: 4 MiB (bench/conv2d) */
#define STRIP_MIN    256                /* output positions */
#define STRIP_MAX    4096

static int64_t min_of(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t taps_of(const lofi_conv2d_sizes *s) {
    return s->in_channels / s->groups * s->kernel_h * s->kernel_w;
}

/* x itself is the matrix of columns: nothing to gather. */
static bool is_pointwise(const lofi_conv2d_sizes *s) {
    return s->kernel_h == 1 && s->kernel_w == 1 && s->stride_h == 1 && s->stride_w == 1 && s->padding_h == 0 &&
           s->padding_w == 0;
}

static bool is_depthwise(const lofi_conv2d_sizes *s) {
    return s->groups == s->in_channels && s->groups == s->out_channels;
}

/* Output positions that are computed together: a multiple of 16, by sizes alone. */
static int64_t strip_of(const lofi_conv2d_sizes *s) {
    int64_t strip = STRIP_FLOATS / taps_of(s) / 16 * 16;
    if (strip < STRIP_MIN) strip = STRIP_MIN;
    if (strip > STRIP_MAX) strip = STRIP_MAX;
    return min_of(strip, (s->out_height * s->out_width + 15) / 16 * 16);
}

static size_t strip_floats(const lofi_conv2d_sizes *s) {
    return is_depthwise(s) || is_pointwise(s) ? 0 : (size_t)(taps_of(s) * strip_of(s));
}

static size_t weight_floats(const lofi_conv2d_sizes *s, lofi_dtype weight_type) {
    size_t count = (size_t)(s->out_channels * taps_of(s));
    return weight_type == LOFI_F32 ? 0 : (count + 15) / 16 * 16;
}

size_t lofi_conv2d_workspace(const lofi_conv2d_sizes *sizes, lofi_dtype weight_type, int threads) {
    return (weight_floats(sizes, weight_type) + strip_floats(sizes) * (size_t)threads) * sizeof(float);
}

/* The outputs `position` in [first, last) whose input index position * stride + offset lies in [0, size). */
static void inside(int64_t offset, int64_t stride, int64_t size, int64_t *first, int64_t *last) {
    int64_t begin = offset < 0 ? (-offset + stride - 1) / stride : 0;
    int64_t end = size - offset <= 0 ? 0 : (size - offset + stride - 1) / stride;
    if (*first < begin) *first = begin;
    if (*last > end) *last = end;
    if (*last < *first) *last = *first;
}

/* One row of the matrix of columns: tap (kh, kw) of one channel, for the outputs [start, start + count). */
static void gather_tap(const lofi_conv2d_sizes *s, float *out, const float *image, int64_t kh, int64_t kw,
                       int64_t start, int64_t count) {
    int64_t offset = kw * s->dilation_w - s->padding_w;
    for (int64_t done = 0; done < count;) {
        int64_t row = (start + done) / s->out_width, column = (start + done) % s->out_width;
        int64_t length = min_of(count - done, s->out_width - column);
        int64_t from_row = row * s->stride_h + kh * s->dilation_h - s->padding_h;
        int64_t first = column, last = column + length;
        if (from_row < 0 || from_row >= s->height)
            last = first;
        else
            inside(offset, s->stride_w, s->width, &first, &last);
        if (first > column + length) first = last = column + length;
        float *target = out + done - column; /* indexed by the output's column */
        const float *source = image + from_row * s->width + offset;
        for (int64_t i = column; i < first; i++) target[i] = 0.0f;
        if (last > first && s->stride_w == 1)
            memcpy(target + first, source + first, (size_t)(last - first) * sizeof(float));
        else
            for (int64_t i = first; i < last; i++) target[i] = source[i * s->stride_w];
        for (int64_t i = last; i < column + length; i++) target[i] = 0.0f;
        done += length;
    }
}

static void gather(const lofi_conv2d_sizes *s, float *columns, const float *x, int64_t start, int64_t count) {
    int64_t row = 0;
    for (int64_t channel = 0; channel < s->in_channels / s->groups; channel++)
        for (int64_t kh = 0; kh < s->kernel_h; kh++)
            for (int64_t kw = 0; kw < s->kernel_w; kw++, row++)
                gather_tap(s, columns + row * count, x + channel * s->height * s->width, kh, kw, start, count);
}

static void fill_with_bias(float *out, const float *bias, int64_t channels, int64_t plane, int64_t count) {
    for (int64_t c = 0; c < channels; c++)
        for (int64_t i = 0; i < count; i++) out[c * plane + i] = bias[c];
}

/* Strip number `index` of all strips of all groups of all images. */
static void run_strip(const lofi_conv2d_sizes *s, float *out, const float *x, const float *weight, const float *bias,
                      int64_t strip, int64_t index, float *columns) {
    int64_t plane = s->out_height * s->out_width, strips = (plane + strip - 1) / strip;
    int64_t start = index % strips * strip, count = min_of(strip, plane - start);
    int64_t group = index / strips % s->groups, image = index / strips / s->groups;
    int64_t in_each = s->in_channels / s->groups, out_each = s->out_channels / s->groups;
    const float *source = x + (image * s->in_channels + group * in_each) * s->height * s->width;
    float *target = out + (image * s->out_channels + group * out_each) * plane + start;
    bool pointwise = is_pointwise(s);
    if (!pointwise) gather(s, columns, source, start, count);
    if (bias) fill_with_bias(target, bias + group * out_each, out_each, plane, count);
    lofi_gemm product = {.m = out_each,
                         .n = count,
                         .k = taps_of(s),
                         .a = weight + group * out_each * taps_of(s),
                         .a_stride = taps_of(s),
                         .b = pointwise ? source + start : columns,
                         .b_stride = pointwise ? plane : count,
                         .b_type = LOFI_F32,
                         .c = target,
                         .c_stride = plane,
                         .alpha = 1.0f,
                         .accumulate = bias != NULL};
    lofi_gemm_serial(&product);
}

/* ---- one channel in, one out ---- */

static inline LOFI_BODY void add_scaled_body(float *out, const float *x, float factor, int64_t stride, int64_t count) {
    if (stride == 1) {
#pragma omp simd
        for (int64_t i = 0; i < count; i++) out[i] += factor * x[i];
    } else {
        for (int64_t i = 0; i < count; i++) out[i] += factor * x[i * stride];
    }
}
LOFI_VERSIONS(add_scaled, (float *out, const float *x, float factor, int64_t stride, int64_t count),
              (out, x, factor, stride, count))

static void depthwise_row(const lofi_conv2d_sizes *s, float *out, const float *image, const float *weight, float start,
                          int64_t row) {
    for (int64_t i = 0; i < s->out_width; i++) out[i] = start;
    for (int64_t kh = 0; kh < s->kernel_h; kh++) {
        int64_t from_row = row * s->stride_h + kh * s->dilation_h - s->padding_h;
        if (from_row < 0 || from_row >= s->height) continue;
        for (int64_t kw = 0; kw < s->kernel_w; kw++) {
            int64_t offset = kw * s->dilation_w - s->padding_w, first = 0, last = s->out_width;
            inside(offset, s->stride_w, s->width, &first, &last);
            const float *source = image + from_row * s->width + offset;
            add_scaled(out + first, source + first * s->stride_w, weight[kh * s->kernel_w + kw], s->stride_w,
                       last - first);
        }
    }
}

static void run_depthwise(const lofi_conv2d_sizes *s, float *out, const float *x, const float *weight,
                          const float *bias, int threads) {
    int64_t rows = s->batch * s->out_channels * s->out_height;
    LOFI_PARALLEL_FOR(lofi_team(rows > 1, threads), index, rows, {
        int64_t plane = index / s->out_height, channel = plane % s->out_channels;
        depthwise_row(s, out + index * s->out_width, x + plane * s->height * s->width,
                      weight + channel * s->kernel_h * s->kernel_w, bias ? bias[channel] : 0.0f, index % s->out_height);
    });
}

static const float *weight_in_f32(const lofi_conv2d_sizes *s, const void *weight, lofi_dtype type, float *room) {
    if (type == LOFI_F32) return weight;
    lofi_convert_to_f32(room, weight, type, s->out_channels * taps_of(s));
    return room;
}

void lofi_conv2d_run(const lofi_conv2d_sizes *sizes, float *out, const float *x, const void *weight,
                     lofi_dtype weight_type, const float *bias, void *workspace, int threads) {
    const float *matrix = weight_in_f32(sizes, weight, weight_type, workspace);
    if (is_depthwise(sizes)) {
        run_depthwise(sizes, out, x, matrix, bias, threads);
        return;
    }
    float *columns = (float *)workspace + weight_floats(sizes, weight_type);
    size_t each = strip_floats(sizes);
    int64_t plane = sizes->out_height * sizes->out_width, strip = strip_of(sizes);
    int64_t pieces = sizes->batch * sizes->groups * ((plane + strip - 1) / strip);
    int team = lofi_team(pieces > 1, threads);
    LOFI_PARALLEL_FOR(team, part, team, {
        for (int64_t i = pieces * part / team; i < pieces * (part + 1) / team; i++)
            run_strip(sizes, out, x, matrix, bias, strip, i, columns + (size_t)part * each);
    });
}
