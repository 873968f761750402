/* picture.h - a recording as two small pictures, as PNG files in memory. */
#ifndef LOFI_AUDIO_PICTURE_H
#define LOFI_AUDIO_PICTURE_H

#include "audio/audio.h"
#include "base/buffer.h"
#include "base/error.h"

#define LOFI_PICTURE_WIDTH      480
#define LOFI_WAVEFORM_HEIGHT    72
#define LOFI_SPECTROGRAM_HEIGHT 128

/* From left to right the whole piece; for each column the lowest and highest sample of all channels on a scale from -1 to 1, and
 * the root mean square in a darker tone. Columns that reach 0.99 are red. Appended to `png`. */
lofi_code lofi_picture_waveform(lofi_buffer *png, const lofi_audio *audio, lofi_error *err) LOFI_MUST_USE;

/* From left to right the whole piece, from bottom to top 0 Hz to half the rate; from black to white -96 dB to 0 dB of a sine of
 * full scale (Hann window of 2,048 samples, the loudest of the frames and bins that fall on a point). Appended to `png`. */
lofi_code lofi_picture_spectrogram(lofi_buffer *png, const lofi_audio *audio, lofi_error *err) LOFI_MUST_USE;

#endif
