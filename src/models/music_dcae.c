/* music_dcae.c - see the header. Names of weights are those of the original's modules. */
#include "models/music_dcae.h"

#include <string.h>

#include "base/json.h"
#include "ops/ops.h"

#define WHERE             "the DCAE config"
#define NORM_EPSILON      1e-5f
#define ATTENTION_EPSILON 1e-15f
#define STEP              2 /* of each step down or up, in both directions */
#define EXPANSION         4 /* hidden channels of the gated convolution, per channel */

/* ---- config ---- */

static lofi_code bad_value(lofi_error *err, const char *key, const char *why) {
    return lofi_fail(err, LOFI_ERR_FORMAT, WHERE ": '%s' %s", key, why);
}

/* Lengths of arrays must be those of 'KIND_block_out_channels'. */
typedef struct half_reader {
    const json_t *config;
    const char *kind; /* "encoder", "decoder" */
    lofi_dcae_half *half;
    char key[64]; /* the one being read */
} half_reader;

static const json_t *value_of(half_reader *r, const char *suffix) {
    snprintf(r->key, sizeof r->key, "%s_%s", r->kind, suffix);
    const json_t *value = json_object_get(r->config, r->key);
    return json_is_null(value) ? NULL : value;
}

static lofi_code wrong_length(const half_reader *r, lofi_error *err) {
    return lofi_fail(err, LOFI_ERR_FORMAT, WHERE ": '%s' must hold one value for each of the %d stages", r->key,
                     r->half->stages);
}

static lofi_code read_channels(half_reader *r, lofi_error *err) {
    int64_t values[LOFI_DCAE_MAX_STAGES] = {128, 256, 512, 512, 1024, 1024};
    size_t count = 6;
    if (value_of(r, "block_out_channels")) {
        count = LOFI_DCAE_MAX_STAGES;
        LOFI_TRY(lofi_json_int_array(values, &count, r->config, r->key, WHERE, err));
    }
    if (count == 0) return bad_value(err, r->key, "is empty");
    r->half->stages = (int)count;
    for (size_t i = 0; i < count; i++) {
        if (values[i] < 1 || values[i] > 1 << 16) return bad_value(err, r->key, "holds a value out of 1 to 65536");
        r->half->stage[i].channels = values[i];
    }
    return LOFI_OK;
}

static lofi_code read_layers(half_reader *r, const int64_t *fallback, lofi_error *err) {
    int64_t values[LOFI_DCAE_MAX_STAGES];
    size_t count = 6;
    memcpy(values, fallback, 6 * sizeof *values);
    if (value_of(r, "layers_per_block")) {
        count = LOFI_DCAE_MAX_STAGES;
        LOFI_TRY(lofi_json_int_array(values, &count, r->config, r->key, WHERE, err));
    }
    if ((int)count != r->half->stages) return wrong_length(r, err);
    for (size_t i = 0; i < count; i++) {
        if (values[i] < 0 || values[i] > 1 << 8) return bad_value(err, r->key, "holds a value out of 0 to 256");
        r->half->stage[i].layers = (int)values[i];
    }
    return LOFI_OK;
}

/* Calls `set` for every stage with its word of an array of words, or the one word for all. */
static lofi_code read_words(half_reader *r, const char *suffix, const char *fallback,
                            lofi_code (*set)(half_reader *r, lofi_dcae_stage *stage, const char *word, lofi_error *err),
                            lofi_error *err) {
    const json_t *value = value_of(r, suffix);
    if (json_is_array(value) && (int)json_array_size(value) != r->half->stages) return wrong_length(r, err);
    for (int i = 0; i < r->half->stages; i++) {
        const json_t *item = json_is_array(value) ? json_array_get(value, (size_t)i) : value;
        if (item && !json_is_string(item)) return bad_value(err, r->key, "must be a text or an array of texts");
        LOFI_TRY(set(r, &r->half->stage[i], item ? json_string_value(item) : fallback, err));
    }
    return LOFI_OK;
}

static lofi_code set_block(half_reader *r, lofi_dcae_stage *stage, const char *word, lofi_error *err) {
    stage->attention = strcmp(word, "EfficientViTBlock") == 0;
    if (stage->attention || strcmp(word, "ResBlock") == 0) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_UNSUPPORTED, WHERE ": '%s' names '%s'; known are ResBlock and EfficientViTBlock",
                     r->key, word);
}

static lofi_code set_norm(half_reader *r, lofi_dcae_stage *stage, const char *word, lofi_error *err) {
    stage->batch_norm = strcmp(word, "batch_norm") == 0;
    if (stage->batch_norm || strcmp(word, "rms_norm") == 0) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_UNSUPPORTED, WHERE ": '%s' names '%s'; known are rms_norm and batch_norm", r->key,
                     word);
}

/* The names of diffusers (models/activations.py), which are fewer than those of transformers. */
static lofi_code activation_of(lofi_activation *out, const char *key, const char *word, lofi_error *err) {
    if (strcmp(word, "silu") == 0 || strcmp(word, "swish") == 0)
        *out = LOFI_ACTIVATION_SILU;
    else if (strcmp(word, "relu") == 0)
        *out = LOFI_ACTIVATION_RELU;
    else if (strcmp(word, "gelu") == 0)
        *out = LOFI_ACTIVATION_GELU;
    else if (strcmp(word, "mish") == 0)
        *out = LOFI_ACTIVATION_MISH;
    else
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, WHERE ": '%s' names '%s'; known are silu, swish, relu, gelu, mish",
                         key, word);
    return LOFI_OK;
}

static lofi_code set_activation(half_reader *r, lofi_dcae_stage *stage, const char *word, lofi_error *err) {
    return activation_of(&stage->activation, r->key, word, err);
}

static lofi_code set_scales(const half_reader *r, lofi_dcae_stage *stage, const json_t *list, lofi_error *err) {
    if (!json_is_array(list)) return bad_value(err, r->key, "must hold one array of kernel sizes per stage");
    size_t count = json_array_size(list);
    if (count > LOFI_DCAE_MAX_SCALES) return bad_value(err, r->key, "holds more than 8 kernel sizes for one stage");
    for (size_t i = 0; i < count; i++) {
        const json_t *kernel = json_array_get(list, i);
        json_int_t size = json_integer_value(kernel);
        if (!json_is_integer(kernel) || size < 1 || size > 63 || size % 2 == 0)
            return bad_value(err, r->key, "must hold odd kernel sizes from 1 to 63");
        stage->kernels[i] = size;
    }
    stage->scales = (int)count;
    return LOFI_OK;
}

static lofi_code read_scales(half_reader *r, lofi_error *err) {
    const json_t *value = value_of(r, "qkv_multiscales");
    bool fits = value ? json_is_array(value) && (int)json_array_size(value) == r->half->stages : r->half->stages == 6;
    if (!fits) return wrong_length(r, err);
    for (int i = 0; i < r->half->stages; i++) {
        lofi_dcae_stage *stage = &r->half->stage[i];
        stage->scales = i >= 3, stage->kernels[0] = 5;
        if (value) LOFI_TRY(set_scales(r, stage, json_array_get(value, (size_t)i), err));
    }
    return LOFI_OK;
}

/* The channels that one step makes from `in`, or takes to give `in`, must be whole groups of the shortcut. */
static lofi_code check_step(const half_reader *r, int64_t large, int64_t small, lofi_error *err) {
    const int64_t each = STEP * STEP;
    if (large * each % small != 0)
        return lofi_fail(err, LOFI_ERR_FORMAT,
                         WHERE
                         ": '%s_block_out_channels': four times %lld channels are no multiple of the next stage's "
                         "%lld",
                         r->kind, (long long)large, (long long)small);
    return LOFI_OK;
}

static lofi_code check_heads(const half_reader *r, const lofi_dcae_config *config, lofi_error *err) {
    for (int i = 0; i < r->half->stages; i++)
        if (r->half->stage[i].attention && r->half->stage[i].layers && r->half->stage[i].channels < config->head_width)
            return bad_value(err, "attention_head_dim", "is larger than the channels of a stage with attention");
    return LOFI_OK;
}

/* Stage 0 may be missing (the first step then leads straight to stage 1); a later one only when nothing changes there. */
static lofi_code check_stages(const half_reader *r, lofi_error *err) {
    const lofi_dcae_half *half = r->half;
    if (half->stage[0].layers == 0 && half->stages < 2)
        return lofi_fail(err, LOFI_ERR_FORMAT, WHERE ": '%s_layers_per_block' leaves no stage", r->kind);
    for (int i = 0; i + 1 < half->stages; i++) {
        int64_t channels = half->stage[i].channels, next = half->stage[i + 1].channels;
        if (half->stage[i].layers > 0) LOFI_TRY(check_step(r, channels, next, err));
        if (half->stage[i].layers == 0 && i > 0 && channels != next)
            return lofi_fail(err, LOFI_ERR_FORMAT,
                             WHERE ": '%s_layers_per_block' has no layer for stage %d, but its channels change there",
                             r->kind, i);
    }
    return LOFI_OK;
}

static lofi_code check_encoder(half_reader *r, const lofi_dcae_config *config, lofi_error *err) {
    const lofi_dcae_half *half = r->half;
    for (int i = 0; half->shuffle && i < half->stages; i++)
        if (half->stage[i].channels % (STEP * STEP) != 0 && i > 0)
            return bad_value(err, "encoder_block_out_channels", "must be multiples of 4 for pixel unshuffling");
    if (half->shortcut && half->stage[half->stages - 1].channels % config->latent_channels != 0)
        return bad_value(err, "latent_channels", "must divide the channels of the encoder's last stage");
    return LOFI_OK;
}

static lofi_code check_decoder(half_reader *r, const lofi_dcae_config *config, lofi_error *err) {
    const lofi_dcae_half *half = r->half;
    if (half->shortcut && half->stage[half->stages - 1].channels % config->latent_channels != 0)
        return bad_value(err, "latent_channels", "must divide the channels of the decoder's last stage");
    return LOFI_OK;
}

static lofi_code read_half(half_reader *r, const lofi_dcae_config *config, const int64_t *layers, lofi_error *err) {
    LOFI_TRY(read_channels(r, err));
    LOFI_TRY(read_layers(r, layers, err));
    LOFI_TRY(read_words(r, "block_types", "ResBlock", set_block, err));
    LOFI_TRY(read_scales(r, err));
    LOFI_TRY(check_heads(r, config, err));
    return check_stages(r, err);
}

static lofi_code read_encoder(lofi_dcae_config *out, const json_t *config, lofi_error *err) {
    static const int64_t layers[] = {2, 2, 2, 3, 3, 3};
    half_reader r = {.config = config, .kind = "encoder", .half = &out->encoder};
    const char *step = NULL;
    LOFI_TRY(read_half(&r, out, layers, err));
    LOFI_TRY(lofi_json_string_or(&step, config, "downsample_block_type", "pixel_unshuffle", WHERE, err));
    LOFI_TRY(lofi_json_bool_or(&out->encoder.shortcut, config, "encoder_out_shortcut", true, WHERE, err));
    out->encoder.shuffle = strcmp(step, "pixel_unshuffle") == 0;
    for (int i = 0; i < out->encoder.stages; i++) out->encoder.stage[i].activation = LOFI_ACTIVATION_SILU;
    return check_encoder(&r, out, err);
}

static lofi_code read_decoder(lofi_dcae_config *out, const json_t *config, lofi_error *err) {
    static const int64_t layers[] = {3, 3, 3, 3, 3, 3};
    half_reader r = {.config = config, .kind = "decoder", .half = &out->decoder};
    const char *step = NULL, *end = NULL;
    LOFI_TRY(read_half(&r, out, layers, err));
    LOFI_TRY(read_words(&r, "norm_types", "rms_norm", set_norm, err));
    LOFI_TRY(read_words(&r, "act_fns", "silu", set_activation, err));
    LOFI_TRY(lofi_json_string_or(&step, config, "upsample_block_type", "pixel_shuffle", WHERE, err));
    LOFI_TRY(lofi_json_bool_or(&out->decoder.shortcut, config, "decoder_in_shortcut", true, WHERE, err));
    LOFI_TRY(lofi_json_string_or(&end, config, "decoder_conv_act_fn", "relu", WHERE, err));
    LOFI_TRY(activation_of(&out->end, "decoder_conv_act_fn", end, err));
    out->decoder.shuffle = strcmp(step, "interpolate") != 0;
    return check_decoder(&r, out, err);
}

lofi_code lofi_dcae_config_read(lofi_dcae_config *out, const json_t *config, lofi_error *err) {
    lofi_dcae_config read = {0};
    if (!json_is_object(config)) return lofi_fail(err, LOFI_ERR_FORMAT, WHERE " is no JSON object");
    LOFI_TRY(lofi_json_int_or(&read.in_channels, config, "in_channels", 3, 1, 1 << 12, WHERE, err));
    LOFI_TRY(lofi_json_int_or(&read.latent_channels, config, "latent_channels", 32, 1, 1 << 12, WHERE, err));
    LOFI_TRY(lofi_json_int_or(&read.head_width, config, "attention_head_dim", 32, 1, 1 << 12, WHERE, err));
    LOFI_TRY(read_encoder(&read, config, err));
    LOFI_TRY(read_decoder(&read, config, err));
    *out = read;
    return LOFI_OK;
}

int64_t lofi_dcae_reduction(const lofi_dcae_half *half) {
    int64_t reduction = half->stage[0].layers == 0 ? STEP : 1;
    for (int i = 0; i + 1 < half->stages; i++)
        if (half->stage[i].layers > 0) reduction *= STEP;
    return reduction;
}

/* ---- layers ---- */

typedef struct convolution {
    int64_t in, out, kernel;
    int32_t stride, groups;
    bool bias;
} convolution;

static lofi_tensor *convolve(lofi_builder *b, lofi_tensor *x, const char *name, convolution c) {
    int64_t dims[] = {c.out, c.in / c.groups, c.kernel, c.kernel};
    int32_t padding = (int32_t)c.kernel / 2;
    lofi_conv2d_attributes attributes = {c.stride, c.stride, padding, padding, 1, 1, c.groups};
    lofi_graph_scope_push(b->graph, "%s", name);
    lofi_tensor *weight = lofi_weight(b, "weight", LOFI_FILL_MATRIX, 4, dims);
    lofi_tensor *bias = c.bias ? lofi_weight_f32(b, "bias", LOFI_FILL_ZERO, 1, &c.out) : NULL;
    x = lofi_graph_failed(b->graph) ? NULL : lofi_conv2d(b->graph, x, weight, bias, attributes);
    lofi_graph_scope_pop(b->graph);
    return x;
}

static lofi_tensor *convolve3(lofi_builder *b, lofi_tensor *x, const char *name, int64_t in, int64_t out, bool bias) {
    return convolve(b, x, name, (convolution){in, out, 3, 1, 1, bias});
}

/* A linear layer over channels, as a convolution with kernels of one: x keeps its layout. */
static lofi_tensor *project(lofi_builder *b, lofi_tensor *x, const char *name, int64_t in, int64_t out) {
    int64_t dims[] = {out, in}, seen[] = {out, in, 1, 1};
    lofi_conv2d_attributes attributes = {1, 1, 0, 0, 1, 1, 1};
    lofi_tensor *weight = lofi_weight_as(b, name, LOFI_FILL_MATRIX, false, 2, dims, 4, seen);
    return weight ? lofi_conv2d(b->graph, x, weight, NULL, attributes) : NULL;
}

/* Over the last dimension. */
static lofi_tensor *norm_last(lofi_builder *b, lofi_tensor *x, const char *name, int64_t channels) {
    lofi_graph_scope_push(b->graph, "%s", name);
    lofi_tensor *weight = lofi_weight_f32(b, "weight", LOFI_FILL_ONE, 1, &channels);
    lofi_tensor *bias = lofi_weight_f32(b, "bias", LOFI_FILL_ZERO, 1, &channels);
    x = lofi_graph_failed(b->graph) ? NULL : lofi_rms_norm(b->graph, x, weight, bias, NORM_EPSILON);
    lofi_graph_scope_pop(b->graph);
    return x;
}

/* The norm of a stage, over the last dimension. Batch norm as at inference: with the means and variances of the file. */
static lofi_tensor *stage_norm_last(lofi_builder *b, const lofi_dcae_stage *stage, lofi_tensor *x, const char *name) {
    const int64_t *channels = &stage->channels;
    if (!stage->batch_norm) return norm_last(b, x, name, stage->channels);
    lofi_graph_scope_push(b->graph, "%s", name);
    lofi_tensor *mean = lofi_weight_f32(b, "running_mean", LOFI_FILL_ZERO, 1, channels);
    lofi_tensor *variance = lofi_weight_f32(b, "running_var", LOFI_FILL_ONE, 1, channels);
    lofi_tensor *weight = lofi_weight_f32(b, "weight", LOFI_FILL_ONE, 1, channels);
    lofi_tensor *bias = lofi_weight_f32(b, "bias", LOFI_FILL_ZERO, 1, channels);
    lofi_weight_unused(b, "num_batches_tracked", LOFI_FILL_ZERO, 0, NULL);
    if (lofi_graph_failed(b->graph)) x = NULL;
    if (x) {
        lofi_tensor *deviation = lofi_square_root(b->graph, lofi_affine(b->graph, variance, 1, NORM_EPSILON));
        x = lofi_mul(b->graph, lofi_sub(b->graph, x, mean), lofi_div(b->graph, weight, deviation));
        x = lofi_add(b->graph, x, bias);
    }
    lofi_graph_scope_pop(b->graph);
    return x;
}

/* RMS norm over the channels of [B, C, H, W]. */
static lofi_tensor *norm(lofi_builder *b, lofi_tensor *x, const char *name, int64_t channels) {
    x = norm_last(b, lofi_permute(b->graph, x, (int[]){0, 2, 3, 1}), name, channels);
    return lofi_permute(b->graph, x, (int[]){0, 3, 1, 2});
}

static lofi_tensor *residual_block(lofi_builder *b, const lofi_dcae_stage *stage, lofi_tensor *x) {
    int64_t channels = stage->channels;
    lofi_tensor *y = lofi_activate(b->graph, convolve3(b, x, "conv1", channels, channels, true), stage->activation);
    y = convolve3(b, y, "conv2", channels, channels, false);
    y = stage_norm_last(b, stage, lofi_permute(b->graph, y, (int[]){0, 2, 3, 1}), "norm");
    return lofi_add(b->graph, lofi_permute(b->graph, y, (int[]){0, 3, 1, 2}), x);
}

/* Queries, keys and values of all scales: [B, 3 * inner * (1 + scales), H, W]. */
static lofi_tensor *multiscale(lofi_builder *b, const lofi_dcae_stage *stage, lofi_tensor *x, int heads,
                               int64_t inner) {
    lofi_tensor *parts[1 + LOFI_DCAE_MAX_SCALES] = {
        project(b, x, "to_q.weight", stage->channels, inner),
        project(b, x, "to_k.weight", stage->channels, inner),
        project(b, x, "to_v.weight", stage->channels, inner),
    };
    parts[0] = lofi_concat(b->graph, parts, 3, 1);
    for (int i = 0; i < stage->scales; i++) {
        int64_t all = 3 * inner;
        lofi_graph_scope_push(b->graph, "to_qkv_multiscale.%d", i);
        x = convolve(b, parts[0], "proj_in", (convolution){all, all, stage->kernels[i], 1, (int32_t)all, false});
        parts[1 + i] = convolve(b, x, "proj_out", (convolution){all, all, 1, 1, 3 * heads, false});
        lofi_graph_scope_pop(b->graph);
    }
    return stage->scales ? lofi_concat(b->graph, parts, 1 + stage->scales, 1) : parts[0];
}

/* A head is 3 * width channels that follow one another, whatever they were projected as: its queries, keys, values.
 * -> [3, B, positions, heads, width] */
static lofi_tensor *cut_heads(lofi_builder *b, lofi_tensor *qkv, int64_t heads, int64_t width) {
    if (!qkv) return NULL;
    const lofi_dim *dims = qkv->shape.dims;
    lofi_dim split[] = {dims[0], heads, 3, width, lofi_dim_mul(b->graph, dims[2], dims[3])};
    return lofi_permute(b->graph, lofi_reshape(b->graph, qkv, 5, split), (int[]){2, 0, 4, 1, 3});
}

typedef enum role { QUERIES, KEYS, VALUES } role;

/* -> [B, positions, heads * width] */
static lofi_tensor *take_role(lofi_builder *b, lofi_tensor *cut, role which) {
    if (!cut) return NULL;
    const lofi_dim *dims = cut->shape.dims;
    lofi_dim joined[] = {dims[1], dims[2], dims[3] * dims[4]};
    return lofi_reshape(b->graph, lofi_slice(b->graph, cut, 0, which, 1), 3, joined);
}

static int64_t heads_of(const lofi_dcae_config *config, const lofi_dcae_stage *stage) {
    return stage->channels / config->head_width;
}

/* Queries, keys and values of all scales, cut into heads. */
static lofi_tensor *cut_stage(lofi_builder *b, const lofi_dcae_config *config, const lofi_dcae_stage *stage,
                              lofi_tensor *x) {
    int64_t heads = heads_of(config, stage);
    return cut_heads(b, multiscale(b, stage, x, (int)heads, heads * config->head_width), heads * (1 + stage->scales),
                     config->head_width);
}

/* With a state, keys and values were gathered before; without, those of x are all there are. */
static lofi_tensor *attend(lofi_builder *b, lofi_tensor *cut, lofi_tensor *state, int heads) {
    lofi_tensor *queries = take_role(b, cut, QUERIES);
    if (state) return lofi_linear_attention_apply(b->graph, queries, state, heads, ATTENTION_EPSILON);
    lofi_tensor *keys = take_role(b, cut, KEYS), *values = take_role(b, cut, VALUES);
    return lofi_linear_attention(b->graph, queries, keys, values, NULL, heads, ATTENTION_EPSILON);
}

static lofi_tensor *attention(lofi_builder *b, const lofi_dcae_config *config, const lofi_dcae_stage *stage,
                              lofi_tensor *x, lofi_tensor *state) {
    if (!x) return NULL;
    int64_t channels = stage->channels, heads = heads_of(config, stage) * (1 + stage->scales);
    lofi_graph_scope_push(b->graph, "attn");
    lofi_tensor *y = attend(b, cut_stage(b, config, stage, x), state, (int)heads);
    y = lofi_pointwise(b, y, "to_out", heads * config->head_width, channels, false, 0);
    y = lofi_permute(b->graph, stage_norm_last(b, stage, y, "norm_out"), (int[]){0, 2, 1});
    y = lofi_add(b->graph, lofi_reshape(b->graph, y, 4, x->shape.dims), x);
    lofi_graph_scope_pop(b->graph);
    return y;
}

static lofi_tensor *gated_convolution(lofi_builder *b, const lofi_dcae_stage *stage, lofi_tensor *x) {
    int64_t channels = stage->channels, hidden = EXPANSION * channels;
    lofi_graph_scope_push(b->graph, "conv_out");
    lofi_tensor *y = convolve(b, x, "conv_inverted", (convolution){channels, 2 * hidden, 1, 1, 1, true});
    y = convolve(b, lofi_silu(b->graph, y), "conv_depth",
                 (convolution){2 * hidden, 2 * hidden, 3, 1, (int32_t)(2 * hidden), true});
    lofi_tensor *gate = lofi_silu(b->graph, lofi_slice(b->graph, y, 1, hidden, hidden));
    y = lofi_mul(b->graph, lofi_slice(b->graph, y, 1, 0, hidden), gate);
    y = convolve(b, y, "conv_point", (convolution){hidden, channels, 1, 1, 1, false});
    y = lofi_add(b->graph, norm(b, y, "norm", channels), x);
    lofi_graph_scope_pop(b->graph);
    return y;
}

static lofi_tensor *block(lofi_builder *b, const lofi_dcae_config *config, const lofi_dcae_stage *stage, lofi_tensor *x,
                          lofi_tensor *state) {
    if (!stage->attention) return residual_block(b, stage, x);
    return gated_convolution(b, stage, attention(b, config, stage, x, state));
}

/* ---- steps down and up ---- */

/* [B, C, H, W] -> [B, 4 C, H / 2, W / 2]: channel 4 c + 2 i + j holds what lay at row i, column j of a cell. */
static lofi_tensor *unshuffle(lofi_builder *b, lofi_tensor *x) {
    if (!x) return NULL;
    const lofi_dim *d = x->shape.dims;
    lofi_dim high = lofi_dim_floor_div(b->graph, d[2], STEP), wide = lofi_dim_floor_div(b->graph, d[3], STEP);
    lofi_dim cells[] = {d[0], d[1], high, STEP, wide, STEP}, out[] = {d[0], d[1] * STEP * STEP, high, wide};
    x = lofi_permute(b->graph, lofi_reshape(b->graph, x, 6, cells), (int[]){0, 1, 3, 5, 2, 4});
    return lofi_reshape(b->graph, x, 4, out);
}

/* The inverse. */
static lofi_tensor *shuffle(lofi_builder *b, lofi_tensor *x) {
    if (!x) return NULL;
    const lofi_dim *d = x->shape.dims;
    lofi_dim channels = d[1] / (STEP * STEP), high = lofi_dim_mul(b->graph, d[2], STEP);
    lofi_dim wide = lofi_dim_mul(b->graph, d[3], STEP);
    lofi_dim cells[] = {d[0], channels, STEP, STEP, d[2], d[3]}, out[] = {d[0], channels, high, wide};
    x = lofi_permute(b->graph, lofi_reshape(b->graph, x, 6, cells), (int[]){0, 1, 4, 2, 5, 3});
    return lofi_reshape(b->graph, x, 4, out);
}

/* Means of runs of channels, so that `out` are left. */
static lofi_tensor *average_channels(lofi_builder *b, lofi_tensor *x, int64_t out) {
    if (!x) return NULL;
    const lofi_dim *d = x->shape.dims;
    lofi_dim groups[] = {d[0], out, d[1] / out, d[2], d[3]};
    if (d[1] == out) return x;
    return lofi_mean(b->graph, lofi_reshape(b->graph, x, 5, groups), 1u << 2, false);
}

/* Every channel `times` times, one after the other. */
static lofi_tensor *repeat_channels(lofi_builder *b, lofi_tensor *x, int64_t times) {
    if (!x || times == 1) return x;
    const lofi_dim *d = x->shape.dims;
    lofi_dim once[] = {d[0], d[1], 1, d[2], d[3]}, often[] = {d[0], d[1], times, d[2], d[3]};
    lofi_dim out[] = {d[0], d[1] * times, d[2], d[3]};
    x = lofi_expand(b->graph, lofi_reshape(b->graph, x, 5, once), 5, often);
    return lofi_reshape(b->graph, x, 4, out);
}

static lofi_tensor *double_nearest(lofi_builder *b, lofi_tensor *x) {
    if (!x) return NULL;
    const lofi_dim *d = x->shape.dims;
    lofi_dim once[] = {d[0], d[1], d[2], 1, d[3], 1}, twice[] = {d[0], d[1], d[2], STEP, d[3], STEP};
    lofi_dim out[] = {d[0], d[1], lofi_dim_mul(b->graph, d[2], STEP), lofi_dim_mul(b->graph, d[3], STEP)};
    x = lofi_expand(b->graph, lofi_reshape(b->graph, x, 6, once), 6, twice);
    return lofi_reshape(b->graph, x, 4, out);
}

static lofi_tensor *step_down(lofi_builder *b, const lofi_dcae_half *half, lofi_tensor *x, int64_t in, int64_t out,
                              bool shortcut) {
    lofi_tensor *y;
    if (half->shuffle)
        y = unshuffle(b, convolve3(b, x, "conv", in, out / (STEP * STEP), true));
    else
        y = convolve(b, x, "conv", (convolution){in, out, 3, STEP, 1, true});
    return shortcut ? lofi_add(b->graph, y, average_channels(b, unshuffle(b, x), out)) : y;
}

static lofi_tensor *step_up(lofi_builder *b, const lofi_dcae_half *half, lofi_tensor *x, int64_t in, int64_t out,
                            bool shortcut) {
    lofi_tensor *y;
    if (half->shuffle)
        y = shuffle(b, convolve3(b, x, "conv", in, out * STEP * STEP, true));
    else
        y = convolve3(b, double_nearest(b, x), "conv", in, out, true);
    return shortcut ? lofi_add(b->graph, y, shuffle(b, repeat_channels(b, x, out * STEP * STEP / in))) : y;
}

/* ---- the halves ---- */

static bool is_multiple(lofi_graph *graph, lofi_dim dim, int64_t factor) {
    return lofi_dim_mul(graph, lofi_dim_floor_div(graph, dim, factor), factor) == dim;
}

static bool fits(lofi_builder *b, const lofi_tensor *x, const char *name, int64_t channels, int64_t factor) {
    const lofi_shape *shape = &x->shape;
    if (shape->rank == 4 && shape->dims[1] == channels && is_multiple(b->graph, shape->dims[2], factor) &&
        is_multiple(b->graph, shape->dims[3], factor))
        return true;
    lofi_graph_fail(b->graph, "%s is %s, expected [batch, %lld, a multiple of %lld, a multiple of %lld]", name,
                    lofi_shape_text(b->graph, shape), (long long)channels, (long long)factor, (long long)factor);
    return false;
}

/* Stage 0, or stage 1 when there are no layers of stage 0. */
static int64_t first_channels(const lofi_dcae_half *half) {
    return half->stage[half->stage[0].layers == 0].channels;
}

/* What a half is a row of. */
typedef enum kind { ENTRY, BLOCK, STEP_ON, EXIT, NOTHING } kind;

typedef struct element {
    kind kind;
    int stage;
    int place; /* in the stage, as names of weights count */
} element;

static const lofi_dcae_half *half_of(const lofi_dcae_config *config, lofi_dcae_side side) {
    return side == LOFI_DCAE_ENCODER ? &config->encoder : &config->decoder;
}

/* In the encoder the step to the next stage comes last in a stage, in the decoder the step from the one before comes first. */
static element element_at(const lofi_dcae_config *config, lofi_dcae_side side, int index) {
    const lofi_dcae_half *half = half_of(config, side);
    if (index == 0) return (element){.kind = ENTRY};
    index--;
    for (int i = 0; i < half->stages; i++) {
        int stage = side == LOFI_DCAE_ENCODER ? i : half->stages - 1 - i, layers = half->stage[stage].layers;
        int steps = layers > 0 && stage < half->stages - 1;
        if (index < layers + steps) {
            bool step = steps && index == (side == LOFI_DCAE_ENCODER ? layers : 0);
            return (element){step ? STEP_ON : BLOCK, stage, index};
        }
        index -= layers + steps;
    }
    return (element){.kind = index == 0 ? EXIT : NOTHING};
}

static lofi_tensor *encoder_entry(lofi_builder *b, const lofi_dcae_config *config, lofi_tensor *x) {
    const lofi_dcae_half *half = &config->encoder;
    if (half->stage[0].layers > 0) return convolve3(b, x, "conv_in", config->in_channels, first_channels(half), true);
    lofi_graph_scope_push(b->graph, "conv_in");
    x = step_down(b, half, x, config->in_channels, first_channels(half), false);
    lofi_graph_scope_pop(b->graph);
    return x;
}

static lofi_tensor *encoder_exit(lofi_builder *b, const lofi_dcae_config *config, lofi_tensor *x) {
    const lofi_dcae_half *half = &config->encoder;
    int64_t channels = half->stage[half->stages - 1].channels;
    lofi_tensor *y = convolve3(b, x, "conv_out", channels, config->latent_channels, true);
    return half->shortcut ? lofi_add(b->graph, y, average_channels(b, x, config->latent_channels)) : y;
}

static lofi_tensor *decoder_entry(lofi_builder *b, const lofi_dcae_config *config, lofi_tensor *x) {
    const lofi_dcae_half *half = &config->decoder;
    int64_t channels = half->stage[half->stages - 1].channels;
    lofi_tensor *y = convolve3(b, x, "conv_in", config->latent_channels, channels, true);
    return half->shortcut ? lofi_add(b->graph, y, repeat_channels(b, x, channels / config->latent_channels)) : y;
}

static lofi_tensor *decoder_exit(lofi_builder *b, const lofi_dcae_config *config, lofi_tensor *x) {
    const lofi_dcae_half *half = &config->decoder;
    x = lofi_activate(b->graph, norm(b, x, "norm_out", first_channels(half)), config->end);
    if (half->stage[0].layers > 0) return convolve3(b, x, "conv_out", first_channels(half), config->in_channels, true);
    lofi_graph_scope_push(b->graph, "conv_out");
    x = step_up(b, half, x, first_channels(half), config->in_channels, false);
    lofi_graph_scope_pop(b->graph);
    return x;
}

static lofi_tensor *step_between(lofi_builder *b, const lofi_dcae_config *config, lofi_dcae_side side, int stage,
                                 lofi_tensor *x) {
    const lofi_dcae_half *half = half_of(config, side);
    int64_t larger = half->stage[stage].channels, smaller = half->stage[stage + 1].channels;
    return side == LOFI_DCAE_ENCODER ? step_down(b, half, x, larger, smaller, true)
                                     : step_up(b, half, x, smaller, larger, true);
}

static lofi_tensor *build_in_stage(lofi_builder *b, const lofi_dcae_config *config, lofi_dcae_side side, element e,
                                   lofi_tensor *x, lofi_tensor *state) {
    const lofi_dcae_stage *stage = &half_of(config, side)->stage[e.stage];
    lofi_graph_scope_push(b->graph, "%s.%d.%d", side == LOFI_DCAE_ENCODER ? "down_blocks" : "up_blocks", e.stage,
                          e.place);
    x = e.kind == BLOCK ? block(b, config, stage, x, state) : step_between(b, config, side, e.stage, x);
    lofi_graph_scope_pop(b->graph);
    return x;
}

static lofi_tensor *build_element(lofi_builder *b, const lofi_dcae_config *config, lofi_dcae_side side, element e,
                                  lofi_tensor *x, lofi_tensor *state) {
    bool encoder = side == LOFI_DCAE_ENCODER;
    if (e.kind == ENTRY) return encoder ? encoder_entry(b, config, x) : decoder_entry(b, config, x);
    if (e.kind == EXIT) return encoder ? encoder_exit(b, config, x) : decoder_exit(b, config, x);
    return build_in_stage(b, config, side, e, x, state);
}

/* Elements first .. end - 1. The state is that of the first one. */
static lofi_tensor *build_elements(lofi_builder *b, const lofi_dcae_config *config, lofi_dcae_side side, int first,
                                   int end, lofi_tensor *x, lofi_tensor *state) {
    lofi_graph_scope_push(b->graph, side == LOFI_DCAE_ENCODER ? "encoder" : "decoder");
    for (int i = first; i < end; i++)
        x = build_element(b, config, side, element_at(config, side, i), x, i == first ? state : NULL);
    lofi_graph_scope_pop(b->graph);
    return x;
}

static int count_elements(const lofi_dcae_config *config, lofi_dcae_side side) {
    int count = 0;
    while (element_at(config, side, count).kind != NOTHING) count++;
    return count;
}

lofi_tensor *lofi_dcae_encode(lofi_builder *b, const lofi_dcae_config *config, lofi_tensor *mel) {
    if (!mel || !fits(b, mel, "the picture", config->in_channels, lofi_dcae_reduction(&config->encoder))) return NULL;
    return build_elements(b, config, LOFI_DCAE_ENCODER, 0, count_elements(config, LOFI_DCAE_ENCODER), mel, NULL);
}

lofi_tensor *lofi_dcae_decode(lofi_builder *b, const lofi_dcae_config *config, lofi_tensor *latents) {
    if (!latents || !fits(b, latents, "the latent", config->latent_channels, 1)) return NULL;
    return build_elements(b, config, LOFI_DCAE_DECODER, 0, count_elements(config, LOFI_DCAE_DECODER), latents, NULL);
}

/* ---- the halves in parts ---- */

static bool begins_part(const lofi_dcae_config *config, lofi_dcae_side side, element e) {
    return e.kind == ENTRY || (e.kind == BLOCK && half_of(config, side)->stage[e.stage].attention);
}

/* Whether pictures are half or twice as large behind it. */
static bool changes_size(const lofi_dcae_config *config, lofi_dcae_side side, element e) {
    bool outer = e.kind == (side == LOFI_DCAE_ENCODER ? ENTRY : EXIT);
    return e.kind == STEP_ON || (outer && half_of(config, side)->stage[0].layers == 0);
}

static int64_t channels_behind(const lofi_dcae_config *config, lofi_dcae_side side, element e) {
    const lofi_dcae_half *half = half_of(config, side);
    bool encoder = side == LOFI_DCAE_ENCODER;
    switch (e.kind) {
    case ENTRY: return encoder ? first_channels(half) : half->stage[half->stages - 1].channels;
    case EXIT: return encoder ? config->latent_channels : config->in_channels;
    case STEP_ON: return half->stage[encoder ? e.stage + 1 : e.stage].channels;
    default: return half->stage[e.stage].channels;
    }
}

/* Columns on each side that the kernels of a stage's attention see, besides the attention itself. */
static int64_t reach_of_scales(const lofi_dcae_stage *stage) {
    int64_t reach = 0;
    for (int i = 0; i < stage->scales; i++)
        if (stage->kernels[i] / 2 > reach) reach = stage->kernels[i] / 2;
    return reach;
}

/* Columns of the element's input on each side of those that `reach` columns beside one of its output come from. Of twice as
 * large a picture: on each side of two neighbours. */
static int64_t reach_before(const lofi_dcae_config *config, lofi_dcae_side side, element e, int64_t reach) {
    const lofi_dcae_stage *stage = &half_of(config, side)->stage[e.stage];
    if (changes_size(config, side, e)) return side == LOFI_DCAE_ENCODER ? STEP * reach + 1 : (reach + 1) / STEP + 1;
    if (e.kind != BLOCK) return reach + 1;
    return stage->attention ? reach + 1 + reach_of_scales(stage) : reach + 2;
}

static void measure_part(lofi_dcae_part *part, const lofi_dcae_config *config) {
    lofi_dcae_side side = part->side;
    element first = element_at(config, side, part->first);
    int64_t reach = 0, factor;
    part->out_reduction = part->in_reduction;
    part->out_channels = channels_behind(config, side, element_at(config, side, part->end - 1));
    for (int i = part->end - 1; i >= part->first; i--) {
        element e = element_at(config, side, i);
        reach = reach_before(config, side, e, reach);
        if (!changes_size(config, side, e)) continue;
        part->out_reduction = side == LOFI_DCAE_ENCODER ? part->out_reduction * STEP : part->out_reduction / STEP;
    }
    factor = side == LOFI_DCAE_ENCODER ? part->out_reduction / part->in_reduction : 1;
    part->reach = (reach + factor - 1) / factor;
    part->attention = first.kind == BLOCK;
    if (!part->attention) return;
    const lofi_dcae_stage *stage = &half_of(config, side)->stage[first.stage];
    part->heads = heads_of(config, stage) * (1 + stage->scales);
    part->state_reach = reach_of_scales(stage);
}

lofi_dcae_part lofi_dcae_part_first(const lofi_dcae_config *config, lofi_dcae_side side) {
    bool encoder = side == LOFI_DCAE_ENCODER;
    lofi_dcae_part before = {.side = side,
                             .out_channels = encoder ? config->in_channels : config->latent_channels,
                             .out_reduction = encoder ? 1 : lofi_dcae_reduction(&config->decoder)};
    lofi_dcae_part part = {0};
    lofi_dcae_part_next(&part, &before, config);
    return part;
}

bool lofi_dcae_part_next(lofi_dcae_part *out, const lofi_dcae_part *before, const lofi_dcae_config *config) {
    lofi_dcae_part part = {.side = before->side, .first = before->end, .end = before->end + 1};
    if (element_at(config, part.side, part.first).kind == NOTHING) return false;
    for (element e; e = element_at(config, part.side, part.end), e.kind != NOTHING; part.end++)
        if (begins_part(config, part.side, e)) break;
    part.in_channels = before->out_channels;
    part.in_reduction = before->out_reduction;
    measure_part(&part, config);
    *out = part;
    return true;
}

lofi_tensor *lofi_dcae_build_part(lofi_builder *b, const lofi_dcae_config *config, const lofi_dcae_part *part,
                                  lofi_tensor *x, lofi_tensor *state) {
    return build_elements(b, config, part->side, part->first, part->end, x, state);
}

lofi_tensor *lofi_dcae_build_state(lofi_builder *b, const lofi_dcae_config *config, const lofi_dcae_part *part,
                                   lofi_tensor *x, lofi_tensor *mask) {
    element e = element_at(config, part->side, part->first);
    bool encoder = part->side == LOFI_DCAE_ENCODER;
    if (!x) return NULL;
    lofi_graph_scope_push(b->graph, "%s_blocks.%d.%d.attn", encoder ? "encoder.down" : "decoder.up", e.stage, e.place);
    lofi_tensor *cut = cut_stage(b, config, &half_of(config, part->side)->stage[e.stage], x);
    lofi_graph_scope_pop(b->graph);
    return lofi_linear_attention_state(b->graph, take_role(b, cut, KEYS), take_role(b, cut, VALUES), mask,
                                       (int)part->heads);
}

/* ---- the model ---- */

static lofi_code declare(const json_t *json, lofi_weight_table *table, lofi_error *err) {
    lofi_dcae_config config;
    lofi_graph *graph = NULL;
    LOFI_TRY(lofi_dcae_config_read(&config, json, err));
    LOFI_TRY(lofi_graph_new(&graph, err));
    lofi_builder builder = {.graph = graph, .table = table};
    int64_t reduction = lofi_dcae_reduction(&config.encoder);
    lofi_dim batch = lofi_dim_symbol(graph, "batch"), frames = lofi_dim_symbol(graph, "frames");
    lofi_dim high = lofi_dim_symbol(graph, "rows");
    lofi_dim mel_dims[] = {batch, config.in_channels, lofi_dim_mul(graph, high, reduction),
                           lofi_dim_mul(graph, frames, reduction)};
    lofi_dim latent_dims[] = {batch, config.latent_channels, high, frames};
    lofi_dcae_encode(&builder, &config, lofi_graph_input(graph, "mel", lofi_shape_of(LOFI_F32, 4, mel_dims)));
    lofi_dcae_decode(&builder, &config, lofi_graph_input(graph, "latents", lofi_shape_of(LOFI_F32, 4, latent_dims)));
    lofi_code code = lofi_graph_check(graph, err);
    lofi_graph_free(graph);
    return code;
}

typedef struct preset_sizes {
    const char *name;
    int channels[4], encoder_layers[4], decoder_layers[4], head_width;
} preset_sizes;

static const preset_sizes presets[] = {
    {"tiny", {16, 16, 32, 64}, {1, 1, 1, 1}, {1, 1, 1, 1}, 16},
    {"small", {32, 64, 128, 256}, {1, 1, 2, 2}, {1, 1, 2, 2}, 32},
    {"full", {128, 256, 512, 1024}, {2, 2, 3, 3}, {3, 3, 3, 3}, 32},
};

static json_t *four(const int *values) {
    return json_pack("[iiii]", values[0], values[1], values[2], values[3]);
}

static json_t *pack_preset(const preset_sizes *p) {
    return json_pack(
        "{s:s, s:s, s:i, s:s, s:o, s:[ssss], s:o, s:s, s:[[],[],[i],[i]], s:s, s:o, s:[ssss], s:o, "
        "s:[[],[],[i],[i]], s:i, s:i, s:f, s:s}",
        "_class_name", "AutoencoderDC", "_diffusers_version", "0.32.2", "attention_head_dim", p->head_width,
        "decoder_act_fns", "silu", "decoder_block_out_channels", four(p->channels), "decoder_block_types", "ResBlock",
        "ResBlock", "ResBlock", "EfficientViTBlock", "decoder_layers_per_block", four(p->decoder_layers),
        "decoder_norm_types", "rms_norm", "decoder_qkv_multiscales", 5, 5, "downsample_block_type", "Conv",
        "encoder_block_out_channels", four(p->channels), "encoder_block_types", "ResBlock", "ResBlock", "ResBlock",
        "EfficientViTBlock", "encoder_layers_per_block", four(p->encoder_layers), "encoder_qkv_multiscales", 5, 5,
        "in_channels", 2, "latent_channels", 8, "scaling_factor", 0.41407, "upsample_block_type", "interpolate");
}

static lofi_code preset(const char *name, json_t **out, lofi_error *err) {
    const preset_sizes *sizes = NULL;
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        if (strcmp(presets[i].name, name) == 0) sizes = &presets[i];
    if (!sizes) return lofi_fail(err, LOFI_ERR_USAGE, "there is no preset '%s': tiny, small or full", name);
    json_t *config = pack_preset(sizes);
    if (!config) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a config");
    *out = config;
    return LOFI_OK;
}

/* Measured on the presets: latents of music with a mean near 0 and a standard deviation near 1 after the shift and factor
 * that the audio encoder applies to them. */
static lofi_initial initial(const char *name) {
    if (strcmp(name, "encoder.conv_out.weight") == 0) return (lofi_initial){1.6f, 0};
    if (strcmp(name, "encoder.conv_out.bias") == 0) return (lofi_initial){1, -1};
    return (lofi_initial){1, 0};
}

const lofi_model lofi_model_music_dcae = {
    .name = "music_dcae_f8c8",
    .class_name = "AutoencoderDC",
    .weights = "diffusion_pytorch_model",
    .declare = declare,
    .preset = preset,
    .canonical_name = NULL,
    .initial = initial,
};
