/* source.c - see source.h. */
#include "audio/source.h"

#include <errno.h>
#include <fcntl.h>
#include <libavutil/opt.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audio/ffmpeg_internal.h"
#include "base/file.h"

#define IO_BYTES        65536
#define PREROLL_SECONDS 1.0
#define STREAMED_BYTES  0x7fff0000u /* a WAV header that was never completed states 2 or 4 GiB */

/* Containers of sound, as FFmpeg names them. What refers to other files (playlists, concatenations) is not among
 * them. */
static const char allowed_formats[] = "aac,ac3,aiff,amr,ape,asf,au,caf,dsf,eac3,flac,iff,matroska,webm,mov,mp4,m4a,3gp,"
                                      "3g2,mj2,mp3,mpc,mpc8,ogg,oma,tak,tta,voc,w64,wav,"
                                      "wv";

static int read_bytes(void *opaque, uint8_t *bytes, int size) {
    lofi_source *source = opaque;
    ssize_t count;
    do count = read(source->file, bytes, (size_t)size);
    while (count < 0 && errno == EINTR);
    if (count == 0) return AVERROR_EOF;
    if (count > 0) return (int)count;
    if (source->read_errno == 0) source->read_errno = errno;
    return AVERROR(errno);
}

static int64_t seek_bytes(void *opaque, int64_t offset, int whence) {
    lofi_source *source = opaque;
    whence &= ~AVSEEK_FORCE;
    if (whence == AVSEEK_SIZE) {
        struct stat status;
        return fstat(source->file, &status) == 0 ? status.st_size : AVERROR(errno);
    }
    int64_t position = lseek(source->file, offset, whence);
    return position < 0 ? AVERROR(errno) : position;
}

static int refuse_to_open(AVFormatContext *format, AVIOContext **io, const char *url, int flags,
                          AVDictionary **options) {
    (void)format, (void)io, (void)url, (void)flags, (void)options;
    return AVERROR(EPERM);
}

static lofi_code open_file(lofi_source *source, lofi_error *err) {
    struct stat status;
    source->file = open(source->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (source->file < 0) return lofi_fail_errno(err, errno, "cannot open '%s'", source->path);
    if (fstat(source->file, &status) != 0) return lofi_fail_errno(err, errno, "cannot look at '%s'", source->path);
    if (!S_ISREG(status.st_mode)) return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is not a regular file", source->path);
    if (status.st_size == 0) return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is empty", source->path);
    return LOFI_OK;
}

/* One attempt, from the first byte. The name is only for FFmpeg's look at the extension; it never opens it. */
static int open_format(lofi_source *source, const char *name) {
    lseek(source->file, 0, SEEK_SET);
    uint8_t *buffer = av_malloc(IO_BYTES);
    if (buffer == NULL) return AVERROR(ENOMEM);
    source->io = avio_alloc_context(buffer, IO_BYTES, 0, source, read_bytes, NULL, seek_bytes);
    source->format = avformat_alloc_context();
    if (source->io == NULL || source->format == NULL) {
        if (source->io == NULL) av_free(buffer);
        return AVERROR(ENOMEM);
    }
    source->format->pb = source->io;
    source->format->io_open = refuse_to_open;
    source->format->flags |= AVFMT_FLAG_CUSTOM_IO;
    source->format->format_whitelist = av_strdup(allowed_formats);
    source->format->codec_whitelist = av_strdup(lofi_ffmpeg_audio_decoders());
    source->format->protocol_whitelist = av_strdup("none");
    if (source->format->format_whitelist == NULL || source->format->codec_whitelist == NULL ||
        source->format->protocol_whitelist == NULL)
        return AVERROR(ENOMEM);
    return avformat_open_input(&source->format, name, NULL, NULL);
}

static void close_format(lofi_source *source) {
    avformat_close_input(&source->format);
    if (source->io != NULL) av_freep(&source->io->buffer);
    avio_context_free(&source->io);
}

static lofi_code open_sound(lofi_source *source, lofi_error *err) {
    int status = open_format(source, NULL);
    if (status < 0 && status != AVERROR(ENOMEM) && source->read_errno == 0) {
        close_format(source);
        status = open_format(source, lofi_path_base(source->path));
    }
    if (source->read_errno != 0) return lofi_fail_errno(err, source->read_errno, "cannot read '%s'", source->path);
    if (status == AVERROR(EINVAL)) /* a format that is not on our list */
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is not a known sound file", source->path);
    if (status < 0)
        return lofi_ffmpeg_fail(err, LOFI_ERR_FORMAT, status, "'%s' is not a known sound file", source->path);
    status = avformat_find_stream_info(source->format, NULL);
    if (source->read_errno != 0) return lofi_fail_errno(err, source->read_errno, "cannot read '%s'", source->path);
    if (status < 0)
        return lofi_ffmpeg_fail(err, LOFI_ERR_FORMAT, status, "'%s' is not a readable sound file", source->path);
    int index = av_find_best_stream(source->format, AVMEDIA_TYPE_AUDIO, -1, -1, NULL, 0);
    if (index < 0) return lofi_fail(err, LOFI_ERR_FORMAT, "there is no sound in '%s'", source->path);
    source->stream = source->format->streams[index];
    for (unsigned i = 0; i < source->format->nb_streams; i++)
        if ((int)i != index) source->format->streams[i]->discard = AVDISCARD_ALL;
    return LOFI_OK;
}

lofi_code lofi_source_open(lofi_source *source, const char *path, lofi_error *err) {
    LOFI_TRY(lofi_ffmpeg_begin(&lofi_library_avformat, err));
    *source = (lofi_source){.path = path, .file = -1};
    lofi_code code = open_file(source, err);
    if (code == LOFI_OK) code = open_sound(source, err);
    if (code != LOFI_OK) lofi_source_close(source);
    return code;
}

/* iTunes writes a file's delay, padding and length into a tag; FFmpeg takes the delay from it. */
static int64_t itunes_frames(const lofi_source *source) {
    const AVDictionaryEntry *entry = av_dict_get(source->format->metadata, "iTunSMPB", NULL, 0);
    unsigned long long frames = 0;
    unsigned delay, padding;
    if (entry == NULL || sscanf(entry->value, "%*x %x %x %llx", &delay, &padding, &frames) != 3) return -1;
    return frames > 0 && frames < (1ULL << 48) ? (int64_t)frames : -1;
}

/* The first packet of a Vorbis stream gives no sound. FFmpeg counts it all the same, so that it cuts too much from the end where
 * the first block is a short one: the last granule position of the file says how much there is. */
static int64_t vorbis_frames(const lofi_source *source) {
    const AVStream *stream = source->stream;
    bool from_zero = stream->start_time == AV_NOPTS_VALUE || stream->start_time == 0;
    if (stream->codecpar->codec_id != AV_CODEC_ID_VORBIS || strcmp(source->format->iformat->name, "ogg") != 0 ||
        !from_zero || stream->duration == AV_NOPTS_VALUE || stream->codecpar->sample_rate <= 0)
        return -1;
    return av_rescale_q(stream->duration, stream->time_base, (AVRational){1, stream->codecpar->sample_rate});
}

static void find_exact_frames(lofi_source *source) {
    source->exact_frames = vorbis_frames(source);
    if (source->exact_frames >= 0)
        source->codec->flags2 |= AV_CODEC_FLAG2_SKIP_MANUAL;
    else
        source->exact_frames = itunes_frames(source);
}

lofi_code lofi_source_start(lofi_source *source, lofi_error *err) {
    const AVCodecParameters *parameters = source->stream->codecpar;
    const AVCodec *decoder = avcodec_find_decoder(parameters->codec_id);
    if (decoder == NULL)
        return lofi_fail(err, LOFI_ERR_FORMAT, "cannot decode '%s': this FFmpeg has no decoder for %s", source->path,
                         avcodec_get_name(parameters->codec_id));
    source->codec = avcodec_alloc_context3(decoder);
    source->packet = av_packet_alloc();
    source->frame = av_frame_alloc();
    if (source->codec == NULL || source->packet == NULL || source->frame == NULL)
        return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a decoder");
    int status = avcodec_parameters_to_context(source->codec, parameters);
    source->codec->pkt_timebase = source->stream->time_base;
    find_exact_frames(source);
    source->codec->thread_count = 1; /* messages are kept per thread, and files are decoded side by side */
    if (parameters->codec_id == AV_CODEC_ID_FLAC) source->codec->err_recognition |= AV_EF_CRCCHECK | AV_EF_EXPLODE;
    if (status >= 0) status = avcodec_open2(source->codec, decoder, NULL);
    if (status < 0) return lofi_ffmpeg_fail(err, LOFI_ERR_FORMAT, status, "cannot decode '%s'", source->path);
    return LOFI_OK;
}

static int64_t start_time(const lofi_source *source) {
    return source->stream->start_time == AV_NOPTS_VALUE ? 0 : source->stream->start_time;
}

bool lofi_source_seek(lofi_source *source, double seconds) {
    if (seconds <= PREROLL_SECONDS) return true;
    int64_t target = start_time(source) + llround((seconds - PREROLL_SECONDS) / av_q2d(source->stream->time_base));
    return av_seek_frame(source->format, source->stream->index, target, AVSEEK_FLAG_BACKWARD) >= 0;
}

/* Gives the decoder one packet, or the end. */
static lofi_code feed(lofi_source *source, lofi_error *err) {
    int status = av_read_frame(source->format, source->packet);
    if (source->read_errno != 0) return lofi_fail_errno(err, source->read_errno, "cannot read '%s'", source->path);
    if (status == AVERROR(ENOMEM)) return lofi_fail(err, LOFI_ERR_MEMORY, "no memory to read '%s'", source->path);
    if (status < 0) {
        source->drained = true;
        (void)avcodec_send_packet(source->codec, NULL);
        return LOFI_OK;
    }
    if (source->packet->stream_index == source->stream->index) {
        source->packets++;
        source->packet_duration = source->packet->duration;
        if (avcodec_send_packet(source->codec, source->packet) < 0) source->damaged++;
    }
    av_packet_unref(source->packet);
    return LOFI_OK;
}

/* MP4 says by a shorter duration of the last packet how much of it is padding; FFmpeg leaves that in. */
static void cut_padding(lofi_source *source) {
    const AVStream *stream = source->stream;
    bool last = stream->nb_frames > 0 && source->packets == stream->nb_frames;
    bool in_samples = stream->time_base.num == 1 && stream->time_base.den == source->frame->sample_rate;
    if (!last || !in_samples || strncmp(source->format->iformat->name, "mov", 3) != 0) return;
    if (source->packet_duration > 0 && source->packet_duration < source->frame->nb_samples)
        source->frame->nb_samples = (int)source->packet_duration;
}

lofi_code lofi_source_next(lofi_source *source, bool *more, lofi_error *err) {
    for (;;) {
        int status = avcodec_receive_frame(source->codec, source->frame);
        if (status >= 0) {
            cut_padding(source);
            *more = true;
            return LOFI_OK;
        }
        if (status == AVERROR_EOF || (status < 0 && source->drained)) {
            *more = false;
            return LOFI_OK;
        }
        if (status == AVERROR(ENOMEM)) return lofi_fail(err, LOFI_ERR_MEMORY, "no memory to decode '%s'", source->path);
        if (status != AVERROR(EAGAIN)) source->damaged++;
        LOFI_TRY(feed(source, err));
    }
}

double lofi_source_time(const lofi_source *source, double otherwise) {
    if (source->frame->pts == AV_NOPTS_VALUE) return otherwise;
    return (double)(source->frame->pts - start_time(source)) * av_q2d(source->stream->time_base);
}

double lofi_source_missing_share(const lofi_source *source) {
    uint8_t header[12];
    struct stat status;
    if (pread(source->file, header, sizeof header, 0) != (ssize_t)sizeof header || memcmp(header, "RIFF", 4) != 0 ||
        memcmp(header + 8, "WAVE", 4) != 0 || fstat(source->file, &status) != 0)
        return 0.0;
    uint32_t size = header[4] | (uint32_t)header[5] << 8 | (uint32_t)header[6] << 16 | (uint32_t)header[7] << 24;
    if (size >= STREAMED_BYTES || status.st_size >= (off_t)size) return 0.0;
    return 1.0 - (double)status.st_size / (double)size;
}

void lofi_source_describe(const lofi_source *source, lofi_audio_info *info) {
    const AVCodecParameters *parameters = source->stream->codecpar;
    *info = (lofi_audio_info){.declared_seconds = -1.0, .packets = source->packets, .damaged = source->damaged};
    snprintf(info->format, sizeof info->format, "%s", source->format->iformat->name);
    snprintf(info->codec, sizeof info->codec, "%s", avcodec_get_name(parameters->codec_id));
    info->sample_rate = parameters->sample_rate;
    info->channels = parameters->ch_layout.nb_channels;
    const AVCodecDescriptor *codec = avcodec_descriptor_get(parameters->codec_id);
    info->lossless = codec != NULL && (codec->props & AV_CODEC_PROP_LOSSLESS) != 0;
    info->bits_per_second = parameters->bit_rate > 0 ? parameters->bit_rate : source->format->bit_rate;
    if (source->stream->duration != AV_NOPTS_VALUE && source->stream->duration > 0)
        info->declared_seconds = (double)source->stream->duration * av_q2d(source->stream->time_base);
    else if (source->format->duration != AV_NOPTS_VALUE && source->format->duration > 0)
        info->declared_seconds = (double)source->format->duration / AV_TIME_BASE;
}

void lofi_source_close(lofi_source *source) {
    av_frame_free(&source->frame);
    av_packet_free(&source->packet);
    avcodec_free_context(&source->codec);
    close_format(source);
    if (source->file >= 0) close(source->file);
    source->file = -1;
}

lofi_code lofi_audio_probe(lofi_audio_info *info, const char *path, lofi_error *err) {
    lofi_source source;
    LOFI_TRY(lofi_source_open(&source, path, err));
    lofi_source_describe(&source, info);
    lofi_source_close(&source);
    return LOFI_OK;
}
