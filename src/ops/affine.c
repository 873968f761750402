/* affine.c - factor * x + offset. */
#include "kernels/elementwise.h"
#include "onnx/onnx.h"
#include "ops/cuda_slot.h"
#include "ops/element_attributes.h"
#include "ops/elementwise_rules.h"
#include "ops/ops.h"

static void run(const lofi_call *call) {
    const lofi_affine_attributes *attributes = call->attributes;
    lofi_affine_array(call->outputs[0].data, call->inputs[0].data, attributes->factor, attributes->offset,
                      call->outputs[0].count, call->threads);
}

static void differentiate(lofi_gradient *gradient, const lofi_node *node) {
    const lofi_affine_attributes *attributes = node->attributes;
    if (!lofi_gradient_wanted(gradient, node, 0)) return;
    lofi_tensor *dy = lofi_gradient_of_output(gradient, node, 0);
    lofi_tensor *dx = attributes->factor == 1.0f
                          ? dy
                          : lofi_affine(lofi_gradient_graph(gradient), dy, attributes->factor, 0.0f);
    lofi_gradient_give(gradient, node, 0, dx);
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const lofi_affine_attributes *attributes = node->attributes;
    lofi_onnx_value *x = lofi_onnx_input(onnx, node, 0);
    if (attributes->factor != 1) x = lofi_onnx_binary(onnx, "Mul", x, lofi_onnx_number(onnx, attributes->factor));
    if (attributes->offset != 0) x = lofi_onnx_binary(onnx, "Add", x, lofi_onnx_number(onnx, attributes->offset));
    lofi_onnx_output(onnx, node, 0, x);
}

const lofi_op lofi_op_affine = {
    .name = "affine",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_affine_attributes),
    .infer = lofi_infer_like_input,
    .cpu = run,
    .gradient = differentiate,
    .differentiable = 1,
    .in_place = 1,
    .onnx = lower,
    LOFI_CUDA_SLOT(affine),
};

lofi_tensor *lofi_affine(lofi_graph *graph, lofi_tensor *x, float factor, float offset) {
    lofi_affine_attributes attributes = {factor, offset};
    return lofi_graph_add1(graph, &lofi_op_affine, &attributes, &x, 1);
}
