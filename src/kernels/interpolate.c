/* interpolate.c - see interpolate.h. */
#include "kernels/interpolate.h"

#include <string.h>

#include "kernels/interpolate_taps.h"
#include "kernels/parallel.h"

static void gather(float *out, const float *song, const lofi_taps *t, int64_t channels) {
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
        lofi_taps t = lofi_taps_of(s, row % s->length);
        gather(out + row * s->channels, x + row / s->length * s->in * s->channels, &t, s->channels);
    });
}

/* The channels [first, last) of one song: what an input frame gets comes in the order of the outputs. */
static void spread(const lofi_interpolate_sizes *s, float *dx, const float *dy, int64_t first, int64_t last) {
    for (int64_t i = 0; i < s->in; i++) memset(dx + i * s->channels + first, 0, (size_t)(last - first) * sizeof *dx);
    for (int64_t i = 0; i < s->length; i++) {
        lofi_taps t = lofi_taps_of(s, i);
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
