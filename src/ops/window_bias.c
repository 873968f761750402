/* window_bias.c - relative positions inside of the windows of a picture, and what a shift of the picture keeps apart. */
#include <string.h>

#include "kernels/parallel.h"
#include "onnx/onnx.h"
#include "ops/cuda_slot.h"
#include "ops/expect.h"
#include "ops/look_up.h"
#include "ops/ops.h"

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

/* The table seen from place i, for one head: to [places]. */
static void look_up(const lofi_window_bias_attributes *a, const float *table, int64_t heads, int64_t i, float *to) {
    int64_t w = a->window;
    for (int64_t j = 0; j < w * w; j += w) {
        const float *from = table + lofi_window_row(w, i, j) * heads;
        for (int64_t column = 0; column < w; column++) to[j + column] = from[-column * heads];
    }
}

/* Adds what keeps place i apart from others of its window. Only the last windows down and across hold parts of both ends. */
static void keep_apart(const lofi_window_bias_attributes *a, int64_t window, int64_t i, float *to) {
    int64_t w = a->window, across = a->width / w, edge = w - a->shift;
    bool last_down = window / across == a->height / w - 1, last_across = window % across == across - 1;
    if (!last_down && !last_across) return;
    for (int64_t row = 0; row < w; row++) {
        bool apart = last_down && (row < edge) != (i / w < edge);
        for (int64_t column = 0; column < w; column++)
            if (apart || (last_across && (column < edge) != (i % w < edge))) to[row * w + column] += LOFI_WINDOW_APART;
    }
}

static void run(const lofi_call *call) {
    const lofi_window_bias_attributes *a = call->attributes;
    const float *table = call->inputs[0].data;
    const int64_t *dims = call->outputs[0].dims;
    float *out = call->outputs[0].data;
    int64_t windows = dims[0], heads = dims[1], places = dims[2], rows = heads * places;
    LOFI_PARALLEL_FOR(lofi_team(call->outputs[0].count > LOFI_TEAM_ELEMENTS, call->threads), row, rows, {
        float *first = out + row * places;
        look_up(a, table + row / places, heads, row % places, first);
        for (int64_t window = windows - 1; window >= 0;
             window--) { /* the first one last: the others are copies of it */
            float *to = first + window * rows * places;
            if (window > 0) memcpy(to, first, (size_t)places * sizeof *to);
            if (a->shift > 0) keep_apart(a, window, row % places, to);
        }
    });
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const lofi_window_bias_attributes *a = node->attributes;
    const lofi_shape *out = &node->outputs[0]->shape;
    int64_t windows = out->dims[0], places = out->dims[2], pairs = places * places;
    int64_t *ids = lofi_onnx_scratch(onnx, pairs, sizeof *ids);
    float *apart = lofi_onnx_scratch(onnx, windows * pairs, sizeof *apart);
    if (!ids || !apart) return;
    for (int64_t at = 0; at < pairs; at++) ids[at] = lofi_window_row(a->window, at / places, at % places);
    memset(apart, 0, (size_t)(windows * pairs) * sizeof *apart);
    for (int64_t row = 0; a->shift > 0 && row < windows * places; row++)
        keep_apart(a, row / places, row % places, apart + row * places);
    lofi_onnx_value *x = lofi_onnx_gather_rows(onnx, node, 0, lofi_onnx_integers(onnx, ids, 1, &pairs));
    x = lofi_onnx_transpose(onnx, x, 2, (int64_t[]){1, 0});
    x = lofi_onnx_see(onnx, x, 4, (int64_t[]){1, out->dims[1], places, places});
    if (a->shift > 0)
        x = lofi_onnx_binary(onnx, "Add", x,
                             lofi_onnx_numbers(onnx, apart, 4, (int64_t[]){windows, 1, places, places}));
    lofi_onnx_output(onnx, node, 0, x);
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
    .onnx = lower,
    LOFI_CUDA_SLOT(window_bias),
};

lofi_tensor *lofi_window_bias(lofi_graph *graph, lofi_tensor *table, lofi_window_bias_attributes attributes) {
    return lofi_graph_add1(graph, &lofi_op_window_bias, &attributes, &table, 1);
}
