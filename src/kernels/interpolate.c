/* interpolate.c - see interpolate.h. */
#include "kernels/interpolate.h"

#include <math.h>
#include <string.h>

#include "kernels/parallel.h"

#define MAX_TAPS 4
#define CUBIC_A  (-0.75f)

/* An output: the sum of weight x frame over its taps. */
typedef struct taps {
    int count;
    int64_t frame[MAX_TAPS];
    float weight[MAX_TAPS];
} taps;

static int64_t inside(int64_t frame, int64_t in) {
    return frame < 0 ? 0 : frame < in ? frame : in - 1;
}

static taps linear_taps(int64_t i, int64_t in, int64_t length) {
    float scale = (float)in / (float)length, at = scale * ((float)i + 0.5f) - 0.5f;
    if (at < 0) at = 0;
    int64_t first = inside((int64_t)at, in);
    float weight = at - (float)first;
    return (taps){2, {first, inside(first + 1, in)}, {1.0f - weight, weight}};
}

/* Keys' cubic convolution kernel (1981) at a distance below 1, and from 1 to 2. */
static float near_weight(float x) {
    return ((CUBIC_A + 2.0f) * x - (CUBIC_A + 3.0f)) * x * x + 1.0f;
}

static float far_weight(float x) {
    return ((CUBIC_A * x - 5.0f * CUBIC_A) * x + 8.0f * CUBIC_A) * x - 4.0f * CUBIC_A;
}

static taps cubic_taps(int64_t i, int64_t in, int64_t length) {
    float scale = length > 1 ? (float)(in - 1) / (float)(length - 1) : 0.0f, at = scale * (float)i;
    int64_t first = (int64_t)floorf(at);
    float t = at - (float)first;
    return (taps){4,
                  {inside(first - 1, in), inside(first, in), inside(first + 1, in), inside(first + 2, in)},
                  {far_weight(t + 1.0f), near_weight(t), near_weight(1.0f - t), far_weight(2.0f - t)}};
}

static taps taps_of(const lofi_interpolate_sizes *s, int64_t i) {
    return s->kind == LOFI_INTERPOLATE_CUBIC ? cubic_taps(i, s->in, s->length) : linear_taps(i, s->in, s->length);
}

static void gather(float *out, const float *song, const taps *t, int64_t channels) {
    const float *first = song + t->frame[0] * channels;
    for (int64_t c = 0; c < channels; c++) out[c] = t->weight[0] * first[c];
    for (int k = 1; k < t->count; k++) {
        const float *frame = song + t->frame[k] * channels;
        for (int64_t c = 0; c < channels; c++) out[c] += t->weight[k] * frame[c];
    }
}

void lofi_interpolate_run(const lofi_interpolate_sizes *s, float *out, const float *x, int threads) {
    int64_t rows = s->batch * s->length;
    LOFI_PARALLEL_FOR(lofi_team(rows * s->channels > LOFI_TEAM_ELEMENTS, threads), row, rows, {
        taps t = taps_of(s, row % s->length);
        gather(out + row * s->channels, x + row / s->length * s->in * s->channels, &t, s->channels);
    });
}

/* The channels [first, last) of one song: what an input frame gets comes in the order of the outputs. */
static void spread(const lofi_interpolate_sizes *s, float *dx, const float *dy, int64_t first, int64_t last) {
    for (int64_t i = 0; i < s->in; i++) memset(dx + i * s->channels + first, 0, (size_t)(last - first) * sizeof *dx);
    for (int64_t i = 0; i < s->length; i++) {
        taps t = taps_of(s, i);
        for (int k = 0; k < t.count; k++) {
            float *to = dx + t.frame[k] * s->channels;
            const float *from = dy + i * s->channels;
            for (int64_t c = first; c < last; c++) to[c] += t.weight[k] * from[c];
        }
    }
}

void lofi_interpolate_transposed_run(const lofi_interpolate_sizes *s, float *dx, const float *dy, int threads) {
    int team = lofi_team(s->batch * s->length * s->channels > LOFI_TEAM_ELEMENTS, threads);
    LOFI_PARALLEL_FOR(team, part, team, {
        for (int64_t song = 0; song < s->batch; song++)
            spread(s, dx + song * s->in * s->channels, dy + song * s->length * s->channels, s->channels * part / team,
                   s->channels * (part + 1) / team);
    });
}
