/* quality.c - see quality.h. */
#include "audio/quality.h"

#include <math.h>

static void end_block(lofi_quality_meter *meter) {
    if (meter->block_frames == 0) return;
    double mean = meter->block_squares / ((double)meter->block_frames * meter->channels);
    if (mean < pow(10.0, LOFI_SILENT_DBFS / 10.0)) meter->silent_frames += meter->block_frames;
    meter->block_frames = 0;
    meter->block_squares = 0.0;
}

static void add_channel(lofi_quality_meter *meter, const float *samples, int64_t count) {
    double squares = 0.0;
    for (int64_t i = 0; i < count; i++) {
        double size = fabs((double)samples[i]);
        if (size >= (double)LOFI_CLIPPED_AMPLITUDE) meter->clipped++;
        if (size > meter->peak) meter->peak = size;
        squares += size * size;
    }
    meter->squares += squares;
    meter->block_squares += squares;
}

void lofi_quality_add(void *user, const float *const *planes, int channels, int64_t frames, int sample_rate) {
    lofi_quality_meter *meter = user;
    if (sample_rate != meter->sample_rate || channels != meter->channels) end_block(meter);
    meter->sample_rate = sample_rate;
    meter->channels = channels;
    int64_t block = llround(LOFI_SILENCE_BLOCK_SECONDS * sample_rate);
    for (int64_t from = 0; from < frames;) {
        int64_t count = block - meter->block_frames;
        if (count > frames - from) count = frames - from;
        for (int channel = 0; channel < channels; channel++) add_channel(meter, planes[channel] + from, count);
        meter->block_frames += count;
        if (meter->block_frames == block) end_block(meter);
        from += count;
    }
    meter->frames += frames;
    meter->samples += frames * channels;
}

static double clamp_share(double value) {
    return fmax(0.0, fmin(1.0, value));
}

static int score_of(const lofi_quality *q) {
    double penalty = 40.0 * clamp_share(q->clipping_share / 0.001) + 40.0 * clamp_share(q->silence_share / 0.5) +
                     20.0 * clamp_share((8.0 - (q->peak_dbfs - q->rms_dbfs)) / 6.0) +
                     20.0 * clamp_share((-20.0 - q->peak_dbfs) / 40.0);
    return (int)lround(fmax(0.0, 100.0 - penalty));
}

lofi_quality lofi_quality_result(const lofi_quality_meter *meter) {
    lofi_quality_meter ended = *meter;
    end_block(&ended);
    lofi_quality result = {0.0, 1.0, -200.0, -200.0, 0};
    if (ended.samples == 0 || ended.peak == 0.0) return result;
    result.clipping_share = (double)ended.clipped / (double)ended.samples;
    result.silence_share = (double)ended.silent_frames / (double)ended.frames;
    result.peak_dbfs = fmax(-200.0, 20.0 * log10(ended.peak));
    result.rms_dbfs = fmax(-200.0, 10.0 * log10(ended.squares / (double)ended.samples));
    result.score = score_of(&result);
    return result;
}
