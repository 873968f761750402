/* quality.h - one number for how good a recording is as training material, made of its measures (measures.h).
 *
 * 100 minus the penalties below, not under 0, rounded to a whole number. A measure that is not known costs nothing; nothing but
 * silence scores 0.
 *
 *     clipping       40 * clamp(clipped share / 0.1 %)                     at 0.1 % a song is refused
 *     silence        40 * clamp((silence share - 2 %) / 48 %)              at 50 % a song is refused
 *     flat wave      10 * clamp(flat runs a minute / 60)                   tops cut off, though perhaps below the limit
 *     loudness range 10 * clamp((2 LU - range) / 2 LU)                     everything equally loud
 *                    10 * clamp((range - 20 LU) / 10 LU)                   or the quiet half inaudible
 *     true peak      10 * clamp((true peak of the track - 0 dBTP) / 2 dB)  what was written overshoots when it is played
 *     bandwidth      20 when up-converted
 *                    10 * clamp((8 kHz - bandwidth) / 5 kHz)               muffled beyond what the style asks for
 *     DC offset      10 * clamp((offset - 0.002) / 0.05)
 *     balance        10 * clamp((|balance| - 3 dB) / 9 dB)                 one side nearly missing
 *     phase          15 * clamp((-0.1 - correlation) / 0.6)                vanishes in a mono mix
 *     level          20 * clamp((-20 dBFS - peak) / 40 dB)                 recorded far too quietly: noise comes up with it
 *
 * clamp: limited to 0..1.
 */
#ifndef LOFI_AUDIO_QUALITY_H
#define LOFI_AUDIO_QUALITY_H

#include "audio/measures.h"

/* seconds: the length of what was measured. */
int lofi_quality_score(const lofi_measures *measures, double seconds);

#endif
