/* loudness.h - loudness and true peak by EBU R 128 and ITU-R BS.1770 (libebur128). */
#ifndef LOFI_AUDIO_LOUDNESS_H
#define LOFI_AUDIO_LOUDNESS_H

#include "audio/audio.h"
#include "base/error.h"

typedef struct lofi_loudness {
    double integrated_lufs; /* NaN when everything is below the gate (-70 LUFS) or the piece is shorter than 400 ms */
    double range_lu;        /* NaN likewise; loudness range by EBU Tech 3342, meaningful from a minute or so */
    double true_peak_dbtp;  /* -200 for digital silence */
} lofi_loudness;

/* Of a mono or stereo piece. */
lofi_code lofi_loudness_measure(lofi_loudness *out, const lofi_audio *audio, lofi_error *err) LOFI_MUST_USE;

/* The true peak of a stream: the highest value of the wave between the samples, by libebur128's interpolation.
 *
 * Interpolation raises a stretch by at most the sum of the filter's absolute coefficients: stretches that cannot reach the
 * peak found so far are left out, so the result is that of looking everywhere, for a fraction of the time. */
typedef struct lofi_true_peak lofi_true_peak;
lofi_code lofi_true_peak_new(lofi_true_peak **out, int channels, int sample_rate, lofi_error *err) LOFI_MUST_USE;
/* Has the type of a decoder's tap (decode.h): user is the meter. channels and sample_rate as it was made for. */
void lofi_true_peak_add(void *user, const float *const *planes, int channels, int64_t frames, int sample_rate);
/* In dBTP; -200 for digital silence. LOFI_ERR_MEMORY when memory was out on the way. */
lofi_code lofi_true_peak_result(double *dbtp, lofi_true_peak *meter, lofi_error *err) LOFI_MUST_USE;
void lofi_true_peak_free(lofi_true_peak *meter); /* NULL is fine */

#endif
