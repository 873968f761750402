/* dropout.c - inverted dropout; the mask is a function of key, site and position, so the gradient is the same operator. */
#include "kernels/dropout.h"
#include "ops/cuda_slot.h"
#include "ops/element_attributes.h"
#include "ops/elementwise_rules.h"
#include "ops/expect.h"
#include "ops/ops.h"

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    const lofi_dropout_attributes *attributes = node->attributes;
    LOFI_TRY(lofi_infer_like_input(graph, node, outputs, err));
    const lofi_shape *key = &node->inputs[1]->shape;
    if (key->dtype != LOFI_I64 || key->rank != 1 || key->dims[0] != 2)
        return lofi_refuse(node, err, "key must be [2] i64 (seed, step), got %s", lofi_shape_text(graph, key));
    if (!(attributes->p >= 0.0f && attributes->p < 1.0f))
        return lofi_refuse(node, err, "the probability must be at least 0 and below 1, got %g", (double)attributes->p);
    if (attributes->site < 0 || attributes->site >= LOFI_DROPOUT_SITES)
        return lofi_refuse(node, err, "the site must be in 0..%d, got %d", LOFI_DROPOUT_SITES - 1,
                           (int)attributes->site);
    return LOFI_OK;
}

static void run(const lofi_call *call) {
    const lofi_dropout_attributes *attributes = call->attributes;
    const int64_t *key = call->inputs[1].data;
    lofi_random random = lofi_random_at((uint64_t)key[0], LOFI_RANDOM_DROPOUT,
                                        (uint64_t)key[1] * LOFI_DROPOUT_SITES + (uint64_t)attributes->site);
    lofi_dropout_array(call->outputs[0].data, call->inputs[0].data, attributes->p, &random, call->outputs[0].count,
                       call->threads);
}

static void differentiate(lofi_gradient *gradient, const lofi_node *node) {
    const lofi_dropout_attributes *attributes = node->attributes;
    if (!lofi_gradient_wanted(gradient, node, 0)) return;
    lofi_tensor *dy = lofi_gradient_of_output(gradient, node, 0);
    lofi_tensor *key = lofi_gradient_input(gradient, node, 1);
    lofi_gradient_give(gradient, node, 0,
                       lofi_dropout(lofi_gradient_graph(gradient), dy, key, attributes->p, attributes->site));
}

const lofi_op lofi_op_dropout = {
    .name = "dropout",
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_dropout_attributes),
    .infer = infer,
    .cpu = run,
    .gradient = differentiate,
    .differentiable = 1,
    .in_place = 1,
    .onnx_gap = "dropout is part of training only",
    LOFI_CUDA_SLOT(dropout),
};

lofi_tensor *lofi_dropout(lofi_graph *graph, lofi_tensor *x, lofi_tensor *key, float p, int site) {
    lofi_dropout_attributes attributes = {p, site};
    return lofi_graph_add1(graph, &lofi_op_dropout, &attributes, (lofi_tensor *[]){x, key}, 2);
}
