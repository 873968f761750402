/* test_base_json.c - loading, getters and their messages, writing so that numbers read back exactly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"

static json_t *parse(const char *text) {
    json_t *value = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    if (lofi_json_parse(&value, text, strlen(text), "t.json", &err) != LOFI_OK) fail_msg("%s", err.message);
    return value;
}

static void test_errors_name_the_line(void **state) {
    (void)state;
    json_t *value = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    const char *broken = "{\n  \"a\": 1,\n  \"b\": tru\n}";
    assert_int_equal(lofi_json_parse(&value, broken, strlen(broken), "f.json", &err), LOFI_ERR_FORMAT);
    assert_memory_equal(err.message, "'f.json' line 3: ", 17);
    const char *twice = "{\"a\": 1,\n\"a\": 2}";
    assert_int_equal(lofi_json_parse(&value, twice, strlen(twice), "f.json", &err), LOFI_ERR_FORMAT);
    assert_non_null(strstr(err.message, "line 2: duplicate"));
    assert_int_equal(lofi_json_parse(&value, "", 0, "f.json", &err), LOFI_ERR_FORMAT);
    assert_int_equal(lofi_json_parse(&value, "{} x", 4, "f.json", &err), LOFI_ERR_FORMAT);
    char deep[5000];
    memset(deep, '[', sizeof deep);
    assert_int_equal(lofi_json_parse(&value, deep, sizeof deep, "f.json", &err), LOFI_ERR_FORMAT);
    assert_null(value);
    assert_int_equal(lofi_json_load(&value, "/nowhere/f.json", &err), LOFI_ERR_NOT_FOUND);
}

static void test_getters(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    json_t *object = parse(
        "{\"s\": \"text\", \"i\": 3.0, \"r\": 0.5, \"t\": true, \"n\": null, \"a\": [1, 2], \"o\": {}}");
    const char *text = NULL;
    int64_t integer = 0, items[2] = {0};
    double number = 0;
    bool truth = false;
    const json_t *part = NULL;
    assert_int_equal(lofi_json_string(&text, object, "s", "c.json", &err), LOFI_OK);
    assert_string_equal(text, "text");
    assert_int_equal(lofi_json_int(&integer, object, "i", 0, 10, "c.json", &err), LOFI_OK);
    assert_int_equal(integer, 3);
    assert_int_equal(lofi_json_number(&number, object, "i", "c.json", &err), LOFI_OK);
    assert_int_equal(lofi_json_bool_or(&truth, object, "t", false, "c.json", &err), LOFI_OK);
    assert_true(truth);
    assert_int_equal(lofi_json_string_or(&text, object, "n", "fallback", "c.json", &err), LOFI_OK);
    assert_string_equal(text, "fallback");
    assert_int_equal(lofi_json_int_or(&integer, object, "missing", 9, 0, 1, "c.json", &err), LOFI_OK);
    assert_int_equal(integer, 9);
    assert_int_equal(lofi_json_number_or(&number, object, "missing", 2.5, "c.json", &err), LOFI_OK);
    assert_true(number == 2.5);
    assert_int_equal(lofi_json_array(&part, object, "a", "c.json", &err), LOFI_OK);
    assert_int_equal(lofi_json_object(&part, object, "o", "c.json", &err), LOFI_OK);
    size_t count = 2;
    assert_int_equal(lofi_json_int_array(items, &count, object, "a", "c.json", &err), LOFI_OK);
    assert_int_equal(count, 2);
    assert_int_equal(items[1], 2);
    json_decref(object);
}

static void test_getters_refuse(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    json_t *object = parse("{\"s\": \"text\", \"r\": 0.5, \"a\": [1, \"x\"], \"i\": 30, \"n\": null}");
    const char *text = NULL;
    int64_t integer = 0, items[2] = {0};
    bool truth = false;
    size_t count = 1;
    assert_int_equal(lofi_json_string(&text, object, "missing", "c.json", &err), LOFI_ERR_FORMAT);
    assert_string_equal(err.message, "c.json: 'missing' is missing");
    assert_int_equal(lofi_json_int(&integer, object, "s", 0, 10, "c.json", &err), LOFI_ERR_FORMAT);
    assert_string_equal(err.message, "c.json: 's' must be an integer, but is a string");
    assert_int_equal(lofi_json_int(&integer, object, "r", 0, 10, "c.json", &err), LOFI_ERR_FORMAT);
    assert_int_equal(lofi_json_int(&integer, object, "i", 0, 10, "c.json", &err), LOFI_ERR_FORMAT);
    assert_string_equal(err.message, "c.json: 'i' is 30, but must be between 0 and 10");
    assert_int_equal(lofi_json_string(&text, object, "n", "c.json", &err), LOFI_ERR_FORMAT);
    assert_int_equal(lofi_json_string_or(&text, object, "i", "x", "c.json", &err), LOFI_ERR_FORMAT);
    assert_int_equal(lofi_json_bool_or(&truth, object, "i", true, "c.json", &err), LOFI_ERR_FORMAT);
    assert_int_equal(lofi_json_int_array(items, &count, object, "a", "c.json", &err), LOFI_ERR_FORMAT);
    count = 2;
    assert_int_equal(lofi_json_int_array(items, &count, object, "a", "c.json", &err), LOFI_ERR_FORMAT);
    assert_string_equal(err.message, "c.json: item 1 of 'a' must be an integer");
    assert_int_equal(lofi_json_string(&text, json_object_get(object, "i"), "x", "c.json", &err), LOFI_ERR_FORMAT);
    assert_int_equal(lofi_json_string(&text, NULL, "x", "c.json", &err), LOFI_ERR_FORMAT);
    json_decref(object);
}

static void test_numbers_read_back(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    static const double numbers[] = {
        0.1, 1.0 / 3, 1e300, 5e-324, -0.0, 3, 123456789012345680.0, 2.2250738585072014e-308};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        lofi_buffer text = LOFI_BUFFER_INIT;
        json_t *value = json_real(numbers[i]);
        assert_int_equal(lofi_json_print(&text, value, false, &err), LOFI_OK);
        json_t *back = parse(lofi_buffer_str(&text));
        assert_true(json_is_real(back));
        double read = json_real_value(back);
        assert_memory_equal(&read, &numbers[i], sizeof read);
        json_decref(value);
        json_decref(back);
        lofi_buffer_free(&text);
    }
    lofi_buffer text = LOFI_BUFFER_INIT;
    json_t *tenth = json_real(0.1);
    assert_int_equal(lofi_json_print(&text, tenth, false, &err), LOFI_OK);
    assert_string_equal(lofi_buffer_str(&text), "0.1");
    json_decref(tenth);
    lofi_buffer_free(&text);
}

static void test_print(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_buffer text = LOFI_BUFFER_INIT;
    json_t *value = parse("{\"b\": [1, 2], \"a\": {\"x\": \"tab\\t \\\"q\\\" \\u0001 ü\"}, \"e\": [], \"o\": [{}]}");
    assert_int_equal(lofi_json_print(&text, value, true, &err), LOFI_OK);
    assert_string_equal(lofi_buffer_str(&text),
                        "{\n  \"b\": [1, 2],\n  \"a\": {\n    \"x\": \"tab\\t \\\"q\\\" \\u0001 ü\"\n  },\n"
                        "  \"e\": [],\n  \"o\": [\n    {}\n  ]\n}");
    json_t *back = parse(lofi_buffer_str(&text));
    assert_true(json_equal(value, back));
    json_decref(back);
    lofi_buffer_clear(&text);
    assert_int_equal(lofi_json_print(&text, value, false, &err), LOFI_OK);
    assert_null(strchr(lofi_buffer_str(&text), '\n'));
    back = parse(lofi_buffer_str(&text));
    assert_true(json_equal(value, back));
    json_decref(back);
    json_decref(value);
    lofi_buffer_free(&text);
    assert_int_equal(lofi_json_print(&text, NULL, false, &err), LOFI_ERR_MEMORY);
}

static void test_save_and_load(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    char folder[] = "/tmp/lofi-test-XXXXXX", path[LOFI_PATH_MAX];
    assert_non_null(mkdtemp(folder));
    assert_int_equal(lofi_path_format(path, &err, "%s/x.json", folder), LOFI_OK);
    json_t *value = parse("{\"z\": 1, \"a\": 0.25}"), *back = NULL;
    assert_int_equal(lofi_json_save(value, path, &err), LOFI_OK);
    assert_int_equal(lofi_json_load(&back, path, &err), LOFI_OK);
    assert_true(json_equal(value, back));
    json_decref(value);
    json_decref(back);
    assert_int_equal(lofi_path_remove(folder, &err), LOFI_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors_name_the_line),
        cmocka_unit_test(test_getters),
        cmocka_unit_test(test_getters_refuse),
        cmocka_unit_test(test_numbers_read_back),
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_save_and_load),
    };
    return cmocka_run_group_tests_name("base json", tests, NULL, NULL);
}
