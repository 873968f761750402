/* audio_encoder.h - 48 kHz stereo to latents: resampling, log-mel and the DCAE encoder together, as the trainer does it.
 *
 * latents = (z + 1.9091) * 0.1786 with z the encoder's output (MusicDCAE.encode of ACE-Step, acestep/music_dcae).
 *
 * The autoencoder runs in windows of time and gives what it gives for the whole (models/dcae_windows.h), so that the memory of a
 * song is its sound, its spectrogram and the smallest pictures.
 */
#ifndef LOFI_MODELS_AUDIO_ENCODER_H
#define LOFI_MODELS_AUDIO_ENCODER_H

#include <stdint.h>

#include "base/error.h"

/* latents = (z + shift) * factor; the decoder goes the other way. */
#define LOFI_LATENT_SHIFT  1.9091f
#define LOFI_LATENT_FACTOR 0.1786f

#define LOFI_ENCODER_WINDOW 96 /* latent frames: 8.9 s in the released model */

typedef struct lofi_audio_encoder lofi_audio_encoder;

/* dcae_folder: config.json and weights of music_dcae_f8c8; vocoder_folder: only its config.json is read, for the mel
 * settings (sampling_rate, n_fft, win_length, hop_length, n_mels, f_min, f_max). threads 0: all. *out is yours. */
lofi_code lofi_audio_encoder_open(lofi_audio_encoder **out, const char *dcae_folder, const char *vocoder_folder,
                                  int threads, lofi_error *err) LOFI_MUST_USE;
void lofi_audio_encoder_close(lofi_audio_encoder *encoder); /* NULL is fine */

typedef struct lofi_latents {
    const float *values;      /* [channels, height, frames], borrowed until the next call */
    int64_t channels, height; /* 8 and 16 in the released model */
    int64_t frames;
} lofi_latents;

/* Latent frames of new music per window, LOFI_ENCODER_WINDOW at first; 0: everything at once. */
void lofi_audio_encoder_set_window(lofi_audio_encoder *encoder, int64_t frames);

/* samples: [2, count] planar at 48 kHz. Clipped to [-1, 1] first, as the trainer's data reader does. */
lofi_code lofi_audio_encoder_run(lofi_audio_encoder *encoder, const float *samples, int64_t count, lofi_latents *out,
                                 lofi_error *err) LOFI_MUST_USE;

/* Bytes of the largest activation buffer so far. */
size_t lofi_audio_encoder_activation_bytes(const lofi_audio_encoder *encoder);

/* SHA-256 of everything that the latents depend on besides the samples: config files and weights. Takes the time of reading
 * the weights once. */
lofi_code lofi_audio_encoder_hash(const lofi_audio_encoder *encoder, char hex[65], lofi_error *err) LOFI_MUST_USE;

#endif
