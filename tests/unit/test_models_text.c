/* test_models_text.c - the identity of a text encoder: states kept for one must not be taken for another's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "models/text_encoder.h"

#define SOURCE LOFI_SOURCE_FOLDER "/data/reference/model/umt5-base"

/* Copies a file of the small text encoder, `from` in it replaced by `to` where it stands. */
static void copy(const char *folder, const char *name, const char *from, const char *to) {
    char path[LOFI_PATH_MAX];
    lofi_buffer text = LOFI_BUFFER_INIT;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_path_format(path, &err, SOURCE "/%s", name), LOFI_OK);
    assert_int_equal(lofi_file_read(&text, path, (size_t)1 << 28, &err), LOFI_OK);
    char *place = from ? strstr(text.data, from) : NULL;
    assert_true(!from || (place && strlen(from) == strlen(to)));
    if (place) memcpy(place, to, strlen(to));
    assert_int_equal(lofi_path_format(path, &err, "%s/%s", folder, name), LOFI_OK);
    assert_int_equal(lofi_file_write(path, text.data, text.size, &err), LOFI_OK);
    lofi_buffer_free(&text);
}

static void hash_of(char hex[LOFI_SHA256_HEX], const char *folder) {
    lofi_text_encoder *encoder = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_text_encoder_open(&encoder, folder, 1, &err), LOFI_OK);
    assert_int_equal(lofi_text_encoder_hash(encoder, hex, &err), LOFI_OK);
    lofi_text_encoder_close(encoder);
}

static void every_part_counts(void **state) {
    (void)state;
    char folder[64], plain[LOFI_SHA256_HEX], again[LOFI_SHA256_HEX], other[LOFI_SHA256_HEX];
    lofi_error err = LOFI_ERROR_INIT;
    snprintf(folder, sizeof folder, "text-encoder-test-%ld", (long)getpid());
    assert_int_equal(lofi_folder_make(folder, &err), LOFI_OK);
    copy(folder, "config.json", NULL, NULL);
    copy(folder, "tokenizer.json", NULL, NULL);
    copy(folder, "model.safetensors", NULL, NULL);
    hash_of(plain, SOURCE);
    hash_of(again, folder);
    assert_string_equal(plain, again);

    copy(folder, "config.json", "\"layer_norm_epsilon\": 1e-06", "\"layer_norm_epsilon\": 1e-05");
    hash_of(other, folder);
    assert_string_not_equal(plain, other);
    assert_int_equal(lofi_path_remove(folder, &err), LOFI_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_part_counts)};
    return cmocka_run_group_tests_name("text encoder", tests, NULL, NULL);
}
