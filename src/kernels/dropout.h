/* dropout.h - inverted dropout from a counter-based stream. */
#ifndef LOFI_KERNELS_DROPOUT_H
#define LOFI_KERNELS_DROPOUT_H

#include <stdint.h>

#include "base/random.h"

/* out[i] = x[i] / (1 - p) where uniform number i of the stream is >= p, else 0. 0 <= p < 1. out may be x. */
void lofi_dropout_array(float *out, const float *x, float p, const lofi_random *random, int64_t count, int threads);

#endif
