/* elementwise_rules.h - what the element-by-element operators share: shape rules, gaps, the broadcast of two operands. */
#ifndef LOFI_OPS_ELEMENTWISE_RULES_H
#define LOFI_OPS_ELEMENTWISE_RULES_H

#include "graph/op.h"
#include "kernels/broadcast.h"

#define LOFI_NO_ONNX_OF_GRADIENT  "a gradient is not part of an exported network"
#define LOFI_NO_SECOND_DERIVATIVE "second derivatives are not offered"

/* Input 0 is f32; the output is like it. */
lofi_code lofi_infer_like_input(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err);
/* Inputs 0 (x) and 1 (dy) are f32 and have one shape; the output is like them. */
lofi_code lofi_infer_gradient_pair(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err);

/* Two f32 inputs that broadcast as in numpy. */
lofi_code lofi_infer_broadcast(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err);
void lofi_run_broadcast(const lofi_call *call, lofi_binary kind);
/* Gives `value`, which has the shape of the output, to an input that was broadcast to it. */
void lofi_give_broadcast(lofi_gradient *gradient, const lofi_node *node, int input, lofi_tensor *value);

bool lofi_same_dims(const lofi_shape *a, const lofi_shape *b);
/* f32, bf16 or f16 */
bool lofi_is_float(lofi_dtype dtype);

#endif
