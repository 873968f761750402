/* audio_libraries.c - see audio_libraries.h: every function of FFmpeg, libebur128 and Chromaprint that this folder calls. */
#include "audio/audio_libraries.h"

#include <chromaprint.h>
#include <ebur128.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libavutil/tx.h>
#include <libswresample/swresample.h>

lofi_library lofi_library_avformat = {.file = LOFI_FILE_avformat};
lofi_library lofi_library_avcodec = {.file = LOFI_FILE_avcodec};
lofi_library lofi_library_swresample = {.file = LOFI_FILE_swresample};
lofi_library lofi_library_avutil = {.file = LOFI_FILE_avutil};
lofi_library lofi_library_ebur128 = {.file = LOFI_FILE_ebur128};
lofi_library lofi_library_chromaprint = {.file = LOFI_FILE_chromaprint};

lofi_library *const lofi_audio_libraries[] = {
    &lofi_library_avformat,
    &lofi_library_avcodec,
    &lofi_library_swresample,
    &lofi_library_avutil,
    &lofi_library_ebur128,
    &lofi_library_chromaprint,
    NULL,
};

/* ---- libavformat ---- */

int av_find_best_stream(AVFormatContext *ic, enum AVMediaType type, int wanted_stream_nb, int related_stream,
                        const AVCodec **decoder_ret, int flags) {
    return LOFI_IMPORTED(avformat, av_find_best_stream)(ic, type, wanted_stream_nb, related_stream, decoder_ret, flags);
}
int av_interleaved_write_frame(AVFormatContext *s, AVPacket *pkt) {
    return LOFI_IMPORTED(avformat, av_interleaved_write_frame)(s, pkt);
}
int av_read_frame(AVFormatContext *s, AVPacket *pkt) {
    return LOFI_IMPORTED(avformat, av_read_frame)(s, pkt);
}
int av_seek_frame(AVFormatContext *s, int stream_index, int64_t timestamp, int flags) {
    return LOFI_IMPORTED(avformat, av_seek_frame)(s, stream_index, timestamp, flags);
}
int av_write_trailer(AVFormatContext *s) {
    return LOFI_IMPORTED(avformat, av_write_trailer)(s);
}
AVFormatContext *avformat_alloc_context(void) {
    return LOFI_IMPORTED(avformat, avformat_alloc_context)();
}
int avformat_alloc_output_context2(AVFormatContext **ctx, const AVOutputFormat *oformat, const char *format_name,
                                   const char *filename) {
    return LOFI_IMPORTED(avformat, avformat_alloc_output_context2)(ctx, oformat, format_name, filename);
}
void avformat_close_input(AVFormatContext **s) {
    LOFI_IMPORTED(avformat, avformat_close_input)(s);
}
int avformat_find_stream_info(AVFormatContext *ic, AVDictionary **options) {
    return LOFI_IMPORTED(avformat, avformat_find_stream_info)(ic, options);
}
void avformat_free_context(AVFormatContext *s) {
    LOFI_IMPORTED(avformat, avformat_free_context)(s);
}
AVStream *avformat_new_stream(AVFormatContext *s, const AVCodec *c) {
    return LOFI_IMPORTED(avformat, avformat_new_stream)(s, c);
}
int avformat_open_input(AVFormatContext **ps, const char *url, const AVInputFormat *fmt, AVDictionary **options) {
    return LOFI_IMPORTED(avformat, avformat_open_input)(ps, url, fmt, options);
}
unsigned avformat_version(void) {
    return LOFI_IMPORTED(avformat, avformat_version)();
}
int avformat_write_header(AVFormatContext *s, AVDictionary **options) {
    return LOFI_IMPORTED(avformat, avformat_write_header)(s, options);
}
AVIOContext *avio_alloc_context(unsigned char *buffer, int buffer_size, int write_flag, void *opaque,
                                int (*read_packet)(void *opaque, uint8_t *buf, int buf_size),
                                int (*write_packet)(void *opaque, uint8_t *buf, int buf_size),
                                int64_t (*seek)(void *opaque, int64_t offset, int whence)) {
    return LOFI_IMPORTED(avformat, avio_alloc_context)(buffer, buffer_size, write_flag, opaque, read_packet,
                                                       write_packet, seek);
}
void avio_context_free(AVIOContext **s) {
    LOFI_IMPORTED(avformat, avio_context_free)(s);
}
void avio_flush(AVIOContext *s) {
    LOFI_IMPORTED(avformat, avio_flush)(s);
}

/* ---- libavcodec ---- */

int av_codec_is_decoder(const AVCodec *codec) {
    return LOFI_IMPORTED(avcodec, av_codec_is_decoder)(codec);
}
const AVCodec *av_codec_iterate(void **opaque) {
    return LOFI_IMPORTED(avcodec, av_codec_iterate)(opaque);
}
int av_get_bits_per_sample(enum AVCodecID codec_id) {
    return LOFI_IMPORTED(avcodec, av_get_bits_per_sample)(codec_id);
}
AVPacket *av_packet_alloc(void) {
    return LOFI_IMPORTED(avcodec, av_packet_alloc)();
}
void av_packet_free(AVPacket **pkt) {
    LOFI_IMPORTED(avcodec, av_packet_free)(pkt);
}
void av_packet_rescale_ts(AVPacket *pkt, AVRational tb_src, AVRational tb_dst) {
    LOFI_IMPORTED(avcodec, av_packet_rescale_ts)(pkt, tb_src, tb_dst);
}
void av_packet_unref(AVPacket *pkt) {
    LOFI_IMPORTED(avcodec, av_packet_unref)(pkt);
}
AVCodecContext *avcodec_alloc_context3(const AVCodec *codec) {
    return LOFI_IMPORTED(avcodec, avcodec_alloc_context3)(codec);
}
const AVCodecDescriptor *avcodec_descriptor_get(enum AVCodecID id) {
    return LOFI_IMPORTED(avcodec, avcodec_descriptor_get)(id);
}
const AVCodec *avcodec_find_decoder(enum AVCodecID id) {
    return LOFI_IMPORTED(avcodec, avcodec_find_decoder)(id);
}
const AVCodec *avcodec_find_encoder(enum AVCodecID id) {
    return LOFI_IMPORTED(avcodec, avcodec_find_encoder)(id);
}
const AVCodec *avcodec_find_encoder_by_name(const char *name) {
    return LOFI_IMPORTED(avcodec, avcodec_find_encoder_by_name)(name);
}
void avcodec_free_context(AVCodecContext **avctx) {
    LOFI_IMPORTED(avcodec, avcodec_free_context)(avctx);
}
const char *avcodec_get_name(enum AVCodecID id) {
    return LOFI_IMPORTED(avcodec, avcodec_get_name)(id);
}
const char *avcodec_license(void) {
    return LOFI_IMPORTED(avcodec, avcodec_license)();
}
int avcodec_open2(AVCodecContext *avctx, const AVCodec *codec, AVDictionary **options) {
    return LOFI_IMPORTED(avcodec, avcodec_open2)(avctx, codec, options);
}
int avcodec_parameters_from_context(AVCodecParameters *par, const AVCodecContext *codec) {
    return LOFI_IMPORTED(avcodec, avcodec_parameters_from_context)(par, codec);
}
int avcodec_parameters_to_context(AVCodecContext *codec, const AVCodecParameters *par) {
    return LOFI_IMPORTED(avcodec, avcodec_parameters_to_context)(codec, par);
}
int avcodec_receive_frame(AVCodecContext *avctx, AVFrame *frame) {
    return LOFI_IMPORTED(avcodec, avcodec_receive_frame)(avctx, frame);
}
int avcodec_receive_packet(AVCodecContext *avctx, AVPacket *avpkt) {
    return LOFI_IMPORTED(avcodec, avcodec_receive_packet)(avctx, avpkt);
}
int avcodec_send_frame(AVCodecContext *avctx, const AVFrame *frame) {
    return LOFI_IMPORTED(avcodec, avcodec_send_frame)(avctx, frame);
}
int avcodec_send_packet(AVCodecContext *avctx, const AVPacket *avpkt) {
    return LOFI_IMPORTED(avcodec, avcodec_send_packet)(avctx, avpkt);
}
unsigned avcodec_version(void) {
    return LOFI_IMPORTED(avcodec, avcodec_version)();
}

/* ---- libswresample ---- */

int swr_alloc_set_opts2(struct SwrContext **ps, AVChannelLayout *out_ch_layout, enum AVSampleFormat out_sample_fmt,
                        int out_sample_rate, AVChannelLayout *in_ch_layout, enum AVSampleFormat in_sample_fmt,
                        int in_sample_rate, int log_offset, void *log_ctx) {
    return LOFI_IMPORTED(swresample, swr_alloc_set_opts2)(ps, out_ch_layout, out_sample_fmt, out_sample_rate,
                                                          in_ch_layout, in_sample_fmt, in_sample_rate, log_offset,
                                                          log_ctx);
}
int swr_convert(struct SwrContext *s, uint8_t **out, int out_count, const uint8_t **in, int in_count) {
    return LOFI_IMPORTED(swresample, swr_convert)(s, out, out_count, in, in_count);
}
void swr_free(struct SwrContext **s) {
    LOFI_IMPORTED(swresample, swr_free)(s);
}
int swr_get_out_samples(struct SwrContext *s, int in_samples) {
    return LOFI_IMPORTED(swresample, swr_get_out_samples)(s, in_samples);
}
int swr_init(struct SwrContext *s) {
    return LOFI_IMPORTED(swresample, swr_init)(s);
}
unsigned swresample_version(void) {
    return LOFI_IMPORTED(swresample, swresample_version)();
}

/* ---- libavutil ---- */

void *av_calloc(size_t nmemb, size_t size) {
    return LOFI_IMPORTED(avutil, av_calloc)(nmemb, size);
}
int av_channel_layout_compare(const AVChannelLayout *chl, const AVChannelLayout *chl1) {
    return LOFI_IMPORTED(avutil, av_channel_layout_compare)(chl, chl1);
}
int av_channel_layout_copy(AVChannelLayout *dst, const AVChannelLayout *src) {
    return LOFI_IMPORTED(avutil, av_channel_layout_copy)(dst, src);
}
void av_channel_layout_default(AVChannelLayout *ch_layout, int nb_channels) {
    LOFI_IMPORTED(avutil, av_channel_layout_default)(ch_layout, nb_channels);
}
void av_channel_layout_uninit(AVChannelLayout *channel_layout) {
    LOFI_IMPORTED(avutil, av_channel_layout_uninit)(channel_layout);
}
AVDictionaryEntry *av_dict_get(const AVDictionary *m, const char *key, const AVDictionaryEntry *prev, int flags) {
    return LOFI_IMPORTED(avutil, av_dict_get)(m, key, prev, flags);
}
AVFrame *av_frame_alloc(void) {
    return LOFI_IMPORTED(avutil, av_frame_alloc)();
}
void av_frame_free(AVFrame **frame) {
    LOFI_IMPORTED(avutil, av_frame_free)(frame);
}
int av_frame_get_buffer(AVFrame *frame, int align) {
    return LOFI_IMPORTED(avutil, av_frame_get_buffer)(frame, align);
}
int av_frame_make_writable(AVFrame *frame) {
    return LOFI_IMPORTED(avutil, av_frame_make_writable)(frame);
}
void av_frame_unref(AVFrame *frame) {
    LOFI_IMPORTED(avutil, av_frame_unref)(frame);
}
void av_free(void *ptr) {
    LOFI_IMPORTED(avutil, av_free)(ptr);
}
void av_freep(void *ptr) {
    LOFI_IMPORTED(avutil, av_freep)(ptr);
}
void av_log_set_callback(void (*callback)(void *, int, const char *, va_list)) {
    LOFI_IMPORTED(avutil, av_log_set_callback)(callback);
}
void *av_malloc(size_t size) {
    return LOFI_IMPORTED(avutil, av_malloc)(size);
}
int av_opt_set_double(void *obj, const char *name, double val, int search_flags) {
    return LOFI_IMPORTED(avutil, av_opt_set_double)(obj, name, val, search_flags);
}
int av_opt_set_int(void *obj, const char *name, int64_t val, int search_flags) {
    return LOFI_IMPORTED(avutil, av_opt_set_int)(obj, name, val, search_flags);
}
int64_t av_rescale(int64_t a, int64_t b, int64_t c) {
    return LOFI_IMPORTED(avutil, av_rescale)(a, b, c);
}
int64_t av_rescale_q(int64_t a, AVRational bq, AVRational cq) {
    return LOFI_IMPORTED(avutil, av_rescale_q)(a, bq, cq);
}
char *av_strdup(const char *s) {
    return LOFI_IMPORTED(avutil, av_strdup)(s);
}
int av_strerror(int errnum, char *errbuf, size_t errbuf_size) {
    return LOFI_IMPORTED(avutil, av_strerror)(errnum, errbuf, errbuf_size);
}
int av_tx_init(AVTXContext **ctx, av_tx_fn *tx, enum AVTXType type, int inv, int len, const void *scale,
               uint64_t flags) {
    return LOFI_IMPORTED(avutil, av_tx_init)(ctx, tx, type, inv, len, scale, flags);
}
void av_tx_uninit(AVTXContext **ctx) {
    LOFI_IMPORTED(avutil, av_tx_uninit)(ctx);
}
const char *av_version_info(void) {
    return LOFI_IMPORTED(avutil, av_version_info)();
}
unsigned avutil_version(void) {
    return LOFI_IMPORTED(avutil, avutil_version)();
}

/* ---- libebur128 ---- */

int ebur128_add_frames_float(ebur128_state *st, const float *src, size_t frames) {
    return LOFI_IMPORTED(ebur128, ebur128_add_frames_float)(st, src, frames);
}
void ebur128_destroy(ebur128_state **st) {
    LOFI_IMPORTED(ebur128, ebur128_destroy)(st);
}
ebur128_state *ebur128_init(unsigned int channels, unsigned long samplerate, int mode) {
    return LOFI_IMPORTED(ebur128, ebur128_init)(channels, samplerate, mode);
}
int ebur128_loudness_global(ebur128_state *st, double *out) {
    return LOFI_IMPORTED(ebur128, ebur128_loudness_global)(st, out);
}
int ebur128_loudness_range(ebur128_state *st, double *out) {
    return LOFI_IMPORTED(ebur128, ebur128_loudness_range)(st, out);
}
int ebur128_prev_true_peak(ebur128_state *st, unsigned int channel_number, double *out) {
    return LOFI_IMPORTED(ebur128, ebur128_prev_true_peak)(st, channel_number, out);
}

/* ---- Chromaprint ---- */

void chromaprint_dealloc(void *ptr) {
    LOFI_IMPORTED(chromaprint, chromaprint_dealloc)(ptr);
}
int chromaprint_decode_fingerprint(const char *encoded_fp, int encoded_size, uint32_t **fp, int *size, int *algorithm,
                                   int base64) {
    return LOFI_IMPORTED(chromaprint, chromaprint_decode_fingerprint)(encoded_fp, encoded_size, fp, size, algorithm,
                                                                      base64);
}
int chromaprint_encode_fingerprint(const uint32_t *fp, int size, int algorithm, char **encoded_fp, int *encoded_size,
                                   int base64) {
    return LOFI_IMPORTED(chromaprint, chromaprint_encode_fingerprint)(fp, size, algorithm, encoded_fp, encoded_size,
                                                                      base64);
}
int chromaprint_feed(ChromaprintContext *ctx, const int16_t *data, int size) {
    return LOFI_IMPORTED(chromaprint, chromaprint_feed)(ctx, data, size);
}
int chromaprint_finish(ChromaprintContext *ctx) {
    return LOFI_IMPORTED(chromaprint, chromaprint_finish)(ctx);
}
void chromaprint_free(ChromaprintContext *ctx) {
    LOFI_IMPORTED(chromaprint, chromaprint_free)(ctx);
}
int chromaprint_get_raw_fingerprint(ChromaprintContext *ctx, uint32_t **fingerprint, int *size) {
    return LOFI_IMPORTED(chromaprint, chromaprint_get_raw_fingerprint)(ctx, fingerprint, size);
}
ChromaprintContext *chromaprint_new(int algorithm) {
    return LOFI_IMPORTED(chromaprint, chromaprint_new)(algorithm);
}
int chromaprint_start(ChromaprintContext *ctx, int sample_rate, int num_channels) {
    return LOFI_IMPORTED(chromaprint, chromaprint_start)(ctx, sample_rate, num_channels);
}
