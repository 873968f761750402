/* The 38 presets, inheritance, and presets that are refused. */
#include "catalog_files.h"

#include <stdbool.h>

static bool has(const lofi_tag_list *list, const char *tag) {
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->tags[i], tag) == 0) return true;
    return false;
}

static void all_38_resolve(void **state) {
    (void)state;
    static const struct {
        const char *prefix, *category;
        size_t count;
    } groups[] = {{"CORE", "core", 7},
                  {"SEASON", "seasonal", 9},
                  {"THEME", "thematic", 10},
                  {"INST", "instrumental", 7},
                  {"VOCAL", "vocal", 5}};
    lofi_vocabulary *vocabulary = load_vocabulary();
    lofi_styles *styles = load_styles(vocabulary);
    assert_int_equal(lofi_styles_count(styles), 38);
    size_t at = 0;
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
        for (size_t i = 1; i <= groups[g].count; i++, at++) {
            char id[32];
            snprintf(id, sizeof id, "%s-%02zu", groups[g].prefix, i);
            const lofi_style *style = lofi_styles_at(styles, at);
            assert_string_equal(style->style_id, id);
            assert_string_equal(style->category, groups[g].category);
            assert_ptr_equal(lofi_styles_get(styles, id), style);
            assert_true(strlen(style->name) > 2);
            assert_true(style->tags[LOFI_TAG_GENRE].count >= 1);
            assert_true(style->tags[LOFI_TAG_INSTRUMENTS].count >= 3);
            assert_true(style->tags[LOFI_TAG_PRODUCTION].count >= 3);
            assert_true(style->tags[LOFI_TAG_ATMOSPHERE].count >= 1);
            assert_true(style->tags[LOFI_TAG_VOCAL_TYPE].count >= 1);
            assert_int_equal(style->tags[LOFI_TAG_TEMPO].count, 0);
            assert_true(style->mood_options.count >= 4);
            assert_true(style->tempo_min >= 50 && style->tempo_max <= 120 && style->tempo_min < style->tempo_max);
            /* the shared trait reaches every style */
            assert_true(has(&style->tags[LOFI_TAG_PRODUCTION], "tape saturation"));
            assert_true(has(&style->tags[LOFI_TAG_PRODUCTION], "analog warmth"));
            bool voice = !has(&style->tags[LOFI_TAG_VOCAL_TYPE], "instrumental");
            assert_int_equal(voice, strcmp(style->category, "vocal") == 0);
        }
    assert_null(lofi_styles_get(styles, "_base_lofi"));
    lofi_styles_free(styles);
    lofi_vocabulary_free(vocabulary);
}

static void no_two_styles_are_the_same(void **state) {
    (void)state;
    lofi_vocabulary *vocabulary = load_vocabulary();
    lofi_styles *styles = load_styles(vocabulary);
    for (size_t i = 0; i < 38; i++)
        for (size_t j = 0; j < i; j++) {
            const lofi_style *a = lofi_styles_at(styles, i), *b = lofi_styles_at(styles, j);
            size_t own = 0;
            for (int category = 0; category < LOFI_TAG_CATEGORIES; category++)
                for (size_t k = 0; k < a->tags[category].count; k++)
                    own += !has(&b->tags[category], a->tags[category].tags[k]);
            if (own < 4) fail_msg("%s says only %zu things that %s does not", a->style_id, own, b->style_id);
        }
    lofi_styles_free(styles);
    lofi_vocabulary_free(vocabulary);
}

static void says_who_needs_words(void **state) {
    (void)state;
    lofi_vocabulary *vocabulary = load_vocabulary();
    lofi_styles *styles = load_styles(vocabulary);
    static const char *const words[] = {"VOCAL-02", "VOCAL-03", "VOCAL-04"};
    static const char *const none[] = {"CORE-01", "CORE-07", "VOCAL-01", "VOCAL-05", "INST-05"};
    for (size_t i = 0; i < 3; i++) assert_true(lofi_style_has_words(lofi_styles_get(styles, words[i])));
    for (size_t i = 0; i < 5; i++) assert_false(lofi_style_has_words(lofi_styles_get(styles, none[i])));
    lofi_styles_free(styles);
    lofi_vocabulary_free(vocabulary);
}

static void house_is_110_to_120(void **state) {
    (void)state;
    lofi_vocabulary *vocabulary = load_vocabulary();
    lofi_styles *styles = load_styles(vocabulary);
    const lofi_style *house = lofi_styles_get(styles, "CORE-04");
    assert_int_equal(house->tempo_min, 110);
    assert_int_equal(house->tempo_max, 120);
    lofi_styles_free(styles);
    lofi_vocabulary_free(vocabulary);
}

#define PARENT                                                                                                         \
    "{\"style_id\": \"_base\", \"abstract\": true, \"production\": [\"tape hiss\"], \"instruments\": [\"rhodes "       \
    "piano\"],"                                                                                                        \
    " \"tempo_range\": [70, 90], \"atmosphere\": \"late night\", \"vocal_type\": \"instrumental\","                    \
    " \"mood_options\": [\"chill\", \"warm\"]}"
#define CHILD(more)                                                                                                    \
    "{\"style_id\": \"A-01\", \"name\": \"A\", \"category\": \"core\", \"base_tags\": [\"lofi\"]" more "}"
#define FULL          ", \"instruments\": [\"piano\"], \"production\": [\"tape hiss\"], \"mood_options\": [\"chill\"]"
#define PRESETS(list) "{\"presets\": [" list "]}"

static void children_add_lists_and_replace_scalars(void **state) {
    lofi_vocabulary *vocabulary = load_vocabulary();
    lofi_styles *styles = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    const char *path = put_file(
        *state, "presets.json",
        PRESETS(CHILD(
            ", \"extends\": \"_middle\", \"instruments\": [\"piano\", \"Rhodes\"],"
            " \"atmosphere\": \"snow\", \"mood_options\": [\"cosy\"], \"notes\": 1") ","
                                                                                     "{\"style_id\": \"_middle\", "
                                                                                     "\"abstract\": true, \"extends\": "
                                                                                     "\"_base\","
                                                                                     " \"tempo_range\": [60, 61], "
                                                                                     "\"production\": "
                                                                                     "[\"tremolo\"]}," PARENT));
    if (lofi_styles_load(&styles, path, vocabulary, &err) != LOFI_OK) fail_msg("%s", err.message);
    assert_int_equal(lofi_styles_count(styles), 1);
    const lofi_style *style = lofi_styles_at(styles, 0);
    const lofi_tag_list *instruments = &style->tags[LOFI_TAG_INSTRUMENTS],
                        *production = &style->tags[LOFI_TAG_PRODUCTION];
    assert_int_equal(instruments->count, 2); /* an alias of what is there already is not a second tag */
    assert_string_equal(instruments->tags[0], "piano");
    assert_string_equal(instruments->tags[1], "rhodes");
    assert_int_equal(production->count, 2);
    assert_string_equal(production->tags[0], "tremolo");
    assert_string_equal(production->tags[1], "tape hiss");
    assert_int_equal(style->mood_options.count, 3);
    assert_string_equal(style->mood_options.tags[0], "cozy");
    assert_int_equal(style->tags[LOFI_TAG_ATMOSPHERE].count, 1);
    assert_string_equal(style->tags[LOFI_TAG_ATMOSPHERE].tags[0], "snowfall");
    assert_string_equal(style->tags[LOFI_TAG_VOCAL_TYPE].tags[0], "instrumental");
    assert_int_equal(style->tempo_min, 60);
    assert_int_equal(style->tempo_max, 61);
    lofi_styles_free(styles);
    lofi_vocabulary_free(vocabulary);
}

static void refuses_broken_presets(void **state) {
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{\"presets\": [", "line 1"},
        {"[]", "presets"},
        {PRESETS(""), "no style"},
        {PRESETS(PARENT), "no style"},
        {PRESETS("3"), "style_id"},
        {PRESETS("{\"style_id\": \"\"}"), "empty style_id"},
        {PRESETS(CHILD(", \"extends\": \"_bose\"") "," PARENT),
         "style 'A-01' extends '_bose', which is not there; the nearest preset is '_base'"},
        {PRESETS(CHILD(", \"extends\": \"A-01\"")), "circle: A-01 -> A-01"},
        {PRESETS("{\"style_id\": \"x\", \"extends\": \"y\"}, {\"style_id\": \"y\", \"extends\": \"z\"},"
                 "{\"style_id\": \"z\", \"extends\": \"y\"}"),
         "circle: "},
        {PRESETS(CHILD("") "," CHILD("")), "style 'A-01': the style_id is there twice"},
        {PRESETS(CHILD(", \"extends\": 5")), "extends"},
        {PRESETS(CHILD(", \"abstract\": \"yes\"")), "abstract"},
        {PRESETS(CHILD(", \"instrument\": [\"piano\"]")), "did you mean 'instruments'?"},
        {PRESETS(CHILD("")), "line 1: presets[0].instruments: is missing"},
        {PRESETS(CHILD(", \"tempo_range\": [90, 70]" FULL)), "90 is more than 70"},
        {PRESETS(CHILD(", \"tempo_range\": [70.5, 90]" FULL)), "tempo_range[0]: must be a whole number, found 70.5"},
        {PRESETS(CHILD(", \"tempo_range\": [70]" FULL)),
         "tempo_range: must have at least 2 entries, found a list of 1"},
        {PRESETS(CHILD(", \"tempo_range\": \"fast\"" FULL)), "tempo_range: must be a list, found 'fast'"},
        {PRESETS(CHILD(", \"tempo_range\": [1, 90]" FULL)), "tempo_range[0]: must be at least 20, found 1"},
        {PRESETS(CHILD(", \"tempo_range\": [30, 99999999999999]" FULL)), "must be at most 300, found 99999999999999"},
        {PRESETS(CHILD(", \"tempo_range\": [70, 90], \"instruments\": [], \"production\": [\"tape hiss\"],"
                       " \"mood_options\": [\"chill\"]")),
         "instruments: must have at least 1 entry"},
        {PRESETS(CHILD(", \"tempo_range\": [70, 90], \"instruments\": [\"piano\"]")), "production: is missing"},
        {PRESETS(CHILD(", \"tempo_range\": [70, 90], \"instruments\": [\"piano\"], \"production\": [\"tape hiss\"]")),
         "mood_options: is missing"},
        {PRESETS(CHILD(", \"extends\": \"_base\", \"instruments\": [\"paino\"]") "," PARENT),
         "nearest known one is 'piano'"},
        {PRESETS(CHILD(", \"extends\": \"_base\", \"instruments\": [\"warm\"]") "," PARENT),
         "'warm' is a tag of the category 'mood', not 'instruments'"},
        {PRESETS(CHILD(", \"extends\": \"_base\", \"instruments\": \"piano\"") "," PARENT),
         "instruments: must be a list, found 'piano'"},
        {PRESETS(CHILD(", \"extends\": \"_base\", \"instruments\": [1]") "," PARENT),
         "instruments[0]: must be text, found 1"},
        {PRESETS(CHILD(", \"extends\": \"_base\", \"atmosphere\": [\"snow\"]") "," PARENT), "atmosphere"},
        {PRESETS("{\"style_id\": \"A-01\", \"extends\": \"_base\", \"category\": \"core\"}," PARENT),
         "name: is missing"},
        {PRESETS("{\"style_id\": \"A-01\", \"extends\": \"_base\", \"name\": \"A\"}," PARENT), "category: is missing"},
        {PRESETS("{\"style_id\": \"A-01\", \"extends\": \"_base\", \"name\": \"A\", \"category\": \"seasnal\","
                 " \"base_tags\": [\"lofi\"]}," PARENT),
         "must be one of: core, seasonal, thematic, instrumental, vocal, found 'seasnal'"},
        {PRESETS("{\"style_id\": \"A-01\", \"extends\": \"_base\", \"name\": \"A\", \"category\": \"core\","
                 " \"base_tags\": [\"warm\"]}," PARENT),
         "no genre"},
        {PRESETS("{\"style_id\": \"A-01\", \"extends\": \"_base\", \"name\": \"A\", \"category\": \"core\","
                 " \"base_tags\": [\"lofi\", \"85 bpm\"]}," PARENT),
         "tempo comes from tempo_range"},
    };
    lofi_vocabulary *vocabulary = load_vocabulary();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = put_file(*state, "presets.json", cases[i].text);
        lofi_styles *styles = NULL;
        lofi_error err = LOFI_ERROR_INIT;
        if (lofi_styles_load(&styles, path, vocabulary, &err) != LOFI_ERR_FORMAT) fail_msg("case %zu was taken", i);
        assert_contains(err.message, cases[i].message);
        assert_contains(err.message, "presets.json");
        assert_null(styles);
    }
    lofi_vocabulary_free(vocabulary);
}

static void names_the_nearest_style(void **state) {
    (void)state;
    lofi_vocabulary *vocabulary = load_vocabulary();
    lofi_styles *styles = load_styles(vocabulary);
    const lofi_style *style = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_styles_find(&style, styles, "SEASON-2", &err), LOFI_ERR_FORMAT);
    assert_contains(err.message, "'SEASON-02'");
    assert_int_equal(lofi_styles_find(&style, styles, "_base_lofi", &err), LOFI_ERR_FORMAT);
    assert_contains(err.message, "only a parent");
    assert_null(style);
    assert_int_equal(lofi_styles_find(&style, styles, "THEME-10", &err), LOFI_OK);
    assert_string_equal(style->name, "Sunday Morning");
    lofi_styles_free(styles);
    lofi_vocabulary_free(vocabulary);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_38_resolve),
        cmocka_unit_test(no_two_styles_are_the_same),
        cmocka_unit_test(says_who_needs_words),
        cmocka_unit_test(house_is_110_to_120),
        cmocka_unit_test_setup_teardown(children_add_lists_and_replace_scalars, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(refuses_broken_presets, make_folder, remove_folder),
        cmocka_unit_test(names_the_nearest_style),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
