/* Files that torch.save wrote: what they hold, what is refused and with which words. tools/make_pickle_files.py makes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "store/torch_file.h"
#include "store/weights.h"

#define FILES LOFI_SOURCE_FOLDER "/tests/data/pickle/"

static lofi_torch_file *open_file(const char *name) {
    char path[LOFI_PATH_MAX];
    lofi_error err = LOFI_ERROR_INIT;
    lofi_torch_file *file = NULL;
    if (lofi_path_format(path, &err, FILES "%s", name) || lofi_torch_file_open(&file, path, &err))
        fail_msg("%s", err.message);
    return file;
}

static void expect_values(const lofi_torch_file *file, const char *name, lofi_stored_type type, int rank,
                          const int64_t *dims, const float *expected) {
    float values[32];
    const lofi_stored_tensor *tensor = lofi_torch_file_find(file, name);
    if (!tensor) fail_msg("no tensor '%s'", name);
    assert_int_equal(tensor->type, type);
    assert_true(lofi_stored_has_shape(tensor, rank, dims));
    assert_true(tensor->count <= 32);
    lofi_stored_read_f32(tensor, 0, values, tensor->count);
    for (size_t i = 0; i < tensor->count; i++) assert_true(values[i] == expected[i]);
}

static void every_type_and_view_is_read(void **state) {
    (void)state;
    lofi_torch_file *file = open_file("kinds.pth");
    float ramp[24], turned[12], column[8];
    for (int i = 0; i < 24; i++) ramp[i] = (float)i;
    for (int i = 0; i < 12; i++) turned[i] = (float)(i % 3 * 4 + i / 3);
    for (int i = 0; i < 8; i++) column[i] = (float)(i / 4 * 12 + 4 + i % 4);
    int64_t whole[] = {2, 3, 4}, three[] = {3}, two[] = {2}, four[] = {4}, square[] = {4, 3}, rows[] = {2, 4},
            half[] = {3, 4}, none[] = {0, 3};
    assert_int_equal(lofi_torch_file_count(file), 12);
    expect_values(file, "plain", LOFI_STORED_F32, 3, whole, ramp);
    expect_values(file, "half", LOFI_STORED_F16, 3, whole, ramp);
    expect_values(file, "brain", LOFI_STORED_BF16, 3, whole, ramp);
    expect_values(file, "double", LOFI_STORED_F64, 3, whole, ramp);
    expect_values(file, "long", LOFI_STORED_I64, 1, three, ramp);
    expect_values(file, "flags", LOFI_STORED_BOOL, 1, two, (float[]){1, 0});
    expect_values(file, "transposed", LOFI_STORED_F32, 2, square, turned);
    expect_values(file, "column", LOFI_STORED_F32, 2, rows, column);
    expect_values(file, "tail", LOFI_STORED_F32, 1, four, ramp + 20);
    expect_values(file, "single", LOFI_STORED_F32, 0, none, (float[]){7.5f});
    expect_values(file, "empty", LOFI_STORED_F32, 2, none, ramp);
    expect_values(file, "parameter", LOFI_STORED_F32, 2, half, ramp + 12);
    assert_true(lofi_torch_file_find(file, "plain")->aligned);
    lofi_torch_file_close(file);
}

static void dictionaries_are_joined_and_other_values_passed_over(void **state) {
    (void)state;
    lofi_torch_file *file = open_file("nested.pt");
    assert_int_equal(lofi_torch_file_count(file), 2);
    assert_string_equal(lofi_torch_file_at(file, 0)->name, "layer.bias");
    assert_string_equal(lofi_torch_file_at(file, 1)->name, "layer.weight");
    lofi_torch_file_close(file);
    file = open_file("protocol4.bin");
    assert_int_equal(lofi_torch_file_count(file), 1);
    lofi_torch_file_close(file);
    file = open_file("module.bin");
    assert_int_equal(lofi_torch_file_count(file), 7);
    assert_int_equal(lofi_torch_file_find(file, "1.num_batches_tracked")->type, LOFI_STORED_I64);
    lofi_torch_file_close(file);
}

static void what_is_no_data_is_refused_by_name(void **state) {
    (void)state;
    static const struct {
        const char *name;
        lofi_code code;
        const char *words;
    } cases[] = {
        {"system.bin", LOFI_ERR_UNSUPPORTED, "asks for 'os.system' at byte 2, which is not data; nothing was executed"},
        {"eval.bin", LOFI_ERR_UNSUPPORTED, "asks for 'builtins.eval'"},
        {"object.bin", LOFI_ERR_UNSUPPORTED, "the instruction 0x81 at byte"},
        {"float8.bin", LOFI_ERR_UNSUPPORTED, "asks for 'torch._utils._rebuild_tensor_v3'"},
        {"old.bin", LOFI_ERR_UNSUPPORTED, "as PyTorch wrote them before 1.6"},
        {"expanded.bin", LOFI_ERR_UNSUPPORTED, "tensor 'a' repeats the elements of its storage"},
        {"beyond.bin", LOFI_ERR_FORMAT, "tensor 'a' reaches beyond its storage"},
        {"offset.bin", LOFI_ERR_FORMAT, "tensor 'a' reaches beyond its storage"},
        {"strides.bin", LOFI_ERR_FORMAT, "tensor 'a' reaches beyond its storage"},
        {"negative.bin", LOFI_ERR_FORMAT, "something else than sizes"},
        {"count.bin", LOFI_ERR_FORMAT, "is smaller than the pickle says"},
        {"rank.bin", LOFI_ERR_UNSUPPORTED, "has 9 dimensions"},
        {"storage.bin", LOFI_ERR_FORMAT, "the archive has no member 'x/data/0'"},
        {"twice.bin", LOFI_ERR_FORMAT, "holds the tensor 'a' twice"},
        {"loop.bin", LOFI_ERR_FORMAT, "hold one another more than 8 deep"},
        {"memo.bin", LOFI_ERR_FORMAT, "damaged at byte 2: it recalls what it never remembered"},
        {"mark.bin", LOFI_ERR_FORMAT, "its stack is empty"},
        {"early.bin", LOFI_ERR_FORMAT, "it ends early"},
        {"protocol.bin", LOFI_ERR_UNSUPPORTED, "protocol 9"},
        {"long_text.bin", LOFI_ERR_FORMAT, "it ends early"},
        {"list.bin", LOFI_ERR_UNSUPPORTED, "holds no dictionary of tensors"},
        {"called.bin", LOFI_ERR_FORMAT, "calls something that cannot be called"},
        {"compressed.bin", LOFI_ERR_UNSUPPORTED, "is compressed"},
        {"big_endian.bin", LOFI_ERR_UNSUPPORTED, "another byte order"},
        {"no_pickle.bin", LOFI_ERR_FORMAT, "holds no data.pkl"},
        {"member_twice.bin", LOFI_ERR_FORMAT, "holds 'x/data/0' twice"},
        {"cut.pth", LOFI_ERR_FORMAT, "the zip archive is damaged: it has no end"},
        {"directory.pth", LOFI_ERR_FORMAT, "its directory is larger than the file"},
        {"member.pth", LOFI_ERR_UNSUPPORTED, "is compressed"},
        {"text.pth", LOFI_ERR_FORMAT, "no file that torch.save wrote"},
        {"nothing.pth", LOFI_ERR_FORMAT, "no file that torch.save wrote"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[LOFI_PATH_MAX];
        lofi_error err = LOFI_ERROR_INIT;
        lofi_torch_file *file = NULL;
        assert_int_equal(lofi_path_format(path, &err, FILES "%s", cases[i].name), LOFI_OK);
        lofi_code code = lofi_torch_file_open(&file, path, &err);
        if (code != cases[i].code || !strstr(err.message, cases[i].words) || !strstr(err.message, cases[i].name))
            fail_msg("%s: code %d, '%s'", cases[i].name, (int)code, err.message);
        assert_null(file);
    }
    assert_int_equal(access("executed", F_OK), -1);
}

/* Cut at every length: never a crash, always a message. */
static void a_file_cut_anywhere_is_refused(void **state) {
    (void)state;
    char path[] = "cut_file_XXXXXX";
    lofi_buffer whole = LOFI_BUFFER_INIT;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_file_read(&whole, FILES "kinds.pth", 1 << 20, &err), LOFI_OK);
    close(mkstemp(path));
    for (size_t size = 0; size < whole.size; size += size < 400 ? 7 : 61) {
        lofi_torch_file *file = NULL;
        lofi_error why = LOFI_ERROR_INIT;
        assert_int_equal(lofi_file_write(path, whole.data, size, &err), LOFI_OK);
        assert_int_not_equal(lofi_torch_file_open(&file, path, &why), LOFI_OK);
        assert_true(why.message[0] != 0);
    }
    unlink(path);
    lofi_buffer_free(&whole);
}

static void folders_of_such_files_are_opened(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_weights *weights = NULL;
    assert_true(lofi_weights_present(FILES "sharded"));
    if (lofi_weights_open(&weights, FILES "sharded", &err)) fail_msg("%s", err.message);
    assert_int_equal(lofi_weights_count(weights), 2);
    assert_int_equal(lofi_weights_file_count(weights), 2);
    assert_non_null(lofi_weights_find(weights, "a"));
    assert_non_null(lofi_weights_find(weights, "b"));
    lofi_weights_close(weights);
    /* many .pth files: none of them is the one that is meant */
    assert_false(lofi_weights_present(LOFI_SOURCE_FOLDER "/tests/data/pickle"));
    assert_int_equal(lofi_weights_open(&weights, FILES, &err), LOFI_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "pytorch_model.bin"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_and_view_is_read),
        cmocka_unit_test(dictionaries_are_joined_and_other_values_passed_over),
        cmocka_unit_test(what_is_no_data_is_refused_by_name),
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
        cmocka_unit_test(folders_of_such_files_are_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
