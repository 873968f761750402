/* frechet.h - the Frechet distance of two sets of embeddings, each seen as a normal distribution.
 *
 * d = |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)), with covariances of n - 1 (numpy.cov), as calculate_frechet_distance of
 * gudgud96/frechet-audio-distance. There the root of the product comes from scipy's sqrtm; here its trace is the sum of the roots
 * of the eigenvalues of S1^(1/2) S2 S1^(1/2), which is symmetric and has the same eigenvalues: no imaginary parts, and
 * covariances without full rank need no exception.
 */
#ifndef LOFI_EVAL_FRECHET_H
#define LOFI_EVAL_FRECHET_H

#include <stdint.h>

#include "base/error.h"

/* Sums over the rows of a set, so that no set has to be held. */
typedef struct lofi_moments {
    int64_t width, rows;
    double *mean;   /* [width] */
    double *spread; /* [width, width]: sum over rows of (x - mean) (x - mean)^T */
} lofi_moments;

lofi_code lofi_moments_new(lofi_moments *out, int64_t width, lofi_error *err) LOFI_MUST_USE;
void lofi_moments_free(lofi_moments *moments); /* zeroes it; fine on a zeroed one */
/* One row of `width` values (Welford's update). */
void lofi_moments_add(lofi_moments *moments, const double *row);

/* LOFI_ERR_USAGE when widths differ or a set has less than two rows; LOFI_ERR_NUMERIC when values are not finite. */
lofi_code lofi_frechet_distance(double *out, const lofi_moments *a, const lofi_moments *b,
                                lofi_error *err) LOFI_MUST_USE;

#endif
