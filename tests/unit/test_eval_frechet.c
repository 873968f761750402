/* The Frechet distance: values known by hand, and the sets that have none. Equality with the original: self-test, case frechet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "base/random.h"
#include "eval/frechet.h"

#define WIDTH 6

static lofi_moments moments(int64_t width) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_moments made = {0};
    if (lofi_moments_new(&made, width, &err) != LOFI_OK) fail_msg("%s", err.message);
    return made;
}

/* rows x WIDTH values around `shift`, the same for the same seed. */
static lofi_moments around(double shift, int64_t rows, uint64_t seed) {
    lofi_moments set = moments(WIDTH);
    lofi_random random = lofi_random_at(seed, LOFI_RANDOM_TEST, 0);
    for (int64_t i = 0; i < rows; i++) {
        double row[WIDTH];
        for (int j = 0; j < WIDTH; j++)
            row[j] = shift + (double)lofi_random_uniform(&random, (uint64_t)(i * WIDTH + j));
        lofi_moments_add(&set, row);
    }
    return set;
}

static double distance(const lofi_moments *a, const lofi_moments *b) {
    lofi_error err = LOFI_ERROR_INIT;
    double found = -1;
    if (lofi_frechet_distance(&found, a, b, &err) != LOFI_OK) fail_msg("%s", err.message);
    return found;
}

static void equal_sets_have_no_distance_and_moved_ones_the_square_of_the_way(void **state) {
    (void)state;
    /* The first two: covariances without full rank, whose roots of zero are as exact as the root of the machine's epsilon. */
    static const int64_t rows[] = {2, 4, 100};
    for (size_t i = 0; i < 3; i++) {
        lofi_moments a = around(0, rows[i], 7), b = around(0, rows[i], 7), c = around(3, rows[i], 7);
        assert_true(fabs(distance(&a, &b)) < 1e-6);
        assert_true(fabs(distance(&a, &c) - 9.0 * WIDTH) < 1e-6);
        assert_true(fabs(distance(&a, &c) - distance(&c, &a)) < 1e-6);
        lofi_moments_free(&a), lofi_moments_free(&b), lofi_moments_free(&c);
    }
}

/* One dimension: (m1 - m2)^2 + (s1 - s2)^2 with deviations of n - 1. */
static void one_dimension_is_the_formula_of_two_normal_distributions(void **state) {
    (void)state;
    lofi_moments a = moments(1), b = moments(1);
    lofi_moments_add(&a, &(double){1}), lofi_moments_add(&a, &(double){3});  /* mean 2, deviation sqrt(2) */
    lofi_moments_add(&b, &(double){0}), lofi_moments_add(&b, &(double){10}); /* mean 5, deviation sqrt(50) */
    assert_true(fabs(distance(&a, &b) - (9.0 + 32.0)) < 1e-9);
    lofi_moments_free(&a), lofi_moments_free(&b);
}

static void sets_without_a_distance_are_refused(void **state) {
    (void)state;
    double out = 0;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_moments one = around(0, 1, 1), many = around(0, 9, 1), other = moments(2), broken = around(0, 9, 1);
    for (int i = 0; i < 4; i++) lofi_moments_add(&other, (double[]){i, -i});
    lofi_moments_add(&broken, (double[WIDTH]){NAN});
    assert_int_equal(lofi_frechet_distance(&out, &one, &many, &err), LOFI_ERR_USAGE);
    assert_int_equal(lofi_frechet_distance(&out, &many, &one, &err), LOFI_ERR_USAGE);
    assert_int_equal(lofi_frechet_distance(&out, &many, &other, &err), LOFI_ERR_USAGE);
    assert_int_equal(lofi_frechet_distance(&out, &many, &broken, &err), LOFI_ERR_NUMERIC);
    lofi_moments_free(&one), lofi_moments_free(&many), lofi_moments_free(&other), lofi_moments_free(&broken);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_sets_have_no_distance_and_moved_ones_the_square_of_the_way),
        cmocka_unit_test(one_dimension_is_the_formula_of_two_normal_distributions),
        cmocka_unit_test(sets_without_a_distance_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
