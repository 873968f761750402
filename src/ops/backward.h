/* backward.h - builders of the operators that only gradient rules use (those of attention: backward_attention.h).
 *
 * Each returns d loss / d x, in the shape of x. None of them is differentiable itself. What an operator needs no own
 * operator for (matmul, affine, dropout, convolution over time ...) is built from forward ones.
 */
#ifndef LOFI_OPS_BACKWARD_H
#define LOFI_OPS_BACKWARD_H

#include "graph/graph.h"

/* x, dy: one shape. */
lofi_tensor *lofi_silu_gradient(lofi_graph *graph, lofi_tensor *x, lofi_tensor *dy);
lofi_tensor *lofi_relu_gradient(lofi_graph *graph, lofi_tensor *x, lofi_tensor *dy);
lofi_tensor *lofi_gelu_gradient(lofi_graph *graph, lofi_tensor *x, lofi_tensor *dy, bool tanh_form);
/* x: [..., 2 h], dy: [..., h] */
lofi_tensor *lofi_gated_silu_gradient(lofi_graph *graph, lofi_tensor *x, lofi_tensor *dy);
/* weight: [C] or NULL */
lofi_tensor *lofi_rms_norm_gradient(lofi_graph *graph, lofi_tensor *x, lofi_tensor *dy, lofi_tensor *weight,
                                    float epsilon);
lofi_tensor *lofi_layer_norm_gradient(lofi_graph *graph, lofi_tensor *x, lofi_tensor *dy, lofi_tensor *weight,
                                      float epsilon);

#endif
