/* source.h - a sound file opened with FFmpeg, giving decoded frames one after the other. Not for other folders. */
#ifndef LOFI_AUDIO_SOURCE_H
#define LOFI_AUDIO_SOURCE_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdbool.h>

#include "audio/decode.h"

typedef struct lofi_source {
    const char *path; /* borrowed */
    int file;         /* descriptor, -1 when closed */
    int read_errno;   /* first failure of the system while reading */
    AVIOContext *io;
    AVFormatContext *format;
    AVStream *stream;
    AVCodecContext *codec; /* NULL until lofi_source_start */
    AVPacket *packet;
    AVFrame *frame;
    bool drained; /* the end of the file was given to the decoder */
    int64_t packets, damaged;
    int64_t packet_duration; /* of the last packet, in the stream's time base; 0 when not known */
    int64_t exact_frames; /* of the sound without padding at its end, where FFmpeg does not cut that right; else -1 */
} lofi_source;

/* Opens and finds the sound. On failure everything is closed again. `source` must not move afterwards. */
lofi_code lofi_source_open(lofi_source *source, const char *path, lofi_error *err) LOFI_MUST_USE;
/* Opens the decoder. */
lofi_code lofi_source_start(lofi_source *source, lofi_error *err) LOFI_MUST_USE;
/* Goes to a second or so before `seconds`; false where the file cannot seek (it is then still at its beginning). */
bool lofi_source_seek(lofi_source *source, double seconds);
/* The next decoded frame in source->frame; *more false at the end. Damaged packets are counted and passed over. */
lofi_code lofi_source_next(lofi_source *source, bool *more, lofi_error *err) LOFI_MUST_USE;
/* Time of the current frame in seconds from the beginning of the sound, or `otherwise` when the file does not say. */
double lofi_source_time(const lofi_source *source, double otherwise);
/* What part of its bytes a WAV file lacks by its own header, 0..1; FFmpeg passes over it. 0 for other formats. */
double lofi_source_missing_share(const lofi_source *source);
void lofi_source_describe(const lofi_source *source, lofi_audio_info *info);
void lofi_source_close(lofi_source *source);

#endif
