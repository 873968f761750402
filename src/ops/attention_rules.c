/* attention_rules.c - see attention_rules.h. */
#include "ops/attention_rules.h"

#include "ops/expect.h"

static lofi_code check_width(lofi_graph *graph, const lofi_node *node, const char *what, lofi_error *err) {
    const lofi_heads_attributes *a = node->attributes;
    const lofi_shape *shape = &node->inputs[0]->shape;
    if (a->heads >= 1 && shape->dims[2] > 0 && shape->dims[2] % a->heads == 0) return LOFI_OK;
    return lofi_refuse(node, err, "the last dimension of %s must be a multiple of %d heads, got %s", what, a->heads,
                       lofi_shape_text(graph, shape));
}

lofi_code lofi_heads_check_rows(lofi_graph *graph, const lofi_node *node, const char *what, lofi_error *err) {
    LOFI_TRY(lofi_expect_rank(graph, node, 0, what, 3, "[batch, length, heads * width]", err));
    return check_width(graph, node, what, err);
}

lofi_code lofi_heads_check(lofi_graph *graph, const lofi_node *node, bool same_length, lofi_error *err) {
    const lofi_shape *q = &node->inputs[0]->shape, *k = &node->inputs[1]->shape;
    LOFI_TRY(lofi_expect_rank(graph, node, 0, "q", 3, "[batch, queries, heads * width]", err));
    LOFI_TRY(lofi_expect_rank(graph, node, 1, "k", 3, "[batch, keys, heads * width]", err));
    LOFI_TRY(check_width(graph, node, "q", err));
    lofi_dim keys[3] = {q->dims[0], same_length ? q->dims[1] : k->dims[1], q->dims[2]};
    LOFI_TRY(lofi_expect_dims(graph, node, 1, "k", 3, keys, err));
    return lofi_expect_dims(graph, node, 2, "v", 3, keys, err);
}

lofi_dim lofi_relative_distances(lofi_graph *graph, lofi_dim length) {
    /* The places of a window of 2 in a row of 2 * length: 2 * length - 1. */
    return lofi_dim_convolved(graph, lofi_dim_mul(graph, 2, length), 2, 1, 0);
}

/* [heads, queries, keys], or as many of those as there are windows. */
static lofi_code check_bias(lofi_graph *graph, const lofi_node *node, int input, const lofi_dim dims[3],
                            lofi_error *err) {
    const lofi_tensor *bias = node->inputs[input];
    if (!bias || bias->shape.rank != 4) return lofi_expect_dims(graph, node, input, "bias", 3, dims, err);
    if (bias->shape.dims[0] < 1)
        return lofi_refuse(node, err, "the windows of the bias must be a number, got %s",
                           lofi_shape_text(graph, &bias->shape));
    return lofi_expect_dims(graph, node, input, "bias", 4, (lofi_dim[]){bias->shape.dims[0], dims[0], dims[1], dims[2]},
                            err);
}

static lofi_code check_attention(lofi_graph *graph, const lofi_node *node, int after, lofi_error *err) {
    LOFI_TRY(lofi_heads_check(graph, node, false, err));
    const lofi_heads_attributes *a = node->attributes;
    lofi_dim batch = node->inputs[0]->shape.dims[0], queries = node->inputs[0]->shape.dims[1];
    lofi_dim keys = node->inputs[1]->shape.dims[1];
    LOFI_TRY(check_bias(graph, node, after, (lofi_dim[]){a->heads, queries, keys}, err));
    LOFI_TRY(lofi_expect_dims(graph, node, after + 1, "query mask", 2, (lofi_dim[]){batch, queries}, err));
    return lofi_expect_dims(graph, node, after + 2, "key mask", 2, (lofi_dim[]){batch, keys}, err);
}

static lofi_code check_relative(lofi_graph *graph, const lofi_node *node, int after, lofi_error *err) {
    LOFI_TRY(lofi_heads_check(graph, node, true, err));
    const lofi_shape *q = &node->inputs[0]->shape;
    lofi_dim positions[2] = {lofi_relative_distances(graph, q->dims[1]), q->dims[2]};
    LOFI_TRY(lofi_expect_dims(graph, node, after, "positions", 2, positions, err));
    LOFI_TRY(lofi_expect_dims(graph, node, after + 1, "bias u", 1, &q->dims[2], err));
    LOFI_TRY(lofi_expect_dims(graph, node, after + 2, "bias v", 1, &q->dims[2], err));
    return lofi_expect_dims(graph, node, after + 3, "key mask", 2, q->dims, err);
}

static lofi_code check_linear(lofi_graph *graph, const lofi_node *node, int after, lofi_error *err) {
    LOFI_TRY(lofi_heads_check(graph, node, true, err));
    return lofi_expect_dims(graph, node, after, "mask", 2, node->inputs[0]->shape.dims, err);
}

/* The gradients of q, k and v, once dout fits. */
static lofi_code gradient_shapes(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    LOFI_TRY(lofi_expect_dims(graph, node, 3, "the gradient of the output", 3, node->inputs[0]->shape.dims, err));
    for (int i = 0; i < 3; i++) outputs[i] = node->inputs[i]->shape;
    return LOFI_OK;
}

lofi_code lofi_attention_infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    LOFI_TRY(check_attention(graph, node, 3, err));
    outputs[0] = node->inputs[0]->shape;
    return LOFI_OK;
}

lofi_code lofi_attention_gradient_infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs,
                                        lofi_error *err) {
    LOFI_TRY(check_attention(graph, node, 4, err));
    return gradient_shapes(graph, node, outputs, err);
}

lofi_code lofi_relative_attention_infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs,
                                        lofi_error *err) {
    LOFI_TRY(check_relative(graph, node, 3, err));
    outputs[0] = node->inputs[0]->shape;
    return LOFI_OK;
}

lofi_code lofi_relative_attention_gradient_infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs,
                                                 lofi_error *err) {
    LOFI_TRY(check_relative(graph, node, 4, err));
    return gradient_shapes(graph, node, outputs, err);
}

lofi_code lofi_linear_attention_infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    LOFI_TRY(check_linear(graph, node, 3, err));
    outputs[0] = node->inputs[0]->shape;
    return LOFI_OK;
}

lofi_code lofi_linear_attention_gradient_infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs,
                                               lofi_error *err) {
    LOFI_TRY(check_linear(graph, node, 4, err));
    return gradient_shapes(graph, node, outputs, err);
}

lofi_linear_sizes lofi_linear_sizes_of(const lofi_call *call) {
    const lofi_heads_attributes *a = call->attributes;
    const int64_t *rows = call->inputs[0].dims;
    return (lofi_linear_sizes){.batch = rows[0],
                               .length = rows[1],
                               .heads = a->heads,
                               .width = rows[2] / a->heads,
                               .epsilon = a->number,
                               .threads = call->threads};
}

size_t lofi_linear_workspace(const lofi_call *call) {
    lofi_linear_sizes sizes = lofi_linear_sizes_of(call);
    return lofi_linear_attention_workspace(&sizes);
}

void lofi_heads_work(const lofi_call *call, int products, lofi_work *work) {
    work->operations = 2.0 * products * (double)call->inputs[0].count * (double)call->inputs[1].dims[1];
}

void lofi_linear_heads_work(const lofi_call *call, int products, lofi_work *work) {
    const lofi_heads_attributes *a = call->attributes;
    double width = (double)call->inputs[0].dims[2] / a->heads;
    work->operations = 2.0 * products * (double)call->inputs[0].count * width;
}
