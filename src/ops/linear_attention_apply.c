/* linear_attention_apply.c - queries against what linear attention kept; see ops.h and kernels/linear_attention.h. */
#include "ops/attention_rules.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"
#include "ops/expect.h"
#include "ops/ops.h"

extern const lofi_op lofi_op_linear_attention_apply;

lofi_tensor *lofi_linear_attention_apply(lofi_graph *graph, lofi_tensor *q, lofi_tensor *state, int heads,
                                         float epsilon) {
    lofi_heads_attributes attributes = {.heads = heads, .number = epsilon};
    lofi_tensor *inputs[2] = {q, state};
    return lofi_graph_add1(graph, &lofi_op_linear_attention_apply, &attributes, inputs, 2);
}

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    const lofi_heads_attributes *a = node->attributes;
    LOFI_TRY(lofi_heads_check_rows(graph, node, "q", err));
    const lofi_dim *q = node->inputs[0]->shape.dims;
    lofi_dim width = q[2] / a->heads, dims[] = {q[0], a->heads, width + 1, width};
    LOFI_TRY(lofi_expect_dims(graph, node, 1, "the state", 4, dims, err));
    outputs[0] = node->inputs[0]->shape;
    return LOFI_OK;
}

static void cpu(const lofi_call *call) {
    lofi_linear_sizes sizes = lofi_linear_sizes_of(call);
    lofi_linear_inputs inputs = {.q = call->inputs[0].data};
    lofi_linear_attention_read(&sizes, &inputs, call->inputs[1].data, call->outputs[0].data, call->workspace);
}

const lofi_op lofi_op_linear_attention_apply = {
    .name = "linear_attention_apply",
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_heads_attributes),
    .infer = infer,
    .cpu = cpu,
    .workspace = lofi_linear_workspace,
    .gradient_gap = LOFI_PIECES_ARE_NOT_TRAINED,
    .onnx_gap = LOFI_NO_ONNX_OF_PIECES,
    LOFI_CUDA_SLOT_WITH_WORKSPACE(linear_attention_apply),
};
