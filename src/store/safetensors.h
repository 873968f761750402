/* safetensors.h - the .safetensors format: named tensors behind a JSON header, nothing executable.
 *
 * Layout: 8 bytes little-endian header length, the header (JSON: name -> {dtype, shape, data_offsets}, and
 * `__metadata__`: text -> text), then the data. Format: https://github.com/huggingface/safetensors (README,
 * "Format").
 *
 * The reader maps the file and checks everything before it hands out a pointer: header length within the file and at
 * most 100 MB, JSON without duplicate keys, data without holes or overlaps up to the last byte, and each size equal
 * to shape x type. What does not hold is LOFI_ERR_FORMAT, naming file and tensor; a type that is not listed below is
 * LOFI_ERR_UNSUPPORTED, naming the type.
 */
#ifndef LOFI_STORE_SAFETENSORS_H
#define LOFI_STORE_SAFETENSORS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef enum lofi_stored_type {
    LOFI_STORED_F64,
    LOFI_STORED_F32,
    LOFI_STORED_F16,
    LOFI_STORED_BF16,
    LOFI_STORED_I64,
    LOFI_STORED_I32,
    LOFI_STORED_I16,
    LOFI_STORED_I8,
    LOFI_STORED_U8,
    LOFI_STORED_BOOL, /* one byte, 0 or 1 */
    LOFI_STORED_TYPE_COUNT
} lofi_stored_type;

size_t lofi_stored_type_bytes(lofi_stored_type type);
/* As in the files: "F32", "BF16", ... */
const char *lofi_stored_type_name(lofi_stored_type type);

#define LOFI_STORED_MAX_RANK 8

typedef struct lofi_stored_tensor {
    const char *name;
    lofi_stored_type type;
    int rank;                           /* 0: a single value */
    int64_t dims[LOFI_STORED_MAX_RANK]; /* row-major, the last fastest; each >= 0 */
    size_t count;                       /* elements: the product of dims */
    size_t bytes;                       /* count x lofi_stored_type_bytes */
    const void *data;                   /* little-endian; `aligned` says whether it may be read as its type */
    bool aligned;                       /* files of other programs may place tensors at odd addresses */
} lofi_stored_tensor;

/* A tensor's declaration, without data: fills count and bytes; asserts that they fit into size_t. `name` is
 * borrowed. */
lofi_stored_tensor lofi_stored_declare(const char *name, lofi_stored_type type, int rank, const int64_t *dims);
/* "[256, 64]" into text; for messages. */
void lofi_stored_shape_text(char text[128], const lofi_stored_tensor *tensor);
bool lofi_stored_has_shape(const lofi_stored_tensor *tensor, int rank, const int64_t *dims);
/* Elements first .. first + count - 1 as numbers; every type, any alignment (F64 is rounded to float). */
void lofi_stored_read_f32(const lofi_stored_tensor *tensor, size_t first, float *values, size_t count);
void lofi_stored_read_f64(const lofi_stored_tensor *tensor, size_t first, double *values, size_t count);
/* Integer types and BOOL only; asserts it. */
void lofi_stored_read_i64(const lofi_stored_tensor *tensor, size_t first, int64_t *values, size_t count);

/* ---- reading ---- */

typedef struct lofi_safetensors lofi_safetensors;

/* *out is yours: lofi_safetensors_close. Tensors and texts are borrowed from it, pointers lead into the mapped
 * file. */
lofi_code lofi_safetensors_open(lofi_safetensors **out, const char *path, lofi_error *err) LOFI_MUST_USE;
void lofi_safetensors_close(lofi_safetensors *file); /* NULL is fine */

const char *lofi_safetensors_path(const lofi_safetensors *file);
/* In the order of the data. */
size_t lofi_safetensors_count(const lofi_safetensors *file);
const lofi_stored_tensor *lofi_safetensors_at(const lofi_safetensors *file, size_t index);
/* NULL when there is none of that name. */
const lofi_stored_tensor *lofi_safetensors_find(const lofi_safetensors *file, const char *name);
/* As find, but a missing tensor is LOFI_ERR_NOT_FOUND naming file and tensor. */
lofi_code lofi_safetensors_get(const lofi_stored_tensor **out, const lofi_safetensors *file, const char *name,
                               lofi_error *err) LOFI_MUST_USE;
/* A text of the metadata, or NULL. */
const char *lofi_safetensors_metadata(const lofi_safetensors *file, const char *key);
/* All metadata as a JSON object of strings, borrowed; NULL when there is none. */
const json_t *lofi_safetensors_metadata_all(const lofi_safetensors *file);

/* ---- writing ---- */

typedef struct lofi_safetensors_writer lofi_safetensors_writer;

/* Writes the header at once: all tensors are declared first, and lie in the file in this order. `metadata`: an object
 * of strings, or NULL. Names must be different and not "__metadata__" (asserted). The header is padded with spaces
 * so that the data starts at a multiple of 8. Nothing is seen at `path` before the commit. */
lofi_code lofi_safetensors_writer_open(lofi_safetensors_writer **out, const char *path,
                                       const lofi_stored_tensor *tensors, size_t count, const json_t *metadata,
                                       lofi_error *err) LOFI_MUST_USE;
/* The next tensor, whole: asserts that it is `name` and that its turn has come. `data` has its declared bytes. */
lofi_code lofi_safetensors_writer_add(lofi_safetensors_writer *writer, const char *name, const void *data,
                                      lofi_error *err) LOFI_MUST_USE;
/* Part of a tensor: bytes simply follow each other, through all tensors in order. Never past the declared end
 * (asserted). */
lofi_code lofi_safetensors_writer_bytes(lofi_safetensors_writer *writer, const void *bytes, size_t size,
                                        lofi_error *err) LOFI_MUST_USE;
/* Frees the writer whatever happens. Asserts that every declared byte was written. */
lofi_code lofi_safetensors_writer_commit(lofi_safetensors_writer *writer, lofi_error *err) LOFI_MUST_USE;
void lofi_safetensors_writer_abort(lofi_safetensors_writer *writer); /* NULL is fine */

/* Sorts as the reference library lays files out: larger element types first (alignment), then by name. */
void lofi_stored_sort(lofi_stored_tensor *tensors, size_t count);
/* All at once: tensors with their data, in the order of lofi_stored_sort (the caller's array stays as it is). */
lofi_code lofi_safetensors_save(const char *path, const lofi_stored_tensor *tensors, size_t count,
                                const json_t *metadata, lofi_error *err) LOFI_MUST_USE;

#endif
