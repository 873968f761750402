/* bandwidth.h - how high a recording reaches, and whether an encoder cut it there.
 *
 * The mean power spectrum over the piece (4,096 samples under a Hann window, both channels, up to 128 frames spread evenly over
 * it; frames below -60 dB of the loudest are left out) is smoothed over 200 Hz.
 *
 *     bandwidth    highest frequency at which it is above -80 dB of its own maximum
 *     cutoff       where it falls most steeply between 10 and 19.2 kHz: from the mean of the 600 Hz below to the mean of the
 *                  800 Hz that begin 400 Hz above, both in dB, nothing counting as lower than -100 dB
 *     encoded      the fall is at least 18 dB: no instrument and no analogue filter falls like that; an encoder of 128 kbit/s or
 *                  less does, at 15 to 17.5 kHz, whatever format the file has now. A low-pass that a producer put below 10 kHz
 *                  is not taken for it. Where next to nothing was left up there, a cut is not seen.
 *
 * Method: the "spectral cut-off" of the literature on double compression (e.g. D'Alessandro and Shi, "MP3 bit rate quality
 * detection through frequency spectrum analysis", MM&Sec 2009).
 */
#ifndef LOFI_AUDIO_BANDWIDTH_H
#define LOFI_AUDIO_BANDWIDTH_H

#include <stdbool.h>

#include "audio/audio.h"
#include "base/error.h"

typedef struct lofi_bandwidth {
    double bandwidth_hz;
    double cutoff_hz,
        cutoff_db; /* where, and how far it falls; NaN when the rate leaves no room for a cutoff to be seen */
    bool encoded;
} lofi_bandwidth;

/* Of a mono or stereo piece. A piece of less than 4,096 frames, or of silence, has bandwidth 0 and no cutoff. */
lofi_code lofi_bandwidth_measure(lofi_bandwidth *out, const lofi_audio *audio, lofi_error *err) LOFI_MUST_USE;

#endif
