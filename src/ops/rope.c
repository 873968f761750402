/* rope.c - rotary position embedding; see ops.h and kernels/rope.h. Its gradient is the same op, transposed. */
#include "kernels/rope.h"

#include "onnx/onnx.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"
#include "ops/expect.h"
#include "ops/ops.h"
#include "ops/rope.h"

extern const lofi_op lofi_op_rope;

static lofi_tensor *build(lofi_graph *graph, lofi_tensor *x, lofi_tensor *cosine, lofi_tensor *sine, int heads,
                          bool transposed) {
    lofi_rope_attributes attributes = {.heads = heads, .transposed = transposed};
    return lofi_graph_add1(graph, &lofi_op_rope, &attributes, (lofi_tensor *[]){x, cosine, sine}, 3);
}

lofi_tensor *lofi_rope(lofi_graph *graph, lofi_tensor *x, lofi_tensor *cosine, lofi_tensor *sine, int heads) {
    return build(graph, x, cosine, sine, heads, false);
}

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    const lofi_rope_attributes *a = node->attributes;
    LOFI_TRY(lofi_expect_rank(graph, node, 0, "x", 3, "[batch, length, heads * width]", err));
    const lofi_shape *x = &node->inputs[0]->shape;
    if (a->heads < 1 || x->dims[2] <= 0 || x->dims[2] % (2 * a->heads) != 0) {
        return lofi_refuse(node, err, "the last dimension of x must be a multiple of %d heads of an even width, got %s",
                           a->heads, lofi_shape_text(graph, x));
    }
    lofi_dim table[2] = {x->dims[1], x->dims[2] / a->heads};
    LOFI_TRY(lofi_expect_dims(graph, node, 1, "the table of cosines", 2, table, err));
    LOFI_TRY(lofi_expect_dims(graph, node, 2, "the table of sines", 2, table, err));
    outputs[0] = *x;
    return LOFI_OK;
}

static void cpu(const lofi_call *call) {
    const lofi_rope_attributes *a = call->attributes;
    const lofi_view *in = call->inputs;
    lofi_rope_sizes sizes = {.batch = in[0].dims[0],
                             .length = in[0].dims[1],
                             .heads = a->heads,
                             .width = in[0].dims[2] / a->heads,
                             .threads = call->threads};
    lofi_rope_rotate(&sizes, in[0].data, in[1].data, in[2].data, a->transposed, call->outputs[0].data);
}

static void gradient(lofi_gradient *gradient, const lofi_node *node) {
    const lofi_rope_attributes *a = node->attributes;
    lofi_tensor *dout = lofi_gradient_of_output(gradient, node, 0);
    if (!dout) return;
    lofi_tensor *cosine = lofi_gradient_input(gradient, node, 1), *sine = lofi_gradient_input(gradient, node, 2);
    lofi_gradient_give(gradient, node, 0,
                       build(lofi_gradient_graph(gradient), dout, cosine, sine, a->heads, !a->transposed));
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const lofi_rope_attributes *a = node->attributes;
    if (a->transposed) lofi_onnx_fail(onnx, "the operator 'rope' is transposed: " LOFI_NO_ONNX_OF_GRADIENT);
    lofi_dim last = node->inputs[0]->shape.dims[2];
    int64_t width = last / a->heads, two = 2, order[] = {1, 0}, heads[] = {0, 0, a->heads, width};
    lofi_onnx_value *x = lofi_onnx_input(onnx, node, 0), *angles[2];
    for (int i = 0; i < 2; i++)
        angles[i] = lofi_onnx_see(onnx, lofi_onnx_input(onnx, node, 1 + i), 3, (int64_t[]){-1, 1, width});
    /* (x0, x1) of each pair as (-x1, x0) */
    lofi_onnx_value *turned = lofi_onnx_see(onnx, x, 5, (int64_t[]){0, 0, a->heads, width / 2, 2});
    lofi_onnx_attribute axis = LOFI_ONNX_ATTRIBUTE_INT("axis", 4);
    lofi_onnx_value *gather[] = {turned, lofi_onnx_integers(onnx, order, 1, &two)};
    turned = lofi_onnx_emit1(onnx, "Gather", gather, 2, &axis, 1);
    turned = lofi_onnx_binary(onnx, "Mul", turned, lofi_onnx_numbers(onnx, (float[]){-1, 1}, 2, (int64_t[]){1, 2}));
    turned = lofi_onnx_see(onnx, turned, 4, heads);
    x = lofi_onnx_binary(onnx, "Mul", lofi_onnx_see(onnx, x, 4, heads), angles[0]);
    x = lofi_onnx_binary(onnx, "Add", x, lofi_onnx_binary(onnx, "Mul", turned, angles[1]));
    lofi_onnx_output(onnx, node, 0, lofi_onnx_see(onnx, x, 3, (int64_t[]){0, 0, last}));
}

const lofi_op lofi_op_rope = {
    .name = "rope",
    .min_inputs = 3,
    .max_inputs = 3,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_rope_attributes),
    .infer = infer,
    .cpu = cpu,
    .gradient = gradient,
    .differentiable = 0x1,
    .gradient_gap = "the tables of angles are fixed numbers",
    .in_place = 1,
    .onnx = lower,
    LOFI_CUDA_SLOT(rope),
};
