/* bandwidth.c - see bandwidth.h. */
#include "audio/bandwidth.h"

#include <math.h>

#include "audio/fourier.h"
#include "base/memory.h"

#define LENGTH       4096
#define BINS         (LENGTH / 2 + 1)
#define MOST_FRAMES  128
#define QUIET_SHARE  1e-6 /* -60 dB */
#define SMOOTHING_HZ 200.0
#define FLOOR_DB     -80.0
#define NOISE_DB     -100.0 /* what lies lower is rounding noise or digital silence */
#define LOWEST_HZ    10000.0
#define HIGHEST_HZ   19200.0
#define BELOW_HZ     600.0
#define GAP_HZ       400.0
#define ABOVE_HZ     800.0
#define CUT_DB       18.0

typedef struct work {
    const lofi_audio *audio;
    lofi_spectrum spectrum;
    double power[BINS]; /* sums, later dB of the smoothed mean */
    double bin_hz;
} work;

static double frame_power(const work *w, int64_t from) {
    double power = 0.0;
    for (int channel = 0; channel < w->audio->channels; channel++) {
        const float *x = w->audio->samples + channel * w->audio->frames + from;
        for (int i = 0; i < LENGTH; i++) power += (double)x[i] * (double)x[i];
    }
    return power;
}

static void add_frame(work *w, int64_t from) {
    for (int channel = 0; channel < w->audio->channels; channel++) {
        lofi_spectrum_run(&w->spectrum, w->audio->samples + channel * w->audio->frames + from);
        for (int bin = 0; bin < BINS; bin++) w->power[bin] += (double)w->spectrum.power[bin];
    }
}

/* The sum over the frames that are not quiet. */
static lofi_code sum_frames(work *w, lofi_error *err) {
    int64_t places = w->audio->frames - LENGTH + 1, count = (places + LENGTH / 2 - 1) / (LENGTH / 2);
    if (count > MOST_FRAMES) count = MOST_FRAMES;
    double *powers, loudest = 0.0;
    LOFI_TRY(lofi_alloc((void **)&powers, (size_t)count, sizeof *powers, "a spectrum", err));
    for (int64_t i = 0; i < count; i++) {
        powers[i] = frame_power(w, places * i / count);
        loudest = fmax(loudest, powers[i]);
    }
    for (int64_t i = 0; i < count; i++)
        if (powers[i] > QUIET_SHARE * loudest) add_frame(w, places * i / count);
    lofi_free(powers);
    return LOFI_OK;
}

/* To dB below the maximum; false for silence. */
static bool smooth(work *w) {
    double sums[BINS + 1] = {0.0}, highest = 0.0;
    int reach = (int)(SMOOTHING_HZ / 2.0 / w->bin_hz);
    for (int bin = 0; bin < BINS; bin++) sums[bin + 1] = sums[bin] + w->power[bin];
    for (int bin = 0; bin < BINS; bin++) {
        int from = bin < reach ? 0 : bin - reach, to = bin + reach + 1 > BINS ? BINS : bin + reach + 1;
        w->power[bin] = (sums[to] - sums[from]) / (to - from);
        highest = fmax(highest, w->power[bin]);
    }
    if (!(highest > 0.0)) return false;
    for (int bin = 0; bin < BINS; bin++) w->power[bin] = fmax(NOISE_DB, 10.0 * log10(w->power[bin] / highest + 1e-20));
    return true;
}

static double mean_db(const work *w, double from_hz, double to_hz) {
    int from = (int)(from_hz / w->bin_hz), to = (int)(to_hz / w->bin_hz);
    double sum = 0.0;
    for (int bin = from; bin <= to; bin++) sum += w->power[bin];
    return sum / (to - from + 1);
}

static void find_edges(lofi_bandwidth *out, const work *w) {
    double nyquist = w->audio->sample_rate / 2.0;
    for (int bin = BINS - 1; bin >= 0 && out->bandwidth_hz == 0.0; bin--)
        if (w->power[bin] > FLOOR_DB) out->bandwidth_hz = bin * w->bin_hz;
    for (double hz = LOWEST_HZ; hz < HIGHEST_HZ && hz + GAP_HZ + ABOVE_HZ < nyquist - w->bin_hz; hz += w->bin_hz) {
        double fall = mean_db(w, hz - BELOW_HZ, hz) - mean_db(w, hz + GAP_HZ, hz + GAP_HZ + ABOVE_HZ);
        if (!isnan(out->cutoff_db) && fall <= out->cutoff_db) continue;
        out->cutoff_db = fall;
        out->cutoff_hz = hz;
    }
    out->encoded = out->cutoff_db >= CUT_DB;
}

static lofi_code measure(lofi_bandwidth *out, work *w, lofi_error *err) {
    LOFI_TRY(lofi_spectrum_open(&w->spectrum, LENGTH, err));
    lofi_code code = sum_frames(w, err);
    lofi_spectrum_close(&w->spectrum);
    LOFI_TRY(code);
    if (smooth(w)) find_edges(out, w);
    return LOFI_OK;
}

lofi_code lofi_bandwidth_measure(lofi_bandwidth *out, const lofi_audio *audio, lofi_error *err) {
    *out = (lofi_bandwidth){0.0, NAN, NAN, false};
    if (audio->frames < LENGTH) return LOFI_OK;
    work *w;
    LOFI_TRY(lofi_alloc((void **)&w, 1, sizeof *w, "a spectrum", err));
    w->audio = audio;
    w->bin_hz = (double)audio->sample_rate / LENGTH;
    lofi_code code = measure(out, w, err);
    lofi_free(w);
    return code;
}
