/* rope.h - what the operator rope is given, for its forms on the CPU and on the GPU. */
#ifndef LOFI_OPS_ROPE_H
#define LOFI_OPS_ROPE_H

#include <stdint.h>

typedef struct lofi_rope_attributes {
    int32_t heads;
    int32_t transposed;
} lofi_rope_attributes;

#endif
