/* timestep_sinusoid.c - sinusoids of timesteps; see ops.h. Rounded to f32 at every step, as the original's. */
#include <math.h>

#include "onnx/onnx.h"
#include "ops/cuda_slot.h"
#include "ops/expect.h"
#include "ops/look_up.h"
#include "ops/ops.h"

extern const lofi_op lofi_op_timestep_sinusoid;

typedef struct sinusoid_attributes {
    int64_t width;
} sinusoid_attributes;

lofi_tensor *lofi_timestep_sinusoid(lofi_graph *graph, lofi_tensor *t, int width) {
    sinusoid_attributes attributes = {.width = width};
    return lofi_graph_add1(graph, &lofi_op_timestep_sinusoid, &attributes, &t, 1);
}

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    const sinusoid_attributes *a = node->attributes;
    LOFI_TRY(lofi_expect_rank(graph, node, 0, "the timesteps", 1, "[batch]", err));
    if (a->width < 2 || a->width % 2 != 0) {
        return lofi_refuse(node, err, "the width must be even, got %d", (int)a->width);
    }
    outputs[0] = lofi_shape_of(LOFI_F32, 2, (lofi_dim[]){node->inputs[0]->shape.dims[0], a->width});
    return LOFI_OK;
}

static void cpu(const lofi_call *call) {
    const float *t = call->inputs[0].data;
    float *out = call->outputs[0].data;
    int64_t batch = call->outputs[0].dims[0], width = call->outputs[0].dims[1], half = width / 2;
    for (int64_t i = 0; i < half; i++) {
        float frequency = lofi_timestep_frequency(i, half);
        for (int64_t b = 0; b < batch; b++) {
            double angle = (double)(t[b] * frequency);
            out[b * width + i] = (float)cos(angle);
            out[b * width + half + i] = (float)sin(angle);
        }
    }
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const sinusoid_attributes *a = node->attributes;
    int64_t half = a->width / 2;
    float *frequencies = lofi_onnx_scratch(onnx, half, sizeof *frequencies);
    for (int64_t i = 0; frequencies && i < half; i++) frequencies[i] = lofi_timestep_frequency(i, half);
    lofi_onnx_value *angles = lofi_onnx_angles(onnx, lofi_onnx_input(onnx, node, 0), frequencies, half);
    lofi_onnx_value *parts[] = {lofi_onnx_unary(onnx, "Cos", angles), lofi_onnx_unary(onnx, "Sin", angles)};
    lofi_onnx_output(onnx, node, 0, lofi_onnx_concat(onnx, parts, 2, 1));
}

const lofi_op lofi_op_timestep_sinusoid = {
    .name = "timestep_sinusoid",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attribute_bytes = sizeof(sinusoid_attributes),
    .infer = infer,
    .cpu = cpu,
    .gradient_gap = "timesteps are data",
    .onnx = lower,
    LOFI_CUDA_SLOT(timestep_sinusoid),
};
