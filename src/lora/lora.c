/* lora.c - which layers an adapter has, where its numbers lie, and how it is attached to a graph. */
#include "lora/lora.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/random.h"
#include "store/safetensors.h"

static const char *const original_targets[] = {
    "speaker_embedder", "linear_q", "linear_k", "linear_v", "to_q", "to_k", "to_v", "to_out.0"};

lofi_lora_config lofi_lora_config_default(void) {
    lofi_lora_config config = {.rank = 256, .alpha = 32, .rslora = true};
    config.target_count = sizeof original_targets / sizeof *original_targets;
    for (size_t i = 0; i < config.target_count; i++)
        snprintf(config.targets[i], sizeof config.targets[i], "%s", original_targets[i]);
    return config;
}

double lofi_lora_scale(const lofi_lora_config *config) {
    return config->alpha / (config->rslora ? sqrt((double)config->rank) : (double)config->rank);
}

/* ---- the config file ---- */

static lofi_code load_targets(lofi_lora_config *config, const json_t *root, const char *path, lofi_error *err) {
    const json_t *targets;
    LOFI_TRY(lofi_json_array(&targets, root, "target_modules", path, err));
    config->target_count = json_array_size(targets);
    if (config->target_count == 0 || config->target_count > LOFI_LORA_MAX_TARGETS)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s': target_modules has %zu names, expected 1 to %d", path,
                         config->target_count, LOFI_LORA_MAX_TARGETS);
    for (size_t i = 0; i < config->target_count; i++) {
        const char *name = json_string_value(json_array_get(targets, i));
        if (!name || !*name || strlen(name) >= sizeof config->targets[i])
            return lofi_fail(err, LOFI_ERR_FORMAT, "'%s': target_modules[%zu] is not a layer name", path, i);
        snprintf(config->targets[i], sizeof config->targets[i], "%s", name);
    }
    return LOFI_OK;
}

/* Whether a value says that its option is not used. */
static bool is_off(const json_t *value) {
    return !value || json_is_null(value) || json_is_false(value) ||
           (json_is_object(value) && !json_object_size(value)) || (json_is_array(value) && !json_array_size(value));
}

static lofi_code refuse(const char *path, const char *option, lofi_error *err) {
    return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "'%s': '%s' is not supported", path, option);
}

static lofi_code refuse_lists(const json_t *root, const char *const *keys, size_t count, const char *path,
                              lofi_error *err) {
    for (size_t i = 0; i < count; i++)
        if (!is_off(json_object_get(root, keys[i]))) return refuse(path, keys[i], err);
    return LOFI_OK;
}

/* Options of PEFT that change what a finished adapter computes and that this program does not have. */
static lofi_code refuse_other_effects(const json_t *root, const char *path, lofi_error *err) {
    static const char *const patterns[] = {"rank_pattern", "alpha_pattern"};
    bool dora, lora_bias;
    LOFI_TRY(refuse_lists(root, patterns, sizeof patterns / sizeof *patterns, path, err));
    LOFI_TRY(lofi_json_bool_or(&dora, root, "use_dora", false, path, err));
    LOFI_TRY(lofi_json_bool_or(&lora_bias, root, "lora_bias", false, path, err));
    return dora ? refuse(path, "use_dora", err) : lora_bias ? refuse(path, "lora_bias", err) : LOFI_OK;
}

/* Those that change how one is trained. */
static lofi_code refuse_other_training(const json_t *root, const char *path, lofi_error *err) {
    static const char *const choices[] = {"layers_to_transform", "layer_replication", "modules_to_save",
                                          "exclude_modules"};
    double dropout;
    const char *bias;
    LOFI_TRY(refuse_lists(root, choices, sizeof choices / sizeof *choices, path, err));
    LOFI_TRY(lofi_json_number_or(&dropout, root, "lora_dropout", 0, path, err));
    LOFI_TRY(lofi_json_string_or(&bias, root, "bias", "none", path, err));
    return dropout != 0           ? refuse(path, "lora_dropout", err)
           : strcmp(bias, "none") ? refuse(path, "bias", err)
                                  : LOFI_OK;
}

/* Keys read above, and those that say nothing about the arithmetic of a finished adapter. */
static bool is_known(const char *key) {
    static const char *const keys[] = {"r",
                                       "lora_alpha",
                                       "use_rslora",
                                       "target_modules",
                                       "lora_dropout",
                                       "bias",
                                       "peft_type",
                                       "task_type",
                                       "inference_mode",
                                       "base_model_name_or_path",
                                       "revision",
                                       "auto_mapping",
                                       "init_lora_weights",
                                       "peft_version",
                                       "megatron_core",
                                       "qalora_group_size",
                                       "loftq_config",
                                       "eva_config",
                                       "corda_config",
                                       "lora_bias",
                                       "use_dora",
                                       "layers_pattern",
                                       "fan_in_fan_out"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(keys[i], key) == 0) return true;
    return false;
}

static lofi_code refuse_unknown_options(json_t *root, const char *path, lofi_error *err) {
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value) {
        if (is_known(key) || is_off(value)) continue;
        lofi_fail(err, LOFI_ERR_UNSUPPORTED, "'%s': '%s' is not an option that this program knows", path, key);
        return lofi_hint(err, "correct its name, or take it out");
    }
    return LOFI_OK;
}

static lofi_code read_scale(lofi_lora_config *config, const json_t *root, const char *path, lofi_error *err) {
    *config = (lofi_lora_config){0};
    LOFI_TRY(lofi_json_int(&config->rank, root, "r", 1, LOFI_LORA_MAX_RANK, path, err));
    LOFI_TRY(lofi_json_number(&config->alpha, root, "lora_alpha", path, err));
    LOFI_TRY(lofi_json_bool_or(&config->rslora, root, "use_rslora", false, path, err));
    if (!(config->alpha > 0)) return lofi_fail(err, LOFI_ERR_FORMAT, "'%s': lora_alpha must be above 0", path);
    return refuse_other_effects(root, path, err);
}

static lofi_code read_config(lofi_lora_config *config, json_t *root, const char *path, lofi_error *err) {
    LOFI_TRY(read_scale(config, root, path, err));
    LOFI_TRY(load_targets(config, root, path, err));
    LOFI_TRY(refuse_other_training(root, path, err));
    return refuse_unknown_options(root, path, err);
}

static lofi_code load_config(lofi_lora_config *config, const char *path, bool finished, lofi_error *err) {
    json_t *root;
    lofi_lora_config loaded = {0};
    LOFI_TRY(lofi_json_load(&root, path, err));
    lofi_code code = !json_is_object(root) ? lofi_fail(err, LOFI_ERR_FORMAT, "'%s': expected a JSON object", path)
                     : finished            ? read_scale(&loaded, root, path, err)
                                           : read_config(&loaded, root, path, err);
    json_decref(root);
    if (code == LOFI_OK) *config = loaded;
    return code;
}

lofi_code lofi_lora_config_load(lofi_lora_config *config, const char *path, lofi_error *err) {
    return load_config(config, path, false, err);
}

lofi_code lofi_lora_config_load_finished(lofi_lora_config *config, const char *path, lofi_error *err) {
    return load_config(config, path, true, err);
}

/* ---- layers ---- */

static bool target_matches(const char *target, const char *layer) {
    size_t target_length = strlen(target), layer_length = strlen(layer);
    if (target_length > layer_length || strcmp(layer + layer_length - target_length, target) != 0) return false;
    return target_length == layer_length || layer[layer_length - target_length - 1] == '.';
}

bool lofi_lora_matches(const lofi_lora_config *config, const char *layer) {
    for (size_t i = 0; i < config->target_count; i++)
        if (target_matches(config->targets[i], layer)) return true;
    return false;
}

/* The layer's name when a table entry is the matrix of a linear layer in use, else NULL. */
static const char *layer_of(const lofi_weight_entry *entry, char name[512]) {
    static const char suffix[] = ".weight";
    size_t length = strlen(entry->name);
    if (entry->rank != 2 || !entry->used || length <= sizeof suffix - 1 || length >= 512) return NULL;
    if (strcmp(entry->name + length - (sizeof suffix - 1), suffix) != 0) return NULL;
    snprintf(name, 512, "%.*s", (int)(length - (sizeof suffix - 1)), entry->name);
    return name;
}

static lofi_code add_layers(lofi_adapter *adapter, const lofi_weight_table *table, lofi_error *err) {
    bool seen[LOFI_LORA_MAX_TARGETS] = {false};
    const lofi_lora_config *config = &adapter->config;
    adapter->layers = lofi_arena_alloc(adapter->arena, (table->count + 1) * sizeof *adapter->layers);
    if (!adapter->layers) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for an adapter");
    for (size_t i = 0; i < table->count; i++) {
        char name[512];
        if (!layer_of(&table->entries[i], name) || !lofi_lora_matches(config, name)) continue;
        for (size_t t = 0; t < config->target_count; t++) seen[t] = seen[t] || target_matches(config->targets[t], name);
        int64_t out = table->entries[i].dims[0], in = table->entries[i].dims[1];
        lofi_lora_layer layer = {.name = lofi_arena_strdup(adapter->arena, name),
                                 .in = in,
                                 .out = out,
                                 .rank = config->rank,
                                 .scale = (float)lofi_lora_scale(config),
                                 .a_offset = adapter->value_count};
        if (!layer.name) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for an adapter");
        layer.b_offset = layer.a_offset + (size_t)(in * config->rank);
        adapter->value_count = layer.b_offset + (size_t)(out * config->rank);
        adapter->layers[adapter->layer_count++] = layer;
    }
    if (!adapter->layer_count)
        return lofi_fail(err, LOFI_ERR_NOT_FOUND, "no layer of the model matches the adapter's target modules");
    for (size_t t = 0; t < config->target_count; t++)
        if (!seen[t])
            return lofi_fail(err, LOFI_ERR_USAGE, "no layer of the model matches target module '%s'",
                             config->targets[t]);
    return LOFI_OK;
}

static lofi_code fill_adapter(lofi_adapter *adapter, const lofi_weight_table *table, lofi_error *err) {
    LOFI_TRY(lofi_arena_new(&adapter->arena, err));
    LOFI_TRY(add_layers(adapter, table, err));
    return lofi_alloc((void **)&adapter->values, adapter->value_count, sizeof(float), "an adapter", err);
}

lofi_code lofi_adapter_new(lofi_adapter **out, const lofi_lora_config *config, const lofi_weight_table *table,
                           lofi_error *err) {
    lofi_adapter *adapter = calloc(1, sizeof *adapter);
    if (!adapter) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for an adapter");
    adapter->config = *config;
    lofi_code code = fill_adapter(adapter, table, err);
    if (code == LOFI_OK)
        *out = adapter;
    else
        lofi_adapter_free(adapter);
    return code;
}

void lofi_adapter_free(lofi_adapter *adapter) {
    if (!adapter) return;
    lofi_safetensors_close(adapter->file);
    lofi_free(adapter->values);
    lofi_arena_free(adapter->arena);
    free(adapter);
}

void lofi_adapter_init(lofi_adapter *adapter, uint64_t seed) {
    memset(adapter->values, 0, adapter->value_count * sizeof *adapter->values);
    for (size_t i = 0; i < adapter->layer_count; i++) {
        const lofi_lora_layer *layer = &adapter->layers[i];
        lofi_random random = lofi_random_at(seed, LOFI_RANDOM_ADAPTER, i);
        float *a = adapter->values + layer->a_offset, bound = (float)(1.0 / sqrt((double)layer->in));
        size_t count = (size_t)(layer->rank * layer->in);
        lofi_random_fill_uniform(&random, 0, a, count);
        for (size_t j = 0; j < count; j++) a[j] = (2.0f * a[j] - 1.0f) * bound;
    }
}

const lofi_lora_layer *lofi_adapter_find(const lofi_adapter *adapter, const char *layer) {
    for (size_t i = 0; i < adapter->layer_count; i++)
        if (strcmp(adapter->layers[i].name, layer) == 0) return &adapter->layers[i];
    return NULL;
}

/* ---- attaching ---- */

static lofi_tensor *factor(const lofi_attachment *attachment, lofi_graph *graph, const char *layer, const char *which,
                           int64_t rows, int64_t columns, size_t offset) {
    char name[600];
    snprintf(name, sizeof name, "%s.lora_%s.weight", layer, which);
    lofi_tensor *present = lofi_graph_find(graph, name);
    if (present) return present;
    lofi_shape shape = lofi_shape_of(LOFI_F32, 2, (lofi_dim[]){rows, columns});
    return lofi_graph_parameter(graph, name, shape, attachment->adapter->values + offset, attachment->trainable);
}

static bool attach(void *user, lofi_graph *graph, const char *name, int64_t in, int64_t out, lofi_tensor **a,
                   lofi_tensor **b, float *scale) {
    const lofi_attachment *attachment = user;
    const lofi_lora_layer *layer = lofi_adapter_find(attachment->adapter, name);
    if (!layer || layer->in != in || layer->out != out) return false;
    *a = factor(attachment, graph, name, "A", layer->rank, in, layer->a_offset);
    *b = factor(attachment, graph, name, "B", out, layer->rank, layer->b_offset);
    *scale = layer->scale * attachment->strength;
    return true;
}

lofi_adapter_hook lofi_attachment_hook(lofi_attachment *attachment) {
    return (lofi_adapter_hook){.user = attachment, .attach = attach};
}

lofi_code lofi_attachment_tensors(const lofi_adapter *adapter, const lofi_graph *graph, lofi_tensor **tensors,
                                  lofi_error *err) {
    for (size_t i = 0; i < 2 * adapter->layer_count; i++) {
        char name[600];
        snprintf(name, sizeof name, "%s.lora_%s.weight", adapter->layers[i / 2].name, i % 2 ? "B" : "A");
        tensors[i] = lofi_graph_find(graph, name);
        if (!tensors[i])
            return lofi_fail(err, LOFI_ERR_NOT_FOUND, "the network has no adapted layer '%s'",
                             adapter->layers[i / 2].name);
    }
    return LOFI_OK;
}
