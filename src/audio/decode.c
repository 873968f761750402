/* decode.c - see decode.h. */
#include "audio/decode.h"

#include <math.h>
#include <string.h>

#include "audio/ffmpeg_internal.h"
#include "audio/source.h"
#include "base/memory.h"

#define DAMAGED_SHARE   0.01
#define DAMAGED_PACKETS 3
#define SHORT_SHARE     0.02
#define SHORT_SECONDS   1.0
#define STREAMED_BYTES  2147418112.0 /* a WAV header that was never completed states 2 or 4 GiB */

/* The state of one decoding. A segment is a run of frames of one rate, format and layout; nearly every file has one.
 * */
typedef struct lofi_decoding {
    const lofi_decode_options *options;
    lofi_source source;
    lofi_planes planes; /* the result */
    int rate;           /* of the result; 0 until the first frame */
    bool open;          /* a segment is */
    int segment_rate, segment_format;
    AVChannelLayout segment_layout;
    lofi_converter to_float; /* the file's format to planar float, nothing else */
    lofi_converter to_target;
    lofi_planes block; /* one frame as planar float */
    int64_t position;  /* of the next frame in the file, in its own samples */
    int64_t skip_to;   /* where the wanted part begins, likewise */
    int64_t left;      /* frames of this segment still wanted */
    bool begun;        /* position is known */
} lofi_decoding;

static lofi_code close_segment(lofi_decoding *d, lofi_error *err) {
    if (!d->open) return LOFI_OK;
    d->open = false;
    lofi_converter_close(&d->to_float);
    return lofi_converter_finish(&d->to_target, &d->planes, err);
}

static lofi_code check_frame(const lofi_decoding *d, lofi_error *err) {
    const AVFrame *frame = d->source.frame;
    int channels = frame->ch_layout.nb_channels;
    if (channels < 1 || channels > LOFI_AUDIO_MAX_CHANNELS)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' has %d channels: 1 to %d can be read", d->source.path, channels,
                         LOFI_AUDIO_MAX_CHANNELS);
    if (frame->sample_rate < 1000 || frame->sample_rate > 768000)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' says its sample rate is %d Hz: 1000 to 768000 can be read",
                         d->source.path, frame->sample_rate);
    return LOFI_OK;
}

/* Room for what the file says it holds, so that the samples rarely move. */
static lofi_code first_frame(lofi_decoding *d, lofi_error *err) {
    lofi_audio_info info;
    lofi_source_describe(&d->source, &info);
    const AVFrame *frame = d->source.frame;
    d->rate = d->options->sample_rate != 0 ? d->options->sample_rate : frame->sample_rate;
    d->planes.channels = d->options->channels != 0 ? d->options->channels : frame->ch_layout.nb_channels;
    double seconds = info.declared_seconds < 0.0 ? 60.0 : info.declared_seconds - d->options->start_seconds;
    seconds = fmax(1.0, fmin(seconds, d->options->max_seconds)) + 1.0;
    return lofi_planes_reserve(&d->planes, (int64_t)(seconds * d->rate), err);
}

static lofi_code open_segment(lofi_decoding *d, lofi_error *err) {
    const AVFrame *frame = d->source.frame;
    if (d->rate == 0) LOFI_TRY(first_frame(d, err));
    if (d->begun) {
        d->position = av_rescale(d->position, frame->sample_rate, d->segment_rate);
        d->skip_to = av_rescale(d->skip_to, frame->sample_rate, d->segment_rate);
    }
    d->segment_rate = frame->sample_rate;
    d->segment_format = frame->format;
    av_channel_layout_uninit(&d->segment_layout);
    if (av_channel_layout_copy(&d->segment_layout, &frame->ch_layout) < 0)
        return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a channel layout");
    int channels = frame->ch_layout.nb_channels;
    lofi_planes_free(&d->block);
    d->block.channels = channels;
    LOFI_TRY(lofi_converter_open(&d->to_float, &frame->ch_layout, frame->format, frame->sample_rate, channels,
                                 frame->sample_rate, 0, LOFI_RESAMPLE_SOXR, err));
    LOFI_TRY(lofi_converter_open(&d->to_target, &frame->ch_layout, AV_SAMPLE_FMT_FLTP, frame->sample_rate,
                                 d->planes.channels, d->rate, d->planes.frames, LOFI_RESAMPLE_SOXR, err));
    double done = (double)d->planes.frames / d->rate;
    d->left = (int64_t)ceil((d->options->max_seconds - done) * frame->sample_rate - 1e-6);
    d->open = true;
    return LOFI_OK;
}

static bool same_segment(const lofi_decoding *d) {
    const AVFrame *frame = d->source.frame;
    return d->open && d->segment_rate == frame->sample_rate && d->segment_format == frame->format &&
           av_channel_layout_compare(&d->segment_layout, &frame->ch_layout) == 0;
}

/* The current frame as planar float: as it is where the decoder gives that. */
static lofi_code as_float(lofi_decoding *d, const float *planes[LOFI_AUDIO_MAX_CHANNELS], lofi_error *err) {
    const AVFrame *frame = d->source.frame;
    bool is_float = frame->format == AV_SAMPLE_FMT_FLTP;
    d->block.frames = 0;
    if (!is_float)
        LOFI_TRY(lofi_converter_push(&d->to_float, (const uint8_t *const *)frame->extended_data, frame->nb_samples,
                                     &d->block, err));
    for (int channel = 0; channel < d->block.channels; channel++)
        planes[channel] = is_float ? (const float *)frame->extended_data[channel]
                                   : d->block.data + channel * d->block.capacity;
    return LOFI_OK;
}

/* Keeps the wanted part of the current frame. */
static lofi_code take_frame(lofi_decoding *d, lofi_error *err) {
    const AVFrame *frame = d->source.frame;
    if (frame->nb_samples < 1) return LOFI_OK;
    LOFI_TRY(check_frame(d, err));
    if (!same_segment(d)) {
        LOFI_TRY(close_segment(d, err));
        LOFI_TRY(open_segment(d, err));
    }
    if (!d->begun) {
        d->position = d->options->start_seconds > 0.0 ? llround(lofi_source_time(&d->source, 0.0) * frame->sample_rate)
                                                      : 0;
        d->skip_to = llround(d->options->start_seconds * frame->sample_rate);
        d->begun = true;
    }
    int64_t from = d->skip_to > d->position ? d->skip_to - d->position : 0;
    int64_t count = frame->nb_samples - from, exact = d->source.exact_frames;
    if (exact >= 0 && d->position + from + count > exact) count = exact - d->position - from;
    d->position += frame->nb_samples;
    if (count > d->left) count = d->left;
    if (count <= 0) return LOFI_OK;
    const float *planes[LOFI_AUDIO_MAX_CHANNELS] = {NULL};
    LOFI_TRY(as_float(d, planes, err));
    for (int channel = 0; channel < d->block.channels; channel++) planes[channel] += from;
    if (d->options->tap != NULL)
        d->options->tap(d->options->tap_user, planes, d->block.channels, count, frame->sample_rate);
    d->left -= count;
    return lofi_converter_push(&d->to_target, (const uint8_t *const *)planes, count, &d->planes, err);
}

static lofi_code read_all(lofi_decoding *d, bool *complete, lofi_error *err) {
    bool more = true;
    *complete = false;
    while (!(d->open && d->left <= 0)) {
        LOFI_TRY(lofi_source_next(&d->source, &more, err));
        if (!more) break;
        LOFI_TRY(take_frame(d, err));
    }
    *complete = !more;
    return close_segment(d, err);
}

/* Seconds that the header promises, where it is a promise and not an estimate; else negative. */
static double promised_seconds(const lofi_decoding *d, const lofi_audio_info *info) {
    const AVCodecParameters *parameters = d->source.stream->codecpar;
    if (d->source.stream->duration == AV_NOPTS_VALUE ||
        d->source.format->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE)
        return -1.0;
    int bits = av_get_bits_per_sample(parameters->codec_id);
    if (bits > 0 && info->declared_seconds * info->sample_rate * info->channels * bits / 8 >= STREAMED_BYTES)
        return -1.0;
    return info->declared_seconds;
}

static lofi_code check_length(const lofi_decoding *d, const lofi_audio_info *info, lofi_error *err) {
    double promised = promised_seconds(d, info), found = (double)d->position / d->segment_rate;
    double missing = lofi_source_missing_share(&d->source);
    if (missing > 0.0) promised = found / (1.0 - missing);
    if (!info->complete || promised - found <= SHORT_SECONDS || promised - found <= SHORT_SHARE * promised)
        return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT,
                     "'%s' is cut off or damaged: it holds %.1f s of the %.1f s that its header states", d->source.path,
                     found, promised);
}

static lofi_code check_damage(const lofi_decoding *d, const lofi_audio_info *info, lofi_error *err) {
    const char *path = d->source.path;
    if (info->damaged > DAMAGED_PACKETS && (double)info->damaged > DAMAGED_SHARE * (double)info->packets)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is damaged: %lld of %lld packets cannot be decoded (%s)", path,
                         (long long)info->damaged, (long long)info->packets, lofi_ffmpeg_message());
    if (d->planes.frames == 0 && d->begun && d->options->start_seconds > 0.0)
        return lofi_fail(err, LOFI_ERR_USAGE, "'%s' ends before second %g", path, d->options->start_seconds);
    if (d->planes.frames == 0)
        return lofi_fail(err, LOFI_ERR_FORMAT, "nothing in '%s' can be decoded%s%s", path,
                         lofi_ffmpeg_message()[0] == '\0' ? "" : ": ", lofi_ffmpeg_message());
    return check_length(d, info, err);
}

static lofi_code check_finite(const lofi_decoding *d, lofi_error *err) {
    for (int channel = 0; channel < d->planes.channels; channel++) {
        const float *samples = d->planes.data + channel * d->planes.capacity;
        for (int64_t i = 0; i < d->planes.frames; i++)
            if (!isfinite(samples[i]))
                return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' holds samples that are not numbers, the first at %.3f s",
                                 d->source.path, (double)i / d->rate);
    }
    return LOFI_OK;
}

static lofi_code decode_open(lofi_decoding *d, lofi_audio_info *info, lofi_error *err) {
    bool complete;
    LOFI_TRY(lofi_source_start(&d->source, err));
    if (!lofi_source_seek(&d->source, d->options->start_seconds)) {
        const char *path = d->source.path;
        lofi_source_close(&d->source);
        LOFI_TRY(lofi_source_open(&d->source, path, err));
        LOFI_TRY(lofi_source_start(&d->source, err));
    }
    LOFI_TRY(read_all(d, &complete, err));
    lofi_source_describe(&d->source, info);
    info->complete = complete;
    if (d->open || d->begun) {
        info->sample_rate = d->segment_rate;
        info->channels = d->segment_layout.nb_channels;
    }
    LOFI_TRY(check_damage(d, info, err));
    return check_finite(d, err);
}

lofi_code lofi_audio_decode(lofi_audio *out, lofi_audio_info *info, const char *path,
                            const lofi_decode_options *options, lofi_error *err) {
    if (!(options->max_seconds > 0.0) || !(options->start_seconds >= 0.0))
        return lofi_fail(err, LOFI_ERR_USAGE, "cannot read %g s of '%s' from second %g", options->max_seconds, path,
                         options->start_seconds);
    lofi_decoding d = {.options = options};
    lofi_audio_info found;
    LOFI_TRY(lofi_source_open(&d.source, path, err));
    lofi_code code = decode_open(&d, &found, err);
    if (code == LOFI_OK) {
        lofi_planes_finish(&d.planes, d.rate, out);
        if (info != NULL) *info = found;
    }
    lofi_converter_close(&d.to_float);
    lofi_converter_close(&d.to_target);
    lofi_planes_free(&d.planes);
    lofi_planes_free(&d.block);
    av_channel_layout_uninit(&d.segment_layout);
    lofi_source_close(&d.source);
    return code;
}
