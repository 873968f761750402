/* norm_rules.c - see norm_rules.h. */
#include "ops/norm_rules.h"

#include "ops/expect.h"

static lofi_code expect_rows(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    LOFI_TRY(lofi_expect_rank(graph, node, 0, "x", -1, "[..., channels]", err));
    const lofi_shape *x = &node->inputs[0]->shape;
    if (x->rank < 1) return lofi_refuse(node, err, "x must be [..., channels] f32, got %s", lofi_shape_text(graph, x));
    outputs[0] = *x;
    return LOFI_OK;
}

lofi_code lofi_infer_norm(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    LOFI_TRY(expect_rows(graph, node, outputs, err));
    const lofi_dim *channels = &outputs[0].dims[outputs[0].rank - 1];
    LOFI_TRY(lofi_expect_dims(graph, node, 1, "weight", 1, channels, err));
    return lofi_expect_dims(graph, node, 2, "bias", 1, channels, err);
}

lofi_code lofi_infer_norm_gradient(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    LOFI_TRY(expect_rows(graph, node, outputs, err));
    LOFI_TRY(lofi_expect_dims(graph, node, 1, "dy", outputs[0].rank, outputs[0].dims, err));
    return lofi_expect_dims(graph, node, 2, "weight", 1, &outputs[0].dims[outputs[0].rank - 1], err);
}

int64_t lofi_row_width(const lofi_view *view) {
    return view->dims[view->rank - 1];
}

int64_t lofi_row_count(const lofi_view *view) {
    int64_t width = lofi_row_width(view);
    return width > 0 ? view->count / width : 0;
}
