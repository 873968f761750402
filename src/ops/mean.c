/* mean.c - the mean over axes; see ops.h and kernels/reduce.h. */
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"
#include "ops/ops.h"
#include "ops/reduction.h"

extern const lofi_op lofi_op_mean;

lofi_tensor *lofi_mean(lofi_graph *graph, lofi_tensor *x, unsigned axes, bool keep) {
    lofi_reduction_attributes attributes = {.axes = axes, .keep = keep};
    return lofi_graph_add1(graph, &lofi_op_mean, &attributes, &x, 1);
}

static void cpu(const lofi_call *call) {
    lofi_reduction_run(call, true);
}

static void gradient(lofi_gradient *gradient, const lofi_node *node) {
    lofi_reduction_gradient(gradient, node, true);
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    lofi_reduction_lower(onnx, node, "ReduceMean");
}

const lofi_op lofi_op_mean = {
    .name = "mean",
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
    LOFI_CUDA_SLOT_WITH_WORKSPACE(mean),
};
