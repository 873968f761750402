/* torch_file.c - see the header: archive, pickle, and where each tensor lies. */
#include "store/torch_file.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "store/pickle.h"
#include "store/zip_members.h"

#define MAX_TENSORS ((size_t)1 << 20)
#define MAX_VISITS  ((size_t)1 << 21) /* values looked at, as dictionaries may hold one another */
#define MAX_DEPTH   8
#define MAX_NAME    1024

struct lofi_torch_file {
    char path[LOFI_PATH_MAX];
    lofi_mapping map;
    lofi_arena *arena;
    lofi_zip_members members;
    char prefix[MAX_NAME];       /* of the archive's members: "archive/" */
    lofi_stored_tensor *tensors; /* sorted by name */
    size_t count, capacity;
    size_t visits;
};

const char *lofi_torch_file_path(const lofi_torch_file *file) {
    return file->path;
}

size_t lofi_torch_file_count(const lofi_torch_file *file) {
    return file->count;
}

const lofi_stored_tensor *lofi_torch_file_at(const lofi_torch_file *file, size_t index) {
    assert(index < file->count);
    return &file->tensors[index];
}

static int by_name(const void *left, const void *right) {
    return strcmp(((const lofi_stored_tensor *)left)->name, ((const lofi_stored_tensor *)right)->name);
}

const lofi_stored_tensor *lofi_torch_file_find(const lofi_torch_file *file, const char *name) {
    lofi_stored_tensor wanted = {.name = name};
    if (file->count == 0) return NULL;
    return bsearch(&wanted, file->tensors, file->count, sizeof wanted, by_name);
}

/* ---- one tensor ---- */

/* The member with the memory of a storage, as large as the pickle says. */
static lofi_code storage_member(const lofi_zip_member **out, const lofi_torch_file *file,
                                const lofi_pickle_value *storage, const char *name, lofi_error *err) {
    char member[2 * MAX_NAME];
    size_t bytes;
    snprintf(member, sizeof member, "%sdata/%s", file->prefix, storage->text);
    *out = lofi_zip_member_find(&file->members, member);
    if (!*out) return lofi_fail(err, LOFI_ERR_FORMAT, "tensor '%s': the archive has no member '%s'", name, member);
    if (!lofi_mul_size((size_t)storage->integer, lofi_stored_type_bytes(storage->type), &bytes) || bytes > (*out)->size)
        return lofi_fail(err, LOFI_ERR_FORMAT, "tensor '%s': the member '%s' is smaller than the pickle says", name,
                         member);
    return LOFI_OK;
}

/* Elements of the tensor, and whether they all lie inside of the storage. */
static bool measure(const lofi_pickle_value *tensor, size_t *count) {
    int64_t last = tensor->integer, step;
    *count = 1;
    for (int i = 0; i < tensor->rank; i++)
        if (!lofi_mul_size(*count, (size_t)tensor->dims[i], count)) return false;
    if (*count == 0) return tensor->integer <= tensor->storage->integer;
    for (int i = 0; i < tensor->rank; i++)
        if (!lofi_mul_i64(tensor->dims[i] - 1, tensor->strides[i], &step) || step > INT64_MAX - last)
            return false;
        else
            last += step;
    return last < tensor->storage->integer;
}

static bool is_contiguous(const lofi_pickle_value *tensor) {
    int64_t step = 1;
    for (int i = tensor->rank - 1; i >= 0; i--) {
        if (tensor->dims[i] != 1 && tensor->strides[i] != step) return false;
        step *= tensor->dims[i];
    }
    return true;
}

/* The elements of a view, in the order of its own dimensions. */
static lofi_code copy_view(lofi_torch_file *file, lofi_stored_tensor *out, const lofi_pickle_value *tensor,
                           const unsigned char *storage, lofi_error *err) {
    size_t each = lofi_stored_type_bytes(out->type);
    int64_t place[LOFI_STORED_MAX_RANK] = {0};
    unsigned char *copy = lofi_arena_alloc(file->arena, out->bytes + 1);
    if (!copy) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for tensor '%s'", out->name);
    for (size_t i = 0; i < out->count; i++) {
        int64_t from = tensor->integer;
        for (int d = 0; d < tensor->rank; d++) from += place[d] * tensor->strides[d];
        memcpy(copy + i * each, storage + (size_t)from * each, each);
        for (int d = tensor->rank - 1; d >= 0 && ++place[d] == tensor->dims[d]; d--) place[d] = 0;
    }
    out->data = copy;
    out->aligned = true;
    return LOFI_OK;
}

static lofi_code place_tensor(lofi_torch_file *file, lofi_stored_tensor *out, const lofi_pickle_value *tensor,
                              const char *name, lofi_error *err) {
    const lofi_zip_member *member;
    size_t count;
    LOFI_TRY(storage_member(&member, file, tensor->storage, name, err));
    if (!measure(tensor, &count))
        return lofi_fail(err, LOFI_ERR_FORMAT, "tensor '%s' reaches beyond its storage", name);
    /* at most as many elements as the storage: then count and bytes of the declaration fit */
    if (count > (size_t)tensor->storage->integer)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "tensor '%s' repeats the elements of its storage", name);
    const char *kept = lofi_arena_strdup(file->arena, name);
    if (!kept) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the names of tensors");
    *out = lofi_stored_declare(kept, tensor->storage->type, tensor->rank, tensor->dims);
    if (count > 0 && !is_contiguous(tensor)) return copy_view(file, out, tensor, member->data, err);
    size_t each = lofi_stored_type_bytes(out->type);
    out->data = member->data + (size_t)tensor->integer * each;
    out->aligned = (uintptr_t)out->data % each == 0;
    return LOFI_OK;
}

/* ---- the dictionary ---- */

static lofi_code add_tensor(lofi_torch_file *file, const lofi_pickle_value *tensor, const char *name, lofi_error *err) {
    LOFI_TRY(
        lofi_grow((void **)&file->tensors, &file->capacity, file->count + 1, sizeof *file->tensors, MAX_TENSORS, err));
    LOFI_TRY(place_tensor(file, &file->tensors[file->count], tensor, name, err));
    file->count++;
    return LOFI_OK;
}

static lofi_code add_all(lofi_torch_file *file, const lofi_pickle_value *dict, const char *prefix, int depth,
                         lofi_error *err) {
    if (depth > MAX_DEPTH)
        return lofi_fail(err, LOFI_ERR_FORMAT, "its dictionaries hold one another more than %d deep", MAX_DEPTH);
    for (size_t i = 0; i + 1 < dict->count; i += 2) {
        const lofi_pickle_value *key = dict->items[i], *value = dict->items[i + 1];
        char name[MAX_NAME];
        if (++file->visits > MAX_VISITS)
            return lofi_fail(err, LOFI_ERR_FORMAT, "its dictionaries hold more than %zu entries", MAX_VISITS);
        if (value->kind != LOFI_PICKLE_TENSOR && value->kind != LOFI_PICKLE_DICT) continue;
        if (key->kind != LOFI_PICKLE_TEXT) continue; /* an optimizer's state, by number */
        if (strlen(key->text) != key->text_length ||
            snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "", key->text) >= (int)sizeof name)
            return lofi_fail(err, LOFI_ERR_FORMAT, "the name of a tensor is longer than %d bytes, or no text",
                             MAX_NAME - 1);
        LOFI_TRY(value->kind == LOFI_PICKLE_TENSOR ? add_tensor(file, value, name, err)
                                                   : add_all(file, value, name, depth + 1, err));
    }
    return LOFI_OK;
}

static bool holds_tensors(const lofi_pickle_value *dict) {
    for (size_t i = 1; i < dict->count; i += 2)
        if (dict->items[i]->kind == LOFI_PICKLE_TENSOR) return true;
    return false;
}

static lofi_code read_tensors(lofi_torch_file *file, const lofi_pickle_value *root, lofi_error *err) {
    static const char *const usual[] = {"state_dict", "model"};
    if (root->kind != LOFI_PICKLE_DICT)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "it holds no dictionary of tensors");
    for (size_t i = 0; i < 2 && !holds_tensors(root); i++) {
        const lofi_pickle_value *inner = lofi_pickle_get(root, usual[i]);
        if (inner && inner->kind == LOFI_PICKLE_DICT) root = inner;
    }
    LOFI_TRY(add_all(file, root, "", 0, err));
    if (file->count > 1) qsort(file->tensors, file->count, sizeof *file->tensors, by_name);
    for (size_t i = 1; i < file->count; i++)
        if (strcmp(file->tensors[i - 1].name, file->tensors[i].name) == 0)
            return lofi_fail(err, LOFI_ERR_FORMAT, "it holds the tensor '%s' twice", file->tensors[i].name);
    return LOFI_OK;
}

/* ---- the archive ---- */

/* "NAME/data.pkl" lies beside the memory of all tensors. */
static lofi_code find_pickle(lofi_torch_file *file, const lofi_zip_member **out, lofi_error *err) {
    static const char last[] = "data.pkl";
    *out = NULL;
    for (size_t i = 0; i < file->members.count; i++) {
        const char *name = file->members.items[i].name;
        size_t length = strlen(name), end = sizeof last - 1;
        if (length < end || strcmp(name + length - end, last) != 0 || length - end >= sizeof file->prefix) continue;
        if (length > end && name[length - end - 1] != '/') continue;
        if (*out)
            return lofi_fail(err, LOFI_ERR_FORMAT, "the archive holds two pickles, '%s' and '%s'", (*out)->name, name);
        *out = &file->members.items[i];
        snprintf(file->prefix, sizeof file->prefix, "%.*s", (int)(length - end), name);
    }
    if (*out) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT, "the archive holds no data.pkl: torch.save did not write it");
}

static lofi_code check_byte_order(const lofi_torch_file *file, lofi_error *err) {
    char name[MAX_NAME + 16];
    snprintf(name, sizeof name, "%sbyteorder", file->prefix);
    const lofi_zip_member *order = lofi_zip_member_find(&file->members, name);
    if (!order || (order->size == 6 && memcmp(order->data, "little", 6) == 0)) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "it was written by a machine with another byte order");
}

static lofi_code check_kind(const lofi_torch_file *file, lofi_error *err) {
    if (lofi_zip_begins(file->map.data, file->map.size)) return LOFI_OK;
    bool old = file->map.size > 2 && file->map.data[0] == 0x80 && file->map.data[1] >= 2 && file->map.data[1] <= 5;
    if (!old) return lofi_fail(err, LOFI_ERR_FORMAT, "it is no file that torch.save wrote");
    lofi_fail(err, LOFI_ERR_UNSUPPORTED, "it is a pickle as PyTorch wrote them before 1.6");
    return lofi_hint(err, "write it anew where you trust it: torch.save(torch.load(OLD, weights_only=True), NEW)");
}

static lofi_code read_all(lofi_torch_file *file, lofi_error *err) {
    const lofi_zip_member *pickle;
    const lofi_pickle_value *root;
    LOFI_TRY(check_kind(file, err));
    LOFI_TRY(lofi_arena_new(&file->arena, err));
    LOFI_TRY(lofi_zip_members_read(&file->members, file->arena, file->map.data, file->map.size, err));
    LOFI_TRY(find_pickle(file, &pickle, err));
    LOFI_TRY(check_byte_order(file, err));
    LOFI_TRY(lofi_pickle_read(&root, file->arena, pickle->data, pickle->size, err));
    return read_tensors(file, root, err);
}

lofi_code lofi_torch_file_open(lofi_torch_file **out, const char *path, lofi_error *err) {
    void *memory = NULL;
    LOFI_TRY(lofi_alloc(&memory, 1, sizeof(lofi_torch_file), "a PyTorch file", err));
    lofi_torch_file *file = memory;
    lofi_code code = lofi_path_format(file->path, err, "%s", path);
    if (code == LOFI_OK) code = lofi_file_map(&file->map, path, err);
    if (code == LOFI_OK) {
        code = read_all(file, err);
        if (code != LOFI_OK) lofi_error_prefix(err, "'%s'", path);
    }
    if (code == LOFI_OK)
        *out = file;
    else
        lofi_torch_file_close(file);
    return code;
}

void lofi_torch_file_close(lofi_torch_file *file) {
    if (!file) return;
    free(file->tensors);
    lofi_arena_free(file->arena);
    lofi_file_unmap(&file->map);
    lofi_free(file);
}
