/* Vocabulary: canonical forms, unknown tags, broken files; edit distance. */
#include "catalog_files.h"

#include <strings.h>

#include "audio/key.h"
#include "catalog/nearest.h"
#include "catalog/tags.h"

static void loads_all_categories(void **state) {
    (void)state;
    lofi_vocabulary *vocabulary = load_vocabulary();
    size_t total = 0;
    for (int i = 0; i < LOFI_TAG_CATEGORIES; i++) {
        size_t count = 0;
        const char *const *tags = lofi_vocabulary_tags(vocabulary, (lofi_tag_category)i, &count);
        assert_true(count >= 5);
        for (size_t j = 0; j < count; j++) {
            char canonical[LOFI_TAG_BYTES];
            lofi_tag_category category = LOFI_TAG_GENRE;
            assert_int_equal(lofi_vocabulary_find(canonical, &category, vocabulary, tags[j], NULL), LOFI_OK);
            assert_string_equal(canonical, tags[j]);
            assert_int_equal(category, i);
        }
        total += count;
    }
    assert_true(total > 250);
    lofi_vocabulary_free(vocabulary);
}

static void finds_canonical_forms(void **state) {
    (void)state;
    static const struct {
        const char *given, *canonical;
        lofi_tag_category category;
    } cases[] = {{"lo-fi", "lofi", LOFI_TAG_GENRE},
                 {"rhodes piano", "rhodes", LOFI_TAG_INSTRUMENTS},
                 {"  Lo-Fi   HIP hop ", "lofi hip hop", LOFI_TAG_GENRE},
                 {"85 bpm", "85 bpm", LOFI_TAG_TEMPO},
                 {"85BPM", "85 bpm", LOFI_TAG_TEMPO},
                 {"slow tempo", "slow tempo", LOFI_TAG_TEMPO},
                 {"groovy tempo", "groovy tempo", LOFI_TAG_TEMPO},
                 {"cosy", "cozy", LOFI_TAG_MOOD},
                 {"café ambience", "cafe ambience", LOFI_TAG_ATMOSPHERE},
                 {"no vocals", "instrumental", LOFI_TAG_VOCAL_TYPE}};
    lofi_vocabulary *vocabulary = load_vocabulary();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char canonical[LOFI_TAG_BYTES];
        lofi_tag_category category = LOFI_TAG_GENRE;
        assert_int_equal(lofi_vocabulary_find(canonical, &category, vocabulary, cases[i].given, NULL), LOFI_OK);
        assert_string_equal(canonical, cases[i].canonical);
        assert_int_equal(category, cases[i].category);
    }
    lofi_vocabulary_free(vocabulary);
}

static void knows_the_moods_and_tempi_of_the_contract(void **state) {
    (void)state;
    static const char *const moods[] = {"chill",  "relaxing",      "melancholic",   "nostalgic",   "dreamy",
                                        "cozy",   "peaceful",      "introspective", "romantic",    "hopeful",
                                        "serene", "contemplative", "wistful",       "bittersweet", "warm"};
    static const struct {
        int bpm;
        const char *word;
    } tempi[] = {{50, "slow tempo"},   {71, "slow tempo"},    {72, "laid-back tempo"}, {82, "medium tempo"},
                 {96, "groovy tempo"}, {109, "groovy tempo"}, {110, "upbeat tempo"}};
    lofi_vocabulary *vocabulary = load_vocabulary();
    char canonical[LOFI_TAG_BYTES];
    lofi_tag_category category = LOFI_TAG_GENRE;
    for (size_t i = 0; i < sizeof moods / sizeof *moods; i++) {
        assert_int_equal(lofi_vocabulary_find(canonical, &category, vocabulary, moods[i], NULL), LOFI_OK);
        assert_int_equal(category, LOFI_TAG_MOOD);
        assert_string_equal(canonical, moods[i]);
    }
    for (size_t i = 0; i < sizeof tempi / sizeof *tempi; i++) {
        assert_string_equal(lofi_tempo_word(tempi[i].bpm), tempi[i].word);
        assert_int_equal(lofi_vocabulary_find(canonical, &category, vocabulary, tempi[i].word, NULL), LOFI_OK);
        assert_int_equal(category, LOFI_TAG_TEMPO);
    }
    lofi_vocabulary_free(vocabulary);
}

/* All 24, in the spelling of the audio measures and in others. */
static void knows_keys(void **state) {
    (void)state;
    static const struct {
        const char *given, *canonical;
    } cases[] = {{"Bb minor", "a# minor"},
                 {"B flat minor", "a# minor"},
                 {"b-flat minor", "a# minor"},
                 {"B\xe2\x99\xad minor", "a# minor"},
                 {"Gb Major", "f# major"},
                 {"G sharp min", "g# minor"},
                 {"c\xe2\x99\xaf maj", "c# major"},
                 {"Cb major", "b major"},
                 {"B# minor", "c minor"},
                 {"E# major", "f major"},
                 {"Fb minor", "e minor"},
                 {"  F#   minor ", "f# minor"},
                 {"b minor", "b minor"}};
    static const char *const others[] = {"minor key", "h minor", "a",      "a minor scale", "am",
                                         "# minor",   "",        "a# ",    "a#b minor",     "8a minor",
                                         "a  flat",   "minor a", "a,minor"};
    lofi_vocabulary *vocabulary = load_vocabulary();
    lofi_tag_category category = LOFI_TAG_GENRE;
    char tag[LOFI_TAG_BYTES], canonical[LOFI_TAG_BYTES];
    const char *last = "";
    for (int i = 0; i < 24; i++) {
        const lofi_key key = {.tonic = i % 12, .minor = i >= 12};
        assert_true(lofi_key_tag(tag, lofi_key_name(&key)));
        assert_int_equal(strcasecmp(tag, lofi_key_name(&key)), 0);
        assert_string_not_equal(tag, last);
        assert_int_equal(lofi_vocabulary_find(canonical, &category, vocabulary, lofi_key_name(&key), NULL), LOFI_OK);
        assert_int_equal(category, LOFI_TAG_PRODUCTION);
        assert_string_equal(canonical, tag);
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!lofi_key_tag(tag, cases[i].given)) fail_msg("'%s' is no key", cases[i].given);
        assert_string_equal(tag, cases[i].canonical);
        assert_int_equal(lofi_vocabulary_find(canonical, &category, vocabulary, cases[i].given, NULL), LOFI_OK);
        assert_string_equal(canonical, tag);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (lofi_key_tag(tag, others[i])) fail_msg("'%s' is a key", others[i]);
    lofi_vocabulary_free(vocabulary);
}

static void refuses_unknown_tags(void **state) {
    (void)state;
    lofi_vocabulary *vocabulary = load_vocabulary();
    static const struct {
        const char *given, *message;
    } cases[] = {{"vinly crackle", "'vinyl crackle' (production)"},
                 {"rodes piano", "'rhodes' (instruments)"}, /* nearest to an alias: its canonical form is named */
                 {"nostalgick", "'nostalgic' (mood)"},
                 {"5 bpm", "unknown tag"},
                 {"301 bpm", "unknown tag"},
                 {"085 bpm", "unknown tag"},
                 {"", "empty"},
                 {"   ", "empty"},
                 {"chill, warm", "comma"},
                 {"chill\nwarm", "control"},
                 {"a tag that is longer than anybody would ever want to write in a prompt", "longer than 64"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char canonical[LOFI_TAG_BYTES] = "untouched";
        lofi_tag_category category = LOFI_TAG_GENRE;
        lofi_error err = LOFI_ERROR_INIT;
        assert_int_equal(lofi_vocabulary_find(canonical, &category, vocabulary, cases[i].given, &err), LOFI_ERR_FORMAT);
        assert_contains(err.message, cases[i].message);
        assert_string_equal(canonical, "untouched");
    }
    lofi_vocabulary_free(vocabulary);
}

/* A whole vocabulary with one tag for each category but the first, which is given. */
#define WITH_GENRE(genre)                                                                                              \
    "{\"categories\": [" genre "{\"category\": \"mood\", \"tags\": [\"chill\"]},"                                      \
    "{\"category\": \"instruments\", \"tags\": [\"piano\"]}, {\"category\": \"tempo\", \"tags\": [\"slow tempo\"]},"   \
    "{\"category\": \"production\", \"tags\": [\"tape\"]}, {\"category\": \"atmosphere\", \"tags\": [\"night\"]},"     \
    "{\"category\": \"vocal_type\", \"tags\": [\"instrumental\"]}]}"

static void refuses_broken_files(void **state) {
    const char *folder = *state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{", "line 1"},
        {"[]", "categories"},
        {"{\"categories\": 3}", "categories"},
        {"{\"categories\": [7]}", "categories[0]: must be an object, found 7"},
        {WITH_GENRE(""), "'genre' is missing"},
        {WITH_GENRE("{\"category\": \"genres\", \"tags\": [\"lofi\"]},"),
         "categories[0].category: must be one of: genre, mood"},
        {WITH_GENRE("{\"category\": \"mood\", \"tags\": [\"lofi\"]},"), "'mood' is there twice"},
        {WITH_GENRE("{\"category\": \"genre\", \"tags\": []},"), "tags: must have at least 1 entry"},
        {WITH_GENRE("{\"category\": \"genre\", \"tags\": [5]},"), "tags[0]: must be text, found 5"},
        {WITH_GENRE("{\"category\": \"genre\", \"tags\": [\"lofi\", \"Lofi\"]},"), "'lofi' is there twice"},
        {WITH_GENRE("{\"category\": \"genre\", \"tags\": [\"chill\"]},"), "in genre and in mood"},
        {WITH_GENRE("{\"category\": \"genre\", \"tags\": [\"lofi\"], \"canonical_forms\": []},"),
         "canonical_forms: must be an object"},
        {WITH_GENRE("{\"category\": \"genre\", \"tags\": [\"lofi\"], \"canonical_forms\": {\"a\": 1}},"),
         "canonical_forms.a: must be text, found 1"},
        {WITH_GENRE("{\"category\": \"genre\", \"tags\": [\"lofi\"], \"canonical_forms\": {\"a\": \"chill\"}},"),
         "no tag of the category 'genre'"},
        {WITH_GENRE("{\"category\": \"genre\", \"tags\": [\"lofi\"], \"canonical_forms\": {\"chill\": \"lofi\"}},"),
         "'chill' is there twice"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = put_file(folder, "vocabulary.json", cases[i].text);
        lofi_vocabulary *vocabulary = NULL;
        lofi_error err = LOFI_ERROR_INIT;
        assert_int_equal(lofi_vocabulary_load(&vocabulary, path, &err), LOFI_ERR_FORMAT);
        assert_contains(err.message, cases[i].message);
        assert_contains(err.message, "vocabulary.json");
        assert_null(vocabulary);
    }
    lofi_vocabulary *vocabulary = NULL;
    assert_int_equal(lofi_vocabulary_load(&vocabulary, "/nowhere/at/all.json", NULL), LOFI_ERR_NOT_FOUND);
    const char *good = put_file(folder, "vocabulary.json",
                                WITH_GENRE("{\"category\": \"genre\", \"tags\": [\"lofi\"]},"));
    assert_int_equal(lofi_vocabulary_load(&vocabulary, good, NULL), LOFI_OK);
    lofi_vocabulary_free(vocabulary);
}

static void measures_distances(void **state) {
    (void)state;
    assert_int_equal(lofi_edit_distance("", ""), 0);
    assert_int_equal(lofi_edit_distance("", "abc"), 3);
    assert_int_equal(lofi_edit_distance("abc", ""), 3);
    assert_int_equal(lofi_edit_distance("kitten", "sitting"), 3);
    assert_int_equal(lofi_edit_distance("vinly", "vinyl"), 1);
    assert_int_equal(lofi_edit_distance("CORE-01", "core-01"), 0);
    assert_int_equal(lofi_edit_distance("ca", "abc"), 3); /* a swapped pair is not edited again */
    char left[400], right[400];
    memset(left, 'a', sizeof left);
    memset(right, 'b', sizeof right);
    left[399] = right[399] = '\0';
    assert_int_equal(lofi_edit_distance(left, right), 128);
    static const char *const names[] = {"CORE-01", "CORE-02", "INST-01"};
    assert_string_equal(lofi_nearest("CORE-03", names, 3), "CORE-01"); /* the first of equals */
    assert_string_equal(lofi_nearest("inst01", names, 3), "INST-01");
    assert_null(lofi_nearest("x", names, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_all_categories),
        cmocka_unit_test(finds_canonical_forms),
        cmocka_unit_test(knows_the_moods_and_tempi_of_the_contract),
        cmocka_unit_test(knows_keys),
        cmocka_unit_test(refuses_unknown_tags),
        cmocka_unit_test_setup_teardown(refuses_broken_files, make_folder, remove_folder),
        cmocka_unit_test(measures_distances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
