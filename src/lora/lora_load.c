/* lora_load.c - reading adapters of this and of other programs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "lora/lora_file.h"
#include "store/safetensors.h"

#define MAX_FAULTS_NAMED 8

/* Where the scale of a file is said. */
typedef enum scale_source { SCALE_UNKNOWN, SCALE_CONFIG, SCALE_MERGED } scale_source;

typedef struct loader {
    const char *path;
    lofi_safetensors *file;
    const lofi_weight_table *table;
    scale_source source;
    lofi_lora_config config; /* alpha and rslora as the source says; the rank is that of each layer */
    lofi_adapter *adapter;
    lofi_buffer faults;
    size_t fault_count, unscaled;
} loader;

static void fault(loader *l, const char *what, const char *name, const char *more) {
    if (l->fault_count++ >= MAX_FAULTS_NAMED) return;
    lofi_buffer_text(&l->faults, l->fault_count > 1 ? "; " : "");
    lofi_buffer_printf(&l->faults, "%s '%s'%s", what, name, more);
}

/* ---- names ---- */

static const char *const prefixes[] = {"base_model.model.", "transformer.", "diffusion_model.", NULL};
static const char *const a_suffixes[] = {".lora_A.weight", ".lora_A.default.weight", ".lora_down.weight",
                                         ".lora.down.weight", NULL};
static const char *const b_suffixes[] = {".lora_B.weight", ".lora_B.default.weight", ".lora_up.weight",
                                         ".lora.up.weight", NULL};
static const char *const alpha_suffixes[] = {".alpha", NULL};

/* The layer in `name` when it ends in one of the suffixes; its prefix is cut. */
static bool layer_name(char layer[512], const char *name, const char *const *suffixes) {
    for (int p = 0; prefixes[p]; p++)
        if (strncmp(name, prefixes[p], strlen(prefixes[p])) == 0) name += strlen(prefixes[p]);
    size_t length = strlen(name);
    for (int s = 0; suffixes[s]; s++) {
        size_t suffix = strlen(suffixes[s]);
        if (length <= suffix || length - suffix >= 512 || strcmp(name + length - suffix, suffixes[s]) != 0) continue;
        snprintf(layer, 512, "%.*s", (int)(length - suffix), name);
        return true;
    }
    return false;
}

static const lofi_stored_tensor *find_part(const lofi_safetensors *file, const char *layer,
                                           const char *const *suffixes) {
    char name[512];
    for (size_t i = 0; i < lofi_safetensors_count(file); i++) {
        const lofi_stored_tensor *tensor = lofi_safetensors_at(file, i);
        if (layer_name(name, tensor->name, suffixes) && strcmp(name, layer) == 0) return tensor;
    }
    return NULL;
}

/* ---- the scale ---- */

static bool read_number(const char *text, double *value) {
    char *end;
    if (!text || !*text) return false;
    *value = strtod(text, &end);
    return !*end && isfinite(*value);
}

/* Metadata of this program, or the JSON that newer diffusers put there. */
static void scale_from_metadata(loader *l) {
    const char *scale = lofi_safetensors_metadata(l->file, "scale");
    if (scale && strcmp(scale, "merged into lora_B") == 0) {
        l->source = SCALE_MERGED;
        double alpha = 0;
        const char *rslora = lofi_safetensors_metadata(l->file, "rslora");
        if (read_number(lofi_safetensors_metadata(l->file, "alpha"), &alpha)) l->config.alpha = alpha;
        l->config.rslora = rslora && strcmp(rslora, "true") == 0;
        return;
    }
    const char *text = lofi_safetensors_metadata(l->file, "lora_adapter_metadata");
    json_t *root = NULL;
    lofi_error ignored;
    if (!text || lofi_json_parse(&root, text, strlen(text), "lora_adapter_metadata", &ignored) != LOFI_OK) return;
    const char *key;
    json_t *value;
    bool has_rank = false, has_alpha = false;
    json_object_foreach(root, key, value) {
        const char *last = strrchr(key, '.');
        last = last ? last + 1 : key;
        if (strcmp(last, "r") == 0 && json_is_integer(value)) has_rank = true;
        if (strcmp(last, "lora_alpha") == 0 && json_is_number(value))
            l->config.alpha = json_number_value(value), has_alpha = true;
        if (strcmp(last, "use_rslora") == 0) l->config.rslora = json_is_true(value);
    }
    if (has_rank && has_alpha) l->source = SCALE_CONFIG;
    json_decref(root);
}

static float layer_scale(loader *l, const char *layer, int64_t rank) {
    if (l->source == SCALE_MERGED) return 1.0f;
    if (l->source == SCALE_CONFIG) {
        lofi_lora_config config = l->config;
        config.rank = rank;
        return (float)lofi_lora_scale(&config);
    }
    const lofi_stored_tensor *alpha = find_part(l->file, layer, alpha_suffixes);
    if (alpha && alpha->count == 1) {
        float value;
        lofi_stored_read_f32(alpha, 0, &value, 1);
        return value / (float)rank;
    }
    l->unscaled++;
    return 1.0f;
}

/* ---- layers ---- */

static const lofi_weight_entry *table_entry(const loader *l, const char *layer) {
    char name[600];
    snprintf(name, sizeof name, "%s.weight", layer);
    return lofi_weight_table_find(l->table, name);
}

static void add_layer(loader *l, const char *layer, const lofi_stored_tensor *a, const lofi_stored_tensor *b) {
    const lofi_weight_entry *entry = table_entry(l, layer);
    if (!entry) {
        fault(l, "the model has no layer", layer, "");
        return;
    }
    bool fits = entry->rank == 2 && a->rank == 2 && b->rank == 2 && a->dims[0] == b->dims[1] && a->dims[0] > 0 &&
                a->dims[1] == entry->dims[1] && b->dims[0] == entry->dims[0];
    if (!fits) {
        char a_text[128], b_text[128], more[400];
        lofi_stored_shape_text(a_text, a);
        lofi_stored_shape_text(b_text, b);
        snprintf(more, sizeof more, " has A %s and B %s, its weight needs A [rank, %lld] and B [%lld, rank]", a_text,
                 b_text, (long long)entry->dims[1], (long long)entry->dims[0]);
        fault(l, "layer", layer, more);
        return;
    }
    lofi_adapter *adapter = l->adapter;
    const char *name = lofi_arena_strdup(adapter->arena, layer);
    if (!name || lofi_adapter_find(adapter, layer)) {
        fault(l, name ? "there are two of layer" : "out of memory at layer", layer, "");
        return;
    }
    lofi_lora_layer *added = &adapter->layers[adapter->layer_count++];
    *added = (lofi_lora_layer){.name = name,
                               .in = a->dims[1],
                               .out = b->dims[0],
                               .rank = a->dims[0],
                               .scale = layer_scale(l, layer, a->dims[0]),
                               .a_offset = adapter->value_count};
    added->b_offset = adapter->value_count + a->count;
    adapter->value_count = added->b_offset + b->count;
}

static void collect_layers(loader *l) {
    char layer[512];
    for (size_t i = 0; i < lofi_safetensors_count(l->file); i++) {
        const lofi_stored_tensor *tensor = lofi_safetensors_at(l->file, i);
        if (layer_name(layer, tensor->name, alpha_suffixes)) continue;
        if (layer_name(layer, tensor->name, a_suffixes)) {
            const lofi_stored_tensor *b = find_part(l->file, layer, b_suffixes);
            if (b)
                add_layer(l, layer, tensor, b);
            else
                fault(l, "the second factor (B) is missing for layer", layer, "");
        } else if (!layer_name(layer, tensor->name, b_suffixes)) {
            fault(l, "not a part of a LoRA adapter:", tensor->name, "");
        } else if (!find_part(l->file, layer, a_suffixes)) {
            fault(l, "the first factor (A) is missing for layer", layer, "");
        }
    }
}

void lofi_adapter_read(const lofi_adapter *adapter, const lofi_lora_layer *layer, float *a, float *b) {
    const lofi_stored_tensor *first = find_part(adapter->file, layer->name, a_suffixes);
    const lofi_stored_tensor *second = find_part(adapter->file, layer->name, b_suffixes);
    lofi_stored_read_f32(first, 0, a, first->count);
    lofi_stored_read_f32(second, 0, b, second->count);
    lofi_memory_forget(first->data, first->bytes);
    lofi_memory_forget(second->data, second->bytes);
}

static lofi_code report_faults(loader *l, lofi_error *err) {
    if (!l->fault_count && l->adapter->layer_count) return LOFI_OK;
    if (!l->fault_count) return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' holds no LoRA layer", l->path);
    lofi_fail(err, LOFI_ERR_FORMAT, "adapter '%s' does not fit the model: %zu fault%s: %s%s", l->path, l->fault_count,
              l->fault_count == 1 ? "" : "s", lofi_buffer_str(&l->faults),
              l->fault_count > MAX_FAULTS_NAMED ? "; ..." : "");
    return lofi_hint(err, "use the adapter with the base model that it was trained on");
}

/* What the adapter as a whole is called after: the first layer. */
static void name_config(loader *l) {
    lofi_adapter *adapter = l->adapter;
    adapter->config = l->config;
    adapter->config.rank = adapter->layers[0].rank;
    if (l->source == SCALE_UNKNOWN) {
        adapter->config.rslora = false;
        adapter->config.alpha = (double)adapter->layers[0].scale * (double)adapter->layers[0].rank;
    }
    adapter->config.target_count = 0;
}

static lofi_code load_layers(loader *l, lofi_log *log, lofi_error *err) {
    l->adapter = calloc(1, sizeof *l->adapter);
    if (!l->adapter) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for an adapter");
    LOFI_TRY(lofi_arena_new(&l->adapter->arena, err));
    size_t capacity = lofi_safetensors_count(l->file) + 1;
    l->adapter->layers = lofi_arena_alloc(l->adapter->arena, capacity * sizeof *l->adapter->layers);
    if (!l->adapter->layers) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for an adapter");
    if (l->source == SCALE_UNKNOWN) scale_from_metadata(l);
    collect_layers(l);
    LOFI_TRY(report_faults(l, err));
    name_config(l);
    if (l->unscaled)
        lofi_warn(log,
                  "'%s' does not say its scale: it is taken as 1; had it been trained with alpha 32 at rank %lld, "
                  "rank-stabilised, it would "
                  "need strength %.4g",
                  l->path, (long long)l->adapter->config.rank, 32.0 / sqrt((double)l->adapter->config.rank));
    return LOFI_OK;
}

/* The tensor file of `path`; for the PEFT form the config is read as well. */
static lofi_code locate(loader *l, char file[LOFI_PATH_MAX], lofi_error *err) {
    if (!lofi_path_is_folder(l->path)) {
        LOFI_TRY(lofi_path_format(file, err, "%s", l->path));
        if (strcmp(lofi_path_base(l->path), LOFI_LORA_PEFT_FILE) != 0) return LOFI_OK;
        char parent[LOFI_PATH_MAX], config[LOFI_PATH_MAX];
        LOFI_TRY(lofi_path_parent(parent, l->path, err));
        LOFI_TRY(lofi_path_format(config, err, "%s/%s", parent, LOFI_LORA_PEFT_CONFIG));
        if (!lofi_path_is_file(config)) return LOFI_OK;
        l->source = SCALE_CONFIG;
        return lofi_lora_config_load_finished(&l->config, config, err);
    }
    char config[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_format(config, err, "%s/%s", l->path, LOFI_LORA_PEFT_CONFIG));
    LOFI_TRY(lofi_path_format(file, err, "%s/%s", l->path, LOFI_LORA_PEFT_FILE));
    if (lofi_path_is_file(config) && lofi_path_is_file(file)) {
        l->source = SCALE_CONFIG;
        return lofi_lora_config_load_finished(&l->config, config, err);
    }
    LOFI_TRY(lofi_path_format(file, err, "%s/%s", l->path, LOFI_LORA_DIFFUSERS_FILE));
    if (lofi_path_is_file(file)) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_NOT_FOUND, "no adapter in folder '%s': neither %s with %s nor %s is there", l->path,
                     LOFI_LORA_PEFT_FILE, LOFI_LORA_PEFT_CONFIG, LOFI_LORA_DIFFUSERS_FILE);
}

static lofi_code load(loader *l, lofi_log *log, lofi_error *err) {
    char file[LOFI_PATH_MAX];
    LOFI_TRY(locate(l, file, err));
    LOFI_TRY(lofi_safetensors_open(&l->file, file, err));
    return load_layers(l, log, err);
}

lofi_code lofi_adapter_open(lofi_adapter **out, const char *path, const lofi_weight_table *table, lofi_log *log,
                            lofi_error *err) {
    loader l = {.path = path, .table = table, .faults = LOFI_BUFFER_INIT};
    lofi_code code = load(&l, log, err);
    if (code == LOFI_OK) {
        l.adapter->file = l.file;
        *out = l.adapter;
    } else {
        lofi_adapter_free(l.adapter);
        lofi_safetensors_close(l.file);
    }
    lofi_buffer_free(&l.faults);
    return code;
}

lofi_code lofi_adapter_load(lofi_adapter **out, const char *path, const lofi_weight_table *table, lofi_log *log,
                            lofi_error *err) {
    lofi_adapter *adapter = NULL;
    LOFI_TRY(lofi_adapter_open(&adapter, path, table, log, err));
    lofi_code code = lofi_alloc((void **)&adapter->values, adapter->value_count, sizeof(float), "an adapter", err);
    if (code != LOFI_OK) {
        lofi_adapter_free(adapter);
        return code;
    }
    for (size_t i = 0; i < adapter->layer_count; i++) {
        const lofi_lora_layer *layer = &adapter->layers[i];
        lofi_adapter_read(adapter, layer, adapter->values + layer->a_offset, adapter->values + layer->b_offset);
    }
    lofi_safetensors_close(adapter->file);
    adapter->file = NULL;
    *out = adapter;
    return LOFI_OK;
}

lofi_code lofi_adapter_load_all(lofi_adapter **out, const lofi_adapter_choice *choices, size_t count,
                                const lofi_weight_table *table, lofi_log *log, lofi_error *err) {
    lofi_adapter **loaded = calloc(count + 1, sizeof *loaded);
    float *strengths = calloc(count + 1, sizeof *strengths);
    lofi_code code = loaded && strengths ? LOFI_OK : lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for adapters");
    for (size_t i = 0; i < count && code == LOFI_OK; i++) {
        strengths[i] = choices[i].strength;
        code = lofi_adapter_load(&loaded[i], choices[i].path, table, log, err);
    }
    if (code == LOFI_OK) code = lofi_adapter_combine(out, loaded, strengths, count, err);
    for (size_t i = 0; loaded && i < count; i++) lofi_adapter_free(loaded[i]);
    free(loaded);
    free(strengths);
    return code;
}
