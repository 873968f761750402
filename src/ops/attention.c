/* attention.c - softmax attention; see ops.h and kernels/attention.h. */
#include "kernels/attention.h"

#include "ops/attention_rules.h"
#include "ops/backward_attention.h"
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

const lofi_op lofi_op_attention = {
    .name = "attention",
    .min_inputs = 3,
    .max_inputs = 6,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_heads_attributes),
    .infer = lofi_attention_infer,
    .cpu = cpu,
    .workspace = workspace,
    .gradient = gradient,
    .differentiable = 0x7,
    .gradient_gap = "the position bias of the text encoder is never trained, and masks are data",
    .onnx_gap = LOFI_NO_ONNX,
    .cuda_gap = LOFI_NO_CUDA,
};
