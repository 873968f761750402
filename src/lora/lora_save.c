/* lora_save.c - writing both forms of an adapter. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "lora/lora_file.h"
#include "store/safetensors.h"

/* One of the two tensor files being put together. */
typedef struct tensor_list {
    lofi_stored_tensor *tensors;
    size_t count;
    lofi_arena *arena;
} tensor_list;

static lofi_code list_new(tensor_list *list, size_t capacity, lofi_error *err) {
    *list = (tensor_list){0};
    LOFI_TRY(lofi_arena_new(&list->arena, err));
    list->tensors = lofi_arena_alloc(list->arena, (capacity + 1) * sizeof *list->tensors);
    if (list->tensors) return LOFI_OK;
    lofi_arena_free(list->arena);
    return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the adapter's file");
}

static lofi_code list_add(tensor_list *list, const char *prefix, const char *layer, const char *suffix, int rank,
                          const int64_t *dims, const float *data, lofi_error *err) {
    const char *name = lofi_arena_printf(list->arena, "%s%s%s", prefix, layer, suffix);
    if (!name) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the adapter's file");
    lofi_stored_tensor tensor = lofi_stored_declare(name, LOFI_STORED_F32, rank, dims);
    tensor.data = data;
    tensor.aligned = true;
    list->tensors[list->count++] = tensor;
    return LOFI_OK;
}

static lofi_code add_factors(tensor_list *list, const lofi_adapter *adapter, const lofi_lora_layer *layer,
                             const char *prefix, const float *b, lofi_error *err) {
    int64_t a_dims[] = {layer->rank, layer->in}, b_dims[] = {layer->out, layer->rank};
    LOFI_TRY(list_add(list, prefix, layer->name, ".lora_A.weight", 2, a_dims, adapter->values + layer->a_offset, err));
    return list_add(list, prefix, layer->name, ".lora_B.weight", 2, b_dims, b, err);
}

static json_t *copy_metadata(const json_t *metadata) {
    json_t *copy = metadata ? json_copy((json_t *)metadata) : json_object();
    if (copy) json_object_set_new(copy, "format", json_string("pt"));
    return copy;
}

static void describe(json_t *metadata, const lofi_adapter *adapter, const char *scale) {
    char number[64];
    snprintf(number, sizeof number, "%lld", (long long)adapter->config.rank);
    json_object_set_new(metadata, "rank", json_string(number));
    snprintf(number, sizeof number, "%.17g", adapter->config.alpha);
    json_object_set_new(metadata, "alpha", json_string(number));
    json_object_set_new(metadata, "rslora", json_string(adapter->config.rslora ? "true" : "false"));
    json_object_set_new(metadata, "scale", json_string(scale));
}

/* B multiplied by the scale, and the scalar that says "alpha equals rank". */
static lofi_code add_scaled_layer(tensor_list *list, const lofi_adapter *adapter, const lofi_lora_layer *layer,
                                  lofi_error *err) {
    size_t count = (size_t)(layer->out * layer->rank);
    float *scaled = lofi_arena_alloc(list->arena, (count + 1) * sizeof *scaled);
    if (!scaled) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the adapter's file");
    for (size_t i = 0; i < count; i++) scaled[i] = layer->scale * adapter->values[layer->b_offset + i];
    scaled[count] = (float)layer->rank;
    LOFI_TRY(add_factors(list, adapter, layer, "", scaled, err));
    return list_add(list, "", layer->name, ".alpha", 0, NULL, &scaled[count], err);
}

static lofi_code save_list(tensor_list *list, const lofi_adapter *adapter, const char *folder, const char *file,
                           const json_t *metadata, const char *scale, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_format(path, err, "%s/%s", folder, file));
    json_t *header = copy_metadata(metadata);
    if (!header) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the adapter's file");
    describe(header, adapter, scale);
    lofi_code code = lofi_safetensors_save(path, list->tensors, list->count, header, err);
    json_decref(header);
    return code;
}

static lofi_code save_diffusers(const lofi_adapter *adapter, const char *folder, const json_t *metadata,
                                lofi_error *err) {
    tensor_list list;
    LOFI_TRY(list_new(&list, 3 * adapter->layer_count, err));
    lofi_code code = LOFI_OK;
    for (size_t i = 0; i < adapter->layer_count && code == LOFI_OK; i++)
        code = add_scaled_layer(&list, adapter, &adapter->layers[i], err);
    if (code == LOFI_OK)
        code = save_list(&list, adapter, folder, LOFI_LORA_DIFFUSERS_FILE, metadata, "merged into lora_B", err);
    lofi_arena_free(list.arena);
    return code;
}

static lofi_code save_peft_tensors(const lofi_adapter *adapter, const char *folder, const json_t *metadata,
                                   lofi_error *err) {
    tensor_list list;
    LOFI_TRY(list_new(&list, 2 * adapter->layer_count, err));
    lofi_code code = LOFI_OK;
    for (size_t i = 0; i < adapter->layer_count && code == LOFI_OK; i++)
        code = add_factors(&list, adapter, &adapter->layers[i], "base_model.model.",
                           adapter->values + adapter->layers[i].b_offset, err);
    if (code == LOFI_OK)
        code = save_list(&list, adapter, folder, LOFI_LORA_PEFT_FILE, metadata, "in adapter_config.json", err);
    lofi_arena_free(list.arena);
    return code;
}

static lofi_code save_peft_config(const lofi_adapter *adapter, const char *folder, lofi_error *err) {
    const lofi_lora_config *config = &adapter->config;
    char path[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_format(path, err, "%s/%s", folder, LOFI_LORA_PEFT_CONFIG));
    json_t *targets = json_array();
    for (size_t i = 0; i < config->target_count; i++) json_array_append_new(targets, json_string(config->targets[i]));
    json_t *root = json_pack("{s:s, s:n, s:s, s:b, s:b, s:b, s:f, s:f, s:I, s:n, s:o, s:b, s:b}", "peft_type", "LORA",
                             "base_model_name_or_path", "bias", "none", "fan_in_fan_out", 0, "inference_mode", 1,
                             "init_lora_weights", 1, "lora_alpha", config->alpha, "lora_dropout", 0.0, "r",
                             (json_int_t)config->rank, "task_type", "target_modules", targets, "use_dora", 0,
                             "use_rslora", config->rslora ? 1 : 0);
    if (!root) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the adapter's config");
    lofi_code code = lofi_json_save(root, path, err);
    json_decref(root);
    return code;
}

lofi_code lofi_adapter_save(const lofi_adapter *adapter, const char *folder, const json_t *metadata, lofi_error *err) {
    LOFI_TRY(save_diffusers(adapter, folder, metadata, err));
    LOFI_TRY(save_peft_tensors(adapter, folder, metadata, err));
    return save_peft_config(adapter, folder, err);
}
