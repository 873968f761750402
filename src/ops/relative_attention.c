/* relative_attention.c - attention with relative positions; see ops.h and kernels/relative_attention.h. */
#include "kernels/relative_attention.h"

#include "ops/attention_rules.h"
#include "ops/backward_attention.h"
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

const lofi_op lofi_op_relative_attention = {
    .name = "relative_attention",
    .min_inputs = 6,
    .max_inputs = 7,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_heads_attributes),
    .infer = lofi_relative_attention_infer,
    .cpu = cpu,
    .workspace = workspace,
    .gradient = gradient,
    .differentiable = 0x7,
    .gradient_gap =
        "positions and their two biases are frozen in every adapter that is trained here, and masks are data",
    .onnx_gap = LOFI_NO_ONNX,
    .cuda_gap = LOFI_NO_CUDA,
};
