/* relative_bias.c - the position bias of T5 and UMT5; see ops.h.
 *
 * Buckets (Raffel et al., arXiv 1910.10683, section 2.1; both directions): half of them for keys after the query, half
 * for the others. Of each half the first half is one distance each, the rest grows with the logarithm up to
 * max_distance. The logarithm is taken in f32, as the original rounds it.
 */
#include <string.h>

#include "base/half.h"
#include "kernels/parallel.h"
#include "onnx/onnx.h"
#include "ops/cuda_slot.h"
#include "ops/expect.h"
#include "ops/look_up.h"
#include "ops/ops.h"

extern const lofi_op lofi_op_relative_bias;

lofi_tensor *lofi_relative_bias(lofi_graph *graph, lofi_tensor *table, lofi_dim length, int max_distance) {
    lofi_bias_attributes attributes = {.length = length, .max_distance = max_distance};
    return lofi_graph_add1(graph, &lofi_op_relative_bias, &attributes, &table, 1);
}

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    const lofi_bias_attributes *a = node->attributes;
    const lofi_shape *table = &node->inputs[0]->shape;
    bool number = table->dtype == LOFI_F32 || table->dtype == LOFI_BF16 || table->dtype == LOFI_F16;
    if (!number || table->rank != 2 || table->dims[0] < 4 || table->dims[0] % 4 != 0) {
        return lofi_refuse(node, err,
                           "the table must be [buckets, heads] f32, bf16 or f16 with a multiple of 4 buckets, got %s",
                           lofi_shape_text(graph, table));
    }
    if (a->max_distance <= table->dims[0] / 4) {
        return lofi_refuse(node, err, "the largest distance must be above %d, a quarter of the buckets, got %d",
                           (int)(table->dims[0] / 4), (int)a->max_distance);
    }
    outputs[0] = lofi_shape_of(LOFI_F32, 3, (lofi_dim[]){table->dims[1], a->length, a->length});
    return LOFI_OK;
}

static float table_value(const lofi_view *table, int64_t index) {
    if (table->dtype == LOFI_F32) return ((const float *)table->data)[index];
    uint16_t bits = ((const uint16_t *)table->data)[index];
    return table->dtype == LOFI_BF16 ? lofi_f32_from_bf16(bits) : lofi_f32_from_f16(bits);
}

/* One row of all distances per head. */
static size_t workspace(const lofi_call *call) {
    const int64_t *out = call->outputs[0].dims;
    return (size_t)(out[0] * 2 * out[1]) * sizeof(float);
}

static void cpu(const lofi_call *call) {
    const lofi_bias_attributes *a = call->attributes;
    const lofi_view *table = &call->inputs[0], *out = &call->outputs[0];
    int64_t heads = out->dims[0], length = out->dims[1];
    float *by_distance = call->workspace;
    for (int64_t distance = 1 - length; distance < length; distance++) {
        int64_t bucket = lofi_relative_bucket(distance, table->dims[0], a->max_distance);
        for (int64_t h = 0; h < heads; h++) {
            by_distance[h * 2 * length + length - 1 + distance] = table_value(table, bucket * heads + h);
        }
    }
    LOFI_PARALLEL_FOR(lofi_team(heads * length > 1, call->threads), row, heads * length, {
        int64_t h = row / length, i = row % length;
        memcpy((float *)out->data + row * length, by_distance + h * 2 * length + length - 1 - i,
               (size_t)length * sizeof(float));
    });
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const lofi_bias_attributes *a = node->attributes;
    int64_t count = 2 * a->max_distance + 1, buckets_there = node->inputs[0]->shape.dims[0];
    int64_t *buckets = lofi_onnx_scratch(onnx, count, sizeof *buckets);
    if (!buckets) return;
    /* Beyond the largest distance there is one bucket: so a table of distances, and their numbers held to its ends. */
    for (int64_t i = 0; i < count; i++)
        buckets[i] = lofi_relative_bucket(i - a->max_distance, buckets_there, a->max_distance);
    lofi_onnx_value *by_distance = lofi_onnx_gather_rows(onnx, node, 0, lofi_onnx_integers(onnx, buckets, 1, &count));
    lofi_onnx_value *range = lofi_onnx_range(onnx, a->length);
    lofi_onnx_value *keys = lofi_onnx_see(onnx, range, 2, (int64_t[]){1, -1});
    lofi_onnx_value *queries = lofi_onnx_see(onnx, range, 2, (int64_t[]){-1, 1});
    lofi_onnx_value *bounds[] = {lofi_onnx_binary(onnx, "Sub", keys, queries),
                                 lofi_onnx_number(onnx, -(float)a->max_distance),
                                 lofi_onnx_number(onnx, (float)a->max_distance)};
    lofi_onnx_value *distance = lofi_onnx_emit1(onnx, "Clip", bounds, 3, NULL, 0);
    distance = lofi_onnx_to_i64(onnx, lofi_onnx_binary(onnx, "Add", distance, bounds[2]));
    lofi_onnx_value *bias = lofi_onnx_binary(onnx, "Gather", by_distance, distance);
    lofi_onnx_output(onnx, node, 0, lofi_onnx_transpose(onnx, bias, 3, (int64_t[]){2, 0, 1}));
}

const lofi_op lofi_op_relative_bias = {
    .name = "relative_bias",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_bias_attributes),
    .infer = infer,
    .cpu = cpu,
    .workspace = workspace,
    .gradient_gap = "the text encoder that it belongs to is never trained",
    .onnx = lower,
    LOFI_CUDA_SLOT_WITH_WORKSPACE(relative_bias),
};
