/* tempo.h - beats per minute of a recording.
 *
 * Onset strength: the rise of 24 bands of the log spectrum from one frame to the next (512 samples at 11,025 Hz, 128 apart: 86.1
 * frames per second), summed, less its mean over a second. Its autocorrelation r is searched for the period p from 50 to 200
 * bpm that has the most of
 *
 *     (r(p) + r(2p)/2 + r(4p)/4) / 1.75                the beat, and longer bars of two and four
 *       - 0.1 max(0, r(p/2))                           less, where the same could be said of half the period
 *       - 0.4 max(0, (r(p/3) + r(2p/3))/2 - r(p/2))    less, where it falls into three parts rather than two: one and a half beats
 *
 * weighted by a log-normal bell around 100 bpm, 0.9 octaves wide, and then refined at 2, 4 and 8 periods. The bell decides where
 * music may be counted at half or at double speed. The confidence is (r(p) + r(2p) + r(4p)) / (3 r(0)), 0..1: near 0 for noise,
 * near 1 for a metronome; below 0.1 the tempo should not be believed.
 *
 * Sources: spectral flux of Bello et al., "A tutorial on onset detection in music signals" (2005); autocorrelation with a
 * log-normal bell of Ellis, "Beat tracking by dynamic programming" (2007).
 */
#ifndef LOFI_AUDIO_TEMPO_H
#define LOFI_AUDIO_TEMPO_H

#include "audio/audio.h"
#include "base/error.h"

#define LOFI_TEMPO_CONFIDENT 0.1

typedef struct lofi_tempo {
    double bpm;        /* 50..200; NaN where nothing begins: silence, a steady tone, less than 10 s */
    double confidence; /* 0..1 */
} lofi_tempo;

/* audio: mono, 11,025 Hz. */
lofi_code lofi_tempo_measure(lofi_tempo *out, const lofi_audio *audio, lofi_error *err) LOFI_MUST_USE;

#endif
