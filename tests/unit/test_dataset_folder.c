/* test_dataset_folder.c - dataset folders: written, read, moved, replaced, damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "store/hf_dataset.h"

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
    snprintf(folder, sizeof folder, "/tmp/lofi-dataset-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    lofi_error err;
    return lofi_path_remove(folder, &err) == LOFI_OK ? 0 : -1;
}

static void put(const char *name, const char *text) {
    lofi_error err;
    assert_int_equal(lofi_file_write(at(name), text, strlen(text), &err), LOFI_OK);
}

static const char *const tags[] = {"lofi hip hop", "85 bpm", "vinyl crackle"};
static const char *const styles[] = {"CORE-01", "INST-04"};

static lofi_dataset_track track(const char *id, const char *filename) {
    return (lofi_dataset_track){.track_id = id,
                                .filename = filename,
                                .prompt = "lofi hip hop, 85 bpm, vinyl crackle",
                                .tags = tags,
                                .tag_count = 3,
                                .lyrics = "[Verse]\n\"quoted\" caf\xc3\xa9\n",
                                .style_ids = styles,
                                .style_count = 2,
                                .source_id = "source 1",
                                .duration = 92.5};
}

static lofi_code write_sample(const char *name, int64_t repeats, size_t split_count, lofi_error *err) {
    char audio[LOFI_PATH_MAX], first[LOFI_PATH_MAX], second[LOFI_PATH_MAX];
    snprintf(audio, sizeof audio, "%s/all/songs", folder);
    assert_int_equal(lofi_path_format(first, err, "%s/sub/a b.mp3", audio), LOFI_OK);
    assert_int_equal(lofi_path_format(second, err, "%s/c.mp3", audio), LOFI_OK);
    lofi_dataset_track tracks[] = {track("a b", first), track("c", second), track("d", second)};
    const lofi_dataset_track *train[] = {&tracks[1], &tracks[0]}, *held_out[] = {&tracks[2]};
    lofi_dataset_split splits[] = {{"train", train, 2}, {"validation", held_out, 1}};
    lofi_dataset_facts facts = {.dataset_hash = "0123456789abcdef",
                                .seed = 42,
                                .shards = 1,
                                .repeat_count = repeats,
                                .audio_folder = audio,
                                .license = "",
                                .description = "two songs"};
    return lofi_hf_dataset_write(at(name), splits, split_count, &facts, err);
}

static void what_is_written_is_read(void **state) {
    (void)state;
    lofi_error err;
    lofi_hf_dataset *dataset;
    assert_int_equal(write_sample("two", 200, 2, &err), LOFI_OK);
    assert_int_equal(lofi_hf_dataset_open(&dataset, at("two"), NULL, &err), LOFI_OK);
    assert_int_equal(lofi_hf_dataset_track_count(dataset), 2);
    assert_int_equal(lofi_hf_dataset_row_count(dataset), 400);
    for (size_t row = 0; row < 400; row++) assert_int_equal(lofi_hf_dataset_row_track(dataset, row), row % 2);
    assert_string_equal(lofi_hf_dataset_hash(dataset), "0123456789abcdef");
    const lofi_dataset_track *read = lofi_hf_dataset_track_at(dataset, 1);
    lofi_dataset_track written = track("a b", "");
    assert_string_equal(read->track_id, "a b");
    assert_string_equal(read->lyrics, written.lyrics);
    assert_string_equal(read->prompt, written.prompt);
    assert_string_equal(read->source_id, "source 1");
    assert_true(read->tag_count == 3 && read->style_count == 2 && read->duration == 92.5);
    for (size_t i = 0; i < 3; i++) assert_string_equal(read->tags[i], tags[i]);
    assert_string_equal(read->style_ids[1], "INST-04");
    lofi_hf_dataset_close(dataset);
    assert_int_equal(lofi_hf_dataset_open(&dataset, at("two"), "validation", &err), LOFI_OK);
    assert_int_equal(lofi_hf_dataset_row_count(dataset), 200);
    lofi_hf_dataset_close(dataset);
    assert_int_equal(lofi_hf_dataset_open(&dataset, at("two/validation"), NULL, &err), LOFI_OK);
    lofi_hf_dataset_close(dataset);
    assert_int_equal(lofi_hf_dataset_open(&dataset, at("two/validation"), "train", &err), LOFI_ERR_NOT_FOUND);
    assert_int_equal(lofi_hf_dataset_open(&dataset, at("two"), "test", &err), LOFI_ERR_NOT_FOUND);
    assert_int_equal(write_sample("one", 3, 1, &err), LOFI_OK);
    assert_true(lofi_path_is_file(at("one/state.json")));
    assert_int_equal(lofi_hf_dataset_open(&dataset, at("one"), "train", &err), LOFI_OK);
    assert_int_equal(lofi_hf_dataset_row_count(dataset), 6);
    lofi_hf_dataset_close(dataset);
}

static void rows_that_differ_in_tags_only_are_two_tracks(void **state) {
    (void)state;
    lofi_error err;
    lofi_hf_dataset *dataset;
    lofi_dataset_track both[] = {track("a", "/a.mp3"), track("a", "/a.mp3")};
    both[1].tag_count = 2;
    const lofi_dataset_track *train[] = {&both[0], &both[1], &both[0]};
    lofi_dataset_split split = {"train", train, 3};
    lofi_dataset_facts facts = {
        .dataset_hash = "", .shards = 1, .repeat_count = 1, .audio_folder = "/", .license = "", .description = ""};
    assert_int_equal(lofi_hf_dataset_write(at("tags"), &split, 1, &facts, &err), LOFI_OK);
    assert_int_equal(lofi_hf_dataset_open(&dataset, at("tags"), NULL, &err), LOFI_OK);
    assert_int_equal(lofi_hf_dataset_track_count(dataset), 2);
    assert_int_equal(lofi_hf_dataset_row_track(dataset, 2), 0);
    lofi_hf_dataset_close(dataset);
}

static void repeats_cost_no_rows_on_the_disk(void **state) {
    (void)state;
    lofi_error err;
    uint64_t once, often;
    assert_int_equal(write_sample("once", 1, 1, &err), LOFI_OK);
    assert_int_equal(write_sample("often", 2000, 1, &err), LOFI_OK);
    assert_int_equal(lofi_file_size(&once, at("once/data-00000-of-00001.arrow"), &err), LOFI_OK);
    assert_int_equal(lofi_file_size(&often, at("often/data-00000-of-00001.arrow"), &err), LOFI_OK);
    assert_int_equal(once, often);
}

static void audio_is_found_after_a_move(void **state) {
    (void)state;
    lofi_error err;
    lofi_hf_dataset *dataset;
    char path[LOFI_PATH_MAX];
    assert_int_equal(lofi_folder_make(at("all/songs/sub"), &err), LOFI_OK);
    put("all/songs/sub/a b.mp3", "x");
    put("all/songs/c.mp3", "x");
    assert_int_equal(write_sample("all/set", 1, 2, &err), LOFI_OK);
    assert_int_equal(lofi_hf_dataset_open(&dataset, at("all/set"), NULL, &err), LOFI_OK);
    assert_int_equal(lofi_hf_dataset_audio_path(path, dataset, lofi_hf_dataset_track_at(dataset, 1), &err), LOFI_OK);
    assert_string_equal(path, lofi_hf_dataset_track_at(dataset, 1)->filename);
    lofi_hf_dataset_close(dataset);
    assert_int_equal(lofi_path_rename(at("all"), at("moved"), &err), LOFI_OK);
    assert_int_equal(lofi_hf_dataset_open(&dataset, at("moved/set"), NULL, &err), LOFI_OK);
    assert_int_equal(lofi_hf_dataset_audio_path(path, dataset, lofi_hf_dataset_track_at(dataset, 1), &err), LOFI_OK);
    assert_true(lofi_path_is_file(path));
    assert_int_equal(lofi_path_remove(at("moved/songs/c.mp3"), &err), LOFI_OK);
    assert_int_equal(lofi_hf_dataset_audio_path(path, dataset, lofi_hf_dataset_track_at(dataset, 0), &err),
                     LOFI_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "'c'"));
    lofi_hf_dataset_close(dataset);
}

static void only_datasets_are_replaced(void **state) {
    (void)state;
    lofi_error err;
    assert_int_equal(write_sample("again", 1, 2, &err), LOFI_OK);
    assert_int_equal(write_sample("again", 5, 1, &err), LOFI_OK);
    assert_false(lofi_path_exists(at("again/dataset_dict.json")));
    put("again/my notes.txt", "mine");
    assert_int_equal(write_sample("again", 1, 1, &err), LOFI_ERR_USAGE);
    assert_non_null(strstr(err.message, "my notes.txt"));
    assert_true(lofi_path_is_file(at("again/my notes.txt")));
    assert_int_equal(lofi_path_remove(at("again/my notes.txt"), &err), LOFI_OK);
    put("again/.hidden", "mine");
    assert_int_equal(write_sample("again", 1, 1, &err), LOFI_ERR_USAGE);
}

static void the_original_is_read(void **state) {
    (void)state;
    lofi_error err;
    lofi_hf_dataset *dataset;
    assert_int_equal(lofi_hf_dataset_open(&dataset, LOFI_SOURCE_FOLDER "/tests/data/dataset_original", NULL, &err),
                     LOFI_OK);
    assert_int_equal(lofi_hf_dataset_row_count(dataset), 6);
    assert_int_equal(lofi_hf_dataset_track_count(dataset), 3); /* repeated twice by copying */
    assert_string_equal(lofi_hf_dataset_hash(dataset), "");
    const lofi_dataset_track *first = lofi_hf_dataset_track_at(dataset, 0);
    assert_true(first->track_id[0] && first->filename[0] && first->prompt[0]);
    lofi_hf_dataset_close(dataset);
}

static void damaged_folders_are_refused(void **state) {
    (void)state;
    lofi_error err;
    lofi_hf_dataset *dataset;
    static const struct {
        const char *text;
        lofi_code code;
    } states[] = {
        {"{}", LOFI_ERR_FORMAT},
        {"{\"_data_files\": []}", LOFI_ERR_FORMAT},
        {"{\"_data_files\": [{}]}", LOFI_ERR_FORMAT},
        {"{\"_data_files\": [{\"filename\": \"../state.json\"}]}", LOFI_ERR_FORMAT},
        {"{\"_data_files\": [{\"filename\": \"gone.arrow\"}]}", LOFI_ERR_NOT_FOUND},
        {"{\"_data_files\": [{\"filename\": \"state.json\"}]}", LOFI_ERR_FORMAT},
        {"{\"_data_files\": [{\"filename\": \"data-00000-of-00001.arrow\"}], \"_indices_files\": [{\"filename\": "
         "\"i\"}]}",
         LOFI_ERR_UNSUPPORTED},
    };
    assert_int_equal(write_sample("bad", 1, 1, &err), LOFI_OK);
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        put("bad/state.json", states[i].text);
        lofi_code code = lofi_hf_dataset_open(&dataset, at("bad"), NULL, &err);
        if (code != states[i].code) fail_msg("%s gave %s: %s", states[i].text, lofi_code_name(code), err.message);
    }
    assert_int_equal(lofi_hf_dataset_open(&dataset, at("nowhere"), NULL, &err), LOFI_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "nowhere"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(repeats_cost_no_rows_on_the_disk),
        cmocka_unit_test(rows_that_differ_in_tags_only_are_two_tracks),
        cmocka_unit_test(audio_is_found_after_a_move),
        cmocka_unit_test(only_datasets_are_replaced),
        cmocka_unit_test(the_original_is_read),
        cmocka_unit_test(damaged_folders_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
