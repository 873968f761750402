/* pad.c - zeros before and after along one axis; see ops.h. Its gradient is slice. */
#include <assert.h>

#include "kernels/copy.h"
#include "onnx/onnx.h"
#include "ops/axis.h"
#include "ops/cuda_slot.h"
#include "ops/expect.h"
#include "ops/ops.h"
#include "ops/window.h"

extern const lofi_op lofi_op_pad;

lofi_tensor *lofi_pad_into(lofi_graph *graph, lofi_tensor *x, int axis, lofi_dim start, lofi_dim total) {
    lofi_window_attributes attributes = {.axis = axis, .start = start, .length = total};
    return lofi_graph_add1(graph, &lofi_op_pad, &attributes, &x, 1);
}

lofi_tensor *lofi_pad(lofi_graph *graph, lofi_tensor *x, int axis, lofi_dim before, lofi_dim after) {
    lofi_dim total = 0;
    if (x && axis >= 0 && axis < x->shape.rank) {
        total = lofi_dim_add(graph, lofi_dim_add(graph, before, x->shape.dims[axis]), after);
    }
    return lofi_pad_into(graph, x, axis, before, total);
}

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    const lofi_window_attributes *a = node->attributes;
    const lofi_shape *x = &node->inputs[0]->shape;
    if (a->axis < 0 || a->axis >= x->rank) {
        return lofi_refuse(node, err, "axis %d is not among those of %s", (int)a->axis, lofi_shape_text(graph, x));
    }
    outputs[0] = *x;
    outputs[0].dims[a->axis] = a->length;
    return LOFI_OK;
}

static void cpu(const lofi_call *call) {
    const lofi_window_attributes *a = call->attributes;
    const lofi_view *x = &call->inputs[0], *out = &call->outputs[0];
    int axis = (int)a->axis;
    int64_t start = lofi_call_dim(call, a->start), rows = lofi_axis_outer(x, axis);
    int64_t after = out->dims[axis] - start - x->dims[axis];
    assert(start >= 0 && after >= 0);
    size_t step = lofi_axis_step(x, axis), row = step * (size_t)out->dims[axis], used = step * (size_t)x->dims[axis];
    char *to = out->data;
    lofi_zero_rows(rows, step * (size_t)start, to, row, call->threads);
    lofi_copy_rows(rows, used, x->data, used, to + step * (size_t)start, row, call->threads);
    lofi_zero_rows(rows, step * (size_t)after, to + step * (size_t)start + used, row, call->threads);
}

static void gradient(lofi_gradient *gradient, const lofi_node *node) {
    const lofi_window_attributes *a = node->attributes;
    lofi_tensor *dout = lofi_gradient_of_output(gradient, node, 0);
    int axis = (int)a->axis;
    if (!dout) return;
    lofi_gradient_give(
        gradient, node, 0,
        lofi_slice(lofi_gradient_graph(gradient), dout, axis, a->start, node->inputs[0]->shape.dims[axis]));
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const lofi_window_attributes *a = node->attributes;
    const lofi_shape *x = &node->inputs[0]->shape;
    lofi_onnx_value *start = lofi_onnx_dim(onnx, a->start), *length = lofi_onnx_dim(onnx, x->dims[a->axis]);
    lofi_onnx_value *after = lofi_onnx_binary(onnx, "Sub", lofi_onnx_dim(onnx, a->length), start);
    lofi_onnx_value *parts[2 * LOFI_MAX_RANK];
    for (int i = 0; i < 2 * x->rank; i++) parts[i] = lofi_onnx_integer(onnx, 0);
    parts[a->axis] = start;
    parts[x->rank + a->axis] = lofi_onnx_binary(onnx, "Sub", after, length);
    lofi_onnx_value *inputs[] = {lofi_onnx_input(onnx, node, 0), lofi_onnx_concat(onnx, parts, 2 * x->rank, 0)};
    lofi_onnx_output(onnx, node, 0, lofi_onnx_emit1(onnx, "Pad", inputs, 2, NULL, 0));
}

const lofi_op lofi_op_pad = {
    .name = "pad",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_window_attributes),
    .infer = infer,
    .cpu = cpu,
    .gradient = gradient,
    .differentiable = 0x1,
    .onnx = lower,
    LOFI_CUDA_SLOT(pad),
};
