/* relative_attention_gradient.c - the gradient of attention with relative positions; see backward_attention.h. */
#include "kernels/relative_attention.h"

#include "ops/attention_rules.h"
#include "ops/backward_attention.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"

extern const lofi_op lofi_op_relative_attention_gradient;

void lofi_relative_attention_gradient(lofi_graph *graph, lofi_tensor *q, lofi_tensor *k, lofi_tensor *v,
                                      lofi_tensor *dout, lofi_tensor *positions, lofi_tensor *bias_u,
                                      lofi_tensor *bias_v, lofi_tensor *key_mask, int heads,
                                      lofi_tensor *gradients[3]) {
    lofi_heads_attributes attributes = {.heads = heads};
    lofi_tensor *inputs[8] = {q, k, v, dout, positions, bias_u, bias_v, key_mask};
    gradients[0] = gradients[1] = gradients[2] = NULL;
    lofi_graph_add(graph, &lofi_op_relative_attention_gradient, &attributes, inputs, 8, gradients, 3);
}

static lofi_relative_sizes sizes_of(const lofi_call *call) {
    const lofi_heads_attributes *a = call->attributes;
    const int64_t *q = call->inputs[0].dims;
    return (lofi_relative_sizes){
        .batch = q[0], .length = q[1], .heads = a->heads, .width = q[2] / a->heads, .threads = call->threads};
}

static size_t workspace(const lofi_call *call) {
    lofi_relative_sizes sizes = sizes_of(call);
    return lofi_relative_attention_backward_workspace(&sizes);
}

static void cpu(const lofi_call *call) {
    lofi_relative_sizes sizes = sizes_of(call);
    const lofi_view *in = call->inputs, *out = call->outputs;
    lofi_relative_inputs inputs = {in[0].data, in[1].data, in[2].data, in[4].data, in[5].data, in[6].data, in[7].data};
    lofi_relative_attention_backward(&sizes, &inputs, in[3].data, out[0].data, out[1].data, out[2].data,
                                     call->workspace);
}

/* Both halves of the scores again; then the gradients of v, scores, k, and q from keys and positions. */
static void work(const lofi_call *call, lofi_work *work) {
    lofi_heads_work(call, 7, work);
}

const lofi_op lofi_op_relative_attention_gradient = {
    .name = "relative_attention_gradient",
    .min_inputs = 7,
    .max_inputs = 8,
    .outputs = 3,
    .attribute_bytes = sizeof(lofi_heads_attributes),
    .infer = lofi_relative_attention_gradient_infer,
    .cpu = cpu,
    .workspace = workspace,
    .work = work,
    .gradient_gap = LOFI_NO_SECOND_DERIVATIVE,
    .onnx_gap = LOFI_NO_ONNX_OF_GRADIENT,
    LOFI_CUDA_SLOT_WITH_WORKSPACE(relative_attention_gradient),
};
