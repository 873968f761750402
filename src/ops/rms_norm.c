/* rms_norm.c - x / sqrt(mean(x^2) + epsilon), scaled and shifted. */
#include "kernels/norm.h"
#include "onnx/onnx.h"
#include "ops/backward.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"
#include "ops/norm_rules.h"
#include "ops/ops.h"

static void run(const lofi_call *call) {
    const lofi_norm_attributes *attributes = call->attributes;
    const lofi_view *x = &call->inputs[0];
    lofi_rms_norm_rows(call->outputs[0].data, x->data, call->inputs[1].data, call->inputs[2].data, attributes->epsilon,
                       lofi_row_count(x), lofi_row_width(x), call->threads);
}

static void differentiate(lofi_gradient *gradient, const lofi_node *node) {
    const lofi_norm_attributes *attributes = node->attributes;
    if (!lofi_gradient_wanted(gradient, node, 0)) return;
    lofi_tensor *dy = lofi_gradient_of_output(gradient, node, 0);
    lofi_tensor *x = lofi_gradient_input(gradient, node, 0), *weight = lofi_gradient_input(gradient, node, 1);
    lofi_gradient_give(gradient, node, 0,
                       lofi_rms_norm_gradient(lofi_gradient_graph(gradient), x, dy, weight, attributes->epsilon));
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const lofi_norm_attributes *attributes = node->attributes;
    lofi_onnx_value *x = lofi_onnx_input(onnx, node, 0);
    lofi_onnx_value *squares = lofi_onnx_binary(onnx, "Mul", x, x);
    lofi_onnx_value *mean = lofi_onnx_reduce(onnx, "ReduceMean", squares, (int64_t[]){-1}, 1, true);
    mean = lofi_onnx_binary(onnx, "Add", mean, lofi_onnx_number(onnx, attributes->epsilon));
    x = lofi_onnx_binary(onnx, "Div", x, lofi_onnx_unary(onnx, "Sqrt", mean));
    if (lofi_onnx_has_input(node, 1)) x = lofi_onnx_binary(onnx, "Mul", x, lofi_onnx_input(onnx, node, 1));
    if (lofi_onnx_has_input(node, 2)) x = lofi_onnx_binary(onnx, "Add", x, lofi_onnx_input(onnx, node, 2));
    lofi_onnx_output(onnx, node, 0, x);
}

const lofi_op lofi_op_rms_norm = {
    .name = "rms_norm",
    .min_inputs = 1,
    .max_inputs = 3,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_norm_attributes),
    .infer = lofi_infer_norm,
    .cpu = run,
    .gradient = differentiate,
    .differentiable = 1,
    .gradient_gap = "weight and bias of a norm are not trained",
    .in_place = 1,
    .onnx = lower,
    LOFI_CUDA_SLOT(rms_norm),
};

lofi_tensor *lofi_rms_norm(lofi_graph *graph, lofi_tensor *x, lofi_tensor *weight, lofi_tensor *bias, float epsilon) {
    lofi_norm_attributes attributes = {.epsilon = epsilon};
    return lofi_graph_add1(graph, &lofi_op_rms_norm, &attributes, (lofi_tensor *[]){x, weight, bias}, 3);
}
