/* key.c - see key.h. */
#include "audio/key.h"

#include <math.h>
#include <string.h>

#include "audio/fourier.h"
#include "base/memory.h"

#define LENGTH     8192
#define HOP        LENGTH
#define LOWEST_HZ  65.0
#define HIGHEST_HZ 2100.0
#define SHORTEST   2.0   /* seconds */
#define LOW_PEAK   1e-6f /* power, of the highest peak of the frame */
#define FINE       120   /* classes per octave that are kept apart until the tuning is known */
#define NO_PITCH   1e-9

static const double profiles[2][12] = {
    {0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400},
    {0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330}};

static const char *const names[2][12] = {{"C major", "C# major", "D major", "D# major", "E major", "F major",
                                          "F# major", "G major", "G# major", "A major", "A# major", "B major"},
                                         {"C minor", "C# minor", "D minor", "D# minor", "E minor", "F minor",
                                          "F# minor", "G minor", "G# minor", "A minor", "A# minor", "B minor"}};

const char *lofi_key_name(const lofi_key *key) {
    return key->tonic < 0 ? NULL : names[key->minor][key->tonic];
}

bool lofi_key_parse(lofi_key *key, const char *name) {
    for (int minor = 0; minor < 2; minor++)
        for (int tonic = 0; tonic < 12; tonic++)
            if (strcmp(names[minor][tonic], name) == 0) {
                key->tonic = tonic;
                key->minor = minor == 1;
                return true;
            }
    return false;
}

typedef struct work {
    lofi_spectrum spectrum;
    double classes[FINE]; /* 0 is C at a' = 440 Hz */
    double along, across; /* the circular mean of the peaks' distances to the scale */
    double bin_hz;
} work;

static void add_peak(work *w, int bin) {
    const float *p = w->spectrum.power;
    double left = log((double)p[bin - 1] + 1e-30), middle = log((double)p[bin] + 1e-30),
           right = log((double)p[bin + 1] + 1e-30);
    double curve = left - 2.0 * middle + right;
    double shift = curve < 0.0 ? 0.5 * (left - right) / curve : 0.0;
    double semitones = 12.0 * log2((bin + shift) * w->bin_hz / 440.0) + 9.0; /* above C */
    double turn = 2.0 * M_PI * semitones, weight = pow((double)p[bin], 0.25);
    int place = (int)lround(semitones * FINE / 12.0) % FINE;
    w->classes[place < 0 ? place + FINE : place] += weight;
    w->along += weight * cos(turn);
    w->across += weight * sin(turn);
}

static void add_frame(work *w, const float *samples) {
    int first = (int)(LOWEST_HZ / w->bin_hz), last = (int)(HIGHEST_HZ / w->bin_hz);
    const float *p = w->spectrum.power;
    float highest = 0.0f;
    lofi_spectrum_run(&w->spectrum, samples);
    for (int bin = first; bin <= last; bin++) highest = fmaxf(highest, p[bin]);
    for (int bin = first; bin <= last; bin++)
        if (p[bin] > p[bin - 1] && p[bin] >= p[bin + 1] && p[bin] > LOW_PEAK * highest) add_peak(w, bin);
}

/* Twelve classes, the tuning taken off. */
static void collect(double classes[12], const work *w, double tuning_semitones) {
    for (int i = 0; i < 12; i++) classes[i] = 0.0;
    for (int place = 0; place < FINE; place++) {
        int pitch = (int)lround(place * 12.0 / FINE - tuning_semitones) % 12;
        classes[pitch < 0 ? pitch + 12 : pitch] += w->classes[place];
    }
}

static double correlation(const double *classes, const double *profile, int tonic) {
    double mean = 0.0, profile_mean = 0.0, product = 0.0, squares = 0.0, profile_squares = 0.0;
    for (int i = 0; i < 12; i++) {
        mean += classes[i] / 12.0;
        profile_mean += profile[i] / 12.0;
    }
    for (int i = 0; i < 12; i++) {
        double a = classes[(i + tonic) % 12] - mean, b = profile[i] - profile_mean;
        product += a * b;
        squares += a * a;
        profile_squares += b * b;
    }
    return squares > 0.0 ? product / sqrt(squares * profile_squares) : 0.0;
}

/* The parallel key has the same tonic, the relative one the same notes. */
static bool are_close(int tonic, bool minor, int other_tonic, bool other_minor) {
    int relative = minor ? (tonic + 3) % 12 : (tonic + 9) % 12;
    if (minor == other_minor) return tonic == other_tonic;
    return other_tonic == tonic || other_tonic == relative;
}

static void choose(lofi_key *out, const double classes[12]) {
    double fits[2][12], best = -2.0, second = -2.0;
    for (int minor = 0; minor < 2; minor++)
        for (int tonic = 0; tonic < 12; tonic++) {
            fits[minor][tonic] = correlation(classes, profiles[minor], tonic);
            if (fits[minor][tonic] <= best) continue;
            best = fits[minor][tonic];
            out->tonic = tonic;
            out->minor = minor == 1;
        }
    for (int minor = 0; minor < 2; minor++)
        for (int tonic = 0; tonic < 12; tonic++)
            if (!are_close(out->tonic, out->minor, tonic, minor == 1)) second = fmax(second, fits[minor][tonic]);
    out->confidence = fmax(0.0, fmin(1.0, 2.0 * (best - second)));
}

static void measure(lofi_key *out, work *w, const lofi_audio *audio) {
    double classes[12], total = 0.0;
    w->bin_hz = (double)audio->sample_rate / LENGTH;
    for (int64_t from = 0; from + LENGTH <= audio->frames; from += HOP) add_frame(w, audio->samples + from);
    for (int place = 0; place < FINE; place++) total += w->classes[place];
    if (total < NO_PITCH) return;
    double tuning = atan2(w->across, w->along) / (2.0 * M_PI);
    out->tuning_cents = 100.0 * tuning;
    collect(classes, w, tuning);
    choose(out, classes);
}

lofi_code lofi_key_measure(lofi_key *out, const lofi_audio *audio, lofi_error *err) {
    *out = (lofi_key){.tonic = -1};
    if (lofi_audio_seconds(audio) < SHORTEST) return LOFI_OK;
    work *w;
    LOFI_TRY(lofi_alloc((void **)&w, 1, sizeof *w, "a key", err));
    lofi_code code = lofi_spectrum_open(&w->spectrum, LENGTH, err);
    if (code == LOFI_OK) {
        measure(out, w, audio);
        lofi_spectrum_close(&w->spectrum);
    }
    lofi_free(w);
    return code;
}
