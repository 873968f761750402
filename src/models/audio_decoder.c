/* audio_decoder.c - see the header. Two networks in a row, both in windows. */
#include "models/audio_decoder.h"

#include <string.h>

#include "audio/log_mel.h"
#include "audio/resample_sinc.h"
#include "base/memory.h"
#include "models/audio_encoder.h"
#include "models/dcae_windows.h"
#include "models/loaded.h"
#include "models/music_vocoder.h"
#include "ops/ops.h"

#define OUTPUT_RATE 48000 /* Hz */
#define CHANNELS    2     /* of sound: one picture each */

struct lofi_audio_decoder {
    lofi_loaded *dcae, *voice;
    lofi_dcae_config config;
    lofi_vocoder_config vocoder_config;
    lofi_dcae_windows *pictures;
    lofi_windowed vocoder;
    lofi_resampler *resampler;
    int64_t height, reduction; /* of the latents; mel frames for each of theirs */
    int64_t window;            /* latent frames; 0: all */
    bool (*progress)(void *user, double share);
    void *user;
};

/* ---- opening ---- */

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
    int64_t bands = d->vocoder_config.input_channels;
    d->reduction = lofi_dcae_reduction(&d->config.decoder);
    if (d->config.in_channels != CHANNELS)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "'%s': 'in_channels' is %lld, but stereo sound has %d channels",
                         lofi_loaded_folder(d->dcae), (long long)d->config.in_channels, CHANNELS);
    if (bands % d->reduction != 0)
        return lofi_fail(err, LOFI_ERR_FORMAT,
                         "'%s': 'input_channels' is %lld, but the decoder beside it gives multiples of %lld",
                         lofi_loaded_folder(d->voice), (long long)bands, (long long)d->reduction);
    d->height = bands / d->reduction;
    return LOFI_OK;
}

static lofi_code open_parts(lofi_audio_decoder *d, const char *dcae_folder, const char *vocoder_folder, int threads,
                            lofi_error *err) {
    LOFI_TRY(lofi_loaded_open(&d->dcae, &lofi_model_music_dcae, dcae_folder, err));
    LOFI_TRY(lofi_loaded_open(&d->voice, &lofi_model_music_vocoder, vocoder_folder, err));
    LOFI_TRY(read_configs(d, err));
    LOFI_TRY(lofi_dcae_windows_open(&d->pictures, lofi_loaded_source(d->dcae), &d->config, LOFI_DCAE_DECODER, d->height,
                                    threads, err));
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
    lofi_dcae_windows_close(decoder->pictures);
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

int64_t lofi_audio_decoder_length(const lofi_audio_decoder *decoder, int64_t frames) {
    return lofi_resampler_length(decoder->resampler, frames * decoder->reduction * decoder->vocoder.out_factor);
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
    size_t pictures = lofi_dcae_windows_activation_bytes(decoder->pictures);
    size_t vocoder = lofi_windowed_activation_bytes(&decoder->vocoder);
    return pictures > vocoder ? pictures : vocoder;
}

/* ---- running ---- */

/* How far a run is: each network takes a share of the whole. */
typedef struct share {
    const lofi_audio_decoder *decoder;
    double begun, done;
} share;

static lofi_code tell(void *user, double part, lofi_error *err) {
    const share *s = user;
    const lofi_audio_decoder *d = s->decoder;
    if (!d->progress || d->progress(d->user, s->begun + (s->done - s->begun) * part)) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_INTERRUPTED, "decoding was stopped");
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

/* The pictures of latents, as log-mel. */
static lofi_code decode_pictures(lofi_audio_decoder *d, const float *latents, int64_t frames, lofi_columns *mel,
                                 lofi_error *err) {
    lofi_columns z = {0};
    share half = {d, 0, 0.4};
    LOFI_TRY(lofi_columns_new(&z, d->config.latent_channels * d->height, frames, "latents", err));
    for (int64_t i = 0; i < z.rows * frames; i++) z.values[i] = latents[i] / LOFI_LATENT_FACTOR - LOFI_LATENT_SHIFT;
    lofi_windowed_progress progress = {tell, &half};
    LOFI_TRY(lofi_dcae_windows_run(d->pictures, &z, d->window, mel, &progress, err));
    for (int64_t i = 0; i < mel->rows * mel->columns; i++)
        mel->values[i] = (mel->values[i] * 0.5f + 0.5f) * (LOFI_MEL_HIGH - LOFI_MEL_LOW) + LOFI_MEL_LOW;
    return LOFI_OK;
}

static lofi_code speak(lofi_audio_decoder *d, const lofi_columns *mel, lofi_columns *wave, lofi_error *err) {
    share half = {d, 0.4, 1};
    lofi_windowed_progress progress = {tell, &half};
    return lofi_windowed_run(&d->vocoder, mel, d->window * d->reduction, wave, &progress, err);
}

lofi_code lofi_audio_decoder_run(lofi_audio_decoder *decoder, const float *latents, int64_t frames, lofi_audio *out,
                                 lofi_error *err) {
    lofi_columns mel = {0}, wave = {0};
    if (frames < 1) return lofi_fail(err, LOFI_ERR_USAGE, "there are no latent frames to decode");
    lofi_code code = decode_pictures(decoder, latents, frames, &mel, err);
    if (code == LOFI_OK) code = speak(decoder, &mel, &wave, err);
    lofi_columns_free(&mel);
    if (code == LOFI_OK) code = resample(decoder, &wave, out, err);
    lofi_columns_free(&wave);
    return code;
}
