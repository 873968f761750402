/* reduction.c - see reduction.h. */
#include "ops/reduction.h"
#include "onnx/onnx.h"

#include "kernels/reduce.h"
#include "ops/expect.h"
#include "ops/ops.h"

lofi_code lofi_reduction_infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    const lofi_reduction_attributes *a = node->attributes;
    const lofi_shape *x = &node->inputs[0]->shape;
    LOFI_TRY(lofi_expect_rank(graph, node, 0, "x", -1, "of any shape in", err));
    if (a->axes >> x->rank != 0) {
        return lofi_refuse(node, err, "the axes 0x%x are not all among those of %s", (unsigned)a->axes,
                           lofi_shape_text(graph, x));
    }
    outputs[0] = lofi_shape_of(LOFI_F32, 0, NULL);
    for (int axis = 0; axis < x->rank; axis++) {
        bool summed = a->axes >> axis & 1u;
        if (!summed)
            outputs[0].dims[outputs[0].rank++] = x->dims[axis];
        else if (a->keep)
            outputs[0].dims[outputs[0].rank++] = 1;
    }
    return LOFI_OK;
}

static lofi_reduction reduction_of(const lofi_call *call) {
    const lofi_reduction_attributes *a = call->attributes;
    const lofi_view *x = &call->inputs[0];
    lofi_reduction reduction = {.rank = x->rank, .axes = a->axes, .divisor = 1.0, .threads = call->threads};
    for (int axis = 0; axis < x->rank; axis++) reduction.dims[axis] = x->dims[axis];
    return reduction;
}

size_t lofi_reduction_workspace(const lofi_call *call) {
    lofi_reduction reduction = reduction_of(call);
    return lofi_reduce_workspace(&reduction);
}

void lofi_reduction_run(const lofi_call *call, bool mean) {
    lofi_reduction reduction = reduction_of(call);
    for (int axis = 0; mean && axis < reduction.rank; axis++) {
        if (reduction.axes >> axis & 1u) reduction.divisor *= (double)reduction.dims[axis];
    }
    lofi_reduce(&reduction, call->inputs[0].data, call->outputs[0].data, call->workspace);
}

void lofi_reduction_gradient(lofi_gradient *gradient, const lofi_node *node, bool mean) {
    const lofi_reduction_attributes *a = node->attributes;
    const lofi_shape *x = &node->inputs[0]->shape;
    lofi_graph *graph = lofi_gradient_graph(gradient);
    lofi_tensor *dout = lofi_gradient_of_output(gradient, node, 0);
    if (!dout) return;
    if (!a->keep && a->axes != 0) {
        lofi_dim dims[LOFI_MAX_RANK];
        for (int axis = 0; axis < x->rank; axis++) dims[axis] = a->axes >> axis & 1u ? 1 : x->dims[axis];
        dout = lofi_reshape(graph, dout, x->rank, dims);
    }
    lofi_gradient_give(gradient, node, 0, lofi_expand_shared(graph, dout, x->rank, x->dims, mean));
}

void lofi_reduction_lower(lofi_onnx *onnx, const lofi_node *node, const char *type) {
    const lofi_reduction_attributes *a = node->attributes;
    int64_t axes[LOFI_MAX_RANK];
    int count = 0;
    for (int i = 0; i < LOFI_MAX_RANK; i++)
        if (a->axes >> i & 1) axes[count++] = i;
    lofi_onnx_output(onnx, node, 0, lofi_onnx_reduce(onnx, type, lofi_onnx_input(onnx, node, 0), axes, count, a->keep));
}

lofi_tensor *lofi_reduce_to(lofi_graph *graph, lofi_tensor *x, const lofi_shape *like, bool mean) {
    if (!x || lofi_graph_failed(graph)) return NULL;
    int added = x->shape.rank - like->rank;
    if (added < 0) {
        return lofi_graph_fail(graph, "sum_to: %s has fewer axes than %s", lofi_shape_text(graph, &x->shape),
                               lofi_shape_text(graph, like));
    }
    unsigned axes = 0;
    for (int axis = 0; axis < x->shape.rank; axis++) {
        lofi_dim target = axis < added ? 1 : like->dims[axis - added];
        if (target == x->shape.dims[axis]) continue;
        if (target != 1) {
            return lofi_graph_fail(graph, "sum_to: %s is not a repetition of %s", lofi_shape_text(graph, &x->shape),
                                   lofi_shape_text(graph, like));
        }
        axes |= 1u << axis;
    }
    if (axes) x = (mean ? lofi_mean : lofi_sum)(graph, x, axes, true);
    return added > 0 ? lofi_reshape(graph, x, like->rank, like->dims) : x;
}

lofi_tensor *lofi_sum_to(lofi_graph *graph, lofi_tensor *x, const lofi_shape *like) {
    return lofi_reduce_to(graph, x, like, false);
}
