/* shape_attributes.h - attributes of operators that move elements, for their CPU and their CUDA side; those of slice and pad are
 * in ops/window.h. */
#ifndef LOFI_OPS_SHAPE_ATTRIBUTES_H
#define LOFI_OPS_SHAPE_ATTRIBUTES_H

#include "graph/graph.h"

typedef struct lofi_permute_attributes {
    int32_t order[LOFI_MAX_RANK];
} lofi_permute_attributes;

typedef struct lofi_expand_attributes {
    int32_t rank;
    int32_t share; /* divide by how often an element is repeated */
    lofi_dim dims[LOFI_MAX_RANK];
} lofi_expand_attributes;

typedef struct lofi_concat_attributes {
    int32_t axis;
} lofi_concat_attributes;

typedef struct lofi_interpolate_attributes {
    lofi_dim length;          /* frames of the output */
    int32_t transposed, kind; /* lofi_interpolation */
} lofi_interpolate_attributes;

#endif
