/* music_vocoder.c - see the header. Names of weights are those of the original's modules. */
#include "models/music_vocoder.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"

#define WHERE         "the vocoder config"
#define STEM_KERNEL   7
#define EXPANSION     4
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
    LOFI_TRY(lofi_json_bool_or(&out->use_template, config, "use_template", false, WHERE, err));
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

/* ---- the table of weights ---- */

static void affine(lofi_builder *b, lofi_fill fill, int rank, const int64_t *dims) {
    lofi_weight(b, "weight", fill, rank, dims);
    lofi_weight_f32(b, "bias", LOFI_FILL_ZERO, 1, dims);
}

static void norm(lofi_builder *b, int64_t channels) {
    affine(b, LOFI_FILL_ONE, 1, &channels);
}

static void block(lofi_builder *b, int64_t channels, int64_t kernel) {
    int64_t hidden = EXPANSION * channels;
    lofi_weight_f32(b, "gamma", LOFI_FILL_ONE, 1, &channels);
    lofi_graph_scope_push(b->graph, "dwconv");
    affine(b, LOFI_FILL_MATRIX, 3, (int64_t[]){channels, 1, kernel});
    lofi_graph_scope_pop(b->graph);
    lofi_graph_scope_push(b->graph, "norm");
    norm(b, channels);
    lofi_graph_scope_pop(b->graph);
    lofi_graph_scope_push(b->graph, "pwconv1");
    affine(b, LOFI_FILL_MATRIX, 2, (int64_t[]){hidden, channels});
    lofi_graph_scope_pop(b->graph);
    lofi_graph_scope_push(b->graph, "pwconv2");
    affine(b, LOFI_FILL_MATRIX, 2, (int64_t[]){channels, hidden});
    lofi_graph_scope_pop(b->graph);
}

/* Stage 0: convolution, then norm; the others: norm, then a convolution with kernels of one. */
static void stage_entry(lofi_builder *b, const lofi_vocoder_config *config, int stage) {
    int64_t in = stage ? config->dims[stage - 1] : config->input_channels, out = config->dims[stage];
    lofi_graph_scope_push(b->graph, "channel_layers.%d.%d", stage, stage ? 1 : 0);
    affine(b, LOFI_FILL_MATRIX, 3, (int64_t[]){out, in, stage ? 1 : STEM_KERNEL});
    lofi_graph_scope_pop(b->graph);
    lofi_graph_scope_push(b->graph, "channel_layers.%d.%d", stage, stage ? 0 : 1);
    norm(b, stage ? in : out);
    lofi_graph_scope_pop(b->graph);
}

static void backbone(lofi_builder *b, const lofi_vocoder_config *config) {
    lofi_graph_scope_push(b->graph, "backbone");
    for (int stage = 0; stage < config->stages; stage++) {
        stage_entry(b, config, stage);
        for (int i = 0; i < config->depths[stage]; i++)
            for (int k = 0; k < config->block_kernels; k++) {
                if (config->block_kernels == 1)
                    lofi_graph_scope_push(b->graph, "stages.%d.%d", stage, i);
                else
                    lofi_graph_scope_push(b->graph, "stages.%d.%d.blocks.%d", stage, i, k);
                block(b, config->dims[stage], config->block_kernel[k]);
                lofi_graph_scope_pop(b->graph);
            }
    }
    lofi_graph_scope_push(b->graph, "norm");
    norm(b, config->dims[config->stages - 1]);
    lofi_graph_scope_pop(b->graph);
    lofi_graph_scope_pop(b->graph);
}

/* A convolution whose kernel is stored as direction and length: weight = g v / |v|, one length for each index of the
 * first dimension. `first` and `second` are out and in, or in and out where the convolution is transposed. */
static void normed(lofi_builder *b, const char *name, int64_t first, int64_t second, int64_t kernel, int64_t out) {
    lofi_graph_scope_push(b->graph, "%s", name);
    lofi_weight_f32(b, "bias", LOFI_FILL_ZERO, 1, &out);
    lofi_weight_f32(b, "weight_g", LOFI_FILL_ONE, 3, (int64_t[]){first, 1, 1});
    lofi_weight(b, "weight_v", LOFI_FILL_MATRIX, 3, (int64_t[]){first, second, kernel});
    lofi_graph_scope_pop(b->graph);
}

static void residual_block(lofi_builder *b, int index, int64_t channels, int64_t kernel) {
    lofi_graph_scope_push(b->graph, "resblocks.%d", index);
    for (int i = 0; i < RESIDUAL_PAIR; i++) {
        char name[32];
        snprintf(name, sizeof name, "convs1.%d", i);
        normed(b, name, channels, channels, kernel, channels);
        snprintf(name, sizeof name, "convs2.%d", i);
        normed(b, name, channels, channels, kernel, channels);
    }
    lofi_graph_scope_pop(b->graph);
}

/* From the template signal to the rate after step `step`. */
static void template_convolution(lofi_builder *b, const lofi_vocoder_config *config, int step, int64_t channels) {
    int64_t stride = 1;
    for (int i = step + 1; i < config->steps; i++) stride *= config->rates[i];
    lofi_graph_scope_push(b->graph, "noise_convs.%d", step);
    affine(b, LOFI_FILL_MATRIX, 3, (int64_t[]){channels, 1, step + 1 < config->steps ? 2 * stride : 1});
    lofi_graph_scope_pop(b->graph);
}

static void head(lofi_builder *b, const lofi_vocoder_config *config) {
    int64_t channels = config->initial_channels;
    lofi_graph_scope_push(b->graph, "head");
    normed(b, "conv_pre", channels, config->num_mels, config->pre_kernel, channels);
    for (int i = 0; i < config->steps; i++) {
        int64_t in = channels;
        char name[32];
        channels = config->initial_channels >> (i + 1);
        snprintf(name, sizeof name, "ups.%d", i);
        normed(b, name, in, channels, config->kernels[i], channels);
        if (config->use_template) template_convolution(b, config, i, channels);
        for (int k = 0; k < config->residuals; k++)
            residual_block(b, i * config->residuals + k, channels, config->residual_kernels[k]);
    }
    normed(b, "conv_post", 1, channels, config->post_kernel, 1);
    lofi_graph_scope_pop(b->graph);
}

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
    backbone(&builder, &config);
    head(&builder, &config);
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
