/* layer_norm.c - mean 0, variance 1 over the last dimension, scaled and shifted. */
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
    lofi_layer_norm_rows(call->outputs[0].data, x->data, call->inputs[1].data, call->inputs[2].data,
                         attributes->epsilon, lofi_row_count(x), lofi_row_width(x), call->threads);
}

static void differentiate(lofi_gradient *gradient, const lofi_node *node) {
    const lofi_norm_attributes *attributes = node->attributes;
    if (!lofi_gradient_wanted(gradient, node, 0)) return;
    lofi_tensor *dy = lofi_gradient_of_output(gradient, node, 0);
    lofi_tensor *x = lofi_gradient_input(gradient, node, 0), *weight = lofi_gradient_input(gradient, node, 1);
    lofi_gradient_give(gradient, node, 0,
                       lofi_layer_norm_gradient(lofi_gradient_graph(gradient), x, dy, weight, attributes->epsilon));
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const lofi_norm_attributes *attributes = node->attributes;
    lofi_onnx_value *inputs[3];
    for (int i = 0; i < 3; i++) inputs[i] = lofi_onnx_input(onnx, node, i);
    lofi_onnx_attribute settings[] = {LOFI_ONNX_ATTRIBUTE_INT("axis", -1),
                                      LOFI_ONNX_ATTRIBUTE_FLOAT("epsilon", attributes->epsilon)};
    lofi_onnx_output(onnx, node, 0, lofi_onnx_emit1(onnx, "LayerNormalization", inputs, 3, settings, 2));
}

const lofi_op lofi_op_layer_norm = {
    .name = "layer_norm",
    .min_inputs = 3,
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
    LOFI_CUDA_SLOT(layer_norm),
};

lofi_tensor *lofi_layer_norm(lofi_graph *graph, lofi_tensor *x, lofi_tensor *weight, lofi_tensor *bias, float epsilon) {
    lofi_norm_attributes attributes = {.epsilon = epsilon};
    return lofi_graph_add1(graph, &lofi_op_layer_norm, &attributes, (lofi_tensor *[]){x, weight, bias}, 3);
}
