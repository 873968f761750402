/* mish.c - x tanh(ln(1 + e^x)) (Misra, "Mish: a self regularized non-monotonic activation function", 2019). */
#include "kernels/elementwise.h"
#include "onnx/onnx.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"
#include "ops/ops.h"

static void run(const lofi_call *call) {
    lofi_mish_array(call->outputs[0].data, call->inputs[0].data, call->outputs[0].count, call->threads);
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    lofi_onnx_value *x = lofi_onnx_input(onnx, node, 0);
    lofi_onnx_value *gate = lofi_onnx_unary(onnx, "Tanh", lofi_onnx_unary(onnx, "Softplus", x));
    lofi_onnx_output(onnx, node, 0, lofi_onnx_binary(onnx, "Mul", x, gate));
}

const lofi_op lofi_op_mish = {
    .name = "mish",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .infer = lofi_infer_like_input,
    .cpu = run,
    .in_place = 1,
    .gradient_gap = "only the decoder of latents uses mish, and no training goes through it",
    .onnx = lower,
    LOFI_CUDA_SLOT(mish),
};

lofi_tensor *lofi_mish(lofi_graph *graph, lofi_tensor *x) {
    return lofi_graph_add1(graph, &lofi_op_mish, NULL, &x, 1);
}
