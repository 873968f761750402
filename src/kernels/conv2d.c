/* conv2d.c - see conv2d.h. */
#include "kernels/conv2d.h"

#include <stdbool.h>
#include <string.h>

#include "kernels/convert.h"
#include "kernels/gemm.h"
#include "kernels/parallel.h"
#include "kernels/vector.h"

#define STRIP_MIN         256 /* output positions: fewer, and packing the weight for every strip begins to cost */
#define STRIP_MAX         4096
#define STRIP_MULTIPLE    32
#define STRIPS_PER_THREAD 2

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

static int64_t pieces_of(int64_t length, int64_t size) {
    return (length + size - 1) / size;
}

/* Output positions that are computed together: every thread has about as many strips as the others, and few, as each packs the
 * whole weight. */
static int64_t strip_of(const lofi_conv2d_sizes *s, int threads) {
    int64_t plane = s->out_height * s->out_width, planes = s->batch * s->groups;
    int64_t strips = pieces_of((int64_t)threads * STRIPS_PER_THREAD, planes);
    if (plane / strips > STRIP_MAX) strips = pieces_of(pieces_of(plane, STRIP_MAX), threads) * threads;
    int64_t strip = pieces_of(pieces_of(plane, strips), STRIP_MULTIPLE) * STRIP_MULTIPLE;
    return strip < STRIP_MIN ? STRIP_MIN : strip;
}

/* Only a depthwise convolution needs its weight in f32; products convert while they read. */
size_t lofi_conv2d_workspace(const lofi_conv2d_sizes *sizes, lofi_dtype weight_type) {
    bool converted = is_depthwise(sizes) && weight_type != LOFI_F32;
    return converted ? (size_t)(sizes->out_channels * taps_of(sizes)) * sizeof(float) : 0;
}

/* The outputs `position` in [first, last) whose input index position * stride + offset lies in [0, size). */
static void inside(int64_t offset, int64_t stride, int64_t size, int64_t *first, int64_t *last) {
    int64_t begin = offset < 0 ? (-offset + stride - 1) / stride : 0;
    int64_t end = size - offset <= 0 ? 0 : (size - offset + stride - 1) / stride;
    if (*first < begin) *first = begin;
    if (*last > end) *last = end;
    if (*last < *first) *last = *first;
}

/* ---- the matrix of columns, made while it is read ---- */

typedef struct columns {
    const lofi_conv2d_sizes *sizes;
    const float *x; /* the channels of a group */
    int64_t start;  /* the output position that is column 0 */
} columns;

/* Output positions that are neighbours in one row. */
typedef struct run {
    int64_t row, column, length;
} run;

static inline void copy_row(float *out, const float *in, int64_t count) {
    if (count == 32)
        memcpy(out, in, 32 * sizeof *out);
    else if (count == 16)
        memcpy(out, in, 16 * sizeof *out);
    else if (count > 0)
        memcpy(out, in, (size_t)count * sizeof *out);
}

/* Tap (kh, kw) of the channels [channel, last), rows `step` floats apart, for one run. */
static void gather_tap(const columns *from, run at, int64_t kh, int64_t kw, int64_t channel, int64_t last, float *out,
                       int64_t step) {
    const lofi_conv2d_sizes *s = from->sizes;
    int64_t offset = kw * s->dilation_w - s->padding_w, begin = at.column, end = at.column + at.length;
    int64_t from_row = at.row * s->stride_h + kh * s->dilation_h - s->padding_h;
    if (from_row < 0 || from_row >= s->height)
        end = begin;
    else
        inside(offset, s->stride_w, s->width, &begin, &end);
    if (begin > at.column + at.length) begin = end = at.column + at.length;
    int64_t before = begin - at.column, count = end - begin, after = at.length - before - count;
    const float *source = from->x + channel * s->height * s->width + from_row * s->width + offset + begin * s->stride_w;
    for (; channel < last; channel++, out += step, source += s->height * s->width) {
        for (int64_t i = 0; i < before; i++) out[i] = 0.0f;
        if (s->stride_w == 1)
            copy_row(out + before, source, count);
        else
            for (int64_t i = 0; i < count; i++) out[before + i] = source[i * s->stride_w];
        for (int64_t i = 0; i < after; i++) out[before + count + i] = 0.0f;
    }
}

/* The taps of all channels in one run: rows [first, first + depth) of the matrix. */
static void gather_run(const columns *from, run at, int64_t first, int64_t depth, float *out, int64_t stride) {
    const lofi_conv2d_sizes *s = from->sizes;
    int64_t taps = s->kernel_h * s->kernel_w;
    for (int64_t tap = 0; tap < taps; tap++) {
        int64_t channel = (first - tap + taps - 1) / taps, last = (first + depth - tap + taps - 1) / taps;
        gather_tap(from, at, tap / s->kernel_w, tap % s->kernel_w, channel, last,
                   out + (channel * taps + tap - first) * stride, taps * stride);
    }
}

static void gather(const void *source, float *out, int64_t stride, int64_t first, int64_t depth, int64_t column,
                   int64_t width) {
    const columns *from = source;
    int64_t row_length = from->sizes->out_width;
    for (int64_t done = 0; done < width;) {
        int64_t position = from->start + column + done;
        run at = {.row = position / row_length, .column = position % row_length};
        at.length = min_of(width - done, row_length - at.column);
        gather_run(from, at, first, depth, out + done, stride);
        done += at.length;
    }
}

/* Strip number `index` of all strips of all groups of all images. */
static void run_strip(const lofi_conv2d_sizes *s, float *out, const float *x, const void *weight,
                      lofi_dtype weight_type, const float *bias, int64_t strip, int64_t index) {
    int64_t plane = s->out_height * s->out_width, strips = (plane + strip - 1) / strip;
    int64_t start = index % strips * strip;
    int64_t group = index / strips % s->groups, image = index / strips / s->groups;
    int64_t in_each = s->in_channels / s->groups, out_each = s->out_channels / s->groups, taps = taps_of(s);
    columns from = {s, x + (image * s->in_channels + group * in_each) * s->height * s->width, start};
    bool pointwise = is_pointwise(s);
    lofi_gemm product = {
        .m = out_each,
        .n = min_of(strip, plane - start),
        .k = taps,
        .a = (const char *)weight + group * out_each * taps * (int64_t)lofi_dtype_bytes(weight_type),
        .a_type = weight_type,
        .a_stride = taps,
        .b = pointwise ? (const void *)(from.x + start) : &from,
        .b_stride = plane,
        .gather = pointwise ? NULL : gather,
        .c = out + (image * s->out_channels + group * out_each) * plane + start,
        .c_stride = plane,
        .alpha = 1.0f,
        .addend = bias ? bias + group * out_each : NULL,
        .addend_row = 1,
    };
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
    if (is_depthwise(sizes)) {
        run_depthwise(sizes, out, x, weight_in_f32(sizes, weight, weight_type, workspace), bias, threads);
        return;
    }
    int64_t plane = sizes->out_height * sizes->out_width, strip = strip_of(sizes, threads);
    int64_t pieces = sizes->batch * sizes->groups * ((plane + strip - 1) / strip);
    LOFI_PARALLEL_FOR_DYNAMIC(lofi_team(pieces > 1, threads), index, pieces,
                              { run_strip(sizes, out, x, weight, weight_type, bias, strip, index); });
}
