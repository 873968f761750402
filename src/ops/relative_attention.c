/* relative_attention.c - attention with relative positions; see ops.h and kernels/relative_attention.h. */
#include "kernels/relative_attention.h"

#include <math.h>

#include "onnx/onnx.h"
#include "ops/attention_rules.h"
#include "ops/backward_attention.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"
#include "ops/ops.h"

extern const lofi_op lofi_op_relative_attention;

lofi_tensor *lofi_relative_attention(lofi_graph *graph, lofi_tensor *q, lofi_tensor *k, lofi_tensor *v,
                                     lofi_tensor *positions, lofi_tensor *bias_u, lofi_tensor *bias_v,
                                     lofi_tensor *key_mask, int heads) {
    lofi_heads_attributes attributes = {.heads = heads};
    lofi_tensor *inputs[7] = {q, k, v, positions, bias_u, bias_v, key_mask};
    return lofi_graph_add1(graph, &lofi_op_relative_attention, &attributes, inputs, 7);
}

static lofi_relative_sizes sizes_of(const lofi_call *call) {
    const lofi_heads_attributes *a = call->attributes;
    const int64_t *q = call->inputs[0].dims;
    return (lofi_relative_sizes){
        .batch = q[0], .length = q[1], .heads = a->heads, .width = q[2] / a->heads, .threads = call->threads};
}

static size_t workspace(const lofi_call *call) {
    lofi_relative_sizes sizes = sizes_of(call);
    return lofi_relative_attention_workspace(&sizes);
}

static void cpu(const lofi_call *call) {
    lofi_relative_sizes sizes = sizes_of(call);
    const lofi_view *in = call->inputs;
    lofi_relative_inputs inputs = {in[0].data, in[1].data, in[2].data, in[3].data, in[4].data, in[5].data, in[6].data};
    lofi_relative_attention_forward(&sizes, &inputs, call->outputs[0].data, call->workspace);
}

static void gradient(lofi_gradient *gradient, const lofi_node *node) {
    const lofi_heads_attributes *a = node->attributes;
    lofi_tensor *dout = lofi_gradient_of_output(gradient, node, 0), *in[7], *gradients[3];
    if (!dout) return;
    for (int i = 0; i < 7; i++) in[i] = lofi_gradient_input(gradient, node, i);
    lofi_relative_attention_gradient(lofi_gradient_graph(gradient), in[0], in[1], in[2], dout, in[3], in[4], in[5],
                                     in[6], a->heads, gradients);
    for (int i = 0; i < 3; i++) {
        if (lofi_gradient_wanted(gradient, node, i)) lofi_gradient_give(gradient, node, i, gradients[i]);
    }
}

/* [B, heads, S, 2 S - 1], column S - 1 - i + j of row i -> [B, heads, S, S], column j: with a column of zeros in front and
 * seen as 2 S rows of S, the first of these left out, row i begins one place later than the row before. */
static lofi_onnx_value *lower_shifted(lofi_onnx *onnx, const lofi_node *node, lofi_onnx_value *x) {
    const lofi_heads_attributes *a = node->attributes;
    lofi_graph *graph = lofi_onnx_graph(onnx);
    const lofi_dim *q = node->inputs[0]->shape.dims;
    lofi_dim batch = q[0], length = q[1], doubled = lofi_dim_mul(graph, 2, length);
    lofi_onnx_value *column = lofi_onnx_binary(onnx, "Expand", lofi_onnx_number(onnx, 0),
                                               lofi_onnx_shape(onnx, 4, (lofi_dim[]){batch, a->heads, length, 1}));
    x = lofi_onnx_concat(onnx, (lofi_onnx_value *[]){column, x}, 2, 3);
    x = lofi_onnx_reshape(onnx, x, NULL, 4, (lofi_dim[]){batch, a->heads, doubled, length});
    x = lofi_onnx_slice(onnx, x, 2, lofi_onnx_integer(onnx, 1), lofi_onnx_dim(onnx, doubled));
    lofi_dim distances = lofi_relative_distances(graph, length);
    x = lofi_onnx_reshape(onnx, x, NULL, 4, (lofi_dim[]){batch, a->heads, length, distances});
    return lofi_onnx_slice(onnx, x, 3, lofi_onnx_integer(onnx, 0), lofi_onnx_dim(onnx, length));
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const lofi_heads_attributes *a = node->attributes;
    lofi_dim last = node->inputs[0]->shape.dims[2], width = last / a->heads;
    lofi_onnx_value *in[7];
    for (int i = 0; i < 7; i++) in[i] = lofi_onnx_input(onnx, node, i);
    lofi_onnx_value *by_content = lofi_onnx_split_heads(onnx, lofi_onnx_binary(onnx, "Add", in[0], in[4]), a->heads,
                                                        width);
    lofi_onnx_value *by_place = lofi_onnx_split_heads(onnx, lofi_onnx_binary(onnx, "Add", in[0], in[5]), a->heads,
                                                      width);
    lofi_onnx_value *keys = lofi_onnx_split_heads(onnx, in[1], a->heads, width);
    lofi_onnx_value *values = lofi_onnx_split_heads(onnx, in[2], a->heads, width);
    lofi_onnx_value *places = lofi_onnx_see(onnx, in[3], 3, (int64_t[]){0, a->heads, width});
    places = lofi_onnx_transpose(onnx, places, 3, (int64_t[]){1, 2, 0});
    keys = lofi_onnx_transpose(onnx, keys, 4, (int64_t[]){0, 1, 3, 2});
    lofi_onnx_value *scores = lofi_onnx_binary(onnx, "MatMul", by_content, keys);
    lofi_onnx_value *moved = lower_shifted(onnx, node, lofi_onnx_binary(onnx, "MatMul", by_place, places));
    scores = lofi_onnx_binary(onnx, "Add", scores, moved);
    scores = lofi_onnx_binary(onnx, "Mul", scores, lofi_onnx_number(onnx, 1 / sqrtf((float)width)));
    scores = lofi_onnx_masked_softmax(onnx, scores, in[6]);
    lofi_onnx_output(onnx, node, 0, lofi_onnx_join_heads(onnx, lofi_onnx_binary(onnx, "MatMul", scores, values), last));
}

/* Queries with keys, queries with positions, weights with values. */
static void work(const lofi_call *call, lofi_work *work) {
    lofi_heads_work(call, 3, work);
}

const lofi_op lofi_op_relative_attention = {
    .name = "relative_attention",
    .min_inputs = 6,
    .max_inputs = 7,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_heads_attributes),
    .infer = lofi_relative_attention_infer,
    .cpu = cpu,
    .workspace = workspace,
    .work = work,
    .gradient = gradient,
    .differentiable = 0x7,
    .gradient_gap =
        "positions and their two biases are frozen in every adapter that is trained here, and masks are data",
    .onnx = lower,
    LOFI_CUDA_SLOT_WITH_WORKSPACE(relative_attention),
};
