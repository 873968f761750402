/* relative_positions.c - sinusoids of relative positions; see ops.h. Rounded to f32 at every step, as the original's. */
#include <math.h>

#include "kernels/parallel.h"
#include "ops/attention_rules.h"
#include "ops/elementwise_rules.h"
#include "ops/expect.h"
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
    float step = (float)-(log(10000.0) / (double)width);
    LOFI_PARALLEL_FOR(lofi_team(rows * width > 4096, call->threads), pair, width / 2, {
        int64_t column = 2 * pair;
        float frequency = (float)exp((double)((float)column * step));
        for (int64_t r = 0; r < rows; r++) {
            double angle = (double)((float)(length - 1 - r) * frequency);
            float *at = (float *)out->data + r * width + column;
            at[0] = (float)sin(angle);
            at[1] = (float)cos(angle);
        }
    });
}

const lofi_op lofi_op_relative_positions = {
    .name = "relative_positions",
    .outputs = 1,
    .attribute_bytes = sizeof(positions_attributes),
    .infer = infer,
    .cpu = cpu,
    .gradient_gap = "it has no inputs",
    .onnx_gap = LOFI_NO_ONNX,
    .cuda_gap = LOFI_NO_CUDA,
};
