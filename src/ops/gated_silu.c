/* gated_silu.c - first half of the last dimension times silu of the second. */
#include "kernels/elementwise.h"
#include "onnx/onnx.h"
#include "ops/backward.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"
#include "ops/expect.h"
#include "ops/ops.h"

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    LOFI_TRY(lofi_expect_rank(graph, node, 0, "x", -1, "[..., 2 h]", err));
    const lofi_shape *x = &node->inputs[0]->shape;
    lofi_dim last = x->rank > 0 ? x->dims[x->rank - 1] : 1;
    if (last < 0 || last % 2 != 0)
        return lofi_refuse(node, err, "x must be [..., 2 h] f32 with an even number, got %s",
                           lofi_shape_text(graph, x));
    outputs[0] = *x;
    outputs[0].dims[x->rank - 1] = last / 2;
    return LOFI_OK;
}

static void run(const lofi_call *call) {
    const lofi_view *out = &call->outputs[0];
    int64_t width = out->dims[out->rank - 1];
    lofi_gated_silu_rows(out->data, call->inputs[0].data, width > 0 ? out->count / width : 0, width, call->threads);
}

static void differentiate(lofi_gradient *gradient, const lofi_node *node) {
    if (!lofi_gradient_wanted(gradient, node, 0)) return;
    lofi_tensor *dy = lofi_gradient_of_output(gradient, node, 0);
    lofi_tensor *x = lofi_gradient_input(gradient, node, 0);
    lofi_gradient_give(gradient, node, 0, lofi_gated_silu_gradient(lofi_gradient_graph(gradient), x, dy));
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    int axis = node->inputs[0]->shape.rank - 1;
    lofi_dim width = node->outputs[0]->shape.dims[axis];
    lofi_onnx_value *x = lofi_onnx_input(onnx, node, 0), *middle = lofi_onnx_integer(onnx, width);
    lofi_onnx_value *first = lofi_onnx_slice(onnx, x, axis, lofi_onnx_integer(onnx, 0), middle);
    lofi_onnx_value *second = lofi_onnx_slice(onnx, x, axis, middle, lofi_onnx_integer(onnx, 2 * width));
    second = lofi_onnx_binary(onnx, "Mul", second, lofi_onnx_unary(onnx, "Sigmoid", second));
    lofi_onnx_output(onnx, node, 0, lofi_onnx_binary(onnx, "Mul", first, second));
}

const lofi_op lofi_op_gated_silu = {
    .name = "gated_silu",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .infer = infer,
    .cpu = run,
    .gradient = differentiate,
    .differentiable = 1,
    .onnx = lower,
    LOFI_CUDA_SLOT(gated_silu),
};

lofi_tensor *lofi_gated_silu(lofi_graph *graph, lofi_tensor *x) {
    return lofi_graph_add1(graph, &lofi_op_gated_silu, NULL, &x, 1);
}
