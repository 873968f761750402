/* resample_sinc.c - see resample_sinc.h. */
#include "audio/resample_sinc.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

#define ZERO_CROSSINGS 6
#define ROLLOFF        0.99
#define MAX_RATE       10000000
#define MAX_TAPS       ((int64_t)64 << 20)

typedef struct lofi_phase {
    int64_t first; /* input offset of the first tap, relative to the block's first sample */
    int64_t taps;  /* where they start in the common array */
    int64_t count;
} lofi_phase;

struct lofi_resampler {
    int64_t from, to;   /* reduced */
    lofi_phase *phases; /* [to] */
    float *taps;
};

static int64_t greatest_common_divisor(int64_t a, int64_t b) {
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* The double factor of two and the order of operations follow the recorded arithmetic. */
static float tap_at(double phase, double base, int64_t from, int64_t k) {
    double t = (phase + (double)k / (double)from) * base;
    if (t <= -ZERO_CROSSINGS || t >= ZERO_CROSSINGS) return 0.0f;
    double window = cos(t * M_PI / ZERO_CROSSINGS / 2);
    double angle = t * M_PI;
    double sinc = angle == 0.0 ? 1.0 : sin(angle) / angle;
    return (float)(sinc * (window * window * (base / (double)from)));
}

/* Input offsets -width .. width + from - 1 exist in the original; those of phase p that can be inside the window. */
static void window_range(const lofi_resampler *r, double phase, double base, int64_t width, int64_t *first,
                         int64_t *count) {
    double centre = -phase * (double)r->from;
    double reach = ZERO_CROSSINGS * (double)r->from / base;
    int64_t low = (int64_t)floor(centre - reach) - 1, high = (int64_t)ceil(centre + reach) + 1;
    if (low < -width) low = -width;
    if (high > width + r->from - 1) high = width + r->from - 1;
    *first = low;
    *count = high - low + 1;
}

static lofi_code fill_taps(lofi_resampler *r, lofi_error *err) {
    double base = (double)(r->from < r->to ? r->from : r->to) * ROLLOFF;
    int64_t width = (int64_t)ceil(ZERO_CROSSINGS * (double)r->from / base);
    int64_t most = 2 * (int64_t)ceil(ZERO_CROSSINGS * (double)r->from / base) + 6;
    if (most > MAX_TAPS / r->to)
        return lofi_fail(err, LOFI_ERR_MEMORY, "resampling by %lld / %lld needs a filter of more than 256 MiB",
                         (long long)r->to, (long long)r->from);
    LOFI_TRY(lofi_alloc((void **)&r->phases, (size_t)r->to, sizeof *r->phases, "resampling phases", err));
    LOFI_TRY(lofi_alloc((void **)&r->taps, (size_t)(most * r->to), sizeof *r->taps, "resampling taps", err));
    for (int64_t p = 0; p < r->to; p++) {
        lofi_phase *phase = &r->phases[p];
        double offset = (double)((float)-p / (float)r->to);
        window_range(r, offset, base, width, &phase->first, &phase->count);
        phase->taps = p * most;
        for (int64_t k = 0; k < phase->count; k++)
            r->taps[phase->taps + k] = tap_at(offset, base, r->from, phase->first + k);
    }
    return LOFI_OK;
}

lofi_code lofi_resampler_new(lofi_resampler **out, int from_rate, int to_rate, lofi_error *err) {
    if (from_rate < 1 || to_rate < 1 || from_rate > MAX_RATE || to_rate > MAX_RATE)
        return lofi_fail(err, LOFI_ERR_USAGE, "cannot resample from %d Hz to %d Hz: rates are 1 to %d Hz", from_rate,
                         to_rate, MAX_RATE);
    lofi_resampler *r;
    LOFI_TRY(lofi_alloc((void **)&r, 1, sizeof *r, "a resampler", err));
    int64_t divisor = greatest_common_divisor(from_rate, to_rate);
    r->from = from_rate / divisor;
    r->to = to_rate / divisor;
    lofi_code code = r->from == r->to ? LOFI_OK : fill_taps(r, err);
    if (code != LOFI_OK) {
        lofi_resampler_free(r);
        return code;
    }
    *out = r;
    return LOFI_OK;
}

void lofi_resampler_free(lofi_resampler *resampler) {
    if (resampler == NULL) return;
    lofi_free(resampler->phases);
    lofi_free(resampler->taps);
    lofi_free(resampler);
}

int64_t lofi_resampler_length(const lofi_resampler *r, int64_t count) {
    if (r->from == r->to) return count;
    float quotient = (float)((double)(r->to * count) / (double)r->from);
    int64_t length = (int64_t)ceilf(quotient), computed = (count / r->from + 1) * r->to;
    return length < computed ? length : computed;
}

static float one_sample(const lofi_resampler *r, const float *x, int64_t count, int64_t index) {
    const lofi_phase *phase = &r->phases[index % r->to];
    int64_t start = index / r->to * r->from + phase->first;
    int64_t k = start < 0 ? -start : 0;
    int64_t end = start + phase->count > count ? count - start : phase->count;
    const float *taps = r->taps + phase->taps;
    float sum = 0.0f;
    for (; k < end; k++) sum += taps[k] * x[start + k];
    return sum;
}

void lofi_resampler_run(const lofi_resampler *r, const float *x, int64_t count, float *y) {
    int64_t length = lofi_resampler_length(r, count);
    if (r->from == r->to) {
        if (count > 0) memcpy(y, x, (size_t)count * sizeof *y);
        return;
    }
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < length; i++) y[i] = one_sample(r, x, count, i);
}
