/* Token ids against recordings of the original library, and files that no one should have to trust.
 *
 * tests/data/text/umt5_tokenizer.json and its cases are small files of our own texts. With LOFI_TEST_TOKENIZER (a
 * tokenizer.json) and LOFI_TEST_TOKENIZER_PAIRS ({"max_tokens", "pairs": [[text, ids]...]}) set, those are compared as
 * well: tools/compare_tokenizer.py does that with random texts.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "text/tokenizer.h"

#define DATA LOFI_SOURCE_FOLDER "/tests/data/text/"

static lofi_tokenizer *open_or_fail(const char *path) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_tokenizer *tokenizer = NULL;
    if (lofi_tokenizer_open(&tokenizer, path, &err) != LOFI_OK) fail_msg("%s", err.message);
    return tokenizer;
}

static size_t count_different(const lofi_tokenizer *tokenizer, const json_t *pairs, size_t max_tokens) {
    size_t different = 0;
    for (size_t i = 0; i < json_array_size(pairs); i++) {
        lofi_error err = LOFI_ERROR_INIT;
        const json_t *pair = json_array_get(pairs, i), *wanted = json_array_get(pair, 1);
        int64_t *ids = NULL;
        size_t count = 0;
        if (lofi_tokenizer_encode(tokenizer, json_string_value(json_array_get(pair, 0)), max_tokens, &ids, &count,
                                  &err) != LOFI_OK)
            fail_msg("%s", err.message);
        bool same = count == json_array_size(wanted);
        for (size_t k = 0; same && k < count; k++) same = ids[k] == json_integer_value(json_array_get(wanted, k));
        if (!same && different++ < 3) {
            char *shown = json_dumps(pair, JSON_COMPACT);
            print_message("different: %s\nours:", shown);
            for (size_t k = 0; k < count; k++) print_message(" %lld", (long long)ids[k]);
            print_message("\n");
            free(shown);
        }
        free(ids);
    }
    return different;
}

static void test_recorded_ids(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    json_t *cases = NULL;
    if (lofi_json_load(&cases, DATA "umt5_tokenizer_cases.json", &err) != LOFI_OK) fail_msg("%s", err.message);
    lofi_tokenizer *tokenizer = open_or_fail(DATA "umt5_tokenizer.json");
    const json_t *pairs = json_object_get(cases, "pairs");
    assert_true(json_array_size(pairs) > 600);
    assert_int_equal(count_different(tokenizer, pairs, 256), 0);
    lofi_tokenizer_free(tokenizer);
    json_decref(cases);
}

static void test_pairs_of_environment(void **state) {
    (void)state;
    const char *path = getenv("LOFI_TEST_TOKENIZER"), *pairs_path = getenv("LOFI_TEST_TOKENIZER_PAIRS");
    if (path == NULL || pairs_path == NULL) {
        print_message("LOFI_TEST_TOKENIZER and LOFI_TEST_TOKENIZER_PAIRS are not set: nothing to compare\n");
        skip();
    }
    lofi_error err = LOFI_ERROR_INIT;
    json_t *cases = NULL;
    if (lofi_json_load(&cases, pairs_path, &err) != LOFI_OK) fail_msg("%s", err.message);
    lofi_tokenizer *tokenizer = open_or_fail(path);
    const json_t *pairs = json_object_get(cases, "pairs");
    assert_true(json_array_size(pairs) > 0);
    size_t max_tokens = (size_t)json_integer_value(json_object_get(cases, "max_tokens"));
    assert_int_equal(count_different(tokenizer, pairs, max_tokens), 0);
    lofi_tokenizer_free(tokenizer);
    json_decref(cases);
}

static void test_truncation_keeps_the_end_token(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_tokenizer *tokenizer = open_or_fail(DATA "umt5_tokenizer.json");
    int64_t *all = NULL, *cut = NULL;
    size_t all_count = 0, cut_count = 0;
    assert_int_equal(lofi_tokenizer_encode(tokenizer, "rain keeps time on the window", 0, &all, &all_count, &err),
                     LOFI_OK);
    assert_true(all_count > 5);
    assert_int_equal(lofi_tokenizer_encode(tokenizer, "rain keeps time on the window", 4, &cut, &cut_count, &err),
                     LOFI_OK);
    assert_int_equal(cut_count, 4);
    assert_memory_equal(cut, all, 3 * sizeof *all);
    assert_int_equal(cut[3], lofi_tokenizer_token_id(tokenizer, "</s>"));
    assert_int_equal(lofi_tokenizer_pad_id(tokenizer), 0);
    assert_int_equal(lofi_tokenizer_vocab_size(tokenizer), 1500);
    assert_int_equal(lofi_tokenizer_token_id(tokenizer, "no such token"), -1);
    free(all);
    free(cut);
    lofi_tokenizer_free(tokenizer);
}

static void test_bad_text_is_an_error(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_tokenizer *tokenizer = open_or_fail(DATA "umt5_tokenizer.json");
    int64_t *ids = NULL;
    size_t count = 0;
    assert_int_equal(lofi_tokenizer_encode(tokenizer, "rain \xff", 256, &ids, &count, &err), LOFI_ERR_FORMAT);
    assert_non_null(strstr(err.message, "offset 5"));
    assert_null(ids);
    lofi_tokenizer_free(tokenizer);
}

/* ---- files that are wrong ---- */

static char folder[] = "/tmp/lofi-test-tokenizer-XXXXXX";

/* Opens a file with this content: the code, and the message in *err. */
static lofi_code open_text(lofi_tokenizer **tokenizer, const char *text, size_t size, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    assert_int_equal(lofi_path_format(path, err, "%s/tokenizer.json", folder), LOFI_OK);
    assert_int_equal(lofi_file_write(path, text, size, err), LOFI_OK);
    return lofi_tokenizer_open(tokenizer, path, err);
}

typedef struct bad_file {
    const char *text;
    lofi_code code;
    const char *said; /* what the message must name */
} bad_file;

#define UNIGRAM "\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"<unk>\",0],[\"a\",-1]]}"
#define BPE     "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":"

static void test_wrong_files_are_named_errors(void **state) {
    (void)state;
    static const bad_file files[] = {
        {"", LOFI_ERR_FORMAT, "tokenizer.json"},
        {"[]", LOFI_ERR_FORMAT, "object"},
        {"{}", LOFI_ERR_FORMAT, "model"},
        {"{\"model\":3}", LOFI_ERR_FORMAT, "model"},
        {"{\"model\":{\"vocab\":[]}}", LOFI_ERR_FORMAT, "type"},
        {"{\"model\":{\"type\":\"WordPiece\"}}", LOFI_ERR_UNSUPPORTED, "WordPiece"},
        {"{\"model\":{\"type\":\"Unigram\",\"vocab\":[]}}", LOFI_ERR_FORMAT, "vocab"},
        {"{\"model\":{\"type\":\"Unigram\",\"vocab\":[1]}}", LOFI_ERR_FORMAT, "entry 0"},
        {"{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\",\"b\"]]}}", LOFI_ERR_FORMAT, "entry 0"},
        {"{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\",1]],\"unk_id\":1}}", LOFI_ERR_FORMAT, "unk_id"},
        {"{" UNIGRAM ",\"normalizer\":{\"type\":\"Nmt\"}}", LOFI_ERR_UNSUPPORTED, "Nmt"},
        {"{" UNIGRAM ",\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"A\"}}", LOFI_ERR_FORMAT,
         "base64"},
        {"{" UNIGRAM ",\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"/////wAAAAA=\"}}",
         LOFI_ERR_FORMAT, "trie"},
        {"{" UNIGRAM ",\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"a|b\"},\"content\":\"\"}}",
         LOFI_ERR_UNSUPPORTED, "a|b"},
        {"{" UNIGRAM ",\"pre_tokenizer\":{\"type\":\"Digits\"}}", LOFI_ERR_UNSUPPORTED, "Digits"},
        {"{" UNIGRAM ",\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"ab\"}}", LOFI_ERR_FORMAT,
         "replacement"},
        {"{" UNIGRAM ",\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":\"last\"}}",
         LOFI_ERR_UNSUPPORTED, "last"},
        {"{" UNIGRAM ",\"post_processor\":{\"type\":\"BertProcessing\"}}", LOFI_ERR_UNSUPPORTED, "BertProcessing"},
        {"{" UNIGRAM ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[],\"special_tokens\":{}}}",
         LOFI_ERR_FORMAT, "text"},
        {"{" UNIGRAM ",\"added_tokens\":{}}", LOFI_ERR_FORMAT, "added_tokens"},
        {"{" UNIGRAM ",\"added_tokens\":[{\"id\":9,\"content\":\"<x>\"}]}", LOFI_ERR_FORMAT, "<x>"},
        {"{" BPE "[[\"a\",\"c\"]]}}", LOFI_ERR_FORMAT, "entry 0"},
        {"{" BPE "[\"ab\"]}}", LOFI_ERR_FORMAT, "entry 0"},
        {"{" BPE "[],\"unk_token\":\"?\"}}", LOFI_ERR_FORMAT, "unk_token"},
        {"{" BPE "[],\"end_of_word_suffix\":\"</w>\"}}", LOFI_ERR_UNSUPPORTED, "end_of_word_suffix"},
        {"{" BPE "[],\"byte_fallback\":true}}", LOFI_ERR_UNSUPPORTED, "byte_fallback"},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        lofi_error err = LOFI_ERROR_INIT;
        lofi_tokenizer *tokenizer = NULL;
        lofi_code code = open_text(&tokenizer, files[i].text, strlen(files[i].text), &err);
        if (code != files[i].code || strstr(err.message, files[i].said) == NULL || tokenizer != NULL)
            fail_msg("%s: code %s, message: %s", files[i].text, lofi_code_name(code), err.message);
    }
}

static void test_unknown_text_without_an_unknown_token(void **state) {
    (void)state;
    static const char text[] = "{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\",-1]]}}";
    lofi_error err = LOFI_ERROR_INIT;
    lofi_tokenizer *tokenizer = NULL;
    int64_t *ids = NULL;
    size_t count = 0;
    assert_int_equal(open_text(&tokenizer, text, sizeof text - 1, &err), LOFI_OK);
    assert_int_equal(lofi_tokenizer_encode(tokenizer, "ab", 0, &ids, &count, &err), LOFI_ERR_FORMAT);
    assert_non_null(strstr(err.message, "'b'"));
    assert_int_equal(lofi_tokenizer_encode(tokenizer, "", 0, &ids, &count, &err), LOFI_OK);
    assert_int_equal(count, 0);
    assert_non_null(ids);
    free(ids);
    lofi_tokenizer_free(tokenizer);
}

/* Eight replacements, each sixteen times as long: 4 GiB out of one letter. */
#define SIXTEEN "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"aaaaaaaaaaaaaaaa\"}"
static void test_growing_text_is_an_error(void **state) {
    (void)state;
    static const char text[] = "{" UNIGRAM ",\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[" SIXTEEN
                               "," SIXTEEN "," SIXTEEN "," SIXTEEN "," SIXTEEN "," SIXTEEN "," SIXTEEN "," SIXTEEN
                               "]}}";
    lofi_error err = LOFI_ERROR_INIT;
    lofi_tokenizer *tokenizer = NULL;
    int64_t *ids = NULL;
    size_t count = 0;
    assert_int_equal(open_text(&tokenizer, text, sizeof text - 1, &err), LOFI_OK);
    assert_int_equal(lofi_tokenizer_encode(tokenizer, "a", 0, &ids, &count, &err), LOFI_ERR_MEMORY);
    assert_non_null(strstr(err.message, "normalising a text of 1 bytes"));
    assert_non_null(strstr(err.hint, "4 MiB"));
    lofi_tokenizer_free(tokenizer);
}

/* Damaged copies of a good file either fail to open or work; none may crash (the sanitizers watch). */
static void test_damaged_files_do_not_crash(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_buffer whole = LOFI_BUFFER_INIT;
    assert_int_equal(lofi_file_read(&whole, DATA "umt5_tokenizer.json", (size_t)1 << 24, &err), LOFI_OK);
    size_t opened = 0;
    for (unsigned i = 0; i < 60; i++) {
        char *copy = malloc(whole.size);
        assert_non_null(copy);
        memcpy(copy, whole.data, whole.size);
        for (unsigned k = 0; k < 20; k++) /* inside the character map, whose bytes point at each other */
            copy[2000 + (i * 7919u + k * 104729u) % 300000u] = "ABCDwxyz0189+/"[(i + k * 3) % 14];
        lofi_tokenizer *tokenizer = NULL;
        if (open_text(&tokenizer, copy, i % 3 == 0 ? whole.size - i * 100 : whole.size, &err) == LOFI_OK) {
            int64_t *ids = NULL;
            size_t count = 0;
            opened++;
            if (lofi_tokenizer_encode(tokenizer, "lofi カフェ Ａ①ﬁ é é ｶﾞ ㈱ é", 256, &ids, &count, &err) == LOFI_OK)
                free(ids);
            lofi_tokenizer_free(tokenizer);
        }
        free(copy);
    }
    assert_true(opened < 60);
    lofi_buffer_free(&whole);
}

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state) {
    (void)state;
    return lofi_path_remove(folder, NULL) != LOFI_OK;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded_ids),
        cmocka_unit_test(test_pairs_of_environment),
        cmocka_unit_test(test_truncation_keeps_the_end_token),
        cmocka_unit_test(test_bad_text_is_an_error),
        cmocka_unit_test(test_wrong_files_are_named_errors),
        cmocka_unit_test(test_unknown_text_without_an_unknown_token),
        cmocka_unit_test(test_growing_text_is_an_error),
        cmocka_unit_test(test_damaged_files_do_not_crash),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
