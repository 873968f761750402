/* elementwise_rules.c - see elementwise_rules.h. */
#include "ops/elementwise_rules.h"

#include "ops/expect.h"
#include "ops/ops.h"

bool lofi_same_dims(const lofi_shape *a, const lofi_shape *b) {
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i]) return false;
    return true;
}

bool lofi_is_float(lofi_dtype dtype) {
    return dtype == LOFI_F32 || dtype == LOFI_BF16 || dtype == LOFI_F16;
}

lofi_code lofi_infer_like_input(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    LOFI_TRY(lofi_expect_rank(graph, node, 0, "x", -1, "[...]", err));
    outputs[0] = node->inputs[0]->shape;
    return LOFI_OK;
}

lofi_code lofi_infer_gradient_pair(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    LOFI_TRY(lofi_infer_like_input(graph, node, outputs, err));
    return lofi_expect_dims(graph, node, 1, "dy", outputs[0].rank, outputs[0].dims, err);
}

lofi_code lofi_infer_broadcast(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    LOFI_TRY(lofi_expect_rank(graph, node, 0, "a", -1, "[...]", err));
    LOFI_TRY(lofi_expect_rank(graph, node, 1, "b", -1, "[...]", err));
    const lofi_shape *a = &node->inputs[0]->shape, *b = &node->inputs[1]->shape;
    outputs[0].dtype = LOFI_F32;
    outputs[0].rank = a->rank > b->rank ? a->rank : b->rank;
    for (int i = 1; i <= outputs[0].rank; i++) {
        lofi_dim from_a = i <= a->rank ? a->dims[a->rank - i] : 1, from_b = i <= b->rank ? b->dims[b->rank - i] : 1;
        if (from_a != from_b && from_a != 1 && from_b != 1)
            return lofi_refuse(node, err, "expected shapes that broadcast, got %s and %s: %s and %s differ",
                               lofi_shape_text(graph, a), lofi_shape_text(graph, b), lofi_dim_text(graph, from_a),
                               lofi_dim_text(graph, from_b));
        outputs[0].dims[outputs[0].rank - i] = from_a == 1 ? from_b : from_a;
    }
    return LOFI_OK;
}

static lofi_operand operand_of(const lofi_view *view) {
    return (lofi_operand){view->data, view->rank, view->dims};
}

void lofi_run_broadcast(const lofi_call *call, lofi_binary kind) {
    const lofi_view *out = &call->outputs[0];
    lofi_binary_broadcast(kind, out->data, out->rank, out->dims, operand_of(&call->inputs[0]),
                          operand_of(&call->inputs[1]), call->threads);
}

void lofi_give_broadcast(lofi_gradient *gradient, const lofi_node *node, int input, lofi_tensor *value) {
    const lofi_shape *like = &node->inputs[input]->shape;
    if (value && !lofi_same_dims(&value->shape, like)) value = lofi_sum_to(lofi_gradient_graph(gradient), value, like);
    lofi_gradient_give(gradient, node, input, value);
}
