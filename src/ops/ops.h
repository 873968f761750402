/* ops.h - the builder functions: how networks are written down.
 *
 * Every builder adds one node and returns its (first) output; NULL when the graph has failed or an input is NULL where a
 * tensor is needed (see graph/graph.h). Shapes below are written [d0, d1, ...]; "..." stands for any leading dimensions.
 * Everything is f32 unless said otherwise; parameters that are matrices may be f32, bf16 or f16 and are used where they
 * lie (the product converts tile by tile). Sums are accumulated in f32, statistics (means, variances, losses) in f64.
 */
#ifndef LOFI_OPS_OPS_H
#define LOFI_OPS_OPS_H

#include "base/random.h"
#include "graph/graph.h"

/* ---- products ---- */

typedef struct lofi_matmul_attributes {
    int32_t transpose_a; /* a is [..., K, M] instead of [..., M, K] */
    int32_t transpose_b; /* b is [..., N, K] instead of [..., K, N]: the layout of linear layers */
    float alpha;
} lofi_matmul_attributes;
/* alpha * a b + c.
 * a: [..., M, K] (or transposed), b: [K, N] for all of them, or [..., K, N] with the same leading dimensions (or
 * transposed). With a two-dimensional b and no transpose_a the leading dimensions of a are rows: [..., K] x [K, N].
 * c: NULL, [N] added to every row, or the shape of the output. -> [..., M, N] */
lofi_tensor *lofi_matmul(lofi_graph *graph, lofi_tensor *a, lofi_tensor *b, lofi_tensor *c,
                         lofi_matmul_attributes attributes);

/* x: [B, C, H, W], weight: [out, C / groups, kh, kw], bias: [out] or NULL -> [B, out, H', W']. No gradient. */
typedef struct lofi_conv2d_attributes {
    int32_t stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w, groups;
} lofi_conv2d_attributes;
lofi_tensor *lofi_conv2d(lofi_graph *graph, lofi_tensor *x, lofi_tensor *weight, lofi_tensor *bias,
                         lofi_conv2d_attributes attributes);

/* Over time, channel by channel, same length. x: [B, S, C], weight: [C, 1, k] with odd k, bias: [C] or NULL -> [B, S, C].
 * Gradient of x. */
lofi_tensor *lofi_depthwise_conv1d(lofi_graph *graph, lofi_tensor *x, lofi_tensor *weight, lofi_tensor *bias);

/* The largest of each cell of size x size. x: [B, C, H, W] -> [B, C, floor(H / size), floor(W / size)]. No gradient. */
lofi_tensor *lofi_max_pool2d(lofi_graph *graph, lofi_tensor *x, int size);

/* Over time, `stride` times as long. x: [B, C, S], weight: f32 [C, out, k], bias: [out] or NULL
 * -> [B, out, (S - 1) * stride - 2 * padding + k]; k is at least stride and more than twice the padding. No gradient. */
typedef struct lofi_conv_transpose1d_attributes {
    int32_t stride, padding;
} lofi_conv_transpose1d_attributes;
lofi_tensor *lofi_conv_transpose1d(lofi_graph *graph, lofi_tensor *x, lofi_tensor *weight, lofi_tensor *bias,
                                   lofi_conv_transpose1d_attributes attributes);

/* ---- attention: heads lie side by side in the last dimension ---- */

/* Softmax attention, head by head and row block by row block; the full matrix of scores is never held.
 * q: [B, S, heads * d], k, v: [B, K, heads * d], bias: NULL, [heads, S, K], or [N, heads, S, K] of which entry b of the
 * batch takes number b mod N (added to the scaled scores; no gradient),
 * query_mask: NULL or [B, S], key_mask: NULL or [B, K] (1 takes part, 0 does not). scores = scale * q k^T + bias. A row in
 * which nothing may be attended to, or whose query is masked, is zero. -> [B, S, heads * d]. Gradients of q, k, v. */
lofi_tensor *lofi_attention(lofi_graph *graph, lofi_tensor *q, lofi_tensor *k, lofi_tensor *v, lofi_tensor *bias,
                            lofi_tensor *query_mask, lofi_tensor *key_mask, int heads, float scale);

/* Attention with relative positions (Transformer-XL, arXiv 1901.02860 section 3.3, in espnet's new form):
 * scores[i, j] = ((q_i + bias_u) k_j + (q_i + bias_v) p_{S - 1 - i + j}) / sqrt(d), masked and normalised as above.
 * q, k, v: [B, S, heads * d], positions: [2 S - 1, heads * d] (from +(S-1) down to -(S-1)), bias_u, bias_v: [heads * d],
 * key_mask: NULL or [B, S] -> [B, S, heads * d]. Gradients of q, k, v. */
lofi_tensor *lofi_relative_attention(lofi_graph *graph, lofi_tensor *q, lofi_tensor *k, lofi_tensor *v,
                                     lofi_tensor *positions, lofi_tensor *bias_u, lofi_tensor *bias_v,
                                     lofi_tensor *key_mask, int heads);

/* Linear attention with ReLU kernels: with q' = relu(mask q), k' = relu(mask k), v' = mask v,
 * out_i = (sum_j (q'_i k'_j) v'_j) / (sum_j q'_i k'_j + epsilon).
 * q, k, v: [B, S, heads * d], mask: NULL or [B, S] -> [B, S, heads * d]. Gradients of q, k, v. */
lofi_tensor *lofi_linear_attention(lofi_graph *graph, lofi_tensor *q, lofi_tensor *k, lofi_tensor *v, lofi_tensor *mask,
                                   int heads, float epsilon);

/* The same for a sequence that comes in pieces: the state of a piece, which is all that is kept of its keys and values, and the
 * rows of queries against the sum of the states of all pieces.
 * k, v: [B, S, heads * d], mask: NULL or [B, S] -> [B, heads, d + 1, d]; q: [B, S, heads * d], state -> [B, S, heads * d].
 * No gradients. */
lofi_tensor *lofi_linear_attention_state(lofi_graph *graph, lofi_tensor *k, lofi_tensor *v, lofi_tensor *mask,
                                         int heads);
lofi_tensor *lofi_linear_attention_apply(lofi_graph *graph, lofi_tensor *q, lofi_tensor *state, int heads,
                                         float epsilon);

/* Rotates interleaved pairs (2i, 2i+1) of every head by tables whose angles lie in two halves (so the two of a pair have
 * angles of their own: the original does it so): out[2i] = x[2i] cos[2i] - x[2i+1] sin[2i],
 * out[2i+1] = x[2i+1] cos[2i+1] + x[2i] sin[2i+1]. x: [B, S, heads * d], cos, sin: [S, d] -> as x. Gradient of x. */
lofi_tensor *lofi_rope(lofi_graph *graph, lofi_tensor *x, lofi_tensor *cosine, lofi_tensor *sine, int heads);
/* Tables for lofi_rope, angles in f32 as the original rounds them: inv[j] = 1 / theta^(2j / d), angle[s, j] =
 * angle[s, j + d/2] = s * inv[j]. -> two tensors [positions, d]. */
void lofi_rotary_table(lofi_graph *graph, lofi_dim positions, int d, float theta, lofi_tensor **cosine,
                       lofi_tensor **sine);

/* Swin (arXiv 2103.14030): windows of w x w places. table: [(2 w - 1)^2, heads] -> [1, heads, w^2, w^2], out[0, h, i, j] =
 * table[place of i relative to j, h]. With a shift a picture [height, width], multiples of w, was rolled by it, and each of
 * its windows gets a bias of its own: places that were no neighbours before are kept apart by -100
 * -> [(height / w) (width / w), heads, w^2, w^2]. */
typedef struct lofi_window_bias_attributes {
    int32_t window, shift, height, width; /* shift 0: height and width are not read */
} lofi_window_bias_attributes;
lofi_tensor *lofi_window_bias(lofi_graph *graph, lofi_tensor *table, lofi_window_bias_attributes attributes);

/* UMT5: out[h, i, j] = table[bucket(j - i), h], bidirectional buckets of T5. table: [buckets, heads] -> [heads, S, S]. */
lofi_tensor *lofi_relative_bias(lofi_graph *graph, lofi_tensor *table, lofi_dim length, int max_distance);
/* espnet's relative positions: row r is the sinusoid of position S - 1 - r (sine even, cosine odd columns,
 * frequencies exp(-ln(10000) 2i / width)). -> [2 S - 1, width] */
lofi_tensor *lofi_relative_positions(lofi_graph *graph, lofi_dim length, int width);
/* diffusers' Timesteps(flip_sin_to_cos, shift 0): t: [B] -> [B, width], cosines first,
 * frequencies exp(-ln(10000) i / (width / 2)). */
lofi_tensor *lofi_timestep_sinusoid(lofi_graph *graph, lofi_tensor *t, int width);

/* ---- element by element; operands broadcast as in numpy ---- */

lofi_tensor *lofi_add(lofi_graph *graph, lofi_tensor *a, lofi_tensor *b);
lofi_tensor *lofi_sub(lofi_graph *graph, lofi_tensor *a, lofi_tensor *b);
lofi_tensor *lofi_mul(lofi_graph *graph, lofi_tensor *a, lofi_tensor *b);
lofi_tensor *lofi_div(lofi_graph *graph, lofi_tensor *a, lofi_tensor *b);
/* factor * x + offset */
lofi_tensor *lofi_affine(lofi_graph *graph, lofi_tensor *x, float factor, float offset);
lofi_tensor *lofi_silu(lofi_graph *graph, lofi_tensor *x);
lofi_tensor *lofi_relu(lofi_graph *graph, lofi_tensor *x);
lofi_tensor *lofi_gelu(lofi_graph *graph, lofi_tensor *x, bool tanh_form); /* tanh form ("gelu_new") or erf form */
lofi_tensor *lofi_mish(lofi_graph *graph, lofi_tensor *x);                 /* x tanh(ln(1 + e^x)) */
lofi_tensor *lofi_tanh(lofi_graph *graph, lofi_tensor *x);
lofi_tensor *lofi_square_root(lofi_graph *graph, lofi_tensor *x);
lofi_tensor *lofi_square(lofi_graph *graph, lofi_tensor *x);
/* x: [..., 2 h] -> [..., h]: first half * silu(second half). */
lofi_tensor *lofi_gated_silu(lofi_graph *graph, lofi_tensor *x);
/* Inverted dropout: x / (1 - p) where a draw is >= p, else 0. key: i64 [2] = {seed, step}; `site` tells one dropout of the
 * network from another (purpose LOFI_RANDOM_DROPOUT, stream step * 4096 + site). */
lofi_tensor *lofi_dropout(lofi_graph *graph, lofi_tensor *x, lofi_tensor *key, float p, int site);

/* ---- normalisation: statistics in f64 ---- */

/* Over the last dimension: x / sqrt(mean(x^2) + epsilon) * weight + bias; weight, bias: NULL or [C]. Gradient of x. */
lofi_tensor *lofi_rms_norm(lofi_graph *graph, lofi_tensor *x, lofi_tensor *weight, lofi_tensor *bias, float epsilon);
/* Over the last dimension. weight, bias: [C]. Gradient of x. */
lofi_tensor *lofi_layer_norm(lofi_graph *graph, lofi_tensor *x, lofi_tensor *weight, lofi_tensor *bias, float epsilon);
/* Channels last: x: [B, S, C]; statistics over S and the C / groups channels of a group. weight, bias: [C]. No gradient. */
lofi_tensor *lofi_group_norm(lofi_graph *graph, lofi_tensor *x, lofi_tensor *weight, lofi_tensor *bias, int groups,
                             float epsilon);

/* ---- shape ---- */

/* The same elements in another shape (no copy); the element counts must be equal as expressions. */
lofi_tensor *lofi_reshape(lofi_graph *graph, lofi_tensor *x, int rank, const lofi_dim *dims);
/* out.dims[i] = x.dims[order[i]], a copy. */
lofi_tensor *lofi_permute(lofi_graph *graph, lofi_tensor *x, const int *order);
lofi_tensor *lofi_concat(lofi_graph *graph, lofi_tensor *const *parts, int count, int axis);
lofi_tensor *lofi_slice(lofi_graph *graph, lofi_tensor *x, int axis, lofi_dim start, lofi_dim length);
/* Zeros before and after along one axis. */
lofi_tensor *lofi_pad(lofi_graph *graph, lofi_tensor *x, int axis, lofi_dim before, lofi_dim after);
/* x broadcast to a shape (dimensions of 1 are repeated; rank may grow at the front). */
lofi_tensor *lofi_expand(lofi_graph *graph, lofi_tensor *x, int rank, const lofi_dim *dims);
/* Linear interpolation in time, x: [B, S, C] -> [B, length, C]: output i lies at (i + 0.5) S / length - 0.5, as PyTorch's
 * F.interpolate(mode="linear", align_corners=False). Gradient of x. */
lofi_tensor *lofi_interpolate(lofi_graph *graph, lofi_tensor *x, lofi_dim length);
/* Cubic interpolation between the ends: output i lies at i (S - 1) / (length - 1), as PyTorch's bicubic mode with
 * align_corners=True (A = -0.75). Gradient of x. */
lofi_tensor *lofi_interpolate_cubic(lofi_graph *graph, lofi_tensor *x, lofi_dim length);
lofi_tensor *lofi_copy(lofi_graph *graph, lofi_tensor *x);
/* A tensor filled with one value. */
lofi_tensor *lofi_full(lofi_graph *graph, float value, int rank, const lofi_dim *dims);

/* ---- reduction: f64 inside ---- */

/* Sum or mean over the axes whose bit is set; they stay with size 1 when keep is set, else they go. */
lofi_tensor *lofi_sum(lofi_graph *graph, lofi_tensor *x, unsigned axes, bool keep);
lofi_tensor *lofi_mean(lofi_graph *graph, lofi_tensor *x, unsigned axes, bool keep);
/* Sum of x over what broadcasting repeated, so that it has the shape of `like`: for gradients. */
lofi_tensor *lofi_sum_to(lofi_graph *graph, lofi_tensor *x, const lofi_shape *like);

/* ---- look-up ---- */

/* ids: i64 [...], table: [V, D] (f32, bf16 or f16) -> [..., D] f32. Ids outside give zeros in release and an assert in
 * debug builds: callers check. No gradient. */
lofi_tensor *lofi_embedding(lofi_graph *graph, lofi_tensor *ids, lofi_tensor *table);

#endif
