/* test_base_schema.c - the subset of JSON Schema: every rule from both sides (tests/data/schema_cases.json, which a test of the
 * command line shows to a standard validator, too), refused schemas, lines of values, and the schemas of the program. */
#include "catalog_files.h"

#include <jansson.h>

#include "base/document.h"
#include "base/json.h"
#include "base/schema.h"
#include "catalog/entity.h"

static lofi_schema *make_schema(const json_t *document) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_schema *schema = NULL;
    char *text = json_dumps(document, JSON_ENCODE_ANY);
    if (lofi_schema_new(&schema, text, strlen(text), "case", &err) != LOFI_OK) fail_msg("%s: %s", text, err.message);
    free(text);
    return schema;
}

static void every_rule_from_both_sides(void **state) {
    (void)state;
    json_t *cases = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    if (lofi_json_load(&cases, LOFI_SOURCE_FOLDER "/tests/data/schema_cases.json", &err) != LOFI_OK)
        fail_msg("%s", err.message);
    size_t accepted = 0, refused = 0;
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *one = json_array_get(cases, i), *values = json_object_get(one, "values");
        lofi_schema *schema = make_schema(json_object_get(one, "schema"));
        for (size_t k = 0; k < json_array_size(values); k++) {
            const json_t *value = json_array_get(json_array_get(values, k), 0);
            bool wanted = json_is_true(json_array_get(json_array_get(values, k), 1));
            lofi_schema_fault fault = {"", "", ""};
            bool found = lofi_schema_accepts(schema, value, &fault);
            if (found != wanted)
                fail_msg("case %zu, value %zu: %s %s %s", i, k, fault.pointer, fault.rule, fault.found);
            if (!found) assert_true(fault.rule[0]);
            *(found ? &accepted : &refused) += 1;
        }
        lofi_schema_free(schema);
    }
    json_decref(cases);
    assert_true(accepted > 30 && refused > 30);
}

static void what_is_not_understood_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        lofi_code code;
    } cases[] = {{"{\"oneOf\": []}", LOFI_ERR_UNSUPPORTED},
                 {"{\"properties\": {\"a\": {\"minimm\": 3}}}", LOFI_ERR_UNSUPPORTED},
                 {"{\"minimum\": \"3\"}", LOFI_ERR_UNSUPPORTED},
                 {"{\"type\": \"text\"}", LOFI_ERR_FORMAT},
                 {"{\"pattern\": \"(\"}", LOFI_ERR_FORMAT},
                 {"{\"items\": []}", LOFI_ERR_FORMAT},
                 {"[]", LOFI_ERR_FORMAT},
                 {"{", LOFI_ERR_FORMAT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lofi_schema *schema = NULL;
        lofi_error err = LOFI_ERROR_INIT;
        assert_int_equal(lofi_schema_new(&schema, cases[i].text, strlen(cases[i].text), "case", &err), cases[i].code);
        assert_contains(err.message, "case");
        assert_null(schema);
    }
}

static void lines_are_those_of_the_text(void **state) {
    (void)state;
    static const char text[] = "\n{\n  \"a\": {\"b\\\"\": 1,\n    \"c/d~\": [1,\n   {\"x\": \"]}\\\\\"},\n  [\n 7]]},\n"
                               "  \"e\": \"\\u0041\",\n \"tr\\u00e4ck\": null\n}\n";
    static const struct {
        const char *pointer;
        size_t line;
    } cases[] = {{"", 2},
                 {"/a", 3},
                 {"/a/b\"", 3},
                 {"/a/c~1d~0", 4},
                 {"/a/c~1d~0/0", 4},
                 {"/a/c~1d~0/1", 5},
                 {"/a/c~1d~0/1/x", 5},
                 {"/a/c~1d~0/2", 6},
                 {"/a/c~1d~0/2/0", 7},
                 {"/e", 8},
                 {"/träck", 9},
                 {"/a/missing", 3},
                 {"/a/c~1d~0/9", 4},
                 {"/missing/x", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(lofi_json_line(text, sizeof text - 1, cases[i].pointer), cases[i].line);
}

static void faults_name_file_line_field_rule_and_value(void **state) {
    lofi_document document = {0};
    lofi_error err = LOFI_ERROR_INIT;
    const char *path = put_file(*state, "sources.json",
                                "{\"sources\": [\n"
                                "  {\"source_id\": \"a\", \"track_ids\": [\"x\"], \"source_type\": \"royalty_free\",\n"
                                "   \"provider\": \"p\", \"license_type\": 7,\n"
                                "   \"ai_training_permitted\": true, \"date_acquired\": \"2024-01-01\"}]}\n");
    assert_int_equal(lofi_document_load(&document, path, &err), LOFI_OK);
    assert_int_equal(lofi_entity_check_list(LOFI_ENTITY_SOURCE_RECORD, &document, "sources", &err), LOFI_ERR_FORMAT);
    assert_contains(err.message, "sources.json' line 3: sources[0].license_type: must be text, found 7");
    lofi_document_free(&document);
}

/* Every schema of config/schemas is one of the program, and is understood. */
static void all_schemas_are_read(void **state) {
    (void)state;
    json_t *nothing = json_object();
    for (int i = 0; i < LOFI_ENTITIES; i++) {
        lofi_error err = LOFI_ERROR_INIT;
        char path[LOFI_PATH_MAX];
        json_t *file = NULL;
        assert_int_equal(
            lofi_path_format(path, &err, CONFIG("schemas/%s.schema.json"), lofi_entity_name((lofi_entity)i)), LOFI_OK);
        assert_int_equal(lofi_json_load(&file, path, &err), LOFI_OK);
        assert_true(json_is_string(json_object_get(file, "title")));
        json_decref(file);
        lofi_code code = lofi_entity_check_new((lofi_entity)i, nothing, "nothing", &err);
        assert_int_equal(code, i == LOFI_ENTITY_STYLE_MAPPING ? LOFI_OK : LOFI_ERR_FORMAT);
    }
    json_decref(nothing);
}

static void dates(void **state) {
    (void)state;
    static const char *const right[] = {"2024-02-29", "2000-02-29", "2025-12-31T23:59:59Z", "2025-01-31 08:00"};
    static const char *const wrong[] = {"2023-02-29", "1900-02-29", "2025-13-01",  "2025-00-10", "2025-04-31",
                                        "25-01-01",   "2025-1-1",   "2025-01-01x", "",           "yesterday"};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) assert_null(lofi_date_fault(right[i]));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_non_null(lofi_date_fault(wrong[i]));
    assert_contains(lofi_date_fault("2999-01-01"), "future");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_from_both_sides),
        cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(lines_are_those_of_the_text),
        cmocka_unit_test_setup_teardown(faults_name_file_line_field_rule_and_value, make_folder, remove_folder),
        cmocka_unit_test(all_schemas_are_read),
        cmocka_unit_test(dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
