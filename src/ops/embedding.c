/* embedding.c - rows of a table by number; see ops.h. */
#include <assert.h>
#include <string.h>

#include "base/half.h"
#include "onnx/onnx.h"
#include "ops/cuda_slot.h"
#include "ops/expect.h"
#include "ops/ops.h"

extern const lofi_op lofi_op_embedding;

lofi_tensor *lofi_embedding(lofi_graph *graph, lofi_tensor *ids, lofi_tensor *table) {
    return lofi_graph_add1(graph, &lofi_op_embedding, NULL, (lofi_tensor *[]){ids, table}, 2);
}

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    const lofi_shape *ids = &node->inputs[0]->shape, *table = &node->inputs[1]->shape;
    bool number = table->dtype == LOFI_F32 || table->dtype == LOFI_BF16 || table->dtype == LOFI_F16;
    if (!number || table->rank != 2) {
        return lofi_refuse(node, err, "the table must be [rows, width] f32, bf16 or f16, got %s",
                           lofi_shape_text(graph, table));
    }
    if (ids->dtype != LOFI_I64 || ids->rank >= LOFI_MAX_RANK) {
        return lofi_refuse(node, err, "the ids must be i64 of up to %d axes, got %s", LOFI_MAX_RANK - 1,
                           lofi_shape_text(graph, ids));
    }
    outputs[0] = *ids;
    outputs[0].dtype = LOFI_F32;
    outputs[0].dims[outputs[0].rank++] = table->dims[1];
    return LOFI_OK;
}

static void copy_row(const lofi_view *table, int64_t id, float *out) {
    int64_t width = table->dims[1];
    bool inside = id >= 0 && id < table->dims[0];
    assert(inside);
    if (!inside) {
        memset(out, 0, (size_t)width * sizeof *out);
    } else if (table->dtype == LOFI_F32) {
        memcpy(out, (const float *)table->data + id * width, (size_t)width * sizeof *out);
    } else {
        const uint16_t *row = (const uint16_t *)table->data + id * width;
        (table->dtype == LOFI_BF16 ? lofi_f32_from_bf16_array : lofi_f32_from_f16_array)(out, row, (size_t)width);
    }
}

static void cpu(const lofi_call *call) {
    const int64_t *ids = call->inputs[0].data;
    const lofi_view *table = &call->inputs[1];
    for (int64_t i = 0; i < call->inputs[0].count; i++) {
        copy_row(table, ids[i], (float *)call->outputs[0].data + i * table->dims[1]);
    }
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    lofi_onnx_output(onnx, node, 0, lofi_onnx_gather_rows(onnx, node, 1, lofi_onnx_input(onnx, node, 0)));
}

/* Of the table only the rows that are asked for are read. */
static void work(const lofi_call *call, lofi_work *work) {
    const lofi_view *ids = &call->inputs[0], *table = &call->inputs[1], *out = &call->outputs[0];
    double row = (double)(table->dims[1] * (int64_t)lofi_dtype_bytes(table->dtype));
    work->operations = 0;
    work->bytes = (double)ids->count * (sizeof(int64_t) + row) + (double)out->count * sizeof(float);
}

const lofi_op lofi_op_embedding = {
    .name = "embedding",
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .infer = infer,
    .cpu = cpu,
    .work = work,
    .gradient_gap = "tables of tokens are frozen in every adapter that is trained here",
    .onnx = lower,
    LOFI_CUDA_SLOT(embedding),
};
