/* audio_encoder.c - see the header. */
#include "models/audio_encoder.h"

#include <stdlib.h>
#include <string.h>

#include "audio/log_mel.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "models/dcae_windows.h"
#include "models/loaded.h"
#include "models/music_vocoder.h"

#define INPUT_RATE 48000 /* Hz */
#define PICTURES   2     /* one per channel of sound */

struct lofi_audio_encoder {
    char dcae_config[LOFI_PATH_MAX], vocoder_config[LOFI_PATH_MAX];
    lofi_mel_settings settings;
    lofi_mel *mel;
    lofi_loaded *weights;
    lofi_dcae_config config;
    int64_t reduction; /* mel frames per latent frame */
    lofi_dcae_windows *network;
    int64_t window;       /* latent frames; 0: all */
    lofi_columns latents; /* of the last song */
};

/* ---- opening ---- */

static lofi_code read_mel(lofi_audio_encoder *encoder, lofi_error *err) {
    json_t *config = NULL;
    LOFI_TRY(lofi_json_load(&config, encoder->vocoder_config, err));
    lofi_code code = lofi_vocoder_mel_read(&encoder->settings, config, err);
    if (code == LOFI_OK) code = lofi_mel_new(&encoder->mel, &encoder->settings, err);
    json_decref(config);
    if (code != LOFI_OK) lofi_error_prefix(err, "'%s'", encoder->vocoder_config);
    return code;
}

static lofi_code check_config(const lofi_audio_encoder *encoder, lofi_error *err) {
    if (encoder->config.in_channels != PICTURES)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "'%s': 'in_channels' is %lld, but stereo sound has %d channels",
                         encoder->dcae_config, (long long)encoder->config.in_channels, PICTURES);
    if (encoder->settings.n_mels % encoder->reduction != 0)
        return lofi_fail(err, LOFI_ERR_FORMAT,
                         "'%s': 'n_mels' is %d, but the encoder beside it needs a multiple of %lld",
                         encoder->vocoder_config, encoder->settings.n_mels, (long long)encoder->reduction);
    return LOFI_OK;
}

static lofi_code build(lofi_audio_encoder *encoder, int threads, lofi_error *err) {
    LOFI_TRY(lofi_dcae_config_read(&encoder->config, lofi_loaded_config(encoder->weights), err));
    encoder->reduction = lofi_dcae_reduction(&encoder->config.encoder);
    LOFI_TRY(check_config(encoder, err));
    return lofi_dcae_windows_open(&encoder->network, lofi_loaded_source(encoder->weights), &encoder->config,
                                  LOFI_DCAE_ENCODER, encoder->settings.n_mels, threads, err);
}

static lofi_code open_parts(lofi_audio_encoder *encoder, const char *dcae_folder, const char *vocoder_folder,
                            int threads, lofi_error *err) {
    LOFI_TRY(lofi_path_format(encoder->dcae_config, err, "%s/config.json", dcae_folder));
    LOFI_TRY(lofi_path_format(encoder->vocoder_config, err, "%s/config.json", vocoder_folder));
    LOFI_TRY(read_mel(encoder, err));
    LOFI_TRY(lofi_loaded_open(&encoder->weights, &lofi_model_music_dcae, dcae_folder, err));
    return build(encoder, threads, err);
}

lofi_code lofi_audio_encoder_open(lofi_audio_encoder **out, const char *dcae_folder, const char *vocoder_folder,
                                  int threads, lofi_error *err) {
    lofi_audio_encoder *encoder = calloc(1, sizeof *encoder);
    if (!encoder) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the audio encoder");
    encoder->window = LOFI_ENCODER_WINDOW;
    lofi_code code = open_parts(encoder, dcae_folder, vocoder_folder, threads, err);
    if (code == LOFI_OK)
        *out = encoder;
    else
        lofi_audio_encoder_close(encoder);
    return code;
}

void lofi_audio_encoder_close(lofi_audio_encoder *encoder) {
    if (!encoder) return;
    lofi_dcae_windows_close(encoder->network);
    lofi_columns_free(&encoder->latents);
    lofi_loaded_close(encoder->weights);
    lofi_mel_free(encoder->mel);
    free(encoder);
}

void lofi_audio_encoder_set_window(lofi_audio_encoder *encoder, int64_t frames) {
    encoder->window = frames;
}

size_t lofi_audio_encoder_activation_bytes(const lofi_audio_encoder *encoder) {
    return lofi_dcae_windows_activation_bytes(encoder->network);
}

/* ---- running ---- */

static lofi_code encode(lofi_audio_encoder *e, lofi_columns *picture, lofi_latents *out, lofi_error *err) {
    if (picture->columns % e->reduction != 0)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "%lld spectrogram frames are no multiple of the encoder's %lld",
                         (long long)picture->columns, (long long)e->reduction);
    lofi_columns_free(&e->latents);
    LOFI_TRY(lofi_dcae_windows_run(e->network, picture, e->window, &e->latents, NULL, err));
    int64_t count = e->latents.rows * e->latents.columns;
    for (int64_t i = 0; i < count; i++)
        e->latents.values[i] = (e->latents.values[i] + LOFI_LATENT_SHIFT) * LOFI_LATENT_FACTOR;
    *out = (lofi_latents){
        .values = e->latents.values,
        .channels = e->config.latent_channels,
        .height = e->settings.n_mels / e->reduction,
        .frames = e->latents.columns,
    };
    return LOFI_OK;
}

lofi_code lofi_audio_encoder_run(lofi_audio_encoder *encoder, const float *samples, int64_t count, lofi_latents *out,
                                 lofi_error *err) {
    lofi_encoder_input_options options = LOFI_ENCODER_INPUT_OPTIONS_INIT;
    lofi_encoder_input input = {0};
    options.sample_rate = INPUT_RATE;
    options.clip = true;
    LOFI_TRY(lofi_encoder_input_make(&input, encoder->mel, samples, count, &options, err));
    lofi_columns picture = {input.values, (int64_t)PICTURES * input.n_mels, input.frames};
    lofi_code code = encode(encoder, &picture, out, err);
    lofi_columns_free(&picture);
    return code;
}

/* ---- identity ---- */

static lofi_code add_file(lofi_sha256 *state, const char *name, const char *path, lofi_error *err) {
    char hex[LOFI_SHA256_HEX];
    LOFI_TRY(lofi_sha256_file(hex, path, err));
    lofi_sha256_add_text(state, name);
    lofi_sha256_add_text(state, hex);
    return LOFI_OK;
}

static lofi_code add_files(const lofi_audio_encoder *encoder, lofi_sha256 *state, lofi_error *err) {
    char weights[LOFI_SHA256_HEX];
    LOFI_TRY(add_file(state, "dcae config", encoder->dcae_config, err));
    LOFI_TRY(add_file(state, "vocoder config", encoder->vocoder_config, err));
    LOFI_TRY(lofi_weights_hash(weights, lofi_loaded_weights(encoder->weights), err));
    lofi_sha256_add_text(state, weights);
    return LOFI_OK;
}

lofi_code lofi_audio_encoder_hash(const lofi_audio_encoder *encoder, char hex[65], lofi_error *err) {
    lofi_sha256 *state = NULL;
    char digest[LOFI_SHA256_HEX];
    LOFI_TRY(lofi_sha256_new(&state, err));
    lofi_code code = add_files(encoder, state, err);
    lofi_sha256_end(state, digest);
    if (code == LOFI_OK) memcpy(hex, digest, sizeof digest);
    return code;
}
