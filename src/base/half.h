/* half.h - 16-bit floating point numbers kept as uint16_t: bfloat16 and IEEE 754 binary16.
 *
 * To float the conversion is exact. From float it rounds to nearest, ties to even; what is too large becomes infinity;
 * a NaN stays a NaN (quiet, sign kept); f16 keeps its subnormal numbers.
 */
#ifndef LOFI_BASE_HALF_H
#define LOFI_BASE_HALF_H

#include <stddef.h>
#include <stdint.h>

float lofi_f32_from_bf16(uint16_t value);
uint16_t lofi_bf16_from_f32(float value);
float lofi_f32_from_f16(uint16_t value);
uint16_t lofi_f16_from_f32(float value);

/* Arrays of `count` values; source and target do not overlap. */
void lofi_f32_from_bf16_array(float *out, const uint16_t *in, size_t count);
void lofi_bf16_from_f32_array(uint16_t *out, const float *in, size_t count);
void lofi_f32_from_f16_array(float *out, const uint16_t *in, size_t count);
void lofi_f16_from_f32_array(uint16_t *out, const float *in, size_t count);

#endif
