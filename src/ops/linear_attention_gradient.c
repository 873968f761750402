/* linear_attention_gradient.c - the gradient of linear attention; see backward_attention.h. */
#include "ops/attention_rules.h"
#include "ops/backward_attention.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"

extern const lofi_op lofi_op_linear_attention_gradient;

void lofi_linear_attention_gradient(lofi_graph *graph, lofi_tensor *q, lofi_tensor *k, lofi_tensor *v,
                                    lofi_tensor *dout, lofi_tensor *mask, int heads, float epsilon,
                                    lofi_tensor *gradients[3]) {
    lofi_heads_attributes attributes = {.heads = heads, .number = epsilon};
    lofi_tensor *inputs[5] = {q, k, v, dout, mask};
    gradients[0] = gradients[1] = gradients[2] = NULL;
    lofi_graph_add(graph, &lofi_op_linear_attention_gradient, &attributes, inputs, 5, gradients, 3);
}

static size_t workspace(const lofi_call *call) {
    lofi_linear_sizes sizes = lofi_linear_sizes_of(call);
    return lofi_linear_attention_backward_workspace(&sizes);
}

static void cpu(const lofi_call *call) {
    lofi_linear_sizes sizes = lofi_linear_sizes_of(call);
    const lofi_view *in = call->inputs, *out = call->outputs;
    lofi_linear_inputs inputs = {in[0].data, in[1].data, in[2].data, in[4].data};
    lofi_linear_attention_backward(&sizes, &inputs, in[3].data, out[0].data, out[1].data, out[2].data, call->workspace);
}

/* k^T v is computed again, or kept; then its gradient and those of q, k and v. */
static void work(const lofi_call *call, lofi_work *work) {
    lofi_linear_heads_work(call, 5, work);
}

const lofi_op lofi_op_linear_attention_gradient = {
    .name = "linear_attention_gradient",
    .min_inputs = 4,
    .max_inputs = 5,
    .outputs = 3,
    .attribute_bytes = sizeof(lofi_heads_attributes),
    .infer = lofi_linear_attention_gradient_infer,
    .cpu = cpu,
    .workspace = workspace,
    .work = work,
    .gradient_gap = LOFI_NO_SECOND_DERIVATIVE,
    .onnx_gap = LOFI_NO_ONNX_OF_GRADIENT,
    LOFI_CUDA_SLOT_WITH_WORKSPACE(linear_attention_gradient),
};
