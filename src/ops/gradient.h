/* gradient.h - reverse-mode differentiation of a graph into itself.
 *
 * Only what a trainable parameter reaches is differentiated: no gradient of a frozen weight is computed, nothing flows
 * into a part that holds no trainable parameter, and what the added nodes do not read is not kept alive by them.
 */
#ifndef LOFI_OPS_GRADIENT_H
#define LOFI_OPS_GRADIENT_H

#include "graph/graph.h"

typedef struct lofi_gradient_options {
    bool checkpoint; /* recompute inside blocks (lofi_graph_block_begin) instead of keeping their inner tensors */
} lofi_gradient_options;

/* Adds the nodes that compute d loss / d wanted[i] and returns those tensors in grads[i], marked as outputs (their memory
 * is not reused) and EXTERNAL when `grads_data[i]` is given (may be NULL): then the gradient is written there.
 * loss: f32 with one element. wanted: parameters or inputs of type f32. A wanted tensor that the loss does not depend on
 * gets a zero gradient. Fails with LOFI_ERR_UNSUPPORTED and the op's own sentence where an op has no gradient. */
lofi_code lofi_graph_differentiate(lofi_graph *graph, lofi_tensor *loss, lofi_tensor *const *wanted, size_t count,
                                   void *const *grads_data, lofi_gradient_options options, lofi_tensor **grads,
                                   lofi_error *err) LOFI_MUST_USE;

#endif
