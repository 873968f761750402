/* reduction.h - what sum, mean and expand share: each is the gradient of another. */
#ifndef LOFI_OPS_REDUCTION_H
#define LOFI_OPS_REDUCTION_H

#include "graph/op.h"

typedef struct lofi_reduction_attributes {
    uint32_t axes; /* bit i: axis i */
    int32_t keep;
} lofi_reduction_attributes;

lofi_code lofi_reduction_infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err);
size_t lofi_reduction_workspace(const lofi_call *call);
void lofi_reduction_run(const lofi_call *call, bool mean);
/* The gradient of sum or mean: d loss / d output repeated, and divided by the number of terms for a mean. */
void lofi_reduction_gradient(lofi_gradient *gradient, const lofi_node *node, bool mean);

/* The reduction in ONNX, by its name there. */
void lofi_reduction_lower(lofi_onnx *onnx, const lofi_node *node, const char *type);

/* x repeated to a shape; share: and divided by how often each element is repeated. */
lofi_tensor *lofi_expand_shared(lofi_graph *graph, lofi_tensor *x, int rank, const lofi_dim *dims, bool share);
/* The reverse: x summed, or averaged, to the shape of `like`. */
lofi_tensor *lofi_reduce_to(lofi_graph *graph, lofi_tensor *x, const lofi_shape *like, bool mean);

#endif
