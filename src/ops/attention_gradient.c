/* attention_gradient.c - the gradient of softmax attention; see backward_attention.h and kernels/attention.h. */
#include "kernels/attention.h"

#include "ops/attention_rules.h"
#include "ops/backward_attention.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"

extern const lofi_op lofi_op_attention_gradient;

void lofi_attention_gradient(lofi_graph *graph, lofi_tensor *q, lofi_tensor *k, lofi_tensor *v, lofi_tensor *dout,
                             lofi_tensor *bias, lofi_tensor *query_mask, lofi_tensor *key_mask, int heads, float scale,
                             lofi_tensor *gradients[3]) {
    lofi_heads_attributes attributes = {.heads = heads, .number = scale};
    lofi_tensor *inputs[7] = {q, k, v, dout, bias, query_mask, key_mask};
    gradients[0] = gradients[1] = gradients[2] = NULL;
    lofi_graph_add(graph, &lofi_op_attention_gradient, &attributes, inputs, 7, gradients, 3);
}

static lofi_attention_sizes sizes_of(const lofi_call *call) {
    const lofi_heads_attributes *a = call->attributes;
    const int64_t *q = call->inputs[0].dims;
    return (lofi_attention_sizes){.batch = q[0],
                                  .queries = q[1],
                                  .keys = call->inputs[1].dims[1],
                                  .heads = a->heads,
                                  .bias_groups = call->inputs[4].rank == 4 ? call->inputs[4].dims[0] : 1,
                                  .width = q[2] / a->heads,
                                  .scale = a->number,
                                  .threads = call->threads};
}

static size_t workspace(const lofi_call *call) {
    lofi_attention_sizes sizes = sizes_of(call);
    return lofi_attention_backward_workspace(&sizes);
}

static void cpu(const lofi_call *call) {
    lofi_attention_sizes sizes = sizes_of(call);
    const lofi_view *in = call->inputs, *out = call->outputs;
    lofi_attention_inputs inputs = {in[0].data, in[1].data, in[2].data, in[4].data, in[5].data, in[6].data};
    lofi_attention_backward(&sizes, &inputs, in[3].data, out[0].data, out[1].data, out[2].data, call->workspace);
}

/* Scores are computed again; then the gradients of v, scores, q and k. */
static void work(const lofi_call *call, lofi_work *work) {
    lofi_heads_work(call, 5, work);
}

const lofi_op lofi_op_attention_gradient = {
    .name = "attention_gradient",
    .min_inputs = 4,
    .max_inputs = 7,
    .outputs = 3,
    .attribute_bytes = sizeof(lofi_heads_attributes),
    .infer = lofi_attention_gradient_infer,
    .cpu = cpu,
    .workspace = workspace,
    .work = work,
    .gradient_gap = LOFI_NO_SECOND_DERIVATIVE,
    .onnx_gap = LOFI_NO_ONNX_OF_GRADIENT,
    LOFI_CUDA_SLOT_WITH_WORKSPACE(attention_gradient),
};
