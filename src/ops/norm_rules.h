/* norm_rules.h - what the normalising operators share: attributes and the shape rules of x, weight and bias. */
#ifndef LOFI_OPS_NORM_RULES_H
#define LOFI_OPS_NORM_RULES_H

#include "graph/op.h"

typedef struct lofi_norm_attributes {
    float epsilon;
    int32_t groups; /* group_norm; else 0 */
} lofi_norm_attributes;

/* Inputs x [..., C], weight, bias: [C] or absent; the output is like x. */
lofi_code lofi_infer_norm(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err);
/* Inputs x [..., C], dy like x, weight: [C] or absent; the output is like x. */
lofi_code lofi_infer_norm_gradient(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err);

/* The size of the last dimension, and how many rows of it there are. */
int64_t lofi_row_width(const lofi_view *view);
int64_t lofi_row_count(const lofi_view *view);

#endif
