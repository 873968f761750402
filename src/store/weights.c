/* weights.c - one table of tensors over one or several mapped files. */
#include "store/weights.h"

#include <assert.h>
#include <dirent.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "store/torch_file.h"

static const char *const single_names[] = {"diffusion_pytorch_model.safetensors", "model.safetensors",
                                           "diffusion_pytorch_model.bin", "pytorch_model.bin"};
enum { NAME_COUNT = 4, MAX_LISTED = 20 };

/* One file, of one of two formats. */
typedef struct weight_file {
    lofi_safetensors *safetensors;
    lofi_torch_file *torch;
} weight_file;

struct lofi_weights {
    char folder[LOFI_PATH_MAX];
    weight_file *files; /* sorted by path */
    size_t file_count;
    const lofi_stored_tensor **tensors; /* sorted by name */
    size_t count;
};

/* ---- one file ---- */

static bool ends_with(const char *name, const char *end) {
    size_t length = strlen(name), size = strlen(end);
    return length >= size && strcmp(name + length - size, end) == 0;
}

static lofi_code file_open(weight_file *file, const char *path, lofi_error *err) {
    if (ends_with(path, ".safetensors")) return lofi_safetensors_open(&file->safetensors, path, err);
    return lofi_torch_file_open(&file->torch, path, err);
}

static void file_close(weight_file *file) {
    lofi_safetensors_close(file->safetensors);
    lofi_torch_file_close(file->torch);
}

static const char *file_path(const weight_file *file) {
    return file->torch ? lofi_torch_file_path(file->torch) : lofi_safetensors_path(file->safetensors);
}

static size_t file_tensors(const weight_file *file) {
    return file->torch ? lofi_torch_file_count(file->torch) : lofi_safetensors_count(file->safetensors);
}

static const lofi_stored_tensor *file_at(const weight_file *file, size_t index) {
    return file->torch ? lofi_torch_file_at(file->torch, index) : lofi_safetensors_at(file->safetensors, index);
}

static const lofi_stored_tensor *file_find(const weight_file *file, const char *name) {
    return file->torch ? lofi_torch_file_find(file->torch, name) : lofi_safetensors_find(file->safetensors, name);
}

/* ---- the table ---- */

const char *lofi_weights_folder(const lofi_weights *weights) {
    return weights->folder;
}

size_t lofi_weights_count(const lofi_weights *weights) {
    return weights->count;
}

const lofi_stored_tensor *lofi_weights_at(const lofi_weights *weights, size_t index) {
    assert(index < weights->count);
    return weights->tensors[index];
}

size_t lofi_weights_file_count(const lofi_weights *weights) {
    return weights->file_count;
}

const char *lofi_weights_file_path(const lofi_weights *weights, size_t index) {
    assert(index < weights->file_count);
    return file_path(&weights->files[index]);
}

static int compare_name(const void *name, const void *entry) {
    return strcmp(name, (*(const lofi_stored_tensor *const *)entry)->name);
}

static int compare_entries(const void *left, const void *right) {
    const lofi_stored_tensor *const *a = left, *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

const lofi_stored_tensor *lofi_weights_find(const lofi_weights *weights, const char *name) {
    if (weights->count == 0) return NULL;
    const lofi_stored_tensor **found = bsearch(name, weights->tensors, weights->count, sizeof *found, compare_name);
    return found ? *found : NULL;
}

lofi_code lofi_weights_get(const lofi_stored_tensor **out, const lofi_weights *weights, const char *name,
                           lofi_error *err) {
    const lofi_stored_tensor *found = lofi_weights_find(weights, name);
    if (!found)
        return lofi_fail(err, LOFI_ERR_NOT_FOUND, "the weights in '%s' lack the tensor '%s'", weights->folder, name);
    *out = found;
    return LOFI_OK;
}

/* ---- the index of shards ---- */

static int compare_texts(const void *left, const void *right) {
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* *names: the different file names of the map, sorted, borrowed from it; the array is the caller's. */
static lofi_code shard_names(const char ***names, size_t *count, const json_t *map, const char *index_path,
                             lofi_error *err) {
    const char **found;
    size_t used = 0, kept = 0;
    const char *tensor;
    json_t *file;
    LOFI_TRY(lofi_alloc((void **)&found, json_object_size(map), sizeof *found, "the list of shards", err));
    json_object_foreach((json_t *)map, tensor, file) {
        const char *name = json_string_value(file);
        if (!name || !*name || strchr(name, '/')) {
            lofi_free(found);
            return lofi_fail(err, LOFI_ERR_FORMAT, "'%s': the entry '%s' does not name a file beside the index",
                             index_path, tensor);
        }
        found[used++] = name;
    }
    if (used > 1) qsort(found, used, sizeof *found, compare_texts);
    for (size_t i = 0; i < used; i++)
        if (kept == 0 || strcmp(found[kept - 1], found[i]) != 0) found[kept++] = found[i];
    *names = found;
    *count = kept;
    return LOFI_OK;
}

static lofi_code open_files(lofi_weights *weights, const char *const *names, size_t count, lofi_error *err) {
    LOFI_TRY(lofi_alloc((void **)&weights->files, count, sizeof *weights->files, "the list of shards", err));
    lofi_buffer missing = LOFI_BUFFER_INIT;
    size_t missing_count = 0;
    for (size_t i = 0; i < count; i++) {
        char path[LOFI_PATH_MAX];
        lofi_code code = lofi_path_format(path, err, "%s/%s", weights->folder, names[i]);
        if (code == LOFI_OK && !lofi_path_is_file(path)) {
            if (missing_count++ < MAX_LISTED) lofi_buffer_printf(&missing, "%s%s", missing.size ? ", " : "", names[i]);
            continue;
        }
        if (code == LOFI_OK) code = file_open(&weights->files[weights->file_count], path, err);
        if (code != LOFI_OK) {
            lofi_buffer_free(&missing);
            return code;
        }
        weights->file_count++;
    }
    lofi_code code = LOFI_OK;
    if (missing_count > 0) {
        lofi_fail(err, LOFI_ERR_NOT_FOUND, "'%s' lacks %zu of the %zu weight files that its index names: %s",
                  weights->folder, missing_count, count, lofi_buffer_str(&missing));
        code = lofi_hint(err, "the download is incomplete: fetch the model again");
    }
    lofi_buffer_free(&missing);
    return code;
}

static const weight_file *file_named(const lofi_weights *weights, const char *name) {
    for (size_t i = 0; i < weights->file_count; i++)
        if (strcmp(lofi_path_base(file_path(&weights->files[i])), name) == 0) return &weights->files[i];
    assert(!"every named shard was opened");
    return NULL;
}

static lofi_code collect_mapped(lofi_weights *weights, const json_t *map, lofi_error *err) {
    const char *name;
    json_t *shard;
    size_t missing_count = 0;
    lofi_buffer missing = LOFI_BUFFER_INIT;
    json_object_foreach((json_t *)map, name, shard) {
        const lofi_stored_tensor *tensor = file_find(file_named(weights, json_string_value(shard)), name);
        if (tensor)
            weights->tensors[weights->count++] = tensor;
        else if (missing_count++ < MAX_LISTED)
            lofi_buffer_printf(&missing, "%s%s", missing.size ? ", " : "", name);
    }
    lofi_code code = LOFI_OK;
    if (missing_count > 0) {
        lofi_fail(err, LOFI_ERR_NOT_FOUND, "the weights in '%s' lack %zu tensors that their index names: %s",
                  weights->folder, missing_count, lofi_buffer_str(&missing));
        code = lofi_hint(err, "index and weight files do not belong together: fetch the model again");
    }
    lofi_buffer_free(&missing);
    return code;
}

static lofi_code open_mapped(lofi_weights *weights, const json_t *map, const char *index_path, lofi_error *err) {
    const char **names;
    size_t count;
    LOFI_TRY(shard_names(&names, &count, map, index_path, err));
    lofi_code code = open_files(weights, names, count, err);
    lofi_free(names);
    LOFI_TRY(code);
    LOFI_TRY(lofi_alloc((void **)&weights->tensors, json_object_size(map), sizeof *weights->tensors, "the tensor table",
                        err));
    return collect_mapped(weights, map, err);
}

static lofi_code open_sharded(lofi_weights *weights, const char *index_path, lofi_error *err) {
    json_t *index;
    LOFI_TRY(lofi_json_load(&index, index_path, err));
    const json_t *map;
    lofi_code code = lofi_json_object(&map, index, "weight_map", index_path, err);
    if (code == LOFI_OK) code = open_mapped(weights, map, index_path, err);
    json_decref(index);
    return code;
}

static lofi_code open_single(lofi_weights *weights, const char *name, lofi_error *err) {
    LOFI_TRY(open_files(weights, &name, 1, err));
    const weight_file *file = &weights->files[0];
    size_t count = file_tensors(file);
    LOFI_TRY(lofi_alloc((void **)&weights->tensors, count, sizeof *weights->tensors, "the tensor table", err));
    for (size_t i = 0; i < count; i++) weights->tensors[i] = file_at(file, i);
    weights->count = count;
    return LOFI_OK;
}

/* ---- the folder ---- */

/* The one .pth or .pt file directly in the folder, as networks outside of hubs are passed on; "" when there is none or several. */
static void lone_file(char name[LOFI_PATH_MAX], const char *folder) {
    struct dirent *entry;
    DIR *stream = opendir(folder);
    bool several = false;
    name[0] = 0;
    while (stream && (entry = readdir(stream))) {
        if (!ends_with(entry->d_name, ".pth") && !ends_with(entry->d_name, ".pt")) continue;
        several = several || name[0];
        snprintf(name, LOFI_PATH_MAX, "%s", entry->d_name);
    }
    if (stream) closedir(stream);
    if (several) name[0] = 0;
}

typedef struct found_weights {
    char name[LOFI_PATH_MAX]; /* of the file, or of the index's path */
    bool sharded;
} found_weights;

static bool find_weights(found_weights *found, const char *folder) {
    char path[LOFI_PATH_MAX];
    for (int i = 0; i < NAME_COUNT; i++) {
        if (lofi_path_format(path, NULL, "%s/%s", folder, single_names[i]) != LOFI_OK) return false;
        *found = (found_weights){.sharded = false};
        snprintf(found->name, sizeof found->name, "%s", single_names[i]);
        if (lofi_path_is_file(path)) return true;
        if (lofi_path_format(path, NULL, "%s/%s.index.json", folder, single_names[i]) != LOFI_OK) return false;
        found->sharded = true;
        memcpy(found->name, path, sizeof path);
        if (lofi_path_is_file(path)) return true;
    }
    found->sharded = false;
    lone_file(found->name, folder);
    return found->name[0] != 0;
}

static lofi_code open_into(lofi_weights *weights, const char *folder, lofi_error *err) {
    found_weights found;
    LOFI_TRY(lofi_path_format(weights->folder, err, "%s", folder));
    if (find_weights(&found, folder))
        return found.sharded ? open_sharded(weights, found.name, err) : open_single(weights, found.name, err);
    lofi_fail(
        err, LOFI_ERR_NOT_FOUND,
        "'%s' holds no weights: looked for %s, %s, %s and %s, each also with .index.json, and for one .pth or .pt",
        folder, single_names[0], single_names[1], single_names[2], single_names[3]);
    return lofi_hint(err, "name a complete model folder, or make a small one with 'lofi model init --preset tiny DIR'");
}

bool lofi_weights_present(const char *folder) {
    found_weights found;
    return find_weights(&found, folder);
}

lofi_code lofi_weights_open(lofi_weights **out, const char *folder, lofi_error *err) {
    lofi_weights *weights;
    LOFI_TRY(lofi_alloc((void **)&weights, 1, sizeof *weights, "a set of weights", err));
    lofi_code code = open_into(weights, folder, err);
    if (code != LOFI_OK) {
        lofi_weights_close(weights);
        return code;
    }
    if (weights->count > 1) qsort(weights->tensors, weights->count, sizeof *weights->tensors, compare_entries);
    *out = weights;
    return LOFI_OK;
}

void lofi_weights_close(lofi_weights *weights) {
    if (!weights) return;
    for (size_t i = 0; i < weights->file_count; i++) file_close(&weights->files[i]);
    lofi_free(weights->files);
    lofi_free(weights->tensors);
    lofi_free(weights);
}

lofi_code lofi_weights_hash(char hex[LOFI_SHA256_HEX], const lofi_weights *weights, lofi_error *err) {
    lofi_sha256 *sha;
    char one[LOFI_SHA256_HEX];
    lofi_code code = LOFI_OK;
    LOFI_TRY(lofi_sha256_new(&sha, err));
    for (size_t i = 0; i < lofi_weights_file_count(weights) && code == LOFI_OK; i++) {
        const char *path = lofi_weights_file_path(weights, i);
        code = lofi_sha256_file(one, path, err);
        lofi_sha256_add_text(sha, lofi_path_base(path));
        lofi_sha256_add_text(sha, code == LOFI_OK ? one : "");
    }
    lofi_sha256_end(sha, hex);
    return code;
}
