/* encode.c - see encode.h. */
#include "audio/encode.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "audio/ffmpeg_internal.h"

#define IO_BYTES     65536
#define BLOCK_FRAMES 4096 /* where the codec has no frame size of its own */

typedef struct lofi_encoder {
    const char *path;
    const lofi_encode_options *options;
    lofi_writer *writer;  /* NULL: nowhere */
    int64_t position;     /* where FFmpeg writes next */
    int64_t end;          /* where the file ends so far */
    lofi_code write_code; /* first failure of the writer, with its message */
    lofi_error write_error;
    AVIOContext *io;
    AVFormatContext *format;
    AVCodecContext *codec;
    AVPacket *packet;
    AVFrame *frame;
    AVCodecContext *listener; /* decodes what was encoded, for the tap; NULL where nothing is lost */
    AVFrame *heard;
} lofi_encoder;

/* ---- names and limits ---- */

static const char *const format_names[] = {
    [LOFI_AUDIO_MP3] = "mp3", [LOFI_AUDIO_FLAC] = "flac", [LOFI_AUDIO_WAV] = "wav"};

lofi_code lofi_audio_format_of(lofi_audio_format *format, const char *name, lofi_error *err) {
    const char *bare = name[0] == '.' ? name + 1 : name;
    for (int i = LOFI_AUDIO_MP3; i <= LOFI_AUDIO_WAV; i++) {
        if (strcasecmp(bare, format_names[i]) != 0) continue;
        *format = (lofi_audio_format)i;
        return LOFI_OK;
    }
    return lofi_fail(err, LOFI_ERR_USAGE, "'%s' is not a sound format that can be written: mp3, flac or wav", name);
}

const char *lofi_audio_format_name(lofi_audio_format format) {
    return format_names[format];
}

static const AVCodec *find_encoder(const lofi_encode_options *options) {
    if (options->format == LOFI_AUDIO_MP3) return avcodec_find_encoder_by_name("libmp3lame");
    if (options->format == LOFI_AUDIO_FLAC) return avcodec_find_encoder(AV_CODEC_ID_FLAC);
    if (options->bits == 16) return avcodec_find_encoder(AV_CODEC_ID_PCM_S16LE);
    return avcodec_find_encoder(options->bits == 24 ? AV_CODEC_ID_PCM_S24LE : AV_CODEC_ID_PCM_F32LE);
}

static lofi_code check_mp3_quality(const lofi_encode_options *options, lofi_error *err) {
    if (options->mp3_quality >= 0 && options->mp3_quality <= 9) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_USAGE, "LAME has no quality level %d: 0 (slowest) to 9", options->mp3_quality);
}

static lofi_code check_mp3(const lofi_encode_options *options, int sample_rate, lofi_error *err) {
    static const int rates[] = {32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320};
    if (sample_rate != 32000 && sample_rate != 44100 && sample_rate != 48000)
        return lofi_fail(err, LOFI_ERR_USAGE, "an MP3 file cannot have %d Hz: 32000, 44100 or 48000", sample_rate);
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++)
        if (rates[i] == options->bitrate_kbps) return check_mp3_quality(options, err);
    return lofi_fail(err, LOFI_ERR_USAGE,
                     "an MP3 file cannot have %d kbit/s: 32 40 48 56 64 80 96 112 128 160 192 224 256 or 320",
                     options->bitrate_kbps);
}

lofi_code lofi_encode_check(const lofi_encode_options *options, int sample_rate, int channels, lofi_error *err) {
    bool mp3 = options->format == LOFI_AUDIO_MP3, wav = options->format == LOFI_AUDIO_WAV;
    if (channels != 1 && channels != 2)
        return lofi_fail(err, LOFI_ERR_USAGE, "a sound file with %d channels cannot be written: 1 or 2", channels);
    if (mp3) LOFI_TRY(check_mp3(options, sample_rate, err));
    if (!mp3 && (sample_rate < 8000 || sample_rate > 192000))
        return lofi_fail(err, LOFI_ERR_USAGE, "a %s file cannot have %d Hz: 8000 to 192000",
                         format_names[options->format], sample_rate);
    if (!mp3 && options->bits != 16 && options->bits != 24 && !(wav && options->bits == 32))
        return lofi_fail(err, LOFI_ERR_USAGE, "a %s file cannot have %d bits: 16%s", format_names[options->format],
                         options->bits, wav ? ", 24 or 32" : " or 24");
    LOFI_TRY(lofi_ffmpeg_begin(&lofi_library_avformat, err));
    if (find_encoder(options) != NULL) return LOFI_OK;
    lofi_fail(err, LOFI_ERR_UNSUPPORTED, "this FFmpeg has no encoder for %s", format_names[options->format]);
    return lofi_hint(err, "install the FFmpeg libraries of the distribution: libavcodec with %s",
                     mp3 ? "libmp3lame" : "its own encoders");
}

/* ---- FFmpeg's bytes into the writer ---- */

static int note_write(lofi_encoder *e, lofi_code code) {
    if (code != LOFI_OK && e->write_code == LOFI_OK) e->write_code = code;
    return code == LOFI_OK ? 0 : AVERROR(EIO);
}

static int put_bytes(lofi_encoder *e, const uint8_t *bytes, size_t size, size_t patched) {
    if (patched > 0 &&
        note_write(e, lofi_writer_patch(e->writer, (uint64_t)e->position, bytes, patched, &e->write_error)) < 0)
        return AVERROR(EIO);
    if (patched == size) return 0;
    return note_write(e, lofi_writer_write(e->writer, bytes + patched, size - patched, &e->write_error));
}

static int write_bytes(void *opaque, uint8_t *bytes, int size) {
    lofi_encoder *e = opaque;
    if (e->write_code != LOFI_OK) return AVERROR(EIO);
    int64_t there = e->end - e->position;
    size_t patched = there <= 0 ? 0 : (size_t)(there < size ? there : size);
    if (e->writer != NULL && put_bytes(e, bytes, (size_t)size, patched) < 0) return AVERROR(EIO);
    e->position += size;
    if (e->position > e->end) e->end = e->position;
    return size;
}

/* Never behind the end: no format of ours leaves holes. */
static int64_t seek_bytes(void *opaque, int64_t offset, int whence) {
    lofi_encoder *e = opaque;
    int64_t end = e->end;
    whence &= ~AVSEEK_FORCE;
    if (whence == AVSEEK_SIZE) return end;
    int64_t position = whence == SEEK_CUR ? e->position + offset : whence == SEEK_END ? end + offset : offset;
    if (position < 0 || position > end) return AVERROR(EINVAL);
    e->position = position;
    return position;
}

/* ---- setting up ---- */

static lofi_code open_codec(lofi_encoder *e, const lofi_audio *audio, const lofi_encode_options *options,
                            lofi_error *err) {
    const AVCodec *encoder = find_encoder(options);
    AVCodecContext *codec = e->codec = avcodec_alloc_context3(encoder);
    if (codec == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for an encoder");
    codec->sample_rate = audio->sample_rate;
    codec->time_base = (AVRational){1, audio->sample_rate};
    av_channel_layout_default(&codec->ch_layout, audio->channels);
    codec->flags |= AV_CODEC_FLAG_BITEXACT;
    if (e->format->oformat->flags & AVFMT_GLOBALHEADER) codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (options->format == LOFI_AUDIO_MP3) {
        codec->sample_fmt = AV_SAMPLE_FMT_FLTP;
        codec->bit_rate = 1000 * (int64_t)options->bitrate_kbps;
        codec->compression_level = options->mp3_quality;
    } else if (options->bits == 32) {
        codec->sample_fmt = AV_SAMPLE_FMT_FLT;
    } else {
        codec->sample_fmt = options->bits == 16 ? AV_SAMPLE_FMT_S16 : AV_SAMPLE_FMT_S32;
        codec->bits_per_raw_sample = options->bits;
    }
    int status = avcodec_open2(codec, encoder, NULL);
    if (status < 0) return lofi_ffmpeg_fail(err, LOFI_ERR_UNSUPPORTED, status, "cannot encode '%s'", e->path);
    return LOFI_OK;
}

static lofi_code open_format(lofi_encoder *e, lofi_audio_format format, lofi_error *err) {
    int status = avformat_alloc_output_context2(&e->format, NULL, format_names[format], NULL);
    if (status < 0)
        return lofi_ffmpeg_fail(err, LOFI_ERR_UNSUPPORTED, status, "this FFmpeg cannot write %s files",
                                format_names[format]);
    uint8_t *buffer = av_malloc(IO_BYTES);
    if (buffer != NULL) e->io = avio_alloc_context(buffer, IO_BYTES, 1, e, NULL, write_bytes, seek_bytes);
    if (e->io == NULL) {
        av_free(buffer);
        return lofi_fail(err, LOFI_ERR_MEMORY, "no memory to write '%s'", e->path);
    }
    e->format->pb = e->io;
    e->format->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
    return LOFI_OK;
}

static lofi_code open_stream(lofi_encoder *e, lofi_error *err) {
    AVStream *stream = avformat_new_stream(e->format, NULL);
    e->packet = av_packet_alloc();
    e->frame = av_frame_alloc();
    if (stream == NULL || e->packet == NULL || e->frame == NULL)
        return lofi_fail(err, LOFI_ERR_MEMORY, "no memory to write '%s'", e->path);
    stream->time_base = e->codec->time_base;
    int status = avcodec_parameters_from_context(stream->codecpar, e->codec);
    if (status >= 0) status = avformat_write_header(e->format, NULL);
    if (status < 0) return lofi_ffmpeg_fail(err, LOFI_ERR_IO, status, "cannot write '%s'", e->path);
    return LOFI_OK;
}

/* ---- what the file decodes to ---- */

static lofi_code open_listener(lofi_encoder *e, lofi_error *err) {
    if (e->options->tap == NULL || e->options->format != LOFI_AUDIO_MP3) return LOFI_OK;
    const AVCodec *decoder = avcodec_find_decoder(AV_CODEC_ID_MP3);
    e->listener = avcodec_alloc_context3(decoder);
    e->heard = av_frame_alloc();
    if (e->listener == NULL || e->heard == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a decoder");
    e->listener->thread_count = 1;
    e->listener->request_sample_fmt = AV_SAMPLE_FMT_FLTP;
    int status = decoder == NULL ? AVERROR_DECODER_NOT_FOUND : avcodec_open2(e->listener, decoder, NULL);
    if (status < 0) return lofi_ffmpeg_fail(err, LOFI_ERR_UNSUPPORTED, status, "cannot decode '%s' again", e->path);
    return LOFI_OK;
}

/* Shows what a packet decodes to. LAME's first frame is a header without sound: the decoder gives silence for it. */
static int listen_to(lofi_encoder *e, const AVPacket *packet) {
    if (e->listener == NULL) return 0;
    int status = avcodec_send_packet(e->listener, packet);
    while (status >= 0) {
        status = avcodec_receive_frame(e->listener, e->heard);
        if (status < 0) break;
        if (e->heard->format == AV_SAMPLE_FMT_FLTP)
            e->options->tap(e->options->tap_user, (const float *const *)e->heard->extended_data,
                            e->heard->ch_layout.nb_channels, e->heard->nb_samples, e->heard->sample_rate);
    }
    return status == AVERROR(EAGAIN) || status == AVERROR_EOF ? 0 : status;
}

static void show_samples(const lofi_encoder *e, const lofi_audio *audio, int64_t from, int64_t count) {
    const float *planes[2];
    for (int channel = 0; channel < audio->channels; channel++)
        planes[channel] = audio->samples + channel * audio->frames + from;
    if (e->options->tap != NULL && e->listener == NULL)
        e->options->tap(e->options->tap_user, planes, audio->channels, count, audio->sample_rate);
}

/* ---- samples ---- */

static int32_t to_integer(float sample, int bits) {
    double limit = (double)((int64_t)1 << (bits - 1));
    double value = nearbyint((double)sample * limit);
    return (int32_t)fmax(-limit, fmin(limit - 1.0, value));
}

static void fill_frame(AVFrame *frame, const lofi_audio *audio, int64_t from, int bits) {
    for (int channel = 0; channel < audio->channels; channel++) {
        const float *samples = audio->samples + channel * audio->frames + from;
        if (frame->format == AV_SAMPLE_FMT_FLTP)
            memcpy(frame->extended_data[channel], samples, (size_t)frame->nb_samples * sizeof *samples);
        for (int i = 0; i < frame->nb_samples && frame->format != AV_SAMPLE_FMT_FLTP; i++) {
            int place = i * audio->channels + channel;
            if (frame->format == AV_SAMPLE_FMT_FLT)
                ((float *)frame->data[0])[place] = samples[i];
            else if (frame->format == AV_SAMPLE_FMT_S16)
                ((int16_t *)frame->data[0])[place] = (int16_t)to_integer(samples[i], 16);
            else
                ((int32_t *)frame->data[0])[place] = to_integer(samples[i], bits) * (1 << (32 - bits));
        }
    }
}

/* frame NULL: the end. */
static int encode_frame(lofi_encoder *e, const AVFrame *frame) {
    int status = avcodec_send_frame(e->codec, frame);
    while (status >= 0) {
        status = avcodec_receive_packet(e->codec, e->packet);
        if (status == AVERROR(EAGAIN) || status == AVERROR_EOF) return 0;
        if (status >= 0) status = listen_to(e, e->packet);
        if (status < 0) break;
        av_packet_rescale_ts(e->packet, e->codec->time_base, e->format->streams[0]->time_base);
        e->packet->stream_index = 0;
        status = av_interleaved_write_frame(e->format, e->packet);
        if (status >= 0) status = e->io->error;
    }
    return status;
}

/* The frame's memory is used again as soon as the encoder has let go of it. */
static int prepare_frame(lofi_encoder *e, const lofi_audio *audio, int64_t count) {
    if (e->frame->nb_samples == count) return av_frame_make_writable(e->frame);
    av_frame_unref(e->frame);
    e->frame->nb_samples = (int)count;
    e->frame->format = e->codec->sample_fmt;
    e->frame->sample_rate = audio->sample_rate;
    av_channel_layout_default(&e->frame->ch_layout, audio->channels);
    return av_frame_get_buffer(e->frame, 0);
}

static int encode_block(lofi_encoder *e, const lofi_audio *audio, int64_t from, int64_t count, int bits) {
    int status = prepare_frame(e, audio, count);
    if (status < 0) return status;
    e->frame->pts = from;
    fill_frame(e->frame, audio, from, bits);
    return encode_frame(e, e->frame);
}

static lofi_code encode_all(lofi_encoder *e, const lofi_audio *audio, const lofi_encode_options *options,
                            lofi_error *err) {
    LOFI_TRY(open_format(e, options->format, err));
    LOFI_TRY(open_codec(e, audio, options, err));
    LOFI_TRY(open_stream(e, err));
    LOFI_TRY(open_listener(e, err));
    int64_t block = e->codec->frame_size > 0 ? e->codec->frame_size : BLOCK_FRAMES;
    int status = 0;
    for (int64_t from = 0; from < audio->frames && status >= 0; from += block) {
        int64_t count = audio->frames - from < block ? audio->frames - from : block;
        status = encode_block(e, audio, from, count, options->bits);
        show_samples(e, audio, from, count);
    }
    if (status >= 0) status = encode_frame(e, NULL);
    if (status >= 0) status = av_write_trailer(e->format);
    if (status >= 0) avio_flush(e->io);
    if (status >= 0) status = e->io->error;
    if (status < 0) return lofi_ffmpeg_fail(err, LOFI_ERR_IO, status, "cannot write '%s'", e->path);
    return LOFI_OK;
}

static void close_encoder(lofi_encoder *e) {
    av_frame_free(&e->frame);
    av_packet_free(&e->packet);
    avcodec_free_context(&e->codec);
    avcodec_free_context(&e->listener);
    av_frame_free(&e->heard);
    avformat_free_context(e->format);
    if (e->io != NULL) av_freep(&e->io->buffer);
    avio_context_free(&e->io);
}

lofi_code lofi_audio_encode_to(lofi_writer *writer, const char *name, const lofi_audio *audio,
                               const lofi_encode_options *options, lofi_error *err) {
    LOFI_TRY(lofi_ffmpeg_begin(&lofi_library_avformat, err));
    LOFI_TRY(lofi_encode_check(options, audio->sample_rate, audio->channels, err));
    lofi_encoder e = {.path = name, .options = options, .writer = writer};
    lofi_code code = encode_all(&e, audio, options, err);
    close_encoder(&e);
    if (e.write_code == LOFI_OK) return code;
    if (err != NULL) *err = e.write_error;
    return e.write_code;
}

lofi_code lofi_audio_encode(const char *path, const lofi_audio *audio, const lofi_encode_options *options,
                            lofi_error *err) {
    lofi_writer *writer;
    LOFI_TRY(lofi_encode_check(options, audio->sample_rate, audio->channels, err));
    LOFI_TRY(lofi_writer_open(&writer, path, err));
    lofi_code code = lofi_audio_encode_to(writer, path, audio, options, err);
    if (code == LOFI_OK) return lofi_writer_commit(writer, err);
    lofi_writer_abort(writer);
    return code;
}
