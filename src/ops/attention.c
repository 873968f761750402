/* attention.c - softmax attention; see ops.h and kernels/attention.h. */
#include "kernels/attention.h"

#include "onnx/onnx.h"
#include "ops/attention_rules.h"
#include "ops/backward_attention.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"
#include "ops/ops.h"

extern const lofi_op lofi_op_attention;

lofi_tensor *lofi_attention(lofi_graph *graph, lofi_tensor *q, lofi_tensor *k, lofi_tensor *v, lofi_tensor *bias,
                            lofi_tensor *query_mask, lofi_tensor *key_mask, int heads, float scale) {
    lofi_heads_attributes attributes = {.heads = heads, .number = scale};
    lofi_tensor *inputs[6] = {q, k, v, bias, query_mask, key_mask};
    return lofi_graph_add1(graph, &lofi_op_attention, &attributes, inputs, 6);
}

static lofi_attention_sizes sizes_of(const lofi_call *call) {
    const lofi_heads_attributes *a = call->attributes;
    const int64_t *q = call->inputs[0].dims;
    return (lofi_attention_sizes){.batch = q[0],
                                  .queries = q[1],
                                  .keys = call->inputs[1].dims[1],
                                  .heads = a->heads,
                                  .bias_groups = call->inputs[3].rank == 4 ? call->inputs[3].dims[0] : 1,
                                  .width = q[2] / a->heads,
                                  .scale = a->number,
                                  .threads = call->threads};
}

static size_t workspace(const lofi_call *call) {
    lofi_attention_sizes sizes = sizes_of(call);
    return lofi_attention_workspace(&sizes);
}

static void cpu(const lofi_call *call) {
    lofi_attention_sizes sizes = sizes_of(call);
    const lofi_view *in = call->inputs;
    lofi_attention_inputs inputs = {in[0].data, in[1].data, in[2].data, in[3].data, in[4].data, in[5].data};
    lofi_attention_forward(&sizes, &inputs, call->outputs[0].data, call->workspace);
}

static void gradient(lofi_gradient *gradient, const lofi_node *node) {
    const lofi_heads_attributes *a = node->attributes;
    lofi_tensor *dout = lofi_gradient_of_output(gradient, node, 0), *in[6], *gradients[3];
    if (!dout) return;
    for (int i = 0; i < 6; i++) in[i] = lofi_gradient_input(gradient, node, i);
    lofi_attention_gradient(lofi_gradient_graph(gradient), in[0], in[1], in[2], dout, in[3], in[4], in[5], a->heads,
                            a->number, gradients);
    for (int i = 0; i < 3; i++) {
        if (lofi_gradient_wanted(gradient, node, i)) lofi_gradient_give(gradient, node, i, gradients[i]);
    }
}

/* Scores [B, heads, S, K] plus a bias of [N, heads, S, K]: entry b takes number b mod N. */
static lofi_onnx_value *lower_bias(lofi_onnx *onnx, const lofi_node *node, lofi_onnx_value *scores) {
    const lofi_shape *bias = &node->inputs[3]->shape;
    lofi_onnx_value *added = lofi_onnx_input(onnx, node, 3);
    if (bias->rank == 3 || bias->dims[0] == 1) return lofi_onnx_binary(onnx, "Add", scores, added);
    lofi_dim batch = node->inputs[0]->shape.dims[0], queries = bias->dims[2], keys = bias->dims[3];
    if (bias->dims[0] < 0 || queries < 0 || keys < 0)
        return lofi_onnx_fail(onnx, "the operator 'attention' needs biases of constant size here");
    int64_t grouped[] = {-1, bias->dims[0], bias->dims[1], queries, keys};
    scores = lofi_onnx_see(onnx, scores, 5, grouped);
    scores = lofi_onnx_binary(onnx, "Add", scores, added);
    return lofi_onnx_reshape(onnx, scores, NULL, 4, (lofi_dim[]){batch, bias->dims[1], queries, keys});
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const lofi_heads_attributes *a = node->attributes;
    lofi_dim last = node->inputs[0]->shape.dims[2], width = last / a->heads;
    lofi_onnx_value *q = lofi_onnx_input(onnx, node, 0), *heads[3];
    q = lofi_onnx_binary(onnx, "Mul", q, lofi_onnx_number(onnx, a->number));
    heads[0] = lofi_onnx_split_heads(onnx, q, a->heads, width);
    for (int i = 1; i < 3; i++) heads[i] = lofi_onnx_split_heads(onnx, lofi_onnx_input(onnx, node, i), a->heads, width);
    lofi_onnx_value *keys = lofi_onnx_transpose(onnx, heads[1], 4, (int64_t[]){0, 1, 3, 2});
    lofi_onnx_value *scores = lofi_onnx_binary(onnx, "MatMul", heads[0], keys);
    if (lofi_onnx_has_input(node, 3)) scores = lower_bias(onnx, node, scores);
    scores = lofi_onnx_masked_softmax(onnx, scores, lofi_onnx_input(onnx, node, 5));
    lofi_onnx_value *out = lofi_onnx_join_heads(onnx, lofi_onnx_binary(onnx, "MatMul", scores, heads[2]), last);
    lofi_onnx_output(onnx, node, 0, lofi_onnx_masked_rows(onnx, out, lofi_onnx_input(onnx, node, 4)));
}

static void work(const lofi_call *call, lofi_work *work) {
    lofi_heads_work(call, 2, work);
}

const lofi_op lofi_op_attention = {
    .name = "attention",
    .min_inputs = 3,
    .max_inputs = 6,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_heads_attributes),
    .infer = lofi_attention_infer,
    .cpu = cpu,
    .workspace = workspace,
    .work = work,
    .gradient = gradient,
    .differentiable = 0x7,
    .gradient_gap = "the position bias of the text encoder is never trained, and masks are data",
    .onnx = lower,
    LOFI_CUDA_SLOT_WITH_WORKSPACE(attention),
};
