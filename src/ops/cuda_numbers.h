/* cuda_numbers.h - numbers of 16 bits as f32, in kernels. Only .cu files include it. */
#ifndef LOFI_OPS_CUDA_NUMBERS_H
#define LOFI_OPS_CUDA_NUMBERS_H

#include <stdint.h>

#include "kernels/dtype.h"

/* Exact, by bits: f16 with its exponent moved to the place of f32's is 2^112 too small. */
static inline __device__ float lofi_number_of_f16(uint32_t bits) {
    uint32_t magnitude = (bits & 0x7fffu) << 13, sign = (bits & 0x8000u) << 16;
    if (magnitude >= 0x0f800000u) return __uint_as_float(sign | 0x7f800000u | magnitude); /* infinity or NaN */
    return __uint_as_float(sign | __float_as_uint(__uint_as_float(magnitude) * 0x1p112f));
}

/* Number `index` of a parameter of type f32, bf16 or f16. */
static inline __device__ float lofi_number_at(const void *data, lofi_dtype type, int64_t index) {
    if (type == LOFI_F32) return ((const float *)data)[index];
    uint32_t bits = ((const uint16_t *)data)[index];
    return type == LOFI_BF16 ? __uint_as_float(bits << 16) : lofi_number_of_f16(bits);
}

#endif
