/* test_diffusion_sampler.c - schedulers and guidances against formulas in double precision, and the loop against a network
 * that writes down what it is asked. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "diffusion/flow_schedule.h"
#include "diffusion/sampler.h"

enum { CHANNELS = 3, PLANE = 7, COUNT = CHANNELS * PLANE };

static void must(lofi_code code, const lofi_error *err) {
    if (code != LOFI_OK) fail_msg("%s", err->message);
}

static void numbers(float *values, uint64_t stream) {
    lofi_random random = lofi_random_at(9, LOFI_RANDOM_TEST, stream);
    lofi_random_fill_normal(&random, 0, values, COUNT);
}

static void expect_close(const float *ours, const double *wanted, double tolerance) {
    for (int i = 0; i < COUNT; i++)
        if (!(fabs((double)ours[i] - wanted[i]) <= tolerance * (1 + fabs(wanted[i]))))
            fail_msg("value %d is %.9g, expected %.9g", i, (double)ours[i], wanted[i]);
}

static const lofi_scheduler *scheduler(const char *name) {
    const lofi_scheduler *found = lofi_scheduler_find(name);
    assert_non_null(found);
    return found;
}

static const lofi_guidance *guidance(const char *name) {
    const lofi_guidance *found = lofi_guidance_find(name);
    assert_non_null(found);
    return found;
}

/* ---- noise levels ---- */

static double shifted(double s) {
    return 3 * s / (1 + 2 * s);
}

static void levels_are_equal_strides_shifted_twice(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    static lofi_noise_levels levels;
    must(lofi_noise_levels_make(&levels, scheduler("euler"), 5, &err), &err);
    assert_int_equal(levels.steps, 5);
    assert_int_equal(levels.evaluations, 5);
    double last = shifted(0.001);
    for (int i = 0; i < 5; i++) {
        double wanted = shifted(1 + (last - 1) * i / 4);
        assert_true(fabs((double)levels.sigmas[i] - wanted) < 1e-7);
        assert_true(fabs((double)levels.timesteps[i] - 1000 * wanted) < 1e-4);
    }
    assert_true(levels.sigmas[5] == 0);
}

static void heun_asks_twice_at_all_levels_but_the_first(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    static lofi_noise_levels once, twice;
    must(lofi_noise_levels_make(&once, scheduler("euler"), 4, &err), &err);
    must(lofi_noise_levels_make(&twice, scheduler("heun"), 4, &err), &err);
    static const int from[] = {0, 1, 1, 2, 2, 3, 3};
    assert_int_equal(twice.evaluations, 7);
    assert_int_equal(twice.steps, 4);
    for (int i = 0; i < 7; i++) assert_true(twice.sigmas[i] == once.sigmas[from[i]]);
    assert_true(twice.sigmas[7] == 0);
}

static void chosen_levels_are_those_of_more_steps_shifted_again(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    static lofi_noise_levels all, some;
    static const int64_t chosen[] = {1, 4, 9};
    must(lofi_noise_levels_make(&all, scheduler("euler"), 9, &err), &err);
    must(lofi_noise_levels_choose(&some, scheduler("euler"), chosen, 3, &err), &err);
    assert_int_equal(some.evaluations, 3);
    for (int i = 0; i < 3; i++)
        assert_true(fabs((double)some.sigmas[i] - shifted((double)all.sigmas[chosen[i] - 1])) < 1e-6);
}

static void levels_that_make_no_sense_are_refused(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    static lofi_noise_levels levels;
    const lofi_scheduler *euler = scheduler("euler");
    assert_int_equal(lofi_noise_levels_make(&levels, euler, 0, &err), LOFI_ERR_USAGE);
    assert_int_equal(lofi_noise_levels_make(&levels, euler, LOFI_MAX_SAMPLING_STEPS + 1, &err), LOFI_ERR_USAGE);
    must(lofi_noise_levels_make(&levels, scheduler("heun"), LOFI_MAX_SAMPLING_STEPS, &err), &err);
    static const int64_t falling[] = {4, 2}, equal[] = {3, 3}, zero[] = {0, 2}, large[] = {1, 1001};
    const int64_t *lists[] = {falling, equal, zero, large};
    for (int i = 0; i < 4; i++)
        assert_int_equal(lofi_noise_levels_choose(&levels, euler, lists[i], 2, &err), LOFI_ERR_USAGE);
    static const int64_t sound[] = {2, 4};
    assert_int_equal(lofi_noise_levels_choose(&levels, scheduler("heun"), sound, 2, &err), LOFI_ERR_UNSUPPORTED);
    assert_int_equal(lofi_noise_levels_choose(&levels, euler, sound, 0, &err), LOFI_ERR_USAGE);
}

/* ---- steps ---- */

static void spread_around_mean(double *d, double omega) {
    double mean = 0, factor = 0.9 + 0.2 / (1 + exp(-0.1 * omega));
    for (int i = 0; i < COUNT; i++) mean += d[i] / COUNT;
    for (int i = 0; i < COUNT; i++) d[i] = (d[i] - mean) * factor + mean;
}

/* One call of a scheduler on fixed numbers: latents of stream 1, output of stream 2, noise of stream 3. */
static void call_step(const lofi_scheduler *s, const lofi_noise_levels *levels, int64_t index, float *latents,
                      uint64_t output_stream, float *memories[2], double omega) {
    float output[COUNT], noise[COUNT];
    numbers(output, output_stream);
    numbers(noise, 3);
    lofi_scheduler_call call = {.levels = levels,
                                .index = index,
                                .output = output,
                                .noise = s->draws_noise ? noise : NULL,
                                .latents = latents,
                                .memories = {memories[0], memories[1]},
                                .count = COUNT,
                                .omega = omega};
    s->step(&call);
}

static void euler_steps_along_the_output(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    static lofi_noise_levels levels;
    float latents[COUNT], output[COUNT], *none[2] = {NULL, NULL};
    double d[COUNT];
    must(lofi_noise_levels_make(&levels, scheduler("euler"), 6, &err), &err);
    numbers(latents, 1);
    numbers(output, 2);
    double stride = (double)levels.sigmas[3] - (double)levels.sigmas[2];
    for (int i = 0; i < COUNT; i++) d[i] = stride * (double)output[i];
    spread_around_mean(d, 10);
    for (int i = 0; i < COUNT; i++) d[i] += (double)latents[i];
    call_step(scheduler("euler"), &levels, 2, latents, 2, none, 10);
    expect_close(latents, d, 1e-6);
}

static void heun_steps_along_the_mean_of_two_outputs(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    static lofi_noise_levels levels;
    float latents[COUNT], start[COUNT], first[COUNT], second[COUNT], a[COUNT], b[COUNT], *memories[2] = {a, b};
    double d[COUNT];
    must(lofi_noise_levels_make(&levels, scheduler("heun"), 6, &err), &err);
    numbers(latents, 1);
    memcpy(start, latents, sizeof start);
    numbers(first, 2);
    numbers(second, 4);
    call_step(scheduler("heun"), &levels, 4, latents, 2, memories, 0);
    double stride = (double)levels.sigmas[5] - (double)levels.sigmas[4];
    for (int i = 0; i < COUNT; i++) d[i] = (double)start[i] + stride * (double)first[i];
    expect_close(latents, d, 1e-5);
    call_step(scheduler("heun"), &levels, 5, latents, 4, memories, 0);
    for (int i = 0; i < COUNT; i++) d[i] = (double)start[i] + stride * 0.5 * ((double)first[i] + (double)second[i]);
    expect_close(latents, d, 1e-5);
}

static void pingpong_cleans_and_makes_noisy_again(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    static lofi_noise_levels levels;
    float latents[COUNT], output[COUNT], noise[COUNT], *none[2] = {NULL, NULL};
    double wanted[COUNT];
    must(lofi_noise_levels_make(&levels, scheduler("pingpong"), 6, &err), &err);
    numbers(latents, 1);
    numbers(output, 2);
    numbers(noise, 3);
    double now = (double)levels.sigmas[1], next = (double)levels.sigmas[2];
    for (int i = 0; i < COUNT; i++)
        wanted[i] = (1 - next) * ((double)latents[i] - now * (double)output[i]) + next * (double)noise[i];
    call_step(scheduler("pingpong"), &levels, 1, latents, 2, none, 10);
    expect_close(latents, wanted, 1e-6);
}

static void omega_leaves_steps_alone_at_zero(void **state) {
    (void)state;
    assert_true(fabs(lofi_omega_factor(0) - 1) < 1e-15);
    assert_true(fabs(lofi_omega_factor(1e3) - 1.1) < 1e-15);
    assert_true(fabs(lofi_omega_factor(-1e3) - 0.9) < 1e-15);
}

/* ---- guidance ---- */

typedef struct guided {
    float conditional[COUNT], unconditional[COUNT], prompt_only[COUNT], out[COUNT], memory[COUNT];
} guided;

static void guide(guided *g, const lofi_guidance *how, int64_t step, double scale) {
    lofi_guidance_call call = {.conditional = g->conditional,
                               .unconditional = g->unconditional,
                               .prompt_only = how->wants_prompt_only ? g->prompt_only : NULL,
                               .out = g->out,
                               .memory = how->remembers ? g->memory : NULL,
                               .channels = CHANNELS,
                               .plane = PLANE,
                               .step = step,
                               .scale = scale,
                               .prompt_scale = 5,
                               .lyric_scale = 2.5};
    how->apply(&call);
}

static guided make_guided(void) {
    guided g = {.memory = {0}};
    numbers(g.conditional, 11);
    numbers(g.unconditional, 12);
    numbers(g.prompt_only, 13);
    return g;
}

static double product(const double *a, const double *b) {
    double sum = 0;
    for (int i = 0; i < PLANE; i++) sum += a[i] * b[i];
    return sum;
}

/* The formula of the paper, channel by channel, for the average `v` of the differences. */
static void expected_apg(double *out, const double *v, const float *conditional, double scale) {
    for (int c = 0; c < CHANNELS; c++) {
        double direction[PLANE], change[PLANE];
        const double *average = v + c * PLANE;
        double shorten = fmin(1, 2.5 / sqrt(product(average, average)));
        for (int i = 0; i < PLANE; i++) {
            direction[i] = (double)conditional[c * PLANE + i];
            change[i] = average[i] * shorten;
        }
        double along = product(change, direction) / product(direction, direction);
        for (int i = 0; i < PLANE; i++)
            out[c * PLANE + i] = direction[i] + (scale - 1) * (change[i] - along * direction[i]);
    }
}

static void apg_averages_shortens_and_projects(void **state) {
    (void)state;
    guided g = make_guided();
    double average[COUNT], wanted[COUNT];
    for (int step = 0; step < 3; step++) {
        numbers(g.unconditional, 20 + (uint64_t)step);
        for (int i = 0; i < COUNT; i++) {
            double change = (double)g.conditional[i] - (double)g.unconditional[i];
            average[i] = step == 0 ? change : change - 0.75 * average[i];
        }
        guide(&g, guidance("apg"), step, 15);
        expected_apg(wanted, average, g.conditional, 15);
        expect_close(g.out, wanted, 1e-5);
    }
}

static void apg_without_a_difference_changes_nothing(void **state) {
    (void)state;
    guided g = make_guided();
    memcpy(g.unconditional, g.conditional, sizeof g.conditional);
    guide(&g, guidance("apg"), 0, 15);
    assert_memory_equal(g.out, g.conditional, sizeof g.out);
    memset(g.conditional, 0, sizeof g.conditional); /* no direction to project on */
    numbers(g.unconditional, 12);
    guide(&g, guidance("apg"), 1, 15);
    for (int i = 0; i < COUNT; i++) assert_true(isfinite(g.out[i]));
}

static void cfg_goes_beyond_the_conditional_answer(void **state) {
    (void)state;
    guided g = make_guided();
    double wanted[COUNT];
    for (int i = 0; i < COUNT; i++) {
        double u = (double)g.unconditional[i];
        wanted[i] = u + 5 * ((double)g.conditional[i] - u);
    }
    guide(&g, guidance("cfg"), 0, 5);
    expect_close(g.out, wanted, 1e-5);
}

static void cfg_star_fits_the_unconditional_answer_and_starts_still(void **state) {
    (void)state;
    guided g = make_guided();
    double dot = 0, square = 0, wanted[COUNT];
    for (int step = 0; step <= 1; step++) {
        g.out[0] = 1;
        guide(&g, guidance("cfg_star"), step, 4);
        for (int i = 0; i < COUNT; i++) assert_true(g.out[i] == 0);
    }
    for (int i = 0; i < COUNT; i++) {
        dot += (double)g.conditional[i] * (double)g.unconditional[i];
        square += (double)g.unconditional[i] * (double)g.unconditional[i];
    }
    for (int i = 0; i < COUNT; i++) {
        double u = (double)g.unconditional[i] * dot / square;
        wanted[i] = u + 4 * ((double)g.conditional[i] - u);
    }
    guide(&g, guidance("cfg_star"), 2, 4);
    expect_close(g.out, wanted, 1e-5);
}

static void double_guidance_weighs_three_answers(void **state) {
    (void)state;
    guided g = make_guided();
    double wanted[COUNT];
    for (int i = 0; i < COUNT; i++)
        wanted[i] = -4 * (double)g.unconditional[i] + 2.5 * (double)g.prompt_only[i] + 2.5 * (double)g.conditional[i];
    guide(&g, &lofi_guidance_double, 0, 15);
    expect_close(g.out, wanted, 1e-5);
}

static void names_are_found_and_listed(void **state) {
    (void)state;
    for (size_t i = 0; lofi_scheduler_at(i); i++)
        assert_ptr_equal(lofi_scheduler_find(lofi_scheduler_at(i)->name), lofi_scheduler_at(i));
    for (size_t i = 0; lofi_guidance_at(i); i++)
        assert_ptr_equal(lofi_guidance_find(lofi_guidance_at(i)->name), lofi_guidance_at(i));
    assert_null(lofi_scheduler_find("dpm"));
    assert_null(lofi_guidance_find("double"));
}

/* ---- the loop ---- */

#define MAX_ASKED 256

typedef struct asked {
    char conditions[MAX_ASKED]; /* F, N, P: one per run of the network; '|' after each evaluation */
    int count;
    int64_t noises, stop_after;
    float poison; /* added to outputs */
} asked;

static lofi_code answer(void *user, lofi_condition condition, const float *latents, float timestep, float *output,
                        lofi_error *err) {
    (void)err;
    asked *a = user;
    assert_true(a->count < MAX_ASKED - 1);
    a->conditions[a->count++] = "FNP"[condition];
    for (int i = 0; i < COUNT; i++)
        output[i] = 0.1f * latents[i] + 1e-3f * timestep + (float)condition * (i % 2 ? 0.3f : -0.2f) + a->poison;
    return LOFI_OK;
}

static lofi_code draw(void *user, int64_t evaluation, float *values, int64_t count, lofi_error *err) {
    (void)err;
    asked *a = user;
    assert_int_equal(evaluation, a->noises++);
    assert_int_equal(count, COUNT);
    numbers(values, 100 + (uint64_t)evaluation);
    return LOFI_OK;
}

static lofi_code step_done(void *user, int64_t done, int64_t evaluations, lofi_error *err) {
    asked *a = user;
    a->conditions[a->count++] = '|';
    assert_true(done <= evaluations);
    return done == a->stop_after ? lofi_fail(err, LOFI_ERR_INTERRUPTED, "stopped") : LOFI_OK;
}

static lofi_code sample(asked *a, const lofi_sampling *settings, float *latents, lofi_error *err) {
    lofi_sampler_model model = {a, answer, draw, step_done};
    *a = (asked){.stop_after = a->stop_after, .poison = a->poison};
    numbers(latents, 1);
    return lofi_sample(settings, &model, CHANNELS, PLANE, latents, err);
}

static void expect_asked(const lofi_sampling *settings, const char *conditions) {
    lofi_error err = LOFI_ERROR_INIT;
    float latents[COUNT];
    asked a = {.count = 0};
    must(sample(&a, settings, latents, &err), &err);
    assert_string_equal(a.conditions, conditions);
    lofi_sampling_cost cost = lofi_sampling_count(settings);
    int64_t runs = 0;
    for (const char *c = conditions; *c; c++) runs += *c != '|';
    assert_int_equal(cost.network_runs, runs);
    assert_int_equal(cost.asked[LOFI_CONDITION_NONE], strchr(conditions, 'N') != NULL);
    assert_int_equal(cost.asked[LOFI_CONDITION_PROMPT], strchr(conditions, 'P') != NULL);
}

static void guidance_is_asked_for_in_its_interval_only(void **state) {
    (void)state;
    lofi_sampling s = lofi_sampling_default();
    s.steps = 8;
    expect_asked(&s, "F|F|FN|FN|FN|FN|F|F|");
    s.guidance_interval = 1;
    s.steps = 3;
    expect_asked(&s, "FN|FN|FN|");
    s.guidance_interval = 0;
    expect_asked(&s, "F|F|F|");
    s.guidance_interval = 1;
    s.guidance_scale = 1;
    expect_asked(&s, "F|F|F|");
    s.guidance_scale = 0;
    expect_asked(&s, "F|F|F|");
    s.guidance_scale = 7;
    s.prompt_scale = 5, s.lyric_scale = 1;
    expect_asked(&s, "FN|FN|FN|");
    s.lyric_scale = 2;
    expect_asked(&s, "FPN|FPN|FPN|");
}

/* As in the original: the interval counts steps, the loop counts evaluations. */
static void intervals_of_heun_count_steps(void **state) {
    (void)state;
    lofi_sampling s = lofi_sampling_default();
    s.scheduler = scheduler("heun");
    s.steps = 4;
    expect_asked(&s, "F|FN|FN|F|F|F|F|");
}

static void chosen_steps_replace_the_number_of_steps(void **state) {
    (void)state;
    static const int64_t chosen[] = {2, 5, 9, 12};
    lofi_sampling s = lofi_sampling_default();
    s.chosen = chosen;
    s.chosen_count = 4;
    expect_asked(&s, "F|FN|FN|F|");
}

static void scales_decay_to_the_least(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_sampling decaying = lofi_sampling_default(), plain = decaying;
    float ours[COUNT], theirs[COUNT];
    asked a = {.count = 0};
    decaying.steps = plain.steps = 4;
    decaying.guidance = plain.guidance = guidance("cfg");
    decaying.guidance_interval = plain.guidance_interval = 1;
    decaying.min_guidance_scale = plain.min_guidance_scale = 15; /* nothing to fall */
    decaying.interval_decay = 1;
    must(sample(&a, &decaying, ours, &err), &err);
    must(sample(&a, &plain, theirs, &err), &err);
    assert_memory_equal(ours, theirs, sizeof ours);
    decaying.min_guidance_scale = 3;
    must(sample(&a, &decaying, ours, &err), &err);
    assert_memory_not_equal(ours, theirs, sizeof ours);
    decaying.steps = plain.steps = 1; /* one guided step: nothing to fall over */
    must(sample(&a, &decaying, ours, &err), &err);
    must(sample(&a, &plain, theirs, &err), &err);
    assert_memory_equal(ours, theirs, sizeof ours);
}

static void pingpong_draws_noise_for_every_evaluation(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_sampling s = lofi_sampling_default();
    float latents[COUNT];
    asked a = {.count = 0};
    s.scheduler = scheduler("pingpong");
    s.steps = 5;
    must(sample(&a, &s, latents, &err), &err);
    assert_int_equal(a.noises, 5);
    s.scheduler = scheduler("euler");
    must(sample(&a, &s, latents, &err), &err);
    assert_int_equal(a.noises, 0);
}

static void what_goes_wrong_ends_the_loop(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_sampling s = lofi_sampling_default();
    float latents[COUNT];
    asked a = {.stop_after = 2};
    s.steps = 5;
    assert_int_equal(sample(&a, &s, latents, &err), LOFI_ERR_INTERRUPTED);
    assert_string_equal(a.conditions, "F|FN|");
    a = (asked){.poison = NAN};
    assert_int_equal(sample(&a, &s, latents, &err), LOFI_ERR_NUMERIC);
    assert_non_null(strstr(err.message, "after 1 of 5"));
}

static void settings_that_make_no_sense_are_refused(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_sampling s = lofi_sampling_default();
    must(lofi_sampling_check(&s, &err), &err);
    double *values[] = {&s.guidance_scale, &s.guidance_interval, &s.interval_decay, &s.min_guidance_scale,
                        &s.omega_scale,    &s.prompt_scale,      &s.lyric_scale};
    static const double wrong[] = {NAN, INFINITY, -2000};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        for (size_t j = 0; j < sizeof wrong / sizeof *wrong; j++) {
            double kept = *values[i];
            *values[i] = wrong[j];
            assert_int_equal(lofi_sampling_check(&s, &err), LOFI_ERR_USAGE);
            *values[i] = kept;
        }
    s.guidance_interval = 1.5;
    assert_int_equal(lofi_sampling_check(&s, &err), LOFI_ERR_USAGE);
    assert_non_null(strstr(err.message, "guidance interval"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_are_equal_strides_shifted_twice),
        cmocka_unit_test(heun_asks_twice_at_all_levels_but_the_first),
        cmocka_unit_test(chosen_levels_are_those_of_more_steps_shifted_again),
        cmocka_unit_test(levels_that_make_no_sense_are_refused),
        cmocka_unit_test(euler_steps_along_the_output),
        cmocka_unit_test(heun_steps_along_the_mean_of_two_outputs),
        cmocka_unit_test(pingpong_cleans_and_makes_noisy_again),
        cmocka_unit_test(omega_leaves_steps_alone_at_zero),
        cmocka_unit_test(apg_averages_shortens_and_projects),
        cmocka_unit_test(apg_without_a_difference_changes_nothing),
        cmocka_unit_test(cfg_goes_beyond_the_conditional_answer),
        cmocka_unit_test(cfg_star_fits_the_unconditional_answer_and_starts_still),
        cmocka_unit_test(double_guidance_weighs_three_answers),
        cmocka_unit_test(names_are_found_and_listed),
        cmocka_unit_test(guidance_is_asked_for_in_its_interval_only),
        cmocka_unit_test(intervals_of_heun_count_steps),
        cmocka_unit_test(chosen_steps_replace_the_number_of_steps),
        cmocka_unit_test(scales_decay_to_the_least),
        cmocka_unit_test(pingpong_draws_noise_for_every_evaluation),
        cmocka_unit_test(what_goes_wrong_ends_the_loop),
        cmocka_unit_test(settings_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
