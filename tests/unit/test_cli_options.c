/* test_cli_options.c - what the options table makes of words: values, defaults, and every mistake in one sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "cli/options.h"
#include "cli/table.h"

typedef struct settings {
    bool force;
    const char *title, *folder, *data, *size, *source;
    int64_t seed, steps;
    double rate;
    lofi_list adapters, rest;
} settings;

#define AT(member) .offset = offsetof(settings, member)

static const lofi_option options[] = {
    {.name = "force", .kind = LOFI_OPTION_FLAG, AT(force)},
    {.name = "title", .kind = LOFI_OPTION_TEXT, AT(title), .value = "TEXT"},
    {.name = "folder", .kind = LOFI_OPTION_PATH, AT(folder), .value = "DIR", .required = true},
    {.name = "data-dir", .kind = LOFI_OPTION_PATH, AT(data), .fallback = "$LOFI_DATA_DIR/sets"},
    {.name = "size", .kind = LOFI_OPTION_CHOICE, AT(size), .choices = "tiny|small|full", .fallback = "tiny"},
    {.name = "seed", .kind = LOFI_OPTION_INT, AT(seed), .fallback = "42"},
    {.name = "steps", .kind = LOFI_OPTION_INT, AT(steps), .min = 1, .max = 1000, .fallback = "60"},
    {.name = "rate", .kind = LOFI_OPTION_NUMBER, AT(rate), .min = -1, .max = 1, .fallback = "1e-4"},
    {.name = "lora", .kind = LOFI_OPTION_LIST, AT(adapters)},
    {.name = "source", .kind = LOFI_OPTION_TEXT, AT(source), .positional = true, .required = true},
    {.name = "rest", .kind = LOFI_OPTION_LIST, AT(rest), .positional = true},
    {.name = NULL}};

static const lofi_command command = {
    .name = "try this", .summary = "try", .options = options, .settings_bytes = sizeof(settings)};

/* ---- one parse per test; ends with a NULL word ---- */

static lofi_arena *arena;
static settings parsed;
static lofi_common common;
static bool given[16];
static lofi_error problem;
static lofi_context context;

static int open_arena(void **state) {
    (void)state;
    return lofi_arena_new(&arena, NULL) == LOFI_OK ? 0 : -1;
}

static int close_arena(void **state) {
    (void)state;
    lofi_arena_free(arena);
    return 0;
}

static lofi_code parse_words(const char *const *words) {
    size_t count = 0;
    while (words[count] != NULL) count++;
    parsed = (settings){0};
    common = (lofi_common){0};
    memset(given, 0, sizeof given);
    problem = (lofi_error)LOFI_ERROR_INIT;
    context = (lofi_context){.arena = arena, .command = &command, .given = given};
    return lofi_options_parse(&parsed, &common, given, &context, &command, words, count, &problem);
}

#define PARSE(...) parse_words((const char *const[]){__VA_ARGS__, NULL})

static void assert_refused(lofi_code code, const char *message, const char *hint) {
    assert_int_equal(code, LOFI_ERR_USAGE);
    assert_string_equal(problem.message, message);
    if (hint != NULL) assert_string_equal(problem.hint, hint);
}

static void test_defaults(void **state) {
    (void)state;
    unsetenv("LOFI_DATA_DIR");
    assert_int_equal(PARSE("--folder", "f", "song"), LOFI_OK);
    assert_string_equal(parsed.folder, "f");
    assert_string_equal(parsed.source, "song");
    assert_string_equal(parsed.data, "./data/sets");
    assert_string_equal(parsed.size, "tiny");
    assert_null(parsed.title);
    assert_false(parsed.force);
    assert_int_equal(parsed.seed, 42);
    assert_int_equal(parsed.steps, 60);
    assert_true(parsed.rate == 1e-4);
    assert_int_equal(parsed.adapters.count, 0);
    assert_true(lofi_option_given(&context, "folder"));
    assert_false(lofi_option_given(&context, "seed"));
}

static void test_all_forms(void **state) {
    (void)state;
    setenv("HOME", "/home-of-test", 1);
    assert_int_equal(PARSE("-q", "a", "--folder=~/x y", "--force", "--title", "", "--seed", "-7", "--rate=-.5",
                           "--size", "full", "--lora", "p", "q:0.5", "--steps=1000", "--lora", "r", "--json", "--",
                           "-b", "--c"),
                     LOFI_OK);
    assert_string_equal(parsed.folder, "/home-of-test/x y");
    assert_string_equal(parsed.title, "");
    assert_true(parsed.force && common.json && common.quiet && !common.verbose);
    assert_int_equal(parsed.seed, -7);
    assert_int_equal(parsed.steps, 1000);
    assert_true(parsed.rate == -0.5);
    assert_string_equal(parsed.size, "full");
    assert_int_equal(parsed.adapters.count, 3);
    assert_string_equal(parsed.adapters.items[1], "q:0.5");
    assert_string_equal(parsed.adapters.items[2], "r");
    assert_string_equal(parsed.source, "a");
    assert_int_equal(parsed.rest.count, 2);
    assert_string_equal(parsed.rest.items[0], "-b");
    assert_string_equal(parsed.rest.items[1], "--c");
}

static void test_missing(void **state) {
    (void)state;
    assert_refused(PARSE("--force"), "'lofi try this' needs --folder DIR, source",
                   "'lofi try this --help' shows the usage");
    assert_refused(PARSE("x", "--folder"), "--folder needs a value (DIR)", "");
    assert_refused(PARSE("x", "--title", "--force"), "--title needs a value (TEXT)",
                   "a value that begins with a dash is written --title=--force");
    assert_refused(PARSE("x", "--lora", "--force"), "--lora needs a value (VALUE)", NULL);
    assert_refused(PARSE("x", "--folder", ""), "--folder needs a path, but is empty", NULL);
}

static void test_numbers(void **state) {
    (void)state;
    assert_refused(PARSE("--seed", "ten"), "--seed must be a whole number, but is 'ten'", NULL);
    assert_refused(PARSE("--seed", "1.5"), "--seed must be a whole number, but is '1.5'", NULL);
    assert_refused(PARSE("--seed", ""), "--seed must be a whole number, but is ''", NULL);
    assert_refused(PARSE("--seed", " 1"), "--seed must be a whole number, but is ' 1'", NULL);
    assert_refused(PARSE("--seed=99999999999999999999"),
                   "--seed is 99999999999999999999, which does not fit into 64 bits", NULL);
    assert_refused(PARSE("--steps", "0"), "--steps is 0, but must be between 1 and 1000", NULL);
    assert_refused(PARSE("--rate", "2"), "--rate is 2, but must be between -1 and 1", NULL);
    assert_refused(PARSE("--rate", "nan"), "--rate must be a number, but is 'nan'", NULL);
    assert_refused(PARSE("--rate", "1e999"), "--rate must be a number, but is '1e999'", NULL);
}

static void test_mistakes(void **state) {
    (void)state;
    assert_refused(PARSE("--sede", "1"), "'lofi try this' has no option '--sede'", "did you mean '--seed'?");
    assert_refused(PARSE("--data_dir=x"), "'lofi try this' has no option '--data_dir'", "did you mean '--data-dir'?");
    assert_refused(PARSE("--xyzzy"), "'lofi try this' has no option '--xyzzy'",
                   "'lofi try this --help' lists the options");
    assert_refused(PARSE("---"), "'lofi try this' has no option '---'", NULL);
    assert_refused(PARSE("--=x"), "'lofi try this' has no option '--'", NULL);
    assert_refused(PARSE("--seed", "1", "--seed=2"), "--seed is given twice", "keep one of them");
    assert_refused(PARSE("--force=yes"), "--force takes no value", NULL);
    assert_refused(PARSE("--json=yes"), "'--json' takes no value", NULL);
    assert_refused(PARSE("--size", "smal"), "--size must be tiny, small or full, but is 'smal'",
                   "did you mean 'small'?");
    assert_refused(PARSE("--source", "x"), "'lofi try this' has no option '--source'", NULL);
}

static void test_environment(void **state) {
    (void)state;
    setenv("LOFI_DATA_DIR", "/nowhere/at/all", 1);
    assert_int_equal(PARSE("--folder", "f", "song"), LOFI_ERR_NOT_FOUND);
    assert_string_equal(problem.message, "LOFI_DATA_DIR points to '/nowhere/at/all', which does not exist");
    assert_int_equal(PARSE("--folder", "f", "song", "--data-dir", "mine"), LOFI_OK);
    assert_string_equal(parsed.data, "mine");
    setenv("LOFI_DATA_DIR", "/tmp", 1);
    assert_int_equal(PARSE("--folder", "f", "song"), LOFI_OK);
    assert_string_equal(parsed.data, "/tmp/sets");
    setenv("LOFI_DATA_DIR", "", 1);
    assert_int_equal(PARSE("--folder", "f", "song"), LOFI_OK);
    assert_string_equal(parsed.data, "./data/sets");
}

static void test_help_wins(void **state) {
    (void)state;
    assert_int_equal(PARSE("--help"), LOFI_OK);
    assert_true(common.help);
    assert_int_equal(PARSE("-vh"), LOFI_OK);
    assert_true(common.help && common.verbose);
    assert_refused(PARSE("-vx"), "'lofi try this' has no option '-vx'", NULL);
}

static void test_closest(void **state) {
    (void)state;
    const char *const names[] = {"train", "validate", "validate compare", "tracks", "export"};
    assert_string_equal(lofi_closest("trian", names, 5), "train");
    assert_string_equal(lofi_closest("validat", names, 5), "validate");
    assert_string_equal(lofi_closest("exprot", names, 5), "export");
    assert_null(lofi_closest("qqqqq", names, 5));
    assert_null(lofi_closest("", names, 5));
    char longest[300];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_null(lofi_closest(longest, names, 5));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),  cmocka_unit_test(test_all_forms), cmocka_unit_test(test_missing),
        cmocka_unit_test(test_numbers),   cmocka_unit_test(test_mistakes),  cmocka_unit_test(test_environment),
        cmocka_unit_test(test_help_wins), cmocka_unit_test(test_closest),
    };
    return cmocka_run_group_tests_name("options", tests, open_arena, close_arena);
}
