/* arrow_read.c - reads Arrow IPC streams. Nothing in the file is trusted: every offset is checked before it is
 * followed. */
#include <assert.h>
#include <math.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "store/arrow.h"
#include "store/arrow_format.h"

enum { MAX_FIELDS = 1000, MAX_DEPTH = 16, MAX_BATCHES = 1 << 24 };

/* A column of the schema. */
typedef struct column_schema {
    char *name;
    lofi_arrow_kind kind;
    bool wide_offsets;      /* 64 bits: LargeUtf8 or LargeList */
    bool wide_item_offsets; /* of the texts in a list */
    int bits;               /* of integers */
    bool is_signed;
    size_t nodes, buffers; /* how many of each a record batch holds for it */
} column_schema;

/* The values of a column in one batch. Pointers into the map, checked. */
typedef struct column_values {
    const unsigned char *present, *offsets, *data;    /* `present` NULL: all are */
    const unsigned char *item_present, *item_offsets; /* of the texts in lists */
} column_values;

typedef struct record_batch {
    size_t first_row, rows;
    column_values *parts; /* one per field; in the arena */
} record_batch;

struct lofi_arrow_file {
    char path[LOFI_PATH_MAX];
    lofi_mapping map;
    lofi_arena *arena;
    column_schema *fields;
    size_t field_count;
    struct {
        char *key, *value;
    } * metadata;
    size_t metadata_count;
    record_batch *batches;
    size_t batch_count, batch_capacity, row_count;
};

/* ---- flatbuffers, read with suspicion ---- */

/* A run of bytes holding one flatbuffer. `damaged` is set by the first thing that does not hold; results are then
 * 0. */
typedef struct flatbuffer {
    const unsigned char *bytes;
    size_t size;
    size_t copied; /* bytes of texts taken out of it */
    bool damaged;
} flatbuffer;

static bool within(flatbuffer *flat, size_t at, size_t size) {
    if (at <= flat->size && size <= flat->size - at) return true;
    flat->damaged = true;
    return false;
}

static uint64_t number(flatbuffer *flat, size_t at, size_t size) {
    uint64_t value = 0;
    if (within(flat, at, size)) memcpy(&value, flat->bytes + at, size);
    return value;
}

/* Follows the forward pointer at `at`; 0 is never a target. */
static size_t target(flatbuffer *flat, size_t at) {
    size_t distance = (size_t)number(flat, at, 4);
    if (distance == 0 || !within(flat, at, distance)) {
        flat->damaged = true;
        return 0;
    }
    return at + distance;
}

/* The place of field `index` (of `size` bytes) of the table at `table`; 0 when it is absent. */
static size_t member(flatbuffer *flat, size_t table, size_t index, size_t size) {
    int32_t back = (int32_t)number(flat, table, 4);
    int64_t place = (int64_t)table - back;
    if (flat->damaged || place < 0 || !within(flat, (size_t)place, 4)) {
        flat->damaged = true;
        return 0;
    }
    size_t description_bytes = (size_t)number(flat, (size_t)place, 2);
    if (4 + 2 * index + 2 > description_bytes) return 0;
    size_t offset = (size_t)number(flat, (size_t)place + 4 + 2 * index, 2);
    if (flat->damaged || offset == 0) return 0;
    return within(flat, table + offset, size) ? table + offset : 0;
}

static uint64_t member_number(flatbuffer *flat, size_t table, size_t index, size_t size, uint64_t fallback) {
    size_t at = member(flat, table, index, size);
    return at ? number(flat, at, size) : fallback;
}

/* The table, text or vector that field `index` points to; 0 when absent. */
static size_t member_target(flatbuffer *flat, size_t table, size_t index) {
    size_t at = member(flat, table, index, 4);
    return at ? target(flat, at) : 0;
}

/* The first item of a vector field and its *count; 0 and 0 when absent. */
static size_t member_vector(flatbuffer *flat, size_t table, size_t index, size_t item_bytes, size_t *count) {
    *count = 0;
    size_t vector = member_target(flat, table, index);
    if (!vector) return 0;
    size_t items = (size_t)number(flat, vector, 4);
    if (flat->damaged || !within(flat, vector + 4, items * item_bytes)) return 0; /* items < 2^32: no overflow */
    *count = items;
    return vector + 4;
}

static char *member_text(flatbuffer *flat, size_t table, size_t index, lofi_arena *arena) {
    size_t length;
    size_t at = member_vector(flat, table, index, 1, &length);
    const char *bytes = (const char *)flat->bytes + at;
    if (!at || memchr(bytes, 0, length) || !lofi_utf8_valid(bytes, length)) return NULL;
    flat->copied += length;
    if (flat->copied > flat->size) return NULL; /* texts that share their place, to exhaust memory */
    char *text = lofi_arena_alloc(arena, length + 1);
    if (text) memcpy(text, bytes, length);
    return text;
}

/* ---- errors ---- */

static lofi_code damaged(const lofi_arrow_file *file, const char *what, lofi_error *err) {
    lofi_fail(err, LOFI_ERR_FORMAT, "'%s': %s", file->path, what);
    return lofi_hint(err, "the file is damaged, incomplete or no Arrow stream: write the dataset again");
}

static lofi_code damaged_column(const lofi_arrow_file *file, const char *name, const char *what, lofi_error *err) {
    lofi_fail(err, LOFI_ERR_FORMAT, "'%s': column '%s': %s", file->path, name, what);
    return lofi_hint(err, "the file is damaged: write the dataset again");
}

/* ---- schema ---- */

/* Buffers that an array of this type has itself, or -1 for types that cannot be stepped over. */
static int own_buffers(int type) {
    switch (type) {
    case ARROW_TYPE_NULL: return 0;
    case ARROW_TYPE_STRUCT:
    case ARROW_TYPE_FIXED_SIZE_LIST: return 1;
    case ARROW_TYPE_BINARY:
    case ARROW_TYPE_UTF8:
    case ARROW_TYPE_LARGE_BINARY:
    case ARROW_TYPE_LARGE_UTF8: return 3;
    case ARROW_TYPE_UNION: return -1;
    default: return type > 0 && type <= ARROW_TYPE_LARGE_LIST ? 2 : -1;
    }
}

/* Adds the nodes and buffers of the field at `table` and of all below it. False: not a type that can be stepped
 * over. */
static bool count_parts(flatbuffer *flat, size_t table, int depth, column_schema *column) {
    int buffers = own_buffers((int)member_number(flat, table, 2, 1, 0));
    if (depth > MAX_DEPTH || buffers < 0 || member(flat, table, 4, 4) || column->nodes > MAX_FIELDS) return false;
    column->nodes++;
    column->buffers += (size_t)buffers;
    size_t count;
    size_t first = member_vector(flat, table, 5, 4, &count);
    for (size_t i = 0; i < count && !flat->damaged; i++) {
        size_t child = target(flat, first + 4 * i);
        if (!child || !count_parts(flat, child, depth + 1, column)) return false;
    }
    return true;
}

static bool is_text(int type) {
    return type == ARROW_TYPE_UTF8 || type == ARROW_TYPE_LARGE_UTF8;
}

/* A list is TEXTS when its one child is a text. */
static void describe_list(flatbuffer *flat, size_t table, column_schema *column) {
    size_t count;
    size_t first = member_vector(flat, table, 5, 4, &count);
    size_t child = count == 1 ? target(flat, first) : 0;
    int item = child ? (int)member_number(flat, child, 2, 1, 0) : 0;
    if (!is_text(item)) return;
    column->kind = LOFI_ARROW_TEXTS;
    column->wide_item_offsets = item == ARROW_TYPE_LARGE_UTF8;
}

static void describe_type(flatbuffer *flat, size_t table, column_schema *column) {
    int type = (int)member_number(flat, table, 2, 1, 0);
    size_t detail = member_target(flat, table, 3);
    column->kind = LOFI_ARROW_OTHER;
    column->wide_offsets = type == ARROW_TYPE_LARGE_UTF8 || type == ARROW_TYPE_LARGE_LIST;
    if (is_text(type)) column->kind = LOFI_ARROW_TEXT;
    if (type == ARROW_TYPE_STRUCT) column->kind = LOFI_ARROW_STRUCT;
    if (type == ARROW_TYPE_LIST || type == ARROW_TYPE_LARGE_LIST) describe_list(flat, table, column);
    if (type == ARROW_TYPE_INT && detail) {
        column->bits = (int)member_number(flat, detail, 0, 4, 0);
        column->is_signed = member_number(flat, detail, 1, 1, 0) != 0;
        if (column->bits == 8 || column->bits == 16 || column->bits == 32 || column->bits == 64)
            column->kind = LOFI_ARROW_I64;
    }
    if (type == ARROW_TYPE_FLOAT && detail) {
        int precision = (int)member_number(flat, detail, 0, 2, 0);
        if (precision == ARROW_PRECISION_SINGLE) column->kind = LOFI_ARROW_F32;
        if (precision == ARROW_PRECISION_DOUBLE) column->kind = LOFI_ARROW_F64;
    }
}

static lofi_code read_field(lofi_arrow_file *file, flatbuffer *flat, size_t table, lofi_error *err) {
    column_schema *column = &file->fields[file->field_count];
    column->name = member_text(flat, table, 0, file->arena);
    if (flat->damaged || !column->name) return damaged(file, "a column of the schema has no valid name", err);
    bool known = count_parts(flat, table, 0, column);
    describe_type(flat, table, column);
    if (flat->damaged) return damaged_column(file, column->name, "its description is damaged", err);
    if (!known) {
        lofi_fail(err, LOFI_ERR_UNSUPPORTED, "'%s': column '%s' has a type that this program cannot read", file->path,
                  column->name);
        return lofi_hint(err, "write the dataset without dictionaries, unions and views");
    }
    for (size_t i = 0; i < file->field_count; i++)
        if (strcmp(file->fields[i].name, column->name) == 0)
            return damaged_column(file, column->name, "there are two of that name", err);
    file->field_count++;
    return LOFI_OK;
}

static lofi_code read_metadata(lofi_arrow_file *file, flatbuffer *flat, size_t schema, lofi_error *err) {
    size_t count;
    size_t first = member_vector(flat, schema, 2, 4, &count);
    if (count > MAX_FIELDS) return damaged(file, "the schema has too much metadata", err);
    file->metadata = lofi_arena_alloc(file->arena, (count + 1) * sizeof *file->metadata);
    if (!file->metadata) return lofi_fail(err, LOFI_ERR_MEMORY, "no memory to read '%s'", file->path);
    for (size_t i = 0; i < count; i++) {
        size_t table = target(flat, first + 4 * i);
        char *key = table ? member_text(flat, table, 0, file->arena) : NULL;
        char *value = table ? member_text(flat, table, 1, file->arena) : NULL;
        if (!key || !value) continue; /* metadata may be binary: nobody here asks for that */
        file->metadata[file->metadata_count].key = key;
        file->metadata[file->metadata_count++].value = value;
    }
    return flat->damaged ? damaged(file, "the metadata of the schema is damaged", err) : LOFI_OK;
}

static lofi_code read_schema(lofi_arrow_file *file, flatbuffer *flat, size_t schema, lofi_error *err) {
    if (member_number(flat, schema, 0, 2, 0) != 0)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "'%s' was written with the most significant byte first",
                         file->path);
    size_t count;
    size_t first = member_vector(flat, schema, 1, 4, &count);
    if (count == 0 || count > MAX_FIELDS) return damaged(file, "the schema has no columns, or too many", err);
    file->fields = lofi_arena_alloc(file->arena, count * sizeof *file->fields);
    if (!file->fields) return lofi_fail(err, LOFI_ERR_MEMORY, "no memory to read '%s'", file->path);
    for (size_t i = 0; i < count; i++) {
        size_t table = target(flat, first + 4 * i);
        LOFI_TRY(table ? read_field(file, flat, table, err) : damaged(file, "the schema is damaged", err));
    }
    return read_metadata(file, flat, schema, err);
}

/* ---- offsets ---- */

static int64_t offset_at(const unsigned char *offsets, bool wide, size_t index) {
    int64_t long_value;
    int32_t value;
    if (wide) {
        memcpy(&long_value, offsets + 8 * index, sizeof long_value);
        return long_value;
    }
    memcpy(&value, offsets + 4 * index, sizeof value);
    return value;
}

static bool is_present(const unsigned char *present, size_t index) {
    return !present || (present[index / 8] >> (index % 8) & 1);
}

/* True when count + 1 offsets rise from >= 0 to at most `limit`. */
static bool offsets_rise(const unsigned char *offsets, bool wide, size_t count, size_t limit) {
    int64_t before = offset_at(offsets, wide, 0);
    if (before < 0) return false;
    for (size_t i = 1; i <= count; i++) {
        int64_t next = offset_at(offsets, wide, i);
        if (next < before) return false;
        before = next;
    }
    return (uint64_t)before <= limit;
}

static bool texts_are_utf8(const unsigned char *data, const unsigned char *offsets, bool wide, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int64_t from = offset_at(offsets, wide, i), to = offset_at(offsets, wide, i + 1);
        if (to > from && !lofi_utf8_valid((const char *)data + from, (size_t)(to - from))) return false;
    }
    return true;
}

/* ---- record batches ---- */

/* A batch being read: the flatbuffer's lists of nodes and buffers, taken in order. */
typedef struct batch_cursor {
    const lofi_arrow_file *file;
    flatbuffer *flat;
    size_t nodes, node_count, buffers, buffer_count; /* places in the flatbuffer, and how many are left */
    const unsigned char *body;
    size_t body_bytes;
} batch_cursor;

/* The next node's length; SIZE_MAX when there is none. */
static size_t next_node(batch_cursor *at) {
    if (at->node_count == 0) return SIZE_MAX;
    at->node_count--;
    int64_t length = (int64_t)number(at->flat, at->nodes, 8);
    at->nodes += 16;
    return length < 0 ? SIZE_MAX : (size_t)length;
}

/* The next buffer; false when there is none or it reaches outside the body. */
static bool next_buffer(batch_cursor *at, const unsigned char **bytes, size_t *size) {
    if (at->buffer_count == 0) return false;
    at->buffer_count--;
    int64_t offset = (int64_t)number(at->flat, at->buffers, 8);
    int64_t length = (int64_t)number(at->flat, at->buffers + 8, 8);
    at->buffers += 16;
    if (offset < 0 || length < 0 || (uint64_t)offset > at->body_bytes ||
        (uint64_t)length > at->body_bytes - (uint64_t)offset)
        return false;
    *bytes = at->body + offset;
    *size = (size_t)length;
    return true;
}

static const char *const outside = "its values lie outside the file";
static const char *const too_short = "it has fewer values than rows";

/* Validity bits of `count` values: NULL when all are present. */
static const char *read_presence(batch_cursor *at, size_t count, const unsigned char **present) {
    const unsigned char *bytes;
    size_t size;
    if (!next_buffer(at, &bytes, &size)) return outside;
    *present = size > 0 ? bytes : NULL;
    return size > 0 && size < count / 8 + (count % 8 != 0) ? too_short : NULL;
}

/* Offsets of `count` values; NULL when count is 0 and none are written. */
static const char *read_offsets(batch_cursor *at, size_t count, bool wide, const unsigned char **offsets) {
    static const unsigned char zeros[8];
    const unsigned char *bytes;
    size_t size, each = wide ? 8 : 4;
    if (!next_buffer(at, &bytes, &size)) return outside;
    if (count == 0 && size < each) bytes = zeros;
    if (count > 0 && (size / each < 1 || size / each - 1 < count)) return too_short;
    *offsets = bytes;
    return NULL;
}

static const char *read_texts(batch_cursor *at, size_t count, bool wide, const unsigned char **present,
                              const unsigned char **offsets, const unsigned char **data) {
    size_t size;
    const char *fault = read_presence(at, count, present);
    if (!fault) fault = read_offsets(at, count, wide, offsets);
    if (fault) return fault;
    if (!next_buffer(at, data, &size)) return outside;
    if (!offsets_rise(*offsets, wide, count, size)) return "its offsets do not rise within its data";
    return texts_are_utf8(*data, *offsets, wide, count) ? NULL : "a text is not UTF-8";
}

static const char *read_lists(batch_cursor *at, const column_schema *field, size_t rows, column_values *part) {
    const char *fault = read_presence(at, rows, &part->present);
    if (!fault) fault = read_offsets(at, rows, field->wide_offsets, &part->offsets);
    if (fault) return fault;
    size_t items = next_node(at);
    if (items == SIZE_MAX) return outside;
    if (!offsets_rise(part->offsets, field->wide_offsets, rows, items))
        return "its offsets do not rise within its items";
    return read_texts(at, items, field->wide_item_offsets, &part->item_present, &part->item_offsets, &part->data);
}

static const char *read_numbers(batch_cursor *at, const column_schema *field, size_t rows, column_values *part) {
    size_t size, each = field->kind == LOFI_ARROW_F32 ? 4 : field->kind == LOFI_ARROW_F64 ? 8 : (size_t)field->bits / 8;
    const char *fault = read_presence(at, rows, &part->present);
    if (fault) return fault;
    if (!next_buffer(at, &part->data, &size)) return outside;
    return size / each < rows ? too_short : NULL;
}

static const char *step_over(batch_cursor *at, const column_schema *field) {
    const unsigned char *bytes;
    size_t size;
    for (size_t i = 1; i < field->nodes; i++)
        if (next_node(at) == SIZE_MAX) return outside;
    for (size_t i = 0; i < field->buffers; i++)
        if (!next_buffer(at, &bytes, &size)) return outside;
    return NULL;
}

/* NULL, or what is wrong. */
static const char *read_part(batch_cursor *at, const column_schema *field, size_t rows, column_values *part) {
    if (next_node(at) != rows) return "its length is not that of the batch";
    switch (field->kind) {
    case LOFI_ARROW_TEXT: return read_texts(at, rows, field->wide_offsets, &part->present, &part->offsets, &part->data);
    case LOFI_ARROW_TEXTS: return read_lists(at, field, rows, part);
    case LOFI_ARROW_F32:
    case LOFI_ARROW_F64:
    case LOFI_ARROW_I64: return read_numbers(at, field, rows, part);
    default: return step_over(at, field);
    }
}

static lofi_code read_parts(lofi_arrow_file *file, batch_cursor *at, record_batch *batch, lofi_error *err) {
    batch->parts = lofi_arena_alloc(file->arena, file->field_count * sizeof *batch->parts);
    if (!batch->parts) return lofi_fail(err, LOFI_ERR_MEMORY, "no memory to read '%s'", file->path);
    for (size_t i = 0; i < file->field_count; i++) {
        const char *fault = read_part(at, &file->fields[i], batch->rows, &batch->parts[i]);
        if (fault) return damaged_column(file, file->fields[i].name, fault, err);
    }
    return LOFI_OK;
}

static lofi_code read_batch(lofi_arrow_file *file, flatbuffer *flat, size_t table, const unsigned char *body,
                            size_t body_bytes, lofi_error *err) {
    if (member(flat, table, 3, 4)) {
        lofi_fail(err, LOFI_ERR_UNSUPPORTED, "'%s' is compressed, which this program cannot read", file->path);
        return lofi_hint(err, "write the dataset without compression");
    }
    int64_t rows = (int64_t)member_number(flat, table, 0, 8, 0);
    batch_cursor at = {.file = file, .flat = flat, .body = body, .body_bytes = body_bytes};
    at.nodes = member_vector(flat, table, 1, 16, &at.node_count);
    at.buffers = member_vector(flat, table, 2, 16, &at.buffer_count);
    if (flat->damaged || rows < 0 || (uint64_t)rows > (uint64_t)1 << 40)
        return damaged(file, "a record batch is damaged", err);
    LOFI_TRY(lofi_grow((void **)&file->batches, &file->batch_capacity, file->batch_count + 1, sizeof *file->batches,
                       MAX_BATCHES, err));
    record_batch *batch = &file->batches[file->batch_count];
    batch->first_row = file->row_count;
    batch->rows = (size_t)rows;
    LOFI_TRY(read_parts(file, &at, batch, err));
    if (rows > 0) file->batch_count++;
    file->row_count += (size_t)rows;
    return LOFI_OK;
}

/* ---- messages ---- */

typedef struct ipc_message {
    flatbuffer flat;
    int type;
    size_t header; /* place of the header's table */
    const unsigned char *body;
    size_t body_bytes;
} ipc_message;

static uint32_t load32(const unsigned char *at) {
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* The message at *at, which moves behind it; *end: the end marker was there instead. */
static lofi_code next_message(const lofi_arrow_file *file, size_t *at, ipc_message *out, bool *end, lofi_error *err) {
    size_t left = file->map.size - *at;
    if (left < 8) return damaged(file, "it ends in the middle", err);
    const unsigned char *bytes = file->map.data + *at; /* only now: an empty file has no data to point into */
    if (load32(bytes) != ARROW_CONTINUATION)
        return damaged(file, "it is no Arrow stream, or of a kind before 0.15", err);
    size_t size = load32(bytes + 4);
    *end = size == 0;
    if (*end) return LOFI_OK;
    if (size > left - 8) return damaged(file, "it ends in the middle", err);
    *out = (ipc_message){.flat = {.bytes = bytes + 8, .size = size}};
    size_t table = target(&out->flat, 0);
    uint64_t version = table ? member_number(&out->flat, table, 0, 2, 0) : 0;
    out->type = table ? (int)member_number(&out->flat, table, 1, 1, 0) : 0;
    out->header = table ? member_target(&out->flat, table, 2) : 0;
    int64_t body_bytes = table ? (int64_t)member_number(&out->flat, table, 3, 8, 0) : 0;
    if (out->flat.damaged || !out->header || body_bytes < 0) return damaged(file, "a message is damaged", err);
    if (version != ARROW_VERSION_4 && version != ARROW_VERSION_5)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "'%s' is of another version of the Arrow format", file->path);
    if ((uint64_t)body_bytes > left - 8 - size) return damaged(file, "it ends in the middle", err);
    out->body = bytes + 8 + size;
    out->body_bytes = (size_t)body_bytes;
    *at += 8 + size + out->body_bytes;
    return LOFI_OK;
}

static lofi_code read_messages(lofi_arrow_file *file, lofi_error *err) {
    size_t at = 0;
    for (bool end = false;;) {
        ipc_message message;
        LOFI_TRY(next_message(file, &at, &message, &end, err));
        if (end) break;
        if (!file->fields && message.type == ARROW_MESSAGE_SCHEMA)
            LOFI_TRY(read_schema(file, &message.flat, message.header, err));
        else if (file->fields && message.type == ARROW_MESSAGE_BATCH)
            LOFI_TRY(read_batch(file, &message.flat, message.header, message.body, message.body_bytes, err));
        else
            return damaged(file, "it holds messages other than one schema and record batches", err);
    }
    return file->fields ? LOFI_OK : damaged(file, "it holds no schema", err);
}

static lofi_code open_into(lofi_arrow_file *file, const char *path, lofi_error *err) {
    LOFI_TRY(lofi_path_format(file->path, err, "%s", path));
    LOFI_TRY(lofi_arena_new(&file->arena, err));
    LOFI_TRY(lofi_file_map(&file->map, path, err));
    return read_messages(file, err);
}

lofi_code lofi_arrow_open(lofi_arrow_file **out, const char *path, lofi_error *err) {
    lofi_arrow_file *file;
    LOFI_TRY(lofi_alloc((void **)&file, 1, sizeof *file, "an Arrow file", err));
    lofi_code code = open_into(file, path, err);
    if (code != LOFI_OK) {
        lofi_arrow_close(file);
        return code;
    }
    *out = file;
    return LOFI_OK;
}

void lofi_arrow_close(lofi_arrow_file *file) {
    if (!file) return;
    free(file->batches);
    lofi_arena_free(file->arena);
    lofi_file_unmap(&file->map);
    lofi_free(file);
}

/* ---- what is in it ---- */

size_t lofi_arrow_row_count(const lofi_arrow_file *file) {
    return file->row_count;
}

size_t lofi_arrow_field_count(const lofi_arrow_file *file) {
    return file->field_count;
}

lofi_arrow_field lofi_arrow_field_at(const lofi_arrow_file *file, size_t column) {
    assert(column < file->field_count);
    return (lofi_arrow_field){file->fields[column].name, file->fields[column].kind};
}

int lofi_arrow_column(const lofi_arrow_file *file, const char *name) {
    for (size_t i = 0; i < file->field_count; i++)
        if (strcmp(file->fields[i].name, name) == 0) return (int)i;
    return -1;
}

const char *lofi_arrow_metadata(const lofi_arrow_file *file, const char *key) {
    for (size_t i = 0; i < file->metadata_count; i++)
        if (strcmp(file->metadata[i].key, key) == 0) return file->metadata[i].value;
    return NULL;
}

/* The column's part that holds `row`, which becomes the row within it. */
static const column_values *part_of(const lofi_arrow_file *file, size_t column, size_t *row) {
    assert(column < file->field_count && *row < file->row_count);
    size_t low = 0, high = file->batch_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (file->batches[middle].first_row <= *row)
            low = middle;
        else
            high = middle;
    }
    *row -= file->batches[low].first_row;
    return &file->batches[low].parts[column];
}

static lofi_arrow_text text_at(const unsigned char *present, const unsigned char *offsets, bool wide,
                               const unsigned char *data, size_t index) {
    if (!is_present(present, index)) return (lofi_arrow_text){NULL, 0};
    int64_t from = offset_at(offsets, wide, index), to = offset_at(offsets, wide, index + 1);
    return (lofi_arrow_text){(const char *)data + from, (size_t)(to - from)};
}

lofi_arrow_text lofi_arrow_get_text(const lofi_arrow_file *file, size_t column, size_t row) {
    const column_values *part = part_of(file, column, &row);
    assert(file->fields[column].kind == LOFI_ARROW_TEXT);
    return text_at(part->present, part->offsets, file->fields[column].wide_offsets, part->data, row);
}

/* First item of the row's list, and how many there are. */
static size_t items_of(const lofi_arrow_file *file, size_t column, const column_values *part, size_t row,
                       size_t *count) {
    bool wide = file->fields[column].wide_offsets;
    assert(file->fields[column].kind == LOFI_ARROW_TEXTS);
    *count = 0;
    if (!is_present(part->present, row)) return 0;
    int64_t from = offset_at(part->offsets, wide, row);
    *count = (size_t)(offset_at(part->offsets, wide, row + 1) - from);
    return (size_t)from;
}

size_t lofi_arrow_get_text_count(const lofi_arrow_file *file, size_t column, size_t row) {
    const column_values *part = part_of(file, column, &row);
    size_t count;
    items_of(file, column, part, row, &count);
    return count;
}

lofi_arrow_text lofi_arrow_get_text_item(const lofi_arrow_file *file, size_t column, size_t row, size_t item) {
    const column_values *part = part_of(file, column, &row);
    size_t count;
    size_t first = items_of(file, column, part, row, &count);
    assert(item < count);
    return text_at(part->item_present, part->item_offsets, file->fields[column].wide_item_offsets, part->data,
                   first + item);
}

int64_t lofi_arrow_get_integer(const lofi_arrow_file *file, size_t column, size_t row) {
    const column_values *part = part_of(file, column, &row);
    const column_schema *field = &file->fields[column];
    assert(field->kind == LOFI_ARROW_I64);
    uint64_t value = 0;
    if (!is_present(part->present, row)) return 0;
    size_t bytes = (size_t)field->bits / 8;
    memcpy(&value, part->data + bytes * row, bytes);
    int unused = 64 - field->bits;
    return field->is_signed ? (int64_t)(value << unused) >> unused : (int64_t)value;
}

double lofi_arrow_get_number(const lofi_arrow_file *file, size_t column, size_t row) {
    if (file->fields[column].kind == LOFI_ARROW_I64) {
        size_t local = row;
        const column_values *integers = part_of(file, column, &local);
        return is_present(integers->present, local) ? (double)lofi_arrow_get_integer(file, column, row) : NAN;
    }
    const column_values *part = part_of(file, column, &row);
    float single;
    double value;
    if (!is_present(part->present, row)) return NAN;
    if (file->fields[column].kind == LOFI_ARROW_F32) {
        memcpy(&single, part->data + 4 * row, sizeof single);
        return single;
    }
    assert(file->fields[column].kind == LOFI_ARROW_F64);
    memcpy(&value, part->data + 8 * row, sizeof value);
    return value;
}
