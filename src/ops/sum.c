/* sum.c - the sum over axes; see ops.h and kernels/reduce.h. */
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"
#include "ops/ops.h"
#include "ops/reduction.h"

extern const lofi_op lofi_op_sum;

lofi_tensor *lofi_sum(lofi_graph *graph, lofi_tensor *x, unsigned axes, bool keep) {
    lofi_reduction_attributes attributes = {.axes = axes, .keep = keep};
    return lofi_graph_add1(graph, &lofi_op_sum, &attributes, &x, 1);
}

static void cpu(const lofi_call *call) {
    lofi_reduction_run(call, false);
}

static void gradient(lofi_gradient *gradient, const lofi_node *node) {
    lofi_reduction_gradient(gradient, node, false);
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    lofi_reduction_lower(onnx, node, "ReduceSum");
}

const lofi_op lofi_op_sum = {
    .name = "sum",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_reduction_attributes),
    .infer = lofi_reduction_infer,
    .cpu = cpu,
    .workspace = lofi_reduction_workspace,
    .gradient = gradient,
    .differentiable = 0x1,
    .onnx = lower,
    LOFI_CUDA_SLOT_WITH_WORKSPACE(sum),
};
