/* dtype.h - element types of tensors. */
#ifndef LOFI_KERNELS_DTYPE_H
#define LOFI_KERNELS_DTYPE_H

#include <stddef.h>

typedef enum lofi_dtype { LOFI_F32, LOFI_BF16, LOFI_F16, LOFI_I64, LOFI_I32, LOFI_U8, LOFI_DTYPE_COUNT } lofi_dtype;

size_t lofi_dtype_bytes(lofi_dtype dtype);
const char *lofi_dtype_name(lofi_dtype dtype); /* "f32", "bf16" ... */

#endif
