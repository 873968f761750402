/* audio_decoder.h - latents to 48 kHz stereo: the DCAE decoder, the vocoder and resampling together.
 *
 * Follows MusicDCAE.decode of ACE-Step (acestep/music_dcae/music_dcae_pipeline.py):
 *     z = latents / 0.1786 - 1.9091;  mel = 14 (picture / 2 + 1 / 2) - 11, one picture per channel;
 *     44.1 kHz samples by the vocoder, channel by channel; 48 kHz by torchaudio's windowed sinc (audio/resample_sinc.h)
 *
 * Music of any length is decoded in windows of time that overlap by what a sample depends on (models/dcae_windows.h,
 * lofi_vocoder_reach), and equals what decoding the whole gives; nothing is cross-faded.
 */
#ifndef LOFI_MODELS_AUDIO_DECODER_H
#define LOFI_MODELS_AUDIO_DECODER_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/audio.h"
#include "base/error.h"

#define LOFI_DECODER_WINDOW 96 /* latent frames: 8.9 s in the released model */

typedef struct lofi_audio_decoder lofi_audio_decoder;

/* dcae_folder, vocoder_folder: config.json and weights of music_dcae_f8c8 and music_vocoder. threads 0: all. *out is
 * yours. LOFI_ERR_FORMAT or LOFI_ERR_UNSUPPORTED naming the config when the two do not fit together. */
lofi_code lofi_audio_decoder_open(lofi_audio_decoder **out, const char *dcae_folder, const char *vocoder_folder,
                                  int threads, lofi_error *err) LOFI_MUST_USE;
void lofi_audio_decoder_close(lofi_audio_decoder *decoder); /* NULL is fine */

/* Shape of the latents: [channels, height, frames], 8 and 16 in the released model. */
int64_t lofi_audio_decoder_channels(const lofi_audio_decoder *decoder);
int64_t lofi_audio_decoder_height(const lofi_audio_decoder *decoder);
/* 48 kHz samples per channel that `frames` latent frames become. */
int64_t lofi_audio_decoder_length(const lofi_audio_decoder *decoder, int64_t frames);

/* Latent frames of new music per window, LOFI_DECODER_WINDOW at first; 0: everything at once. */
void lofi_audio_decoder_set_window(lofi_audio_decoder *decoder, int64_t frames);
/* Called after each window with the share that is done, 0 to 1; false ends the run with LOFI_ERR_INTERRUPTED. NULL: none. */
void lofi_audio_decoder_set_progress(lofi_audio_decoder *decoder, bool (*progress)(void *user, double share),
                                     void *user);

/* latents: [channels, height, frames], frames >= 1. *out: 48 kHz stereo, not clipped beyond the vocoder's (-1, 1); yours:
 * lofi_audio_free. */
lofi_code lofi_audio_decoder_run(lofi_audio_decoder *decoder, const float *latents, int64_t frames, lofi_audio *out,
                                 lofi_error *err) LOFI_MUST_USE;

/* Bytes of the largest activation buffer so far: the networks have theirs one after the other. */
size_t lofi_audio_decoder_activation_bytes(const lofi_audio_decoder *decoder);

#endif
