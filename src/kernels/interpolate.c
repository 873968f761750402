/* interpolate.c - see interpolate.h. */
#include "kernels/interpolate.h"

#include <string.h>

#include "kernels/parallel.h"

/* Where an output lies between two inputs: (1 - weight) x[first] + weight x[second]. */
typedef struct between {
    int64_t first, second;
    float weight;
} between;

static between place(int64_t i, int64_t in, int64_t length) {
    float scale = (float)in / (float)length, at = scale * ((float)i + 0.5f) - 0.5f;
    if (at < 0) at = 0;
    int64_t first = (int64_t)at;
    if (first > in - 1) first = in - 1;
    return (between){first, first + 1 < in ? first + 1 : first, at - (float)first};
}

void lofi_interpolate_run(float *out, const float *x, int64_t batch, int64_t in, int64_t length, int64_t channels,
                          int threads) {
    int64_t rows = batch * length;
    LOFI_PARALLEL_FOR(lofi_team(rows * channels > LOFI_TEAM_ELEMENTS, threads), row, rows, {
        between at = place(row % length, in, length);
        const float *song = x + row / length * in * channels;
        const float *a = song + at.first * channels;
        const float *b = song + at.second * channels;
        for (int64_t c = 0; c < channels; c++) out[row * channels + c] = (1.0f - at.weight) * a[c] + at.weight * b[c];
    });
}

/* One song: what an input frame gets comes in the order of the outputs. */
static void spread(float *dx, const float *dy, int64_t in, int64_t length, int64_t channels, int64_t first,
                   int64_t last) {
    for (int64_t i = 0; i < in; i++) memset(dx + i * channels + first, 0, (size_t)(last - first) * sizeof *dx);
    for (int64_t i = 0; i < length; i++) {
        between at = place(i, in, length);
        float *a = dx + at.first * channels, *b = dx + at.second * channels;
        const float *from = dy + i * channels;
        for (int64_t c = first; c < last; c++) a[c] += (1.0f - at.weight) * from[c];
        for (int64_t c = first; c < last; c++) b[c] += at.weight * from[c];
    }
}

void lofi_interpolate_transposed_run(float *dx, const float *dy, int64_t batch, int64_t in, int64_t length,
                                     int64_t channels, int threads) {
    int team = lofi_team(batch * length * channels > LOFI_TEAM_ELEMENTS, threads);
    LOFI_PARALLEL_FOR(team, part, team, {
        for (int64_t song = 0; song < batch; song++)
            spread(dx + song * in * channels, dy + song * length * channels, in, length, channels,
                   channels * part / team, channels * (part + 1) / team);
    });
}
