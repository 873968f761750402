/* window_bias.c - relative positions inside of the windows of a picture, and what a shift of the picture keeps apart. */
#include "ops/elementwise_rules.h"
#include "ops/expect.h"
#include "ops/ops.h"

#define APART (-100.0f)

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    const lofi_window_bias_attributes *a = node->attributes;
    const lofi_shape *table = &node->inputs[0]->shape;
    lofi_dim span = 2 * (lofi_dim)a->window - 1, places = (lofi_dim)a->window * a->window, windows = 1;
    if (a->window < 1 || a->window > 1024 || a->shift < 0 || a->shift >= a->window)
        return lofi_refuse(node, err, "a window of %d with a shift of %d is none", (int)a->window, (int)a->shift);
    if (a->shift > 0 &&
        (a->height < a->window || a->width < a->window || a->height % a->window || a->width % a->window))
        return lofi_refuse(node, err, "a picture of %d x %d is not made of windows of %d", (int)a->height,
                           (int)a->width, (int)a->window);
    if (table->rank != 2 || table->dtype != LOFI_F32 || table->dims[0] != span * span || table->dims[1] < 1)
        return lofi_refuse(node, err, "the table must be f32 [%d, heads], got %s", (int)(span * span),
                           lofi_shape_text(graph, table));
    if (a->shift > 0) windows = (lofi_dim)(a->height / a->window) * (a->width / a->window);
    outputs[0] = lofi_shape_of(LOFI_F32, 4, (lofi_dim[]){windows, table->dims[1], places, places});
    return LOFI_OK;
}

/* Which of the three stripes a row of the rolled picture is in: before the last window, before the rolled part, in it. */
static int stripe(int64_t at, int64_t size, int64_t window, int64_t shift) {
    return at < size - window ? 0 : at < size - shift ? 1 : 2;
}

static int region(const lofi_window_bias_attributes *a, int64_t window, int64_t place) {
    int64_t across = a->width / a->window;
    int64_t row = window / across * a->window + place / a->window,
            column = window % across * a->window + place % a->window;
    return 3 * stripe(row, a->height, a->window, a->shift) + stripe(column, a->width, a->window, a->shift);
}

static void run(const lofi_call *call) {
    const lofi_window_bias_attributes *a = call->attributes;
    const float *table = call->inputs[0].data;
    const int64_t *dims = call->outputs[0].dims;
    float *out = call->outputs[0].data;
    int64_t heads = dims[1], places = dims[2], w = a->window, span = 2 * w - 1;
    for (int64_t at = 0; at < call->outputs[0].count; at++) {
        int64_t j = at % places, i = at / places % places, head = at / places / places % heads,
                window = at / places / places / heads;
        int64_t down = i / w - j / w + w - 1, right = i % w - j % w + w - 1;
        bool apart = a->shift > 0 && region(a, window, i) != region(a, window, j);
        out[at] = table[(down * span + right) * heads + head] + (apart ? APART : 0.0f);
    }
}

const lofi_op lofi_op_window_bias = {
    .name = "window_bias",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_window_bias_attributes),
    .infer = infer,
    .cpu = run,
    .gradient_gap = "the networks of evaluation are never trained",
    .onnx_gap = LOFI_NO_ONNX,
    .cuda_gap = LOFI_NO_CUDA,
};

lofi_tensor *lofi_window_bias(lofi_graph *graph, lofi_tensor *table, lofi_window_bias_attributes attributes) {
    return lofi_graph_add1(graph, &lofi_op_window_bias, &attributes, &table, 1);
}
