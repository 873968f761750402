/* decode.h - any sound file to float samples, in process, through libavformat and libavcodec.
 *
 * The kind of a file is found from its content; the extension only helps where a very large tag hides the content.
 * Only formats and codecs of sound are tried: a playlist, a picture or a document is never followed or decoded, and
 * no file but the named one is ever opened. Cover art is ignored. Encoder delay and padding (MP3, AAC, Opus, Vorbis)
 * are cut as FFmpeg knows them, so that a gapless file has its exact length.
 */
#ifndef LOFI_AUDIO_DECODE_H
#define LOFI_AUDIO_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/audio.h"
#include "base/error.h"

typedef struct lofi_audio_info {
    char format[32];          /* container: "mp3", "ogg", "mov,mp4,m4a,3gp,3g2,mj2" */
    char codec[32];           /* "vorbis" */
    int sample_rate;          /* Hz; may be 0 after probing where only decoding tells */
    int channels;             /* likewise */
    bool lossless;            /* the codec keeps samples as they are */
    int64_t bits_per_second;  /* of the sound as it is packed; 0 when not known */
    double declared_seconds;  /* what the file says of itself, or an estimate; negative when it does not say */
    bool complete;            /* decoding reached the end of the file (and not max_seconds) */
    int64_t packets, damaged; /* compressed packets seen, and those left out because they could not be decoded */
} lofi_audio_info;

/* Sees every block of decoded samples before rate and channels are changed: planes[channel][frame], the file's own
 * rate. Only what is inside start and max_seconds is shown. */
typedef void lofi_decode_tap(void *user, const float *const *planes, int channels, int64_t frames, int sample_rate);

typedef struct lofi_decode_options {
    int sample_rate;      /* Hz, or 0: the file's own */
    int channels;         /* 1, 2, or 0: the file's own */
    double start_seconds; /* where to begin; earlier parts are skipped by seeking, not decoded */
    double max_seconds;   /* reads no further than start + max; above 0: it bounds the memory, whatever the file says */
    lofi_decode_tap *tap; /* may be NULL */
    void *tap_user;
} lofi_decode_options;

#define LOFI_DECODE_OPTIONS_INIT                                                                                       \
    { 0, 0, 0.0, 600.0, NULL, NULL }
#define LOFI_DECODE_STEREO_48K_INIT                                                                                    \
    { 48000, 2, 0.0, 600.0, NULL, NULL }

/* Is it sound at all? LOFI_ERR_FORMAT: no known sound format, or no sound in it. LOFI_ERR_NOT_FOUND, LOFI_ERR_IO:
 * cannot be opened or read. Decodes nothing. */
lofi_code lofi_audio_probe(lofi_audio_info *info, const char *path, lofi_error *err) LOFI_MUST_USE;

/* *out is yours: lofi_audio_free; at least one frame. Conversion of rate and channels as in lofi_audio_convert;
 * frames = round(frames of the file * rate / file's rate). info may be NULL.
 *
 * Errors: as lofi_audio_probe, and LOFI_ERR_FORMAT with a sentence when the file is damaged: nothing can be decoded;
 * more than 1 % (and more than 3) of the packets cannot; it ends long before the length that its header states (more
 * than 1 s and more than 2 % short); samples that are not finite. Fewer damaged packets are left out and counted in
 * info. Start behind the end of the file: LOFI_ERR_USAGE. */
lofi_code lofi_audio_decode(lofi_audio *out, lofi_audio_info *info, const char *path,
                            const lofi_decode_options *options, lofi_error *err) LOFI_MUST_USE;

#endif
