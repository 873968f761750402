/* conv_transpose1d.c - transposed convolution over time. */
#include "kernels/conv_transpose1d.h"
#include "onnx/onnx.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"
#include "ops/expect.h"
#include "ops/ops.h"

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    const lofi_conv_transpose1d_attributes *a = node->attributes;
    LOFI_TRY(lofi_expect_rank(graph, node, 0, "x", 3, "[batch, channels, length]", err));
    const lofi_shape *x = &node->inputs[0]->shape, *weight = &node->inputs[1]->shape;
    bool fits = weight->dtype == LOFI_F32 && weight->rank == 3 && weight->dims[0] == x->dims[1];
    for (int i = 0; fits && i < 3; i++) fits = weight->dims[i] > 0;
    if (!fits)
        return lofi_refuse(node, err, "weight must be f32 [%s, channels, taps], got %s",
                           lofi_dim_text(graph, x->dims[1]), lofi_shape_text(graph, weight));
    if (a->stride < 1 || a->padding < 0)
        return lofi_refuse(node, err, "the stride must be at least 1 and the padding 0, got %d and %d", (int)a->stride,
                           (int)a->padding);
    if (weight->dims[2] < a->stride || weight->dims[2] <= 2 * (int64_t)a->padding)
        return lofi_refuse(node, err, "%d taps are less than a stride of %d or no more than twice a padding of %d",
                           (int)weight->dims[2], (int)a->stride, (int)a->padding);
    lofi_dim spread = lofi_dim_mul(graph, x->dims[2], a->stride);
    outputs[0] = (lofi_shape){.dtype = LOFI_F32, .rank = 3};
    outputs[0].dims[0] = x->dims[0];
    outputs[0].dims[1] = weight->dims[1];
    outputs[0].dims[2] = lofi_dim_offset(graph, spread, weight->dims[2] - a->stride - 2 * (int64_t)a->padding);
    return lofi_expect_dims(graph, node, 2, "bias", 1, &weight->dims[1], err);
}

static lofi_conv_transpose1d_sizes sizes_of(const lofi_call *call) {
    const lofi_conv_transpose1d_attributes *a = call->attributes;
    const int64_t *x = call->inputs[0].dims, *out = call->outputs[0].dims;
    return (lofi_conv_transpose1d_sizes){.batch = x[0],
                                         .in_channels = x[1],
                                         .length = x[2],
                                         .out_channels = out[1],
                                         .out_length = out[2],
                                         .kernel = call->inputs[1].dims[2],
                                         .stride = a->stride,
                                         .padding = a->padding};
}

static size_t workspace(const lofi_call *call) {
    lofi_conv_transpose1d_sizes sizes = sizes_of(call);
    return lofi_conv_transpose1d_workspace(&sizes, call->threads);
}

static void run(const lofi_call *call) {
    lofi_conv_transpose1d_sizes sizes = sizes_of(call);
    lofi_conv_transpose1d_run(&sizes, call->outputs[0].data, call->inputs[0].data, call->inputs[1].data,
                              call->inputs[2].data, call->workspace, call->threads);
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const lofi_conv_transpose1d_attributes *a = node->attributes;
    lofi_onnx_value *inputs[3];
    for (int i = 0; i < 3; i++) inputs[i] = lofi_onnx_input(onnx, node, i);
    int64_t stride = a->stride, pads[] = {a->padding, a->padding};
    lofi_onnx_attribute settings[] = {LOFI_ONNX_ATTRIBUTE_INTS("strides", &stride, 1),
                                      LOFI_ONNX_ATTRIBUTE_INTS("pads", pads, 2)};
    lofi_onnx_output(onnx, node, 0, lofi_onnx_emit1(onnx, "ConvTranspose", inputs, 3, settings, 2));
}

static void work(const lofi_call *call, lofi_work *work) {
    const lofi_view *x = &call->inputs[0], *weight = &call->inputs[1];
    work->operations = 2.0 * (double)x->count * (double)(weight->dims[1] * weight->dims[2]);
}

const lofi_op lofi_op_conv_transpose1d = {
    .name = "conv_transpose1d",
    .min_inputs = 2,
    .max_inputs = 3,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_conv_transpose1d_attributes),
    .infer = infer,
    .cpu = run,
    .workspace = workspace,
    .work = work,
    .gradient_gap = "nothing trainable lies before a transposed convolution",
    .onnx = lower,
    LOFI_CUDA_SLOT_WITH_WORKSPACE(conv_transpose1d),
};

lofi_tensor *lofi_conv_transpose1d(lofi_graph *graph, lofi_tensor *x, lofi_tensor *weight, lofi_tensor *bias,
                                   lofi_conv_transpose1d_attributes attributes) {
    return lofi_graph_add1(graph, &lofi_op_conv_transpose1d, &attributes, (lofi_tensor *[]){x, weight, bias}, 3);
}
