/* convert.c - sample format, rate and channels through libswresample; see audio.h and ffmpeg_internal.h. */
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
#include <math.h>
#include <string.h>

#include "audio/ffmpeg_internal.h"
#include "base/memory.h"

#define BLOCK_FRAMES        65536
#define SOXR_PRECISION_BITS 28

/* ---- pieces of sound ---- */

void lofi_audio_free(lofi_audio *audio) {
    lofi_free(audio->samples);
    *audio = (lofi_audio)LOFI_AUDIO_INIT;
}

double lofi_audio_seconds(const lofi_audio *audio) {
    return audio->sample_rate == 0 ? 0.0 : (double)audio->frames / audio->sample_rate;
}

/* Over lanes, so that the compiler can use vectors; a NaN is passed over. */
float lofi_largest(const float *samples, int64_t count) {
    enum { LANES = 16 };
    float peak[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int lane = 0; lane < LANES; lane++) {
            float size = fabsf(samples[i + lane]);
            peak[lane] = size > peak[lane] ? size : peak[lane];
        }
    for (; i < count; i++) peak[0] = fabsf(samples[i]) > peak[0] ? fabsf(samples[i]) : peak[0];
    for (int lane = 1; lane < LANES; lane++) peak[0] = peak[lane] > peak[0] ? peak[lane] : peak[0];
    return peak[0];
}

float lofi_audio_peak(const lofi_audio *audio) {
    return lofi_largest(audio->samples, audio->channels * audio->frames);
}

void lofi_audio_scale(lofi_audio *audio, float gain) {
    for (int64_t i = 0; i < audio->channels * audio->frames; i++) audio->samples[i] *= gain;
}

/* ---- planes ---- */

static lofi_code move_to(lofi_planes *planes, int64_t capacity, lofi_error *err) {
    float *data;
    LOFI_TRY(lofi_alloc_unset((void **)&data, (size_t)capacity, sizeof *data * (size_t)planes->channels,
                              "audio samples", err));
    for (int channel = 0; channel < planes->channels && planes->frames > 0; channel++)
        memcpy(data + channel * capacity, planes->data + channel * planes->capacity,
               (size_t)planes->frames * sizeof *data);
    lofi_free(planes->data);
    planes->data = data;
    planes->capacity = capacity;
    return LOFI_OK;
}

lofi_code lofi_planes_reserve(lofi_planes *planes, int64_t more, lofi_error *err) {
    int64_t need = planes->frames + more;
    if (need <= planes->capacity) return LOFI_OK;
    return move_to(planes, need > 2 * planes->capacity ? need : 2 * planes->capacity, err);
}

lofi_code lofi_planes_resize(lofi_planes *planes, int64_t frames, lofi_error *err) {
    if (frames > planes->frames) {
        int64_t more = frames - planes->frames;
        LOFI_TRY(lofi_planes_reserve(planes, more, err));
        for (int channel = 0; channel < planes->channels; channel++)
            memset(planes->data + channel * planes->capacity + planes->frames, 0, (size_t)more * sizeof(float));
    }
    planes->frames = frames;
    return LOFI_OK;
}

void lofi_planes_finish(lofi_planes *planes, int sample_rate, lofi_audio *out) {
    for (int channel = 1; channel < planes->channels; channel++)
        memmove(planes->data + channel * planes->frames, planes->data + channel * planes->capacity,
                (size_t)planes->frames * sizeof(float));
    *out = (lofi_audio){planes->data, planes->frames, planes->channels, sample_rate};
    *planes = (lofi_planes){0};
}

void lofi_planes_free(lofi_planes *planes) {
    lofi_free(planes->data);
    *planes = (lofi_planes){0};
}

/* ---- conversion ---- */

static int open_engine(SwrContext **context, AVChannelLayout *out_layout, int out_rate, AVChannelLayout *in_layout,
                       enum AVSampleFormat format, int in_rate, lofi_resampling resampling) {
    int status = swr_alloc_set_opts2(context, out_layout, AV_SAMPLE_FMT_FLTP, out_rate, in_layout, format, in_rate, 0,
                                     NULL);
    if (status < 0) return status;
    if (in_rate != out_rate && resampling == LOFI_RESAMPLE_SOXR) {
        av_opt_set_int(*context, "resampler", SWR_ENGINE_SOXR, 0);
        av_opt_set_double(*context, "precision", SOXR_PRECISION_BITS, 0);
    } else if (in_rate != out_rate && resampling == LOFI_RESAMPLE_LONG) {
        av_opt_set_int(*context, "filter_size", 64, 0);
        av_opt_set_double(*context, "cutoff", 0.97, 0);
    } else if (in_rate != out_rate) {
        av_opt_set_int(*context, "filter_size", 16, 0);
    }
    status = swr_init(*context);
    if (status < 0) swr_free(context);
    return status;
}

lofi_code lofi_converter_open(lofi_converter *converter, const AVChannelLayout *layout, enum AVSampleFormat format,
                              int in_rate, int out_channels, int out_rate, int64_t start, lofi_resampling resampling,
                              lofi_error *err) {
    AVChannelLayout out_layout = {0}, in_layout = {0};
    bool duplicate = layout->nb_channels == 1 && out_channels == 2;
    if (layout->order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&in_layout, layout->nb_channels);
    else if (av_channel_layout_copy(&in_layout, layout) < 0)
        return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a channel layout");
    if (out_channels == layout->nb_channels)
        (void)av_channel_layout_copy(&out_layout, &in_layout);
    else
        av_channel_layout_default(&out_layout, duplicate ? 1 : out_channels);
    SwrContext *context = NULL;
    int status = open_engine(&context, &out_layout, out_rate, &in_layout, format, in_rate, resampling);
    if (status < 0 && resampling == LOFI_RESAMPLE_SOXR)
        status = open_engine(&context, &out_layout, out_rate, &in_layout, format, in_rate, LOFI_RESAMPLE_LONG);
    int in_channels = in_layout.nb_channels;
    av_channel_layout_uninit(&in_layout);
    av_channel_layout_uninit(&out_layout);
    if (status < 0)
        return lofi_ffmpeg_fail(err, LOFI_ERR_UNSUPPORTED, status, "cannot convert %d channels at %d Hz to %d at %d Hz",
                                in_channels, in_rate, out_channels, out_rate);
    *converter = (lofi_converter){context, in_rate, out_rate, duplicate, 0, start};
    return LOFI_OK;
}

/* One call of the engine; data NULL takes out what is inside. *given: frames that came. */
static lofi_code convert_step(lofi_converter *converter, const uint8_t *const *data, int frames, lofi_planes *planes,
                              int64_t *given, lofi_error *err) {
    int room = swr_get_out_samples(converter->context, frames);
    if (room < 0) return lofi_ffmpeg_fail(err, LOFI_ERR_FORMAT, room, "cannot convert audio");
    room += 32;
    LOFI_TRY(lofi_planes_reserve(planes, room, err));
    uint8_t *out[LOFI_AUDIO_MAX_CHANNELS] = {NULL};
    for (int channel = 0; channel < planes->channels; channel++)
        out[channel] = (uint8_t *)(planes->data + channel * planes->capacity + planes->frames);
    int count = swr_convert(converter->context, out, room, (const uint8_t **)data, frames);
    if (count < 0) return lofi_ffmpeg_fail(err, LOFI_ERR_FORMAT, count, "cannot convert audio");
    if (converter->duplicate && count > 0) memcpy(out[1], out[0], (size_t)count * sizeof(float));
    planes->frames += count;
    *given = count;
    return LOFI_OK;
}

lofi_code lofi_converter_push(lofi_converter *converter, const uint8_t *const *data, int64_t frames,
                              lofi_planes *planes, lofi_error *err) {
    int64_t given;
    converter->taken += frames;
    return convert_step(converter, data, (int)frames, planes, &given, err);
}

lofi_code lofi_converter_finish(lofi_converter *converter, lofi_planes *planes, lofi_error *err) {
    int64_t given = 1;
    int64_t wanted = converter->start +
                     (converter->taken * converter->out_rate + converter->in_rate / 2) / converter->in_rate;
    while (given > 0 && planes->frames < wanted) LOFI_TRY(convert_step(converter, NULL, 0, planes, &given, err));
    LOFI_TRY(lofi_planes_resize(planes, wanted, err));
    lofi_converter_close(converter);
    return LOFI_OK;
}

void lofi_converter_close(lofi_converter *converter) {
    swr_free(&converter->context);
}

static lofi_code convert_all(lofi_planes *planes, const lofi_audio *audio, lofi_converter *converter, lofi_error *err) {
    for (int64_t from = 0; from < audio->frames; from += BLOCK_FRAMES) {
        const uint8_t *data[LOFI_AUDIO_MAX_CHANNELS];
        int64_t count = audio->frames - from < BLOCK_FRAMES ? audio->frames - from : BLOCK_FRAMES;
        for (int channel = 0; channel < audio->channels; channel++)
            data[channel] = (const uint8_t *)(audio->samples + channel * audio->frames + from);
        LOFI_TRY(lofi_converter_push(converter, data, count, planes, err));
    }
    return lofi_converter_finish(converter, planes, err);
}

static lofi_code convert(lofi_audio *out, const lofi_audio *audio, int sample_rate, int channels,
                         lofi_resampling resampling, lofi_error *err) {
    if (sample_rate < 1000 || sample_rate > 768000)
        return lofi_fail(err, LOFI_ERR_USAGE, "cannot convert audio to %d Hz: rates are 1000 to 768000 Hz",
                         sample_rate);
    if (channels != audio->channels && channels != 1 && channels != 2)
        return lofi_fail(err, LOFI_ERR_USAGE, "cannot convert audio to %d channels: it is 1 or 2", channels);
    LOFI_TRY(lofi_ffmpeg_begin(&lofi_library_swresample, err));
    AVChannelLayout layout;
    av_channel_layout_default(&layout, audio->channels);
    lofi_converter converter = {0};
    lofi_planes planes = {NULL, channels, 0, 0};
    LOFI_TRY(lofi_converter_open(&converter, &layout, AV_SAMPLE_FMT_FLTP, audio->sample_rate, channels, sample_rate, 0,
                                 resampling, err));
    lofi_code code = convert_all(&planes, audio, &converter, err);
    lofi_converter_close(&converter);
    if (code == LOFI_OK) lofi_planes_finish(&planes, sample_rate, out);
    lofi_planes_free(&planes);
    return code;
}

lofi_code lofi_audio_convert(lofi_audio *out, const lofi_audio *audio, int sample_rate, int channels, lofi_error *err) {
    return convert(out, audio, sample_rate, channels, LOFI_RESAMPLE_SOXR, err);
}

lofi_code lofi_audio_convert_quickly(lofi_audio *out, const lofi_audio *audio, int sample_rate, int channels,
                                     lofi_error *err) {
    return convert(out, audio, sample_rate, channels, LOFI_RESAMPLE_QUICK, err);
}
