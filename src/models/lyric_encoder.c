/* lyric_encoder.c - see the header. */
#include "models/lyric_encoder.h"

#include <math.h>

#include "ops/ops.h"

#define NORM_EPSILON 1e-5f

static lofi_tensor *dropped(lofi_builder *b, lofi_tensor *x) {
    return lofi_builder_dropout(b, x, LOFI_LYRIC_ENCODER_DROPOUT);
}

static lofi_tensor *norm(lofi_builder *b, lofi_tensor *x, const char *name, int64_t width) {
    lofi_graph_scope_push(b->graph, "%s", name);
    lofi_tensor *weight = lofi_weight_f32(b, "weight", LOFI_FILL_ONE, 1, &width);
    lofi_tensor *bias = lofi_weight_f32(b, "bias", LOFI_FILL_ZERO, 1, &width);
    lofi_tensor *y = lofi_layer_norm(b->graph, x, weight, bias, NORM_EPSILON);
    lofi_graph_scope_pop(b->graph);
    return y;
}

/* A table [heads, width of a head] as one row. */
static lofi_tensor *head_bias(lofi_builder *b, const lofi_lyric_encoder_config *config, const char *name) {
    int64_t dims[] = {config->heads, config->width / config->heads};
    return lofi_weight_as(b, name, LOFI_FILL_MATRIX, true, 2, dims, 1, &config->width);
}

static lofi_tensor *self_attention(lofi_builder *b, const lofi_lyric_encoder_config *config, int layer, lofi_tensor *x,
                                   lofi_tensor *positions, lofi_tensor *mask, const lofi_query_scale *query_scale) {
    int64_t width = config->width;
    lofi_graph_scope_push(b->graph, "self_attn");
    lofi_tensor *q = lofi_scaled_query(b, lofi_linear(b, x, "linear_q", width, width, true), layer, query_scale);
    lofi_tensor *k = lofi_linear(b, x, "linear_k", width, width, true);
    lofi_tensor *v = lofi_linear(b, x, "linear_v", width, width, true);
    lofi_tensor *p = lofi_linear(b, positions, "linear_pos", width, width, false);
    lofi_tensor *u_bias = head_bias(b, config, "pos_bias_u"), *v_bias = head_bias(b, config, "pos_bias_v");
    lofi_tensor *y = lofi_relative_attention(b->graph, q, k, v, p, u_bias, v_bias, mask, config->heads);
    y = lofi_linear(b, y, "linear_out", width, width, true);
    lofi_graph_scope_pop(b->graph);
    return y;
}

static lofi_tensor *feed_forward(lofi_builder *b, const lofi_lyric_encoder_config *config, lofi_tensor *x) {
    lofi_graph_scope_push(b->graph, "feed_forward");
    x = lofi_silu(b->graph, lofi_linear(b, x, "w_1", config->width, config->linear_units, true));
    x = lofi_linear(b, dropped(b, x), "w_2", config->linear_units, config->width, true);
    lofi_graph_scope_pop(b->graph);
    return x;
}

static lofi_tensor *layer(lofi_builder *b, const lofi_lyric_encoder_config *config, int index, lofi_tensor *x,
                          lofi_tensor *positions, lofi_tensor *mask, const lofi_query_scale *query_scale) {
    lofi_graph_scope_push(b->graph, "encoders.%d", index);
    lofi_graph_block_begin(b->graph);
    lofi_tensor *attended = self_attention(b, config, index, norm(b, x, "norm_mha", config->width), positions, mask,
                                           query_scale);
    x = lofi_add(b->graph, x, dropped(b, attended));
    lofi_tensor *fed = feed_forward(b, config, norm(b, x, "norm_ff", config->width));
    x = lofi_add(b->graph, x, dropped(b, fed));
    lofi_graph_block_end(b->graph);
    lofi_graph_scope_pop(b->graph);
    return x;
}

lofi_tensor *lofi_lyric_encoder_build(lofi_builder *b, const lofi_lyric_encoder_config *config, lofi_tensor *embeddings,
                                      lofi_tensor *mask, const lofi_query_scale *query_scale) {
    if (lofi_graph_failed(b->graph) || !embeddings) return NULL;
    lofi_graph_scope_push(b->graph, "embed");
    lofi_tensor *x = lofi_linear(b, embeddings, "out.0", config->width, config->width, true);
    x = dropped(b, norm(b, x, "out.1", config->width));
    /* two dropouts follow one another here: one ends the embedding, one belongs to the positions */
    x = dropped(b, lofi_affine(b->graph, x, sqrtf((float)config->width), 0));
    lofi_tensor *positions = lofi_relative_positions(b->graph, embeddings->shape.dims[1], (int)config->width);
    positions = dropped(b, positions);
    lofi_graph_scope_pop(b->graph);
    for (int i = 0; i < config->blocks; i++) x = layer(b, config, i, x, positions, mask, query_scale);
    return norm(b, x, "after_norm", config->width);
}
