/* test_audio_formats.c - every kind of sound file that people have: found by content, decoded to its exact length, with the right
 * sound at the right moment. The files are made here, with FFmpeg's encoders. */
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "audio/audio_libraries.h"
#include "audio/decode.h"
#include "base/file.h"
#include "scratch_folder.h"

static lofi_error err;

#define assert_ok(expression)                                                                                          \
    do {                                                                                                               \
        if ((expression) != LOFI_OK) fail_msg("%s", err.message);                                                      \
    } while (0)

/* ---- functions of FFmpeg that only this test calls (base/library.h) ---- */

int av_sample_fmt_is_planar(enum AVSampleFormat format) {
    return LOFI_IMPORTED(avutil, av_sample_fmt_is_planar)(format);
}
enum AVSampleFormat av_get_packed_sample_fmt(enum AVSampleFormat format) {
    return LOFI_IMPORTED(avutil, av_get_packed_sample_fmt)(format);
}
int av_dict_parse_string(AVDictionary **out, const char *text, const char *equals, const char *between, int flags) {
    return LOFI_IMPORTED(avutil, av_dict_parse_string)(out, text, equals, between, flags);
}
void av_dict_free(AVDictionary **dictionary) {
    LOFI_IMPORTED(avutil, av_dict_free)(dictionary);
}
void av_log_set_level(int level) {
    LOFI_IMPORTED(avutil, av_log_set_level)(level);
}
int avio_open(AVIOContext **out, const char *url, int flags) {
    return LOFI_IMPORTED(avformat, avio_open)(out, url, flags);
}
int avio_closep(AVIOContext **io) {
    return LOFI_IMPORTED(avformat, avio_closep)(io);
}

/* ---- making files ---- */

typedef struct kind {
    const char *name, *muxer, *encoder;
    int rate, channels;
    const char *options; /* of the muxer: "key=value" */
    double tolerance;    /* root mean square of the difference */
    int slack;           /* frames by which the length may differ: what the file itself says */
} kind;

/* A tone that swells, other in every channel: a shift by a few samples shows. */
static double sample_at(int64_t i, int channel, int rate) {
    double t = (double)i / rate;
    return 0.4 * sin(2.0 * M_PI * (330.0 + 110.0 * channel) * t) * (0.6 + 0.4 * sin(2.0 * M_PI * 1.3 * t + channel));
}

static void put_sample(AVFrame *frame, int channels, int i, int channel, double value) {
    bool planar = av_sample_fmt_is_planar(frame->format);
    uint8_t *plane = frame->extended_data[planar ? channel : 0];
    int place = planar ? i : i * channels + channel;
    switch (av_get_packed_sample_fmt(frame->format)) {
    case AV_SAMPLE_FMT_U8: plane[place] = (uint8_t)lrint(128.0 + 127.0 * value); break;
    case AV_SAMPLE_FMT_S16: ((int16_t *)plane)[place] = (int16_t)lrint(32767.0 * value); break;
    case AV_SAMPLE_FMT_S32: ((int32_t *)plane)[place] = (int32_t)lrint(2147483392.0 * value); break;
    case AV_SAMPLE_FMT_FLT: ((float *)plane)[place] = (float)value; break;
    case AV_SAMPLE_FMT_DBL: ((double *)plane)[place] = value; break;
    default: fail_msg("a sample format that this test does not know");
    }
}

static void write_packets(AVFormatContext *format, AVCodecContext *codec, AVPacket *packet) {
    int status;
    while ((status = avcodec_receive_packet(codec, packet)) >= 0) {
        av_packet_rescale_ts(packet, codec->time_base, format->streams[0]->time_base);
        assert_true(av_interleaved_write_frame(format, packet) >= 0);
    }
    assert_true(status == AVERROR(EAGAIN) || status == AVERROR_EOF);
}

static void encode_frames(AVFormatContext *format, AVCodecContext *codec, int64_t frames) {
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    int block = codec->frame_size > 0 ? codec->frame_size : 1024;
    for (int64_t from = 0; from < frames; from += block) {
        av_frame_unref(frame);
        frame->nb_samples = (int)(frames - from < block ? frames - from : block);
        frame->format = codec->sample_fmt;
        frame->sample_rate = codec->sample_rate;
        frame->pts = from;
        assert_true(av_channel_layout_copy(&frame->ch_layout, &codec->ch_layout) >= 0);
        assert_true(av_frame_get_buffer(frame, 0) >= 0);
        for (int channel = 0; channel < codec->ch_layout.nb_channels; channel++)
            for (int i = 0; i < frame->nb_samples; i++)
                put_sample(frame, codec->ch_layout.nb_channels, i, channel,
                           sample_at(from + i, channel, codec->sample_rate));
        assert_true(avcodec_send_frame(codec, frame) >= 0);
        write_packets(format, codec, packet);
    }
    assert_true(avcodec_send_frame(codec, NULL) >= 0);
    write_packets(format, codec, packet);
    av_frame_free(&frame);
    av_packet_free(&packet);
}

/* False when this FFmpeg has no such encoder. */
static bool make_file(const kind *k, const char *path, int64_t frames) {
    const AVCodec *encoder = avcodec_find_encoder_by_name(k->encoder);
    AVFormatContext *format = NULL;
    AVDictionary *options = NULL;
    if (encoder == NULL) return false;
    assert_true(avformat_alloc_output_context2(&format, NULL, k->muxer, path) >= 0);
    AVCodecContext *codec = avcodec_alloc_context3(encoder);
    codec->sample_rate = k->rate;
    codec->time_base = (AVRational){1, k->rate};
    codec->sample_fmt = encoder->sample_fmts != NULL ? encoder->sample_fmts[0] : AV_SAMPLE_FMT_FLTP;
    codec->bit_rate = 160000;
    av_channel_layout_default(&codec->ch_layout, k->channels);
    if (format->oformat->flags & AVFMT_GLOBALHEADER) codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    assert_true(avcodec_open2(codec, encoder, NULL) >= 0);
    AVStream *stream = avformat_new_stream(format, NULL);
    stream->time_base = codec->time_base;
    assert_true(avcodec_parameters_from_context(stream->codecpar, codec) >= 0);
    assert_true(avio_open(&format->pb, path, AVIO_FLAG_WRITE) >= 0);
    if (k->options != NULL) assert_true(av_dict_parse_string(&options, k->options, "=", ",", 0) >= 0);
    assert_true(avformat_write_header(format, &options) >= 0);
    encode_frames(format, codec, frames);
    assert_true(av_write_trailer(format) >= 0);
    av_dict_free(&options);
    avio_closep(&format->pb);
    avcodec_free_context(&codec);
    avformat_free_context(format);
    return true;
}

/* ---- reading them ---- */

static const kind kinds[] = {
    {"WAV, 8 bits", "wav", "pcm_u8", 22050, 1, NULL, 0.008, 0},
    {"WAV, 16 bits", "wav", "pcm_s16le", 44100, 2, NULL, 5e-5, 0},
    {"WAV, 24 bits", "wav", "pcm_s24le", 96000, 2, NULL, 1e-6, 0},
    {"WAV, 32 bits", "wav", "pcm_s32le", 48000, 2, NULL, 1e-6, 0},
    {"WAV, float", "wav", "pcm_f32le", 48000, 2, NULL, 1e-6, 0},
    {"WAV, double", "wav", "pcm_f64le", 192000, 1, NULL, 1e-6, 0},
    {"WAV, extensible, 5.1", "wav", "pcm_s16le", 48000, 6, NULL, 5e-5, 0},
    {"WAV, mu-law", "wav", "pcm_mulaw", 8000, 1, NULL, 0.02, 0},
    {"RF64", "wav", "pcm_s16le", 44100, 2, "rf64=always", 5e-5, 0},
    {"AIFF", "aiff", "pcm_s16be", 44100, 2, NULL, 5e-5, 0},
    {"FLAC", "flac", "flac", 44100, 2, NULL, 5e-5, 0},
    {"FLAC, 5.1", "flac", "flac", 48000, 6, NULL, 5e-5, 0},
    {"MP3", "mp3", "libmp3lame", 44100, 2, NULL, 0.015, 0},
    {"MP3, MPEG-2, mono", "mp3", "libmp3lame", 22050, 1, NULL, 0.015, 0},
    {"AAC in MP4", "ipod", "aac", 48000, 2, "movie_timescale=48000", 0.04, 0},
    {"AAC in MP4, edit list in ms", "ipod", "aac", 44100, 2, NULL, 0.04, 23},
    {"ALAC", "ipod", "alac", 44100, 2, NULL, 5e-5, 0},
    {"Vorbis", "ogg", "libvorbis", 44100, 2, NULL, 0.02, 0},
    {"Opus", "ogg", "libopus", 48000, 2, NULL, 0.02, 0},
    {"Opus in WebM", "webm", "libopus", 48000, 2, NULL, 0.02, 0},
    {"FLAC in Ogg", "ogg", "flac", 44100, 2, NULL, 5e-5, 0},
    {"WavPack", "wv", "wavpack", 44100, 2, NULL, 0.006, 0},
};

/* Root mean square of the difference, the sound taken `shift` frames late. */
static double apart(const kind *k, const lofi_audio *audio, int channel, int shift) {
    double squares = 0.0;
    for (int64_t i = 2; i < audio->frames - 2; i++) {
        double difference = (double)audio->samples[channel * audio->frames + i + shift] -
                            sample_at(i, channel, k->rate);
        squares += difference * difference / (double)audio->frames;
    }
    return sqrt(squares);
}

static void check_sound(const kind *k, const lofi_audio *audio, int64_t frames) {
    if (llabs(audio->frames - frames) > k->slack)
        fail_msg("%s: %lld frames, not %lld", k->name, (long long)audio->frames, (long long)frames);
    assert_int_equal(audio->channels, k->channels);
    assert_int_equal(audio->sample_rate, k->rate);
    for (int channel = 0; channel < k->channels; channel++) {
        double right = apart(k, audio, channel, 0);
        if (right > k->tolerance) fail_msg("%s, channel %d: %g apart", k->name, channel, right);
        assert_true(right < apart(k, audio, channel, -1) && right < apart(k, audio, channel, 1));
    }
}

/* The name says nothing: all are called song.mp3. The lengths are odd: padding shows. */
static void test_kinds(void **state) {
    (void)state;
    int made = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        for (int64_t frames = 40001; frames <= 61234; frames += 21233) {
            lofi_decode_options decode = LOFI_DECODE_OPTIONS_INIT;
            lofi_audio audio;
            lofi_audio_info info;
            if (!make_file(&kinds[i], "song.mp3", frames)) continue;
            if (lofi_audio_decode(&audio, &info, "song.mp3", &decode, &err) != LOFI_OK)
                fail_msg("%s: %s", kinds[i].name, err.message);
            check_sound(&kinds[i], &audio, frames);
            assert_true(info.complete);
            assert_int_equal(info.damaged, 0);
            lofi_audio_free(&audio);
            made++;
        }
    assert_true(made >= 36);
}

/* 48 kHz stereo of everything: the length is that of the song. */
static void test_stereo_of_everything(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        lofi_decode_options decode = LOFI_DECODE_STEREO_48K_INIT;
        lofi_audio audio;
        if (!make_file(&kinds[i], "song", 40001)) continue;
        assert_ok(lofi_audio_decode(&audio, NULL, "song", &decode, &err));
        int64_t expected = (40001LL * 48000 + kinds[i].rate / 2) / kinds[i].rate;
        if (llabs(audio.frames - expected) > 2 * kinds[i].slack)
            fail_msg("%s: %lld frames, not %lld", kinds[i].name, (long long)audio.frames, (long long)expected);
        assert_int_equal(audio.channels, 2);
        lofi_audio_free(&audio);
    }
}

/* ---- what stands around the sound ---- */

static void read_file(lofi_buffer *bytes, const char *path) {
    assert_ok(lofi_file_read(bytes, path, (size_t)1 << 26, &err));
}

static void check_length(const char *path, int64_t frames) {
    lofi_decode_options decode = LOFI_DECODE_OPTIONS_INIT;
    lofi_audio audio;
    assert_ok(lofi_audio_decode(&audio, NULL, path, &decode, &err));
    assert_int_equal(audio.frames, frames);
    lofi_audio_free(&audio);
}

/* ID3v2.3 with a picture of `size` bytes. */
static void add_cover(lofi_buffer *out, size_t size) {
    static const char head[] = "\0image/png\0\3\0\x89PNG\r\n\x1a\n";
    size_t frame = sizeof head - 1 + size, tag = frame + 10;
    unsigned char id3[10] = {'I',
                             'D',
                             '3',
                             3,
                             0,
                             0,
                             (unsigned char)(tag >> 21 & 127),
                             (unsigned char)(tag >> 14 & 127),
                             (unsigned char)(tag >> 7 & 127),
                             (unsigned char)(tag & 127)};
    unsigned char apic[10] = {'A',
                              'P',
                              'I',
                              'C',
                              (unsigned char)(frame >> 24),
                              (unsigned char)(frame >> 16),
                              (unsigned char)(frame >> 8),
                              (unsigned char)frame,
                              0,
                              0};
    lofi_buffer_append(out, id3, 10);
    lofi_buffer_append(out, apic, 10);
    lofi_buffer_append(out, head, sizeof head - 1);
    for (size_t i = 0; i < size; i++) lofi_buffer_append(out, &(char){(char)(i * 31)}, 1);
}

static void test_cover_art(void **state) {
    (void)state;
    const kind mp3 = {"MP3", "mp3", "libmp3lame", 44100, 2, "id3v2_version=0", 0.0, 0};
    assert_true(make_file(&mp3, "plain.mp3", 40001));
    for (size_t size = 100; size <= 3000000; size *= 31) {
        lofi_buffer bytes = LOFI_BUFFER_INIT, whole = LOFI_BUFFER_INIT;
        read_file(&bytes, "plain.mp3");
        add_cover(&whole, size);
        lofi_buffer_append(&whole, bytes.data, bytes.size);
        assert_ok(lofi_file_write("cover.mp3", whole.data, whole.size, &err));
        check_length("cover.mp3", 40001);
        lofi_buffer_free(&bytes);
        lofi_buffer_free(&whole);
    }
}

/* Where iTunes wrote the length down, in a file without an edit list. */
static void test_itunes(void **state) {
    (void)state;
    const kind aac = {"AAC", "ipod", "aac", 44100, 2, "use_editlist=0,movflags=faststart", 0.0, 0};
    assert_true(make_file(&aac, "plain.m4a", 40001));
    lofi_buffer bytes = LOFI_BUFFER_INIT;
    char note[160];
    int64_t packets = (40001 + 1024 + 1023) / 1024;
    int length = snprintf(note, sizeof note, " 00000000 %08X %08X %016llX 00000000 00000000 00000000 00000000", 1024,
                          (unsigned)(packets * 1024 - 1024 - 40001), 40001ULL);
    read_file(&bytes, "plain.m4a");
    /* An atom of free form in the list of tags; the sizes of all around it grow, and so do the places of the chunks. */
    lofi_buffer atom = LOFI_BUFFER_INIT, out = LOFI_BUFFER_INIT;
    unsigned total = (unsigned)(8 + 28 + 20 + 16 + length);
    const unsigned char head[] = {0, 0, (unsigned char)(total >> 8), (unsigned char)total, '-', '-', '-', '-'};
    lofi_buffer_append(&atom, head, sizeof head);
    lofi_buffer_append(&atom, "\0\0\0\x1cmean\0\0\0\0com.apple.iTunes", 28);
    lofi_buffer_append(&atom, "\0\0\0\x14name\0\0\0\0iTunSMPB", 20);
    lofi_buffer_append(&atom, (unsigned char[]){0, 0, 0, (unsigned char)(16 + length)}, 4);
    lofi_buffer_append(&atom, "data\0\0\0\1\0\0\0\0", 12);
    lofi_buffer_append(&atom, note, (size_t)length);
    assert_int_equal(atom.size, total);
    unsigned char *data = (unsigned char *)bytes.data;
    size_t end = 0;
    static const char *const around[] = {"moov", "udta", "meta", "ilst"};
    for (int i = 0; i < 4; i++) {
        unsigned char *at = memmem(data, bytes.size, around[i], 4);
        assert_non_null(at);
        unsigned size = (unsigned)at[-4] << 24 | (unsigned)at[-3] << 16 | (unsigned)at[-2] << 8 | at[-1];
        end = (size_t)(at - data) - 4 + size;
        size += total;
        for (int byte = 0; byte < 4; byte++) at[byte - 4] = (unsigned char)(size >> (24 - 8 * byte));
    }
    unsigned char *chunks = memmem(data, bytes.size, "stco", 4);
    assert_non_null(chunks);
    unsigned count = (unsigned)chunks[10] << 8 | chunks[11];
    for (unsigned i = 0; i < count; i++) {
        unsigned char *at = chunks + 12 + 4 * (size_t)i;
        unsigned place = ((unsigned)at[0] << 24 | (unsigned)at[1] << 16 | (unsigned)at[2] << 8 | at[3]) + total;
        for (int byte = 0; byte < 4; byte++) at[byte] = (unsigned char)(place >> (24 - 8 * byte));
    }
    lofi_buffer_append(&out, bytes.data, end);
    lofi_buffer_append(&out, atom.data, atom.size);
    lofi_buffer_append(&out, bytes.data + end, bytes.size - end);
    assert_ok(lofi_file_write("itunes.m4a", out.data, out.size, &err));
    check_length("itunes.m4a", 40001);
    lofi_buffer_free(&bytes);
    lofi_buffer_free(&atom);
    lofi_buffer_free(&out);
}

/* Bytes that are no MP3 between the frames: what decodes is kept, and the loss is told. */
static void test_garbage_between_frames(void **state) {
    (void)state;
    const kind mp3 = {"MP3", "mp3", "libmp3lame", 44100, 2, NULL, 0.0, 0};
    assert_true(make_file(&mp3, "plain.mp3", 10 * 44100));
    lofi_buffer bytes = LOFI_BUFFER_INIT, out = LOFI_BUFFER_INIT;
    read_file(&bytes, "plain.mp3");
    lofi_buffer_append(&out, bytes.data, bytes.size / 2);
    for (int i = 0; i < 3000; i++) lofi_buffer_append(&out, &(char){(char)(i * 7 + 1)}, 1);
    lofi_buffer_append(&out, bytes.data + bytes.size / 2, bytes.size - bytes.size / 2);
    assert_ok(lofi_file_write("garbage.mp3", out.data, out.size, &err));
    lofi_decode_options decode = LOFI_DECODE_OPTIONS_INIT;
    lofi_audio audio;
    lofi_code code = lofi_audio_decode(&audio, NULL, "garbage.mp3", &decode, &err);
    if (code == LOFI_OK) {
        assert_true(llabs(audio.frames - 10 * 44100) < 4 * 1152);
        lofi_audio_free(&audio);
    } else {
        assert_int_equal(code, LOFI_ERR_FORMAT);
    }
    lofi_buffer_free(&bytes);
    lofi_buffer_free(&out);
}

int main(void) {
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {in_folder(test_kinds), in_folder(test_stereo_of_everything),
                                       in_folder(test_cover_art), in_folder(test_itunes),
                                       in_folder(test_garbage_between_frames)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
