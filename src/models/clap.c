/* clap.c - see the header: config, table of weights, projections. */
#include "models/clap.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "models/clap_internal.h"
#include "ops/ops.h"

#define TEXT_WHERE  "the CLAP config, text_config"
#define AUDIO_WHERE "the CLAP config, audio_config"
#define NOTHING     1e-24f /* the square of the length below which a vector has no direction */

/* ---- config ---- */

static lofi_code read_epsilon(float *out, const json_t *config, double fallback, const char *where, lofi_error *err) {
    double value = 0;
    LOFI_TRY(lofi_json_number_or(&value, config, "layer_norm_eps", fallback, where, err));
    if (!(value > 0 && value < 1))
        return lofi_fail(err, LOFI_ERR_FORMAT, "%s: 'layer_norm_eps' must be above 0 and below 1", where);
    *out = (float)value;
    return LOFI_OK;
}

static lofi_code read_text(lofi_clap_text_config *out, const json_t *config, lofi_error *err) {
    int64_t layers = 0, heads = 0;
    const char *positions = NULL;
    LOFI_TRY(lofi_json_int_or(&out->vocabulary, config, "vocab_size", 50265, 1, 1 << 24, TEXT_WHERE, err));
    LOFI_TRY(lofi_json_int_or(&out->width, config, "hidden_size", 768, 1, 1 << 14, TEXT_WHERE, err));
    LOFI_TRY(lofi_json_int_or(&out->hidden, config, "intermediate_size", 3072, 1, 1 << 16, TEXT_WHERE, err));
    LOFI_TRY(lofi_json_int_or(&layers, config, "num_hidden_layers", 12, 0, 256, TEXT_WHERE, err));
    LOFI_TRY(lofi_json_int_or(&heads, config, "num_attention_heads", 12, 1, 1 << 10, TEXT_WHERE, err));
    LOFI_TRY(lofi_json_int_or(&out->positions, config, "max_position_embeddings", 514, 1, 1 << 20, TEXT_WHERE, err));
    LOFI_TRY(lofi_json_int_or(&out->types, config, "type_vocab_size", 1, 1, 1 << 16, TEXT_WHERE, err));
    LOFI_TRY(lofi_json_int_or(&out->padding, config, "pad_token_id", 1, 0, 1 << 24, TEXT_WHERE, err));
    LOFI_TRY(lofi_json_string_or(&positions, config, "position_embedding_type", "absolute", TEXT_WHERE, err));
    LOFI_TRY(read_epsilon(&out->norm_epsilon, config, 1e-12, TEXT_WHERE, err));
    LOFI_TRY(lofi_activation_read(&out->activation, config, "hidden_act", "gelu", TEXT_WHERE, err));
    if (strcmp(positions, "absolute") != 0)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, TEXT_WHERE ": 'position_embedding_type' is '%s'; known is absolute",
                         positions);
    if (out->width % heads != 0)
        return lofi_fail(err, LOFI_ERR_FORMAT, TEXT_WHERE ": 'num_attention_heads' must divide 'hidden_size'");
    if (out->padding >= out->vocabulary || out->padding + 1 >= out->positions)
        return lofi_fail(err, LOFI_ERR_FORMAT, TEXT_WHERE ": 'pad_token_id' leaves no token or no position");
    out->layers = (int)layers, out->heads = (int)heads;
    return LOFI_OK;
}

static lofi_code read_stages(lofi_clap_audio_config *out, const json_t *config, lofi_error *err) {
    int64_t depths[LOFI_CLAP_MAX_STAGES] = {2, 2, 6, 2}, heads[LOFI_CLAP_MAX_STAGES] = {4, 8, 16, 32};
    size_t depth_count = 4, head_count = 4;
    if (json_object_get(config, "depths")) {
        depth_count = LOFI_CLAP_MAX_STAGES;
        LOFI_TRY(lofi_json_int_array(depths, &depth_count, config, "depths", AUDIO_WHERE, err));
    }
    if (json_object_get(config, "num_attention_heads")) {
        head_count = LOFI_CLAP_MAX_STAGES;
        LOFI_TRY(lofi_json_int_array(heads, &head_count, config, "num_attention_heads", AUDIO_WHERE, err));
    }
    if (depth_count < 1 || depth_count > head_count)
        return lofi_fail(err, LOFI_ERR_FORMAT,
                         AUDIO_WHERE ": 'depths' and 'num_attention_heads' do not belong together");
    out->stages = (int)depth_count;
    for (int i = 0; i < out->stages; i++) {
        int64_t width = lofi_clap_stage_width(out, i);
        if (depths[i] < 1 || depths[i] > 256)
            return lofi_fail(err, LOFI_ERR_FORMAT, AUDIO_WHERE ": 'depths' holds a value out of 1 to 256");
        if (heads[i] < 1 || heads[i] > width || width % heads[i] != 0)
            return lofi_fail(err, LOFI_ERR_FORMAT,
                             AUDIO_WHERE ": 'num_attention_heads' must divide the %lld channels of stage %d",
                             (long long)width, i);
        if (lofi_clap_stage_side(out, i) < out->window)
            return lofi_fail(err, LOFI_ERR_UNSUPPORTED, AUDIO_WHERE ": 'window_size' is larger than stage %d", i);
        out->depths[i] = depths[i], out->heads[i] = heads[i];
    }
    return LOFI_OK;
}

/* A number, or two that are equal. */
static lofi_code read_side(int64_t *out, const json_t *config, const char *key, int64_t fallback, int64_t max,
                           lofi_error *err) {
    int64_t both[2];
    size_t count = 2;
    if (!json_is_array(json_object_get(config, key)))
        return lofi_json_int_or(out, config, key, fallback, 1, max, AUDIO_WHERE, err);
    LOFI_TRY(lofi_json_int_array(both, &count, config, key, AUDIO_WHERE, err));
    if (count != 2 || both[0] != both[1] || both[0] < 1 || both[0] > max)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, AUDIO_WHERE ": '%s' must be one number, or two equal ones", key);
    *out = both[0];
    return LOFI_OK;
}

static lofi_code read_picture(lofi_clap_audio_config *out, const json_t *config, lofi_error *err) {
    int64_t channels = 0;
    LOFI_TRY(lofi_json_int_or(&out->bands, config, "num_mel_bins", 64, 1, 1 << 12, AUDIO_WHERE, err));
    LOFI_TRY(read_side(&out->size, config, "spec_size", 256, 1 << 12, err));
    LOFI_TRY(read_side(&out->patch, config, "patch_size", 4, 1 << 8, err));
    LOFI_TRY(read_side(&out->stride, config, "patch_stride", 4, 1 << 8, err));
    LOFI_TRY(lofi_json_int_or(&channels, config, "patch_embed_input_channels", 1, 1, 1 << 10, AUDIO_WHERE, err));
    if (channels != 1)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, AUDIO_WHERE ": 'patch_embed_input_channels' must be 1");
    if (out->size % out->bands != 0)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, AUDIO_WHERE ": 'spec_size' must be a multiple of 'num_mel_bins'");
    if (out->patch < out->stride || (out->patch - out->stride) % 2 != 0 || out->size % out->stride != 0)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED,
                         AUDIO_WHERE ": 'patch_size' and 'patch_stride' do not cover 'spec_size' evenly");
    return LOFI_OK;
}

static lofi_code read_fusion(lofi_clap_audio_config *out, const json_t *config, lofi_error *err) {
    const json_t *type = json_object_get(config, "fusion_type");
    LOFI_TRY(lofi_json_bool_or(&out->fused, config, "enable_fusion", false, AUDIO_WHERE, err));
    LOFI_TRY(lofi_json_int_or(&out->fusion_ratio, config, "aff_block_r", 4, 1, 1 << 10, AUDIO_WHERE, err));
    if (!out->fused) return LOFI_OK;
    if (json_is_string(type) && strcmp(json_string_value(type), "aff_2d") != 0)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, AUDIO_WHERE ": 'fusion_type' is '%s'; known is aff_2d",
                         json_string_value(type));
    if (out->width / out->fusion_ratio < 1)
        return lofi_fail(err, LOFI_ERR_FORMAT, AUDIO_WHERE ": 'aff_block_r' leaves no channel");
    return LOFI_OK;
}

static lofi_code read_audio(lofi_clap_audio_config *out, const json_t *config, lofi_error *err) {
    bool flat = true;
    LOFI_TRY(read_picture(out, config, err));
    LOFI_TRY(lofi_json_int_or(&out->width, config, "patch_embeds_hidden_size", 96, 1, 1 << 12, AUDIO_WHERE, err));
    LOFI_TRY(lofi_json_int_or(&out->window, config, "window_size", 8, 1, 1 << 8, AUDIO_WHERE, err));
    LOFI_TRY(lofi_json_number_or(&out->mlp_ratio, config, "mlp_ratio", 4, AUDIO_WHERE, err));
    LOFI_TRY(lofi_json_bool_or(&out->query_bias, config, "qkv_bias", true, AUDIO_WHERE, err));
    LOFI_TRY(lofi_json_bool_or(&out->patch_norm, config, "enable_patch_layer_norm", true, AUDIO_WHERE, err));
    LOFI_TRY(lofi_json_bool_or(&flat, config, "flatten_patch_embeds", true, AUDIO_WHERE, err));
    LOFI_TRY(read_epsilon(&out->norm_epsilon, config, 1e-5, AUDIO_WHERE, err));
    LOFI_TRY(lofi_activation_read(&out->activation, config, "hidden_act", "gelu", AUDIO_WHERE, err));
    if (!(out->mlp_ratio * (double)out->width >= 1 && out->mlp_ratio <= 64))
        return lofi_fail(err, LOFI_ERR_FORMAT, AUDIO_WHERE ": 'mlp_ratio' is out of range");
    if (!flat) return lofi_fail(err, LOFI_ERR_UNSUPPORTED, AUDIO_WHERE ": 'flatten_patch_embeds' must be true");
    LOFI_TRY(read_fusion(out, config, err));
    return read_stages(out, config, err);
}

lofi_code lofi_clap_config_read(lofi_clap_config *out, const json_t *config, lofi_error *err) {
    lofi_clap_config read = {0};
    const json_t *text = NULL, *audio = NULL;
    LOFI_TRY(lofi_json_object(&text, config, "text_config", "the CLAP config", err));
    LOFI_TRY(lofi_json_object(&audio, config, "audio_config", "the CLAP config", err));
    LOFI_TRY(lofi_json_int_or(&read.projection, config, "projection_dim", 512, 1, 1 << 14, "the CLAP config", err));
    LOFI_TRY(lofi_activation_read(&read.projection_activation, config, "projection_hidden_act", "relu",
                                  "the CLAP config", err));
    LOFI_TRY(read_text(&read.text, text, err));
    LOFI_TRY(read_audio(&read.audio, audio, err));
    *out = read;
    return LOFI_OK;
}

/* ---- sizes ---- */

int64_t lofi_clap_stage_width(const lofi_clap_audio_config *config, int stage) {
    return config->width << stage;
}

int64_t lofi_clap_stage_side(const lofi_clap_audio_config *config, int stage) {
    return config->size / config->stride >> stage;
}

int64_t lofi_clap_max_frames(const lofi_clap_config *config) {
    return config->audio.size * (config->audio.size / config->audio.bands);
}

/* ---- what both towers end with ---- */

lofi_tensor *lofi_clap_project(lofi_builder *b, const lofi_clap_config *config, lofi_tensor *x, const char *name,
                               int64_t in) {
    lofi_graph_scope_push(b->graph, "%s", name);
    x = lofi_pointwise(b, x, "linear1", in, config->projection, true, 0);
    x = lofi_activate(b->graph, x, config->projection_activation);
    x = lofi_pointwise(b, x, "linear2", config->projection, config->projection, true, 0);
    lofi_graph_scope_pop(b->graph);
    /* an RMS norm is the unit vector times the root of its length */
    return lofi_affine(b->graph, lofi_rms_norm(b->graph, x, NULL, NULL, NOTHING),
                       1.0f / sqrtf((float)config->projection), 0);
}

lofi_code lofi_clap_scale(double *out, const lofi_loaded *clap, lofi_error *err) {
    const lofi_stored_tensor *tensor;
    LOFI_TRY(lofi_weights_get(&tensor, lofi_loaded_weights(clap), "logit_scale_a", err));
    if (tensor->count != 1)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s': 'logit_scale_a' is no single number", lofi_loaded_folder(clap));
    lofi_stored_read_f64(tensor, 0, out, 1);
    *out = exp(*out);
    return LOFI_OK;
}

/* ---- the model ---- */

static void declare_text(lofi_builder *b, const lofi_clap_config *config) {
    lofi_dim dims[] = {lofi_dim_symbol(b->graph, "texts"), lofi_dim_symbol(b->graph, "tokens")};
    lofi_tensor *ids = lofi_graph_input(b->graph, "input_ids", lofi_shape_of(LOFI_I64, 2, dims));
    lofi_tensor *positions = lofi_graph_input(b->graph, "position_ids", lofi_shape_of(LOFI_I64, 2, dims));
    lofi_tensor *mask = lofi_graph_input(b->graph, "attention_mask", lofi_shape_of(LOFI_F32, 2, dims));
    lofi_clap_text(b, config, ids, positions, mask);
    int64_t buffers[] = {1, config->text.positions};
    lofi_weight_unused(b, "text_model.embeddings.position_ids", LOFI_FILL_ZERO, 2, buffers);
    lofi_weight_unused(b, "text_model.embeddings.token_type_ids", LOFI_FILL_ZERO, 2, buffers);
}

static lofi_code declare(const json_t *json, lofi_weight_table *table, lofi_error *err) {
    lofi_clap_config config;
    lofi_graph *graph = NULL;
    LOFI_TRY(lofi_clap_config_read(&config, json, err));
    LOFI_TRY(lofi_graph_new(&graph, err));
    lofi_builder builder = {.graph = graph, .table = table};
    lofi_weight_unused(&builder, "logit_scale_a", LOFI_FILL_ONE, 0, NULL);
    lofi_weight_unused(&builder, "logit_scale_t", LOFI_FILL_ONE, 0, NULL);
    declare_text(&builder, &config);
    lofi_dim mel[] = {lofi_dim_symbol(graph, "sounds"), config.audio.fused ? LOFI_CLAP_VIEWS : 1,
                      lofi_clap_max_frames(&config), config.audio.bands};
    lofi_clap_audio(&builder, &config, lofi_graph_input(graph, "mel", lofi_shape_of(LOFI_F32, 4, mel)),
                    config.audio.fused);
    lofi_code code = lofi_graph_check(graph, err);
    lofi_graph_free(graph);
    return code;
}

const lofi_model lofi_model_clap = {
    .name = "clap",
    .class_name = "ClapModel",
    .weights = "model",
    .declare = declare,
};
