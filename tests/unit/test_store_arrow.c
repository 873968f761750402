/* test_store_arrow.c - Arrow streams: there and back, the original's file, damaged files. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "store/arrow.h"

static char folder[LOFI_PATH_MAX];

static const char *at(const char *name) {
    static char path[LOFI_PATH_MAX];
    lofi_error err;
    assert_int_equal(lofi_path_format(path, &err, "%s/%s", folder, name), LOFI_OK);
    return path;
}

static int set_up(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/lofi-arrow-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    lofi_error err;
    return lofi_path_remove(folder, &err) == LOFI_OK ? 0 : -1;
}

static const lofi_arrow_field fields[] = {
    {"text", LOFI_ARROW_TEXT},  {"texts", LOFI_ARROW_TEXTS}, {"none", LOFI_ARROW_STRUCT},
    {"single", LOFI_ARROW_F32}, {"double", LOFI_ARROW_F64},  {"whole", LOFI_ARROW_I64},
};

static void text_for(char out[64], int row) {
    snprintf(out, 64, "row %d \xe2\x99\xaa %.*s", row, row % 17, "abcdefghijklmnopq");
}

static void write_sample(const char *name, int rows) {
    lofi_error err;
    lofi_arrow_writer *writer;
    assert_int_equal(lofi_arrow_writer_open(&writer, at(name), fields, 6, "a key", "{\"a\": \"value\"}", &err),
                     LOFI_OK);
    for (int row = 0; row < rows; row++) {
        char text[64];
        const char *texts[3] = {"one", "", text};
        text_for(text, row);
        lofi_arrow_add_text(writer, 0, text);
        lofi_arrow_add_texts(writer, 1, texts, (size_t)row % 4);
        lofi_arrow_add_number(writer, 3, row / 2.0);
        lofi_arrow_add_number(writer, 4, row / 3.0);
        lofi_arrow_add_integer(writer, 5, -(int64_t)row * ((int64_t)1 << 40));
        assert_int_equal(lofi_arrow_end_row(writer, &err), LOFI_OK);
    }
    assert_int_equal(lofi_arrow_writer_commit(writer, &err), LOFI_OK);
}

static void assert_text(lofi_arrow_text text, const char *expected) {
    assert_int_equal(text.size, strlen(expected));
    assert_memory_equal(text.bytes, expected, text.size);
}

static void round_trip(int rows) {
    lofi_error err;
    lofi_arrow_file *file;
    write_sample("sample.arrow", rows);
    assert_int_equal(lofi_arrow_open(&file, at("sample.arrow"), &err), LOFI_OK);
    assert_int_equal(lofi_arrow_row_count(file), rows);
    assert_int_equal(lofi_arrow_field_count(file), 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(lofi_arrow_field_at(file, i).kind, fields[i].kind);
        assert_int_equal(lofi_arrow_column(file, fields[i].name), i);
    }
    assert_int_equal(lofi_arrow_column(file, "absent"), -1);
    assert_string_equal(lofi_arrow_metadata(file, "a key"), "{\"a\": \"value\"}");
    for (int row = 0; row < rows; row++) {
        char text[64];
        text_for(text, row);
        assert_text(lofi_arrow_get_text(file, 0, (size_t)row), text);
        assert_int_equal(lofi_arrow_get_text_count(file, 1, (size_t)row), row % 4);
        const char *texts[3] = {"one", "", text};
        for (size_t i = 0; i < (size_t)row % 4; i++)
            assert_text(lofi_arrow_get_text_item(file, 1, (size_t)row, i), texts[i]);
        assert_true(lofi_arrow_get_number(file, 3, (size_t)row) == row / 2.0);
        assert_true(lofi_arrow_get_number(file, 4, (size_t)row) == row / 3.0);
        assert_true(lofi_arrow_get_integer(file, 5, (size_t)row) == -(int64_t)row * ((int64_t)1 << 40));
    }
    lofi_arrow_close(file);
}

static void what_is_written_is_read(void **state) {
    (void)state;
    round_trip(0);
    round_trip(1);
    round_trip(9);
    round_trip(2503); /* three batches */
}

static void the_original_is_read(void **state) {
    (void)state;
    lofi_error err;
    lofi_arrow_file *file;
    const char *path = LOFI_SOURCE_FOLDER "/tests/data/dataset_original/data-00000-of-00001.arrow";
    assert_int_equal(lofi_arrow_open(&file, path, &err), LOFI_OK);
    assert_int_equal(lofi_arrow_field_count(file), 6);
    assert_int_equal(lofi_arrow_row_count(file), 6);
    assert_int_equal(lofi_arrow_field_at(file, 2).kind, LOFI_ARROW_TEXTS);
    assert_int_equal(lofi_arrow_field_at(file, 5).kind, LOFI_ARROW_STRUCT);
    assert_text(lofi_arrow_get_text(file, 3, 0), "");
    assert_true(lofi_arrow_get_text_count(file, 2, 5) > 0);
    assert_non_null(strstr(lofi_arrow_metadata(file, "huggingface"), "\"keys\""));
    lofi_arrow_close(file);
}

/* tests/data/arrow_kinds.arrow, written by pyarrow: absent values, 64-bit offsets, columns to step over, two batches. */
static void kinds_of_other_programs_are_read(void **state) {
    (void)state;
    lofi_error err;
    lofi_arrow_file *file;
    assert_int_equal(lofi_arrow_open(&file, LOFI_SOURCE_FOLDER "/tests/data/arrow_kinds.arrow", &err), LOFI_OK);
    assert_int_equal(lofi_arrow_row_count(file), 20);
    assert_int_equal(lofi_arrow_field_at(file, 6).kind, LOFI_ARROW_STRUCT);
    assert_int_equal(lofi_arrow_field_at(file, 7).kind, LOFI_ARROW_OTHER);
    for (size_t row = 0; row < 20; row++) {
        char text[32];
        snprintf(text, sizeof text, "text %zu", row);
        lofi_arrow_text large = lofi_arrow_get_text(file, 0, row);
        if (row % 3 == 0)
            assert_true(large.bytes == NULL && large.size == 0);
        else
            assert_text(large, text);
        assert_int_equal(lofi_arrow_get_text_count(file, 1, row), row % 5 == 0 ? 0 : row % 4);
        snprintf(text, sizeof text, "%zu", row);
        if (row % 5 != 0 && row % 4 > 0) assert_text(lofi_arrow_get_text_item(file, 1, row, 0), text);
        if (row % 5 != 0 && row % 4 > 1) assert_null(lofi_arrow_get_text_item(file, 1, row, 1).bytes);
        assert_int_equal(lofi_arrow_get_integer(file, 2, row), row == 7 ? 0 : (int)row - 10);
        assert_true(isnan(lofi_arrow_get_number(file, 2, row)) == (row == 7));
        assert_int_equal(lofi_arrow_get_integer(file, 3, row), 65535 - row);
        double single = lofi_arrow_get_number(file, 4, row);
        assert_true(row == 1 ? isnan(single) : single == (double)row / 4);
        snprintf(text, sizeof text, "end %zu", row);
        assert_text(lofi_arrow_get_text(file, 8, row), text);
    }
    lofi_arrow_close(file);
}

/* Opens a copy and touches every value; true when it opened. */
static bool survive(const void *bytes, size_t size) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_arrow_file *file;
    size_t sum = 0;
    assert_int_equal(lofi_file_write(at("copy"), bytes, size, &err), LOFI_OK);
    if (lofi_arrow_open(&file, at("copy"), &err) != LOFI_OK) {
        assert_true(strstr(err.message, "copy") != NULL);
        return false;
    }
    for (size_t column = 0; column < lofi_arrow_field_count(file); column++) {
        lofi_arrow_kind kind = lofi_arrow_field_at(file, column).kind;
        for (size_t row = 0; row < lofi_arrow_row_count(file) && row < 100000; row++) {
            if (kind == LOFI_ARROW_TEXT) {
                lofi_arrow_text text = lofi_arrow_get_text(file, column, row);
                for (size_t i = 0; i < text.size; i++) sum += (unsigned char)text.bytes[i];
            } else if (kind == LOFI_ARROW_TEXTS) {
                for (size_t i = 0; i < lofi_arrow_get_text_count(file, column, row); i++)
                    sum += lofi_arrow_get_text_item(file, column, row, i).size;
            } else if (kind == LOFI_ARROW_I64 || kind == LOFI_ARROW_F32 || kind == LOFI_ARROW_F64) {
                sum += isnan(lofi_arrow_get_number(file, column, row));
            }
        }
    }
    assert_true(sum != SIZE_MAX);
    lofi_arrow_close(file);
    return true;
}

static void truncated_files_are_refused(void **state) {
    (void)state;
    lofi_error err;
    lofi_buffer whole = LOFI_BUFFER_INIT;
    write_sample("sample.arrow", 5);
    assert_int_equal(lofi_file_read(&whole, at("sample.arrow"), 1 << 20, &err), LOFI_OK);
    for (size_t size = 0; size < whole.size; size++)
        if (survive(whole.data, size)) fail_msg("%zu of %zu bytes were taken for a whole file", size, whole.size);
    assert_true(survive(whole.data, whole.size));
    lofi_buffer_free(&whole);
}

/* Every buffer length of `from` bytes in the descriptions (at 8-byte places) shortened to `to`: each must be refused. */
static void lengths_are_checked(const char *path, int64_t from, int64_t to) {
    lofi_error err;
    lofi_buffer whole = LOFI_BUFFER_INIT;
    int found = 0;
    assert_int_equal(lofi_file_read(&whole, path, 1 << 20, &err), LOFI_OK);
    for (size_t place = 16; place + 8 <= whole.size; place += 8) {
        int64_t length, offset;
        memcpy(&length, whole.data + place, 8);
        memcpy(&offset, whole.data + place - 8, 8);
        if (length != from || offset < 0 || offset > 4096 || offset % 8 != 0) continue;
        memcpy(whole.data + place, &to, 8);
        if (survive(whole.data, whole.size)) fail_msg("a buffer of %d bytes at %zu was taken", (int)to, place);
        memcpy(whole.data + place, &from, 8);
        found++;
    }
    lofi_buffer_free(&whole);
    assert_true(found > 0);
}

static void short_buffers_are_refused(void **state) {
    (void)state;
    write_sample("sample.arrow", 5);
    char path[LOFI_PATH_MAX];
    snprintf(path, sizeof path, "%s", at("sample.arrow"));
    lengths_are_checked(path, 24, 20);                                             /* offsets of 5 texts or lists */
    lengths_are_checked(path, 20, 16);                                             /* 5 floats */
    lengths_are_checked(path, 40, 32);                                             /* 5 doubles or integers */
    lengths_are_checked(LOFI_SOURCE_FOLDER "/tests/data/arrow_kinds.arrow", 2, 1); /* presence of 13 values */
}

static void flipped_bytes_are_survived(void **state) {
    (void)state;
    lofi_error err;
    uint32_t random = 99;
    int refused = 0;
    static const char *const sources[] = {"sample.arrow",
                                          LOFI_SOURCE_FOLDER "/tests/data/dataset_original/data-00000-of-00001.arrow"};
    write_sample("sample.arrow", 5);
    for (int source = 0; source < 2; source++) {
        lofi_buffer whole = LOFI_BUFFER_INIT;
        assert_int_equal(lofi_file_read(&whole, source ? sources[1] : at(sources[0]), 1 << 20, &err), LOFI_OK);
        for (int i = 0; i < 1500; i++) {
            size_t place[2];
            char before[2];
            for (int k = 0; k < 2; k++) {
                random = random * 1664525u + 1013904223u;
                place[k] = (random >> 8) % whole.size;
                before[k] = whole.data[place[k]];
                whole.data[place[k]] = (char)(random >> (i % 3 ? 3 : 28));
            }
            refused += !survive(whole.data, whole.size);
            for (int k = 1; k >= 0; k--) whole.data[place[k]] = before[k];
        }
        lofi_buffer_free(&whole);
    }
    assert_true(refused > 300);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),          cmocka_unit_test(the_original_is_read),
        cmocka_unit_test(kinds_of_other_programs_are_read), cmocka_unit_test(short_buffers_are_refused),
        cmocka_unit_test(truncated_files_are_refused),      cmocka_unit_test(flipped_bytes_are_survived),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
