/* clap_text.c - the text tower of CLAP: RoBERTa, its pooler and the projection. Names of weights are the original's. */
#include <math.h>

#include "models/clap_internal.h"
#include "ops/ops.h"

void lofi_clap_positions(int64_t *positions, const int64_t *ids, int64_t count, int64_t padding) {
    int64_t seen = 0;
    for (int64_t i = 0; i < count; i++) positions[i] = ids[i] == padding ? padding : padding + ++seen;
}

static lofi_tensor *table(lofi_builder *b, const char *name, int64_t rows, int64_t width) {
    return lofi_weight(b, name, LOFI_FILL_EMBEDDING, 2, (int64_t[]){rows, width});
}

static lofi_tensor *embed(lofi_builder *b, const lofi_clap_text_config *config, lofi_tensor *ids,
                          lofi_tensor *positions) {
    int64_t width = config->width;
    lofi_graph_scope_push(b->graph, "embeddings");
    lofi_tensor *words = table(b, "word_embeddings.weight", config->vocabulary, width);
    lofi_tensor *places = table(b, "position_embeddings.weight", config->positions, width);
    lofi_tensor *types = lofi_weight_f32(b, "token_type_embeddings.weight", LOFI_FILL_EMBEDDING, 2,
                                         (int64_t[]){config->types, width});
    lofi_tensor *x = NULL;
    if (!lofi_graph_failed(b->graph)) {
        x = lofi_add(b->graph, lofi_embedding(b->graph, ids, words), lofi_slice(b->graph, types, 0, 0, 1));
        x = lofi_add(b->graph, x, lofi_embedding(b->graph, positions, places));
    }
    x = lofi_normalise(b, x, "LayerNorm", width, config->norm_epsilon);
    lofi_graph_scope_pop(b->graph);
    return x;
}

static lofi_tensor *attend(lofi_builder *b, const lofi_clap_text_config *config, lofi_tensor *x, lofi_tensor *mask) {
    int64_t width = config->width;
    float scale = 1.0f / sqrtf((float)(width / config->heads));
    lofi_graph_scope_push(b->graph, "attention");
    lofi_tensor *q = lofi_pointwise(b, x, "self.query", width, width, true, 0);
    lofi_tensor *k = lofi_pointwise(b, x, "self.key", width, width, true, 0);
    lofi_tensor *v = lofi_pointwise(b, x, "self.value", width, width, true, 0);
    lofi_tensor *y = lofi_graph_failed(b->graph)
                         ? NULL
                         : lofi_attention(b->graph, q, k, v, NULL, NULL, mask, config->heads, scale);
    y = lofi_pointwise(b, y, "output.dense", width, width, true, 0);
    y = lofi_normalise(b, lofi_add(b->graph, y, x), "output.LayerNorm", width, config->norm_epsilon);
    lofi_graph_scope_pop(b->graph);
    return y;
}

static lofi_tensor *layer(lofi_builder *b, const lofi_clap_text_config *config, lofi_tensor *x, lofi_tensor *mask) {
    x = attend(b, config, x, mask);
    lofi_tensor *y = lofi_pointwise(b, x, "intermediate.dense", config->width, config->hidden, true, 0);
    y = lofi_activate(b->graph, y, config->activation);
    y = lofi_pointwise(b, y, "output.dense", config->hidden, config->width, true, 0);
    return lofi_normalise(b, lofi_add(b->graph, y, x), "output.LayerNorm", config->width, config->norm_epsilon);
}

/* The first token, through a layer of its own: [B, width]. */
static lofi_tensor *pool(lofi_builder *b, const lofi_clap_text_config *config, lofi_tensor *x) {
    if (!x) return NULL;
    lofi_dim dims[] = {x->shape.dims[0], config->width};
    x = lofi_reshape(b->graph, lofi_slice(b->graph, x, 1, 0, 1), 2, dims);
    return lofi_tanh(b->graph, lofi_pointwise(b, x, "pooler.dense", config->width, config->width, true, 0));
}

lofi_tensor *lofi_clap_text(lofi_builder *b, const lofi_clap_config *config, lofi_tensor *input_ids,
                            lofi_tensor *position_ids, lofi_tensor *attention_mask) {
    const lofi_clap_text_config *text = &config->text;
    lofi_graph_scope_push(b->graph, "text_model");
    lofi_tensor *x = embed(b, text, input_ids, position_ids);
    for (int i = 0; i < text->layers; i++) {
        lofi_graph_scope_push(b->graph, "encoder.layer.%d", i);
        x = layer(b, text, x, attention_mask);
        lofi_graph_scope_pop(b->graph);
    }
    x = pool(b, text, x);
    lofi_graph_scope_pop(b->graph);
    return lofi_clap_project(b, config, x, "text_projection", text->width);
}
