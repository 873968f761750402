/* conv2d.c - convolution of images, with groups. */
#include "kernels/conv2d.h"
#include "onnx/onnx.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"
#include "ops/expect.h"
#include "ops/ops.h"

static lofi_code check_attributes(const lofi_node *node, lofi_error *err) {
    const lofi_conv2d_attributes *a = node->attributes;
    if (a->stride_h < 1 || a->stride_w < 1 || a->dilation_h < 1 || a->dilation_w < 1 || a->groups < 1)
        return lofi_refuse(node, err, "strides, dilations and groups must be at least 1, got %dx%d, %dx%d, %d",
                           (int)a->stride_h, (int)a->stride_w, (int)a->dilation_h, (int)a->dilation_w, (int)a->groups);
    if (a->padding_h < 0 || a->padding_w < 0)
        return lofi_refuse(node, err, "the padding must not be negative, got %dx%d", (int)a->padding_h,
                           (int)a->padding_w);
    return LOFI_OK;
}

static lofi_code check_weight(lofi_graph *graph, const lofi_node *node, lofi_error *err) {
    const lofi_conv2d_attributes *a = node->attributes;
    const lofi_shape *weight = &node->inputs[1]->shape;
    lofi_dim channels = node->inputs[0]->shape.dims[1];
    if (channels < 0 || channels % a->groups != 0)
        return lofi_refuse(node, err, "the channels of x must be a multiple of %d groups, got %s", (int)a->groups,
                           lofi_shape_text(graph, &node->inputs[0]->shape));
    bool fits = lofi_is_float(weight->dtype) && weight->rank == 4 && weight->dims[1] == channels / a->groups;
    for (int i = 0; fits && i < 4; i++) fits = weight->dims[i] > 0;
    if (!fits || weight->dims[0] % a->groups != 0)
        return lofi_refuse(node, err, "weight must be [a multiple of %d, %d, height, width], got %s", (int)a->groups,
                           (int)(channels / a->groups), lofi_shape_text(graph, weight));
    return lofi_expect_dims(graph, node, 2, "bias", 1, &weight->dims[0], err);
}

static lofi_dim span(lofi_dim kernel, int32_t dilation) {
    return (kernel - 1) * dilation + 1;
}

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    const lofi_conv2d_attributes *a = node->attributes;
    LOFI_TRY(check_attributes(node, err));
    LOFI_TRY(lofi_expect_rank(graph, node, 0, "x", 4, "[batch, channels, height, width]", err));
    LOFI_TRY(check_weight(graph, node, err));
    const lofi_shape *x = &node->inputs[0]->shape, *weight = &node->inputs[1]->shape;
    lofi_dim high = span(weight->dims[2], a->dilation_h), wide = span(weight->dims[3], a->dilation_w);
    if ((x->dims[2] >= 0 && x->dims[2] + 2 * a->padding_h < high) ||
        (x->dims[3] >= 0 && x->dims[3] + 2 * a->padding_w < wide))
        return lofi_refuse(node, err, "x must be at least as large as the kernel of %dx%d, got %s", (int)high,
                           (int)wide, lofi_shape_text(graph, x));
    outputs[0] = (lofi_shape){.dtype = LOFI_F32, .rank = 4};
    outputs[0].dims[0] = x->dims[0];
    outputs[0].dims[1] = weight->dims[0];
    outputs[0].dims[2] = lofi_dim_convolved(graph, x->dims[2], high, a->stride_h, a->padding_h);
    outputs[0].dims[3] = lofi_dim_convolved(graph, x->dims[3], wide, a->stride_w, a->padding_w);
    return LOFI_OK;
}

static lofi_conv2d_sizes sizes_of(const lofi_call *call) {
    const lofi_conv2d_attributes *a = call->attributes;
    const int64_t *x = call->inputs[0].dims, *weight = call->inputs[1].dims, *out = call->outputs[0].dims;
    return (lofi_conv2d_sizes){.batch = x[0],
                               .in_channels = x[1],
                               .height = x[2],
                               .width = x[3],
                               .out_channels = out[1],
                               .out_height = out[2],
                               .out_width = out[3],
                               .kernel_h = weight[2],
                               .kernel_w = weight[3],
                               .groups = a->groups,
                               .stride_h = a->stride_h,
                               .stride_w = a->stride_w,
                               .padding_h = a->padding_h,
                               .padding_w = a->padding_w,
                               .dilation_h = a->dilation_h,
                               .dilation_w = a->dilation_w};
}

static size_t workspace(const lofi_call *call) {
    lofi_conv2d_sizes sizes = sizes_of(call);
    return lofi_conv2d_workspace(&sizes, call->inputs[1].dtype);
}

static void run(const lofi_call *call) {
    lofi_conv2d_sizes sizes = sizes_of(call);
    lofi_conv2d_run(&sizes, call->outputs[0].data, call->inputs[0].data, call->inputs[1].data, call->inputs[1].dtype,
                    call->inputs[2].data, call->workspace, call->threads);
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const lofi_conv2d_attributes *a = node->attributes;
    lofi_onnx_value *inputs[3];
    for (int i = 0; i < 3; i++) inputs[i] = lofi_onnx_input(onnx, node, i);
    int64_t strides[] = {a->stride_h, a->stride_w}, dilations[] = {a->dilation_h, a->dilation_w};
    int64_t pads[] = {a->padding_h, a->padding_w, a->padding_h, a->padding_w};
    lofi_onnx_attribute settings[] = {
        LOFI_ONNX_ATTRIBUTE_INTS("strides", strides, 2), LOFI_ONNX_ATTRIBUTE_INTS("pads", pads, 4),
        LOFI_ONNX_ATTRIBUTE_INTS("dilations", dilations, 2), LOFI_ONNX_ATTRIBUTE_INT("group", a->groups)};
    lofi_onnx_output(onnx, node, 0, lofi_onnx_emit1(onnx, "Conv", inputs, 3, settings, 4));
}

static void work(const lofi_call *call, lofi_work *work) {
    const lofi_view *weight = &call->inputs[1];
    work->operations = 2.0 * (double)call->outputs[0].count * (double)(weight->count / weight->dims[0]);
}

const lofi_op lofi_op_conv2d = {
    .name = "conv2d",
    .min_inputs = 2,
    .max_inputs = 3,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_conv2d_attributes),
    .infer = infer,
    .cpu = run,
    .workspace = workspace,
    .work = work,
    .gradient_gap = "nothing trainable lies before a convolution of images",
    .onnx = lower,
    LOFI_CUDA_SLOT_WITH_WORKSPACE(conv2d),
};

lofi_tensor *lofi_conv2d(lofi_graph *graph, lofi_tensor *x, lofi_tensor *weight, lofi_tensor *bias,
                         lofi_conv2d_attributes attributes) {
    return lofi_graph_add1(graph, &lofi_op_conv2d, &attributes, (lofi_tensor *[]){x, weight, bias}, 3);
}
