/* linear_attention.c - linear attention with ReLU kernels; see ops.h and kernels/linear_attention.h. */
#include "onnx/onnx.h"
#include "ops/attention_rules.h"
#include "ops/backward_attention.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"
#include "ops/ops.h"

extern const lofi_op lofi_op_linear_attention;

lofi_tensor *lofi_linear_attention(lofi_graph *graph, lofi_tensor *q, lofi_tensor *k, lofi_tensor *v, lofi_tensor *mask,
                                   int heads, float epsilon) {
    lofi_heads_attributes attributes = {.heads = heads, .number = epsilon};
    lofi_tensor *inputs[4] = {q, k, v, mask};
    return lofi_graph_add1(graph, &lofi_op_linear_attention, &attributes, inputs, 4);
}

static void cpu(const lofi_call *call) {
    lofi_linear_sizes sizes = lofi_linear_sizes_of(call);
    const lofi_view *in = call->inputs;
    lofi_linear_inputs inputs = {in[0].data, in[1].data, in[2].data, in[3].data};
    lofi_linear_attention_forward(&sizes, &inputs, call->outputs[0].data, call->workspace);
}

static void gradient(lofi_gradient *gradient, const lofi_node *node) {
    const lofi_heads_attributes *a = node->attributes;
    lofi_tensor *dout = lofi_gradient_of_output(gradient, node, 0), *in[4], *gradients[3];
    if (!dout) return;
    for (int i = 0; i < 4; i++) in[i] = lofi_gradient_input(gradient, node, i);
    lofi_linear_attention_gradient(lofi_gradient_graph(gradient), in[0], in[1], in[2], dout, in[3], a->heads, a->number,
                                   gradients);
    for (int i = 0; i < 3; i++) {
        if (lofi_gradient_wanted(gradient, node, i)) lofi_gradient_give(gradient, node, i, gradients[i]);
    }
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const lofi_heads_attributes *a = node->attributes;
    lofi_dim last = node->inputs[0]->shape.dims[2], width = last / a->heads;
    lofi_onnx_value *mask = lofi_onnx_input(onnx, node, 3), *in[3];
    for (int i = 0; i < 3; i++) {
        in[i] = lofi_onnx_masked_rows(onnx, lofi_onnx_input(onnx, node, i), mask);
        if (i < 2) in[i] = lofi_onnx_unary(onnx, "Relu", in[i]);
        in[i] = lofi_onnx_split_heads(onnx, in[i], a->heads, width);
    }
    lofi_onnx_value *keys = lofi_onnx_transpose(onnx, in[1], 4, (int64_t[]){0, 1, 3, 2});
    lofi_onnx_value *sums = lofi_onnx_binary(onnx, "MatMul", keys, in[2]);
    lofi_onnx_value *above = lofi_onnx_binary(onnx, "MatMul", in[0], sums);
    lofi_onnx_value *below = lofi_onnx_binary(onnx, "Mul", in[0],
                                              lofi_onnx_reduce(onnx, "ReduceSum", in[1], (int64_t[]){2}, 1, true));
    below = lofi_onnx_reduce(onnx, "ReduceSum", below, (int64_t[]){3}, 1, true);
    below = lofi_onnx_binary(onnx, "Add", below, lofi_onnx_number(onnx, a->number));
    lofi_onnx_output(onnx, node, 0, lofi_onnx_join_heads(onnx, lofi_onnx_binary(onnx, "Div", above, below), last));
}

static void work(const lofi_call *call, lofi_work *work) {
    lofi_linear_heads_work(call, 2, work);
}

const lofi_op lofi_op_linear_attention = {
    .name = "linear_attention",
    .min_inputs = 3,
    .max_inputs = 4,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_heads_attributes),
    .infer = lofi_linear_attention_infer,
    .cpu = cpu,
    .workspace = lofi_linear_workspace,
    .work = work,
    .gradient = gradient,
    .differentiable = 0x7,
    .gradient_gap = "masks are data",
    .onnx = lower,
    LOFI_CUDA_SLOT_WITH_WORKSPACE(linear_attention),
};
