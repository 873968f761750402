/* audio_decoder.c - see the header. Three networks in a row: `start` on the whole, `end` and `vocoder` in windows. */
#include "models/audio_decoder.h"

#include <string.h>

#include "audio/log_mel.h"
#include "audio/resample_sinc.h"
#include "base/memory.h"
#include "models/audio_encoder.h"
#include "models/loaded.h"
#include "models/music_dcae.h"
#include "models/music_vocoder.h"
#include "models/windowed.h"
#include "ops/ops.h"

#define OUTPUT_RATE 48000 /* Hz */
#define CHANNELS    2     /* of sound: one picture each */

struct lofi_audio_decoder {
    lofi_loaded *dcae, *voice;
    lofi_dcae_config config;
    lofi_vocoder_config vocoder_config;
    lofi_windowed start, end, vocoder;
    lofi_resampler *resampler;
    int64_t height;
    int64_t window; /* latent frames; 0: all */
    bool (*progress)(void *user, double share);
    void *user;
};

/* ---- opening ---- */

static lofi_code build_start(lofi_audio_decoder *d, const lofi_dcae_split *split, int threads, lofi_error *err) {
    lofi_windowed *s = &d->start;
    lofi_dim columns;
    LOFI_TRY(lofi_windowed_start(s, &columns, err));
    lofi_builder builder = {.graph = s->graph, .source = lofi_loaded_source(d->dcae)};
    lofi_dim dims[] = {1, d->config.latent_channels, d->height, columns};
    s->in = lofi_graph_input(s->graph, "latents", lofi_shape_of(LOFI_F32, 4, dims));
    s->out = lofi_dcae_decode_start(&builder, &d->config, s->in);
    s->out_factor = lofi_dcae_reduction(&d->config.decoder) / split->factor;
    s->in_rows = d->config.latent_channels * d->height;
    s->out_rows = split->channels * d->height * s->out_factor;
    return lofi_windowed_finish(s, threads, err);
}

static lofi_code build_end(lofi_audio_decoder *d, const lofi_dcae_split *split, int threads, lofi_error *err) {
    lofi_windowed *s = &d->end;
    lofi_dim columns;
    LOFI_TRY(lofi_windowed_start(s, &columns, err));
    lofi_builder builder = {.graph = s->graph, .source = lofi_loaded_source(d->dcae)};
    lofi_dim dims[] = {1, split->channels, d->height * d->start.out_factor, columns};
    s->in = lofi_graph_input(s->graph, "features", lofi_shape_of(LOFI_F32, 4, dims));
    s->out = lofi_dcae_decode_end(&builder, &d->config, s->in);
    s->out_factor = split->factor;
    s->reach = split->reach;
    s->in_rows = d->start.out_rows;
    s->out_rows = CHANNELS * d->vocoder_config.input_channels;
    return lofi_windowed_finish(s, threads, err);
}

static lofi_code build_vocoder(lofi_audio_decoder *d, int threads, lofi_error *err) {
    const lofi_vocoder_config *config = &d->vocoder_config;
    lofi_windowed *s = &d->vocoder;
    lofi_dim columns;
    LOFI_TRY(lofi_windowed_start(s, &columns, err));
    lofi_builder builder = {.graph = s->graph, .source = lofi_loaded_source(d->voice)};
    lofi_dim dims[] = {CHANNELS, config->input_channels, columns};
    s->in = lofi_graph_input(s->graph, "mel", lofi_shape_of(LOFI_F32, 3, dims));
    s->out = lofi_vocoder_head(&builder, config, lofi_vocoder_backbone(&builder, config, s->in));
    s->out_factor = config->mel.hop;
    s->reach = lofi_vocoder_reach(config);
    s->in_rows = CHANNELS * config->input_channels;
    s->out_rows = CHANNELS;
    return lofi_windowed_finish(s, threads, err);
}

static lofi_code read_configs(lofi_audio_decoder *d, lofi_error *err) {
    LOFI_TRY(lofi_dcae_config_read(&d->config, lofi_loaded_config(d->dcae), err));
    LOFI_TRY(lofi_vocoder_config_read(&d->vocoder_config, lofi_loaded_config(d->voice), err));
    int64_t reduction = lofi_dcae_reduction(&d->config.decoder), bands = d->vocoder_config.input_channels;
    if (d->config.in_channels != CHANNELS)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "'%s': 'in_channels' is %lld, but stereo sound has %d channels",
                         lofi_loaded_folder(d->dcae), (long long)d->config.in_channels, CHANNELS);
    if (bands % reduction != 0)
        return lofi_fail(err, LOFI_ERR_FORMAT,
                         "'%s': 'input_channels' is %lld, but the decoder beside it gives multiples of %lld",
                         lofi_loaded_folder(d->voice), (long long)bands, (long long)reduction);
    d->height = bands / reduction;
    return LOFI_OK;
}

static lofi_code open_parts(lofi_audio_decoder *d, const char *dcae_folder, const char *vocoder_folder, int threads,
                            lofi_error *err) {
    LOFI_TRY(lofi_loaded_open(&d->dcae, &lofi_model_music_dcae, dcae_folder, err));
    LOFI_TRY(lofi_loaded_open(&d->voice, &lofi_model_music_vocoder, vocoder_folder, err));
    LOFI_TRY(read_configs(d, err));
    lofi_dcae_split split = lofi_dcae_decoder_split(&d->config);
    LOFI_TRY(build_start(d, &split, threads, err));
    LOFI_TRY(build_end(d, &split, threads, err));
    LOFI_TRY(build_vocoder(d, threads, err));
    return lofi_resampler_new(&d->resampler, LOFI_ENCODER_RATE, OUTPUT_RATE, err);
}

lofi_code lofi_audio_decoder_open(lofi_audio_decoder **out, const char *dcae_folder, const char *vocoder_folder,
                                  int threads, lofi_error *err) {
    void *memory = NULL;
    LOFI_TRY(lofi_alloc(&memory, 1, sizeof(lofi_audio_decoder), "the audio decoder", err));
    lofi_audio_decoder *decoder = memory;
    decoder->window = LOFI_DECODER_WINDOW;
    lofi_code code = open_parts(decoder, dcae_folder, vocoder_folder, threads, err);
    if (code == LOFI_OK)
        *out = decoder;
    else
        lofi_audio_decoder_close(decoder);
    return code;
}

void lofi_audio_decoder_close(lofi_audio_decoder *decoder) {
    if (!decoder) return;
    lofi_windowed_close(&decoder->start);
    lofi_windowed_close(&decoder->end);
    lofi_windowed_close(&decoder->vocoder);
    lofi_loaded_close(decoder->dcae);
    lofi_loaded_close(decoder->voice);
    lofi_resampler_free(decoder->resampler);
    lofi_free(decoder);
}

int64_t lofi_audio_decoder_channels(const lofi_audio_decoder *decoder) {
    return decoder->config.latent_channels;
}

int64_t lofi_audio_decoder_height(const lofi_audio_decoder *decoder) {
    return decoder->height;
}

static int64_t mel_frames(const lofi_audio_decoder *d, int64_t frames) {
    return frames * d->start.out_factor * d->end.out_factor;
}

int64_t lofi_audio_decoder_length(const lofi_audio_decoder *decoder, int64_t frames) {
    return lofi_resampler_length(decoder->resampler, mel_frames(decoder, frames) * decoder->vocoder.out_factor);
}

void lofi_audio_decoder_set_window(lofi_audio_decoder *decoder, int64_t frames) {
    decoder->window = frames;
}

void lofi_audio_decoder_set_progress(lofi_audio_decoder *decoder, bool (*progress)(void *user, double share),
                                     void *user) {
    decoder->progress = progress;
    decoder->user = user;
}

size_t lofi_audio_decoder_activation_bytes(const lofi_audio_decoder *decoder) {
    return lofi_windowed_activation_bytes(&decoder->start) + lofi_windowed_activation_bytes(&decoder->end) +
           lofi_windowed_activation_bytes(&decoder->vocoder);
}

/* ---- running ---- */

/* How far a run is: stages take shares of the whole. */
typedef struct stage_share {
    const lofi_audio_decoder *decoder;
    double begun, done;
} stage_share;

static lofi_code tell(void *user, double share, lofi_error *err) {
    const stage_share *s = user;
    const lofi_audio_decoder *d = s->decoder;
    if (!d->progress || d->progress(d->user, s->begun + (s->done - s->begun) * share)) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_INTERRUPTED, "decoding was stopped");
}

/* The whole of `in` in windows of `step` columns; the run's progress goes from `begun` to `done`. */
static lofi_code run_stage(const lofi_audio_decoder *d, lofi_windowed *network, const lofi_columns *in,
                           lofi_columns *out, int64_t step, double begun, double done, lofi_error *err) {
    stage_share share = {d, begun, done};
    return lofi_windowed_run(network, in, step, out, &(lofi_windowed_progress){tell, &share}, err);
}

static lofi_code resample(const lofi_audio_decoder *d, const lofi_columns *wave, lofi_audio *out, lofi_error *err) {
    void *samples = NULL;
    int64_t length = lofi_resampler_length(d->resampler, wave->columns);
    LOFI_TRY(lofi_alloc(&samples, (size_t)(CHANNELS * length), sizeof(float), "decoded music", err));
    for (int64_t channel = 0; channel < CHANNELS; channel++)
        lofi_resampler_run(d->resampler, wave->values + channel * wave->columns, wave->columns,
                           (float *)samples + channel * length);
    *out = (lofi_audio){samples, length, CHANNELS, OUTPUT_RATE};
    return LOFI_OK;
}

/* Sheets of one run: each is freed as soon as the next one is there. */
typedef struct sheets {
    lofi_columns latents, features, mel, wave;
} sheets;

static lofi_code decode(lofi_audio_decoder *d, const float *latents, int64_t frames, sheets *s, lofi_error *err) {
    int64_t window = d->window > 0 && d->window < frames ? d->window : frames;
    LOFI_TRY(lofi_columns_new(&s->latents, d->start.in_rows, frames, "latents", err));
    for (int64_t i = 0; i < s->latents.rows * frames; i++)
        s->latents.values[i] = latents[i] / LOFI_LATENT_FACTOR - LOFI_LATENT_SHIFT;
    LOFI_TRY(run_stage(d, &d->start, &s->latents, &s->features, frames, 0.0, 0.15, err));
    lofi_columns_free(&s->latents);
    LOFI_TRY(run_stage(d, &d->end, &s->features, &s->mel, window * d->start.out_factor, 0.15, 0.4, err));
    lofi_columns_free(&s->features);
    for (int64_t i = 0; i < s->mel.rows * s->mel.columns; i++)
        s->mel.values[i] = (s->mel.values[i] * 0.5f + 0.5f) * (LOFI_MEL_HIGH - LOFI_MEL_LOW) + LOFI_MEL_LOW;
    LOFI_TRY(run_stage(d, &d->vocoder, &s->mel, &s->wave, mel_frames(d, window), 0.4, 1.0, err));
    return LOFI_OK;
}

lofi_code lofi_audio_decoder_run(lofi_audio_decoder *decoder, const float *latents, int64_t frames, lofi_audio *out,
                                 lofi_error *err) {
    sheets s = {0};
    if (frames < 1) return lofi_fail(err, LOFI_ERR_USAGE, "there are no latent frames to decode");
    lofi_code code = decode(decoder, latents, frames, &s, err);
    if (code == LOFI_OK) code = resample(decoder, &s.wave, out, err);
    lofi_columns_free(&s.latents);
    lofi_columns_free(&s.features);
    lofi_columns_free(&s.mel);
    lofi_columns_free(&s.wave);
    return code;
}
