/* backward_attention.h - builders for the gradients of the attention operators; used by their rules, and by tests. */
#ifndef LOFI_OPS_BACKWARD_ATTENTION_H
#define LOFI_OPS_BACKWARD_ATTENTION_H

#include "graph/graph.h"

/* Each takes the inputs of the operator and d loss / d output in `dout`, and fills gradients[0..2] with those of q, k, v
 * (NULL when the graph has failed). */
void lofi_attention_gradient(lofi_graph *graph, lofi_tensor *q, lofi_tensor *k, lofi_tensor *v, lofi_tensor *dout,
                             lofi_tensor *bias, lofi_tensor *query_mask, lofi_tensor *key_mask, int heads, float scale,
                             lofi_tensor *gradients[3]);
void lofi_relative_attention_gradient(lofi_graph *graph, lofi_tensor *q, lofi_tensor *k, lofi_tensor *v,
                                      lofi_tensor *dout, lofi_tensor *positions, lofi_tensor *bias_u,
                                      lofi_tensor *bias_v, lofi_tensor *key_mask, int heads, lofi_tensor *gradients[3]);
void lofi_linear_attention_gradient(lofi_graph *graph, lofi_tensor *q, lofi_tensor *k, lofi_tensor *v,
                                    lofi_tensor *dout, lofi_tensor *mask, int heads, float epsilon,
                                    lofi_tensor *gradients[3]);

#endif
