/* relu_gradient.c - d loss / d x of relu. */
#include "kernels/elementwise.h"
#include "ops/backward.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"

static void run(const lofi_call *call) {
    lofi_relu_gradient_array(call->outputs[0].data, call->inputs[0].data, call->inputs[1].data, call->outputs[0].count,
                             call->threads);
}

const lofi_op lofi_op_relu_gradient = {
    .name = "relu_gradient",
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .infer = lofi_infer_gradient_pair,
    .cpu = run,
    .gradient_gap = LOFI_NO_SECOND_DERIVATIVE,
    .in_place = 2,
    .onnx_gap = LOFI_NO_ONNX_OF_GRADIENT,
    LOFI_CUDA_SLOT(relu_gradient),
};

lofi_tensor *lofi_relu_gradient(lofi_graph *graph, lofi_tensor *x, lofi_tensor *dy) {
    return lofi_graph_add1(graph, &lofi_op_relu_gradient, NULL, (lofi_tensor *[]){x, dy}, 2);
}
