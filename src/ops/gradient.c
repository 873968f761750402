/* gradient.c - one sweep backwards over the nodes; every op adds its own rule (lofi_op.gradient).
 *
 * Gradient checkpointing: a rule that asks for a forward value from inside its own block gets a copy of it, recomputed by
 * copies of the block's nodes from what enters the block. The first rule of a block that asks makes the copies, so they
 * stand in the execution order just before they are needed, and the originals die early.
 *
 * It lives in ops/ and not in graph/ because summing gradients takes the add operator.
 */
#include "ops/gradient.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "graph/op.h"
#include "ops/ops.h"

struct lofi_gradient {
    lofi_graph *graph;
    lofi_gradient_options options;

    bool *depends;        /* per tensor: depends on something wanted */
    lofi_tensor **values; /* per tensor: d loss / d tensor so far, or NULL */
    lofi_tensor **copies; /* per tensor: recomputed inside its block, or NULL */
};

lofi_graph *lofi_gradient_graph(lofi_gradient *gradient) {
    return gradient->graph;
}

bool lofi_gradient_wanted(const lofi_gradient *gradient, const lofi_node *node, int input) {
    return input < node->input_count && node->inputs[input] && gradient->depends[node->inputs[input]->index];
}

lofi_tensor *lofi_gradient_of_output(lofi_gradient *gradient, const lofi_node *node, int output) {
    return gradient->values[node->outputs[output]->index];
}

/* The recomputed copy of a tensor of a block. */
static lofi_tensor *recompute(lofi_gradient *gradient, lofi_tensor *tensor) {
    if (gradient->copies[tensor->index]) return gradient->copies[tensor->index];
    const lofi_node *node = tensor->producer;
    lofi_tensor *inputs[16], *outputs[8];
    assert(node->input_count <= 16 && node->output_count <= 8);
    for (int i = 0; i < node->input_count; i++) {
        lofi_tensor *input = node->inputs[i];
        bool inside = input && input->producer && input->block == tensor->block;
        inputs[i] = inside ? recompute(gradient, input) : input;
        if (input && !inputs[i]) return NULL;
    }
    if (!lofi_graph_add(gradient->graph, node->op, node->attributes, inputs, node->input_count, outputs,
                        node->output_count))
        return NULL;
    for (int i = 0; i < node->output_count; i++) gradient->copies[node->outputs[i]->index] = outputs[i];
    return gradient->copies[tensor->index];
}

static lofi_tensor *forward_value(lofi_gradient *gradient, const lofi_node *node, lofi_tensor *tensor) {
    bool inside = tensor && tensor->producer && node->block >= 0 && tensor->block == node->block;
    return gradient->options.checkpoint && inside ? recompute(gradient, tensor) : tensor;
}

lofi_tensor *lofi_gradient_input(lofi_gradient *gradient, const lofi_node *node, int input) {
    return input < node->input_count ? forward_value(gradient, node, node->inputs[input]) : NULL;
}

lofi_tensor *lofi_gradient_output(lofi_gradient *gradient, const lofi_node *node, int output) {
    return forward_value(gradient, node, node->outputs[output]);
}

static bool same_shape(const lofi_shape *a, const lofi_shape *b) {
    if (a->rank != b->rank || a->dtype != b->dtype) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i]) return false;
    return true;
}

void lofi_gradient_give(lofi_gradient *gradient, const lofi_node *node, int input, lofi_tensor *value) {
    lofi_graph *graph = gradient->graph;
    if (!value || lofi_graph_failed(graph)) return;
    const lofi_tensor *of = node->inputs[input];
    if (!same_shape(&value->shape, &of->shape)) {
        lofi_graph_fail(graph, "%s: the gradient of input %d is %s, its value %s", node->op->name, input,
                        lofi_shape_text(graph, &value->shape), lofi_shape_text(graph, &of->shape));
        return;
    }
    lofi_tensor **sum = &gradient->values[of->index];
    *sum = *sum ? lofi_add(graph, *sum, value) : value;
}

/* Which tensors depend on something wanted. */
static void find_dependent(lofi_gradient *gradient, lofi_tensor *const *wanted, size_t count) {
    for (size_t i = 0; i < count; i++) gradient->depends[wanted[i]->index] = true;
    for (size_t n = 0; n < lofi_graph_node_count(gradient->graph); n++) {
        const lofi_node *node = lofi_graph_node(gradient->graph, n);
        bool depends = false;
        for (int i = 0; i < node->input_count; i++) depends = depends || lofi_gradient_wanted(gradient, node, i);
        for (int i = 0; i < node->output_count && depends; i++) gradient->depends[node->outputs[i]->index] = true;
    }
}

static lofi_code differentiate_node(lofi_gradient *gradient, const lofi_node *node, lofi_error *err) {
    bool given = false, wanted = false;
    for (int i = 0; i < node->output_count; i++) given = given || gradient->values[node->outputs[i]->index];
    if (!given) return LOFI_OK;
    for (int i = 0; i < node->input_count; i++) {
        if (!lofi_gradient_wanted(gradient, node, i)) continue;
        wanted = true;
        if (!node->op->gradient || !(node->op->differentiable >> i & 1))
            return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "operator '%s' at '%s' has no gradient of its input %d: %s",
                             node->op->name, node->scope, i,
                             node->op->gradient_gap ? node->op->gradient_gap : "none is known");
    }
    if (wanted) node->op->gradient(gradient, node);
    return lofi_graph_check(gradient->graph, err);
}

static lofi_code sweep(lofi_gradient *gradient, lofi_tensor *loss, lofi_error *err) {
    lofi_graph *graph = gradient->graph;
    size_t nodes = lofi_graph_node_count(graph);
    gradient->values[loss->index] = lofi_full(graph, 1.0f, loss->shape.rank, loss->shape.dims);
    for (size_t n = nodes; n-- > 0;) LOFI_TRY(differentiate_node(gradient, lofi_graph_node(graph, n), err));
    return lofi_graph_check(graph, err);
}

/* The tensor that the caller reads, in memory of its own when data is given. */
static lofi_tensor *publish(lofi_gradient *gradient, const lofi_tensor *wanted, void *data) {
    lofi_graph *graph = gradient->graph;
    lofi_tensor *value = gradient->values[wanted->index];
    if (!value) value = lofi_full(graph, 0.0f, wanted->shape.rank, wanted->shape.dims);
    if (value && data && (!value->producer || value->flags & LOFI_TENSOR_EXTERNAL)) value = lofi_copy(graph, value);
    if (!value) return NULL;
    if (data) {
        value->flags |= LOFI_TENSOR_EXTERNAL;
        value->data = data;
    }
    return lofi_graph_output(graph, NULL, value);
}

static lofi_code differentiate(lofi_gradient *gradient, lofi_tensor *loss, lofi_tensor *const *wanted, size_t count,
                               void *const *grads_data, lofi_tensor **grads, lofi_error *err) {
    lofi_graph *graph = gradient->graph;
    if (!gradient->depends || !gradient->values || !gradient->copies)
        return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for gradients");
    if (loss->shape.dtype != LOFI_F32 || lofi_shape_count(graph, &loss->shape) != 1)
        return lofi_fail(err, LOFI_ERR_FORMAT, "a loss must be one f32 number, this is %s",
                         lofi_shape_text(graph, &loss->shape));
    for (size_t i = 0; i < count; i++) assert(wanted[i]->shape.dtype == LOFI_F32);
    find_dependent(gradient, wanted, count);
    LOFI_TRY(sweep(gradient, loss, err));
    for (size_t i = 0; i < count; i++) grads[i] = publish(gradient, wanted[i], grads_data ? grads_data[i] : NULL);
    return lofi_graph_check(graph, err);
}

lofi_code lofi_graph_differentiate(lofi_graph *graph, lofi_tensor *loss, lofi_tensor *const *wanted, size_t count,
                                   void *const *grads_data, lofi_gradient_options options, lofi_tensor **grads,
                                   lofi_error *err) {
    LOFI_TRY(lofi_graph_check(graph, err));
    size_t tensors = lofi_graph_tensor_count(graph);
    lofi_gradient gradient = {.graph = graph, .options = options};
    gradient.depends = calloc(tensors, sizeof *gradient.depends);
    gradient.values = calloc(tensors, sizeof *gradient.values);
    gradient.copies = calloc(tensors, sizeof *gradient.copies);
    int block = lofi_graph_block_current(graph);
    lofi_graph_block_resume(graph, -1);
    lofi_code code = differentiate(&gradient, loss, wanted, count, grads_data, grads, err);
    lofi_graph_block_resume(graph, block);
    free(gradient.depends);
    free(gradient.values);
    free(gradient.copies);
    return code;
}
