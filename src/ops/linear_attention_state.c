/* linear_attention_state.c - what linear attention keeps of keys and values; see ops.h and kernels/linear_attention.h. */
#include "ops/attention_rules.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"
#include "ops/expect.h"
#include "ops/ops.h"

extern const lofi_op lofi_op_linear_attention_state;

lofi_tensor *lofi_linear_attention_state(lofi_graph *graph, lofi_tensor *k, lofi_tensor *v, lofi_tensor *mask,
                                         int heads) {
    lofi_heads_attributes attributes = {.heads = heads};
    lofi_tensor *inputs[3] = {k, v, mask};
    return lofi_graph_add1(graph, &lofi_op_linear_attention_state, &attributes, inputs, 3);
}

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    const lofi_heads_attributes *a = node->attributes;
    const lofi_dim *k = node->inputs[0]->shape.dims;
    LOFI_TRY(lofi_heads_check_rows(graph, node, "k", err));
    LOFI_TRY(lofi_expect_dims(graph, node, 1, "v", 3, k, err));
    LOFI_TRY(lofi_expect_dims(graph, node, 2, "mask", 2, k, err));
    lofi_dim width = k[2] / a->heads, dims[] = {k[0], a->heads, width + 1, width};
    outputs[0] = lofi_shape_of(LOFI_F32, 4, dims);
    return LOFI_OK;
}

static void cpu(const lofi_call *call) {
    lofi_linear_sizes sizes = lofi_linear_sizes_of(call);
    const lofi_view *in = call->inputs;
    lofi_linear_inputs inputs = {.k = in[0].data, .v = in[1].data, .mask = in[2].data};
    lofi_linear_attention_gather(&sizes, &inputs, call->outputs[0].data, call->workspace);
}

const lofi_op lofi_op_linear_attention_state = {
    .name = "linear_attention_state",
    .min_inputs = 2,
    .max_inputs = 3,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_heads_attributes),
    .infer = infer,
    .cpu = cpu,
    .workspace = lofi_linear_workspace,
    .gradient_gap = LOFI_PIECES_ARE_NOT_TRAINED,
    .onnx_gap = LOFI_NO_ONNX_OF_PIECES,
    LOFI_CUDA_SLOT_WITH_WORKSPACE(linear_attention_state),
};
