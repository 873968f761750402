/* case_audio_to_latent.c - sound to latents as the trainer makes them (44.1 kHz, log-mel, encoder, length), and back. */
#include <stdio.h>
#include <string.h>

#include "audio/log_mel.h"
#include "audio/resample_sinc.h"
#include "base/json.h"
#include "eval/selftest_case.h"
#include "models/audio_decoder.h"
#include "models/audio_encoder.h"
#include "models/music_vocoder.h"

#define LIMIT    1e-5
#define DECODED  5e-5
#define RATE     48000 /* Hz */
#define CHANNELS 2

/* The sound: [batch, CHANNELS, count]. */
typedef struct sound {
    const float *samples;
    int64_t batch, count;
} sound;

/* `parts` runs of `size` values each; room for them comes from the first run. */
typedef struct gathered {
    float *values;
    int64_t parts, size;
} gathered;

static lofi_code gather(lofi_selftest *test, gathered *all, int64_t index, const float *values, int64_t size,
                        lofi_error *err) {
    if (index == 0) {
        all->size = size;
        all->values = lofi_arena_alloc(test->arena, (size_t)(all->parts * size + 1) * sizeof *all->values);
        if (!all->values) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for sound");
    }
    memcpy(all->values + index * size, values, (size_t)size * sizeof *values);
    return LOFI_OK;
}

static lofi_code compare_resampled(lofi_selftest *test, const sound *in, lofi_error *err) {
    lofi_resampler *resampler;
    LOFI_TRY(lofi_resampler_new(&resampler, RATE, LOFI_ENCODER_RATE, err));
    int64_t length = lofi_resampler_length(resampler, in->count), parts = in->batch * CHANNELS;
    float *out = lofi_arena_alloc(test->arena, (size_t)(parts * length + 1) * sizeof *out);
    for (int64_t i = 0; out && i < parts; i++)
        lofi_resampler_run(resampler, in->samples + i * in->count, in->count, out + i * length);
    lofi_resampler_free(resampler);
    if (!out) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for sound");
    return lofi_selftest_compare(test, "audio_44k", out, 3, (int64_t[]){in->batch, CHANNELS, length}, LIMIT, err);
}

static lofi_code open_mel(lofi_mel **mel, const lofi_selftest *test, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    json_t *config;
    lofi_mel_settings settings;
    LOFI_TRY(lofi_selftest_path(path, test, "model/music_vocoder/config.json", err));
    LOFI_TRY(lofi_json_load(&config, path, err));
    lofi_code code = lofi_vocoder_mel_read(&settings, config, err);
    json_decref(config);
    return code == LOFI_OK ? lofi_mel_new(mel, &settings, err) : code;
}

static lofi_code make_mels(lofi_selftest *test, const lofi_mel *mel, const sound *in, lofi_error *err) {
    lofi_encoder_input_options options = LOFI_ENCODER_INPUT_OPTIONS_INIT;
    gathered all = {.parts = in->batch};
    int64_t frames = 0;
    options.sample_rate = RATE;
    options.unscaled = true;
    for (int64_t i = 0; i < in->batch; i++) {
        lofi_encoder_input input = {0};
        LOFI_TRY(
            lofi_encoder_input_make(&input, mel, in->samples + i * CHANNELS * in->count, in->count, &options, err));
        frames = input.frames;
        lofi_code code = gather(test, &all, i, input.values, CHANNELS * input.n_mels * input.frames, err);
        lofi_encoder_input_free(&input);
        LOFI_TRY(code);
    }
    int64_t dims[] = {in->batch, CHANNELS, lofi_mel_bands(mel), frames};
    return lofi_selftest_compare(test, "log_mel", all.values, 4, dims, LIMIT, err);
}

static lofi_code compare_mels(lofi_selftest *test, const sound *in, lofi_error *err) {
    lofi_mel *mel = NULL;
    LOFI_TRY(open_mel(&mel, test, err));
    lofi_code code = make_mels(test, mel, in, err);
    lofi_mel_free(mel);
    return code;
}

static lofi_code encode(lofi_selftest *test, lofi_audio_encoder *encoder, const sound *in, lofi_error *err) {
    gathered all = {.parts = in->batch};
    lofi_latents latents = {0};
    for (int64_t i = 0; i < in->batch; i++) {
        LOFI_TRY(lofi_audio_encoder_run(encoder, in->samples + i * CHANNELS * in->count, in->count, &latents, err));
        LOFI_TRY(gather(test, &all, i, latents.values, latents.channels * latents.height * latents.frames, err));
    }
    int64_t dims[] = {in->batch, latents.channels, latents.height, latents.frames};
    return lofi_selftest_compare(test, "latent", all.values, 4, dims, LIMIT, err);
}

static lofi_code compare_latents(lofi_selftest *test, const sound *in, lofi_error *err) {
    char dcae[LOFI_PATH_MAX], vocoder[LOFI_PATH_MAX];
    lofi_audio_encoder *encoder;
    LOFI_TRY(lofi_selftest_path(dcae, test, "model/music_dcae_f8c8", err));
    LOFI_TRY(lofi_selftest_path(vocoder, test, "model/music_vocoder", err));
    LOFI_TRY(lofi_audio_encoder_open(&encoder, dcae, vocoder, test->options->threads, err));
    lofi_code code = encode(test, encoder, in, err);
    lofi_audio_encoder_close(encoder);
    return code;
}

static lofi_code compare_lengths(lofi_selftest *test, const sound *in, lofi_error *err) {
    int64_t *lengths = lofi_arena_alloc(test->arena, (size_t)in->batch * sizeof *lengths);
    if (!lengths) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for sound");
    for (int64_t i = 0; i < in->batch; i++) lengths[i] = lofi_latent_length(in->count, RATE);
    return lofi_selftest_compare_integers(test, "latent_length", lengths, in->batch, LIMIT, err);
}

/* The first recorded latents, so that each direction answers for itself; cut to the length of the sound, as recorded. */
static lofi_code decode(lofi_selftest *test, lofi_audio_decoder *decoder, const lofi_stored_tensor *latents,
                        int64_t length, lofi_error *err) {
    const int64_t *dims = latents->dims;
    const float *values;
    lofi_audio audio = LOFI_AUDIO_INIT;
    gathered all = {.parts = CHANNELS};
    lofi_code code = LOFI_OK;
    if (dims[1] != lofi_audio_decoder_channels(decoder) || dims[2] != lofi_audio_decoder_height(decoder))
        return lofi_fail(err, LOFI_ERR_FORMAT, "'latent' has another shape than the decoder's latents");
    LOFI_TRY(lofi_recorded_f32(&values, test, latents, 0, (size_t)(dims[1] * dims[2] * dims[3]), err));
    LOFI_TRY(lofi_audio_decoder_run(decoder, values, dims[3], &audio, err));
    if (length > audio.frames) length = audio.frames;
    for (int64_t channel = 0; code == LOFI_OK && channel < CHANNELS; channel++)
        code = gather(test, &all, channel, audio.samples + channel * audio.frames, length, err);
    lofi_audio_free(&audio);
    LOFI_TRY(code);
    return lofi_selftest_compare(test, "decoded_48k", all.values, 2, (int64_t[]){CHANNELS, length}, DECODED, err);
}

static lofi_code compare_decoded(lofi_selftest *test, const sound *in, lofi_error *err) {
    const lofi_stored_tensor *latents;
    char dcae[LOFI_PATH_MAX], vocoder[LOFI_PATH_MAX];
    lofi_audio_decoder *decoder;
    if (!lofi_safetensors_find(test->recorded, "decoded_48k")) return LOFI_OK;
    LOFI_TRY(lofi_recorded_get(&latents, test->recorded, "latent", 4, err));
    LOFI_TRY(lofi_selftest_path(dcae, test, "model/music_dcae_f8c8", err));
    LOFI_TRY(lofi_selftest_path(vocoder, test, "model/music_vocoder", err));
    LOFI_TRY(lofi_audio_decoder_open(&decoder, dcae, vocoder, test->options->threads, err));
    lofi_code code = decode(test, decoder, latents, in->count, err);
    lofi_audio_decoder_close(decoder);
    return code;
}

static lofi_code run_case(lofi_selftest *test, lofi_error *err) {
    const lofi_stored_tensor *audio;
    sound in;
    LOFI_TRY(lofi_selftest_input(&audio, test, "audio_48k", 3, err));
    if (audio->dims[1] != CHANNELS)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'audio_48k' has %lld channels, expected %d", (long long)audio->dims[1],
                         CHANNELS);
    in.batch = audio->dims[0];
    in.count = audio->dims[2];
    LOFI_TRY(lofi_recorded_f32(&in.samples, test, audio, 0, audio->count, err));
    LOFI_TRY(compare_resampled(test, &in, err));
    LOFI_TRY(compare_mels(test, &in, err));
    LOFI_TRY(compare_latents(test, &in, err));
    LOFI_TRY(compare_lengths(test, &in, err));
    return compare_decoded(test, &in, err);
}

const lofi_selftest_case lofi_case_audio_to_latent = {.name = "audio_to_latent", .run = run_case};
