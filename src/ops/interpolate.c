/* interpolate.c - interpolation in time. It is a linear map: its gradient is its transpose, whose gradient is itself. */
#include "kernels/interpolate.h"

#include "onnx/onnx.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"
#include "ops/expect.h"
#include "ops/ops.h"
#include "ops/shape_attributes.h"

extern const lofi_op lofi_op_interpolate; /* the gradient rule adds it again */

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    const lofi_interpolate_attributes *attributes = node->attributes;
    LOFI_TRY(lofi_expect_rank(graph, node, 0, "x", 3, "[batch, frames, channels]", err));
    if (attributes->length == 0 || node->inputs[0]->shape.dims[1] == 0)
        return lofi_refuse(node, err, "there must be at least one frame before and after");
    outputs[0] = node->inputs[0]->shape;
    outputs[0].dims[1] = attributes->length;
    return LOFI_OK;
}

static void run(const lofi_call *call) {
    const lofi_interpolate_attributes *a = call->attributes;
    const lofi_view *x = &call->inputs[0], *out = &call->outputs[0];
    lofi_interpolate_sizes sizes = {.batch = x->dims[0],
                                    .in = a->transposed ? out->dims[1] : x->dims[1],
                                    .length = a->transposed ? x->dims[1] : out->dims[1],
                                    .channels = x->dims[2],
                                    .kind = (lofi_interpolation)a->kind};
    if (a->transposed)
        lofi_interpolate_transposed_run(&sizes, out->data, x->data, call->threads);
    else
        lofi_interpolate_run(&sizes, out->data, x->data, call->threads);
}

static lofi_tensor *interpolate(lofi_graph *graph, lofi_tensor *x, lofi_interpolate_attributes attributes) {
    return lofi_graph_add1(graph, &lofi_op_interpolate, &attributes, &x, 1);
}

static void differentiate(lofi_gradient *gradient, const lofi_node *node) {
    const lofi_interpolate_attributes *a = node->attributes;
    if (!lofi_gradient_wanted(gradient, node, 0)) return;
    lofi_tensor *dy = lofi_gradient_of_output(gradient, node, 0);
    lofi_interpolate_attributes back = {node->inputs[0]->shape.dims[1], !a->transposed, a->kind};
    lofi_gradient_give(gradient, node, 0, interpolate(lofi_gradient_graph(gradient), dy, back));
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const lofi_interpolate_attributes *a = node->attributes;
    const lofi_shape *x = &node->inputs[0]->shape;
    bool cubic = a->kind == LOFI_INTERPOLATE_CUBIC;
    if (a->transposed) lofi_onnx_fail(onnx, "the operator 'interpolate' is transposed: " LOFI_NO_ONNX_OF_GRADIENT);
    /* as pictures [B, 1, S, C]: the width stays, so only time is interpolated */
    lofi_onnx_value *picture = lofi_onnx_reshape(onnx, lofi_onnx_input(onnx, node, 0), NULL, 4,
                                                 (lofi_dim[]){x->dims[0], 1, x->dims[1], x->dims[2]});
    lofi_onnx_value *inputs[] = {picture, LOFI_ONNX_ABSENT, LOFI_ONNX_ABSENT,
                                 lofi_onnx_shape(onnx, 4, (lofi_dim[]){x->dims[0], 1, a->length, x->dims[2]})};
    lofi_onnx_attribute settings[] = {
        LOFI_ONNX_ATTRIBUTE_TEXT("mode", cubic ? "cubic" : "linear"),
        LOFI_ONNX_ATTRIBUTE_TEXT("coordinate_transformation_mode", cubic ? "align_corners" : "half_pixel"),
        LOFI_ONNX_ATTRIBUTE_FLOAT("cubic_coeff_a", -0.75f)};
    picture = lofi_onnx_emit1(onnx, "Resize", inputs, 4, settings, 3);
    lofi_onnx_output(onnx, node, 0,
                     lofi_onnx_reshape(onnx, picture, NULL, 3, (lofi_dim[]){x->dims[0], a->length, x->dims[2]}));
}

const lofi_op lofi_op_interpolate = {
    .name = "interpolate",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_interpolate_attributes),
    .infer = infer,
    .cpu = run,
    .gradient = differentiate,
    .differentiable = 1,
    .onnx = lower,
    LOFI_CUDA_SLOT(interpolate),
};

lofi_tensor *lofi_interpolate(lofi_graph *graph, lofi_tensor *x, lofi_dim length) {
    return interpolate(graph, x, (lofi_interpolate_attributes){length, 0, LOFI_INTERPOLATE_LINEAR});
}

lofi_tensor *lofi_interpolate_cubic(lofi_graph *graph, lofi_tensor *x, lofi_dim length) {
    return interpolate(graph, x, (lofi_interpolate_attributes){length, 0, LOFI_INTERPOLATE_CUBIC});
}
