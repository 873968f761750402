/* Presets that load, and are not fit for use all the same; likeness of styles; tags that nobody uses. */
#include "catalog_files.h"

#include "catalog/styles_check.h"

#define STYLE(id, more)                                                                                                \
    "{\"style_id\": \"" id "\", \"name\": \"" id "\", \"category\": \"core\", \"tempo_range\": [80, 90], " more "}"
#define PRESETS(list) "{\"presets\": [" list "]}"
#define REST          "\"production\": [\"tape hiss\"], \"mood_options\": [\"chill\", \"warm\"]"

typedef struct told {
    lofi_buffer problems, losses;
    size_t built;
} told;

static void note_problem(void *user, const char *what) {
    lofi_buffer_printf(&((told *)user)->problems, "%s\n", what);
}

static void note_loss(void *user, const char *what) {
    lofi_buffer_printf(&((told *)user)->losses, "%s\n", what);
}

static lofi_styles *load(void **state, const lofi_vocabulary *vocabulary, const char *text) {
    lofi_styles *styles = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    if (lofi_styles_load(&styles, put_file(*state, "presets.json", text), vocabulary, &err) != LOFI_OK)
        fail_msg("%s", err.message);
    return styles;
}

static told check(const lofi_styles *styles, const lofi_vocabulary *vocabulary) {
    told result = {LOFI_BUFFER_INIT, LOFI_BUFFER_INIT, 0};
    assert_int_equal(lofi_styles_check(&result.built, styles, vocabulary, note_problem, note_loss, &result, NULL),
                     LOFI_OK);
    return result;
}

static void free_told(told *of) {
    lofi_buffer_free(&of->problems);
    lofi_buffer_free(&of->losses);
}

static void our_presets_are_fit(void **state) {
    (void)state;
    lofi_vocabulary *vocabulary = load_vocabulary();
    lofi_styles *styles = load_styles(vocabulary);
    const lofi_style *a, *b;
    told result = check(styles, vocabulary);
    assert_string_equal(lofi_buffer_str(&result.problems), "");
    assert_string_equal(lofi_buffer_str(&result.losses), "");
    assert_int_equal(result.built, 38 * 38 * 26);
    double likeness = lofi_styles_most_alike(&a, &b, styles);
    assert_true(likeness > 0.1 && likeness < 0.5);
    assert_true(lofi_styles_use(styles, "boom bap drums") && lofi_styles_use(styles, "introspective"));
    assert_false(lofi_styles_use(styles, "deep house"));
    free_told(&result);
    lofi_styles_free(styles);
    lofi_vocabulary_free(vocabulary);
}

static void prompts_with_unknown_words_are_told(void **state) {
    static const char small[] =
        "{\"categories\": [{\"category\": \"genre\", \"tags\": [\"lofi\"]}, {\"category\": \"mood\", \"tags\": "
        "[\"chill\","
        " \"warm\"]}, {\"category\": \"instruments\", \"tags\": [\"piano\"]}, {\"category\": \"tempo\", \"tags\":"
        " [\"slow tempo\"]}, {\"category\": \"production\", \"tags\": [\"tape hiss\"]}, {\"category\": \"atmosphere\","
        " \"tags\": [\"barn\"]}, {\"category\": \"vocal_type\", \"tags\": [\"instrumental\"]}]}";
    lofi_vocabulary *vocabulary = NULL;
    assert_int_equal(lofi_vocabulary_load(&vocabulary, put_file(*state, "v.json", small), NULL), LOFI_OK);
    lofi_styles *styles = load(state, vocabulary,
                               PRESETS(STYLE("A", "\"base_tags\": [\"lofi\"], \"instruments\": [\"piano\"], " REST)));
    told result = check(styles, vocabulary);
    assert_contains(lofi_buffer_str(&result.problems), "A: unknown tag '");
    assert_int_equal(result.built, 1); /* the first of each is enough */
    free_told(&result);
    lofi_styles_free(styles);
    lofi_vocabulary_free(vocabulary);
}

static void a_style_that_says_too_much_is_told(void **state) {
    lofi_vocabulary *vocabulary = load_vocabulary();
    lofi_buffer text = LOFI_BUFFER_INIT;
    size_t count = 0;
    const char *const *tags = lofi_vocabulary_tags(vocabulary, LOFI_TAG_INSTRUMENTS, &count);
    lofi_buffer_text(&text, "{\"presets\": [{\"style_id\": \"A\", \"name\": \"A\", \"category\": \"core\", "
                            "\"tempo_range\": [80, 90], " REST ", \"base_tags\": [\"lofi\"], \"instruments\": [");
    for (size_t i = 0; i < 20; i++) lofi_buffer_printf(&text, "%s\"%s\"", i ? ", " : "", tags[i]);
    lofi_buffer_text(&text, "]}]}");
    lofi_styles *styles = load(state, vocabulary, lofi_buffer_str(&text));
    told result = check(styles, vocabulary);
    assert_string_equal(lofi_buffer_str(&result.problems), "");
    assert_contains(lofi_buffer_str(&result.losses), "A: ");
    assert_contains(lofi_buffer_str(&result.losses), tags[19]);
    free_told(&result);
    lofi_styles_free(styles);
    lofi_buffer_free(&text);
    lofi_vocabulary_free(vocabulary);
}

static void likeness_is_shared_over_all(void **state) {
    lofi_vocabulary *vocabulary = load_vocabulary();
    lofi_styles *styles = load(
        state, vocabulary,
        PRESETS(STYLE(
            "A",
            "\"base_tags\": [\"lofi\", \"warm\"], \"instruments\": "
            "[\"piano\"], " REST) "," STYLE("B",
                                            "\"base_tags\": [\"lofi\"], "
                                            "\"instruments\": [\"rhodes\", "
                                            "\"organ\"], " REST) "," STYLE("C",
                                                                           "\"base_tags\": [\"lofi\", \"warm\"], "
                                                                           "\"instruments\": [\"piano\"], " REST)));
    const lofi_style *a = lofi_styles_at(styles, 0), *b = lofi_styles_at(styles, 1), *c = lofi_styles_at(styles, 2);
    /* A: lofi, warm, piano, tape hiss. B: lofi, rhodes, organ, tape hiss. Moods that are chosen do not count. */
    assert_true(lofi_styles_likeness(a, b) > 0.333 && lofi_styles_likeness(a, b) < 0.334);
    assert_true(lofi_styles_likeness(a, c) == 1.0);
    const lofi_style *left, *right;
    assert_true(lofi_styles_most_alike(&left, &right, styles) == 1.0);
    assert_true(left == a && right == c);
    lofi_styles_free(styles);
    styles = load(state, vocabulary,
                  PRESETS(STYLE("A", "\"base_tags\": [\"lofi\"], \"instruments\": [\"piano\"], " REST)));
    assert_true(lofi_styles_most_alike(&left, &right, styles) == 0.0);
    assert_null(left);
    lofi_styles_free(styles);
    lofi_vocabulary_free(vocabulary);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_presets_are_fit),
        cmocka_unit_test_setup_teardown(prompts_with_unknown_words_are_told, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_style_that_says_too_much_is_told, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(likeness_is_shared_over_all, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
