/* ffmpeg.h - which FFmpeg this program runs with: for `lofi doctor` and for notices of licences. */
#ifndef LOFI_AUDIO_FFMPEG_H
#define LOFI_AUDIO_FFMPEG_H

#include <stdbool.h>

#include "base/error.h"

typedef struct lofi_ffmpeg_info {
    char avformat[16], avcodec[16], swresample[16], avutil[16]; /* versions of the libraries in use: "59.27.100" */
    char release[64];                                           /* of FFmpeg as a whole: "5.1.6-0+deb12u1" */
    char licence[64];                                           /* under which it was built: "GPL version 2 or later" */
    bool has_soxr;                                              /* resampling at the highest quality */
    bool has_mp3_encoder, has_flac_encoder;
    bool has_mp3, has_flac, has_vorbis, has_opus, has_aac, has_alac; /* decoders */
} lofi_ffmpeg_info;

lofi_code lofi_ffmpeg_describe(lofi_ffmpeg_info *info, lofi_error *err) LOFI_MUST_USE;

#endif
