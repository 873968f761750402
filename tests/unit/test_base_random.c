/* test_base_random.c - Philox against the published vectors of Random123 (kat_vectors), and what is made of it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"

typedef struct known_answer {
    uint32_t counter[4], key[2], words[4];
} known_answer;

static void test_known_answers(void **state) {
    (void)state;
    static const known_answer answers[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        uint32_t words[4];
        lofi_philox4x32(answers[i].counter, answers[i].key, words);
        assert_memory_equal(words, answers[i].words, sizeof words);
    }
}

enum { COUNT = 400000 };
static float values[COUNT], others[COUNT];

static void test_chunks_do_not_matter(void **state) {
    (void)state;
    lofi_random random = lofi_random_at(7, LOFI_RANDOM_TEST, 3);
    lofi_random_fill_normal(&random, 5, values, 1000);
    for (size_t at = 0, step = 1; at < 1000; at += step, step = step % 7 + 1)
        lofi_random_fill_normal(&random, 5 + at, others + at, step < 1000 - at ? step : 1000 - at);
    assert_memory_equal(values, others, 1000 * sizeof(float));
    for (size_t i = 0; i < 1000; i++) assert_true(values[i] == lofi_random_normal(&random, 5 + i));
    lofi_random_fill_uniform(&random, 1, values, 10);
    assert_true(values[9] == lofi_random_uniform(&random, 10));
}

static void test_streams_differ(void **state) {
    (void)state;
    uint32_t first[4], other[4];
    lofi_random base = lofi_random_at(1, LOFI_RANDOM_NOISE, 1);
    lofi_random changed[] = {lofi_random_at(2, LOFI_RANDOM_NOISE, 1), lofi_random_at(1, LOFI_RANDOM_TIMESTEP, 1),
                             lofi_random_at(1, LOFI_RANDOM_NOISE, 2), lofi_random_at(1ull << 32, LOFI_RANDOM_NOISE, 1),
                             lofi_random_at(1, LOFI_RANDOM_NOISE, 1ull << 32)};
    lofi_random_block(&base, 0, first);
    for (size_t i = 0; i < sizeof changed / sizeof changed[0]; i++) {
        lofi_random_block(&changed[i], 0, other);
        assert_memory_not_equal(first, other, sizeof first);
    }
    lofi_random_block(&base, 1ull << 32, other);
    assert_memory_not_equal(first, other, sizeof first);
    lofi_random_block(&base, 0, other);
    assert_memory_equal(first, other, sizeof first);
}

/* Mean and variance within five standard errors of what they must be. */
static void check_moments(double mean, double variance, double fourth) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < COUNT; i++) sum += values[i];
    for (size_t i = 0; i < COUNT; i++) squares += (values[i] - mean) * (values[i] - mean);
    assert_true(fabs(sum / COUNT - mean) < 5 * sqrt(variance / COUNT));
    assert_true(fabs(squares / COUNT - variance) < 5 * sqrt((fourth - variance * variance) / COUNT));
}

static void test_distributions(void **state) {
    (void)state;
    lofi_random random = lofi_random_at(42, LOFI_RANDOM_TEST, 0);
    lofi_random_fill_uniform(&random, 0, values, COUNT);
    for (size_t i = 0; i < COUNT; i++) assert_true(values[i] >= 0 && values[i] < 1);
    check_moments(0.5, 1.0 / 12, 1.0 / 80);
    lofi_random_fill_normal(&random, 0, values, COUNT);
    for (size_t i = 0; i < COUNT; i++) assert_true(isfinite(values[i]) && fabsf(values[i]) < 7);
    check_moments(0, 1, 3);
    size_t beyond = 0;
    for (size_t i = 0; i < COUNT; i++) beyond += fabsf(values[i]) > 1.959964f;
    assert_true(fabs((double)beyond / COUNT - 0.05) < 5 * sqrt(0.05 * 0.95 / COUNT));
}

static void test_below(void **state) {
    (void)state;
    lofi_random random = lofi_random_at(9, LOFI_RANDOM_TEST, 0);
    size_t counts[3] = {0};
    for (uint64_t i = 0; i < 30000; i++) counts[lofi_random_below(&random, i, 3)]++;
    for (size_t i = 0; i < 3; i++) assert_in_range(counts[i], 10000 - 410, 10000 + 410);
    /* A bound of 3 * 2^62 refuses a quarter of the draws: the thirds must still be equal. */
    uint64_t third = 1ull << 62;
    memset(counts, 0, sizeof counts);
    for (uint64_t i = 0; i < 30000; i++) counts[lofi_random_below(&random, i, 3 * third) / third]++;
    for (size_t i = 0; i < 3; i++) assert_in_range(counts[i], 10000 - 410, 10000 + 410);
    assert_int_equal(lofi_random_below(&random, 0, 1), 0);
}

static void test_permutation(void **state) {
    (void)state;
    lofi_random random = lofi_random_at(11, LOFI_RANDOM_ROWS, 0);
    size_t order[500], seen[500] = {0}, moved = 0;
    lofi_random_permutation(&random, order, 500);
    for (size_t i = 0; i < 500; i++) {
        assert_in_range(order[i], 0, 499);
        seen[order[i]]++;
        moved += order[i] != i;
    }
    for (size_t i = 0; i < 500; i++) assert_int_equal(seen[i], 1);
    assert_true(moved > 450);
    size_t places[3][3] = {{0}}; /* every item comes to every place equally often */
    for (uint64_t step = 0; step < 9000; step++) {
        random = lofi_random_at(11, LOFI_RANDOM_ROWS, step);
        lofi_random_permutation(&random, order, 3);
        for (size_t i = 0; i < 3; i++) places[order[i]][i]++;
    }
    for (size_t i = 0; i < 9; i++) assert_in_range(places[i / 3][i % 3], 3000 - 225, 3000 + 225);
    lofi_random_permutation(&random, order, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),  cmocka_unit_test(test_chunks_do_not_matter),
        cmocka_unit_test(test_streams_differ), cmocka_unit_test(test_distributions),
        cmocka_unit_test(test_below),          cmocka_unit_test(test_permutation),
    };
    return cmocka_run_group_tests_name("base random", tests, NULL, NULL);
}
