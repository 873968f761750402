/* umt5.c - see the header. */
#include "models/umt5.h"

#include <string.h>

#include "base/json.h"
#include "ops/ops.h"

#define WHERE "the UMT5 config"

/* ---- config ---- */

static lofi_code read_int(int *out, const json_t *config, const char *key, int64_t min, int64_t max, lofi_error *err) {
    int64_t value = 0;
    LOFI_TRY(lofi_json_int(&value, config, key, min, max, WHERE, err));
    *out = (int)value;
    return LOFI_OK;
}

static lofi_code read_sizes(lofi_umt5_config *out, const json_t *config, lofi_error *err) {
    LOFI_TRY(lofi_json_int(&out->width, config, "d_model", 1, 1 << 16, WHERE, err));
    LOFI_TRY(lofi_json_int(&out->head_width, config, "d_kv", 1, 1 << 12, WHERE, err));
    LOFI_TRY(lofi_json_int(&out->hidden, config, "d_ff", 1, 1 << 18, WHERE, err));
    LOFI_TRY(lofi_json_int(&out->vocabulary, config, "vocab_size", 1, 1 << 24, WHERE, err));
    LOFI_TRY(read_int(&out->layers, config, "num_layers", 1, 256, err));
    return read_int(&out->heads, config, "num_heads", 1, 1 << 10, err);
}

lofi_code lofi_umt5_config_read(lofi_umt5_config *out, const json_t *config, lofi_error *err) {
    lofi_umt5_config read = {0};
    int64_t buckets = 0, distance = 0;
    double epsilon = 0;
    const char *activation = NULL;
    LOFI_TRY(read_sizes(&read, config, err));
    LOFI_TRY(lofi_json_int_or(&buckets, config, "relative_attention_num_buckets", 32, 4, 1 << 12, WHERE, err));
    LOFI_TRY(lofi_json_int_or(&distance, config, "relative_attention_max_distance", 128, 1, 1 << 20, WHERE, err));
    LOFI_TRY(lofi_json_number_or(&epsilon, config, "layer_norm_epsilon", 1e-6, WHERE, err));
    LOFI_TRY(lofi_json_string_or(&activation, config, "feed_forward_proj", "gated-gelu", WHERE, err));
    if (strcmp(activation, "gated-gelu") != 0)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, WHERE ": 'feed_forward_proj' is '%s', only 'gated-gelu' is known",
                         activation);
    if (!(epsilon > 0 && epsilon < 1))
        return lofi_fail(err, LOFI_ERR_FORMAT, WHERE ": 'layer_norm_epsilon' is %g, expected above 0 and below 1",
                         epsilon);
    if (buckets % 4 || distance <= buckets / 4)
        return lofi_fail(err, LOFI_ERR_FORMAT,
                         WHERE ": 'relative_attention_num_buckets' must be a multiple of 4 and "
                               "'relative_attention_max_distance' above a quarter of it");
    read.buckets = (int)buckets, read.max_distance = (int)distance, read.norm_epsilon = (float)epsilon;
    *out = read;
    return LOFI_OK;
}

/* ---- the network ---- */

static lofi_tensor *norm(lofi_builder *b, const lofi_umt5_config *config, lofi_tensor *x, const char *name) {
    lofi_tensor *weight = lofi_weight_f32(b, name, LOFI_FILL_ONE, 1, &config->width);
    return weight ? lofi_rms_norm(b->graph, x, weight, NULL, config->norm_epsilon) : NULL;
}

static lofi_tensor *attention(lofi_builder *b, const lofi_umt5_config *config, int layer, lofi_tensor *x,
                              lofi_tensor *mask, const lofi_query_scale *query_scale) {
    int64_t width = config->width, inner = config->heads * config->head_width;
    lofi_graph_scope_push(b->graph, "SelfAttention");
    lofi_tensor *q = lofi_scaled_query(b, lofi_linear(b, x, "q", width, inner, false), layer, query_scale);
    lofi_tensor *k = lofi_linear(b, x, "k", width, inner, false);
    lofi_tensor *v = lofi_linear(b, x, "v", width, inner, false);
    int64_t table_dims[] = {config->buckets, config->heads};
    lofi_tensor *table = lofi_weight_f32(b, "relative_attention_bias.weight", LOFI_FILL_EMBEDDING, 2, table_dims);
    lofi_tensor *y = NULL;
    if (table && x) {
        lofi_tensor *bias = lofi_relative_bias(b->graph, table, x->shape.dims[1], config->max_distance);
        y = bias ? lofi_attention(b->graph, q, k, v, bias, NULL, mask, config->heads, 1) : NULL;
    }
    y = lofi_linear(b, y, "o", inner, width, false);
    lofi_graph_scope_pop(b->graph);
    return y;
}

static lofi_tensor *feed_forward(lofi_builder *b, const lofi_umt5_config *config, lofi_tensor *x) {
    lofi_graph_scope_push(b->graph, "DenseReluDense");
    lofi_tensor *gate = lofi_gelu(b->graph, lofi_linear(b, x, "wi_0", config->width, config->hidden, false), true);
    lofi_tensor *value = lofi_linear(b, x, "wi_1", config->width, config->hidden, false);
    x = lofi_linear(b, lofi_mul(b->graph, gate, value), "wo", config->hidden, config->width, false);
    lofi_graph_scope_pop(b->graph);
    return x;
}

static lofi_tensor *layer(lofi_builder *b, const lofi_umt5_config *config, int index, lofi_tensor *x, lofi_tensor *mask,
                          const lofi_query_scale *query_scale) {
    lofi_graph_scope_push(b->graph, "block.%d", index);
    lofi_graph_block_begin(b->graph);
    lofi_graph_scope_push(b->graph, "layer.0");
    lofi_tensor *attended = attention(b, config, index, norm(b, config, x, "layer_norm.weight"), mask, query_scale);
    x = lofi_add(b->graph, x, attended);
    lofi_graph_scope_pop(b->graph);
    lofi_graph_scope_push(b->graph, "layer.1");
    x = lofi_add(b->graph, x, feed_forward(b, config, norm(b, config, x, "layer_norm.weight")));
    lofi_graph_scope_pop(b->graph);
    lofi_graph_block_end(b->graph);
    lofi_graph_scope_pop(b->graph);
    return x;
}

lofi_tensor *lofi_umt5_build(lofi_builder *b, const lofi_umt5_config *config, lofi_tensor *input_ids,
                             lofi_tensor *attention_mask, const lofi_query_scale *query_scale) {
    int64_t table_dims[] = {config->vocabulary, config->width};
    lofi_tensor *table = lofi_weight(b, "shared.weight", LOFI_FILL_EMBEDDING, 2, table_dims);
    lofi_tensor *x = table ? lofi_embedding(b->graph, input_ids, table) : NULL;
    lofi_graph_scope_push(b->graph, "encoder");
    for (int i = 0; i < config->layers; i++) x = layer(b, config, i, x, attention_mask, query_scale);
    x = norm(b, config, x, "final_layer_norm.weight");
    lofi_graph_scope_pop(b->graph);
    return x;
}

/* ---- the model ---- */

static lofi_code declare(const json_t *json, lofi_weight_table *table, lofi_error *err) {
    lofi_umt5_config config;
    lofi_graph *graph = NULL;
    LOFI_TRY(lofi_umt5_config_read(&config, json, err));
    LOFI_TRY(lofi_graph_new(&graph, err));
    lofi_builder builder = {.graph = graph, .table = table};
    lofi_dim dims[] = {lofi_dim_symbol(graph, "batch"), lofi_dim_symbol(graph, "text")};
    lofi_tensor *ids = lofi_graph_input(graph, "input_ids", lofi_shape_of(LOFI_I64, 2, dims));
    lofi_tensor *mask = lofi_graph_input(graph, "attention_mask", lofi_shape_of(LOFI_F32, 2, dims));
    lofi_umt5_build(&builder, &config, ids, mask, NULL);
    lofi_code code = lofi_graph_check(graph, err);
    lofi_graph_free(graph);
    return code;
}

typedef struct preset_sizes {
    const char *name;
    int width, head_width, hidden, layers, heads, vocabulary;
} preset_sizes;

/* The widths are the text_embedding_dim of the transformer's presets; 1,175 tokens has text/small_tokenizer.h. */
static const preset_sizes presets[] = {
    {"tiny", 64, 16, 128, 2, 4, 1175},
    {"small", 384, 64, 1024, 6, 6, 1175},
    {"full", 768, 64, 2048, 12, 12, 256384},
};

static lofi_code preset(const char *name, json_t **out, lofi_error *err) {
    const preset_sizes *sizes = NULL;
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        if (strcmp(presets[i].name, name) == 0) sizes = &presets[i];
    if (!sizes) return lofi_fail(err, LOFI_ERR_USAGE, "there is no preset '%s': tiny, small or full", name);
    json_t *config = json_pack(
        "{s:[s], s:i, s:i, s:i, s:s, s:f, s:i, s:s, s:b, s:b, s:f, s:s, s:i, s:i, s:i, s:i, s:i, s:b, s:s, s:i}",
        "architectures", "UMT5EncoderModel", "d_ff", sizes->hidden, "d_kv", sizes->head_width, "d_model", sizes->width,
        "dense_act_fn", "gelu_new", "dropout_rate", 0.1, "eos_token_id", 1, "feed_forward_proj", "gated-gelu",
        "is_encoder_decoder", 1, "is_gated_act", 1, "layer_norm_epsilon", 1e-6, "model_type", "umt5", "num_heads",
        sizes->heads, "num_layers", sizes->layers, "pad_token_id", 0, "relative_attention_max_distance", 128,
        "relative_attention_num_buckets", 32, "tie_word_embeddings", 0, "torch_dtype", "float32", "vocab_size",
        sizes->vocabulary);
    if (!config) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a config");
    *out = config;
    return LOFI_OK;
}

static const char *canonical_name(const char *name) {
    return strcmp(name, "encoder.embed_tokens.weight") == 0 ? "shared.weight" : name;
}

/* Scores are not scaled, so queries are small instead, as transformers begins: standard deviation (d_model d_kv)^-1/2, here with
 * the released d_kv of 64. Otherwise attention would be next to a choice, and every rounding would grow from layer to layer. */
static lofi_initial initial(const char *name) {
    const char *query = ".SelfAttention.q.weight";
    size_t length = strlen(name), suffix = strlen(query);
    bool is_query = length > suffix && strcmp(name + length - suffix, query) == 0;
    return (lofi_initial){is_query ? 0.125f : 1, 0};
}

const lofi_model lofi_model_umt5 = {
    .name = "umt5-base",
    .class_name = "UMT5EncoderModel",
    .weights = "model",
    .declare = declare,
    .preset = preset,
    .canonical_name = canonical_name,
    .initial = initial,
};
