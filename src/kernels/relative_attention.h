/* relative_attention.h - self-attention with relative positions, and its gradient.
 *
 * q, k, v, out: [batch, length, heads * width]; positions: [2 length - 1, heads * width], row r for the distance
 * length - 1 - r; bias_u, bias_v: [heads * width]; key_mask: [batch, length] or NULL (0: does not take part).
 * scores[i, j] = ((q_i + bias_u) k_j + (q_i + bias_v) p_{length - 1 - i + j}) / sqrt(width); out = softmax(scores) v
 * (arXiv 1901.02860, section 3.3; the masked rows as in kernels/softmax.h). Work is spread as in kernels/attention.h.
 */
#ifndef LOFI_KERNELS_RELATIVE_ATTENTION_H
#define LOFI_KERNELS_RELATIVE_ATTENTION_H

#include <stddef.h>
#include <stdint.h>

typedef struct lofi_relative_sizes {
    int64_t batch, length, heads, width; /* width: of one head */
    int threads;
} lofi_relative_sizes;

typedef struct lofi_relative_inputs {
    const float *q, *k, *v, *positions, *bias_u, *bias_v, *key_mask;
} lofi_relative_inputs;

size_t lofi_relative_attention_workspace(const lofi_relative_sizes *sizes); /* bytes */
void lofi_relative_attention_forward(const lofi_relative_sizes *sizes, const lofi_relative_inputs *in, float *out,
                                     void *workspace);

/* dq, dk, dv are written, not added to. */
size_t lofi_relative_attention_backward_workspace(const lofi_relative_sizes *sizes);
void lofi_relative_attention_backward(const lofi_relative_sizes *sizes, const lofi_relative_inputs *in,
                                      const float *dout, float *dq, float *dk, float *dv, void *workspace);

#endif
