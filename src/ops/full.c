/* full.c - a tensor filled with one value; see ops.h. */
#include <assert.h>

#include "graph/op.h"
#include "onnx/onnx.h"
#include "ops/cuda_slot.h"
#include "ops/element_attributes.h"
#include "ops/ops.h"

extern const lofi_op lofi_op_full;

lofi_tensor *lofi_full(lofi_graph *graph, float value, int rank, const lofi_dim *dims) {
    assert(rank >= 0 && rank <= LOFI_MAX_RANK);
    lofi_full_attributes attributes = {.value = value, .rank = rank};
    for (int i = 0; i < rank; i++) attributes.dims[i] = dims[i];
    return lofi_graph_add1(graph, &lofi_op_full, &attributes, NULL, 0);
}

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    const lofi_full_attributes *a = node->attributes;
    (void)graph, (void)err;
    outputs[0] = lofi_shape_of(LOFI_F32, a->rank, a->dims);
    return LOFI_OK;
}

static void cpu(const lofi_call *call) {
    const lofi_full_attributes *a = call->attributes;
    float *out = call->outputs[0].data;
    for (int64_t i = 0; i < call->outputs[0].count; i++) out[i] = a->value;
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const lofi_full_attributes *a = node->attributes;
    lofi_onnx_output(
        onnx, node, 0,
        lofi_onnx_binary(onnx, "Expand", lofi_onnx_number(onnx, a->value), lofi_onnx_shape(onnx, a->rank, a->dims)));
}

const lofi_op lofi_op_full = {
    .name = "full",
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_full_attributes),
    .infer = infer,
    .cpu = cpu,
    .gradient_gap = "it has no inputs",
    .onnx = lower,
    LOFI_CUDA_SLOT(full),
};
