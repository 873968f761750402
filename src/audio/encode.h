/* encode.h - float samples to a sound file: MP3 (LAME), FLAC or WAV. Whole or not at all, through base/file.h.
 *
 * MP3   constant bit rate, joint stereo, LAME's quality level 7 unless told (docs/audio.md says why), with the Xing/LAME header
 *       that lets players cut the encoder's delay and padding, so that the decoded length is exactly the length given. Rates
 *       32,000, 44,100, 48,000 Hz.
 * FLAC  16 or 24 bits.   WAV  16 or 24 bits, or 32-bit float (which keeps samples as they are).
 *
 * Integer samples are round(x * 2^(bits-1)), limited to the range, without dither. No tags, no dates, no program
 * versions in the file: the same samples give the same bytes with the same libraries.
 * A lossy format moves peaks: music normalised to -1 dBFS usually decodes with a peak within 0.3 dB of it.
 */
#ifndef LOFI_AUDIO_ENCODE_H
#define LOFI_AUDIO_ENCODE_H

#include <stdint.h>

#include "audio/audio.h"
#include "audio/decode.h"
#include "base/error.h"
#include "base/file.h"

typedef enum lofi_audio_format { LOFI_AUDIO_MP3, LOFI_AUDIO_FLAC, LOFI_AUDIO_WAV } lofi_audio_format;

typedef struct lofi_encode_options {
    lofi_audio_format format;
    int bits;             /* FLAC: 16, 24; WAV: 16, 24, 32 (float)                                              */
    int bitrate_kbps;     /* MP3: 32 40 48 56 64 80 96 112 128 160 192 224 256 320                               */
    int mp3_quality;      /* MP3: LAME's -q, 0 (slowest) to 9                                                    */
    lofi_decode_tap *tap; /* sees what the file will decode to, the encoder's delay and padding included; may be NULL */
    void *tap_user;
} lofi_encode_options;

#define LOFI_ENCODE_MP3_INIT                                                                                           \
    { LOFI_AUDIO_MP3, 16, 320, 7, NULL, NULL }

/* From a name ("mp3", "flac", "wav", in any case, with or without a leading dot); LOFI_ERR_USAGE otherwise. */
lofi_code lofi_audio_format_of(lofi_audio_format *format, const char *name, lofi_error *err) LOFI_MUST_USE;
/* The extension without its dot. */
const char *lofi_audio_format_name(lofi_audio_format format);

/* LOFI_ERR_USAGE when rate, bits or bit rate do not fit the format; LOFI_ERR_UNSUPPORTED when this FFmpeg lacks the
 * encoder. */
lofi_code lofi_encode_check(const lofi_encode_options *options, int sample_rate, int channels,
                            lofi_error *err) LOFI_MUST_USE;

/* Writes the bytes of a sound file to an open writer, or with NULL nowhere: to see what `tap` sees. The caller commits. `name` is
 * for messages. Mono or stereo. Errors as below. */
lofi_code lofi_audio_encode_to(lofi_writer *writer, const char *name, const lofi_audio *audio,
                               const lofi_encode_options *options, lofi_error *err) LOFI_MUST_USE;

/* Mono or stereo. As lofi_encode_check, and LOFI_ERR_IO when the file cannot be written. */
lofi_code lofi_audio_encode(const char *path, const lofi_audio *audio, const lofi_encode_options *options,
                            lofi_error *err) LOFI_MUST_USE;

#endif
