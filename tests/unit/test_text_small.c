/* The small vocabularies that are written for small models: they open, know their special tokens, and never change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "text/lyric_tokenizer.h"
#include "text/small_lyric_vocab.h"
#include "text/small_tokenizer.h"
#include "text/tokenizer.h"

static char folder[] = "/tmp/lofi-test-small-XXXXXX";

static const char *in_folder(const char *name) {
    static char path[LOFI_PATH_MAX];
    assert_int_equal(lofi_path_format(path, NULL, "%s/%s", folder, name), LOFI_OK);
    return path;
}

static void test_tokenizer(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    int64_t size = 0, *ids = NULL;
    size_t count = 0;
    lofi_tokenizer *tokenizer = NULL;
    if (lofi_small_tokenizer_write(folder, &size, &err) != LOFI_OK) fail_msg("%s", err.message);
    assert_true(lofi_path_is_file(in_folder("tokenizer_config.json")));
    assert_true(lofi_path_is_file(in_folder("special_tokens_map.json")));
    if (lofi_tokenizer_open(&tokenizer, in_folder("tokenizer.json"), &err) != LOFI_OK) fail_msg("%s", err.message);
    assert_int_equal(lofi_tokenizer_vocab_size(tokenizer), size);
    assert_true(size > 500 && size < 1500);
    assert_int_equal(lofi_tokenizer_token_id(tokenizer, "<pad>"), 0);
    assert_int_equal(lofi_tokenizer_token_id(tokenizer, "</s>"), 1);
    assert_int_equal(lofi_tokenizer_encode(tokenizer, "lofi hip  hop \xe9\x9b\xa8", 256, &ids, &count, &err), LOFI_OK);
    const int64_t wanted[] = {
        lofi_tokenizer_token_id(tokenizer, "\xe2\x96\x81lofi"), lofi_tokenizer_token_id(tokenizer, "\xe2\x96\x81hip"),
        lofi_tokenizer_token_id(tokenizer, "\xe2\x96\x81hop"),  lofi_tokenizer_token_id(tokenizer, "\xe2\x96\x81"),
        lofi_tokenizer_token_id(tokenizer, "<0xE9>"),           lofi_tokenizer_token_id(tokenizer, "<0x9B>"),
        lofi_tokenizer_token_id(tokenizer, "<0xA8>"),           1};
    assert_int_equal(count, sizeof wanted / sizeof wanted[0]);
    assert_memory_equal(ids, wanted, sizeof wanted);
    free(ids);
    lofi_tokenizer_free(tokenizer);
}

static void test_lyric_vocabulary(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    int64_t size = 0;
    lofi_lyric_tokenizer *tokenizer = NULL;
    lofi_lyric_tokens song = {0};
    if (lofi_small_lyric_vocab_write(in_folder("lyric_vocab.json"), &size, &err) != LOFI_OK)
        fail_msg("%s", err.message);
    if (lofi_lyric_tokenizer_open(&tokenizer, in_folder("lyric_vocab.json"), &err) != LOFI_OK)
        fail_msg("%s", err.message);
    assert_int_equal(lofi_lyric_tokenizer_vocab_size(tokenizer), size);
    assert_int_equal(lofi_lyric_tokenizer_encode(tokenizer, "[chorus]\nthe rain in the night", "en", &song, &err),
                     LOFI_OK);
    assert_int_equal(song.ids[0], 261);
    for (size_t i = 0; i < song.count; i++) assert_int_not_equal(song.ids[i], LOFI_LYRIC_UNKNOWN);
    assert_true(song.count < 24); /* whole words are pieces */
    lofi_lyric_tokens_free(&song);
    lofi_lyric_tokenizer_free(tokenizer);
}

static void test_the_same_bytes_every_time(void **state) {
    (void)state;
    static const char *const names[] = {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
                                        "lyric_vocab.json"};
    lofi_error err = LOFI_ERROR_INIT;
    lofi_buffer before[4], after = LOFI_BUFFER_INIT;
    int64_t size = 0;
    for (int i = 0; i < 4; i++) {
        before[i] = (lofi_buffer)LOFI_BUFFER_INIT;
        assert_int_equal(lofi_file_read(&before[i], in_folder(names[i]), 1 << 24, &err), LOFI_OK);
    }
    assert_int_equal(lofi_small_tokenizer_write(folder, &size, &err), LOFI_OK);
    assert_int_equal(lofi_small_lyric_vocab_write(in_folder("lyric_vocab.json"), &size, &err), LOFI_OK);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(lofi_file_read(&after, in_folder(names[i]), 1 << 24, &err), LOFI_OK);
        assert_int_equal(after.size, before[i].size);
        assert_memory_equal(after.data, before[i].data, after.size);
        lofi_buffer_free(&before[i]);
    }
    lofi_buffer_free(&after);
}

static void test_no_folder_is_an_error(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    int64_t size = -1;
    assert_int_equal(lofi_small_tokenizer_write("/nowhere/at/all", &size, &err), LOFI_ERR_NOT_FOUND);
    assert_int_equal(lofi_small_lyric_vocab_write("/nowhere/at/all/v.json", &size, &err), LOFI_ERR_NOT_FOUND);
    assert_int_equal(size, -1);
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
        cmocka_unit_test(test_tokenizer),
        cmocka_unit_test(test_lyric_vocabulary),
        cmocka_unit_test(test_the_same_bytes_every_time),
        cmocka_unit_test(test_no_folder_is_an_error),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
