/* safetensors_write.c - writing .safetensors files: the header first, then tensor after tensor. */
#include <assert.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "store/safetensors.h"

struct lofi_safetensors_writer {
    lofi_writer *file;
    const lofi_stored_tensor *expected; /* a copy of the declarations, without data */
    size_t count, index;                /* `index`: the tensor whose turn it is */
    uint64_t begin;                     /* data bytes before tensor `index` */
    uint64_t total, written;            /* data bytes: all, and so far */
};

static lofi_code out_of_memory(lofi_error *err) {
    return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for the header of a tensor file");
}

static lofi_code describe(json_t *header, const lofi_stored_tensor *tensor, uint64_t begin, lofi_error *err) {
    assert(strcmp(tensor->name, "__metadata__") != 0 && !json_object_get(header, tensor->name));
    json_t *entry = json_pack("{s:s, s:[], s:[I,I]}", "dtype", lofi_stored_type_name(tensor->type), "shape",
                              "data_offsets", (json_int_t)begin, (json_int_t)(begin + tensor->bytes));
    bool failed = !entry;
    json_t *shape = json_object_get(entry, "shape");
    for (int i = 0; i < tensor->rank; i++)
        failed = json_array_append_new(shape, json_integer(tensor->dims[i])) != 0 || failed;
    failed = json_object_set_new(header, tensor->name, entry) != 0 || failed;
    if (!failed) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT, "the tensor name '%s' is not UTF-8, or memory is out", tensor->name);
}

static lofi_code build_header(lofi_buffer *text, uint64_t *total, const lofi_stored_tensor *tensors, size_t count,
                              const json_t *metadata, lofi_error *err) {
    json_t *header = json_object();
    lofi_code code = header ? LOFI_OK : out_of_memory(err);
    if (code == LOFI_OK && metadata && json_object_size(metadata) > 0 &&
        json_object_set(header, "__metadata__", (json_t *)metadata) != 0)
        code = out_of_memory(err);
    uint64_t at = 0;
    for (size_t i = 0; code == LOFI_OK && i < count; i++) {
        code = describe(header, &tensors[i], at, err);
        at += tensors[i].bytes;
    }
    if (code == LOFI_OK) code = lofi_json_print(text, header, false, err);
    json_decref(header);
    if (code != LOFI_OK) return code;
    while (text->size > 0 && text->data[text->size - 1] == '\n') text->size--;
    while (text->failed == LOFI_OK && text->size % 8 != 0) lofi_buffer_append(text, " ", 1);
    *total = at;
    return lofi_buffer_check(text, err);
}

/* Steps over tensors that are complete; those without elements are complete when their turn comes. */
static void advance(lofi_safetensors_writer *writer) {
    while (writer->index < writer->count && writer->begin + writer->expected[writer->index].bytes <= writer->written)
        writer->begin += writer->expected[writer->index++].bytes;
}

static lofi_code open_into(lofi_safetensors_writer *writer, const char *path, const lofi_buffer *header,
                           const lofi_stored_tensor *tensors, lofi_error *err) {
    lofi_stored_tensor *copy;
    LOFI_TRY(lofi_alloc((void **)&copy, writer->count, sizeof *copy, "the tensor table", err));
    if (writer->count > 0) memcpy(copy, tensors, writer->count * sizeof *copy);
    writer->expected = copy;
    uint64_t header_bytes = header->size;
    LOFI_TRY(lofi_writer_open(&writer->file, path, err));
    LOFI_TRY(lofi_writer_write(writer->file, &header_bytes, sizeof header_bytes, err));
    LOFI_TRY(lofi_writer_write(writer->file, header->data, header->size, err));
    advance(writer);
    return LOFI_OK;
}

lofi_code lofi_safetensors_writer_open(lofi_safetensors_writer **out, const char *path,
                                       const lofi_stored_tensor *tensors, size_t count, const json_t *metadata,
                                       lofi_error *err) {
    lofi_safetensors_writer *writer = NULL;
    lofi_buffer header = LOFI_BUFFER_INIT;
    uint64_t total = 0;
    lofi_code code = build_header(&header, &total, tensors, count, metadata, err);
    if (code == LOFI_OK) code = lofi_alloc((void **)&writer, 1, sizeof *writer, "a tensor file", err);
    if (code == LOFI_OK) {
        writer->count = count;
        writer->total = total;
        code = open_into(writer, path, &header, tensors, err);
    }
    lofi_buffer_free(&header);
    if (code != LOFI_OK) {
        lofi_safetensors_writer_abort(writer);
        return code;
    }
    *out = writer;
    return LOFI_OK;
}

lofi_code lofi_safetensors_writer_bytes(lofi_safetensors_writer *writer, const void *bytes, size_t size,
                                        lofi_error *err) {
    assert(size <= writer->total - writer->written);
    if (size == 0) return LOFI_OK;
    LOFI_TRY(lofi_writer_write(writer->file, bytes, size, err));
    writer->written += size;
    advance(writer);
    return LOFI_OK;
}

static bool is_declared_empty(const lofi_safetensors_writer *writer, const char *name) {
    for (size_t i = 0; i < writer->count; i++)
        if (writer->expected[i].bytes == 0 && strcmp(writer->expected[i].name, name) == 0) return true;
    return false;
}

lofi_code lofi_safetensors_writer_add(lofi_safetensors_writer *writer, const char *name, const void *data,
                                      lofi_error *err) {
    const lofi_stored_tensor *next = writer->index < writer->count ? &writer->expected[writer->index] : NULL;
    bool its_turn = next && strcmp(next->name, name) == 0 && writer->written == writer->begin;
    assert(its_turn || is_declared_empty(writer, name));
    if (!its_turn) return LOFI_OK;
    return lofi_safetensors_writer_bytes(writer, data, next->bytes, err);
}

static void release(lofi_safetensors_writer *writer) {
    lofi_free((void *)writer->expected);
    lofi_free(writer);
}

lofi_code lofi_safetensors_writer_commit(lofi_safetensors_writer *writer, lofi_error *err) {
    assert(writer->written == writer->total);
    lofi_code code = lofi_writer_commit(writer->file, err);
    release(writer);
    return code;
}

void lofi_safetensors_writer_abort(lofi_safetensors_writer *writer) {
    if (!writer) return;
    lofi_writer_abort(writer->file);
    release(writer);
}

static lofi_code save_sorted(const char *path, const lofi_stored_tensor *tensors, size_t count, const json_t *metadata,
                             lofi_error *err) {
    lofi_safetensors_writer *writer;
    LOFI_TRY(lofi_safetensors_writer_open(&writer, path, tensors, count, metadata, err));
    lofi_code code = LOFI_OK;
    for (size_t i = 0; code == LOFI_OK && i < count; i++)
        code = lofi_safetensors_writer_add(writer, tensors[i].name, tensors[i].data, err);
    if (code == LOFI_OK) return lofi_safetensors_writer_commit(writer, err);
    lofi_safetensors_writer_abort(writer);
    return code;
}

lofi_code lofi_safetensors_save(const char *path, const lofi_stored_tensor *tensors, size_t count,
                                const json_t *metadata, lofi_error *err) {
    lofi_stored_tensor *sorted;
    LOFI_TRY(lofi_alloc((void **)&sorted, count, sizeof *sorted, "the tensor table", err));
    if (count > 0) memcpy(sorted, tensors, count * sizeof *sorted);
    lofi_stored_sort(sorted, count);
    lofi_code code = save_sorted(path, sorted, count, metadata, err);
    lofi_free(sorted);
    return code;
}
