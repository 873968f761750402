/* fourier.h - the spectrum of one frame of sound, in double or single precision (FFmpeg's av_tx). Inside of audio/ only. */
#ifndef LOFI_AUDIO_FOURIER_H
#define LOFI_AUDIO_FOURIER_H

#include <libavutil/tx.h>
#include <stdbool.h>
#include <stdint.h>

#include "audio/audio_libraries.h"

/* What one thread needs. */
typedef struct lofi_fourier {
    AVTXContext *context;
    av_tx_fn function;
    double *input;           /* [length] */
    AVComplexDouble *output; /* [length / 2 + 1] */
    double *scratch;         /* [length / 2 + 1], for the caller */
} lofi_fourier;

/* length: a power of two. lofi_library_avutil is to be open. False when memory is out; nothing is left open then. */
bool lofi_fourier_open(lofi_fourier *fourier, int64_t length);
void lofi_fourier_close(lofi_fourier *fourier);
/* input -> output */
void lofi_fourier_run(lofi_fourier *fourier);

/* The same in single precision, several times as fast: for measures that need no more. */
typedef struct lofi_spectrum {
    AVTXContext *context;
    av_tx_fn function;
    int64_t length;
    float *window;          /* [length]: Hann */
    float *input;           /* [length] */
    AVComplexFloat *output; /* [length / 2 + 1] */
    float *power;           /* [length / 2 + 1] */
} lofi_spectrum;

lofi_code lofi_spectrum_open(lofi_spectrum *spectrum, int64_t length, lofi_error *err) LOFI_MUST_USE;
void lofi_spectrum_close(lofi_spectrum *spectrum); /* fine on a zeroed one */
/* power[bin] of `length` samples under the window: 1 for a sine of amplitude 1 at the middle of a bin. */
void lofi_spectrum_run(lofi_spectrum *spectrum, const float *samples);

/* samples[index], mirrored at both ends without repeating them (numpy's "reflect"); at most count - 1 outside. */
float lofi_reflected(const float *samples, int64_t count, int64_t index);

#endif
