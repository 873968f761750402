/* max_pool2d.c - the largest value of each cell of a picture. */
#include "kernels/pool.h"
#include "onnx/onnx.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"
#include "ops/expect.h"
#include "ops/ops.h"

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    int32_t size = *(const int32_t *)node->attributes;
    LOFI_TRY(lofi_expect_rank(graph, node, 0, "x", 4, "[batch, channels, height, width]", err));
    if (size < 1) return lofi_refuse(node, err, "the size of a cell must be at least 1, got %d", (int)size);
    outputs[0] = node->inputs[0]->shape;
    for (int i = 2; i < 4; i++) outputs[0].dims[i] = lofi_dim_floor_div(graph, outputs[0].dims[i], size);
    return LOFI_OK;
}

static void run(const lofi_call *call) {
    const lofi_view *x = &call->inputs[0];
    lofi_max_pool_run(call->outputs[0].data, x->data, x->dims[0] * x->dims[1], x->dims[2], x->dims[3],
                      *(const int32_t *)call->attributes, call->threads);
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    int64_t size = *(const int32_t *)node->attributes, cell[] = {size, size};
    lofi_onnx_value *x = lofi_onnx_input(onnx, node, 0);
    lofi_onnx_attribute settings[] = {LOFI_ONNX_ATTRIBUTE_INTS("kernel_shape", cell, 2),
                                      LOFI_ONNX_ATTRIBUTE_INTS("strides", cell, 2)};
    lofi_onnx_output(onnx, node, 0, lofi_onnx_emit1(onnx, "MaxPool", &x, 1, settings, 2));
}

const lofi_op lofi_op_max_pool2d = {
    .name = "max_pool2d",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attribute_bytes = sizeof(int32_t),
    .infer = infer,
    .cpu = run,
    .gradient_gap = "nothing trainable lies before a pooling layer",
    .onnx = lower,
    LOFI_CUDA_SLOT(max_pool2d),
};

lofi_tensor *lofi_max_pool2d(lofi_graph *graph, lofi_tensor *x, int size) {
    int32_t attribute = size;
    return lofi_graph_add1(graph, &lofi_op_max_pool2d, &attribute, &x, 1);
}
