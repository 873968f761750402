/* half.c - conversions between float and its 16-bit relatives, by bits. */
#include "base/half.h"

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

float lofi_f32_from_bf16(uint16_t value) {
    return float_of((uint32_t)value << 16);
}

uint16_t lofi_bf16_from_f32(float value) {
    uint32_t bits = bits_of(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)((bits >> 16) | 0x40u);
    uint32_t half_minus_even = 0x7fffu + ((bits >> 16) & 1u);
    return (uint16_t)((bits + half_minus_even) >> 16);
}

float lofi_f32_from_f16(uint16_t value) {
    uint32_t sign = (uint32_t)(value & 0x8000u) << 16;
    uint32_t exponent = (value >> 10) & 0x1fu;
    uint32_t fraction = value & 0x3ffu;
    if (exponent == 0x1f) return float_of(sign | 0x7f800000u | fraction << 13);
    if (exponent != 0) return float_of(sign | (exponent + 112u) << 23 | fraction << 13);
    float magnitude = (float)fraction * 0x1p-24f; /* subnormal: exact in float */
    return float_of(sign | bits_of(magnitude));
}

/* `value` divided by 2^shift, to nearest, ties to even. shift: 1..31 */
static uint32_t shift_right_to_even(uint32_t value, uint32_t shift) {
    uint32_t kept = value >> shift;
    uint32_t rest = value & ((1u << shift) - 1u);
    uint32_t half = 1u << (shift - 1u);
    return kept + (rest > half || (rest == half && (kept & 1u)));
}

uint16_t lofi_f16_from_f32(float value) {
    uint32_t bits = bits_of(value);
    uint32_t sign = (bits >> 16) & 0x8000u;
    uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return (uint16_t)(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu));
    if (magnitude >= 0x47800000u) return (uint16_t)(sign | 0x7c00u); /* 2^16 and more, infinity */
    if (magnitude >= 0x38800000u) /* normal in f16: a carry into the exponent is right, up to infinity */
        return (uint16_t)(sign | shift_right_to_even(magnitude - 0x38000000u, 13));
    if (magnitude < 0x33000000u) return (uint16_t)sign; /* below 2^-25: zero */
    uint32_t significand = (magnitude & 0x7fffffu) | 0x800000u;
    return (uint16_t)(sign | shift_right_to_even(significand, 126u - (magnitude >> 23)));
}

void lofi_f32_from_bf16_array(float *out, const uint16_t *in, size_t count) {
    for (size_t i = 0; i < count; i++) out[i] = lofi_f32_from_bf16(in[i]);
}

void lofi_bf16_from_f32_array(uint16_t *out, const float *in, size_t count) {
    for (size_t i = 0; i < count; i++) out[i] = lofi_bf16_from_f32(in[i]);
}

void lofi_f32_from_f16_array(float *out, const uint16_t *in, size_t count) {
    for (size_t i = 0; i < count; i++) out[i] = lofi_f32_from_f16(in[i]);
}

void lofi_f16_from_f32_array(uint16_t *out, const float *in, size_t count) {
    for (size_t i = 0; i < count; i++) out[i] = lofi_f16_from_f32(in[i]);
}
