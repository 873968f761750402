/* picture.c - see picture.h. Pictures have a palette; FFmpeg's PNG encoder packs them. */
#include "audio/picture.h"

#include <libavcodec/avcodec.h>
#include <math.h>
#include <string.h>

#include "audio/ffmpeg_internal.h"
#include "audio/fourier.h"
#include "audio/levels.h"
#include "base/memory.h"

#define LENGTH           2048
#define FRAMES_PER_POINT 4
#define LOWEST_DB        -96.0
#define TONES            32 /* of the spectrogram: few, so that the files stay small */

typedef struct picture {
    int width, height;
    uint8_t *points;       /* [height, width], rows from the top; places in the palette */
    uint32_t palette[256]; /* 0xAARRGGBB */
} picture;

static lofi_code picture_new(picture *p, int height, lofi_error *err) {
    *p = (picture){.width = LOFI_PICTURE_WIDTH, .height = height};
    return lofi_alloc((void **)&p->points, (size_t)p->width, (size_t)height, "a picture", err);
}

/* ---- PNG ---- */

static int fill_frame(AVFrame *frame, const picture *p) {
    frame->format = AV_PIX_FMT_PAL8;
    frame->width = p->width;
    frame->height = p->height;
    int status = av_frame_get_buffer(frame, 0);
    if (status < 0) return status;
    for (int row = 0; row < p->height; row++)
        memcpy(frame->data[0] + (ptrdiff_t)row * frame->linesize[0], p->points + (ptrdiff_t)row * p->width,
               (size_t)p->width);
    memcpy(frame->data[1], p->palette, sizeof p->palette);
    return 0;
}

static int encode(lofi_buffer *png, AVCodecContext *codec, AVFrame *frame, AVPacket *packet, const picture *p) {
    codec->width = p->width;
    codec->height = p->height;
    codec->pix_fmt = AV_PIX_FMT_PAL8;
    codec->time_base = (AVRational){1, 1};
    codec->thread_count = 1;
    codec->compression_level = 9;
    int status = avcodec_open2(codec, codec->codec, NULL);
    if (status >= 0) status = fill_frame(frame, p);
    if (status >= 0) status = avcodec_send_frame(codec, frame);
    if (status >= 0) status = avcodec_send_frame(codec, NULL);
    if (status >= 0) status = avcodec_receive_packet(codec, packet);
    if (status >= 0) lofi_buffer_append(png, packet->data, (size_t)packet->size);
    return status;
}

static lofi_code write_png(lofi_buffer *png, const picture *p, lofi_error *err) {
    LOFI_TRY(lofi_ffmpeg_begin(&lofi_library_avcodec, err));
    const AVCodec *encoder = avcodec_find_encoder(AV_CODEC_ID_PNG);
    if (encoder == NULL) return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "this FFmpeg cannot write PNG pictures");
    AVCodecContext *codec = avcodec_alloc_context3(encoder);
    AVFrame *frame = av_frame_alloc();
    AVPacket *packet = av_packet_alloc();
    int status = codec == NULL || frame == NULL || packet == NULL ? AVERROR(ENOMEM)
                                                                  : encode(png, codec, frame, packet, p);
    av_packet_free(&packet);
    av_frame_free(&frame);
    avcodec_free_context(&codec);
    if (status < 0) return lofi_ffmpeg_fail(err, LOFI_ERR_UNSUPPORTED, status, "cannot write a PNG picture");
    return lofi_buffer_check(png, err);
}

/* ---- the wave ---- */

enum { PAPER, MIDDLE, WAVE, CORE, CLIPPED };

static int row_of(const picture *p, double value) {
    int row = (int)lround((1.0 - fmax(-1.0, fmin(1.0, value))) / 2.0 * (p->height - 1));
    return row;
}

static void draw_column(picture *p, int column, double lowest, double highest, double rms) {
    bool clipped = fmax(highest, -lowest) >= (double)LOFI_CLIPPED_AMPLITUDE;
    for (int row = 0; row < p->height; row++) {
        uint8_t *point = &p->points[row * p->width + column];
        *point = row == p->height / 2 ? MIDDLE : PAPER;
        if (row >= row_of(p, highest) && row <= row_of(p, lowest)) *point = clipped ? CLIPPED : WAVE;
        if (!clipped && row >= row_of(p, rms) && row <= row_of(p, -rms)) *point = CORE;
    }
}

static void draw_wave(picture *p, const lofi_audio *audio) {
    for (int column = 0; column < p->width; column++) {
        int64_t from = audio->frames * column / p->width, end = audio->frames * (column + 1) / p->width;
        double lowest = 0.0, highest = 0.0, squares = 0.0;
        for (int channel = 0; channel < audio->channels; channel++)
            for (int64_t i = from; i < end; i++) {
                double value = (double)audio->samples[channel * audio->frames + i];
                lowest = value < lowest ? value : lowest;
                highest = value > highest ? value : highest;
                squares += value * value;
            }
        double count = (double)(end - from) * audio->channels;
        draw_column(p, column, lowest, highest, count > 0.0 ? sqrt(squares / count) : 0.0);
    }
}

lofi_code lofi_picture_waveform(lofi_buffer *png, const lofi_audio *audio, lofi_error *err) {
    picture p;
    LOFI_TRY(picture_new(&p, LOFI_WAVEFORM_HEIGHT, err));
    p.palette[PAPER] = 0xfff4f1ea;
    p.palette[MIDDLE] = 0xffc9c2b4;
    p.palette[WAVE] = 0xff7f9bb3;
    p.palette[CORE] = 0xff34576f;
    p.palette[CLIPPED] = 0xffc0392b;
    draw_wave(&p, audio);
    lofi_code code = write_png(png, &p, err);
    lofi_free(p.points);
    return code;
}

/* ---- the spectrum ---- */

/* From black over violet and orange to white: brightness grows evenly. */
static void set_tones(picture *p) {
    static const double stops[][3] = {{0, 0, 0},      {59, 15, 112},   {140, 41, 129},
                                      {222, 73, 104}, {254, 159, 109}, {252, 253, 191}};
    for (int tone = 0; tone < TONES; tone++) {
        double place = tone * 5.0 / (TONES - 1);
        int stop = place >= 5.0 ? 4 : (int)place;
        uint32_t colour = 0xff;
        for (int part = 0; part < 3; part++) {
            double value = stops[stop][part] + (place - stop) * (stops[stop + 1][part] - stops[stop][part]);
            colour = colour << 8 | (uint32_t)lround(value);
        }
        p->palette[tone] = colour;
    }
}

typedef struct spectrogram {
    lofi_spectrum spectrum;
    float frame[LENGTH], powers[LENGTH / 2]; /* the highest of a column */
} spectrogram;

static void add_frame(spectrogram *s, const lofi_audio *audio, int64_t from) {
    for (int channel = 0; channel < audio->channels; channel++) {
        const float *x = audio->samples + channel * audio->frames;
        for (int i = 0; i < LENGTH; i++) s->frame[i] = from + i < audio->frames ? x[from + i] : 0.0f;
        lofi_spectrum_run(&s->spectrum, s->frame);
        for (int bin = 0; bin < LENGTH / 2; bin++) s->powers[bin] = fmaxf(s->powers[bin], s->spectrum.power[bin]);
    }
}

static void draw_spectrum(picture *p, spectrogram *s, const lofi_audio *audio, int column) {
    memset(s->powers, 0, sizeof s->powers);
    for (int part = 0; part < FRAMES_PER_POINT; part++)
        add_frame(s, audio, audio->frames * (column * FRAMES_PER_POINT + part) / (p->width * FRAMES_PER_POINT));
    for (int row = 0; row < p->height; row++) {
        int from = (p->height - 1 - row) * (LENGTH / 2) / p->height, end = (p->height - row) * (LENGTH / 2) / p->height;
        double power = 0.0;
        for (int bin = from; bin < end; bin++) power = fmax(power, (double)s->powers[bin]);
        double share = 1.0 - 10.0 * log10(fmax(power, 1e-30)) / LOWEST_DB;
        p->points[row * p->width + column] = (uint8_t)lround(fmax(0.0, fmin(1.0, share)) * (TONES - 1));
    }
}

lofi_code lofi_picture_spectrogram(lofi_buffer *png, const lofi_audio *audio, lofi_error *err) {
    picture p;
    spectrogram *s;
    LOFI_TRY(lofi_alloc((void **)&s, 1, sizeof *s, "a picture", err));
    lofi_code code = picture_new(&p, LOFI_SPECTROGRAM_HEIGHT, err);
    if (code == LOFI_OK) code = lofi_spectrum_open(&s->spectrum, LENGTH, err);
    if (code == LOFI_OK) {
        set_tones(&p);
        for (int column = 0; column < p.width; column++) draw_spectrum(&p, s, audio, column);
        code = write_png(png, &p, err);
        lofi_spectrum_close(&s->spectrum);
    }
    lofi_free(p.points);
    lofi_free(s);
    return code;
}
