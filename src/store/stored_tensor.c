/* stored_tensor.c - what a tensor in a file is, apart from any file: types, shapes, elements as numbers. */
#include <assert.h>

#include "base/half.h"
#include "base/memory.h"
#include "store/safetensors.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tensor files are little-endian and are used where they lie"
#endif

static const struct {
    const char *name;
    size_t bytes;
} types[LOFI_STORED_TYPE_COUNT] = {
    [LOFI_STORED_F64] = {"F64", 8},   [LOFI_STORED_F32] = {"F32", 4}, [LOFI_STORED_F16] = {"F16", 2},
    [LOFI_STORED_BF16] = {"BF16", 2}, [LOFI_STORED_I64] = {"I64", 8}, [LOFI_STORED_I32] = {"I32", 4},
    [LOFI_STORED_I16] = {"I16", 2},   [LOFI_STORED_I8] = {"I8", 1},   [LOFI_STORED_U8] = {"U8", 1},
    [LOFI_STORED_BOOL] = {"BOOL", 1},
};

size_t lofi_stored_type_bytes(lofi_stored_type type) {
    assert(type < LOFI_STORED_TYPE_COUNT);
    return types[type].bytes;
}

const char *lofi_stored_type_name(lofi_stored_type type) {
    assert(type < LOFI_STORED_TYPE_COUNT);
    return types[type].name;
}

lofi_stored_tensor lofi_stored_declare(const char *name, lofi_stored_type type, int rank, const int64_t *dims) {
    assert(rank >= 0 && rank <= LOFI_STORED_MAX_RANK);
    lofi_stored_tensor tensor = {.name = name, .type = type, .rank = rank, .count = 1};
    bool fits = true;
    for (int i = 0; i < rank; i++) {
        assert(dims[i] >= 0);
        tensor.dims[i] = dims[i];
        fits = lofi_mul_size(tensor.count, (size_t)dims[i], &tensor.count) && fits;
    }
    fits = lofi_mul_size(tensor.count, lofi_stored_type_bytes(type), &tensor.bytes) && fits;
    assert(fits);
    (void)fits;
    return tensor;
}

void lofi_stored_shape_text(char text[128], const lofi_stored_tensor *tensor) {
    size_t used = 0;
    text[used++] = '[';
    for (int i = 0; i < tensor->rank; i++) {
        int added = snprintf(text + used, 127 - used, "%s%lld", i ? ", " : "", (long long)tensor->dims[i]);
        used = used + (size_t)added < 126 ? used + (size_t)added : 126;
    }
    text[used++] = ']';
    text[used] = 0;
}

bool lofi_stored_has_shape(const lofi_stored_tensor *tensor, int rank, const int64_t *dims) {
    if (tensor->rank != rank) return false;
    for (int i = 0; i < rank; i++)
        if (tensor->dims[i] != dims[i]) return false;
    return true;
}

/* ---- elements ---- */

static uint16_t load16(const unsigned char *at) {
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static uint32_t load32(const unsigned char *at) {
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static uint64_t load64(const unsigned char *at) {
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static int64_t integer_at(lofi_stored_type type, const unsigned char *at) {
    switch (type) {
    case LOFI_STORED_I64: return (int64_t)load64(at);
    case LOFI_STORED_I32: return (int32_t)load32(at);
    case LOFI_STORED_I16: return (int16_t)load16(at);
    case LOFI_STORED_I8: return (int8_t)*at;
    default: return *at;
    }
}

static double number_at(lofi_stored_type type, const unsigned char *at) {
    float single;
    double number;
    switch (type) {
    case LOFI_STORED_F64: memcpy(&number, at, sizeof number); return number;
    case LOFI_STORED_F32: memcpy(&single, at, sizeof single); return single;
    case LOFI_STORED_F16: return lofi_f32_from_f16(load16(at));
    case LOFI_STORED_BF16: return lofi_f32_from_bf16(load16(at));
    default: return (double)integer_at(type, at);
    }
}

static const unsigned char *element(const lofi_stored_tensor *tensor, size_t first, size_t count) {
    assert(first <= tensor->count && count <= tensor->count - first);
    (void)count;
    return (const unsigned char *)tensor->data + first * lofi_stored_type_bytes(tensor->type);
}

void lofi_stored_read_f32(const lofi_stored_tensor *tensor, size_t first, float *values, size_t count) {
    const unsigned char *at = element(tensor, first, count);
    size_t step = lofi_stored_type_bytes(tensor->type);
    if (count == 0) return;
    if (tensor->type == LOFI_STORED_F32) {
        memcpy(values, at, count * sizeof *values);
    } else if (tensor->type == LOFI_STORED_BF16) {
        for (size_t i = 0; i < count; i++) values[i] = lofi_f32_from_bf16(load16(at + 2 * i));
    } else {
        for (size_t i = 0; i < count; i++) values[i] = (float)number_at(tensor->type, at + step * i);
    }
}

void lofi_stored_read_f64(const lofi_stored_tensor *tensor, size_t first, double *values, size_t count) {
    const unsigned char *at = element(tensor, first, count);
    size_t step = lofi_stored_type_bytes(tensor->type);
    for (size_t i = 0; i < count; i++) values[i] = number_at(tensor->type, at + step * i);
}

void lofi_stored_read_i64(const lofi_stored_tensor *tensor, size_t first, int64_t *values, size_t count) {
    assert(tensor->type >= LOFI_STORED_I64);
    const unsigned char *at = element(tensor, first, count);
    size_t step = lofi_stored_type_bytes(tensor->type);
    for (size_t i = 0; i < count; i++) values[i] = integer_at(tensor->type, at + step * i);
}

/* ---- order of the reference library ---- */

static int by_type_then_name(const void *left, const void *right) {
    const lofi_stored_tensor *a = left, *b = right;
    /* Its types are ordered as an enumeration, the widest last: BOOL U8 I8 I16 F16 BF16 I32 F32 F64 I64. */
    static const int place[LOFI_STORED_TYPE_COUNT] = {
        [LOFI_STORED_BOOL] = 0, [LOFI_STORED_U8] = 1,   [LOFI_STORED_I8] = 2,  [LOFI_STORED_I16] = 3,
        [LOFI_STORED_F16] = 4,  [LOFI_STORED_BF16] = 5, [LOFI_STORED_I32] = 6, [LOFI_STORED_F32] = 7,
        [LOFI_STORED_F64] = 8,  [LOFI_STORED_I64] = 9,
    };
    if (a->type != b->type) return place[b->type] - place[a->type];
    return strcmp(a->name, b->name);
}

void lofi_stored_sort(lofi_stored_tensor *tensors, size_t count) {
    if (count > 1) qsort(tensors, count, sizeof *tensors, by_type_then_name);
}
