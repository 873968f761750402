/* reshape.c - the same elements in another shape, without a copy; see ops.h. */
#include <assert.h>
#include <string.h>

#include "onnx/onnx.h"
#include "ops/elementwise_rules.h"
#include "ops/expect.h"
#include "ops/ops.h"

extern const lofi_op lofi_op_reshape;

typedef struct reshape_attributes {
    int64_t rank;
    lofi_dim dims[LOFI_MAX_RANK];
} reshape_attributes;

lofi_tensor *lofi_reshape(lofi_graph *graph, lofi_tensor *x, int rank, const lofi_dim *dims) {
    assert(rank >= 0 && rank <= LOFI_MAX_RANK);
    reshape_attributes attributes = {.rank = rank};
    for (int i = 0; i < rank; i++) attributes.dims[i] = dims[i];
    return lofi_graph_add1(graph, &lofi_op_reshape, &attributes, &x, 1);
}

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    const reshape_attributes *a = node->attributes;
    const lofi_shape *x = &node->inputs[0]->shape;
    outputs[0] = lofi_shape_of(x->dtype, (int)a->rank, a->dims);
    if (lofi_shape_count(graph, x) != lofi_shape_count(graph, &outputs[0])) {
        return lofi_refuse(node, err, "%s has not as many elements as %s", lofi_shape_text(graph, x),
                           lofi_shape_text(graph, &outputs[0]));
    }
    return LOFI_OK;
}

static void cpu(const lofi_call *call) {
    memcpy(call->outputs[0].data, call->inputs[0].data,
           (size_t)call->inputs[0].count * lofi_dtype_bytes(call->inputs[0].dtype));
}

static void gradient(lofi_gradient *gradient, const lofi_node *node) {
    lofi_tensor *dout = lofi_gradient_of_output(gradient, node, 0);
    const lofi_shape *x = &node->inputs[0]->shape;
    if (!dout) return;
    lofi_gradient_give(gradient, node, 0, lofi_reshape(lofi_gradient_graph(gradient), dout, x->rank, x->dims));
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const lofi_shape *shape = &node->outputs[0]->shape;
    lofi_onnx_output(
        onnx, node, 0,
        lofi_onnx_reshape(onnx, lofi_onnx_input(onnx, node, 0), &node->inputs[0]->shape, shape->rank, shape->dims));
}

const lofi_op lofi_op_reshape = {
    .name = "reshape",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attribute_bytes = sizeof(reshape_attributes),
    .infer = infer,
    .cpu = cpu,
    .gradient = gradient,
    .differentiable = 0x1,
    .view = true,
    .onnx = lower,
    .cuda_gap = "a view is not launched",
};
