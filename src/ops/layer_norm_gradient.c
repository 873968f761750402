/* layer_norm_gradient.c - d loss / d x of layer_norm. */
#include "kernels/norm.h"
#include "ops/backward.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"
#include "ops/norm_rules.h"

static void run(const lofi_call *call) {
    const lofi_norm_attributes *attributes = call->attributes;
    const lofi_view *x = &call->inputs[0];
    lofi_layer_norm_gradient_rows(call->outputs[0].data, x->data, call->inputs[1].data, call->inputs[2].data,
                                  attributes->epsilon, lofi_row_count(x), lofi_row_width(x), call->threads);
}

const lofi_op lofi_op_layer_norm_gradient = {
    .name = "layer_norm_gradient",
    .min_inputs = 2,
    .max_inputs = 3,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_norm_attributes),
    .infer = lofi_infer_norm_gradient,
    .cpu = run,
    .gradient_gap = LOFI_NO_SECOND_DERIVATIVE,
    .in_place = 2,
    .onnx_gap = LOFI_NO_ONNX_OF_GRADIENT,
    LOFI_CUDA_SLOT(layer_norm_gradient),
};

lofi_tensor *lofi_layer_norm_gradient(lofi_graph *graph, lofi_tensor *x, lofi_tensor *dy, lofi_tensor *weight,
                                      float epsilon) {
    lofi_norm_attributes attributes = {.epsilon = epsilon};
    return lofi_graph_add1(graph, &lofi_op_layer_norm_gradient, &attributes, (lofi_tensor *[]){x, dy, weight}, 3);
}
