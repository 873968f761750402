/* cache.c - content-addressed safetensors files. */
#include "train/cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define MAX_KINDS 8

struct lofi_cache {
    char folder[LOFI_PATH_MAX];
    struct {
        char name[32];
        uint64_t bytes;
    } kinds[MAX_KINDS];
    size_t kind_count;
};

lofi_code lofi_cache_open(lofi_cache **out, const char *folder, lofi_error *err) {
    lofi_cache *cache = calloc(1, sizeof *cache);
    if (!cache) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the cache");
    lofi_code code = lofi_path_format(cache->folder, err, "%s", folder);
    if (code == LOFI_OK) code = lofi_folder_make(folder, err);
    if (code == LOFI_OK)
        *out = cache;
    else
        free(cache);
    return code;
}

void lofi_cache_close(lofi_cache *cache) {
    free(cache);
}

/* Bytes of a kind on disk, counted when it is first asked for. */
static lofi_code bytes_of_kind(lofi_cache *cache, const char *kind, uint64_t **bytes, lofi_error *err) {
    for (size_t i = 0; i < cache->kind_count; i++)
        if (strcmp(cache->kinds[i].name, kind) == 0) {
            *bytes = &cache->kinds[i].bytes;
            return LOFI_OK;
        }
    char folder[LOFI_PATH_MAX], path[LOFI_PATH_MAX];
    lofi_listing files = {0};
    uint64_t total = 0, size;
    if (cache->kind_count == MAX_KINDS || strlen(kind) >= sizeof cache->kinds[0].name)
        return lofi_fail(err, LOFI_ERR_USAGE, "the cache cannot keep another kind '%s'", kind);
    LOFI_TRY(lofi_path_format(folder, err, "%s/%s", cache->folder, kind));
    LOFI_TRY(lofi_folder_make(folder, err));
    lofi_folder_clean(folder);
    LOFI_TRY(lofi_folder_list(&files, folder, false, NULL, NULL, err));
    for (size_t i = 0; i < files.count; i++) {
        lofi_error ignored = LOFI_ERROR_INIT; /* one that another process has just removed counts nothing */
        if (lofi_path_format(path, &ignored, "%s/%s", folder, files.names[i]) == LOFI_OK &&
            lofi_file_size(&size, path, &ignored) == LOFI_OK)
            total += size;
    }
    lofi_listing_free(&files);
    memcpy(cache->kinds[cache->kind_count].name, kind, strlen(kind) + 1);
    cache->kinds[cache->kind_count].bytes = total;
    *bytes = &cache->kinds[cache->kind_count++].bytes;
    return LOFI_OK;
}

static lofi_code entry_path(char path[LOFI_PATH_MAX], const lofi_cache *cache, const char *kind, const char *key,
                            lofi_error *err) {
    return lofi_path_format(path, err, "%s/%s/%s.safetensors", cache->folder, kind, key);
}

lofi_code lofi_cache_find(lofi_safetensors **out, lofi_cache *cache, const char *kind, const char *key,
                          lofi_error *err) {
    char path[LOFI_PATH_MAX];
    lofi_error damage = LOFI_ERROR_INIT;
    *out = NULL;
    LOFI_TRY(entry_path(path, cache, kind, key, err));
    if (!lofi_path_is_file(path)) return LOFI_OK;
    lofi_code code = lofi_safetensors_open(out, path, &damage);
    if (code == LOFI_OK) return LOFI_OK;
    *out = NULL;
    if (code == LOFI_ERR_NOT_FOUND) return LOFI_OK; /* another process has just removed it */
    if (code == LOFI_ERR_FORMAT || code == LOFI_ERR_UNSUPPORTED) return lofi_path_remove(path, err);
    *err = damage; /* out of memory or of files: the entry is whole */
    return code;
}

lofi_code lofi_cache_store(lofi_cache *cache, const char *kind, const char *key, const lofi_stored_tensor *tensors,
                           size_t count, uint64_t max_bytes, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    uint64_t *bytes, size = 512;
    for (size_t i = 0; i < count; i++) size += tensors[i].bytes;
    LOFI_TRY(bytes_of_kind(cache, kind, &bytes, err));
    if (max_bytes && *bytes + size > max_bytes) return LOFI_OK;
    LOFI_TRY(entry_path(path, cache, kind, key, err));
    LOFI_TRY(lofi_safetensors_save(path, tensors, count, NULL, err));
    *bytes += size;
    return LOFI_OK;
}
