/* evaluation_mel.c - see the header. One engine: frames to bands by a table of filters, in double precision. */
#include "audio/evaluation_mel.h"

#include <math.h>
#include <string.h>

#include "audio/fourier.h"
#include "base/json.h"
#include "base/memory.h"

/* ---- the engine ---- */

typedef struct engine {
    int64_t n_fft, window, hop, bins, bands;
    int64_t before;  /* samples by which frame 0 begins before the first one */
    bool power;      /* squared magnitudes */
    double *shape;   /* [window] */
    double *filters; /* [bands, bins] */
} engine;

static void engine_free(engine *e) {
    lofi_free(e->shape);
    lofi_free(e->filters);
}

static lofi_code engine_new(engine *e, lofi_error *err) {
    void *shape = NULL, *filters = NULL;
    lofi_code code = lofi_alloc(&shape, (size_t)e->window, sizeof(double), "a window", err);
    if (code == LOFI_OK) code = lofi_alloc(&filters, (size_t)(e->bands * e->bins), sizeof(double), "mel filters", err);
    e->shape = shape;
    e->filters = filters;
    for (int64_t i = 0; code == LOFI_OK && i < e->window; i++)
        e->shape[i] = 0.5 - 0.5 * cos(2.0 * M_PI * (double)i / (double)e->window);
    return code;
}

/* Band values of the frame that begins at `start`: out [bands]. */
static void run_frame(const engine *e, lofi_fourier *f, const float *samples, int64_t count, int64_t start,
                      double *out) {
    for (int64_t i = 0; i < e->window; i++)
        f->input[i] = e->shape[i] * (double)lofi_reflected(samples, count, start + i);
    for (int64_t i = e->window; i < e->n_fft; i++) f->input[i] = 0;
    lofi_fourier_run(f);
    for (int64_t bin = 0; bin < e->bins; bin++) {
        double re = f->output[bin].re, im = f->output[bin].im;
        if (e->power) re = (float)re, im = (float)im; /* the original keeps spectra in single precision */
        double power = re * re + im * im;
        f->scratch[bin] = e->power ? power : sqrt(power);
    }
    for (int64_t band = 0; band < e->bands; band++) {
        const double *filter = e->filters + band * e->bins;
        double sum = 0;
        for (int64_t bin = 0; bin < e->bins; bin++) sum += filter[bin] * f->scratch[bin];
        out[band] = sum;
    }
}

static float in_decibels(double x) {
    return (float)(10.0 * log10(x > 1e-10 ? x : 1e-10));
}

static float in_nepers(double x) {
    return (float)log(x + 0.01);
}

/* out: [frames, bands] */
static lofi_code run_frames(const engine *e, const float *samples, int64_t count, int64_t frames,
                            float (*scale)(double), float *out, lofi_error *err) {
    bool failed = false;
    void *memory = NULL;
    LOFI_TRY(lofi_library_open(&lofi_library_avutil, err));
    LOFI_TRY(lofi_alloc(&memory, (size_t)(frames * e->bands), sizeof(double), "a spectrogram", err));
    double *values = memory;
#pragma omp parallel reduction(|| : failed)
    {
        lofi_fourier fourier;
        bool ready = lofi_fourier_open(&fourier, e->n_fft);
        failed = !ready;
#pragma omp for schedule(static)
        for (int64_t frame = 0; frame < frames; frame++)
            if (ready) run_frame(e, &fourier, samples, count, frame * e->hop - e->before, values + frame * e->bands);
        if (ready) lofi_fourier_close(&fourier);
    }
    for (int64_t i = 0; i < frames * e->bands; i++) out[i] = scale(values[i]);
    lofi_free(memory);
    return failed ? lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a Fourier transform") : LOFI_OK;
}

/* ---- mel scales ---- */

static double htk_mel(double hz) {
    return 2595.0 * log10(1.0 + hz / 700.0);
}

static double htk_hz(double mel) {
    return 700.0 * (pow(10.0, mel / 2595.0) - 1.0);
}

#define SLANEY_CORNER_HZ  1000.0
#define SLANEY_CORNER_MEL 15.0
#define SLANEY_STEP       (27.0 / log(6.4))

static double slaney_mel(double hz) {
    return hz < SLANEY_CORNER_HZ ? 3.0 * hz / 200.0 : SLANEY_CORNER_MEL + log(hz / SLANEY_CORNER_HZ) * SLANEY_STEP;
}

static double slaney_hz(double mel) {
    return mel < SLANEY_CORNER_MEL ? 200.0 * mel / 3.0
                                   : SLANEY_CORNER_HZ * exp((mel - SLANEY_CORNER_MEL) / SLANEY_STEP);
}

/* numpy's linspace */
static double spaced(double start, double end, int64_t count, int64_t index) {
    return index == count - 1 ? end : start + (double)index * ((end - start) / (double)(count - 1));
}

static double triangle(double at, const double corners[3]) {
    double rise = (at - corners[0]) / (corners[1] - corners[0]), fall = (corners[2] - at) / (corners[2] - corners[1]);
    return fmax(0.0, fmin(rise, fall));
}

/* ---- CLAP ---- */

#define WHERE "the CLAP preprocessor config"

static lofi_code read_words(lofi_clap_mel_settings *out, const json_t *config, lofi_error *err) {
    static const char *const paddings[] = {"repeatpad", "repeat", "pad"};
    const char *truncation = NULL, *padding = NULL;
    LOFI_TRY(lofi_json_string_or(&truncation, config, "truncation", "fusion", WHERE, err));
    LOFI_TRY(lofi_json_string_or(&padding, config, "padding", "repeatpad", WHERE, err));
    out->fusion = strcmp(truncation, "fusion") == 0;
    if (!out->fusion && strcmp(truncation, "rand_trunc") != 0)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, WHERE ": 'truncation' is '%s'; known are fusion and rand_trunc",
                         truncation);
    for (int i = 0; i < 3; i++)
        if (strcmp(padding, paddings[i]) == 0) {
            out->padding = (lofi_clap_padding)i;
            return LOFI_OK;
        }
    return lofi_fail(err, LOFI_ERR_UNSUPPORTED, WHERE ": 'padding' is '%s'; known are repeatpad, repeat and pad",
                     padding);
}

lofi_code lofi_clap_mel_settings_read(lofi_clap_mel_settings *out, const json_t *config, lofi_error *err) {
    lofi_clap_mel_settings read = {0};
    int64_t rate = 0, bands = 0, n_fft = 0, hop = 0, seconds = 0;
    LOFI_TRY(lofi_json_int_or(&rate, config, "sampling_rate", 48000, 1000, 1 << 20, WHERE, err));
    LOFI_TRY(lofi_json_int_or(&bands, config, "feature_size", 64, 1, 1 << 12, WHERE, err));
    LOFI_TRY(lofi_json_int_or(&n_fft, config, "fft_window_size", 1024, 16, 1 << 16, WHERE, err));
    LOFI_TRY(lofi_json_int_or(&hop, config, "hop_length", 480, 1, 1 << 16, WHERE, err));
    LOFI_TRY(lofi_json_int_or(&seconds, config, "max_length_s", 10, 1, 3600, WHERE, err));
    LOFI_TRY(lofi_json_number_or(&read.f_min, config, "frequency_min", 0, WHERE, err));
    LOFI_TRY(lofi_json_number_or(&read.f_max, config, "frequency_max", 14000, WHERE, err));
    LOFI_TRY(read_words(&read, config, err));
    if ((n_fft & (n_fft - 1)) != 0)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, WHERE ": 'fft_window_size' must be a power of two");
    if (!(read.f_min >= 0 && read.f_max > read.f_min && read.f_max <= (double)rate))
        return lofi_fail(err, LOFI_ERR_FORMAT, WHERE ": 'frequency_min' and 'frequency_max' make no range");
    read.sample_rate = (int)rate, read.bands = (int)bands, read.n_fft = (int)n_fft, read.hop = (int)hop;
    read.clip = seconds * rate;
    *out = read;
    return LOFI_OK;
}

/* With fusion the original has torchaudio's filters (HTK scale, no norm), else librosa's (Slaney's scale and norm). */
static void clap_filters(const engine *e, const lofi_clap_mel_settings *s) {
    double low = s->fusion ? htk_mel(s->f_min) : slaney_mel(s->f_min);
    double high = s->fusion ? htk_mel(s->f_max) : slaney_mel(s->f_max);
    for (int64_t band = 0; band < e->bands; band++) {
        double corners[3];
        for (int64_t i = 0; i < 3; i++) {
            double mel = spaced(low, high, e->bands + 2, band + i);
            corners[i] = s->fusion ? htk_hz(mel) : slaney_hz(mel);
        }
        double norm = s->fusion ? 1.0 : 2.0 / (corners[2] - corners[0]);
        for (int64_t bin = 0; bin < e->bins; bin++) {
            double hz = spaced(0, s->sample_rate / 2, e->bins, bin); /* the original divides whole numbers */
            e->filters[band * e->bins + bin] = norm * triangle(hz, corners);
        }
    }
}

/* A clip as long as it must be: *out is new memory of settings->clip samples. */
static lofi_code fill_clip(float **out, const lofi_clap_mel_settings *s, const float *samples, int64_t count,
                           lofi_error *err) {
    void *memory = NULL;
    int64_t times = s->padding == LOFI_CLAP_PAD ? 1 : s->clip / count;
    LOFI_TRY(lofi_alloc(&memory, (size_t)s->clip, sizeof(float), "a clip", err));
    int64_t used = s->padding == LOFI_CLAP_REPEAT ? s->clip : times * count;
    for (int64_t i = 0; i < used; i++) ((float *)memory)[i] = samples[i % count];
    *out = memory;
    return LOFI_OK;
}

static void copy_frames(float *out, const lofi_clap_mel *whole, int64_t first, int64_t frames) {
    memcpy(out, whole->values + first * whole->bands, (size_t)(frames * whole->bands) * sizeof *out);
}

/* Shrinks in time as F.interpolate(mode="bilinear", align_corners=False) does it. */
static void shrink(float *out, const lofi_clap_mel *whole, int64_t frames) {
    float scale = (float)whole->frames / (float)frames;
    for (int64_t i = 0; i < frames; i++) {
        float at = scale * ((float)i + 0.5f) - 0.5f;
        if (at < 0) at = 0;
        int64_t first = (int64_t)at, second = first + 1 < whole->frames ? first + 1 : first;
        float weight = at - (float)first;
        const float *a = whole->values + first * whole->bands, *b = whole->values + second * whole->bands;
        for (int64_t c = 0; c < whole->bands; c++) out[i * whole->bands + c] = (1.0f - weight) * a[c] + weight * b[c];
    }
}

/* Where the crop of a third begins: numpy's array_split of 0 .. last, and the middle of the third. */
static int64_t crop_start(int64_t last, int third) {
    int64_t count = last + 1, each = count / 3, rest = count % 3, begin = 0, size = 0;
    for (int i = 0; i <= third; i++) {
        begin += size;
        size = each + (i < rest ? 1 : 0);
    }
    return size > 0 ? begin + size / 2 : 0;
}

/* Four views of `whole`, of `frames` frames each. */
static lofi_code make_views(lofi_clap_mel *out, const lofi_clap_mel *whole, int64_t frames, lofi_error *err) {
    void *memory = NULL;
    int64_t each = frames * whole->bands;
    LOFI_TRY(lofi_alloc(&memory, (size_t)(4 * each), sizeof(float), "a fused clip", err));
    *out = (lofi_clap_mel){memory, 4, frames, whole->bands, whole->frames > frames};
    for (int view = 0; view < 4; view++) {
        float *to = out->values + view * each;
        if (!out->longer)
            copy_frames(to, whole, 0, frames);
        else if (view == 0)
            shrink(to, whole, frames);
        else
            copy_frames(to, whole, crop_start(whole->frames - frames, view - 1), frames);
    }
    return LOFI_OK;
}

static lofi_code clap_spectrogram(lofi_clap_mel *out, const lofi_clap_mel_settings *s, const float *samples,
                                  int64_t count, lofi_error *err) {
    engine e = {.n_fft = s->n_fft,
                .window = s->n_fft,
                .hop = s->hop,
                .bins = s->n_fft / 2 + 1,
                .bands = s->bands,
                .before = s->n_fft / 2,
                .power = true};
    void *memory = NULL;
    int64_t frames = count / s->hop + 1;
    lofi_code code = engine_new(&e, err);
    if (code == LOFI_OK) code = lofi_alloc(&memory, (size_t)(frames * s->bands), sizeof(float), "a log-mel", err);
    *out = (lofi_clap_mel){memory, 1, frames, s->bands, false};
    if (code == LOFI_OK) {
        clap_filters(&e, s);
        code = run_frames(&e, samples, count, frames, in_decibels, out->values, err);
    }
    engine_free(&e);
    if (code != LOFI_OK) lofi_clap_mel_free(out);
    return code;
}

static lofi_code clap_long(lofi_clap_mel *out, const lofi_clap_mel_settings *s, const float *samples, int64_t count,
                           lofi_error *err) {
    lofi_clap_mel whole;
    if (!s->fusion) {
        LOFI_TRY(clap_spectrogram(out, s, samples + (count - s->clip) / 2, s->clip, err));
        out->longer = true;
        return LOFI_OK;
    }
    LOFI_TRY(clap_spectrogram(&whole, s, samples, count, err));
    lofi_code code = make_views(out, &whole, s->clip / s->hop + 1, err);
    lofi_clap_mel_free(&whole);
    return code;
}

lofi_code lofi_clap_mel_make(lofi_clap_mel *out, const lofi_clap_mel_settings *s, const float *samples, int64_t count,
                             lofi_error *err) {
    float *clip = NULL;
    lofi_clap_mel whole;
    if (count < 1) return lofi_fail(err, LOFI_ERR_USAGE, "there are no samples to make a spectrogram of");
    if (s->clip <= s->n_fft)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, WHERE ": 'max_length_s' is shorter than one spectrum");
    if (count > s->clip) return clap_long(out, s, samples, count, err);
    LOFI_TRY(fill_clip(&clip, s, samples, count, err));
    lofi_code code = clap_spectrogram(s->fusion ? &whole : out, s, clip, s->clip, err);
    lofi_free(clip);
    if (code != LOFI_OK || !s->fusion) return code;
    code = make_views(out, &whole, whole.frames, err);
    lofi_clap_mel_free(&whole);
    return code;
}

void lofi_clap_mel_free(lofi_clap_mel *mel) {
    lofi_free(mel->values);
    *mel = (lofi_clap_mel){0};
}

/* ---- VGGish ---- */

#define VGGISH_WINDOW 400 /* samples: 25 ms */
#define VGGISH_HOP    160 /* 10 ms */
#define VGGISH_FFT    512
#define VGGISH_LOW    125.0 /* Hz */
#define VGGISH_HIGH   7500.0

static int64_t vggish_frames(int64_t samples) {
    return samples < VGGISH_WINDOW ? 0 : (samples - VGGISH_WINDOW) / VGGISH_HOP + 1;
}

int64_t lofi_vggish_example_count(int64_t samples) {
    return vggish_frames(samples) / LOFI_VGGISH_FRAMES;
}

static double vggish_mel(double hz) {
    return 1127.0 * log(1.0 + hz / 700.0);
}

/* Triangles over mel, not over frequency; the lowest bin is left out. */
static void vggish_filters(const engine *e) {
    double low = vggish_mel(VGGISH_LOW), high = vggish_mel(VGGISH_HIGH);
    for (int64_t band = 0; band < e->bands; band++) {
        double corners[3];
        for (int64_t i = 0; i < 3; i++) corners[i] = spaced(low, high, e->bands + 2, band + i);
        for (int64_t bin = 1; bin < e->bins; bin++)
            e->filters[band * e->bins + bin] = triangle(vggish_mel(spaced(0, LOFI_VGGISH_RATE / 2.0, e->bins, bin)),
                                                        corners);
    }
}

lofi_code lofi_vggish_examples(float *examples, const float *samples, int64_t count, lofi_error *err) {
    engine e = {.n_fft = VGGISH_FFT,
                .window = VGGISH_WINDOW,
                .hop = VGGISH_HOP,
                .bins = VGGISH_FFT / 2 + 1,
                .bands = LOFI_VGGISH_BANDS};
    int64_t frames = lofi_vggish_example_count(count) * LOFI_VGGISH_FRAMES;
    lofi_code code = engine_new(&e, err);
    if (code == LOFI_OK) {
        vggish_filters(&e);
        code = run_frames(&e, samples, count, frames, in_nepers, examples, err);
    }
    engine_free(&e);
    return code;
}
