/* softmax.c - softmax with the maximum subtracted, sixteen numbers at a time.
 *
 * exp(x) = 2^n exp(r) with n = round(x / ln 2), |r| <= ln 2 / 2: ln 2 is subtracted in two parts (Cody and Waite) and
 * exp(r) is its Taylor polynomial of degree 7, whose remainder is below 6e-9. Arguments are never positive here.
 *
 * The loops (softmax_kernel.h) are compiled for the widths of vectors that processors have, and chosen at run time. They always
 * add in sixteen lanes and never fuse, so that every processor gives the same bytes.
 */
#include "kernels/softmax.h"

#include <math.h>
#include <string.h>

#include "kernels/vector.h"

enum { LANES = 16 };

static inline float sum_of_lanes(const float *lanes) {
    float sums[LANES];
    memcpy(sums, lanes, sizeof sums);
    for (int width = LANES / 2; width > 0; width /= 2) {
        for (int lane = 0; lane < width; lane++) sums[lane] += sums[lane + width];
    }
    return sums[0];
}

#define VARIANT(name) name##_plain
#define TARGET
#define VECTOR_BYTES 16
#include "kernels/softmax_kernel.h"

#if defined(__x86_64__)
#define VARIANT(name) name##_avx2
#define TARGET        __attribute__((target("avx2")))
#define VECTOR_BYTES  32
#include "kernels/softmax_kernel.h"

#define VARIANT(name) name##_avx512
#define TARGET        __attribute__((target("avx512f")))
#define VECTOR_BYTES  64
#include "kernels/softmax_kernel.h"
#endif

void lofi_softmax_tile(float *scores, int64_t rows, int64_t columns, const float *row_mask, const float *column_mask) {
#if defined(__x86_64__)
    if (LOFI_HAS_AVX512()) {
        forward_avx512(scores, rows, columns, row_mask, column_mask);
        return;
    }
    if (LOFI_HAS_AVX2()) {
        forward_avx2(scores, rows, columns, row_mask, column_mask);
        return;
    }
#endif
    forward_plain(scores, rows, columns, row_mask, column_mask);
}

void lofi_softmax_tile_backward(float *dp, const float *p, int64_t rows, int64_t columns) {
#if defined(__x86_64__)
    if (LOFI_HAS_AVX512()) {
        backward_avx512(dp, p, rows, columns);
        return;
    }
    if (LOFI_HAS_AVX2()) {
        backward_avx2(dp, p, rows, columns);
        return;
    }
#endif
    backward_plain(dp, p, rows, columns);
}
