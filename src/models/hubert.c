/* hubert.c - see the header. Names of weights are those of the original's modules. */
#include "models/hubert.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "ops/ops.h"

#define WHERE                "the HuBERT config"
#define FEATURE_NORM_EPSILON 1e-5f /* of the norms behind convolutions, whatever the config says */

/* ---- config ---- */

static lofi_code bad_value(lofi_error *err, const char *key, const char *why) {
    return lofi_fail(err, LOFI_ERR_FORMAT, WHERE ": '%s' %s", key, why);
}

static lofi_code read_array(int64_t *values, int *count, const json_t *config, const char *key, const int64_t *fallback,
                            int64_t max, lofi_error *err) {
    size_t length = LOFI_HUBERT_MAX_CONVOLUTIONS;
    memcpy(values, fallback, 7 * sizeof *values);
    *count = 7;
    if (!json_object_get(config, key)) return LOFI_OK;
    LOFI_TRY(lofi_json_int_array(values, &length, config, key, WHERE, err));
    for (size_t i = 0; i < length; i++)
        if (values[i] < 1 || values[i] > max) return bad_value(err, key, "holds a value out of range");
    *count = (int)length;
    return LOFI_OK;
}

static lofi_code read_convolutions(lofi_hubert_config *out, const json_t *config, lofi_error *err) {
    static const int64_t channels[] = {512, 512, 512, 512, 512, 512, 512}, strides[] = {5, 2, 2, 2, 2, 2, 2},
                         kernels[] = {10, 3, 3, 3, 3, 2, 2};
    int stride_count, kernel_count;
    const char *norm = NULL;
    LOFI_TRY(read_array(out->channels, &out->convolutions, config, "conv_dim", channels, 1 << 14, err));
    LOFI_TRY(read_array(out->strides, &stride_count, config, "conv_stride", strides, 1 << 10, err));
    LOFI_TRY(read_array(out->kernels, &kernel_count, config, "conv_kernel", kernels, 1 << 12, err));
    if (out->convolutions < 1) return bad_value(err, "conv_dim", "is empty");
    if (stride_count != out->convolutions || kernel_count != out->convolutions)
        return bad_value(err, "conv_dim", "and 'conv_stride' or 'conv_kernel' differ in length");
    LOFI_TRY(lofi_json_bool_or(&out->convolution_bias, config, "conv_bias", false, WHERE, err));
    LOFI_TRY(lofi_json_string_or(&norm, config, "feat_extract_norm", "group", WHERE, err));
    out->layer_norms = strcmp(norm, "layer") == 0;
    if (!out->layer_norms && strcmp(norm, "group") != 0)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, WHERE ": 'feat_extract_norm' is '%s'; known are group and layer",
                         norm);
    return LOFI_OK;
}

static lofi_code refuse_options(const json_t *config, lofi_error *err) {
    static const char *const keys[] = {"conv_pos_batch_norm", "feature_extractor_cqt", "deepnorm"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        bool value = false;
        LOFI_TRY(lofi_json_bool_or(&value, config, keys[i], false, WHERE, err));
        if (value)
            return lofi_fail(err, LOFI_ERR_UNSUPPORTED, WHERE ": '%s' is true, which is not known here", keys[i]);
    }
    return LOFI_OK;
}

static lofi_code read_layers(lofi_hubert_config *out, const json_t *config, lofi_error *err) {
    int64_t layers = 0, heads = 0;
    double epsilon = 0;
    LOFI_TRY(lofi_json_int_or(&out->width, config, "hidden_size", 768, 1, 1 << 14, WHERE, err));
    LOFI_TRY(lofi_json_int_or(&out->hidden, config, "intermediate_size", 3072, 1, 1 << 16, WHERE, err));
    LOFI_TRY(lofi_json_int_or(&layers, config, "num_hidden_layers", 12, 0, 256, WHERE, err));
    LOFI_TRY(lofi_json_int_or(&heads, config, "num_attention_heads", 12, 1, 1 << 10, WHERE, err));
    LOFI_TRY(lofi_json_number_or(&epsilon, config, "layer_norm_eps", 1e-5, WHERE, err));
    if (!(epsilon > 0 && epsilon < 1)) return bad_value(err, "layer_norm_eps", "must be above 0 and below 1");
    if (out->width % heads != 0) return bad_value(err, "num_attention_heads", "must divide 'hidden_size'");
    out->layers = (int)layers, out->heads = (int)heads, out->norm_epsilon = (float)epsilon;
    return LOFI_OK;
}

lofi_code lofi_hubert_config_read(lofi_hubert_config *out, const json_t *config, lofi_error *err) {
    lofi_hubert_config read = {0};
    if (!json_is_object(config)) return lofi_fail(err, LOFI_ERR_FORMAT, WHERE " is no JSON object");
    LOFI_TRY(refuse_options(config, err));
    LOFI_TRY(read_convolutions(&read, config, err));
    LOFI_TRY(read_layers(&read, config, err));
    LOFI_TRY(lofi_json_bool_or(&read.projection_norm, config, "feat_proj_layer_norm", true, WHERE, err));
    LOFI_TRY(lofi_json_bool_or(&read.stable, config, "do_stable_layer_norm", false, WHERE, err));
    LOFI_TRY(lofi_json_int_or(&read.positions_kernel, config, "num_conv_pos_embeddings", 128, 1, 1 << 12, WHERE, err));
    LOFI_TRY(
        lofi_json_int_or(&read.positions_groups, config, "num_conv_pos_embedding_groups", 16, 1, 1 << 14, WHERE, err));
    if (read.width % read.positions_groups != 0)
        return bad_value(err, "num_conv_pos_embedding_groups", "must divide 'hidden_size'");
    LOFI_TRY(lofi_activation_read(&read.convolution_activation, config, "feat_extract_activation", "gelu", WHERE, err));
    LOFI_TRY(lofi_activation_read(&read.activation, config, "hidden_act", "gelu", WHERE, err));
    *out = read;
    return LOFI_OK;
}

int64_t lofi_hubert_frames(const lofi_hubert_config *config, int64_t samples) {
    for (int i = 0; i < config->convolutions; i++) {
        if (samples < config->kernels[i]) return 0;
        samples = (samples - config->kernels[i]) / config->strides[i] + 1;
    }
    return samples;
}

/* ---- layers ---- */

/* Over channels, [B, S, C], or with `groups` over time in groups of channels. */
static lofi_tensor *norm(lofi_builder *b, lofi_tensor *x, const char *name, int64_t channels, int64_t groups,
                         float epsilon) {
    lofi_graph_scope_push(b->graph, "%s", name);
    lofi_tensor *weight = lofi_weight_f32(b, "weight", LOFI_FILL_ONE, 1, &channels);
    lofi_tensor *bias = lofi_weight_f32(b, "bias", LOFI_FILL_ZERO, 1, &channels);
    if (lofi_graph_failed(b->graph))
        x = NULL;
    else if (groups)
        x = lofi_group_norm(b->graph, x, weight, bias, (int)groups, epsilon);
    else
        x = lofi_layer_norm(b->graph, x, weight, bias, epsilon);
    lofi_graph_scope_pop(b->graph);
    return x;
}

static lofi_tensor *turned(lofi_builder *b, lofi_tensor *x) {
    return lofi_permute(b->graph, x, (int[]){0, 2, 1});
}

/* x: [B, in, S] -> [B, out, S'] */
static lofi_tensor *feature_layer(lofi_builder *b, const lofi_hubert_config *config, int index, lofi_tensor *x) {
    int64_t in = index ? config->channels[index - 1] : 1, out = config->channels[index],
            kernel = config->kernels[index];
    lofi_conv1d_attributes attributes = {.stride = (int32_t)config->strides[index], .dilation = 1, .groups = 1};
    lofi_graph_scope_push(b->graph, "conv_layers.%d", index);
    lofi_graph_scope_push(b->graph, "conv");
    lofi_tensor *weight = lofi_weight_as(b, "weight", LOFI_FILL_MATRIX, false, 3, (int64_t[]){out, in, kernel}, 4,
                                         (int64_t[]){out, in, 1, kernel});
    lofi_tensor *bias = config->convolution_bias ? lofi_weight_f32(b, "bias", LOFI_FILL_ZERO, 1, &out) : NULL;
    x = lofi_conv1d(b, x, weight, bias, attributes);
    lofi_graph_scope_pop(b->graph);
    if (config->layer_norms || index == 0)
        x = turned(b, norm(b, turned(b, x), "layer_norm", out, config->layer_norms ? 0 : out, FEATURE_NORM_EPSILON));
    lofi_graph_scope_pop(b->graph);
    return lofi_activate(b->graph, x, config->convolution_activation);
}

/* samples: [B, N] -> [B, S, width] */
static lofi_tensor *features(lofi_builder *b, const lofi_hubert_config *config, lofi_tensor *samples) {
    int64_t channels = config->channels[config->convolutions - 1];
    lofi_dim dims[] = {samples->shape.dims[0], 1, samples->shape.dims[1]};
    lofi_tensor *x = lofi_reshape(b->graph, samples, 3, dims);
    lofi_graph_scope_push(b->graph, "feature_extractor");
    for (int i = 0; i < config->convolutions; i++) x = feature_layer(b, config, i, x);
    lofi_graph_scope_pop(b->graph);
    lofi_graph_scope_push(b->graph, "feature_projection");
    x = turned(b, x);
    if (config->projection_norm) x = norm(b, x, "layer_norm", channels, 0, config->norm_epsilon);
    x = lofi_pointwise(b, x, "projection", channels, config->width, true, 0);
    lofi_graph_scope_pop(b->graph);
    return x;
}

/* x plus what a wide convolution over it says of its positions. An even kernel gives one frame too many: the last. */
static lofi_tensor *add_positions(lofi_builder *b, const lofi_hubert_config *config, lofi_tensor *x) {
    int64_t width = config->width, each = width / config->positions_groups, kernel = config->positions_kernel;
    lofi_conv1d_attributes attributes = {1, (int32_t)kernel / 2, 1, (int32_t)config->positions_groups};
    if (!x) return NULL;
    lofi_graph_scope_push(b->graph, "pos_conv_embed.conv");
    lofi_tensor *weight = lofi_weight_normed(b, "weight", 2, 3, (int64_t[]){width, each, kernel}, 4,
                                             (int64_t[]){width, each, 1, kernel});
    lofi_tensor *bias = lofi_weight_f32(b, "bias", LOFI_FILL_ZERO, 1, &width);
    lofi_tensor *y = lofi_conv1d(b, turned(b, x), weight, bias, attributes);
    lofi_graph_scope_pop(b->graph);
    y = lofi_slice(b->graph, y, 2, 0, x->shape.dims[1]);
    return lofi_add(b->graph, x, turned(b, lofi_activate(b->graph, y, config->convolution_activation)));
}

static lofi_tensor *attention(lofi_builder *b, const lofi_hubert_config *config, lofi_tensor *x) {
    int64_t width = config->width;
    float scale = 1.0f / sqrtf((float)(width / config->heads));
    lofi_graph_scope_push(b->graph, "attention");
    lofi_tensor *q = lofi_pointwise(b, x, "q_proj", width, width, true, 0);
    lofi_tensor *k = lofi_pointwise(b, x, "k_proj", width, width, true, 0);
    lofi_tensor *v = lofi_pointwise(b, x, "v_proj", width, width, true, 0);
    x = lofi_graph_failed(b->graph) ? NULL : lofi_attention(b->graph, q, k, v, NULL, NULL, NULL, config->heads, scale);
    x = lofi_pointwise(b, x, "out_proj", width, width, true, 0);
    lofi_graph_scope_pop(b->graph);
    return x;
}

static lofi_tensor *feed_forward(lofi_builder *b, const lofi_hubert_config *config, lofi_tensor *x) {
    lofi_graph_scope_push(b->graph, "feed_forward");
    x = lofi_pointwise(b, x, "intermediate_dense", config->width, config->hidden, true, 0);
    x = lofi_pointwise(b, lofi_activate(b->graph, x, config->activation), "output_dense", config->hidden, config->width,
                       true, 0);
    lofi_graph_scope_pop(b->graph);
    return x;
}

static lofi_tensor *layer(lofi_builder *b, const lofi_hubert_config *config, lofi_tensor *x) {
    int64_t width = config->width;
    float epsilon = config->norm_epsilon;
    if (config->stable) {
        x = lofi_add(b->graph, x, attention(b, config, norm(b, x, "layer_norm", width, 0, epsilon)));
        return lofi_add(b->graph, x, feed_forward(b, config, norm(b, x, "final_layer_norm", width, 0, epsilon)));
    }
    x = norm(b, lofi_add(b->graph, x, attention(b, config, x)), "layer_norm", width, 0, epsilon);
    return norm(b, lofi_add(b->graph, x, feed_forward(b, config, x)), "final_layer_norm", width, 0, epsilon);
}

lofi_tensor *lofi_hubert_build(lofi_builder *b, const lofi_hubert_config *config, lofi_tensor *samples) {
    if (!samples) return NULL;
    lofi_tensor *x = features(b, config, samples);
    lofi_graph_scope_push(b->graph, "encoder");
    x = add_positions(b, config, x);
    if (!config->stable) x = norm(b, x, "layer_norm", config->width, 0, config->norm_epsilon);
    for (int i = 0; i < config->layers; i++) {
        lofi_graph_scope_push(b->graph, "layers.%d", i);
        x = layer(b, config, x);
        lofi_graph_scope_pop(b->graph);
    }
    if (config->stable) x = norm(b, x, "layer_norm", config->width, 0, config->norm_epsilon);
    lofi_graph_scope_pop(b->graph);
    return x;
}

/* ---- the model ---- */

static lofi_code declare(const json_t *json, lofi_weight_table *table, lofi_error *err) {
    lofi_hubert_config config;
    lofi_graph *graph = NULL;
    LOFI_TRY(lofi_hubert_config_read(&config, json, err));
    LOFI_TRY(lofi_graph_new(&graph, err));
    lofi_builder builder = {.graph = graph, .table = table};
    lofi_dim dims[] = {1, lofi_dim_symbol(graph, "samples")};
    lofi_hubert_build(&builder, &config, lofi_graph_input(graph, "samples", lofi_shape_of(LOFI_F32, 2, dims)));
    lofi_weight_unused(&builder, "masked_spec_embed", LOFI_FILL_ZERO, 1,
                       &config.width); /* for training HuBERT itself */
    lofi_code code = lofi_graph_check(graph, err);
    lofi_graph_free(graph);
    return code;
}

/* Newer files call the two factors of the one weight norm by their places. */
static const char *canonical_name(const char *name) {
    static const char *const pairs[][2] = {
        {"encoder.pos_conv_embed.conv.parametrizations.weight.original0", "encoder.pos_conv_embed.conv.weight_g"},
        {"encoder.pos_conv_embed.conv.parametrizations.weight.original1", "encoder.pos_conv_embed.conv.weight_v"},
    };
    for (size_t i = 0; i < 2; i++)
        if (strcmp(name, pairs[i][0]) == 0) return pairs[i][1];
    return name;
}

const lofi_model lofi_model_hubert = {
    .name = "hubert",
    .class_name = "HubertModel",
    .weights = "model",
    .declare = declare,
    .canonical_name = canonical_name,
};
