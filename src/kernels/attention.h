/* attention.h - softmax attention over heads that lie side by side, and its gradient.
 *
 * q, out: [batch, queries, heads * width]; k, v: [batch, keys, heads * width]; bias: [bias_groups, heads,
 * queries, keys] or NULL, entry b of the batch taking group b % bias_groups; query_mask: [batch, queries] or NULL; key_mask: [batch, keys] or NULL (0: does not take part).
 * Per head: out = softmax(scale * q k^T + bias) v; a row without any partner is zero.
 * Rows are done in tiles of a fixed number, so no more than a tile of scores is held per thread. Tiles (forward) and
 * heads (backward) are spread over the threads; none shares what it writes, so the bytes do not depend on their number.
 */
#ifndef LOFI_KERNELS_ATTENTION_H
#define LOFI_KERNELS_ATTENTION_H

#include <stddef.h>
#include <stdint.h>

typedef struct lofi_attention_sizes {
    int64_t batch, queries, keys, heads, width; /* width: of one head */
    int64_t bias_groups; /* 1, or windows of a picture, whose number divides the batch; not read without a bias */
    float scale;
    int threads;
} lofi_attention_sizes;

typedef struct lofi_attention_inputs {
    const float *q, *k, *v, *bias, *query_mask, *key_mask;
} lofi_attention_inputs;

size_t lofi_attention_workspace(const lofi_attention_sizes *sizes); /* bytes */
void lofi_attention_forward(const lofi_attention_sizes *sizes, const lofi_attention_inputs *in, float *out,
                            void *workspace);

/* dout as out, dq as q, dk and dv as k: written, not added to. Probabilities are computed anew, tile by tile. */
size_t lofi_attention_backward_workspace(const lofi_attention_sizes *sizes);
void lofi_attention_backward(const lofi_attention_sizes *sizes, const lofi_attention_inputs *in, const float *dout,
                             float *dq, float *dk, float *dv, void *workspace);

#endif
