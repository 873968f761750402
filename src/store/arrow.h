/* arrow.h - Arrow IPC stream files, as far as datasets need them.
 *
 * Format: https://arrow.apache.org/docs/format/Columnar.html ("Serialization and interprocess communication"): a
 * schema message, record batches, an end marker; each message is a flatbuffer (Message.fbs, Schema.fbs) behind
 * FFFFFFFF and its length, then the columns' buffers.
 *
 * Written are the column kinds below, all values present, uncompressed, buffers aligned to 8 bytes. Read is what
 * other programs write of these kinds: 32- and 64-bit offsets, absent values, integers of any width; columns of
 * other types are stepped over (LOFI_ARROW_OTHER). Dictionaries, compression, unions, views and run-end encoding
 * are LOFI_ERR_UNSUPPORTED. Everything is checked when a file is opened (bounds, rising offsets, UTF-8): a damaged
 * or incomplete file is LOFI_ERR_FORMAT, naming file and column.
 */
#ifndef LOFI_STORE_ARROW_H
#define LOFI_STORE_ARROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef enum lofi_arrow_kind {
    LOFI_ARROW_TEXT,   /* Utf8, LargeUtf8                                       */
    LOFI_ARROW_TEXTS,  /* List or LargeList of Utf8 or LargeUtf8                */
    LOFI_ARROW_F32,    /* FloatingPoint, single                                 */
    LOFI_ARROW_F64,    /* FloatingPoint, double                                 */
    LOFI_ARROW_I64,    /* Int; when reading, of 8 to 64 bits, signed or not     */
    LOFI_ARROW_STRUCT, /* written without fields; when read, stepped over       */
    LOFI_ARROW_OTHER   /* only when read: stepped over                          */
} lofi_arrow_kind;

typedef struct lofi_arrow_field {
    const char *name;
    lofi_arrow_kind kind;
} lofi_arrow_field;

/* ---- writing ---- */

typedef struct lofi_arrow_writer lofi_arrow_writer;

/* `metadata_key` and `metadata_value`: one entry of the schema's metadata, both NULL for none. Nothing is seen at
 * `path` before the commit. */
lofi_code lofi_arrow_writer_open(lofi_arrow_writer **out, const char *path, const lofi_arrow_field *fields,
                                 size_t field_count, const char *metadata_key, const char *metadata_value,
                                 lofi_error *err) LOFI_MUST_USE;
/* The values of a row, each column once and of its kind (asserted by lofi_arrow_end_row); a struct needs no value.
 * Texts are copied. Failures (memory) are kept and reported by lofi_arrow_end_row. */
void lofi_arrow_add_text(lofi_arrow_writer *writer, size_t column, const char *text);
void lofi_arrow_add_texts(lofi_arrow_writer *writer, size_t column, const char *const *texts, size_t count);
void lofi_arrow_add_number(lofi_arrow_writer *writer, size_t column, double value); /* F32, F64 */
void lofi_arrow_add_integer(lofi_arrow_writer *writer, size_t column, int64_t value);
/* Ends a row; a record batch is written every 1,000 rows or 64 MiB. */
lofi_code lofi_arrow_end_row(lofi_arrow_writer *writer, lofi_error *err) LOFI_MUST_USE;
/* Frees the writer whatever happens. */
lofi_code lofi_arrow_writer_commit(lofi_arrow_writer *writer, lofi_error *err) LOFI_MUST_USE;
void lofi_arrow_writer_abort(lofi_arrow_writer *writer); /* NULL is fine */

/* ---- reading ---- */

typedef struct lofi_arrow_file lofi_arrow_file;

/* *out is yours: lofi_arrow_close. */
lofi_code lofi_arrow_open(lofi_arrow_file **out, const char *path, lofi_error *err) LOFI_MUST_USE;
void lofi_arrow_close(lofi_arrow_file *file); /* NULL is fine */

size_t lofi_arrow_row_count(const lofi_arrow_file *file);
size_t lofi_arrow_field_count(const lofi_arrow_file *file);
lofi_arrow_field lofi_arrow_field_at(const lofi_arrow_file *file, size_t column);
/* The column of that name, or -1. */
int lofi_arrow_column(const lofi_arrow_file *file, const char *name);
/* A text of the schema's metadata, or NULL; borrowed. */
const char *lofi_arrow_metadata(const lofi_arrow_file *file, const char *key);

/* A text in the mapped file: valid UTF-8, no zero byte behind it. Absent values: bytes NULL, size 0. */
typedef struct lofi_arrow_text {
    const char *bytes;
    size_t size;
} lofi_arrow_text;

/* Values; the kind of the column and the ranges are asserted. An absent list has no items, an absent number is NaN,
 * an absent integer 0. */
lofi_arrow_text lofi_arrow_get_text(const lofi_arrow_file *file, size_t column, size_t row);
size_t lofi_arrow_get_text_count(const lofi_arrow_file *file, size_t column, size_t row);
lofi_arrow_text lofi_arrow_get_text_item(const lofi_arrow_file *file, size_t column, size_t row, size_t item);
double lofi_arrow_get_number(const lofi_arrow_file *file, size_t column, size_t row); /* F32, F64, I64 */
int64_t lofi_arrow_get_integer(const lofi_arrow_file *file, size_t column, size_t row);

#endif
