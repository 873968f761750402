/* test_store_hold_out.c - which tracks are held out: how many, spread over styles, duplicates together, the same every time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "store/hold_out.h"

enum { MOST = 400 };

static size_t hold_out(bool *held_out, const lofi_split_item *items, size_t count, double share, uint64_t seed) {
    lofi_error err = LOFI_ERROR_INIT;
    size_t held = 0;
    memset(held_out, 0xff, count);
    if (lofi_hold_out(held_out, items, count, share, seed, &err) != LOFI_OK) fail_msg("%s", err.message);
    for (size_t i = 0; i < count; i++) held += held_out[i];
    return held;
}

static void alone(lofi_split_item *items, size_t count, const char *const *styles, size_t style_count) {
    for (size_t i = 0; i < count; i++) items[i] = (lofi_split_item){styles[i % style_count], i};
}

static void numbers_are_rounded(void **state) {
    (void)state;
    static const char *const style = "A";
    static const struct {
        size_t count;
        double share;
        size_t held;
    } cases[] = {{1, 0.5, 0},  {2, 0.01, 1}, {2, 0.9, 1},    {7, 0, 0},    {7, 0.1, 1},
                 {15, 0.1, 2}, {25, 0.1, 3}, {100, 0.1, 10}, {10, 0.9, 9}, {3, 0.9, 2}};
    lofi_split_item items[MOST];
    bool held_out[MOST];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        alone(items, cases[i].count, &style, 1);
        assert_int_equal(hold_out(held_out, items, cases[i].count, cases[i].share, 42), cases[i].held);
    }
}

/* Every style gets its share, at most one place more or less. */
static void styles_are_spread(void **state) {
    (void)state;
    static const char *const styles[] = {"A", "A", "A", "A", "A", "B", "B", "B", "C", "D"}; /* 5 : 3 : 1 : 1 */
    static const double shares[] = {0.05, 0.1, 0.2, 0.5, 0.9};
    lofi_split_item items[MOST];
    bool held_out[MOST];
    alone(items, 200, styles, 10);
    for (size_t s = 0; s < 5; s++)
        for (uint64_t seed = 0; seed < 50; seed++) {
            size_t counts[4] = {0};
            assert_int_equal(hold_out(held_out, items, 200, shares[s], seed), (size_t)(200 * shares[s] + 0.5));
            for (size_t i = 0; i < 200; i++) counts[items[i].style_id[0] - 'A'] += held_out[i];
            static const double exact[] = {100, 60, 20, 20};
            for (size_t k = 0; k < 4; k++) {
                double wanted = exact[k] * shares[s];
                if ((double)counts[k] < wanted - 1 || (double)counts[k] > wanted + 1)
                    fail_msg("style %zu: %zu held out, %g wanted", k, counts[k], wanted);
            }
        }
}

/* Random groups, sizes, styles and shares: a group is never divided, train and validation both have something, the number is met
 * as far as the groups let it. */
static void duplicates_stay_together(void **state) {
    (void)state;
    static const char *const styles[] = {"A", "B", "C"};
    lofi_split_item items[MOST];
    bool held_out[MOST], again[MOST];
    for (uint64_t round = 0; round < 3000; round++) {
        lofi_random random = lofi_random_at(round, LOFI_RANDOM_TEST, 1);
        size_t count = 2 + lofi_random_below(&random, 0, 60), largest = 0, groups = 0, sizes[MOST] = {0};
        double share = 0.01 + 0.89 * (double)lofi_random_uniform(&random, 1);
        for (size_t i = 0; i < count; i++) {
            size_t other = lofi_random_below(&random, 100 + i, i + 1);
            bool joins = lofi_random_below(&random, 1000 + i, 3) == 0;
            items[i] = (lofi_split_item){styles[lofi_random_below(&random, 2000 + i, 3)],
                                         joins ? items[other].group : i};
            if (joins && other == i) items[i].group = i;
            sizes[items[i].group]++;
        }
        for (size_t i = 0; i < count; i++) {
            groups += sizes[i] > 0;
            if (sizes[i] > largest) largest = sizes[i];
        }
        size_t held = hold_out(held_out, items, count, share, round);
        for (size_t i = 0; i < count; i++) assert_int_equal(held_out[i], held_out[items[i].group]);
        if (groups > 1) assert_true(held > 0 && held < count);
        size_t places = (size_t)((double)count * share + 0.5);
        places = places < 1 ? 1 : places < count ? places : count - 1;
        if (largest == 1) assert_int_equal(held, places);
        if (groups > 1 && held < places) assert_true(places - held < largest);
        assert_int_equal(hold_out(again, items, count, share, round), held);
        assert_memory_equal(held_out, again, count * sizeof *held_out);
    }
}

static void one_recording_cannot_be_split(void **state) {
    (void)state;
    lofi_split_item items[3] = {{"A", 0}, {"A", 0}, {"B", 0}};
    bool held_out[3];
    assert_int_equal(hold_out(held_out, items, 3, 0.5, 1), 0);
}

static void seeds_differ(void **state) {
    (void)state;
    static const char *const styles[] = {"A", "B"};
    lofi_split_item items[MOST];
    bool held_out[MOST];
    size_t seen[20] = {0};
    alone(items, 20, styles, 2);
    for (uint64_t seed = 0; seed < 200; seed++) {
        hold_out(held_out, items, 20, 0.1, seed);
        for (size_t i = 0; i < 20; i++) seen[i] += held_out[i];
    }
    for (size_t i = 0; i < 20; i++)
        assert_in_range(seen[i], 5, 45); /* 20 wanted: no track is always or never held out */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_rounded),
        cmocka_unit_test(styles_are_spread),
        cmocka_unit_test(duplicates_stay_together),
        cmocka_unit_test(one_recording_cannot_be_split),
        cmocka_unit_test(seeds_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
