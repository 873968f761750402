/* sub.c - a - b, broadcast. */
#include "onnx/onnx.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"
#include "ops/ops.h"

static void run(const lofi_call *call) {
    lofi_run_broadcast(call, LOFI_BINARY_SUB);
}

static void differentiate(lofi_gradient *gradient, const lofi_node *node) {
    lofi_tensor *dy = lofi_gradient_of_output(gradient, node, 0);
    if (lofi_gradient_wanted(gradient, node, 0)) lofi_give_broadcast(gradient, node, 0, dy);
    if (lofi_gradient_wanted(gradient, node, 1))
        lofi_give_broadcast(gradient, node, 1, lofi_affine(lofi_gradient_graph(gradient), dy, -1.0f, 0.0f));
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    lofi_onnx_output(onnx, node, 0,
                     lofi_onnx_binary(onnx, "Sub", lofi_onnx_input(onnx, node, 0), lofi_onnx_input(onnx, node, 1)));
}

const lofi_op lofi_op_sub = {
    .name = "sub",
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .infer = lofi_infer_broadcast,
    .cpu = run,
    .gradient = differentiate,
    .differentiable = 3,
    .in_place = 1,
    .onnx = lower,
    LOFI_CUDA_SLOT(sub),
};

lofi_tensor *lofi_sub(lofi_graph *graph, lofi_tensor *a, lofi_tensor *b) {
    return lofi_graph_add1(graph, &lofi_op_sub, NULL, (lofi_tensor *[]){a, b}, 2);
}
