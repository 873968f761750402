/* ace_step_transformer.c - see the header. Names of weights are those of the original's modules. */
#include "models/ace_step_transformer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "ops/ops.h"

#define WHERE                "the transformer config"
#define NORM_EPSILON         1e-6f
#define ATTENTION_EPSILON    1e-15f
#define TIME_SINUSOIDS       256
#define PATCH_CHANNEL_FACTOR 256 /* inner channels of the patch embedding, per latent channel */
#define PATCH_GROUPS         32

/* ---- config ---- */

static lofi_code bad_value(lofi_error *err, const char *key, const char *why) {
    return lofi_fail(err, LOFI_ERR_FORMAT, WHERE ": '%s' %s", key, why);
}

static lofi_code read_int(int *out, const json_t *config, const char *key, int64_t fallback, int64_t max,
                          lofi_error *err) {
    int64_t value = 0;
    LOFI_TRY(lofi_json_int_or(&value, config, key, fallback, 1, max, WHERE, err));
    *out = (int)value;
    return LOFI_OK;
}

static lofi_code read_size(int64_t *out, const json_t *config, const char *key, int64_t fallback, lofi_error *err) {
    return lofi_json_int_or(out, config, key, fallback, 1, 1 << 20, WHERE, err);
}

static lofi_code read_blocks(lofi_ace_step_config *out, const json_t *config, lofi_error *err) {
    LOFI_TRY(read_int(&out->layers, config, "num_layers", 28, LOFI_ACE_STEP_MAX_LAYERS, err));
    LOFI_TRY(read_int(&out->heads, config, "num_attention_heads", 24, 1 << 10, err));
    LOFI_TRY(read_size(&out->head_width, config, "attention_head_dim", 64, err));
    LOFI_TRY(lofi_json_number_or(&out->mlp_ratio, config, "mlp_ratio", 4.0, WHERE, err));
    LOFI_TRY(lofi_json_number_or(&out->rope_theta, config, "rope_theta", 1e6, WHERE, err));
    if (out->head_width % 2) return bad_value(err, "attention_head_dim", "must be even: rotary positions turn pairs");
    if (!(out->rope_theta > 0 && isfinite(out->rope_theta))) return bad_value(err, "rope_theta", "must be above 0");
    out->width = out->heads * out->head_width;
    double hidden = (double)out->width * out->mlp_ratio;
    if (!(hidden >= 1 && hidden <= 1 << 24)) return bad_value(err, "mlp_ratio", "gives no usable width");
    out->hidden = (int64_t)hidden;
    return LOFI_OK;
}

static lofi_code read_latents(lofi_ace_step_config *out, const json_t *config, lofi_error *err) {
    int64_t patch[2] = {16, 1};
    size_t count = 2;
    LOFI_TRY(read_size(&out->in_channels, config, "in_channels", 8, err));
    LOFI_TRY(read_size(&out->out_channels, config, "out_channels", 8, err));
    LOFI_TRY(read_size(&out->height, config, "max_height", 16, err));
    if (json_object_get(config, "patch_size"))
        LOFI_TRY(lofi_json_int_array(patch, &count, config, "patch_size", WHERE, err));
    if (count == 2 && patch[0] == out->height && patch[1] == 1) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_UNSUPPORTED,
                     WHERE ": 'patch_size' must be [max_height, 1] = [%lld, 1], one token per latent frame",
                     (long long)out->height);
}

static lofi_code read_conditions(lofi_ace_step_config *out, const json_t *config, lofi_error *err) {
    LOFI_TRY(read_size(&out->speaker_width, config, "speaker_embedding_dim", 512, err));
    LOFI_TRY(read_size(&out->text_width, config, "text_embedding_dim", 768, err));
    LOFI_TRY(read_size(&out->lyric_vocabulary, config, "lyric_encoder_vocab_size", 6681, err));
    LOFI_TRY(read_size(&out->lyric.width, config, "lyric_hidden_size", 1024, err));
    LOFI_TRY(read_int(&out->lyric.heads, config, "lyric_encoder_attention_heads", 16, 1 << 10, err));
    LOFI_TRY(read_size(&out->lyric.linear_units, config, "lyric_encoder_linear_units", 4096, err));
    LOFI_TRY(read_int(&out->lyric.blocks, config, "lyric_encoder_num_blocks", 6, 256, err));
    if (out->lyric.width % 2) return bad_value(err, "lyric_hidden_size", "must be even");
    if (out->lyric.width % out->lyric.heads)
        return bad_value(err, "lyric_hidden_size",
                         "must be a multiple of 'lyric_encoder_attention_heads' (16 when absent)");
    return LOFI_OK;
}

static lofi_code read_projector_array(int64_t *values, size_t *count, const json_t *config, const char *key,
                                      lofi_error *err) {
    if (!json_object_get(config, key)) return LOFI_OK;
    *count = LOFI_ACE_STEP_MAX_PROJECTORS;
    return lofi_json_int_array(values, count, config, key, WHERE, err);
}

static lofi_code read_projectors(lofi_ace_step_config *out, const json_t *config, lofi_error *err) {
    int64_t depths[LOFI_ACE_STEP_MAX_PROJECTORS] = {9, 9}, widths[LOFI_ACE_STEP_MAX_PROJECTORS] = {1024, 768};
    size_t depth_count = 2, width_count = 2;
    LOFI_TRY(read_projector_array(depths, &depth_count, config, "ssl_encoder_depths", err));
    LOFI_TRY(read_projector_array(widths, &width_count, config, "ssl_latent_dims", err));
    if (depth_count != width_count)
        return bad_value(err, "ssl_encoder_depths", "and 'ssl_latent_dims' differ in length");
    for (size_t i = 0; i < width_count; i++) {
        if (widths[i] < 1 || widths[i] > 1 << 20)
            return bad_value(err, "ssl_latent_dims", "holds a value out of range");
        if (depths[i] < 0) return bad_value(err, "ssl_encoder_depths", "holds a negative value");
    }
    out->projectors = (int)width_count;
    memcpy(out->projector_depths, depths, sizeof depths);
    memcpy(out->projector_widths, widths, sizeof widths);
    return LOFI_OK;
}

lofi_code lofi_ace_step_config_read(lofi_ace_step_config *out, const json_t *config, lofi_error *err) {
    lofi_ace_step_config read = {0};
    if (!json_is_object(config)) return lofi_fail(err, LOFI_ERR_FORMAT, WHERE " is no JSON object");
    LOFI_TRY(read_blocks(&read, config, err));
    LOFI_TRY(read_latents(&read, config, err));
    LOFI_TRY(read_conditions(&read, config, err));
    LOFI_TRY(read_projectors(&read, config, err));
    *out = read;
    return LOFI_OK;
}

/* ---- conditions ---- */

lofi_ace_step_conditions lofi_ace_step_condition_inputs(lofi_graph *graph, const lofi_ace_step_config *config) {
    lofi_dim batch = lofi_dim_symbol(graph, "batch"), text = lofi_dim_symbol(graph, "text");
    lofi_dim lyric = lofi_dim_symbol(graph, "lyric");
    lofi_dim text_dims[] = {batch, text, config->text_width}, lyric_dims[] = {batch, lyric};
    lofi_dim speaker_dims[] = {batch, config->speaker_width};
    return (lofi_ace_step_conditions){
        .text_states = lofi_graph_input(graph, "text_states", lofi_shape_of(LOFI_F32, 3, text_dims)),
        .text_mask = lofi_graph_input(graph, "text_mask", lofi_shape_of(LOFI_F32, 2, text_dims)),
        .speaker = lofi_graph_input(graph, "speaker", lofi_shape_of(LOFI_F32, 2, speaker_dims)),
        .lyric_token_ids = lofi_graph_input(graph, "lyric_token_ids", lofi_shape_of(LOFI_I64, 2, lyric_dims)),
        .lyric_mask = lofi_graph_input(graph, "lyric_mask", lofi_shape_of(LOFI_F32, 2, lyric_dims)),
    };
}

lofi_tensor *lofi_ace_step_encode_lyrics(lofi_builder *b, const lofi_ace_step_config *config,
                                         lofi_tensor *lyric_token_ids, lofi_tensor *lyric_mask,
                                         const lofi_query_scale *query_scale) {
    int64_t table_dims[] = {config->lyric_vocabulary, config->lyric.width};
    lofi_tensor *table = lofi_weight(b, "lyric_embs.weight", LOFI_FILL_EMBEDDING, 2, table_dims);
    lofi_tensor *x = lofi_embedding(b->graph, lyric_token_ids, table);
    lofi_graph_scope_push(b->graph, "lyric_encoder");
    x = lofi_lyric_encoder_build(b, &config->lyric, x, lyric_mask, query_scale);
    lofi_graph_scope_pop(b->graph);
    return lofi_linear(b, x, "lyric_proj", config->lyric.width, config->width, true);
}

lofi_ace_step_encoded lofi_ace_step_encode(lofi_builder *b, const lofi_ace_step_config *config,
                                           const lofi_ace_step_conditions *conditions,
                                           const lofi_query_scale *query_scale) {
    lofi_ace_step_encoded encoded = {NULL, NULL};
    if (lofi_graph_failed(b->graph)) return encoded;
    lofi_dim batch = conditions->speaker->shape.dims[0];
    lofi_dim speaker_dims[] = {batch, 1, config->width}, speaker_mask_dims[] = {batch, 1};
    lofi_tensor *speaker = lofi_linear(b, conditions->speaker, "speaker_embedder", config->speaker_width, config->width,
                                       true);
    lofi_tensor *states[] = {
        lofi_reshape(b->graph, speaker, 3, speaker_dims),
        lofi_linear(b, conditions->text_states, "genre_embedder", config->text_width, config->width, true),
        lofi_ace_step_encode_lyrics(b, config, conditions->lyric_token_ids, conditions->lyric_mask, query_scale),
    };
    lofi_tensor *masks[] = {lofi_full(b->graph, 1, 2, speaker_mask_dims), conditions->text_mask,
                            conditions->lyric_mask};
    encoded.states = lofi_concat(b->graph, states, 3, 1);
    encoded.mask = lofi_concat(b->graph, masks, 3, 1);
    return encoded;
}

/* ---- parts of a step ---- */

/* x scaled and shifted, as adaptive norms do it: shift and scale are [B, 1, width]. */
static lofi_tensor *modulated(lofi_builder *b, lofi_tensor *x, lofi_tensor *shift, lofi_tensor *scale) {
    return lofi_add(b->graph, lofi_mul(b->graph, x, lofi_affine(b->graph, scale, 1, 1)), shift);
}

/* Row `index` of [B, rows, width]. */
static lofi_tensor *row(lofi_builder *b, lofi_tensor *rows, int index) {
    return lofi_slice(b->graph, rows, 1, index, 1);
}

/* scale_shift_table [rows, width] plus x, which is seen as [B, rows or 1, width]. */
static lofi_tensor *shifts(lofi_builder *b, const lofi_ace_step_config *config, lofi_tensor *x, int rows, int x_rows) {
    if (!x) return NULL;
    int64_t table_dims[] = {rows, config->width};
    lofi_dim dims[] = {x->shape.dims[0], x_rows, config->width};
    lofi_tensor *table = lofi_weight_f32(b, "scale_shift_table", LOFI_FILL_MATRIX, 2, table_dims);
    return lofi_add(b->graph, lofi_reshape(b->graph, x, 3, dims), table);
}

static void embed_time(lofi_builder *b, const lofi_ace_step_config *config, lofi_tensor *timestep,
                       lofi_ace_step_trace *trace) {
    lofi_tensor *x = lofi_timestep_sinusoid(b->graph, timestep, TIME_SINUSOIDS);
    x = lofi_silu(b->graph, lofi_linear(b, x, "timestep_embedder.linear_1", TIME_SINUSOIDS, config->width, true));
    x = lofi_linear(b, x, "timestep_embedder.linear_2", config->width, config->width, true);
    trace->time_embedding = x;
    trace->time_modulation = lofi_linear(b, lofi_silu(b->graph, x), "t_block.1", config->width, 6 * config->width,
                                         true);
}

/* Two convolutions whose kernels see one frame: products over [B, frames, ...]. */
static lofi_tensor *embed_patches(lofi_builder *b, const lofi_ace_step_config *config, lofi_tensor *latents) {
    int64_t channels = config->in_channels, inner = channels * PATCH_CHANNEL_FACTOR;
    int64_t kernel[] = {inner, channels, config->height, 1}, matrix[] = {inner, channels * config->height};
    lofi_dim dims[] = {latents->shape.dims[0], latents->shape.dims[3], channels * config->height};
    lofi_graph_scope_push(b->graph, "proj_in.early_conv_layers");
    lofi_tensor *x = lofi_permute(b->graph, latents, (int[]){0, 3, 1, 2});
    lofi_tensor *weight = lofi_weight_as(b, "0.weight", LOFI_FILL_MATRIX, false, 4, kernel, 2, matrix);
    lofi_tensor *bias = lofi_weight_f32(b, "0.bias", LOFI_FILL_ZERO, 1, &inner);
    x = lofi_matmul(b->graph, lofi_reshape(b->graph, x, 3, dims), weight, bias,
                    (lofi_matmul_attributes){.transpose_b = 1, .alpha = 1});
    lofi_tensor *norm_weight = lofi_weight_f32(b, "1.weight", LOFI_FILL_ONE, 1, &inner);
    lofi_tensor *norm_bias = lofi_weight_f32(b, "1.bias", LOFI_FILL_ZERO, 1, &inner);
    x = lofi_group_norm(b->graph, x, norm_weight, norm_bias, PATCH_GROUPS, NORM_EPSILON);
    x = lofi_pointwise(b, x, "2", inner, config->width, true, 2);
    lofi_graph_scope_pop(b->graph);
    return x;
}

/* What all blocks share. */
typedef struct step_context {
    const lofi_ace_step_config *config;
    lofi_tensor *modulation; /* [B, 6 * width] */
    lofi_tensor *mask;       /* [B, frames]    */
    const lofi_ace_step_encoded *encoded;
    lofi_tensor *cosine, *sine;                 /* of the frames */
    lofi_tensor *encoded_cosine, *encoded_sine; /* of the encoder states */
    const lofi_query_scale *query_scale;
} step_context;

static lofi_tensor *self_attention(lofi_builder *b, const step_context *s, int layer, lofi_tensor *x) {
    int64_t width = s->config->width;
    int heads = s->config->heads;
    lofi_graph_scope_push(b->graph, "attn");
    lofi_tensor *q = lofi_scaled_query(b, lofi_linear(b, x, "to_q", width, width, true), layer, s->query_scale);
    lofi_tensor *k = lofi_linear(b, x, "to_k", width, width, true);
    lofi_tensor *v = lofi_linear(b, x, "to_v", width, width, true);
    q = lofi_rope(b->graph, q, s->cosine, s->sine, heads);
    k = lofi_rope(b->graph, k, s->cosine, s->sine, heads);
    x = lofi_linear_attention(b->graph, q, k, v, s->mask, heads, ATTENTION_EPSILON);
    x = lofi_linear(b, x, "to_out.0", width, width, true);
    lofi_graph_scope_pop(b->graph);
    return x;
}

/* Released files hold these; cross attention as it is configured never reads them. */
static void declare_unused_projections(lofi_builder *b, int64_t width) {
    const char *names[] = {"add_k_proj", "add_v_proj", "add_q_proj", "to_add_out"};
    for (int i = 0; i < 4; i++) {
        lofi_graph_scope_push(b->graph, "%s", names[i]);
        lofi_weight_unused(b, "weight", LOFI_FILL_MATRIX, 2, (int64_t[]){width, width});
        lofi_weight_unused(b, "bias", LOFI_FILL_ZERO, 1, &width);
        lofi_graph_scope_pop(b->graph);
    }
}

static lofi_tensor *cross_attention(lofi_builder *b, const step_context *s, int layer, lofi_tensor *x) {
    int64_t width = s->config->width;
    int heads = s->config->heads;
    float scale = 1 / sqrtf((float)s->config->head_width);
    lofi_graph_scope_push(b->graph, "cross_attn");
    lofi_tensor *q = lofi_scaled_query(b, lofi_linear(b, x, "to_q", width, width, true), layer, s->query_scale);
    lofi_tensor *k = lofi_linear(b, s->encoded->states, "to_k", width, width, true);
    lofi_tensor *v = lofi_linear(b, s->encoded->states, "to_v", width, width, true);
    q = lofi_rope(b->graph, q, s->cosine, s->sine, heads);
    k = lofi_rope(b->graph, k, s->encoded_cosine, s->encoded_sine, heads);
    x = lofi_attention(b->graph, q, k, v, NULL, s->mask, s->encoded->mask, heads, scale);
    x = lofi_linear(b, x, "to_out.0", width, width, true);
    declare_unused_projections(b, width);
    lofi_graph_scope_pop(b->graph);
    return x;
}

/* 1x1 convolution, depthwise convolution over three frames, gate, 1x1 convolution. */
static lofi_tensor *feed_forward(lofi_builder *b, const lofi_ace_step_config *config, lofi_tensor *x) {
    int64_t doubled = 2 * config->hidden, kernel[] = {doubled, 1, 3};
    lofi_graph_scope_push(b->graph, "ff");
    x = lofi_silu(b->graph, lofi_pointwise(b, x, "inverted_conv.conv", config->width, doubled, true, 1));
    lofi_tensor *weight = lofi_weight_f32(b, "depth_conv.conv.weight", LOFI_FILL_MATRIX, 3, kernel);
    lofi_tensor *bias = lofi_weight_f32(b, "depth_conv.conv.bias", LOFI_FILL_ZERO, 1, &doubled);
    x = lofi_gated_silu(b->graph, lofi_depthwise_conv1d(b->graph, x, weight, bias));
    x = lofi_pointwise(b, x, "point_conv.conv", config->hidden, config->width, false, 1);
    lofi_graph_scope_pop(b->graph);
    return x;
}

/* Rows of the modulation: shift, scale and gate of the attention, then those of the feed-forward half. */
static lofi_tensor *block(lofi_builder *b, const step_context *s, int layer, lofi_tensor *x) {
    lofi_graph_scope_push(b->graph, "transformer_blocks.%d", layer);
    lofi_graph_block_begin(b->graph);
    lofi_tensor *rows = shifts(b, s->config, s->modulation, 6, 6);
    lofi_tensor *inner = lofi_rms_norm(b->graph, x, NULL, NULL, NORM_EPSILON);
    inner = self_attention(b, s, layer, modulated(b, inner, row(b, rows, 0), row(b, rows, 1)));
    x = lofi_add(b->graph, lofi_mul(b->graph, inner, row(b, rows, 2)), x);
    x = lofi_add(b->graph, cross_attention(b, s, layer, x), x);
    inner = lofi_rms_norm(b->graph, x, NULL, NULL, NORM_EPSILON);
    inner = feed_forward(b, s->config, modulated(b, inner, row(b, rows, 3), row(b, rows, 4)));
    x = lofi_add(b->graph, x, lofi_mul(b->graph, inner, row(b, rows, 5)));
    lofi_graph_block_end(b->graph);
    lofi_graph_scope_pop(b->graph);
    return x;
}

static lofi_tensor *final_layer(lofi_builder *b, const lofi_ace_step_config *config, lofi_tensor *x,
                                lofi_tensor *time_embedding) {
    if (!x) return NULL;
    int64_t channels = config->out_channels;
    lofi_dim dims[] = {x->shape.dims[0], x->shape.dims[1], config->height, channels};
    lofi_graph_scope_push(b->graph, "final_layer");
    lofi_tensor *rows = shifts(b, config, time_embedding, 2, 1);
    x = lofi_rms_norm(b->graph, x, NULL, NULL, NORM_EPSILON);
    x = lofi_linear(b, modulated(b, x, row(b, rows, 0), row(b, rows, 1)), "linear", config->width,
                    config->height * channels, true);
    /* channels are the fastest: [B, frames, height, channels] -> [B, channels, height, frames] */
    x = lofi_permute(b->graph, lofi_reshape(b->graph, x, 4, dims), (int[]){0, 3, 2, 1});
    lofi_graph_scope_pop(b->graph);
    return x;
}

/* ---- heads of the self-supervised alignment: in every file, read by its loss only ---- */

#define PROJECTOR_LAYERS 3

/* Widths before, between and after the layers of a head. */
static void projector_widths(int64_t widths[PROJECTOR_LAYERS + 1], const lofi_ace_step_config *config, int index) {
    widths[0] = config->width;
    widths[1] = widths[2] = 2 * config->width;
    widths[3] = config->projector_widths[index];
}

static void declare_projectors(lofi_builder *b, const lofi_ace_step_config *config) {
    for (int i = 0; i < config->projectors; i++) {
        int64_t widths[PROJECTOR_LAYERS + 1];
        projector_widths(widths, config, i);
        for (int j = 0; j < PROJECTOR_LAYERS; j++) {
            lofi_graph_scope_push(b->graph, "projectors.%d.%d", i, 2 * j);
            lofi_weight_unused(b, "weight", LOFI_FILL_MATRIX, 2, (int64_t[]){widths[j + 1], widths[j]});
            lofi_weight_unused(b, "bias", LOFI_FILL_ZERO, 1, &widths[j + 1]);
            lofi_graph_scope_pop(b->graph);
        }
    }
}

int lofi_ace_step_taps(const lofi_ace_step_config *config, int blocks[LOFI_ACE_STEP_MAX_PROJECTORS]) {
    int count = 0;
    for (int block = 0; block < config->layers; block++)
        for (int i = 0; i < config->projectors; i++)
            if (config->projector_depths[i] == block && count < LOFI_ACE_STEP_MAX_PROJECTORS) blocks[count++] = block;
    return count;
}

lofi_tensor *lofi_ace_step_project(lofi_builder *b, const lofi_ace_step_config *config, int index, lofi_tensor *x) {
    int64_t widths[PROJECTOR_LAYERS + 1];
    projector_widths(widths, config, index);
    lofi_graph_scope_push(b->graph, "projectors.%d", index);
    for (int j = 0; j < PROJECTOR_LAYERS; j++) {
        char name[16];
        snprintf(name, sizeof name, "%d", 2 * j);
        x = lofi_pointwise(b, j ? lofi_silu(b->graph, x) : x, name, widths[j], widths[j + 1], true, 0);
    }
    lofi_graph_scope_pop(b->graph);
    return x;
}

/* ---- one step ---- */

static bool fits(lofi_builder *b, const lofi_ace_step_config *config, const lofi_tensor *latents) {
    const lofi_shape *shape = &latents->shape;
    if (shape->rank == 4 && shape->dims[1] == config->in_channels && shape->dims[2] == config->height) return true;
    lofi_graph_fail(b->graph, "latents are %s, expected [batch, %lld, %lld, frames]", lofi_shape_text(b->graph, shape),
                    (long long)config->in_channels, (long long)config->height);
    return false;
}

lofi_tensor *lofi_ace_step_decode(lofi_builder *b, const lofi_ace_step_config *config, lofi_tensor *latents,
                                  lofi_tensor *attention_mask, const lofi_ace_step_encoded *encoded,
                                  lofi_tensor *timestep, const lofi_query_scale *query_scale,
                                  lofi_ace_step_trace *trace) {
    lofi_ace_step_trace own = {0};
    if (!trace) trace = &own;
    if (lofi_graph_failed(b->graph) || !fits(b, config, latents)) return NULL;
    step_context step = {.config = config, .mask = attention_mask, .encoded = encoded, .query_scale = query_scale};
    int head_width = (int)config->head_width;
    float theta = (float)config->rope_theta;
    embed_time(b, config, timestep, trace);
    step.modulation = trace->time_modulation;
    trace->patches = embed_patches(b, config, latents);
    lofi_rotary_table(b->graph, latents->shape.dims[3], head_width, theta, &step.cosine, &step.sine);
    lofi_rotary_table(b->graph, encoded->states->shape.dims[1], head_width, theta, &step.encoded_cosine,
                      &step.encoded_sine);
    lofi_tensor *x = trace->patches;
    for (int i = 0; i < config->layers; i++) x = trace->blocks[i] = block(b, &step, i, x);
    declare_projectors(b, config);
    return final_layer(b, config, x, trace->time_embedding);
}

/* ---- the model ---- */

static lofi_code declare(const json_t *json, lofi_weight_table *table, lofi_error *err) {
    lofi_ace_step_config config;
    lofi_graph *graph = NULL;
    LOFI_TRY(lofi_ace_step_config_read(&config, json, err));
    LOFI_TRY(lofi_graph_new(&graph, err));
    lofi_builder builder = {.graph = graph, .table = table};
    lofi_dim batch = lofi_dim_symbol(graph, "batch"), frames = lofi_dim_symbol(graph, "frames");
    lofi_dim latent_dims[] = {batch, config.in_channels, config.height, frames}, mask_dims[] = {batch, frames};
    lofi_tensor *latents = lofi_graph_input(graph, "latents", lofi_shape_of(LOFI_F32, 4, latent_dims));
    lofi_tensor *mask = lofi_graph_input(graph, "attention_mask", lofi_shape_of(LOFI_F32, 2, mask_dims));
    lofi_tensor *timestep = lofi_graph_input(graph, "timestep", lofi_shape_of(LOFI_F32, 1, &batch));
    lofi_ace_step_conditions conditions = lofi_ace_step_condition_inputs(graph, &config);
    lofi_ace_step_encoded encoded = lofi_ace_step_encode(&builder, &config, &conditions, NULL);
    lofi_ace_step_decode(&builder, &config, latents, mask, &encoded, timestep, NULL, NULL);
    lofi_code code = lofi_graph_check(graph, err);
    lofi_graph_free(graph);
    return code;
}

typedef struct preset_sizes {
    const char *name;
    int layers, heads, head_width, text, depth; /* depth: block of the alignment */
    int lyric, lyric_heads, lyric_units, lyric_blocks, lyric_vocabulary;
} preset_sizes;

/* 289 lyric tokens has text/small_lyric_vocab.h. */
static const preset_sizes presets[] = {
    {"tiny", 3, 3, 32, 64, 1, 64, 4, 128, 2, 289},          /* width 96:  1.7 million parameters */
    {"small", 9, 10, 64, 384, 3, 384, 6, 1536, 6, 289},     /* width 640: 97 million             */
    {"full", 24, 20, 128, 768, 8, 1024, 16, 4096, 6, 6693}, /* width 2560: the released model    */
};

/* The lyric encoder's own sizes are written only where they differ from what the original fixes. */
static int add_lyric_sizes(json_t *config, const preset_sizes *sizes) {
    if (strcmp(sizes->name, "full") == 0) return 0;
    return json_object_set_new(config, "lyric_encoder_attention_heads", json_integer(sizes->lyric_heads)) ||
           json_object_set_new(config, "lyric_encoder_linear_units", json_integer(sizes->lyric_units)) ||
           json_object_set_new(config, "lyric_encoder_num_blocks", json_integer(sizes->lyric_blocks));
}

static json_t *pack_preset(const preset_sizes *p) {
    return json_pack(
        "{s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:f, s:i, s:i, s:f, s:i, s:i, s:[ii], s:[ss], s:[ii], s:[ii], "
        "s:i, s:i, s:i, s:i}",
        "_class_name", "ACEStepTransformer2DModel", "_diffusers_version", "0.32.2", "in_channels", 8, "num_layers",
        p->layers, "inner_dim", p->heads * p->head_width, "attention_head_dim", p->head_width, "num_attention_heads",
        p->heads, "mlp_ratio", 2.5, "out_channels", 8, "max_position", 32768, "rope_theta", 1000000.0,
        "speaker_embedding_dim", 512, "text_embedding_dim", p->text, "ssl_encoder_depths", p->depth, p->depth,
        "ssl_names", "mert", "m-hubert", "ssl_latent_dims", 1024, 768, "patch_size", 16, 1, "max_height", 16,
        "max_width", 32768, "lyric_encoder_vocab_size", p->lyric_vocabulary, "lyric_hidden_size", p->lyric);
}

static lofi_code preset(const char *name, json_t **out, lofi_error *err) {
    const preset_sizes *sizes = NULL;
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        if (strcmp(presets[i].name, name) == 0) sizes = &presets[i];
    if (!sizes) return lofi_fail(err, LOFI_ERR_USAGE, "there is no preset '%s': tiny, small or full", name);
    json_t *config = pack_preset(sizes);
    if (!config || add_lyric_sizes(config, sizes)) {
        json_decref(config);
        return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a config");
    }
    *out = config;
    return LOFI_OK;
}

const lofi_model lofi_model_ace_step_transformer = {
    .name = "ace_step_transformer",
    .class_name = "ACEStepTransformer2DModel",
    .weights = "diffusion_pytorch_model",
    .declare = declare,
    .preset = preset,
    .canonical_name = NULL,
};
