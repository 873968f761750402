/* graph.c - building: nodes, tensors, names, the first failure. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "graph/graph_internal.h"

lofi_code lofi_graph_new(lofi_graph **out, lofi_error *err) {
    lofi_graph *graph = calloc(1, sizeof *graph);
    if (!graph) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a graph");
    lofi_code code = lofi_arena_new(&graph->arena, err);
    if (code != LOFI_OK) {
        free(graph);
        return code;
    }
    graph->dims.arena = graph->arena;
    graph->block = -1;
    *out = graph;
    return LOFI_OK;
}

void lofi_graph_free(lofi_graph *graph) {
    if (!graph) return;
    lofi_dims_free(&graph->dims);
    lofi_arena_free(graph->arena);
    free(graph->nodes);
    free(graph->tensors);
    free(graph);
}

/* ---- failures ---- */

bool lofi_graph_failed(const lofi_graph *graph) {
    return graph->failure.code != LOFI_OK || graph->dims.failure;
}

static const char *scope_of(const lofi_graph *graph) {
    return graph->scope_count ? graph->scopes[graph->scope_count - 1] : "";
}

static void keep_failure(lofi_graph *graph, lofi_error failure) {
    if (graph->failure.code != LOFI_OK) return;
    graph->failure = failure;
    if (*scope_of(graph)) lofi_error_prefix(&graph->failure, "in '%s'", scope_of(graph));
}

lofi_tensor *lofi_graph_fail(lofi_graph *graph, const char *format, ...) {
    lofi_error failure = LOFI_ERROR_INIT;
    char message[sizeof failure.message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    lofi_fail(&failure, LOFI_ERR_FORMAT, "%s", message);
    keep_failure(graph, failure);
    return NULL;
}

lofi_code lofi_graph_check(const lofi_graph *graph, lofi_error *err) {
    if (graph->failure.code != LOFI_OK) {
        if (err) *err = graph->failure;
        return graph->failure.code;
    }
    if (graph->dims.failure)
        return lofi_fail(err, LOFI_ERR_FORMAT, "cannot build the network: %s", graph->dims.failure);
    return LOFI_OK;
}

/* ---- dimensions ---- */

lofi_dim lofi_dim_symbol(lofi_graph *graph, const char *name) {
    return lofi_dims_symbol(&graph->dims, name);
}

lofi_dim lofi_dim_add(lofi_graph *graph, lofi_dim a, lofi_dim b) {
    return lofi_dims_add(&graph->dims, a, b, 1);
}

lofi_dim lofi_dim_sub(lofi_graph *graph, lofi_dim a, lofi_dim b) {
    return lofi_dims_add(&graph->dims, a, b, -1);
}

lofi_dim lofi_dim_offset(lofi_graph *graph, lofi_dim a, int64_t number) {
    return lofi_dims_offset(&graph->dims, a, number);
}

lofi_dim lofi_dim_mul(lofi_graph *graph, lofi_dim a, lofi_dim b) {
    return lofi_dims_mul(&graph->dims, a, b);
}

lofi_dim lofi_dim_floor_div(lofi_graph *graph, lofi_dim a, int64_t divisor) {
    return lofi_dims_floor_div(&graph->dims, a, divisor);
}

lofi_dim lofi_dim_convolved(lofi_graph *graph, lofi_dim in, int64_t kernel, int64_t stride, int64_t padding) {
    return lofi_dim_offset(graph, lofi_dim_floor_div(graph, lofi_dim_offset(graph, in, 2 * padding - kernel), stride),
                           1);
}

void *lofi_dim_fold(const lofi_graph *graph, lofi_dim dim, const lofi_dim_arithmetic *arithmetic) {
    return lofi_dims_fold(&graph->dims, dim, arithmetic);
}

const char *lofi_dim_text(lofi_graph *graph, lofi_dim dim) {
    return lofi_dims_text(&graph->dims, dim);
}

size_t lofi_graph_symbol_count(const lofi_graph *graph) {
    return graph->dims.symbol_count;
}

const char *lofi_graph_symbol_name(const lofi_graph *graph, size_t index) {
    return lofi_dims_symbol_name(&graph->dims, index);
}

int64_t lofi_dim_value(const lofi_graph *graph, lofi_dim dim, const int64_t *values) {
    return lofi_dims_value(&graph->dims, dim, values);
}

lofi_shape lofi_shape_of(lofi_dtype dtype, int rank, const lofi_dim *dims) {
    assert(rank >= 0 && rank <= LOFI_MAX_RANK);
    lofi_shape shape = {.dtype = dtype, .rank = rank};
    for (int i = 0; i < rank; i++) shape.dims[i] = dims[i];
    return shape;
}

lofi_dim lofi_shape_count(lofi_graph *graph, const lofi_shape *shape) {
    lofi_dim count = 1;
    for (int i = 0; i < shape->rank; i++) count = lofi_dim_mul(graph, count, shape->dims[i]);
    return count;
}

const char *lofi_shape_text(lofi_graph *graph, const lofi_shape *shape) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    lofi_buffer_text(&text, "[");
    for (int i = 0; i < shape->rank; i++)
        lofi_buffer_printf(&text, "%s%s", i ? ", " : "", lofi_dim_text(graph, shape->dims[i]));
    lofi_buffer_printf(&text, "] %s", lofi_dtype_name(shape->dtype));
    const char *copy = lofi_arena_strdup(graph->arena, lofi_buffer_str(&text));
    lofi_buffer_free(&text);
    return copy ? copy : "?";
}

/* ---- tensors ---- */

static void out_of_memory(lofi_graph *graph) {
    lofi_graph_fail(graph, "out of memory for a graph of %zu nodes", graph->node_count);
    graph->failure.code = LOFI_ERR_MEMORY;
}

lofi_tensor *lofi_graph_new_tensor(lofi_graph *graph, const char *name, lofi_shape shape, unsigned flags) {
    lofi_error ignored;
    lofi_tensor *tensor = lofi_arena_alloc(graph->arena, sizeof *tensor);
    const char *copy = name ? lofi_arena_strdup(graph->arena, name) : NULL;
    if (!tensor || (name && !copy) ||
        lofi_grow((void **)&graph->tensors, &graph->tensor_capacity, graph->tensor_count + 1, sizeof *graph->tensors,
                  1u << 26, &ignored)) {
        out_of_memory(graph);
        return NULL;
    }
    tensor->name = copy;
    tensor->shape = shape;
    tensor->flags = flags;
    tensor->block = graph->block;
    tensor->index = (int)graph->tensor_count;
    graph->tensors[graph->tensor_count++] = tensor;
    return tensor;
}

lofi_tensor *lofi_graph_input(lofi_graph *graph, const char *name, lofi_shape shape) {
    if (lofi_graph_failed(graph)) return NULL;
    if (lofi_graph_find(graph, name)) return lofi_graph_fail(graph, "two tensors are called '%s'", name);
    return lofi_graph_new_tensor(graph, name, shape, LOFI_TENSOR_INPUT);
}

lofi_tensor *lofi_graph_parameter(lofi_graph *graph, const char *name, lofi_shape shape, void *data, bool trainable) {
    if (lofi_graph_failed(graph)) return NULL;
    for (int i = 0; i < shape.rank; i++) assert(shape.dims[i] >= 0);
    unsigned flags = LOFI_TENSOR_PARAMETER | (trainable ? LOFI_TENSOR_TRAINABLE : 0u);
    lofi_tensor *tensor = lofi_graph_new_tensor(graph, name, shape, flags);
    if (tensor) tensor->data = data, tensor->block = -1;
    return tensor;
}

lofi_tensor *lofi_graph_output(lofi_graph *graph, const char *name, lofi_tensor *tensor) {
    if (lofi_graph_failed(graph) || !tensor) return NULL;
    tensor->flags |= LOFI_TENSOR_OUTPUT;
    if (name && !tensor->name) tensor->name = lofi_arena_strdup(graph->arena, name);
    return tensor;
}

lofi_tensor *lofi_graph_find(const lofi_graph *graph, const char *name) {
    for (size_t i = 0; i < graph->tensor_count; i++)
        if (graph->tensors[i]->name && strcmp(graph->tensors[i]->name, name) == 0) return graph->tensors[i];
    return NULL;
}

/* ---- nodes ---- */

static const char *missing_input(const lofi_op *op, lofi_tensor *const *inputs, int count) {
    if (count < op->min_inputs || count > op->max_inputs) return "wrong number of inputs";
    for (int i = 0; i < count; i++)
        if (!inputs[i] && i < op->min_inputs && !(op->optional >> i & 1)) return "a needed input is absent";
    return NULL;
}

static lofi_node *new_node(lofi_graph *graph, const lofi_op *op, const void *attributes, lofi_tensor *const *inputs,
                           int input_count) {
    lofi_arena *arena = graph->arena;
    lofi_node *node = lofi_arena_alloc(arena, sizeof *node);
    lofi_tensor **in = lofi_arena_alloc(arena, ((size_t)input_count + 1) * sizeof *in);
    lofi_tensor **out = lofi_arena_alloc(arena, (size_t)op->outputs * sizeof *out);
    void *copy = lofi_arena_alloc(arena, op->attribute_bytes + 1);
    if (!node || !in || !out || !copy) return NULL;
    if (input_count) memcpy(in, inputs, (size_t)input_count * sizeof *in);
    if (op->attribute_bytes) memcpy(copy, attributes, op->attribute_bytes);
    *node = (lofi_node){.op = op,
                        .attributes = copy,
                        .input_count = input_count,
                        .output_count = op->outputs,
                        .inputs = in,
                        .outputs = out,
                        .index = (int)graph->node_count,
                        .block = graph->block,
                        .scope = scope_of(graph)};
    return node;
}

static bool append_node(lofi_graph *graph, lofi_node *node, const lofi_shape *shapes) {
    lofi_error ignored;
    if (lofi_grow((void **)&graph->nodes, &graph->node_capacity, graph->node_count + 1, sizeof *graph->nodes, 1u << 26,
                  &ignored)) {
        out_of_memory(graph);
        return false;
    }
    for (int i = 0; i < node->output_count; i++) {
        node->outputs[i] = lofi_graph_new_tensor(graph, NULL, shapes[i], 0);
        if (!node->outputs[i]) return false;
        node->outputs[i]->producer = node;
    }
    graph->nodes[graph->node_count++] = node;
    return true;
}

bool lofi_graph_add(lofi_graph *graph, const lofi_op *op, const void *attributes, lofi_tensor *const *inputs,
                    int input_count, lofi_tensor **outputs, int output_count) {
    if (lofi_graph_failed(graph)) return false;
    assert(output_count == op->outputs);
    const char *missing = missing_input(op, inputs, input_count);
    if (missing) {
        lofi_graph_fail(graph, "%s: %s", op->name, missing);
        return false;
    }
    lofi_node *node = new_node(graph, op, attributes, inputs, input_count);
    if (!node) {
        out_of_memory(graph);
        return false;
    }
    lofi_shape shapes[8];
    assert(op->outputs <= 8);
    memset(shapes, 0, sizeof shapes);
    lofi_error failure = LOFI_ERROR_INIT;
    if (op->infer(graph, node, shapes, &failure) != LOFI_OK) {
        keep_failure(graph, failure);
        return false;
    }
    if (lofi_graph_failed(graph) || !append_node(graph, node, shapes)) return false;
    for (int i = 0; i < output_count; i++) outputs[i] = node->outputs[i];
    return true;
}

lofi_tensor *lofi_graph_add1(lofi_graph *graph, const lofi_op *op, const void *attributes, lofi_tensor *const *inputs,
                             int input_count) {
    lofi_tensor *output = NULL;
    return lofi_graph_add(graph, op, attributes, inputs, input_count, &output, 1) ? output : NULL;
}

size_t lofi_graph_node_count(const lofi_graph *graph) {
    return graph->node_count;
}

lofi_node *lofi_graph_node(const lofi_graph *graph, size_t index) {
    assert(index < graph->node_count);
    return graph->nodes[index];
}

size_t lofi_graph_tensor_count(const lofi_graph *graph) {
    return graph->tensor_count;
}

lofi_tensor *lofi_graph_tensor(const lofi_graph *graph, size_t index) {
    assert(index < graph->tensor_count);
    return graph->tensors[index];
}

size_t lofi_view_bytes(const lofi_view *view) {
    return (size_t)view->count * lofi_dtype_bytes(view->dtype);
}

lofi_work lofi_call_work(const lofi_op *op, const lofi_call *call) {
    lofi_work work = {0};
    if (op->view) return work;
    for (int i = 0; i < call->input_count; i++)
        if (call->inputs[i].data) work.bytes += (double)lofi_view_bytes(&call->inputs[i]);
    for (int i = 0; i < call->output_count; i++) {
        work.operations += (double)call->outputs[i].count;
        work.bytes += (double)lofi_view_bytes(&call->outputs[i]);
    }
    if (op->work) op->work(call, &work);
    return work;
}

int64_t lofi_call_dim(const lofi_call *call, lofi_dim dim) {
    return lofi_dims_value(&call->graph->dims, dim, call->symbols);
}

/* ---- scopes and blocks ---- */

void lofi_graph_scope_push(lofi_graph *graph, const char *format, ...) {
    char name[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    assert(graph->scope_count < LOFI_MAX_SCOPES);
    const char *outer = scope_of(graph);
    const char *joined = lofi_arena_printf(graph->arena, "%s%s%s", outer, *outer ? "." : "", name);
    if (!joined) out_of_memory(graph);
    graph->scopes[graph->scope_count++] = joined ? joined : "";
}

void lofi_graph_scope_pop(lofi_graph *graph) {
    assert(graph->scope_count > 0);
    graph->scope_count--;
}

const char *lofi_graph_scope(const lofi_graph *graph) {
    return scope_of(graph);
}

void lofi_graph_block_begin(lofi_graph *graph) {
    assert(graph->block < 0 && "blocks do not nest");
    graph->block = graph->block_count++;
}

void lofi_graph_block_end(lofi_graph *graph) {
    graph->block = -1;
}

int lofi_graph_block_current(const lofi_graph *graph) {
    return graph->block;
}

void lofi_graph_block_resume(lofi_graph *graph, int block) {
    graph->block = block;
}
