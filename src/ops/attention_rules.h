/* attention_rules.h - what the attention operators and their gradients share: attributes and shape rules. */
#ifndef LOFI_OPS_ATTENTION_RULES_H
#define LOFI_OPS_ATTENTION_RULES_H

#include "graph/op.h"
#include "kernels/linear_attention.h"

typedef struct lofi_heads_attributes {
    int32_t heads;
    float number; /* attention: scale; linear attention: epsilon; relative attention: 0 */
} lofi_heads_attributes;

#define LOFI_PIECES_ARE_NOT_TRAINED "networks that run in pieces are not trained"
#define LOFI_NO_ONNX_OF_PIECES      "a network is exported as a whole, with linear_attention"

/* Inputs 0, 1, 2 are q [B, S, heads * d] and k, v [B, K, heads * d] (K is S when same_length). */
lofi_code lofi_heads_check(lofi_graph *graph, const lofi_node *node, bool same_length, lofi_error *err) LOFI_MUST_USE;

/* Input 0 is [B, S, heads * d]. */
lofi_code lofi_heads_check_rows(lofi_graph *graph, const lofi_node *node, const char *what,
                                lofi_error *err) LOFI_MUST_USE;

/* 2 * length - 1: how many distances there are between `length` positions. */
lofi_dim lofi_relative_distances(lofi_graph *graph, lofi_dim length);

/* The sizes of linear attention, from input 0: q or k, [B, S, heads * d]. */
lofi_linear_sizes lofi_linear_sizes_of(const lofi_call *call);
/* Scratch bytes of it, in one piece or in two. */
size_t lofi_linear_workspace(const lofi_call *call);

/* Operations of `products` products of [S, d] x [d, K] or [S, K] x [K, d] in every head. Softmax is left out. */
void lofi_heads_work(const lofi_call *call, int products, lofi_work *work);
/* Likewise of products of [S, d] x [d, d]. */
void lofi_linear_heads_work(const lofi_call *call, int products, lofi_work *work);

/* Rules of the three operators; the gradients' have d loss / d out as input 3 and the others one place later. */
lofi_code lofi_attention_infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err);
lofi_code lofi_attention_gradient_infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err);
lofi_code lofi_relative_attention_infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err);
lofi_code lofi_relative_attention_gradient_infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs,
                                                 lofi_error *err);
lofi_code lofi_linear_attention_infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err);
lofi_code lofi_linear_attention_gradient_infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs,
                                               lofi_error *err);

#endif
