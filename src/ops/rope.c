/* rope.c - rotary position embedding; see ops.h and kernels/rope.h. Its gradient is the same op, transposed. */
#include "kernels/rope.h"

#include "ops/elementwise_rules.h"
#include "ops/expect.h"
#include "ops/ops.h"

extern const lofi_op lofi_op_rope;

typedef struct rope_attributes {
    int32_t heads;
    int32_t transposed;
} rope_attributes;

static lofi_tensor *build(lofi_graph *graph, lofi_tensor *x, lofi_tensor *cosine, lofi_tensor *sine, int heads,
                          bool transposed) {
    rope_attributes attributes = {.heads = heads, .transposed = transposed};
    return lofi_graph_add1(graph, &lofi_op_rope, &attributes, (lofi_tensor *[]){x, cosine, sine}, 3);
}

lofi_tensor *lofi_rope(lofi_graph *graph, lofi_tensor *x, lofi_tensor *cosine, lofi_tensor *sine, int heads) {
    return build(graph, x, cosine, sine, heads, false);
}

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    const rope_attributes *a = node->attributes;
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
    const rope_attributes *a = call->attributes;
    const lofi_view *in = call->inputs;
    lofi_rope_sizes sizes = {.batch = in[0].dims[0],
                             .length = in[0].dims[1],
                             .heads = a->heads,
                             .width = in[0].dims[2] / a->heads,
                             .threads = call->threads};
    lofi_rope_rotate(&sizes, in[0].data, in[1].data, in[2].data, a->transposed, call->outputs[0].data);
}

static void gradient(lofi_gradient *gradient, const lofi_node *node) {
    const rope_attributes *a = node->attributes;
    lofi_tensor *dout = lofi_gradient_of_output(gradient, node, 0);
    if (!dout) return;
    lofi_tensor *cosine = lofi_gradient_input(gradient, node, 1), *sine = lofi_gradient_input(gradient, node, 2);
    lofi_gradient_give(gradient, node, 0,
                       build(lofi_gradient_graph(gradient), dout, cosine, sine, a->heads, !a->transposed));
}

const lofi_op lofi_op_rope = {
    .name = "rope",
    .min_inputs = 3,
    .max_inputs = 3,
    .outputs = 1,
    .attribute_bytes = sizeof(rope_attributes),
    .infer = infer,
    .cpu = cpu,
    .gradient = gradient,
    .differentiable = 0x1,
    .gradient_gap = "the tables of angles are fixed numbers",
    .in_place = 1,
    .onnx_gap = LOFI_NO_ONNX,
    .cuda_gap = LOFI_NO_CUDA,
};
