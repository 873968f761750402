/* tempo.c - see tempo.h. */
#include "audio/tempo.h"

#include <math.h>

#include "audio/fourier.h"
#include "base/memory.h"

#define LENGTH          512
#define HOP             128
#define BANDS           24
#define LOWEST_HZ       40.0
#define COMPRESSION     500.0
#define SHORTEST        10.0 /* seconds */
#define SLOWEST_BPM     50.0
#define FASTEST_BPM     200.0
#define USUAL_BPM       100.0
#define BELL_OCTAVES    0.9
#define HALVES          0.1
#define THIRDS          0.4
#define PERIODS         8    /* the refinement looks this far */
#define STEPS_PER_FRAME 8    /* of the search over periods */
#define LEAST_ONSETS    0.05 /* standard deviation of the strength below which nothing begins: a steady tone, silence */

typedef struct onsets {
    double *strength; /* [count] */
    int64_t count;
    double rate;         /* frames per second */
    double *correlation; /* [lags] */
    int64_t lags;
} onsets;

/* ---- onset strength ---- */

typedef struct spectra {
    lofi_spectrum spectrum;
    double band[2][BANDS];
    int edges[BANDS + 1]; /* bins */
} spectra;

static void set_bands(spectra *s, double rate) {
    double bin_hz = rate / LENGTH, ratio = pow(rate / 2.0 / LOWEST_HZ, 1.0 / BANDS);
    for (int band = 0; band <= BANDS; band++) {
        int edge = (int)lround(LOWEST_HZ * pow(ratio, band) / bin_hz);
        s->edges[band] = band > 0 && edge <= s->edges[band - 1] ? s->edges[band - 1] + 1 : edge;
    }
    if (s->edges[BANDS] > LENGTH / 2) s->edges[BANDS] = LENGTH / 2;
}

static void compute_bands(spectra *s, const float *samples, double bands[BANDS]) {
    lofi_spectrum_run(&s->spectrum, samples);
    for (int band = 0; band < BANDS; band++) {
        double power = 0.0;
        for (int bin = s->edges[band]; bin < s->edges[band + 1]; bin++) power += (double)s->spectrum.power[bin];
        bands[band] = log1p(COMPRESSION * sqrt(power));
    }
}

static void compute_strength(onsets *o, spectra *s, const lofi_audio *audio) {
    set_bands(s, audio->sample_rate);
    for (int64_t frame = 0; frame < o->count; frame++) {
        const double *last = s->band[(frame + 1) % 2];
        double *bands = s->band[frame % 2], rise = 0.0;
        compute_bands(s, audio->samples + frame * HOP, bands);
        for (int band = 0; band < BANDS && frame > 0; band++) rise += fmax(0.0, bands[band] - last[band]);
        o->strength[frame] = rise;
    }
}

/* Less the mean of a second around it. */
static lofi_code flatten(onsets *o, lofi_error *err) {
    double *sums;
    int64_t reach = (int64_t)(o->rate / 2.0);
    LOFI_TRY(lofi_alloc((void **)&sums, (size_t)o->count + 1, sizeof *sums, "onsets", err));
    for (int64_t i = 0; i < o->count; i++) sums[i + 1] = sums[i] + o->strength[i];
    for (int64_t i = 0; i < o->count; i++) {
        int64_t from = i < reach ? 0 : i - reach, to = i + reach + 1 > o->count ? o->count : i + reach + 1;
        o->strength[i] -= (sums[to] - sums[from]) / (double)(to - from);
    }
    lofi_free(sums);
    return LOFI_OK;
}

/* ---- period ---- */

static void correlate(onsets *o) {
    for (int64_t lag = 0; lag < o->lags; lag++) {
        double sum = 0.0;
        for (int64_t i = lag; i < o->count; i++) sum += o->strength[i] * o->strength[i - lag];
        o->correlation[lag] = sum / (double)(o->count - lag);
    }
}

/* Between the lags, along a line. */
static double at(const onsets *o, double lag) {
    int64_t below = (int64_t)lag;
    if (below + 1 >= o->lags) return 0.0;
    double share = lag - (double)below;
    return (1.0 - share) * o->correlation[below] + share * o->correlation[below + 1];
}

static double merit(const onsets *o, double period) {
    double octaves = log2(60.0 * o->rate / period / USUAL_BPM) / BELL_OCTAVES;
    double comb = (at(o, period) + at(o, 2.0 * period) / 2.0 + at(o, 4.0 * period) / 4.0) / 1.75;
    double half = at(o, period / 2.0), thirds = (at(o, period / 3.0) + at(o, 2.0 * period / 3.0)) / 2.0;
    double fit = comb - HALVES * fmax(0.0, half) - THIRDS * fmax(0.0, thirds - half);
    return fit * exp(-0.5 * octaves * octaves);
}

/* The highest correlation near `lag`, on a parabola through three points. */
static double refine(const onsets *o, double lag, double reach) {
    int64_t best = llround(lag);
    for (int64_t i = (int64_t)ceil(lag - reach); i <= (int64_t)floor(lag + reach); i++)
        if (i > 0 && i < o->lags - 1 && o->correlation[i] > o->correlation[best]) best = i;
    if (best < 1 || best >= o->lags - 1) return lag;
    double left = o->correlation[best - 1], middle = o->correlation[best], right = o->correlation[best + 1];
    double curve = left - 2.0 * middle + right;
    return curve < 0.0 ? (double)best + 0.5 * (left - right) / curve : (double)best;
}

static void find_period(lofi_tempo *out, const onsets *o) {
    double longest = 60.0 * o->rate / SLOWEST_BPM, best = 0.0, best_merit = 0.0;
    for (double period = 60.0 * o->rate / FASTEST_BPM; period <= longest; period += 1.0 / STEPS_PER_FRAME)
        if (merit(o, period) > best_merit) {
            best = period;
            best_merit = merit(o, period);
        }
    if (best == 0.0 || sqrt(o->correlation[0]) < LEAST_ONSETS) return;
    for (int periods = 1; periods <= PERIODS; periods *= 2)
        if (best * periods < (double)o->lags - 2.0) best = refine(o, best * periods, 1.5) / periods;
    out->bpm = fmax(SLOWEST_BPM, fmin(FASTEST_BPM, 60.0 * o->rate / best));
    double sum = at(o, best) + at(o, 2.0 * best) + at(o, 4.0 * best);
    out->confidence = fmax(0.0, fmin(1.0, sum / 3.0 / o->correlation[0]));
}

static lofi_code measure(lofi_tempo *out, onsets *o, spectra *s, const lofi_audio *audio, lofi_error *err) {
    LOFI_TRY(lofi_spectrum_open(&s->spectrum, LENGTH, err));
    compute_strength(o, s, audio);
    lofi_spectrum_close(&s->spectrum);
    LOFI_TRY(flatten(o, err));
    correlate(o);
    find_period(out, o);
    return LOFI_OK;
}

lofi_code lofi_tempo_measure(lofi_tempo *out, const lofi_audio *audio, lofi_error *err) {
    *out = (lofi_tempo){NAN, 0.0};
    if (lofi_audio_seconds(audio) < SHORTEST) return LOFI_OK;
    onsets o = {.count = (audio->frames - LENGTH) / HOP + 1, .rate = (double)audio->sample_rate / HOP};
    o.lags = (int64_t)(PERIODS * 60.0 * o.rate / SLOWEST_BPM) + 4;
    if (o.lags > o.count / 2) o.lags = o.count / 2;
    spectra *s = NULL;
    lofi_code code = lofi_alloc((void **)&s, 1, sizeof *s, "onsets", err);
    if (code == LOFI_OK) code = lofi_alloc((void **)&o.strength, (size_t)o.count, sizeof(double), "onsets", err);
    if (code == LOFI_OK) code = lofi_alloc((void **)&o.correlation, (size_t)o.lags, sizeof(double), "onsets", err);
    if (code == LOFI_OK) code = measure(out, &o, s, audio, err);
    lofi_free(o.strength);
    lofi_free(o.correlation);
    lofi_free(s);
    return code;
}
