/* cmd_model_info.c - lofi model info: what is in a checkpoint folder. */
#include <stdlib.h>

#include "base/json.h"
#include "cli/command.h"
#include "lora/lora.h"
#include "models/registry.h"
#include "store/checkpoint_folder.h"
#include "store/weights.h"

typedef struct info_options {
    const char *folder;
} info_options;

static const lofi_option options[] = {
    {.name = "DIR",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(info_options, folder),
     .required = true,
     .positional = true,
     .help = "Folder of the model, or a hub cache"},
    {0},
};

/* ---- one component ---- */

typedef struct component_info {
    const char *name;
    const char *class_name; /* borrowed from config */
    json_t *config;
    size_t files, tensors;
    int64_t parameters, bytes;
    size_t types[LOFI_STORED_TYPE_COUNT]; /* tensors of each */
} component_info;

static lofi_code count_tensors(component_info *info, const char *folder, lofi_error *err) {
    lofi_weights *weights = NULL;
    LOFI_TRY(lofi_weights_open(&weights, folder, err));
    info->files = lofi_weights_file_count(weights);
    info->tensors = lofi_weights_count(weights);
    for (size_t i = 0; i < info->tensors; i++) {
        const lofi_stored_tensor *tensor = lofi_weights_at(weights, i);
        info->parameters += (int64_t)tensor->count;
        info->bytes += (int64_t)tensor->bytes;
        info->types[tensor->type]++;
    }
    lofi_weights_close(weights);
    return LOFI_OK;
}

static lofi_code look_at(component_info *info, const lofi_checkpoint_folder *folder, lofi_component component,
                         lofi_error *err) {
    char path[LOFI_PATH_MAX];
    info->name = lofi_component_folder(component);
    LOFI_TRY(lofi_path_format(path, err, "%s/config.json", folder->component[component]));
    LOFI_TRY(lofi_json_load(&info->config, path, err));
    info->class_name = json_string_value(json_object_get(info->config, "_class_name"));
    if (!info->class_name)
        info->class_name = json_string_value(json_array_get(json_object_get(info->config, "architectures"), 0));
    if (!info->class_name) info->class_name = "unknown";
    return count_tensors(info, folder->component[component], err);
}

/* The layers that an adapter with the default targets would adapt. */
static lofi_code count_adapted(const json_t *config, const lofi_lora_config *lora, size_t *layers, int64_t *parameters,
                               lofi_error *err) {
    lofi_weight_table table = {0};
    const lofi_model *model = lofi_model_find(lofi_component_folder(LOFI_COMPONENT_TRANSFORMER));
    lofi_code code = model->declare(config, &table, err);
    for (size_t i = 0; code == LOFI_OK && i < table.count; i++) {
        const lofi_weight_entry *entry = &table.entries[i];
        char layer[LOFI_WEIGHT_NAME_MAX];
        const char *end = strrchr(entry->name, '.');
        if (!entry->used || entry->rank != 2 || !end || strcmp(end, ".weight") != 0) continue;
        snprintf(layer, sizeof layer, "%.*s", (int)(end - entry->name), entry->name);
        if (!lofi_lora_matches(lora, layer)) continue;
        ++*layers;
        *parameters += lora->rank * (entry->dims[0] + entry->dims[1]);
    }
    lofi_weight_table_free(&table);
    return code;
}

/* ---- what is told ---- */

static json_t *types_json(const component_info *info) {
    json_t *types = json_object();
    for (int i = 0; i < LOFI_STORED_TYPE_COUNT; i++)
        if (info->types[i])
            json_object_set_new(types, lofi_stored_type_name(i), json_integer((json_int_t)info->types[i]));
    return types;
}

static json_t *component_json(const component_info *info) {
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:o, s:O}", "name", info->name, "class", info->class_name,
                     "parameters", (json_int_t)info->parameters, "tensors", (json_int_t)info->tensors, "files",
                     (json_int_t)info->files, "bytes", (json_int_t)info->bytes, "dtypes", types_json(info), "config",
                     info->config);
}

static bool is_number_list(const json_t *value) {
    size_t index;
    json_t *item;
    json_array_foreach((json_t *)(uintptr_t)value, index, item) if (!json_is_number(item)) return false;
    return json_is_array(value);
}

/* The numbers of a config, in lines of at most 100 characters. */
static void tell_config(const lofi_context *context, const json_t *config) {
    lofi_buffer line = LOFI_BUFFER_INIT;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)config, key, value) {
        if (!json_is_number(value) && !is_number_list(value)) continue;
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));
        if (!text) continue;
        if (line.size && line.size + strlen(key) + strlen(text) > 100) {
            lofi_print(context, "    %s", lofi_buffer_str(&line));
            lofi_buffer_clear(&line);
        }
        lofi_buffer_printf(&line, "%s%s %s", line.size ? ", " : "", key, text);
        free(text);
    }
    if (line.size) lofi_print(context, "    %s", lofi_buffer_str(&line));
    lofi_buffer_free(&line);
}

static void tell_component(const lofi_context *context, const component_info *info) {
    lofi_buffer types = LOFI_BUFFER_INIT;
    for (int i = 0; i < LOFI_STORED_TYPE_COUNT; i++)
        if (info->types[i]) lofi_buffer_printf(&types, "%s%s", types.size ? " " : "", lofi_stored_type_name(i));
    lofi_print(context, "%s (%s): %lld parameters in %zu tensors, %.1f MB in %zu file%s, %s", info->name,
               info->class_name, (long long)info->parameters, info->tensors, (double)info->bytes / 1e6, info->files,
               info->files == 1 ? "" : "s", lofi_buffer_str(&types));
    lofi_buffer_free(&types);
    tell_config(context, info->config);
}

/* ---- the command ---- */

typedef struct model_info {
    lofi_checkpoint_folder folder;
    component_info components[LOFI_COMPONENT_COUNT];
    int64_t parameters, bytes;
    lofi_lora_config lora;
    size_t adapted;
    int64_t adapter_parameters;
} model_info;

static lofi_code gather(model_info *info, const char *path, lofi_error *err) {
    info->lora = lofi_lora_config_default();
    LOFI_TRY(lofi_checkpoint_folder_resolve(&info->folder, path, err));
    for (int i = 0; i < LOFI_COMPONENT_COUNT; i++) {
        LOFI_TRY(look_at(&info->components[i], &info->folder, i, err));
        info->parameters += info->components[i].parameters;
        info->bytes += info->components[i].bytes;
    }
    return count_adapted(info->components[LOFI_COMPONENT_TRANSFORMER].config, &info->lora, &info->adapted,
                         &info->adapter_parameters, err);
}

static json_t *document(const model_info *info) {
    json_t *components = json_array();
    for (int i = 0; i < LOFI_COMPONENT_COUNT; i++)
        json_array_append_new(components, component_json(&info->components[i]));
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:o, s:{s:I, s:I, s:I}}", "path", info->folder.root, "layout",
                     info->folder.hub_cache ? "hub" : "plain", "revision", info->folder.revision, "parameters",
                     (json_int_t)info->parameters, "bytes", (json_int_t)info->bytes, "components", components, "lora",
                     "rank", (json_int_t)info->lora.rank, "layers", (json_int_t)info->adapted, "parameters",
                     (json_int_t)info->adapter_parameters);
}

static void tell(const lofi_context *context, const model_info *info) {
    if (info->folder.hub_cache)
        lofi_print(context, "%s (hub cache, revision %s)", info->folder.root, info->folder.revision);
    else
        lofi_print(context, "%s (plain folder)", info->folder.root);
    for (int i = 0; i < LOFI_COMPONENT_COUNT; i++) tell_component(context, &info->components[i]);
    lofi_print(context, "all: %lld parameters, %.1f MB", (long long)info->parameters, (double)info->bytes / 1e6);
    lofi_print(context, "adapter of rank %lld: %zu layers, %lld parameters", (long long)info->lora.rank, info->adapted,
               (long long)info->adapter_parameters);
}

static lofi_code run(lofi_context *context, const void *parsed, lofi_error *err) {
    const info_options *o = parsed;
    model_info info = {0};
    lofi_code code = gather(&info, o->folder, err);
    if (code == LOFI_OK) tell(context, &info);
    if (code == LOFI_OK && context->json) code = lofi_print_json(context, document(&info), err);
    for (int i = 0; i < LOFI_COMPONENT_COUNT; i++) json_decref(info.components[i].config);
    return code;
}

const lofi_command lofi_command_model_info = {
    .name = "model info",
    .summary = "describe a base model: parts, sizes, types, what an adapter would adapt",
    .details =
        "Shows where the parts of a base model were found (plain folder or hub cache), and for each its class, number "
        "of "
        "parameters, bytes, data types and the numbers of its config; then how many layers an adapter with the "
        "default targets has. Nothing is computed, and damaged weights are not looked for: 'lofi model check' does.\n\n"
        "Example: lofi model info ~/.cache/ace-step/checkpoints",
    .options = options,
    .settings_bytes = sizeof(info_options),
    .run = run,
};
