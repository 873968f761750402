/* gelu.c - x times the normal distribution function, or its tanh form. */
#include "kernels/elementwise.h"
#include "onnx/onnx.h"
#include "ops/backward.h"
#include "ops/cuda_slot.h"
#include "ops/element_attributes.h"
#include "ops/elementwise_rules.h"
#include "ops/ops.h"

static void run(const lofi_call *call) {
    const lofi_gelu_attributes *attributes = call->attributes;
    lofi_gelu_array(call->outputs[0].data, call->inputs[0].data, attributes->tanh_form != 0, call->outputs[0].count,
                    call->threads);
}

static void differentiate(lofi_gradient *gradient, const lofi_node *node) {
    const lofi_gelu_attributes *attributes = node->attributes;
    if (!lofi_gradient_wanted(gradient, node, 0)) return;
    lofi_tensor *dy = lofi_gradient_of_output(gradient, node, 0);
    lofi_tensor *x = lofi_gradient_input(gradient, node, 0);
    lofi_gradient_give(gradient, node, 0,
                       lofi_gelu_gradient(lofi_gradient_graph(gradient), x, dy, attributes->tanh_form != 0));
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const lofi_gelu_attributes *attributes = node->attributes;
    lofi_onnx_value *x = lofi_onnx_input(onnx, node, 0), *gate;
    if (attributes->tanh_form) { /* tanh(sqrt(2 / pi) (x + 0.044715 x^3)) */
        lofi_onnx_value *cube = lofi_onnx_binary(onnx, "Mul", x, lofi_onnx_binary(onnx, "Mul", x, x));
        cube = lofi_onnx_binary(onnx, "Mul", cube, lofi_onnx_number(onnx, 0.044715f));
        gate = lofi_onnx_binary(onnx, "Add", x, cube);
        gate = lofi_onnx_binary(onnx, "Mul", gate, lofi_onnx_number(onnx, 0.7978845608f));
        gate = lofi_onnx_unary(onnx, "Tanh", gate);
    } else {
        gate = lofi_onnx_binary(onnx, "Mul", x, lofi_onnx_number(onnx, 0.7071067812f));
        gate = lofi_onnx_unary(onnx, "Erf", gate);
    }
    gate = lofi_onnx_binary(onnx, "Add", gate, lofi_onnx_number(onnx, 1));
    x = lofi_onnx_binary(onnx, "Mul", x, lofi_onnx_number(onnx, 0.5f));
    lofi_onnx_output(onnx, node, 0, lofi_onnx_binary(onnx, "Mul", x, gate));
}

const lofi_op lofi_op_gelu = {
    .name = "gelu",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_gelu_attributes),
    .infer = lofi_infer_like_input,
    .cpu = run,
    .gradient = differentiate,
    .differentiable = 1,
    .in_place = 1,
    .onnx = lower,
    LOFI_CUDA_SLOT(gelu),
};

lofi_tensor *lofi_gelu(lofi_graph *graph, lofi_tensor *x, bool tanh_form) {
    lofi_gelu_attributes attributes = {tanh_form};
    return lofi_graph_add1(graph, &lofi_op_gelu, &attributes, &x, 1);
}
