/* music_vocoder.c - see the header. Names of weights are those of the original's modules. */
#include "models/music_vocoder.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "ops/ops.h"

#define WHERE         "the vocoder config"
#define STEM_KERNEL   7
#define EXPANSION     4
#define NORM_EPSILON  1e-6f
#define RESIDUAL_PAIR 3 /* pairs of convolutions in a residual block */

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

lofi_code lofi_vocoder_mel_read(lofi_mel_settings *out, const json_t *config, lofi_error *err) {
    lofi_mel_settings read = LOFI_MEL_SETTINGS_INIT;
    LOFI_TRY(read_int(&read.sample_rate, config, "sampling_rate", read.sample_rate, 1 << 20, err));
    LOFI_TRY(read_int(&read.n_fft, config, "n_fft", read.n_fft, 1 << 16, err));
    LOFI_TRY(read_int(&read.window, config, "win_length", read.window, 1 << 16, err));
    LOFI_TRY(read_int(&read.hop, config, "hop_length", read.hop, 1 << 16, err));
    LOFI_TRY(read_int(&read.n_mels, config, "n_mels", read.n_mels, 1 << 12, err));
    LOFI_TRY(lofi_json_number_or(&read.f_min, config, "f_min", read.f_min, WHERE, err));
    LOFI_TRY(lofi_json_number_or(&read.f_max, config, "f_max", read.f_max, WHERE, err));
    *out = read;
    return LOFI_OK;
}

/* An array of integers from 1 to `max`; what `values` and `count` held before when the key is absent. */
static lofi_code read_array(int64_t *values, int *count, int capacity, const json_t *config, const char *key,
                            int64_t max, lofi_error *err) {
    const json_t *value = json_object_get(config, key);
    size_t length = (size_t)capacity;
    if (!value || json_is_null(value)) return LOFI_OK;
    LOFI_TRY(lofi_json_int_array(values, &length, config, key, WHERE, err));
    for (size_t i = 0; i < length; i++)
        if (values[i] < 1 || values[i] > max) return bad_value(err, key, "holds a value out of range");
    if (length == 0) return bad_value(err, key, "is empty");
    *count = (int)length;
    return LOFI_OK;
}

static lofi_code read_backbone(lofi_vocoder_config *out, const json_t *config, lofi_error *err) {
    static const int64_t depths[] = {3, 3, 9, 3}, dims[] = {128, 256, 384, 512};
    int depth_count = 4, dim_count = 4;
    memcpy(out->depths, depths, sizeof depths);
    memcpy(out->dims, dims, sizeof dims);
    out->block_kernels = 1, out->block_kernel[0] = STEM_KERNEL;
    LOFI_TRY(lofi_json_int_or(&out->input_channels, config, "input_channels", 128, 1, 1 << 16, WHERE, err));
    LOFI_TRY(read_array(out->depths, &depth_count, LOFI_VOCODER_MAX_STAGES, config, "depths", 1 << 8, err));
    LOFI_TRY(read_array(out->dims, &dim_count, LOFI_VOCODER_MAX_STAGES, config, "dims", 1 << 16, err));
    LOFI_TRY(
        read_array(out->block_kernel, &out->block_kernels, LOFI_VOCODER_MAX_KERNELS, config, "kernel_sizes", 255, err));
    if (depth_count != dim_count) return bad_value(err, "depths", "and 'dims' differ in length");
    for (int i = 0; i < out->block_kernels; i++)
        if (out->block_kernel[i] % 2 == 0) return bad_value(err, "kernel_sizes", "must hold odd numbers");
    out->stages = depth_count;
    return LOFI_OK;
}

static lofi_code read_dilations(lofi_vocoder_config *out, const json_t *config, lofi_error *err) {
    static const char *const key = "resblock_dilation_sizes";
    const json_t *value = json_object_get(config, key);
    bool given = value && !json_is_null(value);
    if (given && (!json_is_array(value) || (int)json_array_size(value) < out->residuals))
        return bad_value(err, key, "must hold one array for each of 'resblock_kernel_sizes'");
    for (int i = 0; i < out->residuals; i++) {
        const json_t *row = given ? json_array_get(value, (size_t)i) : NULL;
        if (given && (!json_is_array(row) || json_array_size(row) < RESIDUAL_PAIR))
            return bad_value(err, key, "must hold three dilations for each residual block");
        for (int j = 0; j < RESIDUAL_PAIR; j++) {
            const json_t *item = given ? json_array_get(row, (size_t)j) : NULL;
            json_int_t dilation = item ? json_integer_value(item) : 1 + 2 * j;
            if (dilation < 1 || dilation > 1 << 10) return bad_value(err, key, "holds a value out of 1 to 1024");
            out->residual_dilations[i][j] = dilation;
        }
    }
    return LOFI_OK;
}

static lofi_code read_steps(lofi_vocoder_config *out, const json_t *config, lofi_error *err) {
    static const int64_t rates[] = {4, 4, 2, 2, 2, 2, 2}, kernels[] = {8, 8, 4, 4, 4, 4, 4};
    int kernel_count = 7;
    int64_t product = 1;
    memcpy(out->rates, rates, sizeof rates);
    memcpy(out->kernels, kernels, sizeof kernels);
    out->steps = 7;
    LOFI_TRY(read_array(out->rates, &out->steps, LOFI_VOCODER_MAX_STAGES, config, "upsample_rates", 1 << 10, err));
    LOFI_TRY(read_array(out->kernels, &kernel_count, LOFI_VOCODER_MAX_STAGES, config, "upsample_kernel_sizes", 1 << 11,
                        err));
    if (kernel_count != out->steps)
        return bad_value(err, "upsample_kernel_sizes", "and 'upsample_rates' differ in length");
    for (int i = 0; i < out->steps; i++) {
        if (out->kernels[i] < out->rates[i] || (out->kernels[i] - out->rates[i]) % 2 != 0)
            return bad_value(err, "upsample_kernel_sizes", "must be larger than 'upsample_rates' by even numbers");
        product *= out->rates[i];
        if (product > out->mel.hop) break;
    }
    if (product != out->mel.hop) return bad_value(err, "hop_length", "must be the product of 'upsample_rates'");
    return LOFI_OK;
}

static lofi_code read_head(lofi_vocoder_config *out, const json_t *config, lofi_error *err) {
    static const int64_t residual_kernels[] = {3, 7, 11, 13};
    bool use_template = false;
    memcpy(out->residual_kernels, residual_kernels, sizeof residual_kernels);
    out->residuals = 4;
    LOFI_TRY(read_steps(out, config, err));
    LOFI_TRY(read_array(out->residual_kernels, &out->residuals, LOFI_VOCODER_MAX_KERNELS, config,
                        "resblock_kernel_sizes", 255, err));
    LOFI_TRY(read_dilations(out, config, err));
    LOFI_TRY(lofi_json_int_or(&out->num_mels, config, "num_mels", 512, 1, 1 << 16, WHERE, err));
    LOFI_TRY(
        lofi_json_int_or(&out->initial_channels, config, "upsample_initial_channel", 1024, 1, 1 << 16, WHERE, err));
    LOFI_TRY(lofi_json_int_or(&out->pre_kernel, config, "pre_conv_kernel_size", 13, 1, 255, WHERE, err));
    LOFI_TRY(lofi_json_int_or(&out->post_kernel, config, "post_conv_kernel_size", 13, 1, 255, WHERE, err));
    LOFI_TRY(lofi_json_bool_or(&use_template, config, "use_template", false, WHERE, err));
    if (use_template)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED,
                         WHERE ": 'use_template' is true, but decoding latents has no template signal to give");
    if (out->pre_kernel % 2 == 0) return bad_value(err, "pre_conv_kernel_size", "must be odd");
    if (out->post_kernel % 2 == 0) return bad_value(err, "post_conv_kernel_size", "must be odd");
    for (int i = 0; i < out->residuals; i++)
        if (out->residual_kernels[i] % 2 == 0) return bad_value(err, "resblock_kernel_sizes", "must hold odd numbers");
    if (out->initial_channels >> out->steps < 1)
        return bad_value(err, "upsample_initial_channel", "leaves no channel after halving at every step up");
    if (out->num_mels != out->dims[out->stages - 1]) return bad_value(err, "num_mels", "must be the last of 'dims'");
    return LOFI_OK;
}

lofi_code lofi_vocoder_config_read(lofi_vocoder_config *out, const json_t *config, lofi_error *err) {
    lofi_vocoder_config read = {0};
    if (!json_is_object(config)) return lofi_fail(err, LOFI_ERR_FORMAT, WHERE " is no JSON object");
    LOFI_TRY(lofi_vocoder_mel_read(&read.mel, config, err));
    LOFI_TRY(read_backbone(&read, config, err));
    LOFI_TRY(read_head(&read, config, err));
    *out = read;
    return LOFI_OK;
}

/* ---- backbone: [B, channels, 1, frames] in front, [B, frames, channels] from the first norm on ---- */

/* The first and the last frame again, `times` times each. */
static lofi_tensor *replicate_ends(lofi_builder *b, lofi_tensor *x, int64_t times) {
    if (!x) return NULL;
    const lofi_dim *d = x->shape.dims;
    lofi_dim last = lofi_dim_offset(b->graph, d[2], -1), room[] = {d[0], d[1], times};
    lofi_tensor *first = lofi_expand(b->graph, lofi_slice(b->graph, x, 2, 0, 1), 3, room);
    lofi_tensor *end = lofi_expand(b->graph, lofi_slice(b->graph, x, 2, last, 1), 3, room);
    return lofi_concat(b->graph, (lofi_tensor *[]){first, x, end}, 3, 2);
}

/* x: [B, input_channels, S] -> [B, S, dims[0]] */
static lofi_tensor *stem(lofi_builder *b, const lofi_vocoder_config *config, lofi_tensor *x) {
    int64_t in = config->input_channels, out = config->dims[0], dims[] = {out, in, STEM_KERNEL};
    lofi_graph_scope_push(b->graph, "channel_layers.0.0");
    lofi_tensor *kernel = lofi_weight_as(b, "weight", LOFI_FILL_MATRIX, false, 3, dims, 4,
                                         (int64_t[]){out, in, 1, STEM_KERNEL});
    lofi_tensor *bias = lofi_weight_f32(b, "bias", LOFI_FILL_ZERO, 1, &out);
    x = lofi_conv1d(b, replicate_ends(b, x, STEM_KERNEL / 2), kernel, bias, (lofi_conv1d_attributes){1, 0, 1, 1});
    lofi_graph_scope_pop(b->graph);
    return lofi_normalise(b, lofi_permute(b->graph, x, (int[]){0, 2, 1}), "channel_layers.0.1", out, NORM_EPSILON);
}

static lofi_tensor *stage_entry(lofi_builder *b, const lofi_vocoder_config *config, int stage, lofi_tensor *x) {
    if (stage == 0) return stem(b, config, x);
    lofi_graph_scope_push(b->graph, "channel_layers.%d", stage);
    x = lofi_normalise(b, x, "0", config->dims[stage - 1], NORM_EPSILON);
    x = lofi_pointwise(b, x, "1", config->dims[stage - 1], config->dims[stage], true, 1);
    lofi_graph_scope_pop(b->graph);
    return x;
}

/* What a block adds to its input: [B, S, channels]. */
static lofi_tensor *block(lofi_builder *b, lofi_tensor *x, int64_t channels, int64_t kernel) {
    lofi_tensor *gamma = lofi_weight_f32(b, "gamma", LOFI_FILL_ONE, 1, &channels);
    lofi_graph_scope_push(b->graph, "dwconv");
    lofi_tensor *weight = lofi_weight(b, "weight", LOFI_FILL_MATRIX, 3, (int64_t[]){channels, 1, kernel});
    lofi_tensor *bias = lofi_weight_f32(b, "bias", LOFI_FILL_ZERO, 1, &channels);
    x = lofi_graph_failed(b->graph) ? NULL : lofi_depthwise_conv1d(b->graph, x, weight, bias);
    lofi_graph_scope_pop(b->graph);
    x = lofi_normalise(b, x, "norm", channels, NORM_EPSILON);
    x = lofi_pointwise(b, x, "pwconv1", channels, EXPANSION * channels, true, 0);
    x = lofi_pointwise(b, lofi_gelu(b->graph, x, false), "pwconv2", EXPANSION * channels, channels, true, 0);
    return lofi_mul(b->graph, x, gamma);
}

/* Several kernels: parallel blocks, all added to their one input. */
static lofi_tensor *blocks(lofi_builder *b, const lofi_vocoder_config *config, int stage, lofi_tensor *x) {
    lofi_tensor *sum = x;
    if (config->block_kernels == 1)
        return lofi_add(b->graph, x, block(b, x, config->dims[stage], config->block_kernel[0]));
    for (int k = 0; k < config->block_kernels; k++) {
        lofi_graph_scope_push(b->graph, "blocks.%d", k);
        sum = lofi_add(b->graph, sum, block(b, x, config->dims[stage], config->block_kernel[k]));
        lofi_graph_scope_pop(b->graph);
    }
    return sum;
}

lofi_tensor *lofi_vocoder_backbone(lofi_builder *b, const lofi_vocoder_config *config, lofi_tensor *mel) {
    lofi_tensor *x = mel;
    lofi_graph_scope_push(b->graph, "backbone");
    for (int stage = 0; stage < config->stages; stage++) {
        x = stage_entry(b, config, stage, x);
        for (int i = 0; i < config->depths[stage]; i++) {
            lofi_graph_scope_push(b->graph, "stages.%d.%d", stage, i);
            x = blocks(b, config, stage, x);
            lofi_graph_scope_pop(b->graph);
        }
    }
    x = lofi_normalise(b, x, "norm", config->dims[config->stages - 1], NORM_EPSILON);
    lofi_graph_scope_pop(b->graph);
    return lofi_permute(b->graph, x, (int[]){0, 2, 1});
}

/* ---- head: [B, channels, samples] ---- */

/* A convolution that keeps the length, its kernel stored as directions and lengths. */
static lofi_tensor *normed(lofi_builder *b, lofi_tensor *x, const char *name, int64_t in, int64_t out, int64_t kernel,
                           int64_t dilation) {
    lofi_graph_scope_push(b->graph, "%s", name);
    lofi_tensor *bias = lofi_weight_f32(b, "bias", LOFI_FILL_ZERO, 1, &out);
    lofi_tensor *weight = lofi_weight_normed(b, "weight", 0, 3, (int64_t[]){out, in, kernel}, 4,
                                             (int64_t[]){out, in, 1, kernel});
    lofi_conv1d_attributes attributes = {1, (int32_t)((kernel - 1) * dilation / 2), (int32_t)dilation, 1};
    x = lofi_conv1d(b, x, weight, bias, attributes);
    lofi_graph_scope_pop(b->graph);
    return x;
}

static lofi_tensor *step_up(lofi_builder *b, const lofi_vocoder_config *config, int step, lofi_tensor *x) {
    int64_t in = config->initial_channels >> step, out = in / 2, kernel = config->kernels[step];
    int64_t dims[] = {in, out, kernel};
    lofi_conv_transpose1d_attributes attributes = {(int32_t)config->rates[step],
                                                   (int32_t)(kernel - config->rates[step]) / 2};
    lofi_graph_scope_push(b->graph, "ups.%d", step);
    lofi_tensor *bias = lofi_weight_f32(b, "bias", LOFI_FILL_ZERO, 1, &out);
    lofi_tensor *weight = lofi_weight_normed(b, "weight", 0, 3, dims, 3, dims);
    x = lofi_graph_failed(b->graph) ? NULL : lofi_conv_transpose1d(b->graph, x, weight, bias, attributes);
    lofi_graph_scope_pop(b->graph);
    return x;
}

static lofi_tensor *residual_block(lofi_builder *b, const lofi_vocoder_config *config, int step, int which,
                                   lofi_tensor *x) {
    int64_t channels = config->initial_channels >> (step + 1), kernel = config->residual_kernels[which];
    lofi_graph_scope_push(b->graph, "resblocks.%d", step * config->residuals + which);
    for (int i = 0; i < RESIDUAL_PAIR; i++) {
        char first[32], second[32];
        snprintf(first, sizeof first, "convs1.%d", i);
        snprintf(second, sizeof second, "convs2.%d", i);
        lofi_tensor *y = normed(b, lofi_silu(b->graph, x), first, channels, channels, kernel,
                                config->residual_dilations[which][i]);
        y = normed(b, lofi_silu(b->graph, y), second, channels, channels, kernel, 1);
        x = lofi_add(b->graph, y, x);
    }
    lofi_graph_scope_pop(b->graph);
    return x;
}

static lofi_tensor *residual_mean(lofi_builder *b, const lofi_vocoder_config *config, int step, lofi_tensor *x) {
    lofi_tensor *sum = residual_block(b, config, step, 0, x);
    for (int i = 1; i < config->residuals; i++) sum = lofi_add(b->graph, sum, residual_block(b, config, step, i, x));
    return lofi_affine(b->graph, sum, 1.0f / (float)config->residuals, 0);
}

lofi_tensor *lofi_vocoder_head(lofi_builder *b, const lofi_vocoder_config *config, lofi_tensor *features) {
    lofi_graph_scope_push(b->graph, "head");
    lofi_tensor *x = normed(b, features, "conv_pre", config->num_mels, config->initial_channels, config->pre_kernel, 1);
    for (int step = 0; step < config->steps; step++)
        x = residual_mean(b, config, step, step_up(b, config, step, lofi_silu(b->graph, x)));
    x = normed(b, lofi_silu(b->graph, x), "conv_post", config->initial_channels >> config->steps, 1,
               config->post_kernel, 1);
    lofi_graph_scope_pop(b->graph);
    return lofi_tanh(b->graph, x);
}

/* ---- how far a sample sees ---- */

/* Samples at the rate of a step that its residual blocks see to one side. */
static int64_t residual_reach(const lofi_vocoder_config *config) {
    int64_t longest = 0;
    for (int i = 0; i < config->residuals; i++) {
        int64_t half = (config->residual_kernels[i] - 1) / 2, reach = 0;
        for (int j = 0; j < RESIDUAL_PAIR; j++) reach += half * (config->residual_dilations[i][j] + 1);
        if (reach > longest) longest = reach;
    }
    return longest;
}

int64_t lofi_vocoder_reach(const lofi_vocoder_config *config) {
    int64_t reach = (config->post_kernel - 1) / 2, block_reach = 0;
    for (int step = config->steps - 1; step >= 0; step--)
        reach = (reach + residual_reach(config) + config->kernels[step] - 1) / config->rates[step] + 1;
    for (int i = 0; i < config->block_kernels; i++)
        if (config->block_kernel[i] / 2 > block_reach) block_reach = config->block_kernel[i] / 2;
    reach += (config->pre_kernel - 1) / 2 + STEM_KERNEL / 2;
    for (int stage = 0; stage < config->stages; stage++) reach += block_reach * config->depths[stage];
    return reach;
}

/* ---- the table of weights ---- */

/* The original keeps window and filters of its log-mel in the file, and reads them back; here they are computed. */
static const char *const window_name = "mel_transform.spectrogram.window";
static const char *const filters_name = "mel_transform.mel_scale.fb";

static void mel_tables(lofi_builder *b, const lofi_mel_settings *mel) {
    lofi_weight_unused(b, window_name, LOFI_FILL_ZERO, 1, (int64_t[]){mel->window});
    lofi_weight_unused(b, filters_name, LOFI_FILL_ZERO, 2, (int64_t[]){mel->n_fft / 2 + 1, mel->n_mels});
}

static lofi_code computed(const json_t *config, const lofi_weight_entry *entry, float **values, lofi_error *err) {
    lofi_mel_settings settings;
    lofi_mel *mel = NULL;
    bool window = strcmp(entry->name, window_name) == 0;
    if (!window && strcmp(entry->name, filters_name) != 0) return LOFI_OK;
    LOFI_TRY(lofi_vocoder_mel_read(&settings, config, err));
    LOFI_TRY(lofi_mel_new(&mel, &settings, err));
    lofi_code code = lofi_alloc((void **)values, (size_t)lofi_weight_entry_count(entry), sizeof **values, entry->name,
                                err);
    if (code == LOFI_OK && window) lofi_mel_copy_window(mel, *values);
    if (code == LOFI_OK && !window) lofi_mel_copy_filters(mel, *values);
    lofi_mel_free(mel);
    return code;
}

/* Measured on the presets: a wave that is neither flat (at 1) nor clipped (at 1.5). */
static lofi_initial initial(const char *name) {
    const char *end = strrchr(name, '.');
    return end && strcmp(end, ".weight_g") == 0 ? (lofi_initial){1.3f, 0} : (lofi_initial){1, 0};
}

/* ---- the model ---- */

static lofi_code declare(const json_t *json, lofi_weight_table *table, lofi_error *err) {
    lofi_vocoder_config config;
    lofi_graph *graph = NULL;
    LOFI_TRY(lofi_vocoder_config_read(&config, json, err));
    LOFI_TRY(lofi_graph_new(&graph, err));
    lofi_builder builder = {.graph = graph, .table = table};
    lofi_dim dims[] = {1, config.input_channels, lofi_dim_symbol(graph, "frames")};
    lofi_tensor *mel = lofi_graph_input(graph, "mel", lofi_shape_of(LOFI_F32, 3, dims));
    lofi_vocoder_head(&builder, &config, lofi_vocoder_backbone(&builder, &config, mel));
    mel_tables(&builder, &config.mel);
    lofi_code code = lofi_graph_check(graph, err);
    lofi_graph_free(graph);
    return code;
}

typedef struct preset_sizes {
    const char *name;
    int depths[4], dims[4], channels, residuals;
} preset_sizes;

static const preset_sizes presets[] = {
    {"tiny", {1, 1, 1, 1}, {16, 24, 32, 48}, 128, 2},
    {"small", {2, 2, 3, 2}, {64, 96, 128, 192}, 512, 3},
    {"full", {3, 3, 9, 3}, {128, 256, 384, 512}, 1024, 4},
};

static json_t *residual_dilations(int count) {
    json_t *rows = json_array();
    for (int i = 0; i < count; i++) json_array_append_new(rows, json_pack("[iii]", 1, 3, 5));
    return rows;
}

static json_t *residual_kernels(int count) {
    static const int kernels[] = {3, 7, 11, 13};
    json_t *list = json_array();
    for (int i = 0; i < count; i++) json_array_append_new(list, json_integer(kernels[i]));
    return list;
}

static json_t *pack_preset(const preset_sizes *p) {
    return json_pack(
        "{s:s, s:s, s:[iiii], s:[iiii], s:f, s:i, s:i, s:i, s:i, s:[i], s:i, s:i, s:i, s:i, s:i, s:o, s:o, "
        "s:i, s:i, s:[iiiiiii], s:[iiiiiii], s:b, s:i}",
        "_class_name", "ADaMoSHiFiGANV1", "_diffusers_version", "0.32.2", "depths", p->depths[0], p->depths[1],
        p->depths[2], p->depths[3], "dims", p->dims[0], p->dims[1], p->dims[2], p->dims[3], "drop_path_rate", 0.0,
        "f_max", 16000, "f_min", 40, "hop_length", 512, "input_channels", 128, "kernel_sizes", STEM_KERNEL, "n_fft",
        2048, "n_mels", 128, "num_mels", p->dims[3], "post_conv_kernel_size", 13, "pre_conv_kernel_size", 13,
        "resblock_dilation_sizes", residual_dilations(p->residuals), "resblock_kernel_sizes",
        residual_kernels(p->residuals), "sampling_rate", 44100, "upsample_initial_channel", p->channels,
        "upsample_kernel_sizes", 8, 8, 4, 4, 4, 4, 4, "upsample_rates", 4, 4, 2, 2, 2, 2, 2, "use_template", 0,
        "win_length", 2048);
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

const lofi_model lofi_model_music_vocoder = {
    .name = "music_vocoder",
    .class_name = "ADaMoSHiFiGANV1",
    .weights = "diffusion_pytorch_model",
    .declare = declare,
    .preset = preset,
    .canonical_name = NULL,
    .initial = initial,
    .computed = computed,
};
