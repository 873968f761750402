/* test_store_half.c - 16-bit floating point numbers: every value there and back, rounding, special values. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/half.h"

static float from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t to_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void every_value_comes_back(void **state) {
    (void)state;
    for (uint32_t i = 0; i <= 0xffff; i++) {
        float wide = lofi_f32_from_bf16((uint16_t)i);
        if (isnan(wide))
            assert_true(isnan(lofi_f32_from_bf16(lofi_bf16_from_f32(wide))));
        else
            assert_int_equal(lofi_bf16_from_f32(wide), i);
        wide = lofi_f32_from_f16((uint16_t)i);
        if (isnan(wide))
            assert_true(isnan(lofi_f32_from_f16(lofi_f16_from_f32(wide))));
        else
            assert_int_equal(lofi_f16_from_f32(wide), i);
    }
}

/* Nearest by search in double over all f16 numbers, ties to the even one: an independent definition. */
static uint16_t nearest_f16(float value) {
    uint16_t sign = signbit(value) ? 0x8000 : 0;
    double magnitude = fabs((double)value);
    if (magnitude >= 65520.0) return sign | 0x7c00; /* half way between the largest and 2^16 */
    uint32_t low = 0, high = 0x7bff;
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if ((double)lofi_f32_from_f16((uint16_t)middle) <= magnitude)
            low = middle;
        else
            high = middle;
    }
    double below = magnitude - (double)lofi_f32_from_f16((uint16_t)low);
    double above = (double)lofi_f32_from_f16((uint16_t)high) - magnitude;
    uint32_t best = below < above || (below == above && low % 2 == 0) ? low : high;
    return sign | (uint16_t)best;
}

static void f16_rounds_to_the_nearest_even(void **state) {
    (void)state;
    uint32_t bits = 1;
    for (int i = 0; i < 200000; i++) {
        bits = bits * 1664525u + 1013904223u;
        /* exponents around those of f16, and often an exact tie */
        uint32_t exponent = 95 + (bits >> 8) % 55;
        uint32_t fraction = (bits >> 3) & 0x7fffff;
        if (i % 3 == 0) fraction = (fraction & ~0x1fffu) | 0x1000;
        float value = from_bits((bits & 0x80000000u) | exponent << 23 | fraction);
        assert_int_equal(lofi_f16_from_f32(value), nearest_f16(value));
    }
    assert_int_equal(lofi_f16_from_f32(0x1p-25f), 0);
    assert_int_equal(lofi_f16_from_f32(0x1.000002p-25f), 1);
    assert_int_equal(lofi_f16_from_f32(0x1.8p-24f), 2);
    assert_int_equal(lofi_f16_from_f32(65519.0f), 0x7bff);
    assert_int_equal(lofi_f16_from_f32(65520.0f), 0x7c00);
    assert_int_equal(lofi_f16_from_f32(-INFINITY), 0xfc00);
    assert_int_equal(lofi_f16_from_f32(-0.0f), 0x8000);
    assert_int_equal(to_bits(lofi_f32_from_f16(1)), to_bits(0x1p-24f));
}

static void bf16_rounds_to_the_nearest_even(void **state) {
    (void)state;
    assert_int_equal(lofi_bf16_from_f32(from_bits(0x3f808000)), 0x3f80); /* tie, down to even */
    assert_int_equal(lofi_bf16_from_f32(from_bits(0x3f818000)), 0x3f82); /* tie, up to even */
    assert_int_equal(lofi_bf16_from_f32(from_bits(0x3f808001)), 0x3f81);
    assert_int_equal(lofi_bf16_from_f32(from_bits(0x3f807fff)), 0x3f80);
    assert_int_equal(lofi_bf16_from_f32(from_bits(0x7f7fffff)), 0x7f80); /* the largest float: infinity */
    assert_int_equal(lofi_bf16_from_f32(from_bits(0x80000001)), 0x8000);
    assert_true(isnan(lofi_f32_from_bf16(lofi_bf16_from_f32(from_bits(0x7f800001)))));
}

static void arrays_are_the_same(void **state) {
    (void)state;
    float values[4] = {1.5f, -3.14159f, 1e-6f, 70000.0f}, back[4];
    uint16_t halves[4];
    lofi_f16_from_f32_array(halves, values, 4);
    for (int i = 0; i < 4; i++) assert_int_equal(halves[i], lofi_f16_from_f32(values[i]));
    lofi_f32_from_f16_array(back, halves, 4);
    for (int i = 0; i < 4; i++) assert_int_equal(to_bits(back[i]), to_bits(lofi_f32_from_f16(halves[i])));
    lofi_bf16_from_f32_array(halves, values, 4);
    for (int i = 0; i < 4; i++) assert_int_equal(halves[i], lofi_bf16_from_f32(values[i]));
    lofi_f32_from_bf16_array(back, halves, 4);
    for (int i = 0; i < 4; i++) assert_int_equal(to_bits(back[i]), to_bits(lofi_f32_from_bf16(halves[i])));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_comes_back),
        cmocka_unit_test(f16_rounds_to_the_nearest_even),
        cmocka_unit_test(bf16_rounds_to_the_nearest_even),
        cmocka_unit_test(arrays_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
