/* arrow_write.c - writes Arrow IPC streams.
 *
 * Flatbuffers are laid down front to back: a table first, what it points to behind it, and the pointers (always
 * forward offsets) filled in when their targets are written. https://flatbuffers.dev/internals/
 */
#include <assert.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"
#include "store/arrow.h"
#include "store/arrow_format.h"

enum { BATCH_ROWS = 1000, BATCH_BYTES = 64 << 20, MAX_TABLE_FIELDS = 8 };

typedef struct output_column {
    lofi_arrow_kind kind;
    lofi_buffer offsets;      /* int32, rows + 1: texts and lists */
    lofi_buffer item_offsets; /* int32, items + 1: the texts in lists */
    lofi_buffer data;         /* bytes of texts, or numbers */
    size_t values;            /* in this batch */
} output_column;

struct lofi_arrow_writer {
    lofi_writer *file;
    output_column *columns;
    size_t column_count;
    size_t rows; /* in this batch */
};

/* ---- flatbuffers ---- */

static void align_to(lofi_buffer *out, size_t multiple, size_t remainder) {
    while (out->failed == LOFI_OK && out->size % multiple != remainder) lofi_buffer_zeros(out, 1);
}

static void put16(lofi_buffer *out, uint16_t value) {
    lofi_buffer_append(out, &value, sizeof value);
}

static void put32(lofi_buffer *out, uint32_t value) {
    lofi_buffer_append(out, &value, sizeof value);
}

static void put64(lofi_buffer *out, int64_t value) {
    lofi_buffer_append(out, &value, sizeof value);
}

static void set_at(lofi_buffer *out, size_t at, const void *bytes, size_t size) {
    if (out->failed == LOFI_OK) memcpy(out->data + at, bytes, size);
}

static void set16(lofi_buffer *out, size_t at, uint16_t value) {
    set_at(out, at, &value, sizeof value);
}

static void set64(lofi_buffer *out, size_t at, int64_t value) {
    set_at(out, at, &value, sizeof value);
}

/* The pointer at `at` leads to the end of what is written, where its target comes next (after alignment). */
static void point_here(lofi_buffer *out, size_t at) {
    uint32_t distance = (uint32_t)(out->size - at);
    set_at(out, at, &distance, sizeof distance);
}

/* A table of zeros with its description before it. sizes[i]: bytes of field i (8, 4, 2, 1), 0 when absent. at[i]
 * becomes the place of field i. Returns the place of the table. */
static size_t put_table(lofi_buffer *out, const unsigned char *sizes, size_t count, size_t at[MAX_TABLE_FIELDS]) {
    assert(count <= MAX_TABLE_FIELDS);
    uint16_t places[MAX_TABLE_FIELDS] = {0}, table_bytes = 4;
    for (unsigned char size = 8; size >= 1; size /= 2)
        for (size_t i = 0; i < count; i++)
            if (sizes[i] == size) {
                places[i] = table_bytes;
                table_bytes = (uint16_t)(table_bytes + size);
            }
    uint16_t description_bytes = (uint16_t)(4 + 2 * count);
    align_to(out, 8, (12 - description_bytes % 8) % 8); /* the table lies at 4 modulo 8, its widest fields at 0 */
    put16(out, description_bytes);
    put16(out, table_bytes);
    for (size_t i = 0; i < count; i++) put16(out, places[i]);
    size_t table = out->size;
    put32(out, description_bytes);
    lofi_buffer_zeros(out, table_bytes - 4u);
    for (size_t i = 0; i < count; i++) at[i] = table + places[i];
    return table;
}

/* A table that the pointer at `from` leads to. */
static void put_table_for(lofi_buffer *out, size_t from, const unsigned char *sizes, size_t count,
                          size_t at[MAX_TABLE_FIELDS]) {
    size_t table = put_table(out, sizes, count, at);
    uint32_t distance = (uint32_t)(table - from);
    set_at(out, from, &distance, sizeof distance);
}

static void put_text_for(lofi_buffer *out, size_t from, const char *text) {
    size_t length = strlen(text);
    align_to(out, 4, 0);
    point_here(out, from);
    put32(out, (uint32_t)length);
    lofi_buffer_append(out, text, length + 1);
}

/* A vector of `count` pointers; returns the place of the first. */
static size_t put_pointers_for(lofi_buffer *out, size_t from, size_t count) {
    align_to(out, 4, 0);
    point_here(out, from);
    put32(out, (uint32_t)count);
    size_t first = out->size;
    lofi_buffer_zeros(out, 4 * count);
    return first;
}

/* A vector of `count` pairs of 64-bit numbers; returns the place of the first. */
static size_t put_pairs_for(lofi_buffer *out, size_t from, size_t count) {
    align_to(out, 8, 4);
    point_here(out, from);
    put32(out, (uint32_t)count);
    size_t first = out->size;
    lofi_buffer_zeros(out, 16 * count);
    return first;
}

/* ---- messages ---- */

/* Starts a message; returns the place of the pointer to its header, and where the body's length goes. */
static size_t put_message(lofi_buffer *out, unsigned char header_type, size_t *body_length_at) {
    static const unsigned char sizes[] = {2, 1, 4, 8};
    size_t at[MAX_TABLE_FIELDS];
    put32(out, 0);
    put_table_for(out, 0, sizes, 4, at);
    set16(out, at[0], ARROW_VERSION_5);
    set_at(out, at[1], &header_type, 1);
    *body_length_at = at[3];
    return at[2];
}

static unsigned char type_of(lofi_arrow_kind kind) {
    switch (kind) {
    case LOFI_ARROW_TEXT: return ARROW_TYPE_UTF8;
    case LOFI_ARROW_TEXTS: return ARROW_TYPE_LIST;
    case LOFI_ARROW_F32:
    case LOFI_ARROW_F64: return ARROW_TYPE_FLOAT;
    case LOFI_ARROW_I64: return ARROW_TYPE_INT;
    default: assert(kind == LOFI_ARROW_STRUCT); return ARROW_TYPE_STRUCT;
    }
}

static void put_type_for(lofi_buffer *out, size_t from, lofi_arrow_kind kind) {
    static const unsigned char none[1], number[] = {2}, integer[] = {4, 1};
    size_t at[MAX_TABLE_FIELDS];
    if (kind == LOFI_ARROW_F32 || kind == LOFI_ARROW_F64) {
        put_table_for(out, from, number, 1, at);
        set16(out, at[0], kind == LOFI_ARROW_F32 ? ARROW_PRECISION_SINGLE : ARROW_PRECISION_DOUBLE);
    } else if (kind == LOFI_ARROW_I64) {
        uint32_t bits = 64;
        put_table_for(out, from, integer, 2, at);
        set_at(out, at[0], &bits, sizeof bits);
        set_at(out, at[1], "\1", 1);
    } else {
        put_table_for(out, from, none, 0, at);
    }
}

/* Field: name, nullable, type_type, type, dictionary (absent), children. Readers expect `children` to be there. */
static void put_field_for(lofi_buffer *out, size_t from, const char *name, lofi_arrow_kind kind) {
    static const unsigned char sizes[] = {4, 1, 1, 4, 0, 4};
    size_t at[MAX_TABLE_FIELDS];
    unsigned char type = type_of(kind);
    put_table_for(out, from, sizes, 6, at);
    set_at(out, at[1], "\1", 1);
    set_at(out, at[2], &type, 1);
    put_text_for(out, at[0], name);
    put_type_for(out, at[3], kind);
    size_t child = put_pointers_for(out, at[5], kind == LOFI_ARROW_TEXTS ? 1 : 0);
    if (kind == LOFI_ARROW_TEXTS) put_field_for(out, child, "item", LOFI_ARROW_TEXT);
}

static void put_metadata_for(lofi_buffer *out, size_t from, const char *key, const char *value) {
    static const unsigned char sizes[] = {4, 4};
    size_t at[MAX_TABLE_FIELDS];
    size_t first = put_pointers_for(out, from, 1);
    put_table_for(out, first, sizes, 2, at);
    put_text_for(out, at[0], key);
    put_text_for(out, at[1], value);
}

static void put_schema(lofi_buffer *out, const lofi_arrow_field *fields, size_t count, const char *key,
                       const char *value) {
    unsigned char sizes[] = {2, 4, key ? 4 : 0};
    size_t at[MAX_TABLE_FIELDS], body_length_at;
    size_t header = put_message(out, ARROW_MESSAGE_SCHEMA, &body_length_at);
    put_table_for(out, header, sizes, 3, at);
    size_t first = put_pointers_for(out, at[1], count);
    for (size_t i = 0; i < count; i++) put_field_for(out, first + 4 * i, fields[i].name, fields[i].kind);
    if (key) put_metadata_for(out, at[2], key, value);
}

/* Continuation mark, length, flatbuffer, padded so that the body starts at a multiple of 8. */
static lofi_code write_message(lofi_writer *file, lofi_buffer *message, lofi_error *err) {
    align_to(message, 8, 0);
    LOFI_TRY(lofi_buffer_check(message, err));
    uint32_t head[2] = {ARROW_CONTINUATION, (uint32_t)message->size};
    LOFI_TRY(lofi_writer_write(file, head, sizeof head, err));
    return lofi_writer_write(file, message->data, message->size, err);
}

/* ---- record batches ---- */

enum { MAX_PARTS = 3 };

/* The buffers of a column in the order of the format. An empty one stands for "no value is absent". */
static size_t column_parts(const output_column *column, const lofi_buffer *parts[2 * MAX_PARTS]) {
    static const lofi_buffer empty = LOFI_BUFFER_INIT;
    size_t count = 0;
    parts[count++] = &empty;
    if (column->kind == LOFI_ARROW_STRUCT) return count;
    if (column->kind == LOFI_ARROW_TEXT || column->kind == LOFI_ARROW_TEXTS) parts[count++] = &column->offsets;
    if (column->kind == LOFI_ARROW_TEXTS) {
        parts[count++] = &empty;
        parts[count++] = &column->item_offsets;
    }
    parts[count++] = &column->data;
    return count;
}

static size_t padded(size_t size) {
    return (size + 7) & ~(size_t)7;
}

static size_t item_count(const output_column *column) {
    return column->item_offsets.size / 4 - 1;
}

static int64_t put_batch(lofi_buffer *out, const lofi_arrow_writer *writer) {
    static const unsigned char sizes[] = {8, 4, 4};
    size_t at[MAX_TABLE_FIELDS], body_length_at, nodes = 0, buffers = 0;
    const lofi_buffer *parts[2 * MAX_PARTS];
    for (size_t i = 0; i < writer->column_count; i++) {
        nodes += writer->columns[i].kind == LOFI_ARROW_TEXTS ? 2 : 1;
        buffers += column_parts(&writer->columns[i], parts);
    }
    size_t header = put_message(out, ARROW_MESSAGE_BATCH, &body_length_at);
    put_table_for(out, header, sizes, 3, at);
    set64(out, at[0], (int64_t)writer->rows);
    size_t node = put_pairs_for(out, at[1], nodes);
    size_t place = put_pairs_for(out, at[2], buffers);
    int64_t offset = 0;
    for (size_t i = 0; i < writer->column_count; i++) {
        const output_column *column = &writer->columns[i];
        set64(out, node, (int64_t)writer->rows);
        node += 16;
        if (column->kind == LOFI_ARROW_TEXTS) {
            set64(out, node, (int64_t)item_count(column));
            node += 16;
        }
        size_t count = column_parts(column, parts);
        for (size_t part = 0; part < count; part++, place += 16) {
            set64(out, place, offset);
            set64(out, place + 8, (int64_t)parts[part]->size);
            offset += (int64_t)padded(parts[part]->size);
        }
    }
    set64(out, body_length_at, offset);
    return offset;
}

static lofi_code write_body(const lofi_arrow_writer *writer, lofi_error *err) {
    static const char zeros[8];
    const lofi_buffer *parts[2 * MAX_PARTS];
    for (size_t i = 0; i < writer->column_count; i++) {
        size_t count = column_parts(&writer->columns[i], parts);
        for (size_t part = 0; part < count; part++) {
            size_t size = parts[part]->size;
            if (size > 0) LOFI_TRY(lofi_writer_write(writer->file, parts[part]->data, size, err));
            if (padded(size) > size) LOFI_TRY(lofi_writer_write(writer->file, zeros, padded(size) - size, err));
        }
    }
    return LOFI_OK;
}

static void start_column(output_column *column) {
    lofi_buffer_clear(&column->offsets);
    lofi_buffer_clear(&column->item_offsets);
    lofi_buffer_clear(&column->data);
    if (column->kind == LOFI_ARROW_TEXT || column->kind == LOFI_ARROW_TEXTS) put32(&column->offsets, 0);
    if (column->kind == LOFI_ARROW_TEXTS) put32(&column->item_offsets, 0);
    column->values = 0;
}

static lofi_code flush(lofi_arrow_writer *writer, lofi_error *err) {
    if (writer->rows == 0) return LOFI_OK;
    lofi_buffer message = LOFI_BUFFER_INIT;
    put_batch(&message, writer);
    lofi_code code = write_message(writer->file, &message, err);
    lofi_buffer_free(&message);
    if (code == LOFI_OK) code = write_body(writer, err);
    for (size_t i = 0; i < writer->column_count; i++) start_column(&writer->columns[i]);
    writer->rows = 0;
    return code;
}

/* ---- rows ---- */

static output_column *column_for(lofi_arrow_writer *writer, size_t index, lofi_arrow_kind kind) {
    assert(index < writer->column_count);
    output_column *column = &writer->columns[index];
    assert(column->kind == kind && column->values == writer->rows);
    (void)kind;
    column->values++;
    return column;
}

void lofi_arrow_add_text(lofi_arrow_writer *writer, size_t index, const char *text) {
    output_column *column = column_for(writer, index, LOFI_ARROW_TEXT);
    lofi_buffer_text(&column->data, text);
    put32(&column->offsets, (uint32_t)column->data.size);
}

void lofi_arrow_add_texts(lofi_arrow_writer *writer, size_t index, const char *const *texts, size_t count) {
    output_column *column = column_for(writer, index, LOFI_ARROW_TEXTS);
    for (size_t i = 0; i < count; i++) {
        lofi_buffer_text(&column->data, texts[i]);
        put32(&column->item_offsets, (uint32_t)column->data.size);
    }
    put32(&column->offsets, (uint32_t)item_count(column));
}

void lofi_arrow_add_number(lofi_arrow_writer *writer, size_t index, double value) {
    assert(index < writer->column_count);
    lofi_arrow_kind kind = writer->columns[index].kind;
    assert(kind == LOFI_ARROW_F32 || kind == LOFI_ARROW_F64);
    output_column *column = column_for(writer, index, kind);
    float single = (float)value;
    if (kind == LOFI_ARROW_F32)
        lofi_buffer_append(&column->data, &single, sizeof single);
    else
        lofi_buffer_append(&column->data, &value, sizeof value);
}

void lofi_arrow_add_integer(lofi_arrow_writer *writer, size_t index, int64_t value) {
    put64(&column_for(writer, index, LOFI_ARROW_I64)->data, value);
}

lofi_code lofi_arrow_end_row(lofi_arrow_writer *writer, lofi_error *err) {
    size_t bytes = 0;
    writer->rows++;
    for (size_t i = 0; i < writer->column_count; i++) {
        output_column *column = &writer->columns[i];
        assert(column->kind == LOFI_ARROW_STRUCT || column->values == writer->rows);
        LOFI_TRY(lofi_buffer_check(&column->offsets, err));
        LOFI_TRY(lofi_buffer_check(&column->item_offsets, err));
        LOFI_TRY(lofi_buffer_check(&column->data, err));
        bytes += column->data.size;
    }
    return writer->rows < BATCH_ROWS && bytes < BATCH_BYTES ? LOFI_OK : flush(writer, err);
}

/* ---- the file ---- */

static lofi_code open_into(lofi_arrow_writer *writer, const char *path, const lofi_arrow_field *fields, size_t count,
                           const char *key, const char *value, lofi_error *err) {
    LOFI_TRY(lofi_alloc((void **)&writer->columns, count, sizeof *writer->columns, "the columns", err));
    for (size_t i = 0; i < count; i++) {
        output_column *column = &writer->columns[i];
        *column = (output_column){.kind = fields[i].kind,
                                  .offsets = LOFI_BUFFER_INIT,
                                  .item_offsets = LOFI_BUFFER_INIT,
                                  .data = LOFI_BUFFER_INIT};
        column->data.max_bytes = INT32_MAX; /* offsets have 32 bits */
        start_column(column);
        writer->column_count++;
    }
    LOFI_TRY(lofi_writer_open(&writer->file, path, err));
    lofi_buffer message = LOFI_BUFFER_INIT;
    put_schema(&message, fields, count, key, value);
    lofi_code code = write_message(writer->file, &message, err);
    lofi_buffer_free(&message);
    return code;
}

lofi_code lofi_arrow_writer_open(lofi_arrow_writer **out, const char *path, const lofi_arrow_field *fields,
                                 size_t field_count, const char *metadata_key, const char *metadata_value,
                                 lofi_error *err) {
    lofi_arrow_writer *writer;
    LOFI_TRY(lofi_alloc((void **)&writer, 1, sizeof *writer, "an Arrow file", err));
    lofi_code code = open_into(writer, path, fields, field_count, metadata_key, metadata_value, err);
    if (code != LOFI_OK) {
        lofi_arrow_writer_abort(writer);
        return code;
    }
    *out = writer;
    return LOFI_OK;
}

static void release(lofi_arrow_writer *writer) {
    for (size_t i = 0; i < writer->column_count; i++) {
        lofi_buffer_free(&writer->columns[i].offsets);
        lofi_buffer_free(&writer->columns[i].item_offsets);
        lofi_buffer_free(&writer->columns[i].data);
    }
    lofi_free(writer->columns);
    lofi_free(writer);
}

lofi_code lofi_arrow_writer_commit(lofi_arrow_writer *writer, lofi_error *err) {
    static const uint32_t end[2] = {ARROW_CONTINUATION, 0};
    lofi_code code = flush(writer, err);
    if (code == LOFI_OK) code = lofi_writer_write(writer->file, end, sizeof end, err);
    if (code == LOFI_OK)
        code = lofi_writer_commit(writer->file, err);
    else
        lofi_writer_abort(writer->file);
    release(writer);
    return code;
}

void lofi_arrow_writer_abort(lofi_arrow_writer *writer) {
    if (!writer) return;
    lofi_writer_abort(writer->file);
    release(writer);
}
