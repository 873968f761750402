/* fourier.c - see fourier.h. */
#include "audio/fourier.h"

#include <libavutil/mem.h>
#include <math.h>

bool lofi_fourier_open(lofi_fourier *fourier, int64_t length) {
    double scale = 1.0;
    size_t bins = (size_t)length / 2 + 1;
    *fourier = (lofi_fourier){0};
    fourier->input = av_calloc((size_t)length, sizeof *fourier->input);
    fourier->output = av_calloc(bins, sizeof *fourier->output);
    fourier->scratch = av_calloc(bins, sizeof *fourier->scratch);
    if (fourier->input && fourier->output && fourier->scratch &&
        av_tx_init(&fourier->context, &fourier->function, AV_TX_DOUBLE_RDFT, 0, (int)length, &scale, 0) >= 0)
        return true;
    lofi_fourier_close(fourier);
    return false;
}

void lofi_fourier_close(lofi_fourier *fourier) {
    av_tx_uninit(&fourier->context);
    av_free(fourier->input);
    av_free(fourier->output);
    av_free(fourier->scratch);
    *fourier = (lofi_fourier){0};
}

void lofi_fourier_run(lofi_fourier *fourier) {
    fourier->function(fourier->context, fourier->output, fourier->input, sizeof *fourier->input);
}

lofi_code lofi_spectrum_open(lofi_spectrum *spectrum, int64_t length, lofi_error *err) {
    LOFI_TRY(lofi_library_open(&lofi_library_avutil, err));
    float scale = 1.0f;
    size_t bins = (size_t)length / 2 + 1;
    *spectrum = (lofi_spectrum){.length = length};
    spectrum->window = av_calloc((size_t)length, sizeof *spectrum->window);
    spectrum->input = av_calloc((size_t)length, sizeof *spectrum->input);
    spectrum->output = av_calloc(bins, sizeof *spectrum->output);
    spectrum->power = av_calloc(bins, sizeof *spectrum->power);
    if (spectrum->window == NULL || spectrum->input == NULL || spectrum->output == NULL || spectrum->power == NULL ||
        av_tx_init(&spectrum->context, &spectrum->function, AV_TX_FLOAT_RDFT, 0, (int)length, &scale, 0) < 0) {
        lofi_spectrum_close(spectrum);
        return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a spectrum");
    }
    /* The mean of a Hann window is a half, and a sine has half its power at each side. */
    for (int64_t i = 0; i < length; i++)
        spectrum->window[i] = (float)((0.5 - 0.5 * cos(2.0 * M_PI * (double)i / (double)length)) * 4.0 /
                                      (double)length);
    return LOFI_OK;
}

void lofi_spectrum_close(lofi_spectrum *spectrum) {
    av_tx_uninit(&spectrum->context);
    av_free(spectrum->window);
    av_free(spectrum->input);
    av_free(spectrum->output);
    av_free(spectrum->power);
    *spectrum = (lofi_spectrum){0};
}

void lofi_spectrum_run(lofi_spectrum *spectrum, const float *samples) {
    for (int64_t i = 0; i < spectrum->length; i++) spectrum->input[i] = spectrum->window[i] * samples[i];
    spectrum->function(spectrum->context, spectrum->output, spectrum->input, sizeof *spectrum->input);
    for (int64_t bin = 0; bin <= spectrum->length / 2; bin++) {
        AVComplexFloat value = spectrum->output[bin];
        spectrum->power[bin] = value.re * value.re + value.im * value.im;
    }
}

float lofi_reflected(const float *samples, int64_t count, int64_t index) {
    if (index < 0) return samples[-index];
    return index < count ? samples[index] : samples[2 * (count - 1) - index];
}
