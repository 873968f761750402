/* rotary_table.c - cosines and sines of rotary angles; see ops.h and kernels/rope.h. */
#include "kernels/rope.h"
#include "onnx/onnx.h"
#include "ops/cuda_slot.h"
#include "ops/expect.h"
#include "ops/look_up.h"
#include "ops/ops.h"

extern const lofi_op lofi_op_rotary_table;

void lofi_rotary_table(lofi_graph *graph, lofi_dim positions, int d, float theta, lofi_tensor **cosine,
                       lofi_tensor **sine) {
    lofi_rotary_attributes attributes = {.positions = positions, .width = d, .theta = theta};
    lofi_tensor *outputs[2] = {NULL, NULL};
    lofi_graph_add(graph, &lofi_op_rotary_table, &attributes, NULL, 0, outputs, 2);
    *cosine = outputs[0];
    *sine = outputs[1];
}

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    const lofi_rotary_attributes *a = node->attributes;
    (void)graph;
    if (a->width < 2 || a->width % 2 != 0) {
        return lofi_refuse(node, err, "the width of a head must be even, got %d", (int)a->width);
    }
    outputs[0] = outputs[1] = lofi_shape_of(LOFI_F32, 2, (lofi_dim[]){a->positions, a->width});
    return LOFI_OK;
}

static void cpu(const lofi_call *call) {
    const lofi_rotary_attributes *a = call->attributes;
    const lofi_view *out = call->outputs;
    lofi_rope_table(out[0].dims[0], out[0].dims[1], a->theta, out[0].data, out[1].data);
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const lofi_rotary_attributes *a = node->attributes;
    int64_t half = a->width / 2;
    float *frequencies = lofi_onnx_scratch(onnx, half, sizeof *frequencies);
    for (int64_t j = 0; frequencies && j < half; j++) frequencies[j] = lofi_rope_frequency(j, a->width, a->theta);
    lofi_onnx_value *angles = lofi_onnx_angles(onnx, lofi_onnx_range(onnx, a->positions), frequencies, half);
    angles = lofi_onnx_concat(onnx, (lofi_onnx_value *[]){angles, angles}, 2, 1);
    lofi_onnx_output(onnx, node, 0, lofi_onnx_unary(onnx, "Cos", angles));
    lofi_onnx_output(onnx, node, 1, lofi_onnx_unary(onnx, "Sin", angles));
}

const lofi_op lofi_op_rotary_table = {
    .name = "rotary_table",
    .outputs = 2,
    .attribute_bytes = sizeof(lofi_rotary_attributes),
    .infer = infer,
    .cpu = cpu,
    .gradient_gap = "it has no inputs",
    .onnx = lower,
    LOFI_CUDA_SLOT(rotary_table),
};
