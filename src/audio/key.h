/* key.h - the musical key of a recording.
 *
 * Peaks of the spectrum from 65 to 2,100 Hz (8,192 samples at 11,025 Hz), their frequency refined by a
 * parabola through three log magnitudes, are added to twelve pitch classes with the square root of their magnitude, after the
 * tuning of the piece (the circular mean of the peaks' distance to the tempered scale) is taken off. The 24 keys are compared
 * by Pearson's correlation with the profiles that Temperley found in the Kostka-Payne corpus ("Music and Probability", 2007,
 * table 6.1). The confidence is the difference of the best correlation to that of the best key that is not its relative
 * or its parallel one, times 2, clamped to 0..1; below 0.1 the key should not be believed.
 */
#ifndef LOFI_AUDIO_KEY_H
#define LOFI_AUDIO_KEY_H

#include <stdbool.h>

#include "audio/audio.h"
#include "base/error.h"

#define LOFI_KEY_CONFIDENT 0.1

typedef struct lofi_key {
    int tonic; /* 0 is C ... 11 is B; -1 when there is no pitch: silence, less than 2 s */
    bool minor;
    double confidence;   /* 0..1 */
    double tuning_cents; /* -50..50, above a' = 440 Hz */
} lofi_key;

/* audio: mono, 11,025 Hz. */
lofi_code lofi_key_measure(lofi_key *out, const lofi_audio *audio, lofi_error *err) LOFI_MUST_USE;

/* "F# minor", or NULL when there is none. Sharps, as the prompts have them. */
const char *lofi_key_name(const lofi_key *key);
/* The other way; false for anything else. */
bool lofi_key_parse(lofi_key *key, const char *name);

#endif
