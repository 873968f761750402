/* softmax.h - softmax of a tile of attention scores, and its derivative.
 *
 * A tile is [rows, columns], contiguous. Masks hold one number per row or column: 0 does not take part, anything else
 * does. A masked row, and a row of which no column takes part, becomes zero. NaN and infinite scores give NaN.
 */
#ifndef LOFI_KERNELS_SOFTMAX_H
#define LOFI_KERNELS_SOFTMAX_H

#include <stdint.h>

/* scores = softmax over each row. row_mask [rows], column_mask [columns]: may be NULL. */
void lofi_softmax_tile(float *scores, int64_t rows, int64_t columns, const float *row_mask, const float *column_mask);

/* From probabilities p and d loss / d p to d loss / d scores, in place: dp = p * (dp - sum over the row of p * dp). */
void lofi_softmax_tile_backward(float *dp, const float *p, int64_t rows, int64_t columns);

#endif
