/* copy.c - the same elements in memory of their own. */
#include "kernels/elementwise.h"
#include "onnx/onnx.h"
#include "ops/cuda_slot.h"
#include "ops/ops.h"

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    (void)graph, (void)err;
    outputs[0] = node->inputs[0]->shape;
    return LOFI_OK;
}

static void run(const lofi_call *call) {
    const lofi_view *out = &call->outputs[0];
    lofi_copy_bytes(out->data, call->inputs[0].data, (size_t)out->count * lofi_dtype_bytes(out->dtype), call->threads);
}

static void differentiate(lofi_gradient *gradient, const lofi_node *node) {
    if (lofi_gradient_wanted(gradient, node, 0))
        lofi_gradient_give(gradient, node, 0, lofi_gradient_of_output(gradient, node, 0));
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    lofi_onnx_output(onnx, node, 0, lofi_onnx_unary(onnx, "Identity", lofi_onnx_input(onnx, node, 0)));
}

const lofi_op lofi_op_copy = {
    .name = "copy",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .infer = infer,
    .cpu = run,
    .gradient = differentiate,
    .differentiable = 1,
    .onnx = lower,
    LOFI_CUDA_SLOT(copy),
};

lofi_tensor *lofi_copy(lofi_graph *graph, lofi_tensor *x) {
    return lofi_graph_add1(graph, &lofi_op_copy, NULL, &x, 1);
}
