/* slice.c - a window of one axis; see ops.h. Its gradient is pad. */
#include <assert.h>

#include "kernels/copy.h"
#include "onnx/onnx.h"
#include "ops/axis.h"
#include "ops/cuda_slot.h"
#include "ops/expect.h"
#include "ops/ops.h"
#include "ops/window.h"

extern const lofi_op lofi_op_slice;

lofi_tensor *lofi_slice(lofi_graph *graph, lofi_tensor *x, int axis, lofi_dim start, lofi_dim length) {
    lofi_window_attributes attributes = {.axis = axis, .start = start, .length = length};
    return lofi_graph_add1(graph, &lofi_op_slice, &attributes, &x, 1);
}

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    const lofi_window_attributes *a = node->attributes;
    const lofi_shape *x = &node->inputs[0]->shape;
    if (a->axis < 0 || a->axis >= x->rank) {
        return lofi_refuse(node, err, "axis %d is not among those of %s", (int)a->axis, lofi_shape_text(graph, x));
    }
    lofi_dim size = x->dims[a->axis];
    if (a->start >= 0 && a->length >= 0 && size >= 0 && (a->start > size || a->length > size - a->start)) {
        return lofi_refuse(node, err, "%s from %s on along axis %d is not inside of %s",
                           lofi_dim_text(graph, a->length), lofi_dim_text(graph, a->start), (int)a->axis,
                           lofi_shape_text(graph, x));
    }
    outputs[0] = *x;
    outputs[0].dims[a->axis] = a->length;
    return LOFI_OK;
}

static void cpu(const lofi_call *call) {
    const lofi_window_attributes *a = call->attributes;
    const lofi_view *x = &call->inputs[0], *out = &call->outputs[0];
    int axis = (int)a->axis;
    int64_t start = lofi_call_dim(call, a->start);
    size_t step = lofi_axis_step(x, axis);
    assert(start >= 0 && start + out->dims[axis] <= x->dims[axis]);
    lofi_copy_rows(lofi_axis_outer(x, axis), step * (size_t)out->dims[axis],
                   (const char *)x->data + step * (size_t)start, step * (size_t)x->dims[axis], out->data,
                   step * (size_t)out->dims[axis], call->threads);
}

static void gradient(lofi_gradient *gradient, const lofi_node *node) {
    const lofi_window_attributes *a = node->attributes;
    lofi_tensor *dout = lofi_gradient_of_output(gradient, node, 0);
    int axis = (int)a->axis;
    if (!dout) return;
    lofi_gradient_give(
        gradient, node, 0,
        lofi_pad_into(lofi_gradient_graph(gradient), dout, axis, a->start, node->inputs[0]->shape.dims[axis]));
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const lofi_window_attributes *a = node->attributes;
    lofi_onnx_value *start = lofi_onnx_dim(onnx, a->start);
    lofi_onnx_value *end = a->start >= 0 && a->length >= 0
                               ? lofi_onnx_integer(onnx, a->start + a->length)
                               : lofi_onnx_binary(onnx, "Add", start, lofi_onnx_dim(onnx, a->length));
    lofi_onnx_output(onnx, node, 0, lofi_onnx_slice(onnx, lofi_onnx_input(onnx, node, 0), (int)a->axis, start, end));
}

static void work(const lofi_call *call, lofi_work *work) {
    const lofi_view *out = &call->outputs[0];
    work->operations = 0;
    work->bytes = 2 * (double)out->count * (double)lofi_dtype_bytes(out->dtype);
}

const lofi_op lofi_op_slice = {
    .name = "slice",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_window_attributes),
    .infer = infer,
    .cpu = cpu,
    .work = work,
    .gradient = gradient,
    .differentiable = 0x1,
    .onnx = lower,
    LOFI_CUDA_SLOT(slice),
};
