/* ffmpeg_internal.h - shared by the files of this folder that call FFmpeg: its messages, and planar buffers that it
 * fills.
 *
 * FFmpeg writes to standard error by itself; here its lines are caught instead, and the last one of a thread can be
 * put behind an error of ours. Not for other folders.
 */
#ifndef LOFI_AUDIO_FFMPEG_INTERNAL_H
#define LOFI_AUDIO_FFMPEG_INTERNAL_H

#include <libavutil/channel_layout.h>
#include <libavutil/samplefmt.h>
#include <stdbool.h>
#include <stdint.h>

#include "audio/audio.h"
#include "audio/audio_libraries.h"
#include "base/error.h"

struct SwrContext;

/* Before anything of FFmpeg: loads the library (lofi_library_avcodec ...), which brings those that it needs itself; catches
 * their messages (once per process), forgets the last message of this thread. */
lofi_code lofi_ffmpeg_begin(lofi_library *library, lofi_error *err) LOFI_MUST_USE;
/* The last error line of this thread since lofi_ffmpeg_begin: "[mp3float] Header missing", or "". Borrowed. */
const char *lofi_ffmpeg_message(void);
/* Names of all audio decoders, with commas: nothing else of a file is ever decoded. Borrowed. */
const char *lofi_ffmpeg_audio_decoders(void);
/* "<text>: <what FFmpeg's code means> (<last message>)"; AVERROR(ENOMEM) becomes LOFI_ERR_MEMORY. */
lofi_code lofi_ffmpeg_fail(lofi_error *err, lofi_code code, int av_error, const char *format, ...) LOFI_PRINTF(4, 5);

/* Samples being collected: channel c begins at data + c * capacity. */
typedef struct lofi_planes {
    float *data;
    int channels;
    int64_t frames, capacity;
} lofi_planes;

/* Room for `more` frames after those that are there; grows by doubling. */
lofi_code lofi_planes_reserve(lofi_planes *planes, int64_t more, lofi_error *err) LOFI_MUST_USE;
/* Cuts to, or fills up with zeros to, `frames`. */
lofi_code lofi_planes_resize(lofi_planes *planes, int64_t frames, lofi_error *err) LOFI_MUST_USE;
/* Moves the samples into a piece of sound; `planes` is empty afterwards. */
void lofi_planes_finish(lofi_planes *planes, int sample_rate, lofi_audio *out);
void lofi_planes_free(lofi_planes *planes);

/* soxr at its very high quality (FFmpeg's own with a long filter where there is no soxr), or FFmpeg's own as it comes. */
typedef enum lofi_resampling { LOFI_RESAMPLE_SOXR, LOFI_RESAMPLE_LONG, LOFI_RESAMPLE_QUICK } lofi_resampling;

/* One conversion of format, rate and channels, streamed. */
typedef struct lofi_converter {
    struct SwrContext *context;
    int in_rate, out_rate;
    bool duplicate; /* mono in, stereo out: the second channel is copied */
    int64_t taken;  /* frames in */
    int64_t start;  /* frames that the planes held before */
} lofi_converter;

lofi_code lofi_converter_open(lofi_converter *converter, const AVChannelLayout *layout, enum AVSampleFormat format,
                              int in_rate, int out_channels, int out_rate, int64_t start, lofi_resampling resampling,
                              lofi_error *err) LOFI_MUST_USE;
/* data: FFmpeg's plane pointers. */
lofi_code lofi_converter_push(lofi_converter *converter, const uint8_t *const *data, int64_t frames,
                              lofi_planes *planes, lofi_error *err) LOFI_MUST_USE;
/* Takes out what is still inside, makes the count round(taken * out_rate / in_rate), closes. */
lofi_code lofi_converter_finish(lofi_converter *converter, lofi_planes *planes, lofi_error *err) LOFI_MUST_USE;
void lofi_converter_close(lofi_converter *converter); /* fine on a zeroed or closed one */

#endif
