/* Korean, Chinese and Japanese in Latin letters, against recordings of the original's cleaners.
 *
 * tests/data/text/romanized_lines.json: [language, line, text]. Korean is compared always. The recorded Chinese and Japanese
 * lines need the data of others and are compared when LOFI_PINYIN_DIR (pypinyin 0.53.0) and LOFI_MECAB_DICT (unidic-lite
 * 1.0.8) name them; their rules are tested without.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "text/kana.h"
#include "text/langid_model.h"
#include "text/lyric_language.h"
#include "text/romanize.h"

#define DATA LOFI_SOURCE_FOLDER "/tests/data/text/"

static void compare_recorded(const char *code) {
    lofi_error err = LOFI_ERROR_INIT;
    json_t *lines = NULL;
    lofi_romanizers *romanizers = NULL;
    size_t compared = 0, wrong = 0;
    if (lofi_json_load(&lines, DATA "romanized_lines.json", &err) != LOFI_OK) fail_msg("%s", err.message);
    assert_int_equal(lofi_romanizers_open(&romanizers, &err), LOFI_OK);
    for (size_t i = 0; i < json_array_size(lines); i++) {
        const json_t *entry = json_array_get(lines, i);
        const char *line = json_string_value(json_array_get(entry, 1)),
                   *wanted = json_string_value(json_array_get(entry, 2));
        if (strcmp(json_string_value(json_array_get(entry, 0)), code) != 0) continue;
        lofi_buffer out = LOFI_BUFFER_INIT;
        unsigned approximation = 0;
        if (lofi_lyric_spell(lofi_lyric_language_find(code), romanizers, line, strlen(line), &out, &approximation,
                             &err) != LOFI_OK)
            fail_msg("%s", err.message);
        bool same = strcmp(lofi_buffer_str(&out), wanted) == 0 && approximation == LOFI_LYRIC_EXACT;
        if (!same) print_message("%s\n  got    %s\n  wanted %s\n", line, lofi_buffer_str(&out), wanted);
        compared++;
        wrong += !same;
        lofi_buffer_free(&out);
    }
    assert_true(compared > 0);
    assert_int_equal(wrong, 0);
    lofi_romanizers_free(romanizers);
    json_decref(lines);
}

static void test_recorded_korean(void **state) {
    (void)state;
    compare_recorded("ko");
}

static void test_recorded_chinese(void **state) {
    (void)state;
    if (getenv("LOFI_PINYIN_DIR") == NULL) skip();
    compare_recorded("zh");
}

static void test_recorded_japanese(void **state) {
    (void)state;
    if (getenv("LOFI_MECAB_DICT") == NULL) skip();
    compare_recorded("ja");
}

/* The longest phrase wins, a beginning of a phrase is read by character, anything else stays. */
static void test_phrases_of_a_table(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"重庆中", "chong2qing4zhong1"},
                                           {"重大", "zhong4da4"},
                                           {"银行, ok 绿", "yin2hang2, ok lv4"},
                                           {"重庆大", "zhong4qing4da4"},
                                           {"重庆大行", "chong2qing4da4hang2"},
                                           {"的", "de5"},
                                           {"龘", "龘5"},
                                           {"", ""}};
    lofi_error err = LOFI_ERROR_INIT;
    lofi_pinyin *pinyin = NULL;
    if (lofi_pinyin_open(&pinyin, DATA "pinyin", &err) != LOFI_OK) fail_msg("%s", err.message);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lofi_buffer out = LOFI_BUFFER_INIT;
        assert_int_equal(lofi_pinyin_write(pinyin, cases[i][0], strlen(cases[i][0]), &out, &err), LOFI_OK);
        assert_string_equal(lofi_buffer_str(&out), cases[i][1]);
        lofi_buffer_free(&out);
    }
    lofi_pinyin_free(pinyin);
    assert_int_equal(lofi_pinyin_open(&pinyin, DATA "nowhere", &err), LOFI_ERR_NOT_FOUND);
    assert_non_null(strstr(err.hint, "LOFI_PINYIN_DIR"));
}

static void test_characters_without_a_table(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_buffer out = LOFI_BUFFER_INIT;
    const char *text = "窗外下着小雨 ok";
    assert_int_equal(lofi_pinyin_write_plain(text, strlen(text), &out, &err), LOFI_OK);
    assert_string_equal(lofi_buffer_str(&out), "chuang1wai4xia4zhe5xiao3yu3 ok");
    lofi_buffer_free(&out);
}

static void test_chinese_numbers(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"1995年5月3日", "一九九五年五月三日"},
                                           {"22个", "二十二个"},
                                           {"2000块", "两千块"},
                                           {"50%", "百分之五十"},
                                           {"3/4", "四分之三"},
                                           {"13812345678。", "一三八一二三四五六七八,"},
                                           {"105", "一百零五"},
                                           {"0.5", "零点五"},
                                           {"12345", "一二三四五"},
                                           {"10", "十"},
                                           {"无", "无"},
                                           {"a&b", "a,b"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lofi_error err = LOFI_ERROR_INIT;
        lofi_buffer text = LOFI_BUFFER_INIT;
        lofi_buffer_text(&text, cases[i][0]);
        assert_int_equal(lofi_chinese_numbers(&text, &err), LOFI_OK);
        assert_string_equal(lofi_buffer_str(&text), cases[i][1]);
        lofi_buffer_free(&text);
    }
}

static void test_kana(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"コーヒー", "koohii"}, {"ちょっと", "chotto"}, {"マッチ", "matchi"},
                                           {"シャツ", "shatsu"},   {"きゃく", "kyaku"},    {"ほんや", "hon'ya"},
                                           {"ファン", "fan"},      {"のっ", "noっ"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lofi_buffer out = LOFI_BUFFER_INIT;
        assert_true(lofi_kana_write(cases[i][0], &out));
        assert_string_equal(lofi_buffer_str(&out), cases[i][1]);
        lofi_buffer_free(&out);
    }
    lofi_buffer out = LOFI_BUFFER_INIT;
    assert_false(lofi_kana_write("夜", &out));
    lofi_buffer_free(&out);
}

/* Text that nobody would sing: right-to-left marks, digits of other scripts, lone marks, long numbers and lines. */
static void test_hostile_lines(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_romanizers *romanizers = NULL;
    lofi_buffer digits = LOFI_BUFFER_INIT, mixed = LOFI_BUFFER_INIT;
    for (int i = 0; i < 400; i++) lofi_buffer_text(&digits, "9");
    for (int i = 0; i < 2000; i++) lofi_buffer_text(&mixed, "夜の🎵 1,2 한3 ｶﾞ ");
    const char *const lines[] = {"\u200f\u202e ١٢٣٫٥ \u0301 ٣/٤ %",
                                 "$ £ € . , ' \" っ ー ゛",
                                 lofi_buffer_str(&digits),
                                 lofi_buffer_str(&mixed),
                                 "^^$$",
                                 "1/0 0年0月0日 +86 13812345678x"};
    assert_int_equal(lofi_romanizers_open(&romanizers, &err), LOFI_OK);
    for (size_t k = 0; k < sizeof lines / sizeof lines[0]; k++) {
        for (size_t i = 0; lofi_lyric_language_at(i) != NULL; i++) {
            lofi_buffer out = LOFI_BUFFER_INIT;
            unsigned approximation = 0;
            assert_int_equal(lofi_lyric_spell(lofi_lyric_language_at(i), romanizers, lines[k], strlen(lines[k]), &out,
                                              &approximation, &err),
                             LOFI_OK);
            lofi_buffer_free(&out);
        }
    }
    lofi_romanizers_free(romanizers);
    lofi_buffer_free(&digits);
    lofi_buffer_free(&mixed);
}

static lofi_code open_model(const void *bytes, size_t size, lofi_langid **model, lofi_error *err) {
    char path[] = "/tmp/lofi-test-langid-XXXXXX";
    int handle = mkstemp(path);
    assert_true(handle >= 0 && write(handle, bytes, size) == (ssize_t)size);
    close(handle);
    lofi_code code = lofi_langid_open(model, path, err);
    unlink(path);
    return code;
}

/* A model of two languages: a is English, z is German. */
static void test_language_model(void **state) {
    (void)state;
    static const char *const texts[][2] = {{"banana", "en"}, {"zz top", "de"}, {"", "en"}, {"zaz", "de"}};
    lofi_error err = LOFI_ERROR_INIT;
    lofi_langid *model = NULL;
    lofi_buffer file = LOFI_BUFFER_INIT;
    lofi_code code = lofi_langid_open(&model, DATA "langid_small.plzma", &err);
    if (code == LOFI_ERR_UNSUPPORTED) skip();
    if (code != LOFI_OK) fail_msg("%s", err.message);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_string_equal(lofi_langid_classify(model, texts[i][0], strlen(texts[i][0])), texts[i][1]);
    lofi_langid_free(model);
    model = NULL;
    assert_int_equal(lofi_langid_open(&model, DATA "number_words.json", &err), LOFI_ERR_FORMAT);
    assert_int_equal(lofi_langid_open(&model, DATA "nowhere", &err), LOFI_ERR_NOT_FOUND);
    assert_int_equal(lofi_file_read(&file, DATA "langid_small.plzma", 1 << 16, &err), LOFI_OK);
    for (size_t cut = 0; cut < file.size; cut += 7)
        assert_int_equal(open_model(file.data, cut, &model, &err), LOFI_ERR_FORMAT);
    lofi_buffer_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded_korean),
        cmocka_unit_test(test_recorded_chinese),
        cmocka_unit_test(test_recorded_japanese),
        cmocka_unit_test(test_phrases_of_a_table),
        cmocka_unit_test(test_characters_without_a_table),
        cmocka_unit_test(test_chinese_numbers),
        cmocka_unit_test(test_kana),
        cmocka_unit_test(test_hostile_lines),
        cmocka_unit_test(test_language_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
