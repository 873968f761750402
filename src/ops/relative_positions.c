/* relative_positions.c - sinusoids of relative positions; see ops.h. Rounded to f32 at every step, as the original's. */
#include <math.h>

#include "kernels/parallel.h"
#include "onnx/onnx.h"
#include "ops/attention_rules.h"
#include "ops/cuda_slot.h"
#include "ops/expect.h"
#include "ops/look_up.h"
#include "ops/ops.h"

extern const lofi_op lofi_op_relative_positions;

typedef struct positions_attributes {
    lofi_dim length;
    int64_t width;
} positions_attributes;

lofi_tensor *lofi_relative_positions(lofi_graph *graph, lofi_dim length, int width) {
    positions_attributes attributes = {.length = length, .width = width};
    return lofi_graph_add1(graph, &lofi_op_relative_positions, &attributes, NULL, 0);
}

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    const positions_attributes *a = node->attributes;
    if (a->width < 2 || a->width % 2 != 0) {
        return lofi_refuse(node, err, "the width must be even, got %d", (int)a->width);
    }
    outputs[0] = lofi_shape_of(LOFI_F32, 2, (lofi_dim[]){lofi_relative_distances(graph, a->length), a->width});
    return LOFI_OK;
}

static void cpu(const lofi_call *call) {
    const lofi_view *out = &call->outputs[0];
    int64_t rows = out->dims[0], width = out->dims[1], length = (rows + 1) / 2;
    LOFI_PARALLEL_FOR(lofi_team(rows * width > 4096, call->threads), pair, width / 2, {
        int64_t column = 2 * pair;
        float frequency = lofi_relative_frequency(column, width);
        for (int64_t r = 0; r < rows; r++) {
            double angle = (double)((float)(length - 1 - r) * frequency);
            float *at = (float *)out->data + r * width + column;
            at[0] = (float)sin(angle);
            at[1] = (float)cos(angle);
        }
    });
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const positions_attributes *a = node->attributes;
    int64_t half = a->width / 2;
    float *frequencies = lofi_onnx_scratch(onnx, half, sizeof *frequencies);
    for (int64_t i = 0; frequencies && i < half; i++) frequencies[i] = lofi_relative_frequency(2 * i, a->width);
    lofi_onnx_value *rows = lofi_onnx_range(onnx, node->outputs[0]->shape.dims[0]);
    lofi_onnx_value *last = lofi_onnx_to_f32(onnx, lofi_onnx_dim(onnx, a->length));
    last = lofi_onnx_binary(onnx, "Sub", last, lofi_onnx_number(onnx, 1));
    lofi_onnx_value *angles = lofi_onnx_angles(onnx, lofi_onnx_binary(onnx, "Sub", last, rows), frequencies, half);
    lofi_onnx_value *parts[] = {lofi_onnx_unary(onnx, "Sin", angles), lofi_onnx_unary(onnx, "Cos", angles)};
    for (int i = 0; i < 2; i++) parts[i] = lofi_onnx_see(onnx, parts[i], 3, (int64_t[]){0, half, 1});
    lofi_onnx_value *pairs = lofi_onnx_concat(onnx, parts, 2, 2);
    lofi_onnx_output(onnx, node, 0, lofi_onnx_see(onnx, pairs, 2, (int64_t[]){-1, a->width}));
}

const lofi_op lofi_op_relative_positions = {
    .name = "relative_positions",
    .outputs = 1,
    .attribute_bytes = sizeof(positions_attributes),
    .infer = infer,
    .cpu = cpu,
    .gradient_gap = "it has no inputs",
    .onnx = lower,
    LOFI_CUDA_SLOT(relative_positions),
};
