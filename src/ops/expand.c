/* expand.c - a tensor repeated to a larger shape; see ops.h and kernels/expand.h. */
#include "kernels/expand.h"

#include <assert.h>

#include "onnx/onnx.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"
#include "ops/expect.h"
#include "ops/ops.h"
#include "ops/reduction.h"
#include "ops/shape_attributes.h"

extern const lofi_op lofi_op_expand;

lofi_tensor *lofi_expand_shared(lofi_graph *graph, lofi_tensor *x, int rank, const lofi_dim *dims, bool share) {
    assert(rank >= 0 && rank <= LOFI_MAX_RANK);
    lofi_expand_attributes attributes = {.rank = rank, .share = share};
    for (int i = 0; i < rank; i++) attributes.dims[i] = dims[i];
    return lofi_graph_add1(graph, &lofi_op_expand, &attributes, &x, 1);
}

lofi_tensor *lofi_expand(lofi_graph *graph, lofi_tensor *x, int rank, const lofi_dim *dims) {
    return lofi_expand_shared(graph, x, rank, dims, false);
}

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    const lofi_expand_attributes *a = node->attributes;
    const lofi_shape *x = &node->inputs[0]->shape;
    LOFI_TRY(lofi_expect_rank(graph, node, 0, "x", -1, "of any shape in", err));
    outputs[0] = lofi_shape_of(LOFI_F32, a->rank, a->dims);
    bool fits = x->rank <= a->rank;
    for (int i = 0; fits && i < x->rank; i++) {
        lofi_dim target = a->dims[a->rank - x->rank + i];
        fits = x->dims[i] == 1 || x->dims[i] == target;
    }
    if (fits) return LOFI_OK;
    return lofi_refuse(node, err, "%s cannot be repeated to %s", lofi_shape_text(graph, x),
                       lofi_shape_text(graph, &outputs[0]));
}

static void cpu(const lofi_call *call) {
    const lofi_expand_attributes *a = call->attributes;
    const lofi_view *x = &call->inputs[0], *out = &call->outputs[0];
    float divisor = a->share && x->count > 0 ? (float)(out->count / x->count) : 1.0f;
    lofi_expand_axes(x->rank, x->dims, x->data, out->rank, out->dims, out->data, divisor, call->threads);
}

static void gradient(lofi_gradient *gradient, const lofi_node *node) {
    const lofi_expand_attributes *a = node->attributes;
    lofi_tensor *dout = lofi_gradient_of_output(gradient, node, 0);
    if (!dout) return;
    lofi_gradient_give(gradient, node, 0,
                       lofi_reduce_to(lofi_gradient_graph(gradient), dout, &node->inputs[0]->shape, a->share));
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const lofi_expand_attributes *a = node->attributes;
    lofi_onnx_value *x = lofi_onnx_input(onnx, node, 0);
    if (a->share)
        x = lofi_onnx_fail(onnx, "the operator 'expand' cannot be written as ONNX: " LOFI_NO_ONNX_OF_GRADIENT);
    lofi_onnx_output(onnx, node, 0, lofi_onnx_binary(onnx, "Expand", x, lofi_onnx_shape(onnx, a->rank, a->dims)));
}

const lofi_op lofi_op_expand = {
    .name = "expand",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_expand_attributes),
    .infer = infer,
    .cpu = cpu,
    .gradient = gradient,
    .differentiable = 0x1,
    .onnx = lower,
    LOFI_CUDA_SLOT(expand),
};
