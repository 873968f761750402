/* tanh.c - the hyperbolic tangent. Its gradient, dy (1 - tanh(x)^2), needs no operator of its own. */
#include "kernels/elementwise.h"
#include "onnx/onnx.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"
#include "ops/ops.h"

static void run(const lofi_call *call) {
    lofi_tanh_array(call->outputs[0].data, call->inputs[0].data, call->outputs[0].count, call->threads);
}

static void differentiate(lofi_gradient *gradient, const lofi_node *node) {
    lofi_graph *graph = lofi_gradient_graph(gradient);
    if (!lofi_gradient_wanted(gradient, node, 0)) return;
    lofi_tensor *dy = lofi_gradient_of_output(gradient, node, 0);
    lofi_tensor *square = lofi_square(graph, lofi_gradient_output(gradient, node, 0));
    lofi_gradient_give(gradient, node, 0, lofi_mul(graph, dy, lofi_affine(graph, square, -1.0f, 1.0f)));
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    lofi_onnx_output(onnx, node, 0, lofi_onnx_unary(onnx, "Tanh", lofi_onnx_input(onnx, node, 0)));
}

const lofi_op lofi_op_tanh = {
    .name = "tanh",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .infer = lofi_infer_like_input,
    .cpu = run,
    .gradient = differentiate,
    .differentiable = 1,
    .in_place = 1,
    .onnx = lower,
    LOFI_CUDA_SLOT(tanh),
};

lofi_tensor *lofi_tanh(lofi_graph *graph, lofi_tensor *x) {
    return lofi_graph_add1(graph, &lofi_op_tanh, NULL, &x, 1);
}
