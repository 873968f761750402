/* safetensors.c - reading .safetensors files: the header is believed only after all of it was checked. */
#include "store/safetensors.h"

#include <assert.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"

#define MAX_HEADER_BYTES ((uint64_t)100 * 1000 * 1000)

struct lofi_safetensors {
    char *path;
    lofi_mapping map;
    json_t *header;            /* owns names and metadata */
    const json_t *metadata;    /* NULL when there is none */
    const unsigned char *body; /* the data, in the map */
    size_t body_bytes;
    lofi_stored_tensor *tensors; /* in the order of the data */
    size_t count;
    const lofi_stored_tensor **by_name;
};

const char *lofi_safetensors_path(const lofi_safetensors *file) {
    return file->path;
}

size_t lofi_safetensors_count(const lofi_safetensors *file) {
    return file->count;
}

const lofi_stored_tensor *lofi_safetensors_at(const lofi_safetensors *file, size_t index) {
    assert(index < file->count);
    return &file->tensors[index];
}

const json_t *lofi_safetensors_metadata_all(const lofi_safetensors *file) {
    return file->metadata;
}

const char *lofi_safetensors_metadata(const lofi_safetensors *file, const char *key) {
    return file->metadata ? json_string_value(json_object_get(file->metadata, key)) : NULL;
}

static int compare_name(const void *name, const void *entry) {
    return strcmp(name, (*(const lofi_stored_tensor *const *)entry)->name);
}

static int compare_entries(const void *left, const void *right) {
    const lofi_stored_tensor *const *a = left, *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

const lofi_stored_tensor *lofi_safetensors_find(const lofi_safetensors *file, const char *name) {
    if (file->count == 0) return NULL;
    const lofi_stored_tensor **found = bsearch(name, file->by_name, file->count, sizeof *found, compare_name);
    return found ? *found : NULL;
}

lofi_code lofi_safetensors_get(const lofi_stored_tensor **out, const lofi_safetensors *file, const char *name,
                               lofi_error *err) {
    const lofi_stored_tensor *found = lofi_safetensors_find(file, name);
    if (!found) return lofi_fail(err, LOFI_ERR_NOT_FOUND, "'%s' has no tensor '%s'", file->path, name);
    *out = found;
    return LOFI_OK;
}

/* ---- one entry of the header ---- */

static lofi_code damaged(const lofi_safetensors *file, const char *name, const char *why, lofi_error *err) {
    lofi_fail(err, LOFI_ERR_FORMAT, "'%s': tensor '%s': %s", file->path, name, why);
    return lofi_hint(err, "the file is damaged or incomplete: fetch or write it again");
}

static lofi_code parse_type(lofi_stored_tensor *tensor, const lofi_safetensors *file, const json_t *entry,
                            lofi_error *err) {
    const char *text = json_string_value(json_object_get(entry, "dtype"));
    if (!text) return damaged(file, tensor->name, "has no 'dtype'", err);
    for (int type = 0; type < LOFI_STORED_TYPE_COUNT; type++) {
        if (strcmp(text, lofi_stored_type_name((lofi_stored_type)type)) != 0) continue;
        tensor->type = (lofi_stored_type)type;
        return LOFI_OK;
    }
    return lofi_fail(err, LOFI_ERR_UNSUPPORTED,
                     "'%s': tensor '%s' is of type '%.40s', which this program does not know", file->path, tensor->name,
                     text);
}

static lofi_code parse_shape(lofi_stored_tensor *tensor, const lofi_safetensors *file, const json_t *entry,
                             lofi_error *err) {
    const json_t *shape = json_object_get(entry, "shape");
    if (!json_is_array(shape)) return damaged(file, tensor->name, "has no 'shape'", err);
    size_t rank = json_array_size(shape);
    if (rank > LOFI_STORED_MAX_RANK) return damaged(file, tensor->name, "has more than 8 dimensions", err);
    tensor->rank = (int)rank;
    tensor->count = 1;
    for (size_t i = 0; i < rank; i++) {
        const json_t *dim = json_array_get(shape, i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0)
            return damaged(file, tensor->name, "has a dimension that is no whole number", err);
        tensor->dims[i] = json_integer_value(dim);
        if (!lofi_mul_size(tensor->count, (size_t)tensor->dims[i], &tensor->count))
            return damaged(file, tensor->name, "is larger than any memory", err);
    }
    if (!lofi_mul_size(tensor->count, lofi_stored_type_bytes(tensor->type), &tensor->bytes))
        return damaged(file, tensor->name, "is larger than any memory", err);
    return LOFI_OK;
}

static lofi_code parse_place(lofi_stored_tensor *tensor, const lofi_safetensors *file, const json_t *entry,
                             lofi_error *err) {
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const json_t *from = json_array_get(offsets, 0), *to = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(from) || !json_is_integer(to))
        return damaged(file, tensor->name, "'data_offsets' are not two whole numbers", err);
    json_int_t begin = json_integer_value(from), end = json_integer_value(to);
    if (begin < 0 || end < begin) return damaged(file, tensor->name, "ends before it begins", err);
    if ((uint64_t)end > file->body_bytes) return damaged(file, tensor->name, "reaches past the end of the file", err);
    if ((uint64_t)(end - begin) != tensor->bytes)
        return damaged(file, tensor->name, "its size in the file is not shape times type", err);
    tensor->data = file->body + begin;
    tensor->aligned = (uintptr_t)tensor->data % lofi_stored_type_bytes(tensor->type) == 0;
    return LOFI_OK;
}

static lofi_code parse_entry(lofi_stored_tensor *tensor, const lofi_safetensors *file, const char *name,
                             const json_t *entry, lofi_error *err) {
    tensor->name = name;
    if (!json_is_object(entry)) return damaged(file, name, "is not an object in the header", err);
    LOFI_TRY(parse_type(tensor, file, entry, err));
    LOFI_TRY(parse_shape(tensor, file, entry, err));
    return parse_place(tensor, file, entry, err);
}

/* ---- the whole header ---- */

static lofi_code parse_metadata(lofi_safetensors *file, const json_t *metadata, lofi_error *err) {
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s': '__metadata__' is not an object", file->path);
    json_object_foreach((json_t *)metadata, key, value) {
        if (!json_is_string(value))
            return lofi_fail(err, LOFI_ERR_FORMAT, "'%s': the metadata '%s' is not a text", file->path, key);
    }
    file->metadata = metadata;
    return LOFI_OK;
}

static lofi_code parse_entries(lofi_safetensors *file, lofi_error *err) {
    const char *name;
    json_t *entry;
    size_t entries = json_object_size(file->header);
    LOFI_TRY(lofi_alloc((void **)&file->tensors, entries, sizeof *file->tensors, "the tensor table", err));
    LOFI_TRY(lofi_alloc((void **)&file->by_name, entries, sizeof *file->by_name, "the tensor table", err));
    json_object_foreach(file->header, name, entry) {
        if (strcmp(name, "__metadata__") == 0) {
            LOFI_TRY(parse_metadata(file, entry, err));
            continue;
        }
        LOFI_TRY(parse_entry(&file->tensors[file->count], file, name, entry, err));
        file->count++;
    }
    return LOFI_OK;
}

static int compare_places(const void *left, const void *right) {
    const lofi_stored_tensor *a = left, *b = right;
    if (a->data != b->data) return (uintptr_t)a->data < (uintptr_t)b->data ? -1 : 1;
    if (a->bytes != b->bytes) return a->bytes < b->bytes ? -1 : 1;
    return strcmp(a->name, b->name);
}

static lofi_code check_places(const lofi_safetensors *file, lofi_error *err) {
    const unsigned char *end = file->body;
    for (size_t i = 0; i < file->count; i++) {
        const lofi_stored_tensor *tensor = &file->tensors[i];
        const unsigned char *begin = tensor->data;
        if (begin > end) return damaged(file, tensor->name, "leaves a hole before it", err);
        if (begin < end) return damaged(file, tensor->name, "overlaps the one before it", err);
        end = begin + tensor->bytes;
    }
    size_t rest = file->body_bytes - (size_t)(end - file->body);
    if (rest == 0) return LOFI_OK;
    lofi_fail(err, LOFI_ERR_FORMAT, "'%s': %zu bytes at the end belong to no tensor", file->path, rest);
    return lofi_hint(err, "the file is damaged: fetch or write it again");
}

static lofi_code parse_header(lofi_safetensors *file, lofi_error *err) {
    if (file->map.size < 8)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is no safetensors file: shorter than its 8 bytes of length",
                         file->path);
    uint64_t header_bytes;
    memcpy(&header_bytes, file->map.data, sizeof header_bytes);
    if (header_bytes > MAX_HEADER_BYTES || header_bytes > file->map.size - 8) {
        lofi_fail(err, LOFI_ERR_FORMAT, "'%s': the header claims %llu bytes, the file has %zu", file->path,
                  (unsigned long long)header_bytes, file->map.size);
        return lofi_hint(err, "the file is incomplete or no safetensors file");
    }
    const char *text = (const char *)file->map.data + 8;
    if (header_bytes == 0 || text[0] != '{')
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is no safetensors file: the header is no JSON object", file->path);
    file->body = file->map.data + 8 + header_bytes;
    file->body_bytes = file->map.size - 8 - (size_t)header_bytes;
    return lofi_json_parse(&file->header, text, (size_t)header_bytes, file->path, err);
}

static lofi_code open_into(lofi_safetensors *file, const char *path, lofi_error *err) {
    size_t path_bytes = strlen(path) + 1;
    LOFI_TRY(lofi_alloc((void **)&file->path, path_bytes, 1, "a path", err));
    memcpy(file->path, path, path_bytes);
    LOFI_TRY(lofi_file_map(&file->map, path, err));
    LOFI_TRY(parse_header(file, err));
    LOFI_TRY(parse_entries(file, err));
    if (file->count > 1) qsort(file->tensors, file->count, sizeof *file->tensors, compare_places);
    LOFI_TRY(check_places(file, err));
    for (size_t i = 0; i < file->count; i++) file->by_name[i] = &file->tensors[i];
    if (file->count > 1) qsort(file->by_name, file->count, sizeof *file->by_name, compare_entries);
    return LOFI_OK;
}

lofi_code lofi_safetensors_open(lofi_safetensors **out, const char *path, lofi_error *err) {
    lofi_safetensors *file;
    LOFI_TRY(lofi_alloc((void **)&file, 1, sizeof *file, "a tensor file", err));
    lofi_code code = open_into(file, path, err);
    if (code != LOFI_OK) {
        lofi_safetensors_close(file);
        return code;
    }
    *out = file;
    return LOFI_OK;
}

void lofi_safetensors_close(lofi_safetensors *file) {
    if (!file) return;
    lofi_free(file->by_name);
    lofi_free(file->tensors);
    json_decref(file->header);
    lofi_file_unmap(&file->map);
    lofi_free(file->path);
    lofi_free(file);
}
