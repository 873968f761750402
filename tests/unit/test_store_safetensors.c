/* test_store_safetensors.c - tensor files: there and back, damaged ones refused, weights over shards, model folders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "store/checkpoint_folder.h"
#include "store/safetensors.h"
#include "store/weights.h"

static char folder[LOFI_PATH_MAX];

static const char *at(const char *name) {
    static char paths[4][LOFI_PATH_MAX];
    static int next;
    char *path = paths[next++ % 4];
    lofi_error err;
    assert_int_equal(lofi_path_format(path, &err, "%s/%s", folder, name), LOFI_OK);
    return path;
}

static int set_up(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/lofi-store-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    lofi_error err;
    return lofi_path_remove(folder, &err) == LOFI_OK ? 0 : -1;
}

static void write_raw(const char *name, const char *header, const void *body, size_t body_bytes) {
    lofi_buffer file = LOFI_BUFFER_INIT;
    uint64_t size = strlen(header);
    lofi_error err;
    lofi_buffer_append(&file, &size, sizeof size);
    lofi_buffer_text(&file, header);
    lofi_buffer_append(&file, body, body_bytes);
    assert_int_equal(lofi_file_write(at(name), file.data, file.size, &err), LOFI_OK);
    lofi_buffer_free(&file);
}

/* Writes a header with a body of 16 bytes, expects the code, and each word in the message. */
static void refused(const char *header, lofi_code code, const char *word, const char *other) {
    static const char body[16];
    lofi_error err = LOFI_ERROR_INIT;
    lofi_safetensors *file = NULL;
    write_raw("bad.safetensors", header, body, sizeof body);
    assert_int_equal(lofi_safetensors_open(&file, at("bad.safetensors"), &err), code);
    assert_null(file);
    assert_non_null(strstr(err.message, "bad.safetensors"));
    if (word && !strstr(err.message, word)) fail_msg("'%s' is not in: %s", word, err.message);
    if (other && !strstr(err.message, other)) fail_msg("'%s' is not in: %s", other, err.message);
}

#define ENTRY(name, type, shape, from, to)                                                                             \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" #from "," #to "]}"

static void damaged_headers_are_refused(void **state) {
    (void)state;
    refused("", LOFI_ERR_FORMAT, "header", NULL);
    refused("[]", LOFI_ERR_FORMAT, "header", NULL);
    refused("{\"a\":", LOFI_ERR_FORMAT, NULL, NULL);
    refused("{\"a\":1}", LOFI_ERR_FORMAT, "'a'", "object");
    refused("{" ENTRY("a", "F32", "[4]", 0, 16) "," ENTRY("a", "F32", "[4]", 0, 16) "}", LOFI_ERR_FORMAT, NULL, NULL);
    refused("{" ENTRY("a", "F8_E4M3", "[16]", 0, 16) "}", LOFI_ERR_UNSUPPORTED, "'a'", "F8_E4M3");
    refused("{" ENTRY("a", "F32", "[5]", 0, 16) "}", LOFI_ERR_FORMAT, "'a'", "shape times type");
    refused("{" ENTRY("a", "F32", "[-4]", 0, 16) "}", LOFI_ERR_FORMAT, "'a'", "dimension");
    refused("{" ENTRY("a", "F32", "[4.0]", 0, 16) "}", LOFI_ERR_FORMAT, "'a'", "dimension");
    refused("{" ENTRY("a", "F32", "[4611686018427387904,4]", 0, 16) "}", LOFI_ERR_FORMAT, "'a'", "larger");
    refused("{" ENTRY("a", "F32", "[4611686018427387904]", 0, 0) "}", LOFI_ERR_FORMAT, "'a'", "larger");
    refused("{" ENTRY("a", "F32", "[1,1,1,1,1,1,1,1,4]", 0, 16) "}", LOFI_ERR_FORMAT, "'a'", "8 dimensions");
    refused("{" ENTRY("a", "F32", "4", 0, 16) "}", LOFI_ERR_FORMAT, "'a'", "shape");
    refused("{" ENTRY("a", "F32", "[8]", 0, 32) "}", LOFI_ERR_FORMAT, "'a'", "past the end");
    refused("{" ENTRY("a", "F32", "[4]", 16, 0) "}", LOFI_ERR_FORMAT, "'a'", "ends before");
    refused("{" ENTRY("a", "F32", "[1]", 0, 4) "," ENTRY("b", "F32", "[2]", 8, 16) "}", LOFI_ERR_FORMAT, "'b'", "hole");
    refused("{" ENTRY("a", "F32", "[3]", 4, 16) "}", LOFI_ERR_FORMAT, "'a'", "hole");
    refused("{" ENTRY("a", "F32", "[3]", 0, 12) "," ENTRY("b", "F32", "[2]", 8, 16) "}", LOFI_ERR_FORMAT, "'b'",
            "overlaps");
    refused("{" ENTRY("a", "F32", "[3]", 0, 12) "}", LOFI_ERR_FORMAT, "4 bytes at the end", NULL);
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0]}}", LOFI_ERR_FORMAT, "'a'", "data_offsets");
    refused("{\"a\":{\"shape\":[4],\"data_offsets\":[0,16]}}", LOFI_ERR_FORMAT, "'a'", "dtype");
    refused("{\"__metadata__\":{\"k\":1}," ENTRY("a", "F32", "[4]", 0, 16) "}", LOFI_ERR_FORMAT, "'k'", NULL);
}

static void header_length_is_checked(void **state) {
    (void)state;
    static const uint64_t lengths[] = {0, 100, 100000001, UINT64_MAX, UINT64_MAX - 7};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char bytes[24] = {0};
        lofi_error err;
        lofi_safetensors *file;
        memcpy(bytes, &lengths[i], 8);
        memcpy(bytes + 8, "{}", 2);
        assert_int_equal(lofi_file_write(at("length"), bytes, sizeof bytes, &err), LOFI_OK);
        assert_int_equal(lofi_safetensors_open(&file, at("length"), &err), LOFI_ERR_FORMAT);
    }
}

static const float numbers[6] = {1, -2, 3.5f, 0, 1e-20f, 6};
static const int64_t integers[3] = {-1, INT64_MAX, 5};
static const uint16_t halves[2] = {0x3f80, 0xc000};
static const uint8_t flags[3] = {1, 0, 1};

static void save_sample(const char *name) {
    lofi_stored_tensor tensors[] = {
        lofi_stored_declare("b.flags", LOFI_STORED_BOOL, 1, (int64_t[]){3}),
        lofi_stored_declare("a.weight", LOFI_STORED_F32, 2, (int64_t[]){2, 3}),
        lofi_stored_declare("empty", LOFI_STORED_F32, 2, (int64_t[]){0, 7}),
        lofi_stored_declare("scalar", LOFI_STORED_F32, 0, NULL),
        lofi_stored_declare("numbers", LOFI_STORED_I64, 1, (int64_t[]){3}),
        lofi_stored_declare("half", LOFI_STORED_BF16, 1, (int64_t[]){2}),
    };
    const void *data[] = {flags, numbers, NULL, numbers + 2, integers, halves};
    for (int i = 0; i < 6; i++) tensors[i].data = data[i];
    json_t *metadata = json_pack("{s:s, s:s}", "format", "pt", "note", "two\nlines \xc3\xa9");
    lofi_error err;
    assert_int_equal(lofi_safetensors_save(at(name), tensors, 6, metadata, &err), LOFI_OK);
    json_decref(metadata);
}

static void what_is_written_is_read(void **state) {
    (void)state;
    lofi_error err;
    lofi_safetensors *file;
    save_sample("sample.safetensors");
    assert_int_equal(lofi_safetensors_open(&file, at("sample.safetensors"), &err), LOFI_OK);
    static const char *const order[] = {"numbers", "a.weight", "empty", "scalar", "half", "b.flags"};
    assert_int_equal(lofi_safetensors_count(file), 6);
    for (size_t i = 0; i < 6; i++)
        if (i != 1 && i != 2) assert_string_equal(lofi_safetensors_at(file, i)->name, order[i]);
    const lofi_stored_tensor *tensor = lofi_safetensors_find(file, "a.weight");
    assert_true(lofi_stored_has_shape(tensor, 2, (int64_t[]){2, 3}) && tensor->aligned);
    assert_memory_equal(tensor->data, numbers, sizeof numbers);
    float values[3];
    lofi_stored_read_f32(lofi_safetensors_find(file, "half"), 0, values, 2);
    assert_true(values[0] == 1 && values[1] == -2);
    lofi_stored_read_f32(tensor, 2, values, 3);
    assert_memory_equal(values, numbers + 2, sizeof values);
    int64_t whole[3];
    lofi_stored_read_i64(lofi_safetensors_find(file, "numbers"), 0, whole, 3);
    assert_memory_equal(whole, integers, sizeof integers);
    lofi_stored_read_i64(lofi_safetensors_find(file, "b.flags"), 0, whole, 3);
    assert_true(whole[0] == 1 && whole[1] == 0 && whole[2] == 1);
    tensor = lofi_safetensors_find(file, "scalar");
    assert_true(tensor->rank == 0 && tensor->count == 1);
    assert_int_equal(lofi_safetensors_find(file, "empty")->count, 0);
    assert_string_equal(lofi_safetensors_metadata(file, "note"), "two\nlines \xc3\xa9");
    assert_null(lofi_safetensors_metadata(file, "absent"));
    assert_null(lofi_safetensors_find(file, "absent"));
    assert_int_equal(lofi_safetensors_get(&tensor, file, "absent", &err), LOFI_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "absent"));
    lofi_safetensors_close(file);
}

/* Leaves the sample for the Python peer (tests/interop/safetensors_file.py), when it asks for it. */
static void sample_for_python(void **state) {
    (void)state;
    lofi_error err;
    const char *wanted = getenv("LOFI_INTEROP_FOLDER");
    char path[LOFI_PATH_MAX];
    save_sample("sample.safetensors");
    lofi_buffer whole = LOFI_BUFFER_INIT;
    assert_int_equal(lofi_file_read(&whole, at("sample.safetensors"), 1 << 20, &err), LOFI_OK);
    if (wanted) {
        assert_int_equal(lofi_path_format(path, &err, "%s/sample.safetensors", wanted), LOFI_OK);
        assert_int_equal(lofi_file_write(path, whole.data, whole.size, &err), LOFI_OK);
    }
    uint64_t header_bytes;
    memcpy(&header_bytes, whole.data, 8);
    assert_int_equal(header_bytes % 8, 0);
    lofi_buffer_free(&whole);
}

static void streamed_in_parts(void **state) {
    (void)state;
    lofi_stored_tensor tensors[] = {
        lofi_stored_declare("none", LOFI_STORED_F32, 1, (int64_t[]){0}),
        lofi_stored_declare("first", LOFI_STORED_F32, 1, (int64_t[]){6}),
        lofi_stored_declare("nothing", LOFI_STORED_I8, 1, (int64_t[]){0}),
        lofi_stored_declare("second", LOFI_STORED_BF16, 1, (int64_t[]){2}),
    };
    lofi_error err;
    lofi_safetensors_writer *writer;
    assert_int_equal(lofi_safetensors_writer_open(&writer, at("parts"), tensors, 4, NULL, &err), LOFI_OK);
    assert_int_equal(lofi_safetensors_writer_add(writer, "none", NULL, &err), LOFI_OK);
    assert_int_equal(lofi_safetensors_writer_bytes(writer, numbers, 10, &err), LOFI_OK);
    assert_int_equal(lofi_safetensors_writer_bytes(writer, (const char *)numbers + 10, 14, &err), LOFI_OK);
    assert_int_equal(lofi_safetensors_writer_add(writer, "nothing", NULL, &err), LOFI_OK);
    assert_int_equal(lofi_safetensors_writer_add(writer, "second", halves, &err), LOFI_OK);
    assert_false(lofi_path_exists(at("parts")));
    assert_int_equal(lofi_safetensors_writer_commit(writer, &err), LOFI_OK);
    lofi_safetensors *file;
    assert_int_equal(lofi_safetensors_open(&file, at("parts"), &err), LOFI_OK);
    assert_memory_equal(lofi_safetensors_find(file, "first")->data, numbers, sizeof numbers);
    assert_memory_equal(lofi_safetensors_find(file, "second")->data, halves, sizeof halves);
    lofi_safetensors_close(file);

    assert_int_equal(lofi_safetensors_writer_open(&writer, at("given-up"), tensors, 4, NULL, &err), LOFI_OK);
    lofi_safetensors_writer_abort(writer);
    assert_false(lofi_path_exists(at("given-up")));
}

/* Opens a damaged copy: it may be fine or refused, never more. */
static void survive(const void *bytes, size_t size, bool must_fail) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_safetensors *file;
    assert_int_equal(lofi_file_write(at("copy"), bytes, size, &err), LOFI_OK);
    lofi_code code = lofi_safetensors_open(&file, at("copy"), &err);
    if (code != LOFI_OK) {
        assert_true(err.message[0] != 0);
        return;
    }
    assert_false(must_fail);
    double sum = 0, value;
    for (size_t i = 0; i < lofi_safetensors_count(file); i++)
        for (size_t k = 0; k < lofi_safetensors_at(file, i)->count; k++) {
            lofi_stored_read_f64(lofi_safetensors_at(file, i), k, &value, 1);
            sum += value;
        }
    (void)sum;
    lofi_safetensors_close(file);
}

static void hostile_files_are_survived(void **state) {
    (void)state;
    lofi_error err;
    lofi_buffer whole = LOFI_BUFFER_INIT;
    save_sample("sample.safetensors");
    assert_int_equal(lofi_file_read(&whole, at("sample.safetensors"), 1 << 20, &err), LOFI_OK);
    for (size_t size = 0; size < whole.size; size++) survive(whole.data, size, true);
    uint32_t random = 12345;
    for (int i = 0; i < 2000; i++) {
        size_t place[3];
        char before[3];
        for (int k = 0; k < 3; k++) {
            random = random * 1664525u + 1013904223u;
            place[k] = (random >> 8) % (i % 2 ? whole.size : 16);
            before[k] = whole.data[place[k]];
            whole.data[place[k]] = (char)(random >> 3);
        }
        survive(whole.data, whole.size, false);
        for (int k = 2; k >= 0; k--) whole.data[place[k]] = before[k];
    }
    lofi_buffer_free(&whole);
}

static void shards_are_one_set(void **state) {
    (void)state;
    lofi_error err;
    lofi_stored_tensor one = lofi_stored_declare("z", LOFI_STORED_F32, 1, (int64_t[]){2});
    lofi_stored_tensor two = lofi_stored_declare("a", LOFI_STORED_F32, 1, (int64_t[]){3});
    one.data = numbers;
    two.data = numbers + 2;
    assert_int_equal(lofi_folder_make(at("set"), &err), LOFI_OK);
    assert_int_equal(lofi_safetensors_save(at("set/m-1.safetensors"), &one, 1, NULL, &err), LOFI_OK);
    assert_int_equal(lofi_safetensors_save(at("blob"), &two, 1, NULL, &err), LOFI_OK);
    assert_int_equal(symlink("../blob", at("set/m-2.safetensors")), 0); /* as the hub cache has it */
    static const char index[] = "{\"weight_map\": {\"z\": \"m-1.safetensors\", \"a\": \"m-2.safetensors\"}}";
    assert_int_equal(lofi_file_write(at("set/model.safetensors.index.json"), index, strlen(index), &err), LOFI_OK);
    lofi_weights *weights;
    assert_int_equal(lofi_weights_open(&weights, at("set"), &err), LOFI_OK);
    assert_int_equal(lofi_weights_count(weights), 2);
    assert_string_equal(lofi_weights_at(weights, 0)->name, "a");
    assert_memory_equal(lofi_weights_find(weights, "a")->data, numbers + 2, 12);
    assert_int_equal(lofi_weights_file_count(weights), 2);
    const lofi_stored_tensor *tensor;
    assert_int_equal(lofi_weights_get(&tensor, weights, "b", &err), LOFI_ERR_NOT_FOUND);
    lofi_weights_close(weights);

    static const char wrong[] = "{\"weight_map\": {\"z\": \"m-1.safetensors\", \"b\": \"m-2.safetensors\"}}";
    assert_int_equal(lofi_file_write(at("set/model.safetensors.index.json"), wrong, strlen(wrong), &err), LOFI_OK);
    assert_int_equal(lofi_weights_open(&weights, at("set"), &err), LOFI_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "b"));
    static const char gone[] = "{\"weight_map\": {\"z\": \"m-1.safetensors\", \"b\": \"m-3.safetensors\"}}";
    assert_int_equal(lofi_file_write(at("set/model.safetensors.index.json"), gone, strlen(gone), &err), LOFI_OK);
    assert_int_equal(lofi_weights_open(&weights, at("set"), &err), LOFI_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "m-3.safetensors"));
    static const char climbing[] = "{\"weight_map\": {\"z\": \"../blob\"}}";
    assert_int_equal(lofi_file_write(at("set/model.safetensors.index.json"), climbing, strlen(climbing), &err),
                     LOFI_OK);
    assert_int_equal(lofi_weights_open(&weights, at("set"), &err), LOFI_ERR_FORMAT);
    assert_int_equal(lofi_weights_open(&weights, folder, &err), LOFI_ERR_NOT_FOUND);
}

static void make_component(const char *root, lofi_component component) {
    char path[LOFI_PATH_MAX];
    lofi_error err;
    assert_int_equal(lofi_path_format(path, &err, "%s/%s", root, lofi_component_folder(component)), LOFI_OK);
    assert_int_equal(lofi_folder_make(path, &err), LOFI_OK);
    assert_int_equal(lofi_path_format(path, &err, "%s/%s/config.json", root, lofi_component_folder(component)),
                     LOFI_OK);
    assert_int_equal(lofi_file_write(path, "{}", 2, &err), LOFI_OK);
    assert_int_equal(lofi_path_format(path, &err, "%s/%s/model.safetensors", root, lofi_component_folder(component)),
                     LOFI_OK);
    assert_int_equal(lofi_safetensors_save(path, NULL, 0, NULL, &err), LOFI_OK);
}

static void make_model(const char *root) {
    for (int i = 0; i < LOFI_COMPONENT_COUNT; i++) make_component(root, (lofi_component)i);
}

static void model_folders_are_found(void **state) {
    (void)state;
    lofi_error err;
    lofi_checkpoint_folder found;
    const char *hub = "hub/models--ACE-Step--ACE-Step-v1-3.5B";
    char path[LOFI_PATH_MAX];
    make_model(at("plain"));
    assert_int_equal(lofi_checkpoint_folder_resolve(&found, at("plain"), &err), LOFI_OK);
    assert_false(found.hub_cache);
    assert_int_equal(lofi_path_remove(at("plain/umt5-base/config.json"), &err), LOFI_OK);
    assert_int_equal(lofi_path_remove(at("plain/music_vocoder"), &err), LOFI_OK);
    assert_int_equal(lofi_checkpoint_folder_resolve(&found, at("plain"), &err), LOFI_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "umt5-base/config.json, music_vocoder"));
    assert_true(err.hint[0] != 0);

    assert_int_equal(lofi_path_format(path, &err, "%s/%s/snapshots/abc", folder, hub), LOFI_OK);
    make_model(path);
    assert_int_equal(lofi_path_format(path, &err, "%s/%s/snapshots/def", folder, hub), LOFI_OK);
    make_component(path, LOFI_COMPONENT_DCAE); /* incomplete */
    assert_int_equal(lofi_checkpoint_folder_resolve(&found, at("hub"), &err), LOFI_OK);
    assert_true(found.hub_cache);
    assert_string_equal(found.revision, "abc");
    make_model(path);
    assert_int_equal(lofi_path_format(path, &err, "%s/%s/refs", folder, hub), LOFI_OK);
    assert_int_equal(lofi_folder_make(path, &err), LOFI_OK);
    assert_int_equal(lofi_path_format(path, &err, "%s/%s/refs/main", folder, hub), LOFI_OK);
    assert_int_equal(lofi_file_write(path, "def\n", 4, &err), LOFI_OK);
    assert_int_equal(lofi_checkpoint_folder_resolve(&found, at(hub), &err), LOFI_OK);
    assert_string_equal(found.revision, "def");
    assert_int_equal(lofi_file_write(path, "abc", 3, &err), LOFI_OK);
    assert_int_equal(lofi_checkpoint_folder_resolve(&found, at("hub"), &err), LOFI_OK);
    assert_string_equal(found.revision, "abc");

    assert_int_equal(lofi_checkpoint_folder_resolve(&found, at("nowhere"), &err), LOFI_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "nowhere"));
    assert_int_equal(lofi_folder_make(at("nothing"), &err), LOFI_OK);
    assert_int_equal(lofi_checkpoint_folder_resolve(&found, at("nothing"), &err), LOFI_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "music_dcae_f8c8"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_headers_are_refused), cmocka_unit_test(header_length_is_checked),
        cmocka_unit_test(what_is_written_is_read),     cmocka_unit_test(streamed_in_parts),
        cmocka_unit_test(sample_for_python),           cmocka_unit_test(hostile_files_are_survived),
        cmocka_unit_test(shards_are_one_set),          cmocka_unit_test(model_folders_are_found),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
