/* loudness.c - see loudness.h. */
#include "audio/loudness.h"

#include <ebur128.h>
#include <math.h>
#include <string.h>

#include "audio/audio_libraries.h"
#include "base/memory.h"

/* libebur128 interpolates by 4 below 96 kHz, by 2 below 192 kHz and then not at all, with a sinc of 49 taps under a Hann window: it
 * reaches 6 or 12 samples to both sides. */
#define TAPS    49
#define REACH   32  /* frames before and after a stretch that its interpolation may need; more than the filter has */
#define STRETCH 192 /* frames looked at, or left out, together */
#define ROOM    (REACH + STRETCH + REACH)
#define BLOCK   4096
#define PHASES  3      /* at most: a quarter, a half and three quarters of the way to the next sample */
#define INNER   6      /* coefficients that the screen computes with; it bounds the others */
#define MARGIN  1.001f /* rounding */

struct lofi_true_peak {
    ebur128_state *state;
    int channels;
    int held;      /* frames in `frames`, the first REACH of them before the stretch */
    double peak;   /* of the samples and between them */
    float *frames; /* [channels, ROOM] */
    float *mixed;  /* [ROOM, channels], for libebur128 */
    int phases;
    float most; /* by which interpolation can raise anything: the largest sum of absolute coefficients */
    float inner[PHASES][INNER], outer[PHASES]; /* coefficients; sum of the absolute other ones */
    bool failed;
};

static double coefficient(double distance, double half_width) {
    if (fabs(distance) >= half_width) return 0.0;
    double window = 0.5 + 0.5 * cos(M_PI * distance / half_width);
    return distance == 0.0 ? 1.0 : window * sin(M_PI * distance) / (M_PI * distance);
}

static void set_screen(lofi_true_peak *meter, int sample_rate) {
    int factor = sample_rate < 96000 ? 4 : sample_rate < 192000 ? 2 : 1, reach = TAPS / 2 / factor + 1;
    meter->phases = factor - 1;
    for (int phase = 0; phase < meter->phases; phase++) {
        double way = (double)(phase + 1) / factor, half_width = (double)(TAPS / 2) / factor, sum = 0.0;
        for (int tap = -reach; tap <= reach; tap++) {
            double value = coefficient(way - tap, half_width);
            int place = tap + INNER / 2 - 1;
            if (place >= 0 && place < INNER)
                meter->inner[phase][place] = (float)value;
            else
                meter->outer[phase] += (float)fabs(value);
            sum += fabs(value);
        }
        meter->most = fmaxf(meter->most, MARGIN * (float)sum);
    }
}

lofi_code lofi_true_peak_new(lofi_true_peak **out, int channels, int sample_rate, lofi_error *err) {
    lofi_true_peak *meter = NULL;
    LOFI_TRY(lofi_library_open(&lofi_library_ebur128, err));
    LOFI_TRY(lofi_alloc((void **)&meter, 1, sizeof *meter, "true peak", err));
    meter->channels = channels;
    meter->held = REACH;
    set_screen(meter, sample_rate);
    meter->state = ebur128_init((unsigned)channels, (unsigned long)sample_rate, EBUR128_MODE_TRUE_PEAK);
    lofi_code code = lofi_alloc((void **)&meter->frames, (size_t)channels * ROOM, sizeof(float), "true peak", err);
    if (code == LOFI_OK)
        code = lofi_alloc((void **)&meter->mixed, (size_t)channels * ROOM, sizeof(float), "true peak", err);
    if (code == LOFI_OK && meter->state == NULL) code = lofi_fail(err, LOFI_ERR_MEMORY, "no memory for the true peak");
    if (code == LOFI_OK)
        *out = meter;
    else
        lofi_true_peak_free(meter);
    return code;
}

/* What was in the filter from elsewhere is driven out by the frames before the stretch. */
static void interpolate(lofi_true_peak *meter, int frames) {
    double channel_peak;
    for (int channel = 0; channel < meter->channels; channel++)
        for (int i = 0; i < REACH + frames; i++)
            meter->mixed[i * meter->channels + channel] = meter->frames[channel * ROOM + i];
    if (ebur128_add_frames_float(meter->state, meter->mixed, REACH) != EBUR128_SUCCESS ||
        ebur128_add_frames_float(meter->state, meter->mixed + REACH * meter->channels, (size_t)frames) !=
            EBUR128_SUCCESS)
        meter->failed = true;
    for (int channel = 0; channel < meter->channels && !meter->failed; channel++) {
        if (ebur128_prev_true_peak(meter->state, (unsigned)channel, &channel_peak) != EBUR128_SUCCESS)
            meter->failed = true;
        else
            meter->peak = fmax(meter->peak, channel_peak);
    }
}

/* An upper bound of what interpolation makes of `count` frames of a channel, whose highest sample is `peak`. */
static float screen(const lofi_true_peak *meter, const float *frames, int count, float peak) {
    float bound = 0.0f;
    if ((double)(meter->most * peak) <= meter->peak) return 0.0f;
    for (int phase = 0; phase < meter->phases; phase++) {
        const float *c = meter->inner[phase];
        float highest = 0.0f;
        for (int i = 0; i + INNER <= count; i++) {
            const float *x = frames + i;
            float size = fabsf(c[0] * x[0] + c[1] * x[1] + c[2] * x[2] + c[3] * x[3] + c[4] * x[4] + c[5] * x[5]);
            highest = size > highest ? size : highest;
        }
        bound = fmaxf(bound, highest + meter->outer[phase] * peak);
    }
    return MARGIN * bound;
}

/* The stretch behind the first REACH frames, with as much after it as is there, at most REACH. */
static void look(lofi_true_peak *meter) {
    bool may_be_higher = false;
    for (int channel = 0; channel < meter->channels; channel++) {
        const float *frames = meter->frames + channel * ROOM;
        float peak = lofi_largest(frames, meter->held);
        meter->peak = fmax(meter->peak, (double)peak);
        may_be_higher = may_be_higher || (double)screen(meter, frames, meter->held, peak) > meter->peak;
    }
    if (may_be_higher) interpolate(meter, meter->held - REACH);
}

/* Keeps the last `kept` frames. */
static void forget(lofi_true_peak *meter, int kept) {
    for (int channel = 0; channel < meter->channels; channel++) {
        float *frames = meter->frames + channel * ROOM;
        memmove(frames, frames + meter->held - kept, (size_t)kept * sizeof *frames);
    }
    meter->held = kept;
}

void lofi_true_peak_add(void *user, const float *const *planes, int channels, int64_t frames, int sample_rate) {
    lofi_true_peak *meter = user;
    (void)sample_rate;
    if (channels != meter->channels) {
        meter->failed = true;
        return;
    }
    for (int64_t from = 0; from < frames;) {
        int count = (int)(frames - from < ROOM - meter->held ? frames - from : ROOM - meter->held);
        for (int channel = 0; channel < channels; channel++)
            memcpy(meter->frames + channel * ROOM + meter->held, planes[channel] + from, (size_t)count * sizeof(float));
        meter->held += count;
        from += count;
        if (meter->held < ROOM) return;
        look(meter);
        forget(meter, ROOM - STRETCH);
    }
}

lofi_code lofi_true_peak_result(double *dbtp, lofi_true_peak *meter, lofi_error *err) {
    if (meter->held > REACH) look(meter);
    if (meter->failed) return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for the true peak");
    *dbtp = meter->peak > 1e-10 ? 20.0 * log10(meter->peak) : -200.0;
    return LOFI_OK;
}

void lofi_true_peak_free(lofi_true_peak *meter) {
    if (meter == NULL) return;
    if (meter->state != NULL) ebur128_destroy(&meter->state);
    lofi_free(meter->frames);
    lofi_free(meter->mixed);
    lofi_free(meter);
}

/* ---- loudness ---- */

static double known(int status, const double *value) {
    return status == EBUR128_SUCCESS && isfinite(*value) ? *value : NAN;
}

static lofi_code add_all(ebur128_state *state, const lofi_audio *audio, lofi_error *err) {
    float block[BLOCK * 2];
    for (int64_t from = 0; from < audio->frames; from += BLOCK) {
        int64_t count = audio->frames - from < BLOCK ? audio->frames - from : BLOCK;
        for (int channel = 0; channel < audio->channels; channel++)
            for (int64_t i = 0; i < count; i++)
                block[i * audio->channels + channel] = audio->samples[channel * audio->frames + from + i];
        if (ebur128_add_frames_float(state, block, (size_t)count) != EBUR128_SUCCESS)
            return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for the loudness");
    }
    return LOFI_OK;
}

static lofi_code measure_true_peak(double *dbtp, const lofi_audio *audio, lofi_error *err) {
    const float *planes[] = {audio->samples, audio->samples + audio->frames};
    lofi_true_peak *meter;
    LOFI_TRY(lofi_true_peak_new(&meter, audio->channels, audio->sample_rate, err));
    meter->peak = (double)lofi_audio_peak(audio);
    lofi_true_peak_add(meter, planes, audio->channels, audio->frames, audio->sample_rate);
    lofi_code code = lofi_true_peak_result(dbtp, meter, err);
    lofi_true_peak_free(meter);
    return code;
}

lofi_code lofi_loudness_measure(lofi_loudness *out, const lofi_audio *audio, lofi_error *err) {
    double integrated = 0.0, range = 0.0;
    LOFI_TRY(lofi_library_open(&lofi_library_ebur128, err));
    ebur128_state *state = ebur128_init((unsigned)audio->channels, (unsigned long)audio->sample_rate,
                                        EBUR128_MODE_I | EBUR128_MODE_LRA);
    if (state == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for the loudness");
    lofi_code code = add_all(state, audio, err);
    if (code == LOFI_OK) {
        out->integrated_lufs = known(ebur128_loudness_global(state, &integrated), &integrated);
        out->range_lu = isnan(out->integrated_lufs) ? NAN : known(ebur128_loudness_range(state, &range), &range);
    }
    ebur128_destroy(&state);
    LOFI_TRY(code);
    return measure_true_peak(&out->true_peak_dbtp, audio, err);
}
