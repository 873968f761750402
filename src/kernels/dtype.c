/* dtype.c - sizes and names of element types. */
#include "kernels/dtype.h"

#include <assert.h>

static const struct {
    size_t bytes;
    const char *name;
} table[LOFI_DTYPE_COUNT] = {
    [LOFI_F32] = {4, "f32"}, [LOFI_BF16] = {2, "bf16"}, [LOFI_F16] = {2, "f16"},
    [LOFI_I64] = {8, "i64"}, [LOFI_I32] = {4, "i32"},   [LOFI_U8] = {1, "u8"},
};

size_t lofi_dtype_bytes(lofi_dtype dtype) {
    assert(dtype < LOFI_DTYPE_COUNT);
    return table[dtype].bytes;
}

const char *lofi_dtype_name(lofi_dtype dtype) {
    assert(dtype < LOFI_DTYPE_COUNT);
    return table[dtype].name;
}
