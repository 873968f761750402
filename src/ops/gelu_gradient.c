/* gelu_gradient.c - d loss / d x of gelu. */
#include "kernels/elementwise.h"
#include "ops/backward.h"
#include "ops/cuda_slot.h"
#include "ops/element_attributes.h"
#include "ops/elementwise_rules.h"

static void run(const lofi_call *call) {
    const lofi_gelu_attributes *attributes = call->attributes;
    lofi_gelu_gradient_array(call->outputs[0].data, call->inputs[0].data, call->inputs[1].data,
                             attributes->tanh_form != 0, call->outputs[0].count, call->threads);
}

const lofi_op lofi_op_gelu_gradient = {
    .name = "gelu_gradient",
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_gelu_attributes),
    .infer = lofi_infer_gradient_pair,
    .cpu = run,
    .gradient_gap = LOFI_NO_SECOND_DERIVATIVE,
    .in_place = 2,
    .onnx_gap = LOFI_NO_ONNX_OF_GRADIENT,
    LOFI_CUDA_SLOT(gelu_gradient),
};

lofi_tensor *lofi_gelu_gradient(lofi_graph *graph, lofi_tensor *x, lofi_tensor *dy, bool tanh_form) {
    lofi_gelu_attributes attributes = {tanh_form};
    return lofi_graph_add1(graph, &lofi_op_gelu_gradient, &attributes, (lofi_tensor *[]){x, dy}, 2);
}
