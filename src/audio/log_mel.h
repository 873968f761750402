/* log_mel.h - the log-mel spectrogram that the audio encoder sees, and the way from 48 kHz stereo to it.
 *
 * Must match ACE-Step's `music_log_mel.py` and `music_dcae_pipeline.py` (torch.stft without centring, torchaudio's
 * `MelScale` with mel scale and norm "slaney"):
 *
 *     padded  = reflect(x, (window - hop) / 2 before, (window - hop + 1) / 2 after)
 *     frames  = (padded length - n_fft) / hop + 1
 *     mag     = sqrt(re^2 + im^2 + 1e-6), periodic Hann window, centred in n_fft when shorter
 *     mel     = log(max(filters x mag, 1e-5))
 *     network = ((mel + 11) / 14 - 0.5) / 0.5        mel in [-11, 3] becomes [-1, 1]; not clipped
 *
 * The Fourier transform is done in double precision (FFmpeg's av_tx) and the sums in a fixed order, so that the
 * result does not depend on the processor's vector instructions or the number of threads.
 */
#ifndef LOFI_AUDIO_LOG_MEL_H
#define LOFI_AUDIO_LOG_MEL_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/resample_sinc.h"
#include "base/error.h"

/* As in the vocoder's config.json: sampling_rate, n_fft, win_length, hop_length, n_mels, f_min, f_max. */
typedef struct lofi_mel_settings {
    int sample_rate; /* Hz, of what the filters see                                  */
    int n_fft;       /* samples; a power of two, 16 to 65,536                        */
    int window;      /* samples; 1 to n_fft                                          */
    int hop;         /* samples; 1 to window                                         */
    int n_mels;      /* 1 to 4,096                                                   */
    double f_min;    /* Hz                                                           */
    double f_max;    /* Hz, above f_min; 0 means half the sample rate (rounded down) */
} lofi_mel_settings;

/* The released vocoder. */
#define LOFI_MEL_SETTINGS_INIT                                                                                         \
    { 44100, 2048, 2048, 512, 128, 40.0, 16000.0 }

typedef struct lofi_mel lofi_mel;

/* *out is yours: lofi_mel_free. LOFI_ERR_UNSUPPORTED names the setting that is out of range. Never changed
 * afterwards: threads may share it. */
lofi_code lofi_mel_new(lofi_mel **out, const lofi_mel_settings *settings, lofi_error *err) LOFI_MUST_USE;
void lofi_mel_free(lofi_mel *mel); /* NULL is fine */

int lofi_mel_bands(const lofi_mel *mel); /* n_mels */
/* What the original keeps in the vocoder's file. window: [win_length]; filters: [n_fft / 2 + 1, n_mels]. */
void lofi_mel_copy_window(const lofi_mel *mel, float *window);
void lofi_mel_copy_filters(const lofi_mel *mel, float *filters);

/* Frames for `samples` samples; 0 when there are too few for one frame or for the reflection. */
int64_t lofi_mel_frames(const lofi_mel *mel, int64_t samples);

/* One channel: samples [count] -> out [n_mels, frames]. LOFI_ERR_USAGE when lofi_mel_frames is 0. Uses OpenMP. */
lofi_code lofi_mel_run(const lofi_mel *mel, const float *samples, int64_t count, float *out,
                       lofi_error *err) LOFI_MUST_USE;

/* ---- the whole way to the encoder's input ---- */

/* What the networks see as -1 and 1 (min_mel_value and max_mel_value of MusicDCAE). */
#define LOFI_MEL_LOW          -11.0f
#define LOFI_MEL_HIGH         3.0f
#define LOFI_ENCODER_RATE     44100 /* Hz; fixed in the original, whatever the config says */
#define LOFI_ENCODER_MULTIPLE 4096  /* samples; 8 frames of 512, one latent step: fixed in the original */

typedef struct lofi_encoder_input {
    float *values; /* [channels, n_mels, frames], scaled: for the DCAE encoder; yours: lofi_encoder_input_free */
    int channels;  /* 2 */
    int n_mels;
    int64_t frames; /* a multiple of LOFI_ENCODER_MULTIPLE / hop where that divides */
} lofi_encoder_input;

typedef struct lofi_encoder_input_options {
    int sample_rate; /* of the samples given, Hz: 48000                                                       */
    bool clip;       /* clip samples to [-1, 1] before resampling, as the trainer's dataset reader does       */
    bool unscaled;   /* leave the log-mel as it is, without the scaling to [-1, 1]: for comparison only      */
} lofi_encoder_input_options;

#define LOFI_ENCODER_INPUT_OPTIONS_INIT                                                                                \
    { 48000, false, false }

/* samples: [2, count], planar. Resampled to 44.1 kHz (resample_sinc.h), zeros appended up to a multiple of 4,096
 * (none when it is one), log-mel, scaled. LOFI_ERR_USAGE when count is less than 1. */
lofi_code lofi_encoder_input_make(lofi_encoder_input *out, const lofi_mel *mel, const float *samples, int64_t count,
                                  const lofi_encoder_input_options *options, lofi_error *err) LOFI_MUST_USE;
void lofi_encoder_input_free(lofi_encoder_input *input); /* zeroes it */

/* How many latent frames of a clip of `count` samples are real music and not padding: count / rate * 44100 / 512 / 8
 * rounded down, in the original's single precision. The encoder's output may be one frame longer. */
int64_t lofi_latent_length(int64_t count, int sample_rate);

#endif
