/* broadcast.h - two arrays combined element by element, broadcast as in numpy. */
#ifndef LOFI_KERNELS_BROADCAST_H
#define LOFI_KERNELS_BROADCAST_H

#include <stdint.h>

#define LOFI_BROADCAST_RANK 6

typedef enum lofi_binary { LOFI_BINARY_ADD, LOFI_BINARY_SUB, LOFI_BINARY_MUL, LOFI_BINARY_DIV } lofi_binary;

/* An operand, row-major and contiguous. */
typedef struct lofi_operand {
    const float *data;
    int rank;
    const int64_t *dims;
} lofi_operand;

/* out has the shape that a and b broadcast to, of `rank` dimensions. out may be the memory of an operand that has as
 * many elements as out. */
void lofi_binary_broadcast(lofi_binary kind, float *out, int rank, const int64_t *dims, lofi_operand a, lofi_operand b,
                           int threads);

#endif
