/* group_norm.c - mean 0, variance 1 over time and the channels of a group, channels last. */
#include "kernels/norm.h"
#include "onnx/onnx.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"
#include "ops/expect.h"
#include "ops/norm_rules.h"
#include "ops/ops.h"

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    const lofi_norm_attributes *attributes = node->attributes;
    LOFI_TRY(lofi_expect_rank(graph, node, 0, "x", 3, "[batch, length, channels]", err));
    LOFI_TRY(lofi_infer_norm(graph, node, outputs, err));
    lofi_dim channels = outputs[0].dims[2];
    if (attributes->groups < 1 || channels < 0 || channels % attributes->groups != 0)
        return lofi_refuse(node, err, "the channels of x must be a multiple of %d groups, got %s",
                           (int)attributes->groups, lofi_shape_text(graph, &outputs[0]));
    return LOFI_OK;
}

static size_t workspace(const lofi_call *call) {
    const lofi_norm_attributes *attributes = call->attributes;
    return lofi_group_norm_workspace(call->inputs[0].dims[0], call->inputs[0].dims[1], attributes->groups);
}

static void run(const lofi_call *call) {
    const lofi_norm_attributes *attributes = call->attributes;
    const lofi_view *x = &call->inputs[0];
    lofi_group_norm_run(call->outputs[0].data, x->data, call->inputs[1].data, call->inputs[2].data, attributes->groups,
                        attributes->epsilon, x->dims[0], x->dims[1], x->dims[2], call->workspace, call->threads);
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const lofi_norm_attributes *attributes = node->attributes;
    lofi_dim channels = node->inputs[0]->shape.dims[2];
    int64_t split[] = {0, 0, attributes->groups, channels / attributes->groups}, whole[] = {0, 0, channels};
    static const int64_t of_group[] = {1, 3};
    lofi_onnx_value *x = lofi_onnx_input(onnx, node, 0);
    x = lofi_onnx_see(onnx, x, 4, split);
    x = lofi_onnx_binary(onnx, "Sub", x, lofi_onnx_reduce(onnx, "ReduceMean", x, of_group, 2, true));
    lofi_onnx_value *variance = lofi_onnx_binary(onnx, "Mul", x, x);
    variance = lofi_onnx_reduce(onnx, "ReduceMean", variance, of_group, 2, true);
    variance = lofi_onnx_binary(onnx, "Add", variance, lofi_onnx_number(onnx, attributes->epsilon));
    x = lofi_onnx_binary(onnx, "Div", x, lofi_onnx_unary(onnx, "Sqrt", variance));
    x = lofi_onnx_see(onnx, x, 3, whole);
    if (lofi_onnx_has_input(node, 1)) x = lofi_onnx_binary(onnx, "Mul", x, lofi_onnx_input(onnx, node, 1));
    if (lofi_onnx_has_input(node, 2)) x = lofi_onnx_binary(onnx, "Add", x, lofi_onnx_input(onnx, node, 2));
    lofi_onnx_output(onnx, node, 0, x);
}

const lofi_op lofi_op_group_norm = {
    .name = "group_norm",
    .min_inputs = 3,
    .max_inputs = 3,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_norm_attributes),
    .infer = infer,
    .cpu = run,
    .workspace = workspace,
    .gradient_gap = "nothing trainable lies before a group norm",
    .in_place = 1,
    .onnx = lower,
    LOFI_CUDA_SLOT_WITH_WORKSPACE(group_norm),
};

lofi_tensor *lofi_group_norm(lofi_graph *graph, lofi_tensor *x, lofi_tensor *weight, lofi_tensor *bias, int groups,
                             float epsilon) {
    lofi_norm_attributes attributes = {epsilon, groups};
    return lofi_graph_add1(graph, &lofi_op_group_norm, &attributes, (lofi_tensor *[]){x, weight, bias}, 3);
}
