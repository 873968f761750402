/* depthwise_conv1d.c - over time, channel by channel. The gradient of x is the same convolution with the flipped weight. */
#include "kernels/depthwise_conv1d.h"
#include "onnx/onnx.h"
#include "ops/cuda_slot.h"
#include "ops/depthwise_conv1d.h"
#include "ops/elementwise_rules.h"
#include "ops/expect.h"
#include "ops/ops.h"

extern const lofi_op lofi_op_depthwise_conv1d; /* the gradient rule adds it again */

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    LOFI_TRY(lofi_expect_rank(graph, node, 0, "x", 3, "[batch, length, channels]", err));
    const lofi_shape *x = &node->inputs[0]->shape, *weight = &node->inputs[1]->shape;
    lofi_dim channels = x->dims[2];
    bool fits = lofi_is_float(weight->dtype) && weight->rank == 3 && weight->dims[0] == channels &&
                weight->dims[1] == 1 && weight->dims[2] > 0 && weight->dims[2] % 2 == 1;
    if (!fits)
        return lofi_refuse(node, err, "weight must be [%s, 1, taps] with an odd number of taps, got %s",
                           lofi_dim_text(graph, channels), lofi_shape_text(graph, weight));
    outputs[0] = *x;
    return lofi_expect_dims(graph, node, 2, "bias", 1, &channels, err);
}

static size_t workspace(const lofi_call *call) {
    return lofi_depthwise_conv1d_workspace(call->inputs[1].dims[0], call->inputs[1].dims[2]);
}

static void run(const lofi_call *call) {
    const lofi_depthwise_conv1d_attributes *attributes = call->attributes;
    const lofi_view *x = &call->inputs[0], *weight = &call->inputs[1];
    lofi_depthwise_conv1d_run(call->outputs[0].data, x->data, weight->data, weight->dtype, call->inputs[2].data,
                              x->dims[0], x->dims[1], x->dims[2], weight->dims[2], attributes->flipped != 0,
                              call->workspace, call->threads);
}

static lofi_tensor *convolve(lofi_graph *graph, lofi_tensor *x, lofi_tensor *weight, lofi_tensor *bias, bool flipped) {
    lofi_depthwise_conv1d_attributes attributes = {flipped};
    return lofi_graph_add1(graph, &lofi_op_depthwise_conv1d, &attributes, (lofi_tensor *[]){x, weight, bias}, 3);
}

static void differentiate(lofi_gradient *gradient, const lofi_node *node) {
    const lofi_depthwise_conv1d_attributes *attributes = node->attributes;
    if (!lofi_gradient_wanted(gradient, node, 0)) return;
    lofi_tensor *dy = lofi_gradient_of_output(gradient, node, 0), *weight = lofi_gradient_input(gradient, node, 1);
    lofi_gradient_give(gradient, node, 0,
                       convolve(lofi_gradient_graph(gradient), dy, weight, NULL, !attributes->flipped));
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const lofi_depthwise_conv1d_attributes *a = node->attributes;
    const lofi_shape *weight = &node->inputs[1]->shape;
    static const int64_t swap[] = {0, 2, 1};
    lofi_onnx_value *inputs[3];
    if (a->flipped) lofi_onnx_fail(onnx, "the operator 'depthwise_conv1d' is flipped: " LOFI_NO_ONNX_OF_GRADIENT);
    for (int i = 0; i < 3; i++) inputs[i] = lofi_onnx_input(onnx, node, i);
    inputs[0] = lofi_onnx_transpose(onnx, inputs[0], 3, swap);
    int64_t pads[] = {weight->dims[2] / 2, weight->dims[2] / 2};
    lofi_onnx_attribute settings[] = {LOFI_ONNX_ATTRIBUTE_INTS("pads", pads, 2),
                                      LOFI_ONNX_ATTRIBUTE_INT("group", weight->dims[0])};
    lofi_onnx_value *out = lofi_onnx_emit1(onnx, "Conv", inputs, 3, settings, 2);
    lofi_onnx_output(onnx, node, 0, lofi_onnx_transpose(onnx, out, 3, swap));
}

static void work(const lofi_call *call, lofi_work *work) {
    work->operations = 2.0 * (double)call->outputs[0].count * (double)call->inputs[1].dims[2];
}

const lofi_op lofi_op_depthwise_conv1d = {
    .name = "depthwise_conv1d",
    .min_inputs = 2,
    .max_inputs = 3,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_depthwise_conv1d_attributes),
    .infer = infer,
    .cpu = run,
    .workspace = workspace,
    .work = work,
    .gradient = differentiate,
    .differentiable = 1,
    .gradient_gap = "weight and bias of a depthwise convolution are not trained",
    .onnx = lower,
    LOFI_CUDA_SLOT(depthwise_conv1d),
};

lofi_tensor *lofi_depthwise_conv1d(lofi_graph *graph, lofi_tensor *x, lofi_tensor *weight, lofi_tensor *bias) {
    return convolve(graph, x, weight, bias, false);
}
