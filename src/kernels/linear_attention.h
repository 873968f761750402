/* linear_attention.h - attention whose kernel is a ReLU, linear in the length, and its gradient.
 *
 * q, k, v, out: [batch, length, heads * width]; mask: [batch, length] or NULL. Per head, with q' = relu(mask q),
 * k' = relu(mask k), v' = mask v: out_i = (q'_i sum_j k'_j^T v'_j) / (q'_i sum_j k'_j + epsilon).
 * The matrix sum_j k'_j^T v'_j [width, width] is all that is kept of the keys. Heads are spread over the threads.
 */
#ifndef LOFI_KERNELS_LINEAR_ATTENTION_H
#define LOFI_KERNELS_LINEAR_ATTENTION_H

#include <stddef.h>
#include <stdint.h>

typedef struct lofi_linear_sizes {
    int64_t batch, length, heads, width; /* width: of one head */
    float epsilon;
    int threads;
} lofi_linear_sizes;

typedef struct lofi_linear_inputs {
    const float *q, *k, *v, *mask;
} lofi_linear_inputs;

size_t lofi_linear_attention_workspace(const lofi_linear_sizes *sizes); /* bytes */
void lofi_linear_attention_forward(const lofi_linear_sizes *sizes, const lofi_linear_inputs *in, float *out,
                                   void *workspace);

/* The same in two parts, for a sequence that comes in pieces: what is kept of the keys and values, and reading it.
 * state: [batch, heads, width + 1, width], the matrix and below it sum_j k'_j; states of pieces add up. Of `in` the first reads k,
 * v and mask, the second q and mask. */
void lofi_linear_attention_gather(const lofi_linear_sizes *sizes, const lofi_linear_inputs *in, float *state,
                                  void *workspace);
void lofi_linear_attention_read(const lofi_linear_sizes *sizes, const lofi_linear_inputs *in, const float *state,
                                float *out, void *workspace);

/* dq, dk, dv are written, not added to. A row whose denominator is epsilon alone has no gradient. */
size_t lofi_linear_attention_backward_workspace(const lofi_linear_sizes *sizes);
void lofi_linear_attention_backward(const lofi_linear_sizes *sizes, const lofi_linear_inputs *in, const float *dout,
                                    float *dq, float *dk, float *dv, void *workspace);

#endif
