/* Number words against recordings of num2words and of upstream's cleaners.
 *
 * tests/data/text/number_words.json holds cases [language, kind, text, words or null]; LOFI_TEST_NUMBERS names another
 * file of them (tools/compare_number_words.py). Null: the original raises.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "text/lyric_language.h"
#include "text/number_words.h"

#define MAX_SHOWN 12 /* differences of one language that are printed */

static lofi_spelling spell(const lofi_number_words *numbers, const char *kind, const char *text, lofi_buffer *out) {
    if (strcmp(kind, "cardinal") == 0) return numbers->cardinal(out, text);
    if (strcmp(kind, "ordinal") == 0) return numbers->ordinal(out, text);
    if (strcmp(kind, "decimal") == 0) return numbers->decimal(out, text);
    return numbers->money(out, text, kind);
}

typedef struct tally {
    const char *language;
    size_t compared, wrong, unknown;
} tally;

static void report(const tally *t) {
    if (t->language == NULL) return;
    print_message("%s: %zu of %zu the same, %zu left open\n", t->language, t->compared - t->wrong, t->compared,
                  t->unknown);
}

static void compare(tally *t, const char *kind, const char *text, const char *wanted) {
    const lofi_lyric_language *language = lofi_lyric_language_find(t->language);
    lofi_buffer out = LOFI_BUFFER_INIT;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_spelling done = LOFI_SPELLED;
    if (strcmp(kind, "line") == 0) {
        unsigned approximation = 0;
        assert_int_equal(lofi_lyric_clean(language, text, strlen(text), &out, &approximation, &err), LOFI_OK);
        if ((approximation & LOFI_LYRIC_NUMBERS_KEPT) != 0) done = LOFI_SPELLING_UNKNOWN;
    } else {
        done = spell(language->numbers, kind, text, &out);
    }
    const char *got = done == LOFI_SPELLED ? lofi_buffer_str(&out) : NULL;
    bool same = got == NULL ? wanted == NULL : wanted != NULL && strcmp(got, wanted) == 0;
    t->compared += done != LOFI_SPELLING_UNKNOWN;
    t->unknown += done == LOFI_SPELLING_UNKNOWN;
    if (done != LOFI_SPELLING_UNKNOWN && !same && t->wrong++ < MAX_SHOWN)
        print_message("%s %s %s\n  got    %s\n  wanted %s\n", t->language, kind, text, got != NULL ? got : "(refused)",
                      wanted != NULL ? wanted : "(refused)");
    lofi_buffer_free(&out);
}

static size_t compare_file(const char *path) {
    lofi_error err = LOFI_ERROR_INIT;
    json_t *cases = NULL;
    tally t = {0};
    size_t wrong = 0;
    if (lofi_json_load(&cases, path, &err) != LOFI_OK) fail_msg("%s", err.message);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *entry = json_array_get(cases, i);
        const char *language = json_string_value(json_array_get(entry, 0));
        if (t.language == NULL || strcmp(t.language, language) != 0) {
            report(&t);
            wrong += t.wrong;
            t = (tally){.language = language};
        }
        compare(&t, json_string_value(json_array_get(entry, 1)), json_string_value(json_array_get(entry, 2)),
                json_string_value(json_array_get(entry, 3)));
    }
    report(&t);
    wrong += t.wrong;
    assert_true(json_array_size(cases) > 0);
    json_decref(cases);
    return wrong;
}

static void test_recorded_words(void **state) {
    (void)state;
    const char *path = getenv("LOFI_TEST_NUMBERS");
    assert_int_equal(compare_file(path != NULL ? path : LOFI_SOURCE_FOLDER "/tests/data/text/number_words.json"), 0);
}

/* Numbers longer than any language can name stay as they are, and nothing overflows on the way. */
static void test_numbers_without_end(void **state) {
    (void)state;
    for (size_t digits = 1; digits < 20000; digits = digits * 3 / 2 + 1) {
        char *text = malloc(digits + 1);
        assert_non_null(text);
        memset(text, '9', digits);
        text[digits] = '\0';
        for (size_t i = 0; lofi_lyric_language_at(i) != NULL; i++) {
            const lofi_number_words *numbers = lofi_lyric_language_at(i)->numbers;
            if (numbers == NULL) continue;
            lofi_buffer out = LOFI_BUFFER_INIT;
            lofi_spelling cardinal = numbers->cardinal(&out, text), ordinal = numbers->ordinal(&out, text);
            lofi_spelling money = numbers->money(&out, text, "USD");
            if (digits > 606) assert_true(cardinal != LOFI_SPELLED && ordinal != LOFI_SPELLED && money != LOFI_SPELLED);
            assert_int_equal(out.failed, LOFI_OK);
            lofi_buffer_free(&out);
        }
        free(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded_words),
        cmocka_unit_test(test_numbers_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
