/* mul.c - a b element by element, broadcast. */
#include "onnx/onnx.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"
#include "ops/ops.h"

static void run(const lofi_call *call) {
    lofi_run_broadcast(call, LOFI_BINARY_MUL);
}

static void differentiate(lofi_gradient *gradient, const lofi_node *node) {
    lofi_graph *graph = lofi_gradient_graph(gradient);
    lofi_tensor *dy = lofi_gradient_of_output(gradient, node, 0);
    for (int i = 0; i < 2; i++)
        if (lofi_gradient_wanted(gradient, node, i))
            lofi_give_broadcast(gradient, node, i, lofi_mul(graph, dy, lofi_gradient_input(gradient, node, 1 - i)));
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    lofi_onnx_output(onnx, node, 0,
                     lofi_onnx_binary(onnx, "Mul", lofi_onnx_input(onnx, node, 0), lofi_onnx_input(onnx, node, 1)));
}

const lofi_op lofi_op_mul = {
    .name = "mul",
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .infer = lofi_infer_broadcast,
    .cpu = run,
    .gradient = differentiate,
    .differentiable = 3,
    .in_place = 1,
    .onnx = lower,
    LOFI_CUDA_SLOT(mul),
};

lofi_tensor *lofi_mul(lofi_graph *graph, lofi_tensor *a, lofi_tensor *b) {
    return lofi_graph_add1(graph, &lofi_op_mul, NULL, (lofi_tensor *[]){a, b}, 2);
}
