/* element_attributes.h - attributes of operators that work element by element, for their CPU and their CUDA side. */
#ifndef LOFI_OPS_ELEMENT_ATTRIBUTES_H
#define LOFI_OPS_ELEMENT_ATTRIBUTES_H

#include "graph/graph.h"

typedef struct lofi_affine_attributes {
    float factor, offset;
} lofi_affine_attributes;

/* of gelu and gelu_gradient */
typedef struct lofi_gelu_attributes {
    int32_t tanh_form;
} lofi_gelu_attributes;

typedef struct lofi_dropout_attributes {
    float p;
    int32_t site; /* below LOFI_DROPOUT_SITES */
} lofi_dropout_attributes;

#define LOFI_DROPOUT_SITES 4096

typedef struct lofi_full_attributes {
    float value;
    int32_t rank;
    lofi_dim dims[LOFI_MAX_RANK];
} lofi_full_attributes;

#endif
