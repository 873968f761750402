/* square_root.c - the square root. Its gradient, dy / (2 sqrt(x)), needs no operator of its own. */
#include "kernels/elementwise.h"
#include "onnx/onnx.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"
#include "ops/ops.h"

static void run(const lofi_call *call) {
    lofi_square_root_array(call->outputs[0].data, call->inputs[0].data, call->outputs[0].count, call->threads);
}

static void differentiate(lofi_gradient *gradient, const lofi_node *node) {
    lofi_graph *graph = lofi_gradient_graph(gradient);
    if (!lofi_gradient_wanted(gradient, node, 0)) return;
    lofi_tensor *dy = lofi_gradient_of_output(gradient, node, 0);
    lofi_tensor *twice = lofi_affine(graph, lofi_gradient_output(gradient, node, 0), 2.0f, 0.0f);
    lofi_gradient_give(gradient, node, 0, lofi_div(graph, dy, twice));
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    lofi_onnx_output(onnx, node, 0, lofi_onnx_unary(onnx, "Sqrt", lofi_onnx_input(onnx, node, 0)));
}

const lofi_op lofi_op_square_root = {
    .name = "square_root",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .infer = lofi_infer_like_input,
    .cpu = run,
    .gradient = differentiate,
    .differentiable = 1,
    .in_place = 1,
    .onnx = lower,
    LOFI_CUDA_SLOT(square_root),
};

lofi_tensor *lofi_square_root(lofi_graph *graph, lofi_tensor *x) {
    return lofi_graph_add1(graph, &lofi_op_square_root, NULL, &x, 1);
}
