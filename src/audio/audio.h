/* audio.h - a piece of sound in memory: planar float samples, nominally in [-1, 1], with their rate. */
#ifndef LOFI_AUDIO_AUDIO_H
#define LOFI_AUDIO_AUDIO_H

#include <stdint.h>

#include "base/error.h"

#define LOFI_AUDIO_MAX_CHANNELS 16

typedef struct lofi_audio {
    float *samples;  /* [channels, frames]: channel c begins at samples + c * frames; yours through lofi_audio_free */
    int64_t frames;  /* samples per channel */
    int channels;    /* 1 to LOFI_AUDIO_MAX_CHANNELS; stereo: left, right */
    int sample_rate; /* Hz */
} lofi_audio;

#define LOFI_AUDIO_INIT                                                                                                \
    { NULL, 0, 0, 0 }

void lofi_audio_free(lofi_audio *audio); /* zeroes it; fine on a zeroed one */
double lofi_audio_seconds(const lofi_audio *audio);
/* Highest absolute sample; 0 for silence, and of no samples. */
float lofi_largest(const float *samples, int64_t count);
float lofi_audio_peak(const lofi_audio *audio);
void lofi_audio_scale(lofi_audio *audio, float gain);

/* A new piece at another rate and number of channels. Resampled by soxr at its very high quality (28 bits; FFmpeg's
 * own resampler with a long filter where FFmpeg is built without soxr), frames = round(frames * rate / old rate).
 * Mono is duplicated to stereo as it is; more channels are mixed down by their standard layout. channels: 1 or 2, or
 * as they are. rate: 1,000 to 768,000 Hz. */
lofi_code lofi_audio_convert(lofi_audio *out, const lofi_audio *audio, int sample_rate, int channels,
                             lofi_error *err) LOFI_MUST_USE;

/* The same by FFmpeg's own resampler with a short filter: for measures, not for listening. */
lofi_code lofi_audio_convert_quickly(lofi_audio *out, const lofi_audio *audio, int sample_rate, int channels,
                                     lofi_error *err) LOFI_MUST_USE;

#endif
