/* test_catalog_prompts_file.c - lists of songs as text and as JSON, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "catalog/prompts_file.h"

static char path[64];

static lofi_code load(lofi_prompts_file *file, const char *text, lofi_error *err) {
    *err = (lofi_error)LOFI_ERROR_INIT;
    if (lofi_file_write(path, text, strlen(text), err) != LOFI_OK) fail_msg("%s", err->message);
    *file = (lofi_prompts_file){0};
    return lofi_prompts_file_load(file, path, err);
}

static void expect_song(const lofi_wanted_song *song, const char *prompt, const char *name) {
    assert_string_equal(song->prompt, prompt);
    assert_string_equal(song->name, name);
}

static void lines_are_prompts(void **state) {
    (void)state;
    lofi_prompts_file file;
    lofi_error err;
    assert_int_equal(load(&file, "# mine\n\n  lofi, Rainy  night! \r\n\t\n\xe9\xa0\xb1\n  # not this\npiano", &err),
                     LOFI_OK);
    assert_int_equal(file.count, 3);
    expect_song(&file.songs[0], "lofi, Rainy  night!", "001-lofi-rainy-night");
    expect_song(&file.songs[1], "\xe9\xa0\xb1", "002");
    expect_song(&file.songs[2], "piano", "003-piano");
    assert_string_equal(file.songs[0].lyrics, "");
    assert_false(file.songs[0].has_seed);
    assert_true(file.songs[0].seconds == 0);
    lofi_prompts_file_free(&file);
}

static void objects_say_more(void **state) {
    (void)state;
    lofi_prompts_file file;
    lofi_error err;
    const char *text =
        "[\"piano\", {\"prompt\": \"lofi\", \"lyrics\": \"[verse]\\nla\", \"language\": \"fr\", \"seed\": 7, "
        "\"duration\": 12.5, \"output\": \"rain.v2.flac\"}, {\"prompt\": \"x\", \"output\": \"y.z\"}]";
    assert_int_equal(load(&file, text, &err), LOFI_OK);
    assert_int_equal(file.count, 3);
    expect_song(&file.songs[0], "piano", "001-piano");
    expect_song(&file.songs[1], "lofi", "rain.v2");
    expect_song(&file.songs[2], "x", "y.z");
    assert_string_equal(file.songs[1].lyrics, "[verse]\nla");
    assert_string_equal(file.songs[1].language, "fr");
    assert_true(file.songs[1].has_seed && file.songs[1].seed == 7);
    assert_true(file.songs[1].seconds == 12.5);
    assert_null(file.songs[2].language);
    lofi_prompts_file_free(&file);
}

static void the_form_of_calibration_data_is_taken(void **state) {
    (void)state;
    lofi_prompts_file file;
    lofi_error err;
    assert_int_equal(load(&file, "{\"prompts\": [\"a\", \"b\"]}", &err), LOFI_OK);
    assert_int_equal(file.count, 2);
    lofi_prompts_file_free(&file);
}

static void long_prompts_give_short_names(void **state) {
    (void)state;
    lofi_prompts_file file;
    lofi_error err;
    char text[600];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_int_equal(load(&file, text, &err), LOFI_OK);
    assert_true(strlen(file.songs[0].name) < 64);
    assert_int_equal(strlen(file.songs[0].prompt), sizeof text - 1);
    lofi_prompts_file_free(&file);
}

static void what_is_wrong_is_named(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "holds no prompt"},
        {"# only notes\n", "holds no prompt"},
        {"[]", "holds no prompt"},
        {"{\"prompts\": 3}", "expected a list"},
        {"[\"a\", 5]", "song 2: expected a prompt or an object"},
        {"[{\"lyrics\": \"la\"}]", "song 1"},
        {"[{\"prompt\": \"a\", \"sede\": 1}]", "there is no key 'sede'"},
        {"[{\"prompt\": \"a\", \"seed\": -1}]", "seed"},
        {"[{\"prompt\": \"a\", \"seed\": 1.5}]", "seed"},
        {"[{\"prompt\": \"a\", \"duration\": 0}]", "'duration' must be above 0"},
        {"[{\"prompt\": \"a\", \"duration\": -2}]", "'duration' must be above 0"},
        {"[{\"prompt\": \"a\", \"output\": \"../b\"}]", "'../b' is not a plain file name"},
        {"[{\"prompt\": \"a\", \"output\": \".wav\"}]", "'.wav' is not a plain file name"},
        {"[{\"prompt\": \"a\", \"output\": \"\"}]", "is not a plain file name"},
        {"[{\"prompt\": \"a\", \"output\": \"x\"}, {\"prompt\": \"b\", \"output\": \"x.mp3\"}]", "called 'x'"},
        {"[\"a\"", "line 1"},
        {"lofi \xff", "is not UTF-8 text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lofi_prompts_file file;
        lofi_error err;
        lofi_code code = load(&file, cases[i].text, &err);
        if (code == LOFI_OK || !strstr(err.message, cases[i].message))
            fail_msg("'%s' gives: %s", cases[i].text, code == LOFI_OK ? "no error" : err.message);
        assert_null(file.songs);
    }
    lofi_prompts_file file = {0};
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_prompts_file_load(&file, "no such file", &err), LOFI_ERR_NOT_FOUND);
}

static int name_file(void **state) {
    (void)state;
    snprintf(path, sizeof path, "prompts-test-%ld", (long)getpid());
    return 0;
}

static int remove_file(void **state) {
    (void)state;
    return unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_prompts),
        cmocka_unit_test(objects_say_more),
        cmocka_unit_test(the_form_of_calibration_data_is_taken),
        cmocka_unit_test(long_prompts_give_short_names),
        cmocka_unit_test(what_is_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, name_file, remove_file);
}
