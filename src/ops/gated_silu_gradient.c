/* gated_silu_gradient.c - d loss / d x of gated_silu. */
#include "kernels/elementwise.h"
#include "ops/backward.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"
#include "ops/expect.h"

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    LOFI_TRY(lofi_expect_rank(graph, node, 0, "x", -1, "[..., 2 h]", err));
    const lofi_shape *x = &node->inputs[0]->shape;
    lofi_dim last = x->rank > 0 ? x->dims[x->rank - 1] : 1;
    if (last < 0 || last % 2 != 0)
        return lofi_refuse(node, err, "x must be [..., 2 h] f32 with an even number, got %s",
                           lofi_shape_text(graph, x));
    lofi_shape half = *x;
    half.dims[x->rank - 1] = last / 2;
    outputs[0] = *x;
    return lofi_expect_dims(graph, node, 1, "dy", half.rank, half.dims, err);
}

static void run(const lofi_call *call) {
    const lofi_view *dy = &call->inputs[1];
    int64_t width = dy->dims[dy->rank - 1];
    lofi_gated_silu_gradient_rows(call->outputs[0].data, call->inputs[0].data, dy->data,
                                  width > 0 ? dy->count / width : 0, width, call->threads);
}

const lofi_op lofi_op_gated_silu_gradient = {
    .name = "gated_silu_gradient",
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .infer = infer,
    .cpu = run,
    .gradient_gap = LOFI_NO_SECOND_DERIVATIVE,
    .in_place = 1,
    .onnx_gap = LOFI_NO_ONNX_OF_GRADIENT,
    LOFI_CUDA_SLOT(gated_silu_gradient),
};

lofi_tensor *lofi_gated_silu_gradient(lofi_graph *graph, lofi_tensor *x, lofi_tensor *dy) {
    return lofi_graph_add1(graph, &lofi_op_gated_silu_gradient, NULL, (lofi_tensor *[]){x, dy}, 2);
}
