/* levels.c - see levels.h. The sums run over eight lanes, in a fixed order, so that the compiler can use vectors. */
#include "audio/levels.h"

#include <math.h>
#include <stdbool.h>

#define LANES      8
#define FLAT_RANGE (1.0f / 16384.0f)

static void add_sums(lofi_channel_levels *level, const float *x, int64_t count) {
    float sum[LANES] = {0}, squares[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int lane = 0; lane < LANES; lane++) {
            sum[lane] += x[i + lane];
            squares[lane] += x[i + lane] * x[i + lane];
        }
    for (; i < count; i++) {
        sum[0] += x[i];
        squares[0] += x[i] * x[i];
    }
    for (int lane = 0; lane < LANES; lane++) {
        level->sum += (double)sum[lane];
        level->squares += (double)squares[lane];
    }
}

static void end_flat(lofi_level_meter *meter, lofi_channel_levels *level) {
    if (level->flat_length >= LOFI_FLAT_SAMPLES) meter->flat_runs++;
    level->flat_length = 0;
}

static void add_loud(lofi_level_meter *meter, lofi_channel_levels *level, const float *x, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        if (!(fabsf(x[i]) >= LOFI_CLIPPED_AMPLITUDE)) {
            end_flat(meter, level);
            continue;
        }
        meter->clipped++;
        if (level->flat_length > 0 && fabsf(x[i] - level->flat_level) >= FLAT_RANGE) end_flat(meter, level);
        if (level->flat_length++ == 0) level->flat_level = x[i];
    }
}

static void end_quiet(lofi_level_meter *meter) {
    double seconds = meter->sample_rate > 0 ? (double)meter->quiet_frames / meter->sample_rate : 0.0;
    if (seconds >= LOFI_SILENCE_SECONDS) meter->silent_seconds += seconds;
    meter->quiet_frames = 0;
}

static void add_quiet(lofi_level_meter *meter, const float *const *planes, int channels, int64_t frames, float peak) {
    if (peak < LOFI_SILENT_AMPLITUDE) {
        meter->quiet_frames += frames;
        return;
    }
    for (int64_t i = 0; i < frames; i++) {
        bool loud = false;
        for (int channel = 0; channel < channels; channel++)
            loud = loud || fabsf(planes[channel][i]) >= LOFI_SILENT_AMPLITUDE;
        if (!loud)
            meter->quiet_frames++;
        else if (meter->quiet_frames > 0)
            end_quiet(meter);
    }
}

static double product_of(const float *x, const float *y, int64_t count) {
    float sums[LANES] = {0};
    double sum = 0.0;
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int lane = 0; lane < LANES; lane++) sums[lane] += x[i + lane] * y[i + lane];
    for (; i < count; i++) sums[0] += x[i] * y[i];
    for (int lane = 0; lane < LANES; lane++) sum += (double)sums[lane];
    return sum;
}

/* At most a few thousand frames: the lanes add in single precision. */
static void add_block(lofi_level_meter *meter, const float *const *planes, int channels, int64_t frames) {
    float loudest = 0.0f;
    for (int channel = 0; channel < channels; channel++) {
        lofi_channel_levels *level = &meter->channel[channel];
        float peak = lofi_largest(planes[channel], frames);
        add_sums(level, planes[channel], frames);
        level->peak = fmaxf(level->peak, peak);
        if (peak >= LOFI_CLIPPED_AMPLITUDE)
            add_loud(meter, level, planes[channel], frames);
        else
            end_flat(meter, level);
        loudest = fmaxf(loudest, peak);
    }
    add_quiet(meter, planes, channels, frames, loudest);
    meter->product += product_of(planes[0], planes[channels > 1 ? 1 : 0], frames);
}

static void end_stretches(lofi_level_meter *meter) {
    end_quiet(meter);
    for (int channel = 0; channel < LOFI_AUDIO_MAX_CHANNELS; channel++) end_flat(meter, &meter->channel[channel]);
}

void lofi_levels_add(void *user, const float *const *planes, int channels, int64_t frames, int sample_rate) {
    enum { BLOCK = 2048 };
    lofi_level_meter *meter = user;
    if (sample_rate != meter->sample_rate || channels != meter->channels) end_stretches(meter);
    meter->sample_rate = sample_rate;
    meter->channels = channels;
    for (int64_t from = 0; from < frames; from += BLOCK) {
        const float *at[LOFI_AUDIO_MAX_CHANNELS];
        for (int channel = 0; channel < channels; channel++) at[channel] = planes[channel] + from;
        add_block(meter, at, channels, frames - from < BLOCK ? frames - from : BLOCK);
    }
    meter->samples += frames * channels;
    meter->seconds += (double)frames / sample_rate;
}

static double decibels(double power_ratio) {
    return power_ratio > 1e-20 ? 10.0 * log10(power_ratio) : -200.0;
}

lofi_levels lofi_levels_result(const lofi_level_meter *meter) {
    lofi_level_meter ended = *meter;
    end_stretches(&ended);
    lofi_levels result = {.silence_share = 1.0, .peak_dbfs = -200.0, .rms_dbfs = -200.0, .phase = 1.0};
    if (ended.samples == 0) return result;
    double squares = 0.0, peak = 0.0, frames = (double)ended.samples / ended.channels;
    for (int channel = 0; channel < LOFI_AUDIO_MAX_CHANNELS; channel++) {
        squares += ended.channel[channel].squares;
        peak = fmax(peak, (double)ended.channel[channel].peak);
        result.dc_offset = fmax(result.dc_offset, fabs(ended.channel[channel].sum) / frames);
    }
    double left = ended.channel[0].squares, right = ended.channel[1].squares;
    result.clipped_share = (double)ended.clipped / (double)ended.samples;
    result.flat_runs = ended.flat_runs;
    result.silence_share = fmin(1.0, ended.silent_seconds / ended.seconds);
    result.peak_dbfs = decibels(peak * peak);
    result.rms_dbfs = decibels(squares / (double)ended.samples);
    if (ended.channels < 2 || squares == 0.0) return result;
    result.balance_db = fmax(-60.0, fmin(60.0, decibels(left) - decibels(right)));
    result.phase = left > 0.0 && right > 0.0 ? fmax(-1.0, fmin(1.0, ended.product / sqrt(left * right))) : 0.0;
    return result;
}
