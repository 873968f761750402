/* encoder_input.c - from 48 kHz stereo to the scaled log-mel that the audio encoder takes; see log_mel.h. */
#include <math.h>
#include <string.h>

#include "audio/log_mel.h"
#include "base/memory.h"

/* The padded 44.1 kHz form of one channel; `padded` zeros are there already. */
static void prepare_channel(const lofi_resampler *resampler, const float *samples, int64_t count, bool clip,
                            float *scratch, float *padded) {
    if (clip) {
        for (int64_t i = 0; i < count; i++) scratch[i] = fmaxf(-1.0f, fminf(1.0f, samples[i]));
        samples = scratch;
    }
    lofi_resampler_run(resampler, samples, count, padded);
}

static void scale_to_network(float *values, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        values[i] = ((values[i] - LOFI_MEL_LOW) / (LOFI_MEL_HIGH - LOFI_MEL_LOW) - 0.5f) / 0.5f;
}

static lofi_code fill_channels(lofi_encoder_input *input, const lofi_mel *mel, const lofi_resampler *resampler,
                               const float *samples, int64_t count, int64_t padded_count,
                               const lofi_encoder_input_options *options, lofi_error *err) {
    float *scratch = NULL, *padded = NULL;
    lofi_code code;
    LOFI_TRY_GOTO(lofi_alloc((void **)&padded, (size_t)padded_count, sizeof(float), "resampled audio", err), done);
    if (options->clip)
        LOFI_TRY_GOTO(lofi_alloc((void **)&scratch, (size_t)count, sizeof(float), "clipped audio", err), done);
    int64_t per_channel = input->n_mels * input->frames;
    for (int channel = 0; channel < input->channels; channel++) {
        float *values = input->values + channel * per_channel;
        prepare_channel(resampler, samples + channel * count, count, options->clip, scratch, padded);
        LOFI_TRY_GOTO(lofi_mel_run(mel, padded, padded_count, values, err), done);
        if (!options->unscaled) scale_to_network(values, per_channel);
    }
done:
    lofi_free(scratch);
    lofi_free(padded);
    return code;
}

lofi_code lofi_encoder_input_make(lofi_encoder_input *out, const lofi_mel *mel, const float *samples, int64_t count,
                                  const lofi_encoder_input_options *options, lofi_error *err) {
    if (count < 1) return lofi_fail(err, LOFI_ERR_USAGE, "there are no samples to make a spectrogram of");
    lofi_resampler *resampler;
    LOFI_TRY(lofi_resampler_new(&resampler, options->sample_rate, LOFI_ENCODER_RATE, err));
    int64_t resampled = lofi_resampler_length(resampler, count);
    int64_t padded = (resampled + LOFI_ENCODER_MULTIPLE - 1) / LOFI_ENCODER_MULTIPLE * LOFI_ENCODER_MULTIPLE;
    lofi_encoder_input input = {NULL, 2, lofi_mel_bands(mel), lofi_mel_frames(mel, padded)};
    size_t values = (size_t)(2 * input.n_mels) * (size_t)input.frames;
    lofi_code code = lofi_alloc((void **)&input.values, values, sizeof(float), "a log-mel spectrogram", err);
    if (code == LOFI_OK) code = fill_channels(&input, mel, resampler, samples, count, padded, options, err);
    lofi_resampler_free(resampler);
    if (code != LOFI_OK) {
        lofi_encoder_input_free(&input);
        return code;
    }
    *out = input;
    return LOFI_OK;
}

void lofi_encoder_input_free(lofi_encoder_input *input) {
    lofi_free(input->values);
    *input = (lofi_encoder_input){0};
}

int64_t lofi_latent_length(int64_t count, int sample_rate) {
    float seconds = (float)count / (float)sample_rate;
    return (int64_t)(seconds * (float)LOFI_ENCODER_RATE / 512.0f / 8.0f);
}
