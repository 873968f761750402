/* ffmpeg.c - FFmpeg's messages and facts about it; see ffmpeg.h and ffmpeg_internal.h. */
#include "audio/ffmpeg.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/log.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "audio/ffmpeg_internal.h"

static _Thread_local char last_message[256];
static pthread_once_t caught = PTHREAD_ONCE_INIT, listed = PTHREAD_ONCE_INIT;
static char audio_decoders[16384];

static void keep_message(void *object, int level, const char *format, va_list arguments) {
    if (level > AV_LOG_ERROR) return;
    char text[192];
    vsnprintf(text, sizeof text, format, arguments);
    text[strcspn(text, "\r\n")] = '\0';
    if (text[0] == '\0') return;
    const AVClass *class = object == NULL ? NULL : *(const AVClass **)object;
    const char *name = class == NULL || class->item_name == NULL ? "" : class->item_name(object);
    snprintf(last_message, sizeof last_message, "%.48s%s%s", name, name[0] == '\0' ? "" : ": ", text);
}

static void list_audio_decoders(void) {
    void *state = NULL;
    const AVCodec *codec;
    size_t used = 0;
    while ((codec = av_codec_iterate(&state)) != NULL) {
        if (!av_codec_is_decoder(codec) || codec->type != AVMEDIA_TYPE_AUDIO) continue;
        int length = snprintf(audio_decoders + used, sizeof audio_decoders - used, "%s%s", used == 0 ? "" : ",",
                              codec->name);
        if (length < 0 || (size_t)length >= sizeof audio_decoders - used) {
            audio_decoders[used] = '\0';
            return;
        }
        used += (size_t)length;
    }
}

static void catch_messages(void) {
    av_log_set_callback(keep_message);
}

lofi_code lofi_ffmpeg_begin(lofi_library *library, lofi_error *err) {
    LOFI_TRY(lofi_library_open(library, err));
    pthread_once(&caught, catch_messages);
    last_message[0] = '\0';
    return LOFI_OK;
}

const char *lofi_ffmpeg_message(void) {
    return last_message;
}

const char *lofi_ffmpeg_audio_decoders(void) {
    pthread_once(&listed, list_audio_decoders);
    return audio_decoders;
}

lofi_code lofi_ffmpeg_fail(lofi_error *err, lofi_code code, int av_error, const char *format, ...) {
    char what[768], why[128];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (av_error == AVERROR(ENOMEM)) code = LOFI_ERR_MEMORY;
    av_strerror(av_error, why, sizeof why);
    if (last_message[0] == '\0') return lofi_fail(err, code, "%s: %s", what, why);
    return lofi_fail(err, code, "%s: %s (%s)", what, why, last_message);
}

static void write_version(char text[16], unsigned version) {
    snprintf(text, 16, "%u.%u.%u", AV_VERSION_MAJOR(version), AV_VERSION_MINOR(version), AV_VERSION_MICRO(version));
}

static bool swresample_has_soxr(void) {
    AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
    SwrContext *context = NULL;
    bool found = swr_alloc_set_opts2(&context, &mono, AV_SAMPLE_FMT_FLTP, 48000, &mono, AV_SAMPLE_FMT_FLTP, 44100, 0,
                                     NULL) >= 0 &&
                 av_opt_set_int(context, "resampler", SWR_ENGINE_SOXR, 0) >= 0 && swr_init(context) >= 0;
    swr_free(&context);
    return found;
}

lofi_code lofi_ffmpeg_describe(lofi_ffmpeg_info *info, lofi_error *err) {
    LOFI_TRY(lofi_ffmpeg_begin(&lofi_library_avformat, err));
    *info = (lofi_ffmpeg_info){0};
    write_version(info->avformat, avformat_version());
    write_version(info->avcodec, avcodec_version());
    write_version(info->swresample, swresample_version());
    write_version(info->avutil, avutil_version());
    snprintf(info->release, sizeof info->release, "%s", av_version_info());
    snprintf(info->licence, sizeof info->licence, "%s", avcodec_license());
    info->has_soxr = swresample_has_soxr();
    info->has_mp3_encoder = avcodec_find_encoder_by_name("libmp3lame") != NULL;
    info->has_flac_encoder = avcodec_find_encoder(AV_CODEC_ID_FLAC) != NULL;
    info->has_mp3 = avcodec_find_decoder(AV_CODEC_ID_MP3) != NULL;
    info->has_flac = avcodec_find_decoder(AV_CODEC_ID_FLAC) != NULL;
    info->has_vorbis = avcodec_find_decoder(AV_CODEC_ID_VORBIS) != NULL;
    info->has_opus = avcodec_find_decoder(AV_CODEC_ID_OPUS) != NULL;
    info->has_aac = avcodec_find_decoder(AV_CODEC_ID_AAC) != NULL;
    info->has_alac = avcodec_find_decoder(AV_CODEC_ID_ALAC) != NULL;
    return LOFI_OK;
}
