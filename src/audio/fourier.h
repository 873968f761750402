/* fourier.h - the spectrum of one frame of sound, in double precision (FFmpeg's av_tx). Inside of audio/ only. */
#ifndef LOFI_AUDIO_FOURIER_H
#define LOFI_AUDIO_FOURIER_H

#include <libavutil/tx.h>
#include <stdbool.h>
#include <stdint.h>

/* What one thread needs. */
typedef struct lofi_fourier {
    AVTXContext *context;
    av_tx_fn function;
    double *input;           /* [length] */
    AVComplexDouble *output; /* [length / 2 + 1] */
    double *scratch;         /* [length / 2 + 1], for the caller */
} lofi_fourier;

/* length: a power of two. False when memory is out; nothing is left open then. */
bool lofi_fourier_open(lofi_fourier *fourier, int64_t length);
void lofi_fourier_close(lofi_fourier *fourier);
/* input -> output */
void lofi_fourier_run(lofi_fourier *fourier);

/* samples[index], mirrored at both ends without repeating them (numpy's "reflect"); at most count - 1 outside. */
float lofi_reflected(const float *samples, int64_t count, int64_t index);

#endif
