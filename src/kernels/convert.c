/* convert.c - see convert.h. */
#include "kernels/convert.h"

#include <assert.h>
#include <string.h>

#include "kernels/vector.h"

static inline LOFI_BODY void from_bf16_body(uint32_t *out, const uint16_t *in, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) out[i] = (uint32_t)in[i] << 16;
}
LOFI_VERSIONS(from_bf16, (uint32_t * out, const uint16_t *in, int64_t count), (out, in, count))

/* The bits of an f16 in the place of f32's are its value times 2^-112, subnormal numbers included. */
static inline LOFI_BODY void from_f16_body(uint32_t *out, const uint16_t *in, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        union {
            uint32_t bits;
            float value;
        } number = {(uint32_t)(in[i] & 0x7fffu) << 13};
        uint32_t special = number.bits >= 0x0f800000u ? 0x7f800000u : 0; /* infinity and NaN keep their fraction */
        number.value *= 0x1p112f;
        out[i] = number.bits | special | (uint32_t)(in[i] & 0x8000u) << 16;
    }
}
LOFI_VERSIONS(from_f16, (uint32_t * out, const uint16_t *in, int64_t count), (out, in, count))

void lofi_convert_to_f32(float *out, const void *in, lofi_dtype type, int64_t count) {
    _Static_assert(sizeof(float) == sizeof(uint32_t), "f32 is four bytes");
    if (type == LOFI_BF16) {
        from_bf16((uint32_t *)(void *)out, in, count);
    } else if (type == LOFI_F16) {
        from_f16((uint32_t *)(void *)out, in, count);
    } else {
        assert(type == LOFI_F32);
        if (count > 0) memcpy(out, in, (size_t)count * sizeof *out);
    }
}
