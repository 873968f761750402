/* rotary_table.c - cosines and sines of rotary angles; see ops.h and kernels/rope.h. */
#include "kernels/rope.h"
#include "ops/elementwise_rules.h"
#include "ops/expect.h"
#include "ops/ops.h"

extern const lofi_op lofi_op_rotary_table;

typedef struct rotary_attributes {
    lofi_dim positions;
    int32_t width;
    float theta;
} rotary_attributes;

void lofi_rotary_table(lofi_graph *graph, lofi_dim positions, int d, float theta, lofi_tensor **cosine,
                       lofi_tensor **sine) {
    rotary_attributes attributes = {.positions = positions, .width = d, .theta = theta};
    lofi_tensor *outputs[2] = {NULL, NULL};
    lofi_graph_add(graph, &lofi_op_rotary_table, &attributes, NULL, 0, outputs, 2);
    *cosine = outputs[0];
    *sine = outputs[1];
}

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    const rotary_attributes *a = node->attributes;
    (void)graph;
    if (a->width < 2 || a->width % 2 != 0) {
        return lofi_refuse(node, err, "the width of a head must be even, got %d", (int)a->width);
    }
    outputs[0] = outputs[1] = lofi_shape_of(LOFI_F32, 2, (lofi_dim[]){a->positions, a->width});
    return LOFI_OK;
}

static void cpu(const lofi_call *call) {
    const rotary_attributes *a = call->attributes;
    const lofi_view *out = call->outputs;
    lofi_rope_table(out[0].dims[0], out[0].dims[1], a->theta, out[0].data, out[1].data);
}

const lofi_op lofi_op_rotary_table = {
    .name = "rotary_table",
    .outputs = 2,
    .attribute_bytes = sizeof(rotary_attributes),
    .infer = infer,
    .cpu = cpu,
    .gradient_gap = "it has no inputs",
    .onnx_gap = LOFI_NO_ONNX,
    .cuda_gap = LOFI_NO_CUDA,
};
