/* test_base_memory.c - allocation, arenas, buffers, errors. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/threads.h"

static void test_multiplication(void **state) {
    (void)state;
    size_t size = 7;
    int64_t number = 7;
    assert_true(lofi_mul_size(1 << 20, 1 << 20, &size));
    assert_int_equal(size, (size_t)1 << 40);
    assert_false(lofi_mul_size(SIZE_MAX / 2 + 1, 2, &size));
    assert_int_equal(size, (size_t)1 << 40);
    assert_true(lofi_mul_i64(-3, 5, &number));
    assert_int_equal(number, -15);
    assert_false(lofi_mul_i64(INT64_MIN, -1, &number));
    assert_int_equal(number, -15);
}

static void test_alloc(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    void *memory = NULL;
    assert_int_equal(lofi_alloc(&memory, 1001, 3, "a test", &err), LOFI_OK);
    assert_int_equal((uintptr_t)memory % 64, 0);
    for (size_t i = 0; i < 3003; i++) assert_int_equal(((unsigned char *)memory)[i], 0);
    lofi_free(memory);
    assert_int_equal(lofi_alloc(&memory, 0, 8, "nothing", &err), LOFI_OK);
    lofi_free(memory);
    memory = &memory;
    assert_int_equal(lofi_alloc(&memory, SIZE_MAX / 2, 4, "a test", &err), LOFI_ERR_MEMORY);
    assert_int_equal(lofi_alloc(&memory, 1, (size_t)1 << 62, "a test", &err), LOFI_ERR_MEMORY);
    assert_string_equal(err.message, "cannot allocate 4611686018427387904 bytes for a test");
    assert_ptr_equal(memory, &memory);
    lofi_free(NULL);
}

static void test_grow(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    void *items = NULL;
    size_t capacity = 0;
    for (size_t need = 1; need <= 1000; need++) {
        assert_int_equal(lofi_grow(&items, &capacity, need, sizeof(int), 1000, &err), LOFI_OK);
        assert_in_range(capacity, need, 1000);
        ((int *)items)[need - 1] = (int)need;
    }
    assert_int_equal(((int *)items)[0], 1);
    assert_int_equal(lofi_grow(&items, &capacity, 1001, sizeof(int), 1000, &err), LOFI_ERR_MEMORY);
    assert_int_equal(lofi_grow(&items, &capacity, SIZE_MAX / 2, 8, SIZE_MAX, &err), LOFI_ERR_MEMORY);
    free(items);
}

static void test_arena(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_arena *arena;
    assert_int_equal(lofi_arena_new(&arena, &err), LOFI_OK);
    char *first = lofi_arena_strdup(arena, "first");
    for (size_t size = 0; size < 200000; size += 997) {
        unsigned char *memory = lofi_arena_alloc(arena, size);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % 16, 0);
        for (size_t i = 0; i < size; i++) assert_int_equal(memory[i], 0);
        memset(memory, 0xff, size);
    }
    assert_string_equal(first, "first");
    assert_string_equal(lofi_arena_printf(arena, "%d-%s", 7, "x"), "7-x");
    assert_null(lofi_arena_alloc(arena, SIZE_MAX - 8));
    lofi_arena_free(arena);
    lofi_arena_free(NULL);
}

static void test_buffer(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_buffer buffer = LOFI_BUFFER_INIT;
    assert_string_equal(lofi_buffer_str(&buffer), "");
    for (int i = 0; i < 1000; i++) lofi_buffer_printf(&buffer, "%03d", i);
    assert_int_equal(buffer.size, 3000);
    assert_memory_equal(buffer.data + 2997, "999", 4);
    lofi_buffer_zeros(&buffer, 5000);
    assert_int_equal(buffer.size, 8000);
    assert_int_equal(buffer.data[7999], 0);
    assert_int_equal(lofi_buffer_check(&buffer, &err), LOFI_OK);
    lofi_buffer_clear(&buffer);
    buffer.max_bytes = 10;
    lofi_buffer_text(&buffer, "0123456789");
    assert_int_equal(lofi_buffer_check(&buffer, &err), LOFI_OK);
    lofi_buffer_text(&buffer, "x");
    lofi_buffer_text(&buffer, "");
    assert_string_equal(lofi_buffer_str(&buffer), "0123456789");
    assert_int_equal(lofi_buffer_check(&buffer, &err), LOFI_ERR_MEMORY);
    lofi_buffer_free(&buffer);
    lofi_buffer_free(&buffer);
}

static lofi_code fail_inside(lofi_error *err) {
    lofi_fail(err, LOFI_ERR_FORMAT, "bad byte");
    lofi_hint(err, "look at it");
    return lofi_error_prefix(err, "'%s'", "file");
}

static lofi_code fail_outside(lofi_error *err) {
    LOFI_TRY(fail_inside(err));
    return LOFI_OK;
}

static void test_errors(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(fail_outside(&err), LOFI_ERR_FORMAT);
    assert_string_equal(err.message, "'file': bad byte");
    assert_string_equal(err.hint, "look at it");
    assert_int_equal(lofi_fail(&err, LOFI_ERR_IO, "around (%s)", err.message), LOFI_ERR_IO);
    assert_string_equal(err.message, "around ('file': bad byte)");
    assert_string_equal(err.hint, "");
    assert_int_equal(lofi_fail_errno(&err, ENOSPC, "cannot write '%s'", "x"), LOFI_ERR_IO);
    assert_string_equal(err.message, "cannot write 'x': No space left on device");
    assert_true(err.hint[0] != '\0');
    assert_int_equal(lofi_fail_errno(NULL, ENOENT, "x"), LOFI_ERR_NOT_FOUND);
    assert_int_equal(lofi_fail(NULL, LOFI_ERR_FORMAT, "x"), LOFI_ERR_FORMAT);
    assert_int_equal(lofi_hint(NULL, "x"), LOFI_ERR_FORMAT);
    assert_int_equal(lofi_fail_errno(NULL, ENOENT, "x"), LOFI_ERR_NOT_FOUND);
    assert_int_equal(lofi_error_prefix(NULL, "x"), LOFI_ERR_NOT_FOUND);
    char longest[3000];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    lofi_fail(&err, LOFI_ERR_IO, "%s", longest);
    lofi_error_prefix(&err, "%s", longest);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    for (int code = LOFI_OK; code <= LOFI_ERR_INTERRUPTED; code++)
        assert_string_not_equal(lofi_code_name((lofi_code)code), "unknown");
}

static void test_threads(void **state) {
    (void)state;
    assert_in_range(lofi_threads_available(), 1, 65536);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_multiplication), cmocka_unit_test(test_alloc),  cmocka_unit_test(test_grow),
        cmocka_unit_test(test_arena),          cmocka_unit_test(test_buffer), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests_name("base memory", tests, NULL, NULL);
}
