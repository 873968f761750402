/* model_file.c - an ONNX model as bytes: its size is known before any weight is read, so it is written as a stream. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/half.h"
#include "kernels/convert.h"
#include "onnx/onnx.h"
#include "onnx/onnx_internal.h"
#include "onnx/protobuf.h"

#define MAX_MODEL_BYTES (((uint64_t)1 << 31) - 1)
#define ALIGNMENT       4096 /* of weights in their own file, so that it can be mapped */
#define CHUNK           ((int64_t)1 << 16)

/* Field numbers of onnx.proto. */
enum { MODEL_IR = 1, MODEL_PRODUCER = 2, MODEL_GRAPH = 7, MODEL_OPSET = 8, MODEL_METADATA = 14 };
enum { GRAPH_NODE = 1, GRAPH_NAME = 2, GRAPH_INITIALIZER = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_TYPE = 4, NODE_ATTRIBUTE = 5 };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_F = 2, ATTRIBUTE_I = 3, ATTRIBUTE_S = 4, ATTRIBUTE_INTS = 8, ATTRIBUTE_TYPE = 20 };
enum { TENSOR_DIMS = 1, TENSOR_TYPE = 2, TENSOR_NAME = 8, TENSOR_RAW = 9, TENSOR_EXTERNAL = 13, TENSOR_LOCATION = 14 };
enum { KEY = 1, VALUE = 2 };

/* ---- nodes and values ---- */

static void put_attribute(lofi_buffer *node, const lofi_onnx_attribute *attribute) {
    lofi_buffer out = LOFI_BUFFER_INIT;
    lofi_protobuf_text(&out, ATTRIBUTE_NAME, attribute->name);
    if (attribute->kind == LOFI_ONNX_FLOAT) lofi_protobuf_float(&out, ATTRIBUTE_F, attribute->number);
    if (attribute->kind == LOFI_ONNX_INT) lofi_protobuf_int(&out, ATTRIBUTE_I, attribute->integer);
    if (attribute->kind == LOFI_ONNX_TEXT) lofi_protobuf_text(&out, ATTRIBUTE_S, attribute->text);
    for (int i = 0; attribute->kind == LOFI_ONNX_INTS && i < attribute->count; i++)
        lofi_protobuf_int(&out, ATTRIBUTE_INTS, attribute->integers[i]);
    lofi_protobuf_int(&out, ATTRIBUTE_TYPE, attribute->kind);
    lofi_protobuf_message(node, NODE_ATTRIBUTE, &out);
    lofi_buffer_free(&out);
}

static void put_node(lofi_buffer *graph, const lofi_onnx_record *record) {
    lofi_buffer out = LOFI_BUFFER_INIT;
    for (int i = 0; i < record->input_count; i++) lofi_protobuf_text(&out, NODE_INPUT, record->inputs[i]->name);
    for (int i = 0; i < record->output_count; i++) lofi_protobuf_text(&out, NODE_OUTPUT, record->outputs[i]->name);
    lofi_protobuf_text(&out, NODE_NAME, record->name);
    lofi_protobuf_text(&out, NODE_TYPE, record->type);
    for (int i = 0; i < record->attribute_count; i++) put_attribute(&out, &record->attributes[i]);
    lofi_protobuf_message(graph, GRAPH_NODE, &out);
    lofi_buffer_free(&out);
}

/* ValueInfoProto: name = 1, type = 2; TypeProto: tensor_type = 1; Tensor: elem_type = 1, shape = 2; shape: dim = 1;
 * Dimension: dim_value = 1, dim_param = 2. */
static void put_value(lofi_buffer *graph, int field, lofi_graph *of, const lofi_tensor *tensor, bool integers) {
    lofi_buffer shape = LOFI_BUFFER_INIT, dim = LOFI_BUFFER_INIT, type = LOFI_BUFFER_INIT, out = LOFI_BUFFER_INIT;
    for (int i = 0; i < tensor->shape.rank; i++) {
        lofi_buffer_clear(&dim);
        if (tensor->shape.dims[i] >= 0)
            lofi_protobuf_int(&dim, 1, tensor->shape.dims[i]);
        else
            lofi_protobuf_text(&dim, 2, lofi_dim_text(of, tensor->shape.dims[i]));
        lofi_protobuf_message(&shape, 1, &dim);
    }
    bool i64 = integers || tensor->shape.dtype == LOFI_I64;
    lofi_protobuf_int(&type, 1, i64 ? LOFI_ONNX_TYPE_I64 : LOFI_ONNX_TYPE_F32);
    lofi_protobuf_message(&type, 2, &shape);
    lofi_buffer_clear(&dim);
    lofi_protobuf_message(&dim, 1, &type);
    lofi_protobuf_text(&out, 1, tensor->name);
    lofi_protobuf_message(&out, 2, &dim);
    lofi_protobuf_message(graph, field, &out);
    lofi_buffer_free(&shape), lofi_buffer_free(&dim), lofi_buffer_free(&type), lofi_buffer_free(&out);
}

/* ---- initializers ---- */

static uint64_t bytes_of(const lofi_onnx_initializer *i) {
    return (uint64_t)i->count * (i->type == LOFI_ONNX_TYPE_I64 ? 8 : i->type == LOFI_ONNX_TYPE_F16 ? 2 : 4);
}

static uint64_t padded(uint64_t offset) {
    return (offset + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void put_entry(lofi_buffer *out, int field, const char *key, const char *value) {
    lofi_buffer entry = LOFI_BUFFER_INIT;
    lofi_protobuf_text(&entry, KEY, key);
    lofi_protobuf_text(&entry, VALUE, value);
    lofi_protobuf_message(out, field, &entry);
    lofi_buffer_free(&entry);
}

/* TensorProto without its bytes. external: NULL, or the file that has them, at `offset`. */
static void put_tensor(lofi_buffer *out, const lofi_onnx_initializer *i, const char *external, uint64_t offset) {
    char number[32];
    for (int d = 0; d < i->rank; d++) lofi_protobuf_int(out, TENSOR_DIMS, i->dims[d]);
    lofi_protobuf_int(out, TENSOR_TYPE, i->type);
    lofi_protobuf_text(out, TENSOR_NAME, i->value->name);
    if (!external) {
        lofi_protobuf_begin(out, TENSOR_RAW, bytes_of(i));
        return;
    }
    put_entry(out, TENSOR_EXTERNAL, "location", external);
    snprintf(number, sizeof number, "%llu", (unsigned long long)offset);
    put_entry(out, TENSOR_EXTERNAL, "offset", number);
    snprintf(number, sizeof number, "%llu", (unsigned long long)bytes_of(i));
    put_entry(out, TENSOR_EXTERNAL, "length", number);
    lofi_protobuf_int(out, TENSOR_LOCATION, 1);
}

/* ---- values of weights, piece by piece ---- */

typedef struct stream {
    lofi_writer *writer;
    float *numbers;   /* CHUNK of them */
    uint16_t *halves; /* likewise      */
} stream;

/* Scales the numbers where they are. At most CHUNK of them. */
static lofi_code put_numbers(stream *s, const lofi_onnx_initializer *i, float *numbers, int64_t count,
                             lofi_error *err) {
    float factor = ldexpf(1, -i->exponent);
    if (i->exponent)
        for (int64_t k = 0; k < count; k++) numbers[k] *= factor;
    if (i->type == LOFI_ONNX_TYPE_F32) return lofi_writer_write(s->writer, numbers, (size_t)count * 4, err);
    lofi_f16_from_f32_array(s->halves, numbers, (size_t)count);
    return lofi_writer_write(s->writer, s->halves, (size_t)count * 2, err);
}

static lofi_code put_straight(stream *s, const lofi_onnx_initializer *i, lofi_error *err) {
    size_t step = lofi_dtype_bytes(i->from);
    for (int64_t at = 0; at < i->count; at += CHUNK) {
        int64_t count = i->count - at < CHUNK ? i->count - at : CHUNK;
        lofi_convert_to_f32(s->numbers, (const char *)i->data + (size_t)at * step, i->from, count);
        LOFI_TRY(put_numbers(s, i, s->numbers, count, err));
    }
    return LOFI_OK;
}

/* Rows of the result are columns of what is there: taken in blocks of columns, so that every line of memory is read once. */
static lofi_code put_transposed(stream *s, const lofi_onnx_initializer *i, lofi_error *err) {
    int64_t rows = i->dims[0], columns = i->dims[1], step = (int64_t)lofi_dtype_bytes(i->from);
    int64_t wide = 64 < rows ? 64 : rows;
    float line[64], *block = NULL;
    LOFI_TRY(lofi_alloc((void **)&block, (size_t)(wide * columns), sizeof *block, "rows of a matrix", err));
    lofi_code code = LOFI_OK;
    for (int64_t row = 0; row < rows && code == LOFI_OK; row += wide) {
        int64_t height = rows - row < wide ? rows - row : wide;
        for (int64_t column = 0; column < columns; column++) {
            lofi_convert_to_f32(line, (const char *)i->data + (column * rows + row) * step, i->from, height);
            for (int64_t k = 0; k < height; k++) block[k * columns + column] = line[k];
        }
        for (int64_t at = 0; at < height * columns && code == LOFI_OK; at += CHUNK) {
            int64_t count = height * columns - at < CHUNK ? height * columns - at : CHUNK;
            code = put_numbers(s, i, block + at, count, err);
        }
    }
    lofi_free(block);
    return code;
}

static lofi_code put_values(stream *s, const lofi_onnx_initializer *i, lofi_error *err) {
    if (i->type == LOFI_ONNX_TYPE_I64) return lofi_writer_write(s->writer, i->data, bytes_of(i), err);
    lofi_code code = i->transposed ? put_transposed(s, i, err) : put_straight(s, i, err);
    if (i->weight) lofi_memory_forget(i->data, (size_t)i->count * lofi_dtype_bytes(i->from));
    return code;
}

/* ---- the files ---- */

static lofi_code with_stream(const lofi_onnx *onnx, const char *path,
                             lofi_code (*put)(stream *s, const lofi_onnx *onnx, void *user, lofi_error *err),
                             void *user, lofi_error *err) {
    stream s = {0};
    lofi_code code;
    LOFI_TRY(lofi_writer_open(&s.writer, path, err));
    LOFI_TRY_GOTO(lofi_alloc((void **)&s.numbers, CHUNK, sizeof *s.numbers, "weights on their way", err), done);
    LOFI_TRY_GOTO(lofi_alloc((void **)&s.halves, CHUNK, sizeof *s.halves, "weights on their way", err), done);
    code = put(&s, onnx, user, err);
done:
    lofi_free(s.numbers);
    lofi_free(s.halves);
    if (code == LOFI_OK) return lofi_writer_commit(s.writer, err);
    lofi_writer_abort(s.writer);
    return code;
}

static lofi_code put_weights(stream *s, const lofi_onnx *onnx, void *user, lofi_error *err) {
    static const unsigned char zeros[ALIGNMENT];
    (void)user;
    for (size_t n = 0; n < onnx->initializer_count; n++) {
        const lofi_onnx_initializer *i = &onnx->initializers[n];
        if (!i->weight) continue;
        uint64_t offset = lofi_writer_offset(s->writer);
        LOFI_TRY(lofi_writer_write(s->writer, zeros, (size_t)(padded(offset) - offset), err));
        LOFI_TRY(put_values(s, i, err));
    }
    return LOFI_OK;
}

typedef struct model_parts {
    const char *weights_name;
    lofi_buffer head, tail; /* the model before its graph, and the graph's nodes, inputs and outputs */
    lofi_buffer *tensors;   /* of each initializer, without its bytes */
} model_parts;

static bool is_inline(const model_parts *parts, const lofi_onnx_initializer *i) {
    return !i->weight || !parts->weights_name;
}

static void make_parts(model_parts *parts, const lofi_onnx *onnx, const char *name,
                       const lofi_onnx_property *properties, size_t property_count) {
    lofi_buffer opset = LOFI_BUFFER_INIT;
    /* IR versions came with opsets: 8 with 17 and 18, 9 with 19 and 20, 10 with 21. */
    lofi_protobuf_int(&parts->head, MODEL_IR, onnx->settings.opset <= 18 ? 8 : onnx->settings.opset <= 20 ? 9 : 10);
    lofi_protobuf_text(&parts->head, MODEL_PRODUCER, "lofi");
    lofi_protobuf_int(&opset, 2, onnx->settings.opset);
    lofi_protobuf_message(&parts->head, MODEL_OPSET, &opset);
    lofi_buffer_free(&opset);
    for (size_t i = 0; i < property_count; i++)
        put_entry(&parts->head, MODEL_METADATA, properties[i].key, properties[i].value);
    lofi_protobuf_text(&parts->tail, GRAPH_NAME, name);
    for (size_t i = 0; i < onnx->record_count; i++) put_node(&parts->tail, &onnx->records[i]);
    for (size_t i = 0; i < lofi_graph_tensor_count(onnx->graph); i++) {
        const lofi_tensor *tensor = lofi_graph_tensor(onnx->graph, i);
        if (tensor->flags & LOFI_TENSOR_INPUT)
            put_value(&parts->tail, GRAPH_INPUT, onnx->graph, tensor, onnx->takes_integers[i]);
        if (tensor->flags & LOFI_TENSOR_OUTPUT) put_value(&parts->tail, GRAPH_OUTPUT, onnx->graph, tensor, false);
    }
    uint64_t offset = 0;
    for (size_t n = 0; n < onnx->initializer_count; n++) {
        const lofi_onnx_initializer *i = &onnx->initializers[n];
        parts->tensors[n] = (lofi_buffer)LOFI_BUFFER_INIT;
        bool is_here = is_inline(parts, i);
        if (!is_here) offset = padded(offset);
        put_tensor(&parts->tensors[n], i, is_here ? NULL : parts->weights_name, offset);
        if (!is_here) offset += bytes_of(i);
    }
}

/* The length of the graph's message, and the beginnings of its initializers. */
static uint64_t graph_size(const model_parts *parts, const lofi_onnx *onnx) {
    uint64_t size = parts->tail.size;
    lofi_buffer begin = LOFI_BUFFER_INIT;
    for (size_t n = 0; n < onnx->initializer_count; n++) {
        const lofi_onnx_initializer *i = &onnx->initializers[n];
        uint64_t length = parts->tensors[n].size + (is_inline(parts, i) ? bytes_of(i) : 0);
        lofi_buffer_clear(&begin);
        lofi_protobuf_begin(&begin, GRAPH_INITIALIZER, length);
        size += begin.size + length;
    }
    lofi_buffer_free(&begin);
    return size;
}

static lofi_code put_buffer(stream *s, const lofi_buffer *buffer, lofi_error *err) {
    LOFI_TRY(lofi_buffer_check(buffer, err));
    return lofi_writer_write(s->writer, buffer->data, buffer->size, err);
}

static lofi_code put_model(stream *s, const lofi_onnx *onnx, void *user, lofi_error *err) {
    model_parts *parts = user;
    uint64_t size = graph_size(parts, onnx);
    if (parts->head.size + size + 16 > MAX_MODEL_BYTES)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "the model has %.1f GB, and a file of this kind ends at 2 GiB",
                         (double)size / 1e9);
    lofi_protobuf_begin(&parts->head, MODEL_GRAPH, size);
    LOFI_TRY(put_buffer(s, &parts->head, err));
    LOFI_TRY(put_buffer(s, &parts->tail, err));
    lofi_buffer begin = LOFI_BUFFER_INIT;
    lofi_code code = LOFI_OK;
    for (size_t n = 0; n < onnx->initializer_count && code == LOFI_OK; n++) {
        const lofi_onnx_initializer *i = &onnx->initializers[n];
        bool is_here = is_inline(parts, i);
        lofi_buffer_clear(&begin);
        lofi_protobuf_begin(&begin, GRAPH_INITIALIZER, parts->tensors[n].size + (is_here ? bytes_of(i) : 0));
        code = put_buffer(s, &begin, err);
        if (code == LOFI_OK) code = put_buffer(s, &parts->tensors[n], err);
        if (code == LOFI_OK && is_here) code = put_values(s, i, err);
    }
    lofi_buffer_free(&begin);
    return code;
}

lofi_code lofi_onnx_write(const lofi_onnx *onnx, const char *path, const char *weights_name, const char *name,
                          const lofi_onnx_property *properties, size_t property_count, lofi_error *err) {
    model_parts parts = {.weights_name = weights_name, .head = LOFI_BUFFER_INIT, .tail = LOFI_BUFFER_INIT};
    char weights[LOFI_PATH_MAX], parent[LOFI_PATH_MAX];
    lofi_code code = LOFI_OK;
    if (weights_name) {
        LOFI_TRY(lofi_path_parent(parent, path, err));
        LOFI_TRY(lofi_path_format(weights, err, "%s/%s", parent, weights_name));
        LOFI_TRY(with_stream(onnx, weights, put_weights, NULL, err));
    }
    LOFI_TRY(lofi_alloc((void **)&parts.tensors, onnx->initializer_count, sizeof *parts.tensors, "a model", err));
    make_parts(&parts, onnx, name, properties, property_count);
    code = with_stream(onnx, path, put_model, &parts, err);
    for (size_t n = 0; n < onnx->initializer_count; n++) lofi_buffer_free(&parts.tensors[n]);
    lofi_free(parts.tensors);
    lofi_buffer_free(&parts.head);
    lofi_buffer_free(&parts.tail);
    return code;
}
