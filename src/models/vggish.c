/* vggish.c - see the header. Names of weights are the original's. */
#include "models/vggish.h"

#include <stdio.h>
#include <string.h>

#include "audio/evaluation_mel.h"
#include "base/json.h"
#include "ops/ops.h"

#define WHERE      "the VGGish config"
#define KERNEL     3
#define POOL       2
#define MAX_MODULE 128 /* numbers of a module that are looked at */

/* ---- config from tensors ---- */

static const lofi_stored_tensor *weight_of(const lofi_weights *weights, const char *module, int number, int rank) {
    char name[64];
    snprintf(name, sizeof name, "%s.%d.weight", module, number);
    const lofi_stored_tensor *tensor = lofi_weights_find(weights, name);
    return tensor && tensor->rank == rank ? tensor : NULL;
}

/* [[number, outputs], ...] of the layers in a module. */
static json_t *describe_module(const lofi_weights *weights, const char *module, int rank) {
    json_t *layers = json_array();
    for (int number = 0; layers && number < MAX_MODULE; number++) {
        const lofi_stored_tensor *tensor = weight_of(weights, module, number, rank);
        if (tensor) json_array_append_new(layers, json_pack("[iI]", number, (json_int_t)tensor->dims[0]));
    }
    return layers;
}

lofi_code lofi_vggish_describe(json_t **out, const lofi_weights *weights, lofi_error *err) {
    json_t *features = describe_module(weights, "features", 4), *embeddings = describe_module(weights, "embeddings", 2);
    bool any = json_array_size(features) > 0 && json_array_size(embeddings) > 0;
    *out = json_pack("{s:o, s:o}", "features", features, "embeddings", embeddings);
    if (!*out) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a VGGish");
    if (any) return LOFI_OK;
    json_decref(*out);
    *out = NULL;
    return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' holds no VGGish: there are no 'features' and 'embeddings'",
                     lofi_weights_folder(weights));
}

static lofi_code read_module(int64_t *numbers, int64_t *outputs, int *count, const json_t *config, const char *key,
                             lofi_error *err) {
    const json_t *rows = json_object_get(config, key);
    size_t size = json_array_size(rows);
    if (size < 1 || size > LOFI_VGGISH_MAX_LAYERS)
        return lofi_fail(err, LOFI_ERR_FORMAT, WHERE ": '%s' must hold 1 to %d layers", key, LOFI_VGGISH_MAX_LAYERS);
    for (size_t i = 0; i < size; i++) {
        const json_t *row = json_array_get(rows, i);
        numbers[i] = json_integer_value(json_array_get(row, 0));
        outputs[i] = json_integer_value(json_array_get(row, 1));
        if (outputs[i] < 1 || outputs[i] > 1 << 20 || (i > 0 && numbers[i] < numbers[i - 1] + 2))
            return lofi_fail(err, LOFI_ERR_FORMAT, WHERE ": layer %d of '%s' makes no sense", (int)i, key);
    }
    *count = (int)size;
    return LOFI_OK;
}

/* Pools between two convolutions: each is followed by an activation, and by one more module where it pools. */
lofi_code lofi_vggish_config_read(lofi_vggish_config *out, const json_t *config, lofi_error *err) {
    lofi_vggish_config read = {0};
    int64_t numbers[LOFI_VGGISH_MAX_LAYERS];
    LOFI_TRY(read_module(read.module, read.channels, &read.convolutions, config, "features", err));
    LOFI_TRY(read_module(numbers, read.widths, &read.layers, config, "embeddings", err));
    for (int i = 0; i < read.convolutions; i++) {
        bool last = i == read.convolutions - 1;
        int64_t between = last ? 3 : read.module[i + 1] - read.module[i];
        if (between > 3)
            return lofi_fail(err, LOFI_ERR_UNSUPPORTED, WHERE ": unknown modules behind convolution %d", i);
        read.pooled[i] = between == 3;
    }
    for (int i = 0; i < read.layers; i++)
        if (numbers[i] != 2 * i)
            return lofi_fail(err, LOFI_ERR_UNSUPPORTED, WHERE ": unknown modules between the layers of 'embeddings'");
    *out = read;
    return LOFI_OK;
}

/* ---- the network ---- */

static lofi_tensor *convolution(lofi_builder *b, const lofi_vggish_config *config, int index, lofi_tensor *x) {
    int64_t in = index ? config->channels[index - 1] : 1, out = config->channels[index];
    lofi_conv2d_attributes attributes = {1, 1, KERNEL / 2, KERNEL / 2, 1, 1, 1};
    lofi_graph_scope_push(b->graph, "features.%d", (int)config->module[index]);
    lofi_tensor *weight = lofi_weight(b, "weight", LOFI_FILL_MATRIX, 4, (int64_t[]){out, in, KERNEL, KERNEL});
    lofi_tensor *bias = lofi_weight_f32(b, "bias", LOFI_FILL_ZERO, 1, &out);
    x = lofi_graph_failed(b->graph) ? NULL : lofi_relu(b->graph, lofi_conv2d(b->graph, x, weight, bias, attributes));
    lofi_graph_scope_pop(b->graph);
    return config->pooled[index] ? lofi_max_pool2d(b->graph, x, POOL) : x;
}

lofi_tensor *lofi_vggish_build(lofi_builder *b, const lofi_vggish_config *config, lofi_tensor *examples) {
    int64_t high = LOFI_VGGISH_FRAMES, wide = LOFI_VGGISH_BANDS, channels = config->channels[config->convolutions - 1];
    if (!examples) return NULL;
    lofi_dim count = examples->shape.dims[0], picture[] = {count, 1, high, wide};
    lofi_tensor *x = lofi_reshape(b->graph, examples, 4, picture);
    for (int i = 0; i < config->convolutions; i++) {
        x = convolution(b, config, i, x);
        if (config->pooled[i]) high /= POOL, wide /= POOL;
    }
    /* as the TensorFlow original had it: time, frequency, channels */
    lofi_dim flat[] = {count, high * wide * channels};
    x = lofi_reshape(b->graph, lofi_permute(b->graph, x, (int[]){0, 2, 3, 1}), 2, flat);
    for (int i = 0; i < config->layers; i++) {
        char name[32];
        int64_t in = i ? config->widths[i - 1] : high * wide * channels;
        snprintf(name, sizeof name, "embeddings.%d", 2 * i);
        x = lofi_pointwise(b, i ? lofi_relu(b->graph, x) : x, name, in, config->widths[i], true, 0);
    }
    return x;
}

/* ---- the model ---- */

static lofi_code declare(const json_t *json, lofi_weight_table *table, lofi_error *err) {
    lofi_vggish_config config;
    lofi_graph *graph = NULL;
    LOFI_TRY(lofi_vggish_config_read(&config, json, err));
    LOFI_TRY(lofi_graph_new(&graph, err));
    lofi_builder builder = {.graph = graph, .table = table};
    lofi_dim dims[] = {lofi_dim_symbol(graph, "examples"), LOFI_VGGISH_FRAMES, LOFI_VGGISH_BANDS};
    lofi_vggish_build(&builder, &config, lofi_graph_input(graph, "examples", lofi_shape_of(LOFI_F32, 3, dims)));
    lofi_code code = lofi_graph_check(graph, err);
    lofi_graph_free(graph);
    return code;
}

const lofi_model lofi_model_vggish = {
    .name = "vggish",
    .class_name = "VGG",
    .weights = "vggish-10086976",
    .declare = declare,
};

lofi_code lofi_vggish_open(lofi_loaded **out, const char *folder, lofi_error *err) {
    return lofi_loaded_open_described(out, &lofi_model_vggish, folder, lofi_vggish_describe, err);
}
