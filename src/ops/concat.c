/* concat.c - tensors joined along an axis; see ops.h. */
#include "kernels/copy.h"
#include "onnx/onnx.h"
#include "ops/axis.h"
#include "ops/cuda_slot.h"
#include "ops/expect.h"
#include "ops/ops.h"
#include "ops/shape_attributes.h"

enum { max_parts = 16 };

extern const lofi_op lofi_op_concat;

lofi_tensor *lofi_concat(lofi_graph *graph, lofi_tensor *const *parts, int count, int axis) {
    lofi_concat_attributes attributes = {.axis = axis};
    for (int i = 0; i < count; i++) {
        if (!parts[i] && !lofi_graph_failed(graph)) return lofi_graph_fail(graph, "concat: part %d is absent", i);
    }
    return lofi_graph_add1(graph, &lofi_op_concat, &attributes, parts, count);
}

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    const lofi_concat_attributes *a = node->attributes;
    lofi_shape *out = &outputs[0];
    *out = node->inputs[0]->shape;
    if (a->axis < 0 || a->axis >= out->rank) {
        return lofi_refuse(node, err, "axis %d is not among those of %s", (int)a->axis, lofi_shape_text(graph, out));
    }
    for (int i = 1; i < node->input_count; i++) {
        const lofi_shape *part = &node->inputs[i]->shape;
        bool fits = part->dtype == out->dtype && part->rank == out->rank;
        for (int axis = 0; fits && axis < out->rank; axis++) {
            fits = axis == a->axis || part->dims[axis] == out->dims[axis];
        }
        if (!fits) {
            return lofi_refuse(node, err, "part %d must be as part 0 in all but axis %d, %s, got %s", i, (int)a->axis,
                               lofi_shape_text(graph, &node->inputs[0]->shape), lofi_shape_text(graph, part));
        }
        out->dims[a->axis] = lofi_dim_add(graph, out->dims[a->axis], part->dims[a->axis]);
    }
    return LOFI_OK;
}

static void cpu(const lofi_call *call) {
    const lofi_concat_attributes *a = call->attributes;
    const lofi_view *out = &call->outputs[0];
    size_t step = lofi_axis_step(out, a->axis), out_row = step * (size_t)out->dims[a->axis];
    char *to = out->data;
    for (int i = 0; i < call->input_count; i++) {
        const lofi_view *part = &call->inputs[i];
        size_t row = step * (size_t)part->dims[a->axis];
        lofi_copy_rows(lofi_axis_outer(out, a->axis), row, part->data, row, to, out_row, call->threads);
        to += row;
    }
}

static void gradient(lofi_gradient *gradient, const lofi_node *node) {
    const lofi_concat_attributes *a = node->attributes;
    lofi_graph *graph = lofi_gradient_graph(gradient);
    lofi_tensor *dout = lofi_gradient_of_output(gradient, node, 0);
    lofi_dim start = 0;
    if (!dout) return;
    for (int i = 0; i < node->input_count; i++) {
        lofi_dim length = node->inputs[i]->shape.dims[a->axis];
        if (lofi_gradient_wanted(gradient, node, i)) {
            lofi_gradient_give(gradient, node, i, lofi_slice(graph, dout, a->axis, start, length));
        }
        start = lofi_dim_add(graph, start, length);
    }
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const lofi_concat_attributes *a = node->attributes;
    lofi_onnx_value *parts[max_parts];
    for (int i = 0; i < node->input_count; i++) parts[i] = lofi_onnx_input(onnx, node, i);
    lofi_onnx_output(onnx, node, 0, lofi_onnx_concat(onnx, parts, node->input_count, a->axis));
}

const lofi_op lofi_op_concat = {
    .name = "concat",
    .min_inputs = 1,
    .max_inputs = max_parts,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_concat_attributes),
    .infer = infer,
    .cpu = cpu,
    .gradient = gradient,
    .differentiable = (1u << max_parts) - 1,
    .onnx = lower,
    LOFI_CUDA_SLOT(concat),
};
