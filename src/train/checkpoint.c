/* checkpoint.c - saving, checking and loading the state of a run. */
#include "train/checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/memory.h"
#include "catalog/entity.h"
#include "lora/lora_file.h"
#include "store/safetensors.h"

#define STATE_FILE  "training_state.safetensors"
#define RECORD_FILE "training.json"
#define CHECK_FILE  "checkpoint.json"

static void step_name(char name[64], int64_t step) {
    snprintf(name, 64, "epoch=0-step=%lld_lora", (long long)step);
}

/* The step in "epoch=0-step=N_lora", or -1. */
static int64_t step_of(const char *name) {
    static const char prefix[] = "epoch=0-step=";
    if (strncmp(name, prefix, sizeof prefix - 1) != 0) return -1;
    char *end;
    errno = 0;
    long long step = strtoll(name + sizeof prefix - 1, &end, 10);
    return errno || end == name + sizeof prefix - 1 || strcmp(end, "_lora") != 0 || step < 0 ? -1 : step;
}

/* ---- saving ---- */

/* Identifies the order of the flat block. */
static lofi_code layout_hash(char hex[LOFI_SHA256_HEX], const lofi_adapter *adapter, lofi_error *err) {
    lofi_sha256 *sha;
    LOFI_TRY(lofi_sha256_new(&sha, err));
    for (size_t i = 0; i < adapter->layer_count; i++) {
        const lofi_lora_layer *layer = &adapter->layers[i];
        int64_t sizes[] = {layer->in, layer->out, layer->rank};
        lofi_sha256_add_text(sha, layer->name);
        lofi_sha256_add(sha, sizes, sizeof sizes);
    }
    lofi_sha256_end(sha, hex);
    return LOFI_OK;
}

static lofi_code save_state(const lofi_training_state *state, const char *folder, lofi_error *err) {
    char path[LOFI_PATH_MAX], layout[LOFI_SHA256_HEX];
    LOFI_TRY(lofi_path_format(path, err, "%s/%s", folder, STATE_FILE));
    LOFI_TRY(layout_hash(layout, state->adapter, err));
    int64_t dims[] = {(int64_t)state->adapter->value_count};
    lofi_stored_tensor tensors[] = {lofi_stored_declare("first", LOFI_STORED_F32, 1, dims),
                                    lofi_stored_declare("second", LOFI_STORED_F32, 1, dims)};
    tensors[0].data = state->first;
    tensors[1].data = state->second;
    json_t *metadata = json_pack("{s:s}", "layout", layout);
    if (!metadata) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a checkpoint");
    lofi_code code = lofi_safetensors_save(path, tensors, 2, metadata, err);
    json_decref(metadata);
    return code;
}

/* The strings of the record, for the adapter's header. */
static json_t *metadata_of(const json_t *record) {
    static const char *const keys[] = {"program", "dataset_hash", "base_model_hash", "config_hash",
                                       "unlicensed_tracks"};
    json_t *metadata = json_object();
    for (size_t i = 0; metadata && i < sizeof keys / sizeof *keys; i++) {
        json_t *value = json_object_get(record, keys[i]);
        if (json_is_string(value)) json_object_set(metadata, keys[i], value);
    }
    return metadata;
}

static lofi_code file_entry(json_t *files, const char *folder, const char *name, lofi_error *err) {
    char path[LOFI_PATH_MAX], hex[LOFI_SHA256_HEX];
    uint64_t size;
    LOFI_TRY(lofi_path_format(path, err, "%s/%s", folder, name));
    LOFI_TRY(lofi_file_size(&size, path, err));
    LOFI_TRY(lofi_sha256_file(hex, path, err));
    json_t *entry = json_pack("{s:s, s:I, s:s}", "name", name, "size", (json_int_t)size, "sha256", hex);
    if (!entry || json_array_append_new(files, entry) != 0)
        return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a checkpoint");
    return LOFI_OK;
}

/* The Checkpoint entity: what checkpoint.json holds and the manifest lists. *out is yours. */
static lofi_code make_entry(json_t **out, const char *folder, int64_t step, const json_t *record, lofi_error *err) {
    static const char *const names[] = {LOFI_LORA_DIFFUSERS_FILE, LOFI_LORA_PEFT_CONFIG, LOFI_LORA_PEFT_FILE,
                                        STATE_FILE, RECORD_FILE};
    char name[64], now[32];
    step_name(name, step);
    lofi_now_iso8601(now);
    json_t *files = json_array();
    lofi_code code = LOFI_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names && code == LOFI_OK; i++)
        code = file_entry(files, folder, names[i], err);
    if (code != LOFI_OK) {
        json_decref(files);
        return code;
    }
    const char *config_hash = json_string_value(json_object_get(record, "config_hash"));
    const char *dataset_hash = json_string_value(json_object_get(record, "dataset_hash"));
    *out = json_pack("{s:s, s:I, s:s, s:s, s:b, s:s, s:s, s:o, s:i}", "checkpoint_id", name, "step", (json_int_t)step,
                     "path", name, "timestamp", now, "is_valid", 1, "config_hash", config_hash ? config_hash : "",
                     "dataset_hash", dataset_hash ? dataset_hash : "", "files", files, "samples_generated", 0);
    return *out ? LOFI_OK : lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a checkpoint");
}

static lofi_code write_files(const char *folder, const lofi_training_state *state, const json_t *record, json_t **entry,
                             lofi_error *err) {
    char path[LOFI_PATH_MAX];
    json_t *metadata = metadata_of(record);
    lofi_code code = lofi_adapter_save(state->adapter, folder, metadata, err);
    json_decref(metadata);
    LOFI_TRY(code);
    LOFI_TRY(save_state(state, folder, err));
    LOFI_TRY(lofi_path_format(path, err, "%s/%s", folder, RECORD_FILE));
    LOFI_TRY(lofi_json_save(record, path, err));
    LOFI_TRY(make_entry(entry, folder, state->step, record, err));
    LOFI_TRY(lofi_entity_check_new(LOFI_ENTITY_CHECKPOINT, *entry, CHECK_FILE, err));
    LOFI_TRY(lofi_path_format(path, err, "%s/%s", folder, CHECK_FILE));
    return lofi_json_save(*entry, path, err);
}

/* ---- the manifest ---- */

static int by_step(const void *a, const void *b) {
    json_int_t x = json_integer_value(json_object_get(*(json_t *const *)a, "step"));
    json_int_t y = json_integer_value(json_object_get(*(json_t *const *)b, "step"));
    return (x > y) - (x < y);
}

/* Whether the manifest's entry of a checkpoint is kept in the list beside `entry`: whole, of another step, and its folder is
 * there. */
static bool stays(const json_t *other, const json_t *entry, const char *checkpoints) {
    char path[LOFI_PATH_MAX];
    const char *name = json_string_value(json_object_get(other, "path"));
    if (lofi_entity_check_new(LOFI_ENTITY_CHECKPOINT, other, "manifest.json", NULL) != LOFI_OK) return false;
    if (json_equal(json_object_get(other, "step"), json_object_get(entry, "step"))) return false;
    return lofi_path_format(path, NULL, "%s/%s", checkpoints, name) == LOFI_OK && lofi_path_is_folder(path);
}

/* What was added to the entry of the very same checkpoint (scores, a person's notes) goes over to the new entry. */
static void take_over(json_t *entry, json_t *other) {
    if (json_equal(json_object_get(other, "path"), json_object_get(entry, "path")) &&
        json_equal(json_object_get(other, "files"), json_object_get(entry, "files")))
        json_object_update_missing(entry, other);
}

/* The list with `entry` in it, once per step, by step. *out is yours. */
static lofi_code merged_list(json_t **out, const json_t *old, const json_t *entry, const char *checkpoints,
                             lofi_error *err) {
    size_t count = 0, old_count = json_array_size(old);
    json_t **entries = calloc(old_count + 1, sizeof *entries);
    json_t *list = json_array(), *own = json_copy((json_t *)entry);
    if (entries && list && own) {
        for (size_t i = 0; i < old_count; i++) {
            json_t *other = json_array_get(old, i);
            if (stays(other, entry, checkpoints)) entries[count++] = other;
            take_over(own, other);
        }
        entries[count++] = own;
        qsort(entries, count, sizeof *entries, by_step);
        for (size_t i = 0; i < count; i++) json_array_append(list, entries[i]);
    }
    bool complete = list && json_array_size(list) == count && count > 0;
    free(entries);
    json_decref(own);
    if (complete) {
        *out = list;
        return LOFI_OK;
    }
    json_decref(list);
    return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the manifest");
}

static lofi_code add_entries(json_t *root, const json_t *entries, const char *checkpoints, lofi_error *err) {
    size_t i;
    json_t *entry, *list;
    json_array_foreach(entries, i, entry) {
        LOFI_TRY(merged_list(&list, json_object_get(root, "checkpoints"), entry, checkpoints, err));
        if (json_object_set_new(root, "checkpoints", list) != 0)
            return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the manifest");
    }
    return LOFI_OK;
}

static lofi_code update_manifest_locked(const char *path, const char *checkpoints, const json_t *entries,
                                        lofi_error *err) {
    json_t *root = NULL;
    lofi_error why = LOFI_ERROR_INIT;
    lofi_code code = lofi_path_exists(path) ? lofi_json_load(&root, path, &why) : LOFI_OK;
    if (code != LOFI_OK && code != LOFI_ERR_FORMAT) {
        *err = why;
        return code;
    }
    /* A damaged manifest is rebuilt from the folders' own records as runs go on: it is an index, not the truth. */
    if (!json_is_object(root)) {
        json_decref(root);
        root = json_object();
    }
    code = add_entries(root, entries, checkpoints, err);
    if (code == LOFI_OK) code = lofi_json_save(root, path, err);
    json_decref(root);
    return code;
}

/* entries: of checkpoints below the folder. */
static lofi_code update_manifest(const char *checkpoints, const json_t *entries, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    lofi_lock *lock;
    LOFI_TRY(lofi_path_format(path, err, "%s/manifest.json", checkpoints));
    LOFI_TRY(lofi_lock_take(&lock, path, err));
    lofi_code code = update_manifest_locked(path, checkpoints, entries, err);
    lofi_lock_release(lock);
    return code;
}

lofi_code lofi_checkpoint_save(char folder[LOFI_PATH_MAX], const char *run, const lofi_training_state *state,
                               const json_t *record, lofi_error *err) {
    char name[64], checkpoints[LOFI_PATH_MAX];
    lofi_folder_writer *writer;
    json_t *entry = NULL;
    step_name(name, state->step);
    LOFI_TRY(lofi_path_format(checkpoints, err, "%s/checkpoints", run));
    LOFI_TRY(lofi_path_format(folder, err, "%s/%s", checkpoints, name));
    LOFI_TRY(lofi_folder_make(checkpoints, err));
    LOFI_TRY(lofi_folder_writer_open(&writer, folder, err));
    lofi_code code = write_files(lofi_folder_writer_path(writer), state, record, &entry, err);
    if (code == LOFI_OK)
        code = lofi_folder_writer_commit(writer, err);
    else
        lofi_folder_writer_abort(writer);
    if (code == LOFI_OK) {
        json_t *entries = json_pack("[O]", entry);
        code = update_manifest(checkpoints, entries, err);
        json_decref(entries);
        if (code != LOFI_OK) lofi_error_prefix(err, "checkpoint '%s' is saved, but cannot be listed", folder);
    } else {
        lofi_error_prefix(err, "cannot save checkpoint '%s'", folder);
    }
    json_decref(entry);
    return code;
}

/* ---- checking ---- */

static lofi_code verify_file(const char *folder, const json_t *file, lofi_error *err) {
    char path[LOFI_PATH_MAX], hex[LOFI_SHA256_HEX];
    const char *name, *expected;
    uint64_t size;
    int64_t expected_size;
    LOFI_TRY(lofi_json_string(&name, file, "name", CHECK_FILE, err));
    LOFI_TRY(lofi_json_string(&expected, file, "sha256", CHECK_FILE, err));
    LOFI_TRY(lofi_json_int(&expected_size, file, "size", 0, INT64_MAX, CHECK_FILE, err));
    LOFI_TRY(lofi_path_format(path, err, "%s/%s", folder, lofi_path_base(name)));
    LOFI_TRY(lofi_file_size(&size, path, err));
    if (size == (uint64_t)expected_size) LOFI_TRY(lofi_sha256_file(hex, path, err));
    if (size != (uint64_t)expected_size || strcmp(hex, expected) != 0)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is not as it was written (its size or SHA-256 differs)", path);
    return LOFI_OK;
}

static lofi_code verify_entry(const char *folder, const json_t *entry, lofi_error *err) {
    const json_t *files;
    int64_t step, named = step_of(lofi_path_base(folder));
    LOFI_TRY(lofi_json_int(&step, entry, "step", 0, INT64_MAX, CHECK_FILE, err));
    if (named >= 0 && step != named)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' holds the checkpoint of step %lld", folder, (long long)step);
    LOFI_TRY(lofi_json_array(&files, entry, "files", CHECK_FILE, err));
    if (!json_array_size(files)) return lofi_fail(err, LOFI_ERR_FORMAT, "'%s/%s' lists no files", folder, CHECK_FILE);
    for (size_t i = 0; i < json_array_size(files); i++) LOFI_TRY(verify_file(folder, json_array_get(files, i), err));
    return LOFI_OK;
}

static lofi_code load_entry(json_t **entry, const char *folder, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    lofi_document document = {0};
    LOFI_TRY(lofi_path_format(path, err, "%s/%s", folder, CHECK_FILE));
    lofi_code code = lofi_document_load(&document, path, err);
    if (code == LOFI_OK) code = lofi_entity_check(LOFI_ENTITY_CHECKPOINT, document.root, &document, "", err);
    if (code == LOFI_OK) *entry = json_incref(document.root);
    lofi_document_free(&document);
    return code;
}

lofi_code lofi_checkpoint_verify(const char *folder, lofi_error *err) {
    json_t *entry;
    LOFI_TRY(load_entry(&entry, folder, err));
    lofi_code code = verify_entry(folder, entry, err);
    json_decref(entry);
    return code;
}

/* ---- finding ---- */

typedef struct step_list {
    int64_t *steps; /* ascending */
    size_t count;
} step_list;

static int compare_steps(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static lofi_code list_steps(step_list *list, const char *run, lofi_error *err) {
    char checkpoints[LOFI_PATH_MAX];
    lofi_listing folders = {0};
    *list = (step_list){0};
    LOFI_TRY(lofi_path_format(checkpoints, err, "%s/checkpoints", run));
    if (!lofi_path_is_folder(checkpoints)) return LOFI_OK;
    LOFI_TRY(lofi_folder_list_folders(&folders, checkpoints, err));
    list->steps = calloc(folders.count + 1, sizeof *list->steps);
    for (size_t i = 0; i < folders.count && list->steps; i++)
        if (step_of(folders.names[i]) >= 0) list->steps[list->count++] = step_of(folders.names[i]);
    lofi_listing_free(&folders);
    if (!list->steps) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a list of checkpoints");
    qsort(list->steps, list->count, sizeof *list->steps, compare_steps);
    return LOFI_OK;
}

static lofi_code folder_of(char folder[LOFI_PATH_MAX], const char *run, int64_t step, lofi_error *err) {
    char name[64];
    step_name(name, step);
    return lofi_path_format(folder, err, "%s/checkpoints/%s", run, name);
}

/* Puts the checkpoints up to a step into the manifest; damaged ones that do not even say their step are left out. */
static lofi_code list_again(const char *run, const step_list *list, int64_t last, lofi_error *err) {
    char checkpoints[LOFI_PATH_MAX], folder[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_format(checkpoints, err, "%s/checkpoints", run));
    json_t *entries = json_array(), *entry;
    for (size_t i = 0; i < list->count && list->steps[i] <= last; i++) {
        lofi_error ignored = LOFI_ERROR_INIT;
        if (folder_of(folder, run, list->steps[i], &ignored) != LOFI_OK ||
            load_entry(&entry, folder, &ignored) != LOFI_OK)
            continue;
        const json_t *step = json_object_get(entry, "step");
        if (json_is_integer(step) && json_integer_value(step) == list->steps[i]) json_array_append(entries, entry);
        json_decref(entry);
    }
    lofi_code code = update_manifest(checkpoints, entries, err);
    json_decref(entries);
    return code;
}

lofi_code lofi_checkpoint_latest(char folder[LOFI_PATH_MAX], int64_t *step, const char *run, lofi_log *log,
                                 lofi_error *err) {
    step_list list;
    LOFI_TRY(list_steps(&list, run, err));
    lofi_code code = LOFI_OK;
    folder[0] = '\0';
    *step = -1;
    for (size_t i = list.count; i-- > 0 && code == LOFI_OK && *step < 0;) {
        lofi_error why = LOFI_ERROR_INIT;
        code = folder_of(folder, run, list.steps[i], err);
        if (code != LOFI_OK) break;
        code = lofi_checkpoint_verify(folder, &why);
        if (code == LOFI_OK) {
            *step = list.steps[i];
        } else if (code == LOFI_ERR_FORMAT || code == LOFI_ERR_NOT_FOUND) {
            lofi_warn(log, "checkpoint '%s' is passed over: %s", folder, why.message);
            code = LOFI_OK;
        } else {
            *err = why; /* what cannot be read just now is not damaged */
        }
    }
    if (*step < 0) folder[0] = '\0';
    free(list.steps);
    return code;
}

lofi_code lofi_checkpoint_at(char folder[LOFI_PATH_MAX], const char *run, int64_t step, lofi_error *err) {
    step_list list;
    LOFI_TRY(folder_of(folder, run, step, err));
    if (lofi_path_is_folder(folder)) return lofi_checkpoint_verify(folder, err);
    LOFI_TRY(list_steps(&list, run, err));
    lofi_buffer steps = LOFI_BUFFER_INIT;
    for (size_t i = 0; i < list.count; i++)
        lofi_buffer_printf(&steps, "%s%lld", i ? ", " : "", (long long)list.steps[i]);
    lofi_fail(err, LOFI_ERR_NOT_FOUND, "run '%s' has no checkpoint of step %lld", run, (long long)step);
    lofi_hint(err, list.count ? "there are: %s" : "there is none at all%s", lofi_buffer_str(&steps));
    lofi_buffer_free(&steps);
    free(list.steps);
    return LOFI_ERR_NOT_FOUND;
}

static lofi_code set_aside(const char *run, int64_t step, lofi_error *err) {
    char from[LOFI_PATH_MAX], to[LOFI_PATH_MAX], name[64];
    step_name(name, step);
    LOFI_TRY(folder_of(from, run, step, err));
    LOFI_TRY(lofi_path_format(to, err, "%s/superseded", run));
    LOFI_TRY(lofi_folder_make(to, err));
    LOFI_TRY(lofi_path_format(to, err, "%s/superseded/%s", run, name));
    for (int i = 2; lofi_path_exists(to); i++) LOFI_TRY(lofi_path_format(to, err, "%s/superseded/%s.%d", run, name, i));
    return lofi_path_rename(from, to, err);
}

lofi_code lofi_checkpoint_set_aside_after(const char *run, int64_t step, lofi_log *log, lofi_error *err) {
    step_list list;
    size_t moved = 0;
    LOFI_TRY(list_steps(&list, run, err));
    lofi_code code = LOFI_OK;
    for (size_t i = list.count; i-- > 0 && list.steps[i] > step && code == LOFI_OK;) {
        code = set_aside(run, list.steps[i], err);
        if (code == LOFI_OK) moved++;
    }
    if (moved)
        lofi_info(log, "%zu later checkpoint%s moved to '%s/superseded'", moved, moved == 1 ? " is" : "s are", run);
    if (code == LOFI_OK && list.count) code = list_again(run, &list, step, err);
    free(list.steps);
    return code;
}

bool lofi_checkpoint_any(const char *run) {
    step_list list;
    lofi_error ignored;
    if (list_steps(&list, run, &ignored) != LOFI_OK) return false;
    free(list.steps);
    return list.count > 0;
}

/* ---- loading ---- */

static lofi_code load_values(lofi_adapter *adapter, const char *folder, lofi_error *err) {
    char path[LOFI_PATH_MAX], name[600];
    lofi_safetensors *file;
    LOFI_TRY(lofi_path_format(path, err, "%s/%s", folder, LOFI_LORA_PEFT_FILE));
    LOFI_TRY(lofi_safetensors_open(&file, path, err));
    lofi_code code = LOFI_OK;
    for (size_t i = 0; i < 2 * adapter->layer_count && code == LOFI_OK; i++) {
        const lofi_lora_layer *layer = &adapter->layers[i / 2];
        bool is_b = i % 2;
        int64_t dims[] = {is_b ? layer->out : layer->rank, is_b ? layer->rank : layer->in};
        const lofi_stored_tensor *tensor;
        snprintf(name, sizeof name, "base_model.model.%s.lora_%s.weight", layer->name, is_b ? "B" : "A");
        code = lofi_safetensors_get(&tensor, file, name, err);
        if (code != LOFI_OK) break;
        if (!lofi_stored_has_shape(tensor, 2, dims)) {
            code = lofi_fail(err, LOFI_ERR_USAGE, "'%s': tensor '%s' has another shape than this run's adapter", path,
                             name);
            lofi_hint(err, "resume with the rank that the run was started with, or choose another --exp-name");
        } else {
            lofi_stored_read_f32(tensor, 0, adapter->values + (is_b ? layer->b_offset : layer->a_offset),
                                 tensor->count);
        }
    }
    lofi_safetensors_close(file);
    return code;
}

static lofi_code load_moment(float *values, size_t count, const lofi_safetensors *file, const char *name,
                             lofi_error *err) {
    const lofi_stored_tensor *tensor;
    LOFI_TRY(lofi_safetensors_get(&tensor, file, name, err));
    if (tensor->count != count)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s': tensor '%s' has %zu numbers, expected %zu",
                         lofi_safetensors_path(file), name, tensor->count, count);
    lofi_stored_read_f32(tensor, 0, values, count);
    return LOFI_OK;
}

static lofi_code load_moments(lofi_training_state *state, const char *folder, lofi_error *err) {
    char path[LOFI_PATH_MAX], layout[LOFI_SHA256_HEX];
    lofi_safetensors *file;
    LOFI_TRY(layout_hash(layout, state->adapter, err));
    LOFI_TRY(lofi_path_format(path, err, "%s/%s", folder, STATE_FILE));
    LOFI_TRY(lofi_safetensors_open(&file, path, err));
    const char *saved = lofi_safetensors_metadata(file, "layout");
    lofi_code code = LOFI_OK;
    if (!saved || strcmp(saved, layout) != 0)
        code = lofi_fail(err, LOFI_ERR_USAGE, "'%s' belongs to an adapter with other layers or another rank", path);
    if (code == LOFI_OK) code = load_moment(state->first, state->adapter->value_count, file, "first", err);
    if (code == LOFI_OK) code = load_moment(state->second, state->adapter->value_count, file, "second", err);
    lofi_safetensors_close(file);
    return code;
}

lofi_code lofi_checkpoint_load(lofi_training_state *state, json_t **record, const char *folder, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    const char *name = lofi_path_base(folder);
    if (step_of(name) < 0)
        return lofi_fail(err, LOFI_ERR_USAGE, "'%s' is not a checkpoint folder (epoch=0-step=N_lora)", folder);
    LOFI_TRY(load_values(state->adapter, folder, err));
    LOFI_TRY(load_moments(state, folder, err));
    state->step = step_of(name);
    if (!record) return LOFI_OK;
    LOFI_TRY(lofi_path_format(path, err, "%s/%s", folder, RECORD_FILE));
    return lofi_json_load(record, path, err);
}
