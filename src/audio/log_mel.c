/* log_mel.c - see log_mel.h. */
#include "audio/log_mel.h"

#include <math.h>
#include <string.h>

#include "audio/fourier.h"
#include "base/memory.h"

#define SLANEY_LINEAR_STEP (200.0 / 3.0) /* Hz per mel below 1 kHz */
#define SLANEY_CORNER_HZ   1000.0
#define SLANEY_LOG_STEP    (log(6.4) / 27.0)

typedef struct lofi_band {
    int64_t first, count; /* bins */
    const float *weights;
} lofi_band;

struct lofi_mel {
    lofi_mel_settings settings;
    int64_t bins;
    float *window;  /* [n_fft], zeros around a shorter window */
    float *weights; /* [n_mels, bins] */
    lofi_band *bands;
};

static double hz_to_mel(double hz) {
    if (hz < SLANEY_CORNER_HZ) return hz / SLANEY_LINEAR_STEP;
    return SLANEY_CORNER_HZ / SLANEY_LINEAR_STEP + log(hz / SLANEY_CORNER_HZ) / SLANEY_LOG_STEP;
}

static float mel_to_hz(float mel) {
    float corner = (float)(SLANEY_CORNER_HZ / SLANEY_LINEAR_STEP);
    if (mel < corner) return (float)SLANEY_LINEAR_STEP * mel;
    return (float)SLANEY_CORNER_HZ * expf((float)SLANEY_LOG_STEP * (mel - corner));
}

/* Evenly spaced in single precision, counted from the nearer end: the original's filters carry these roundings. */
static float evenly_spaced(double start, double end, int64_t count, int64_t index) {
    float a = (float)start, b = (float)end;
    float step = (b - a) / (float)(count - 1);
    return index < count / 2 ? a + step * (float)index : b - step * (float)(count - 1 - index);
}

static float triangle(float hz, const float corners[3]) {
    float rise = (hz - corners[0]) / (corners[1] - corners[0]);
    float fall = (corners[2] - hz) / (corners[2] - corners[1]);
    float least = rise < fall ? rise : fall;
    return least > 0.0f ? least : 0.0f;
}

static void fill_filters(lofi_mel *mel) {
    const lofi_mel_settings *s = &mel->settings;
    double low = hz_to_mel(s->f_min), high = hz_to_mel(s->f_max);
    for (int64_t m = 0; m < s->n_mels; m++) {
        float corners[3];
        for (int64_t i = 0; i < 3; i++) corners[i] = mel_to_hz(evenly_spaced(low, high, s->n_mels + 2, m + i));
        float norm = 2.0f / (corners[2] - corners[0]);
        float *weights = mel->weights + m * mel->bins;
        int64_t first = mel->bins, end = 0;
        for (int64_t bin = 0; bin < mel->bins; bin++) {
            weights[bin] = norm * triangle(evenly_spaced(0, s->sample_rate / 2, mel->bins, bin), corners);
            if (weights[bin] == 0.0f) continue;
            if (first > bin) first = bin;
            end = bin + 1;
        }
        if (first > end) first = end;
        mel->bands[m] = (lofi_band){first, end - first, weights + first};
    }
}

static void fill_window(lofi_mel *mel) {
    int window = mel->settings.window, before = (mel->settings.n_fft - window) / 2;
    for (int i = 0; i < window; i++) mel->window[before + i] = (float)(0.5 - 0.5 * cos(2.0 * M_PI * i / window));
}

static lofi_code check_settings(const lofi_mel_settings *s, lofi_error *err) {
    if (s->n_fft < 16 || s->n_fft > 65536 || (s->n_fft & (s->n_fft - 1)) != 0)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "n_fft is %d: it must be a power of two from 16 to 65536",
                         s->n_fft);
    if (s->window < 1 || s->window > s->n_fft)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "win_length is %d: it must be 1 to n_fft (%d)", s->window,
                         s->n_fft);
    if (s->hop < 1 || s->hop > s->window)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "hop_length is %d: it must be 1 to win_length (%d)", s->hop,
                         s->window);
    if (s->n_mels < 1 || s->n_mels > 4096)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "n_mels is %d: it must be 1 to 4096", s->n_mels);
    if (s->sample_rate < 2)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "sampling_rate is %d: it must be positive", s->sample_rate);
    if (!(s->f_min >= 0.0) || !(s->f_max > s->f_min) || !isfinite(s->f_max))
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "f_min %g and f_max %g make no range of frequencies", s->f_min,
                         s->f_max);
    return LOFI_OK;
}

lofi_code lofi_mel_new(lofi_mel **out, const lofi_mel_settings *settings, lofi_error *err) {
    lofi_mel_settings checked = *settings;
    if (checked.f_max == 0.0) checked.f_max = checked.sample_rate / 2;
    LOFI_TRY(check_settings(&checked, err));
    lofi_mel *mel;
    LOFI_TRY(lofi_alloc((void **)&mel, 1, sizeof *mel, "a mel spectrogram", err));
    mel->settings = checked;
    mel->bins = checked.n_fft / 2 + 1;
    size_t mels = (size_t)checked.n_mels;
    lofi_code code = lofi_alloc((void **)&mel->window, (size_t)checked.n_fft, sizeof(float), "a window", err);
    if (code == LOFI_OK)
        code = lofi_alloc((void **)&mel->weights, mels * (size_t)mel->bins, sizeof(float), "mel filters", err);
    if (code == LOFI_OK) code = lofi_alloc((void **)&mel->bands, mels, sizeof *mel->bands, "mel bands", err);
    if (code != LOFI_OK) {
        lofi_mel_free(mel);
        return code;
    }
    fill_window(mel);
    fill_filters(mel);
    *out = mel;
    return LOFI_OK;
}

void lofi_mel_free(lofi_mel *mel) {
    if (mel == NULL) return;
    lofi_free(mel->window);
    lofi_free(mel->weights);
    lofi_free(mel->bands);
    lofi_free(mel);
}

int lofi_mel_bands(const lofi_mel *mel) {
    return mel->settings.n_mels;
}

void lofi_mel_copy_window(const lofi_mel *mel, float *window) {
    const lofi_mel_settings *s = &mel->settings;
    memcpy(window, mel->window + (s->n_fft - s->window) / 2, (size_t)s->window * sizeof *window);
}

void lofi_mel_copy_filters(const lofi_mel *mel, float *filters) {
    int64_t mels = mel->settings.n_mels;
    for (int64_t bin = 0; bin < mel->bins; bin++)
        for (int64_t m = 0; m < mels; m++) filters[bin * mels + m] = mel->weights[m * mel->bins + bin];
}

static int64_t pad_before(const lofi_mel *mel) {
    return (mel->settings.window - mel->settings.hop) / 2;
}

static int64_t pad_after(const lofi_mel *mel) {
    return (mel->settings.window - mel->settings.hop + 1) / 2;
}

int64_t lofi_mel_frames(const lofi_mel *mel, int64_t samples) {
    int64_t padded = samples + pad_before(mel) + pad_after(mel);
    if (samples <= pad_after(mel) || padded < mel->settings.n_fft) return 0;
    return (padded - mel->settings.n_fft) / mel->settings.hop + 1;
}

static void frame_run(const lofi_mel *mel, lofi_fourier *t, const float *samples, int64_t count, int64_t frame,
                      int64_t frames, float *out) {
    int64_t start = frame * mel->settings.hop - pad_before(mel);
    for (int64_t i = 0; i < mel->settings.n_fft; i++)
        t->input[i] = (double)(mel->window[i] * lofi_reflected(samples, count, start + i));
    lofi_fourier_run(t);
    for (int64_t bin = 0; bin < mel->bins; bin++) {
        double re = t->output[bin].re, im = t->output[bin].im;
        t->scratch[bin] = (float)sqrt(re * re + im * im + 1e-6);
    }
    for (int64_t m = 0; m < mel->settings.n_mels; m++) {
        const lofi_band *band = &mel->bands[m];
        double sum = 0.0;
        for (int64_t i = 0; i < band->count; i++) sum += (double)band->weights[i] * t->scratch[band->first + i];
        out[m * frames + frame] = (float)log(sum > 1e-5 ? sum : 1e-5);
    }
}

lofi_code lofi_mel_run(const lofi_mel *mel, const float *samples, int64_t count, float *out, lofi_error *err) {
    int64_t frames = lofi_mel_frames(mel, count);
    if (frames == 0)
        return lofi_fail(err, LOFI_ERR_USAGE, "%lld samples are too few for one mel frame", (long long)count);
    LOFI_TRY(lofi_library_open(&lofi_library_avutil, err));
    bool failed = false;
#pragma omp parallel reduction(|| : failed)
    {
        lofi_fourier transform;
        bool ready = lofi_fourier_open(&transform, mel->settings.n_fft);
        failed = !ready;
#pragma omp for schedule(static)
        for (int64_t frame = 0; frame < frames; frame++)
            if (ready) frame_run(mel, &transform, samples, count, frame, frames, out);
        if (ready) lofi_fourier_close(&transform);
    }
    if (failed) return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a Fourier transform");
    return LOFI_OK;
}
