/* onnx.c - nodes, values and the walk over a graph; see onnx.h. */
#include "onnx/onnx.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/onnx_internal.h"

#define MAX_RECORDS ((size_t)1 << 22)

static lofi_onnx_value absent = {""};
lofi_onnx_value *const LOFI_ONNX_ABSENT = &absent;

/* ---- life ---- */

static bool allocate_tables(lofi_onnx *onnx) {
    size_t tensors = lofi_graph_tensor_count(onnx->graph) + 1;
    onnx->values = lofi_arena_alloc(onnx->arena, tensors * sizeof(lofi_onnx_value *));
    onnx->input_names = lofi_arena_alloc(onnx->arena, tensors * sizeof(lofi_onnx_value *));
    onnx->takes_integers = lofi_arena_alloc(onnx->arena, tensors * sizeof(bool));
    return onnx->values && onnx->input_names && onnx->takes_integers;
}

lofi_code lofi_onnx_new(lofi_onnx **out, lofi_graph *graph, const lofi_onnx_settings *settings, lofi_error *err) {
    if (settings->opset < LOFI_ONNX_MIN_OPSET || settings->opset > LOFI_ONNX_MAX_OPSET)
        return lofi_fail(err, LOFI_ERR_USAGE, "opset %d is not offered, only %d to %d are", settings->opset,
                         LOFI_ONNX_MIN_OPSET, LOFI_ONNX_MAX_OPSET);
    LOFI_TRY(lofi_graph_check(graph, err));
    lofi_onnx *onnx = calloc(1, sizeof *onnx);
    if (!onnx) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate an ONNX model");
    onnx->graph = graph;
    onnx->settings = *settings;
    onnx->scope = "";
    lofi_code code = lofi_arena_new(&onnx->arena, err);
    if (code == LOFI_OK && !allocate_tables(onnx))
        code = lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate the values of an ONNX model");
    if (code != LOFI_OK) {
        lofi_onnx_free(onnx);
        return code;
    }
    *out = onnx;
    return LOFI_OK;
}

void lofi_onnx_free(lofi_onnx *onnx) {
    if (!onnx) return;
    lofi_arena_free(onnx->arena);
    free(onnx->records);
    free(onnx->initializers);
    free(onnx->dims);
    free(onnx);
}

lofi_onnx_value *lofi_onnx_fail(lofi_onnx *onnx, const char *format, ...) {
    if (onnx->failure.code != LOFI_OK) return NULL;
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    lofi_fail(&onnx->failure, LOFI_ERR_UNSUPPORTED, "%s%s%s", onnx->scope, *onnx->scope ? ": " : "", text);
    return NULL;
}

/* ---- values and nodes ---- */

lofi_onnx_value *lofi_onnx_new_value(lofi_onnx *onnx, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    lofi_onnx_value *value = lofi_arena_alloc(onnx->arena, sizeof *value);
    if (value) value->name = lofi_arena_strdup(onnx->arena, text);
    if (!value || !value->name) return lofi_onnx_fail(onnx, "out of memory for names");
    return value;
}

void *lofi_onnx_scratch(lofi_onnx *onnx, int64_t count, size_t item_bytes) {
    void *memory = lofi_arena_alloc(onnx->arena, (size_t)count * item_bytes);
    return memory ? memory : lofi_onnx_fail(onnx, "out of memory for constants and nodes");
}

/* A copy in the arena, or NULL when there is nothing to copy or no memory. */
static void *kept(lofi_onnx *onnx, const void *items, size_t size) {
    void *copy = size ? lofi_onnx_scratch(onnx, (int64_t)size, 1) : NULL;
    if (copy) memcpy(copy, items, size);
    return copy;
}

static void keep_attributes(lofi_onnx *onnx, lofi_onnx_record *record) {
    for (int i = 0; i < record->attribute_count && record->attributes; i++) {
        lofi_onnx_attribute *attribute = &record->attributes[i];
        attribute->integers = kept(onnx, attribute->integers, (size_t)attribute->count * sizeof(int64_t));
    }
}

void lofi_onnx_emit(lofi_onnx *onnx, const char *type, lofi_onnx_value *const *inputs, int input_count,
                    const lofi_onnx_attribute *attributes, int attribute_count, lofi_onnx_value **outputs,
                    int output_count) {
    for (int i = 0; i < output_count; i++) outputs[i] = NULL;
    for (int i = 0; i < input_count; i++)
        if (!inputs[i]) return;
    if (onnx->failure.code != LOFI_OK) return;
    if (lofi_grow((void **)&onnx->records, &onnx->record_capacity, onnx->record_count + 1, sizeof *onnx->records,
                  MAX_RECORDS, &onnx->failure) != LOFI_OK)
        return;
    while (input_count > 0 && inputs[input_count - 1] == LOFI_ONNX_ABSENT) input_count--;
    lofi_onnx_value *name = lofi_onnx_new_value(onnx, "%s/%s_%zu", onnx->scope, type, onnx->serial++);
    if (!name) return;
    for (int i = 0; i < output_count; i++)
        outputs[i] = i == 0 ? name : lofi_onnx_new_value(onnx, "%s:%d", name->name, i);
    lofi_onnx_record record = {.type = type, .name = name->name, .input_count = input_count};
    record.output_count = output_count;
    record.attribute_count = attribute_count;
    record.inputs = kept(onnx, inputs, (size_t)input_count * sizeof(lofi_onnx_value *));
    record.outputs = kept(onnx, outputs, (size_t)output_count * sizeof(lofi_onnx_value *));
    record.attributes = kept(onnx, attributes, (size_t)attribute_count * sizeof *attributes);
    keep_attributes(onnx, &record);
    if (onnx->failure.code == LOFI_OK) onnx->records[onnx->record_count++] = record;
}

lofi_onnx_value *lofi_onnx_emit1(lofi_onnx *onnx, const char *type, lofi_onnx_value *const *inputs, int input_count,
                                 const lofi_onnx_attribute *attributes, int attribute_count) {
    lofi_onnx_value *output = NULL;
    lofi_onnx_emit(onnx, type, inputs, input_count, attributes, attribute_count, &output, 1);
    return output;
}

lofi_onnx_value *lofi_onnx_unary(lofi_onnx *onnx, const char *type, lofi_onnx_value *x) {
    return lofi_onnx_emit1(onnx, type, &x, 1, NULL, 0);
}

lofi_onnx_value *lofi_onnx_binary(lofi_onnx *onnx, const char *type, lofi_onnx_value *a, lofi_onnx_value *b) {
    return lofi_onnx_emit1(onnx, type, (lofi_onnx_value *[]){a, b}, 2, NULL, 0);
}

lofi_onnx_value *lofi_onnx_cast(lofi_onnx *onnx, lofi_onnx_value *x, lofi_onnx_type type) {
    lofi_onnx_attribute to = LOFI_ONNX_ATTRIBUTE_INT("to", type);
    return lofi_onnx_emit1(onnx, "Cast", &x, 1, &to, 1);
}

lofi_onnx_value *lofi_onnx_to_f32(lofi_onnx *onnx, lofi_onnx_value *x) {
    return lofi_onnx_cast(onnx, x, LOFI_ONNX_TYPE_F32);
}

lofi_onnx_value *lofi_onnx_to_i64(lofi_onnx *onnx, lofi_onnx_value *x) {
    return lofi_onnx_cast(onnx, x, LOFI_ONNX_TYPE_I64);
}

/* ---- the graph's tensors ---- */

lofi_graph *lofi_onnx_graph(lofi_onnx *onnx) {
    return onnx->graph;
}

bool lofi_onnx_has_input(const lofi_node *node, int i) {
    return i < node->input_count && node->inputs[i];
}

lofi_onnx_value *lofi_onnx_input(lofi_onnx *onnx, const lofi_node *node, int i) {
    if (!lofi_onnx_has_input(node, i)) return LOFI_ONNX_ABSENT;
    lofi_tensor *tensor = node->inputs[i];
    if (tensor->flags & LOFI_TENSOR_PARAMETER) return lofi_onnx_weight(onnx, tensor);
    return onnx->values[tensor->index];
}

void lofi_onnx_output(lofi_onnx *onnx, const lofi_node *node, int i, lofi_onnx_value *value) {
    onnx->values[node->outputs[i]->index] = value;
}

void lofi_onnx_take_integers(lofi_onnx *onnx, const char *input) {
    lofi_tensor *tensor = lofi_graph_find(onnx->graph, input);
    if (tensor)
        onnx->takes_integers[tensor->index] = true;
    else
        lofi_onnx_fail(onnx, "there is no input '%s'", input);
}

/* ---- lowering ---- */

static void name_inputs(lofi_onnx *onnx) {
    for (size_t i = 0; i < lofi_graph_tensor_count(onnx->graph); i++) {
        lofi_tensor *tensor = lofi_graph_tensor(onnx->graph, i);
        if (!(tensor->flags & LOFI_TENSOR_INPUT)) continue;
        if (tensor->shape.dtype != LOFI_F32 && tensor->shape.dtype != LOFI_I64)
            lofi_onnx_fail(onnx, "the input '%s' is %s, and models take f32 and i64", tensor->name,
                           lofi_dtype_name(tensor->shape.dtype));
        lofi_onnx_value *value = lofi_onnx_new_value(onnx, "%s", tensor->name);
        onnx->input_names[i] = value;
        onnx->values[i] = onnx->takes_integers[i] ? lofi_onnx_to_f32(onnx, value) : value;
    }
}

/* Marks the nodes that an output depends on: consumers come after producers, so one pass from the end does. */
static bool *needed_nodes(lofi_onnx *onnx) {
    size_t count = lofi_graph_node_count(onnx->graph);
    bool *needed = lofi_arena_alloc(onnx->arena, count + 1);
    for (size_t n = count; needed && n-- > 0;) {
        const lofi_node *node = lofi_graph_node(onnx->graph, n);
        for (int i = 0; i < node->output_count; i++)
            if (node->outputs[i]->flags & LOFI_TENSOR_OUTPUT) needed[n] = true;
        for (int i = 0; needed[n] && i < node->input_count; i++)
            if (node->inputs[i] && node->inputs[i]->producer) needed[node->inputs[i]->producer->index] = true;
    }
    if (!needed) lofi_onnx_fail(onnx, "out of memory for nodes");
    return needed;
}

static void lower_node(lofi_onnx *onnx, const lofi_node *node) {
    onnx->scope = node->scope;
    if (!node->op->onnx) {
        lofi_onnx_fail(onnx, "the operator '%s' cannot be written as ONNX: %s", node->op->name, node->op->onnx_gap);
        return;
    }
    node->op->onnx(onnx, node);
}

/* Every output is a node of its own: what it names may be an input, a weight, or another output as well. */
static void name_outputs(lofi_onnx *onnx) {
    size_t count = lofi_graph_tensor_count(onnx->graph);
    onnx->scope = "";
    for (size_t i = 0; i < count; i++) {
        lofi_tensor *tensor = lofi_graph_tensor(onnx->graph, i);
        if (!(tensor->flags & LOFI_TENSOR_OUTPUT)) continue;
        onnx->values[i] = lofi_onnx_unary(onnx, "Identity", onnx->values[i]);
        if (onnx->values[i]) onnx->values[i]->name = tensor->name;
    }
}

lofi_code lofi_onnx_lower(lofi_onnx *onnx, lofi_error *err) {
    name_inputs(onnx);
    bool *needed = needed_nodes(onnx);
    for (size_t n = 0; n < lofi_graph_node_count(onnx->graph) && onnx->failure.code == LOFI_OK; n++)
        if (needed[n]) lower_node(onnx, lofi_graph_node(onnx->graph, n));
    if (onnx->failure.code == LOFI_OK) name_outputs(onnx);
    if (onnx->failure.code != LOFI_OK && err) *err = onnx->failure;
    return onnx->failure.code;
}
