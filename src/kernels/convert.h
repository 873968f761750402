/* convert.h - 16-bit numbers to f32 in vector code, for kernels that convert weights piece by piece. Exact, as
 * base/half.h. */
#ifndef LOFI_KERNELS_CONVERT_H
#define LOFI_KERNELS_CONVERT_H

#include <stdint.h>

#include "kernels/dtype.h"

/* in: `count` values of type LOFI_F32 (then copied), LOFI_BF16 or LOFI_F16. The calling thread only. */
void lofi_convert_to_f32(float *out, const void *in, lofi_dtype type, int64_t count);

#endif
