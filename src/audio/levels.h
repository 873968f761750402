/* levels.h - what the samples of a recording say by themselves, measured as decoded: before any gain, resampling or mixing.
 *
 *     clipped share   samples with |x| >= 0.99, of all samples of all channels
 *     flat runs       stretches of one channel of at least 4 samples at or above 0.99 on one side that differ by less than
 *                     2^-14: a wave whose top was cut off, where a clipped share alone may be a loud mix that only touches
 *     silence share   time in which no channel reaches 0.01 for at least 50 ms at a stretch, of the whole time: a wave that
 *                     only crosses zero is no silence
 *     DC offset       largest |mean| of a channel
 *     balance         level of the first channel over that of the second, in dB (root mean squares); 0 for mono
 *     phase           correlation of the first two channels, -1..1: 1 for mono, 0 for unrelated, -1 for opposite ones, which
 *                     vanish in a mono mix
 */
#ifndef LOFI_AUDIO_LEVELS_H
#define LOFI_AUDIO_LEVELS_H

#include <stdint.h>

#include "audio/audio.h"

#define LOFI_CLIPPED_AMPLITUDE 0.99f
#define LOFI_SILENT_AMPLITUDE  0.01f
#define LOFI_SILENCE_SECONDS   0.05
#define LOFI_FLAT_SAMPLES      4

typedef struct lofi_levels {
    double clipped_share, silence_share; /* 0..1 */
    int64_t flat_runs;
    double peak_dbfs, rms_dbfs; /* -200 for digital silence */
    double dc_offset;           /* 0..1 */
    double balance_db;          /* at most 60 either way */
    double phase;               /* -1..1 */
} lofi_levels;

typedef struct lofi_channel_levels {
    double sum, squares;
    float peak, flat_level; /* of the run of flat samples that is going on */
    int flat_length;
} lofi_channel_levels;

typedef struct lofi_level_meter {
    int channels, sample_rate;
    int64_t samples, clipped, flat_runs; /* over all channels */
    double seconds, silent_seconds;
    int64_t quiet_frames; /* of the quiet stretch that is going on */
    double product;       /* sum of first times second channel */
    lofi_channel_levels channel[LOFI_AUDIO_MAX_CHANNELS];
} lofi_level_meter;

/* Starts from a zeroed meter. Has the type of a decoder's tap (decode.h), so that it can be one: user is the meter. How the
 * samples are cut into calls changes nothing but last bits. */
void lofi_levels_add(void *user, const float *const *planes, int channels, int64_t frames, int sample_rate);
lofi_levels lofi_levels_result(const lofi_level_meter *meter);

#endif
