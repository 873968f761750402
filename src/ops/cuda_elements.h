/* cuda_elements.h - what the .cu files share that go through elements: how many move at once, and parameters as numbers. */
#ifndef LOFI_OPS_CUDA_ELEMENTS_H
#define LOFI_OPS_CUDA_ELEMENTS_H

/* Functions of C that launchers call. */
extern "C" {
#include "graph/op.h"
#include "ops/axis.h"
}

#include "ops/cuda_launch.h"

/* Numbers that lie side by side and move at once. */
template <int lanes> struct alignas(4 * lanes) lofi_pack { float at[lanes]; };

/* Whether rows of `count` numbers are made of packs of four: where they begin, too. */
static inline bool lofi_in_fours(int64_t count, const void *a, const void *b = nullptr, const void *c = nullptr) {
    return count % 4 == 0 && ((uintptr_t)a | (uintptr_t)b | (uintptr_t)c) % 16 == 0;
}

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
