/* fourier.c - see fourier.h. */
#include "audio/fourier.h"

#include <libavutil/mem.h>

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

float lofi_reflected(const float *samples, int64_t count, int64_t index) {
    if (index < 0) return samples[-index];
    return index < count ? samples[index] : samples[2 * (count - 1) - index];
}
