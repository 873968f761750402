/* resample_sinc.h - the windowed-sinc resampler that the base model's trainer listens through.
 *
 * Must match torchaudio.transforms.Resample at its defaults (torchaudio 2.5.1): filter width L = 6 zero crossings,
 * rolloff 0.99, Hann-windowed sinc, taps computed in double precision and kept as float. Any two rates; both are
 * divided by their greatest common divisor first, giving `from` and `to`:
 *
 *     base     = 0.99 * min(from, to)
 *     width    = ceil(L * from / base)
 *     t(p, k)  = base * (k / from - p / to)              p: output phase 0..to-1, k: input offset
 *     -width..width+from-1 tap(p,k) = base / from * sinc(t) * cos(pi t / 2L)^2   for |t| < L, else 0
 *     y[i * to + p] = sum over k of tap(p, k) * x[i * from + k]     (x is zero outside its ends)
 *
 * The original computes -p / to in single precision; so do we, the taps would differ in their sixth digit otherwise.
 * Only taps inside the window are stored, so that unusual pairs of rates (44,100 to 48,001) cost no gigabytes.
 */
#ifndef LOFI_AUDIO_RESAMPLE_SINC_H
#define LOFI_AUDIO_RESAMPLE_SINC_H

#include <stdint.h>

#include "base/error.h"

typedef struct lofi_resampler lofi_resampler;

/* *out is yours: lofi_resampler_free. Rates in Hz, 1 to 10,000,000; LOFI_ERR_USAGE outside, LOFI_ERR_MEMORY when the
 * taps of such a pair would pass 256 MiB. A finished resampler is never changed: threads may share it. */
lofi_code lofi_resampler_new(lofi_resampler **out, int from_rate, int to_rate, lofi_error *err) LOFI_MUST_USE;
void lofi_resampler_free(lofi_resampler *resampler); /* NULL is fine */

/* Samples that come out for `count` samples in: ceil(count * to / from), the quotient rounded to single precision
 * first, as in the original (this shows only above 8,388,608 samples, 190 s at 44.1 kHz: there the length may be off
 * by one from the exact one). */
int64_t lofi_resampler_length(const lofi_resampler *resampler, int64_t count);

/* x: [count] -> y: [lofi_resampler_length(count)]; they may not overlap. One channel; call once per channel. Equal
 * rates copy. Uses OpenMP; every output sample is one sum in a fixed order, so the result does not depend on
 * threads. */
void lofi_resampler_run(const lofi_resampler *resampler, const float *x, int64_t count, float *y);

#endif
