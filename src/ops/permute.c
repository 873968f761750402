/* permute.c - the axes of a tensor in another order; see ops.h and kernels/permute.h. */
#include "kernels/permute.h"

#include "onnx/onnx.h"
#include "ops/cuda_slot.h"
#include "ops/expect.h"
#include "ops/ops.h"
#include "ops/shape_attributes.h"

extern const lofi_op lofi_op_permute;

lofi_tensor *lofi_permute(lofi_graph *graph, lofi_tensor *x, const int *order) {
    lofi_permute_attributes attributes = {.order = {0}};
    for (int i = 0; x && i < x->shape.rank; i++) attributes.order[i] = order[i];
    return lofi_graph_add1(graph, &lofi_op_permute, &attributes, &x, 1);
}

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    const lofi_permute_attributes *a = node->attributes;
    const lofi_shape *x = &node->inputs[0]->shape;
    unsigned seen = 0;
    outputs[0] = *x;
    for (int i = 0; i < x->rank; i++) {
        int axis = a->order[i];
        if (axis < 0 || axis >= x->rank || (seen >> axis & 1u)) {
            return lofi_refuse(node, err, "the order must hold each axis of %s once, got axis %d at place %d",
                               lofi_shape_text(graph, x), axis, i);
        }
        seen |= 1u << axis;
        outputs[0].dims[i] = x->dims[axis];
    }
    return LOFI_OK;
}

static void cpu(const lofi_call *call) {
    const lofi_permute_attributes *a = call->attributes;
    const lofi_view *x = &call->inputs[0];
    lofi_permute_axes(x->rank, x->dims, a->order, lofi_dtype_bytes(x->dtype), x->data, call->outputs[0].data,
                      call->threads);
}

static void gradient(lofi_gradient *gradient, const lofi_node *node) {
    const lofi_permute_attributes *a = node->attributes;
    lofi_tensor *dout = lofi_gradient_of_output(gradient, node, 0);
    int inverse[LOFI_MAX_RANK] = {0};
    if (!dout) return;
    for (int i = 0; i < dout->shape.rank; i++) inverse[a->order[i]] = i;
    lofi_gradient_give(gradient, node, 0, lofi_permute(lofi_gradient_graph(gradient), dout, inverse));
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const lofi_permute_attributes *a = node->attributes;
    int64_t order[LOFI_MAX_RANK];
    int rank = node->inputs[0]->shape.rank;
    for (int i = 0; i < rank; i++) order[i] = a->order[i];
    lofi_onnx_output(onnx, node, 0, lofi_onnx_transpose(onnx, lofi_onnx_input(onnx, node, 0), rank, order));
}

const lofi_op lofi_op_permute = {
    .name = "permute",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_permute_attributes),
    .infer = infer,
    .cpu = cpu,
    .gradient = gradient,
    .differentiable = 0x1,
    .onnx = lower,
    LOFI_CUDA_SLOT(permute),
};
