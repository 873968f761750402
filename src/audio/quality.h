/* quality.h - what can be said about a recording from its samples alone, measured as decoded, before any gain.
 *
 * Levels are relative to full scale (a sine of amplitude 1 has a peak of 0 dBFS).
 *
 *     clipping share   samples with |x| >= 0.999, of all samples of all channels
 *     silence share    blocks of 50 ms whose root mean square over all channels is below -60 dBFS, of all blocks
 *                      (an incomplete last block counts as a block of its own length)
 *     crest            peak - root mean square of everything, in dB
 *
 * The quality score is 100 minus the penalties below, not under 0, rounded to a whole number:
 *
 *     clipping   40 * min(1, clipping share / 0.1 %)
 *     silence    40 * min(1, silence share / 50 %)
 *     dynamics   20 * clamp((8 dB - crest) / 6 dB, 0, 1)      crushed by a limiter
 *     level      20 * clamp((-20 dBFS - peak) / 40 dB, 0, 1)  recorded far too quietly
 *
 * Nothing but silence scores 0.
 */
#ifndef LOFI_AUDIO_QUALITY_H
#define LOFI_AUDIO_QUALITY_H

#include <stdint.h>

#define LOFI_CLIPPED_AMPLITUDE     0.999f
#define LOFI_SILENT_DBFS           -60.0
#define LOFI_SILENCE_BLOCK_SECONDS 0.05

typedef struct lofi_quality_meter {
    int64_t samples, clipped; /* over all channels */
    int64_t frames, silent_frames;
    double peak, squares;
    int64_t block_frames; /* frames and squares of the block being filled */
    double block_squares;
    int sample_rate, channels;
} lofi_quality_meter;

typedef struct lofi_quality {
    double clipping_share, silence_share; /* 0..1 */
    double peak_dbfs, rms_dbfs;           /* -200 for silence */
    int score;                            /* 0..100 */
} lofi_quality;

/* Starts from a zeroed meter. Has the type of a decoder's tap (decode.h), so that it can be one: user is the meter.
 * */
void lofi_quality_add(void *user, const float *const *planes, int channels, int64_t frames, int sample_rate);
lofi_quality lofi_quality_result(const lofi_quality_meter *meter);

#endif
