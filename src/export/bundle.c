/* bundle.c - writing a bundle, file by file; see bundle.h. */
#include "export/bundle.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "export/bundle_parts.h"

#define MANIFEST        "export.json"
#define TOKENIZER       "tokenizer.json"
#define MAX_TOKENIZER   ((size_t)256 << 20)
#define MAX_FINGERPRINT 512

typedef struct writing {
    const lofi_bundle_settings *settings;
    lofi_checkpoint_folder folder;
    json_t *manifest;                                 /* {"format": 1, "files": {NAME: {made_of, bytes, sha256}}} */
    char hash[LOFI_COMPONENT_COUNT][LOFI_SHA256_HEX]; /* "" until asked for */
    lofi_bundle_facts facts;
    lofi_bundle_result *result;
} writing;

/* ---- what is there ---- */

static lofi_code file_path(char path[LOFI_PATH_MAX], const writing *e, const char *name, lofi_error *err) {
    return lofi_path_format(path, err, "%s/%s", e->settings->output, name);
}

/* A manifest that cannot be read is no reason to stop: then everything is made again. */
static lofi_code load_manifest(writing *e, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    lofi_error ignored;
    LOFI_TRY(file_path(path, e, MANIFEST, err));
    bool good = lofi_path_is_file(path) && lofi_json_load(&e->manifest, path, &ignored) == LOFI_OK &&
                json_is_object(json_object_get(e->manifest, "files"));
    if (good) return LOFI_OK;
    json_decref(e->manifest);
    e->manifest = json_pack("{s:i, s:{}}", "format", 1, "files");
    return e->manifest ? LOFI_OK : lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for '%s'", path);
}

/* Whether a file is there that was made of the same, and still is as it was written. */
static bool is_current(const writing *e, const char *name, const char *made_of) {
    const json_t *entry = json_object_get(json_object_get(e->manifest, "files"), name);
    const char *source = json_string_value(json_object_get(entry, "made_of"));
    const char *hash = json_string_value(json_object_get(entry, "sha256"));
    char path[LOFI_PATH_MAX], hex[LOFI_SHA256_HEX];
    uint64_t bytes = 0;
    lofi_error ignored;
    if (!source || !hash || strcmp(source, made_of) != 0 || file_path(path, e, name, &ignored) != LOFI_OK) return false;
    if (lofi_file_size(&bytes, path, &ignored) != LOFI_OK) return false;
    if ((int64_t)bytes != json_integer_value(json_object_get(entry, "bytes"))) return false;
    return lofi_sha256_file(hex, path, &ignored) == LOFI_OK && strcmp(hex, hash) == 0;
}

static lofi_code note_file(writing *e, const char *name, const char *made_of, bool kept, lofi_error *err) {
    char path[LOFI_PATH_MAX], hex[LOFI_SHA256_HEX];
    uint64_t bytes = 0;
    LOFI_TRY(file_path(path, e, name, err));
    LOFI_TRY(lofi_file_size(&bytes, path, err));
    e->result->files[e->result->file_count++] = (lofi_bundle_file){name, bytes, kept};
    lofi_info(e->settings->log, "%s  %.1f MB%s", name, (double)bytes / 1e6, kept ? ", kept" : "");
    if (kept) return LOFI_OK;
    LOFI_TRY(lofi_sha256_file(hex, path, err));
    json_t *entry = json_pack("{s:s, s:I, s:s}", "made_of", made_of, "bytes", (json_int_t)bytes, "sha256", hex);
    if (!entry || json_object_set_new(json_object_get(e->manifest, "files"), name, entry) != 0)
        return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for the list of files");
    LOFI_TRY(file_path(path, e, MANIFEST, err));
    return lofi_json_save(e->manifest, path, err);
}

/* ---- one part ---- */

/* SHA-256 over config and weights of a component; each is read once a run. */
static lofi_code component_hash(writing *e, lofi_component component, const lofi_loaded *loaded, lofi_error *err) {
    char config[LOFI_SHA256_HEX], weights[LOFI_SHA256_HEX], path[LOFI_PATH_MAX];
    lofi_sha256 *both = NULL;
    if (*e->hash[component]) return LOFI_OK;
    LOFI_TRY(lofi_path_format(path, err, "%s/config.json", e->folder.component[component]));
    LOFI_TRY(lofi_sha256_file(config, path, err));
    LOFI_TRY(lofi_weights_hash(weights, lofi_loaded_weights(loaded), err));
    LOFI_TRY(lofi_sha256_new(&both, err));
    lofi_sha256_add_text(both, config);
    lofi_sha256_add_text(both, weights);
    lofi_sha256_end(both, e->hash[component]);
    return LOFI_OK;
}

static lofi_onnx_settings settings_of(const writing *e, const lofi_bundle_part *part) {
    lofi_onnx_settings settings = e->settings->onnx;
    if (part->exact) settings.precision = LOFI_ONNX_FP32;
    return settings;
}

static const char *precision_name(const lofi_onnx_settings *settings) {
    return settings->precision == LOFI_ONNX_FP16 ? "fp16" : "fp32";
}

static lofi_code write_model(writing *e, const lofi_bundle_part *part, lofi_loaded *loaded, lofi_error *err) {
    const lofi_onnx_settings settings = settings_of(e, part);
    char path[LOFI_PATH_MAX], name[64];
    lofi_graph *graph = NULL;
    lofi_onnx *onnx = NULL;
    LOFI_TRY(file_path(path, e, part->file, err));
    LOFI_TRY(lofi_graph_new(&graph, err));
    lofi_builder builder = {.graph = graph, .source = lofi_loaded_source(loaded)};
    lofi_code code = part->build(&builder, lofi_loaded_config(loaded), &e->facts, err);
    if (code == LOFI_OK) code = lofi_onnx_new(&onnx, graph, &settings, err);
    for (int i = 0; code == LOFI_OK && part->integer_inputs[i]; i++)
        lofi_onnx_take_integers(onnx, part->integer_inputs[i]);
    if (code == LOFI_OK) code = lofi_onnx_lower(onnx, err);
    const lofi_onnx_property properties[] = {{"lofi.program", "lofi " LOFI_VERSION},
                                             {"lofi.precision", precision_name(&settings)},
                                             {"lofi.network", lofi_component_folder(part->component)},
                                             {"lofi.network_sha256", e->hash[part->component]}};
    snprintf(name, sizeof name, "%.*s", (int)(strlen(part->file) - strlen(".onnx")), part->file);
    if (code == LOFI_OK)
        code = lofi_onnx_write(onnx, path, part->weights_file, name, properties,
                               sizeof properties / sizeof properties[0], err);
    lofi_onnx_free(onnx);
    lofi_graph_free(graph);
    return code == LOFI_OK ? code : lofi_error_prefix(err, "%s", part->file);
}

static lofi_code write_part(writing *e, const lofi_bundle_part *part, lofi_loaded *loaded, lofi_error *err) {
    const lofi_onnx_settings settings = settings_of(e, part);
    char made_of[MAX_FINGERPRINT];
    if (lofi_interrupt_asked()) return lofi_fail(err, LOFI_ERR_INTERRUPTED, "stopped before '%s'", part->file);
    LOFI_TRY(component_hash(e, part->component, loaded, err));
    snprintf(made_of, sizeof made_of, "%s %s opset %d lofi %s", e->hash[part->component], precision_name(&settings),
             settings.opset, LOFI_VERSION);
    bool kept = is_current(e, part->file, made_of) &&
                (!part->weights_file || is_current(e, part->weights_file, made_of));
    if (!kept) LOFI_TRY(write_model(e, part, loaded, err));
    if (part->weights_file) LOFI_TRY(note_file(e, part->weights_file, made_of, kept, err));
    return note_file(e, part->file, made_of, kept, err);
}

static lofi_code copy_tokenizer(writing *e, lofi_error *err) {
    char from[LOFI_PATH_MAX], to[LOFI_PATH_MAX], hex[LOFI_SHA256_HEX];
    lofi_buffer text = LOFI_BUFFER_INIT;
    LOFI_TRY(lofi_path_format(from, err, "%s/" TOKENIZER, e->folder.component[LOFI_COMPONENT_TEXT_ENCODER]));
    LOFI_TRY(file_path(to, e, TOKENIZER, err));
    LOFI_TRY(lofi_sha256_file(hex, from, err));
    bool kept = is_current(e, TOKENIZER, hex);
    lofi_code code = LOFI_OK;
    if (!kept) code = lofi_file_read(&text, from, MAX_TOKENIZER, err);
    if (!kept && code == LOFI_OK) code = lofi_file_write(to, text.data, text.size, err);
    lofi_buffer_free(&text);
    return code == LOFI_OK ? note_file(e, TOKENIZER, hex, kept, err) : code;
}

/* ---- the bundle ---- */

static lofi_code write_all(writing *e, bool *model_failed, lofi_error *err) {
    LOFI_TRY(lofi_folder_make(e->settings->output, err));
    lofi_folder_clean(e->settings->output);
    LOFI_TRY(load_manifest(e, err));
    LOFI_TRY(copy_tokenizer(e, err));
    for (int i = 0; i < LOFI_BUNDLE_PARTS; i++) {
        const lofi_bundle_part *part = &lofi_bundle_parts[i];
        lofi_loaded *loaded = NULL;
        lofi_code code = lofi_loaded_open(&loaded, part->model, e->folder.component[part->component], err);
        *model_failed = code != LOFI_OK;
        if (code == LOFI_OK) code = write_part(e, part, loaded, err);
        lofi_loaded_close(loaded);
        if (code != LOFI_OK) return code;
    }
    return LOFI_OK;
}

lofi_code lofi_bundle_write(lofi_bundle_result *result, bool *model_failed, const lofi_bundle_settings *settings,
                            lofi_error *err) {
    writing e = {.settings = settings, .result = result};
    memset(result, 0, sizeof *result);
    lofi_code code = lofi_checkpoint_folder_resolve(&e.folder, settings->model, err);
    if (code == LOFI_OK) code = lofi_bundle_facts_read(&e.facts, &e.folder, err);
    *model_failed = code != LOFI_OK;
    if (code == LOFI_OK) code = write_all(&e, model_failed, err);
    json_decref(e.manifest);
    return code;
}
