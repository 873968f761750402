/* Prompt lines: order, no duplicates, determinism, merging, length; mappings; lyrics; text files. */
#include "catalog_files.h"

#include <math.h>
#include <stdbool.h>

#include "base/utf8.h"
#include "catalog/lyrics.h"
#include "catalog/mapping.h"
#include "catalog/prompt.h"
#include "catalog/tracks.h"

static lofi_vocabulary *vocabulary;
static lofi_styles *styles;

static int open_catalog(void **state) {
    (void)state;
    vocabulary = load_vocabulary();
    styles = load_styles(vocabulary);
    return 0;
}

static int close_catalog(void **state) {
    (void)state;
    lofi_styles_free(styles);
    lofi_vocabulary_free(vocabulary);
    return 0;
}

typedef struct built {
    lofi_buffer line, left_out;
} built;

static built build(const char *track_id, const lofi_style *const *list, size_t count) {
    built result = {LOFI_BUFFER_INIT, LOFI_BUFFER_INIT};
    assert_int_equal(lofi_prompt_build(&result.line, &result.left_out, track_id, list, count, NULL, NULL), LOFI_OK);
    return result;
}

static built build_ids(const char *track_id, const char *a, const char *b, const char *c) {
    const lofi_style *list[3];
    size_t count = 0;
    const char *ids[] = {a, b, c};
    for (size_t i = 0; i < 3 && ids[i]; i++) {
        list[count] = lofi_styles_get(styles, ids[i]);
        assert_non_null(list[count++]);
    }
    return build(track_id, list, count);
}

static void free_built(built *of) {
    lofi_buffer_free(&of->line);
    lofi_buffer_free(&of->left_out);
}

static bool has_tag(const char *line, const char *tag) {
    size_t size = strlen(tag);
    for (const char *at = line; at; at = strstr(at, ", ") ? strstr(at, ", ") + 2 : NULL)
        if (strncmp(at, tag, size) == 0 && (at[size] == '\0' || at[size] == ',')) return true;
    return false;
}

/* Splits the line, checks every tag against the vocabulary, the order of categories, and that none is there twice.
 * Returns the beats per minute. */
static int check_line(const char *line) {
    char tags[64][LOFI_TAG_BYTES];
    size_t count = 0;
    int last = -1, bpm = 0, found = 0;
    for (const char *at = line; at; count++) {
        const char *end = strstr(at, ", ");
        size_t size = end ? (size_t)(end - at) : strlen(at);
        assert_true(count < 64 && size > 0 && size < LOFI_TAG_BYTES);
        memcpy(tags[count], at, size);
        tags[count][size] = '\0';
        char canonical[LOFI_TAG_BYTES];
        lofi_tag_category category = LOFI_TAG_GENRE;
        assert_int_equal(lofi_vocabulary_find(canonical, &category, vocabulary, tags[count], NULL), LOFI_OK);
        assert_string_equal(canonical, tags[count]);
        if ((int)category < last) fail_msg("'%s' is out of order in '%s'", canonical, line);
        last = (int)category;
        for (size_t i = 0; i < count; i++) assert_string_not_equal(tags[i], tags[count]);
        if (category == LOFI_TAG_TEMPO && strstr(canonical, " bpm")) {
            bpm = (int)strtol(canonical, NULL, 10);
            found++;
        }
        at = end ? end + 2 : NULL;
    }
    assert_int_equal(found, 1);
    assert_int_equal(last, LOFI_TAG_VOCAL_TYPE);
    return bpm;
}

static void anchors(void **state) {
    (void)state;
    static const char *const core[] = {"lofi hip hop", "chill", "boom bap drums", "vinyl crackle", "instrumental"};
    static const char *const season[] = {"christmas lofi", "cozy", "festive", "holiday"};
    for (int i = 0; i < 50; i++) {
        char id[32];
        snprintf(id, sizeof id, "track %d", i);
        built line = build_ids(id, "CORE-01", NULL, NULL);
        for (size_t j = 0; j < 5; j++) assert_true(has_tag(lofi_buffer_str(&line.line), core[j]));
        free_built(&line);
        line = build_ids(id, "SEASON-02", NULL, NULL);
        for (size_t j = 0; j < 4; j++) assert_true(has_tag(lofi_buffer_str(&line.line), season[j]));
        free_built(&line);
    }
}

static void every_style_makes_a_good_line(void **state) {
    (void)state;
    for (size_t i = 0; i < lofi_styles_count(styles); i++)
        for (int n = 0; n < 60; n++) {
            char id[32];
            snprintf(id, sizeof id, "%d", n);
            const lofi_style *style = lofi_styles_at(styles, i);
            built line = build(id, &style, 1);
            const char *text = lofi_buffer_str(&line.line);
            int bpm = check_line(text);
            assert_true(bpm >= style->tempo_min && bpm <= style->tempo_max);
            assert_true(has_tag(text, lofi_tempo_word(bpm)));
            assert_true(lofi_utf8_characters(text) <= LOFI_PROMPT_CHARACTERS_MAX);
            assert_int_equal(line.left_out.size, 0);
            free_built(&line);
        }
}

static void the_same_input_gives_the_same_line(void **state) {
    (void)state;
    for (size_t i = 0; i < lofi_styles_count(styles); i++) {
        const lofi_style *style = lofi_styles_at(styles, i);
        built first = build("Nébuleuse 星", &style, 1), second = build("Nébuleuse 星", &style, 1);
        assert_string_equal(lofi_buffer_str(&first.line), lofi_buffer_str(&second.line));
        free_built(&first);
        free_built(&second);
    }
    /* Written down once: a line must not change from one version of the program to the next. */
    built line = build_ids("Nebula", "CORE-01", NULL, NULL);
    assert_string_equal(
        lofi_buffer_str(&line.line),
        "lofi hip hop, chill, mellow, boom bap drums, piano, rhodes, bass guitar, 80 bpm, laid-back tempo, "
        "vinyl crackle, jazz samples, tape saturation, analog warmth, late night, instrumental");
    free_built(&line);
}

static void tracks_differ(void **state) {
    (void)state;
    const lofi_style *style = lofi_styles_get(styles, "CORE-01");
    bool moods[LOFI_STYLE_TAGS_MAX] = {false}, tempi[LOFI_BPM_MAX + 1] = {false};
    for (int i = 0; i < 400; i++) {
        char id[32];
        snprintf(id, sizeof id, "song-%03d", i);
        built line = build(id, &style, 1);
        tempi[check_line(lofi_buffer_str(&line.line))] = true;
        for (size_t j = 0; j < style->mood_options.count; j++)
            moods[j] = moods[j] || has_tag(lofi_buffer_str(&line.line), style->mood_options.tags[j]);
        free_built(&line);
    }
    for (size_t j = 0; j < style->mood_options.count; j++) assert_true(moods[j]);
    for (int bpm = style->tempo_min; bpm <= style->tempo_max; bpm++) assert_true(tempi[bpm]);
}

static void several_styles_are_merged(void **state) {
    (void)state;
    built line = build_ids("x", "CORE-04", "VOCAL-03", NULL);
    const char *text = lofi_buffer_str(&line.line);
    assert_int_equal(strncmp(text, "lofi house, r&b lofi, ", 22), 0); /* the leading style first */
    int bpm = check_line(text);
    assert_true(bpm >= 110 && bpm <= 120); /* no overlap: the leading style's range */
    assert_true(has_tag(text, "r&b vocals"));
    assert_false(has_tag(text, "instrumental")); /* a voice is not instrumental */
    assert_true(lofi_utf8_characters(text) <= LOFI_PROMPT_CHARACTERS_MAX);
    assert_true(line.left_out.size > 0);
    free_built(&line);
    line = build_ids("x", "CORE-01", "SEASON-06", NULL);
    bpm = check_line(lofi_buffer_str(&line.line));
    assert_true(bpm >= 75 && bpm <= 80);
    free_built(&line);
}

static void long_lines_lose_whole_tags(void **state) {
    (void)state;
    for (size_t i = 0; i < lofi_styles_count(styles); i++) {
        const lofi_style *list[LOFI_TRACK_STYLES_MAX];
        for (size_t j = 0; j < LOFI_TRACK_STYLES_MAX; j++) list[j] = lofi_styles_at(styles, (i + j * 5) % 38);
        built line = build("many", list, LOFI_TRACK_STYLES_MAX);
        const char *text = lofi_buffer_str(&line.line);
        check_line(text);
        assert_true(lofi_utf8_characters(text) <= LOFI_PROMPT_CHARACTERS_MAX);
        assert_true(has_tag(text, list[0]->tags[LOFI_TAG_GENRE].tags[0]));
        assert_true(has_tag(text, list[0]->tags[LOFI_TAG_INSTRUMENTS].tags[0]));
        assert_true(has_tag(text, list[0]->tags[LOFI_TAG_PRODUCTION].tags[0]));
        assert_true(line.left_out.size > 0);
        free_built(&line);
    }
}

static void counts_characters(void **state) {
    (void)state;
    assert_int_equal(lofi_utf8_characters(""), 0);
    assert_int_equal(lofi_utf8_characters("lofi"), 4);
    assert_int_equal(lofi_utf8_characters("caf\xc3\xa9 \xe6\x98\x9f \xf0\x9f\x8e\xb5"), 8);
}

/* ---- what was measured ---- */

static const char *const notes[] = {"C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"};

static void name_key(char key[16], int number) {
    snprintf(key, 16, "%s %s", notes[number % 12], number < 12 ? "major" : "minor");
}

static lofi_prompt_music settle(const char *a, const char *b, double bpm, const char *key) {
    const lofi_style *list[] = {lofi_styles_get(styles, a), b ? lofi_styles_get(styles, b) : NULL};
    const lofi_prompt_facts facts = {bpm, key};
    lofi_prompt_music music;
    lofi_prompt_settle(&music, "track", list, b ? 2 : 1, &facts);
    return music;
}

static void tempo_is_counted_as_the_style_counts(void **state) {
    (void)state;
    static const struct {
        const char *a, *b;
        double measured;
        int bpm;
        bool outside;
    } cases[] = {
        {"CORE-01", NULL, 80, 80, false},                                                /* 75 to 90 */
        {"CORE-01", NULL, 74.5, 75, false},                                              /* rounded, then compared */
        {"CORE-01", NULL, 74.4, 74, true},        {"CORE-01", NULL, 161.4, 81, false},   /* half */
        {"CORE-01", NULL, 42, 84, false},                                                /* double */
        {"CORE-01", NULL, 181.2, 181, true},                                             /* half is 91 */
        {"CORE-01", NULL, 120, 120, true},        {"CORE-04", NULL, 57.5, 115, false},   /* 110 to 120 */
        {"CORE-01", "SEASON-06", 156, 78, false},                                        /* together 75 to 80 */
        {"CORE-01", "SEASON-06", 82, 82, true},   {"CORE-04", "VOCAL-03", 70, 70, true}, /* no overlap: 110 to 120 */
        {"CORE-04", "VOCAL-03", 58, 116, false},  {"CORE-01", NULL, 300.4, 300, true},
        {"CORE-01", NULL, 19.6, 20, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lofi_prompt_music music = settle(cases[i].a, cases[i].b, cases[i].measured, NULL);
        if (music.bpm != cases[i].bpm || music.tempo_outside != cases[i].outside || !music.tempo_measured)
            fail_msg("%s at %g bpm: %d, %s", cases[i].a, cases[i].measured, music.bpm,
                     music.tempo_outside ? "outside" : "inside");
    }
    static const double unknown[] = {0, -80, 19.4, 300.6, 1e300, NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        lofi_prompt_music music = settle("CORE-01", NULL, unknown[i], NULL);
        assert_false(music.tempo_measured || music.tempo_outside);
        assert_true(music.bpm >= 75 && music.bpm <= 90);
    }
    assert_int_equal(settle("CORE-01", "SEASON-06", NAN, NULL).tempo_min, 75);
    assert_int_equal(settle("CORE-01", "SEASON-06", NAN, NULL).tempo_max, 80);
}

static void keys_agree_or_contradict(void **state) {
    (void)state;
    lofi_prompt_music music = settle("CORE-06", NULL, 0, "Bb minor"); /* "minor key" */
    assert_string_equal(music.key, "a# minor");
    assert_false(music.key_contradicts);
    music = settle("CORE-06", NULL, 0, "Bb major");
    assert_string_equal(music.key, "");
    assert_true(music.key_contradicts);
    music = settle("CORE-01", "CORE-06", 0, "C major"); /* the second style counts too */
    assert_true(music.key_contradicts);
    music = settle("CORE-01", NULL, 0, "C major");
    assert_string_equal(music.key, "c major");
    assert_false(music.key_contradicts);
    music = settle("CORE-01", NULL, 0, "H minor");
    assert_string_equal(music.key, "");
    assert_false(music.key_contradicts);
}

static built build_with(const lofi_style *const *list, size_t count, double bpm, const char *key) {
    const lofi_prompt_facts facts = {bpm, key};
    built result = {LOFI_BUFFER_INIT, LOFI_BUFFER_INIT};
    assert_int_equal(lofi_prompt_build(&result.line, &result.left_out, "Nebula", list, count, &facts, NULL), LOFI_OK);
    return result;
}

static void check_text(const char *id, double bpm, const char *key, const char *wanted) {
    const lofi_style *style = lofi_styles_get(styles, id);
    built line = build_with(&style, 1, bpm, key);
    assert_string_equal(lofi_buffer_str(&line.line), wanted);
    free_built(&line);
}

/* Written down once, as the line without facts. */
static void facts_stand_in_the_line(void **state) {
    (void)state;
    check_text(
        "CORE-01", 171.8, "F# minor",
        "lofi hip hop, chill, mellow, boom bap drums, piano, rhodes, bass guitar, 86 bpm, medium tempo, f# minor, "
        "vinyl crackle, jazz samples, tape saturation, analog warmth, late night, instrumental");
    check_text(
        "CORE-06", 70, "D minor",
        "dark lofi, melancholic, lonely, deep bass, detuned piano, dark pads, boom bap drums, 70 bpm, slow tempo, "
        "d minor, low-pass filter, vinyl crackle, tape saturation, analog warmth, empty streets, instrumental");
    check_text(
        "CORE-06", 70, "D major",
        "dark lofi, melancholic, lonely, deep bass, detuned piano, dark pads, boom bap drums, 70 bpm, slow tempo, "
        "minor key, low-pass filter, vinyl crackle, tape saturation, analog warmth, empty streets, instrumental");
}

/* Every style, and every two, with every tempo and every key: in order, each tag known and there once, short enough. */
static void any_facts_make_a_good_line(void **state) {
    (void)state;
    size_t with_key = 0, styles_alone_cut = 0;
    for (size_t i = 0; i < 38; i++)
        for (size_t j = 0; j < 38; j++) {
            const lofi_style *list[] = {lofi_styles_at(styles, i), lofi_styles_at(styles, j)};
            size_t count = i == j ? 1 : 2;
            for (int bpm = 20; bpm <= 300; bpm++) {
                char key[16], tag[LOFI_TAG_BYTES];
                bool whole = bpm % 12 == (int)((i + j) % 12) || count == 1; /* all keys at least, for two */
                name_key(key, bpm % 24);
                built line = build_with(list, count, bpm, key);
                const char *text = lofi_buffer_str(&line.line);
                if (lofi_utf8_characters(text) > LOFI_PROMPT_CHARACTERS_MAX) fail_msg("'%s'", text);
                styles_alone_cut += count == 1 && line.left_out.size > 0;
                if (whole) {
                    const lofi_prompt_facts facts = {bpm, key};
                    lofi_prompt_music music;
                    lofi_prompt_settle(&music, "Nebula", list, count, &facts);
                    assert_int_equal(check_line(text), music.bpm);
                    assert_int_equal(lofi_prompt_check(text, vocabulary, NULL), LOFI_OK);
                    assert_true(lofi_key_tag(tag, key));
                    bool there = has_tag(text, tag), left = has_tag(lofi_buffer_str(&line.left_out), tag);
                    if (there + left + music.key_contradicts != 1) fail_msg("%s in '%s'", tag, text);
                    assert_true(!there || !has_tag(text, "minor key"));
                    with_key += there;
                }
                free_built(&line);
            }
        }
    assert_int_equal(styles_alone_cut, 0);
    assert_true(with_key > 20000);
}

/* Production loses its last tags, then the key, and keeps one of the style's. */
static void a_key_gives_way_to_the_style(void **state) {
    (void)state;
    char voices[3][LOFI_TAG_BYTES];
    const char *voice_tags[3], *genres[] = {"lofi"}, *moods[] = {"chill"}, *instruments[] = {"piano"};
    const char *production[] = {"tape hiss", "tremolo of waves", "minor key"};
    lofi_style style = {.style_id = "A", .tempo_min = 80, .tempo_max = 90};
    for (int i = 0; i < 3; i++) {
        memset(voices[i], 'a' + i, 64);
        voices[i][64] = '\0';
        voice_tags[i] = voices[i];
    }
    style.tags[LOFI_TAG_GENRE] = (lofi_tag_list){genres, 1};
    style.tags[LOFI_TAG_MOOD] = (lofi_tag_list){moods, 1};
    style.tags[LOFI_TAG_INSTRUMENTS] = (lofi_tag_list){instruments, 1};
    style.tags[LOFI_TAG_PRODUCTION] = (lofi_tag_list){production, 3};
    style.tags[LOFI_TAG_VOCAL_TYPE] = (lofi_tag_list){voice_tags, 3};
    const lofi_style *list[] = {&style};
    built line = build_with(list, 1, 83, "A# minor");
    assert_string_equal(lofi_buffer_str(&line.left_out), "medium tempo, tremolo of waves");
    assert_non_null(strstr(lofi_buffer_str(&line.line), "83 bpm, a# minor, tape hiss, aaa"));
    free_built(&line);
    production[0] = "a hiss of many old tapes";
    line = build_with(list, 1, 83, "A# minor");
    assert_string_equal(lofi_buffer_str(&line.left_out), "medium tempo, tremolo of waves, a# minor");
    assert_non_null(strstr(lofi_buffer_str(&line.line), "83 bpm, a hiss of many old tapes, aaa"));
    free_built(&line);
}

static void wrong_lines_are_told(void **state) {
    (void)state;
    static const struct {
        const char *line, *message;
    } cases[] = {{"", "empty"},
                 {"lofi, piano, chill", "'chill' (mood) stands behind instruments"},
                 {"lofi, piano, rhodes, piano", "'piano' is there twice"},
                 {"lofi, rhodes piano", "'rhodes piano' is written 'rhodes'"},
                 {"lofi, Piano", "'Piano' is written 'piano'"},
                 {"lofi, paino", "nearest known one is 'piano'"},
                 {"lofi,piano", "a comma and one space"},
                 {"lofi, ", "empty"},
                 {"lofi, , piano", "empty"},
                 {"lofi, bb minor", "written 'a# minor'"},
                 {"lofi,", "a comma and one space"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lofi_error err = LOFI_ERROR_INIT;
        assert_int_equal(lofi_prompt_check(cases[i].line, vocabulary, &err), LOFI_ERR_FORMAT);
        assert_contains(err.message, cases[i].message);
    }
    char longest[400] = "lofi";
    lofi_error err = LOFI_ERROR_INIT;
    size_t count = 0;
    const char *const *tags = lofi_vocabulary_tags(vocabulary, LOFI_TAG_INSTRUMENTS, &count);
    for (size_t i = 0; strlen(longest) <= 256; i++) {
        size_t size = strlen(longest);
        assert_int_equal(lofi_prompt_check(longest, vocabulary, &err), LOFI_OK);
        snprintf(longest + size, sizeof longest - size, ", %s", tags[i]);
    }
    assert_int_equal(lofi_prompt_check(longest, vocabulary, &err), LOFI_ERR_FORMAT);
    assert_contains(err.message, "characters, 256 are read");
}

/* ---- mapping ---- */

static void mapping_is_read(void **state) {
    lofi_style_mapping *mapping = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    const char *path = put_file(
        *state, "map.json", "{\"a song\": \"CORE-01\", \"b\": [\"INST-01\", \"CORE-02\", \"INST-01\"], \"星\": []}");
    if (lofi_style_mapping_load(&mapping, path, styles, &err) != LOFI_OK) fail_msg("%s", err.message);
    assert_int_equal(lofi_style_mapping_count(mapping), 3);
    const lofi_mapping_entry *entry = lofi_style_mapping_get(mapping, "b");
    assert_int_equal(entry->count, 2);
    assert_string_equal(entry->styles[0]->style_id, "INST-01");
    assert_string_equal(entry->styles[1]->style_id, "CORE-02");
    assert_string_equal(lofi_style_mapping_get(mapping, "a song")->styles[0]->style_id, "CORE-01");
    assert_int_equal(lofi_style_mapping_get(mapping, "星")->count, 0);
    assert_null(lofi_style_mapping_get(mapping, "c"));
    assert_string_equal(lofi_style_mapping_at(mapping, 2)->track_id, "星");
    lofi_style_mapping_free(mapping);
}

static void mapping_refuses(void **state) {
    static const struct {
        const char *text, *message;
    } cases[] = {{"{", "line 1"},
                 {"[]", "must be an object, found a list of 0"},
                 {"{\"a\": \"CORE-1\"}", "line 1: a: unknown style 'CORE-1'; the nearest known one is 'CORE-01'"},
                 {"{\"a\": \"CORE-01\", \"b\": \"X\", \"c\": [\"Y\"], \"d\": \"Z\"}", "(and 2 more entries are wrong)"},
                 {"{\"a\": 5}", "a: must be a list or text, found 5"},
                 {"{\"a\": null}", "found null"},
                 {"{\"a\": [\"CORE-01\", {}]}", "a[1]: must be text"},
                 {"{\"a\": \"CORE-01\", \"a\": \"CORE-02\"}", "duplicate"},
                 {"{\"a\": [\"CORE-01\",\"CORE-02\",\"CORE-03\",\"CORE-04\",\"CORE-05\",\"CORE-06\",\"CORE-07\","
                  "\"INST-01\",\"INST-02\"]}",
                  "a: must have at most 8 entries, found a list of 9"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lofi_style_mapping *mapping = NULL;
        lofi_error err = LOFI_ERROR_INIT;
        const char *path = put_file(*state, "map.json", cases[i].text);
        assert_int_equal(lofi_style_mapping_load(&mapping, path, styles, &err), LOFI_ERR_FORMAT);
        assert_contains(err.message, cases[i].message);
        assert_contains(err.message, "map.json");
        assert_null(mapping);
    }
}

static void demo_mapping_fits_the_presets(void **state) {
    (void)state;
    lofi_style_mapping *mapping = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    if (lofi_style_mapping_load(&mapping, CONFIG("demo/style_mapping.json"), styles, &err) != LOFI_OK)
        fail_msg("%s", err.message);
    assert_int_equal(lofi_style_mapping_count(mapping), 16);
    lofi_style_mapping_free(mapping);
}

/* ---- files ---- */

static void tracks_are_listed(void **state) {
    const char *folder = *state;
    lofi_track_files *files = NULL;
    put_file(folder, "b c.MP3", "x");
    put_file(folder, "sub/ä.v2.flac", "x");
    put_file(folder, "notes.txt", "x");
    put_file(folder, "z_prompt.txt", "x");
    assert_int_equal(lofi_track_files_list(&files, folder, NULL, NULL), LOFI_OK);
    assert_int_equal(lofi_track_files_count(files), 2);
    assert_string_equal(lofi_track_files_at(files, 0)->track_id, "b c");
    const lofi_track_file *second = lofi_track_files_at(files, 1);
    assert_string_equal(second->name, "sub/ä.v2.flac");
    assert_string_equal(second->track_id, "ä.v2");
    assert_true(lofi_track_files_have(files, "ä.v2"));
    assert_false(lofi_track_files_have(files, "notes"));
    char path[LOFI_PATH_MAX];
    assert_int_equal(lofi_track_text_path(path, "out/", second, "_prompt.txt", NULL), LOFI_OK);
    assert_string_equal(path, "out/sub/ä.v2_prompt.txt");
    lofi_track_files_free(files);
}

static void unusable_folders_are_refused(void **state) {
    const char *folder = *state;
    lofi_track_files *files = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_track_files_list(&files, folder, NULL, &err), LOFI_ERR_NOT_FOUND);
    assert_contains(err.message, "no audio file");
    assert_int_equal(lofi_track_files_list(&files, "/nowhere/at/all", NULL, &err), LOFI_ERR_NOT_FOUND);
    put_file(folder, "bad\xff.mp3", "x");
    assert_int_equal(lofi_track_files_list(&files, folder, NULL, &err), LOFI_ERR_FORMAT);
    assert_contains(err.message, "bad\\xff.mp3");
    assert_null(files);
}

static void check_put(const char *path, const char *text, bool force, bool dry_run, lofi_text_outcome wanted,
                      const char *after) {
    lofi_text_outcome outcome = LOFI_TEXT_KEPT;
    assert_int_equal(lofi_text_file_put(&outcome, path, text, force, dry_run, NULL, NULL), LOFI_OK);
    assert_int_equal(outcome, wanted);
    lofi_buffer there = LOFI_BUFFER_INIT;
    if (after) {
        assert_int_equal(lofi_file_read(&there, path, 1000, NULL), LOFI_OK);
        assert_string_equal(lofi_buffer_str(&there), after);
    } else {
        assert_false(lofi_path_exists(path));
    }
    lofi_buffer_free(&there);
}

static void text_files_are_put_with_care(void **state) {
    char path[LOFI_PATH_MAX];
    assert_int_equal(lofi_path_format(path, NULL, "%s/new/a_prompt.txt", (char *)*state), LOFI_OK);
    check_put(path, "one\n", false, true, LOFI_TEXT_GENERATED, NULL);
    check_put(path, "one\n", false, false, LOFI_TEXT_GENERATED, "one\n");
    check_put(path, "one\n", true, false, LOFI_TEXT_UNCHANGED, "one\n");
    check_put(path, "two\n", false, false, LOFI_TEXT_KEPT, "one\n");
    check_put(path, "two\n", true, true, LOFI_TEXT_GENERATED, "one\n");
    check_put(path, "two\n", true, false, LOFI_TEXT_GENERATED, "two\n");
    assert_int_equal(lofi_file_write(path, " \n", 2, NULL), LOFI_OK);
    check_put(path, "two\n", false, false, LOFI_TEXT_GENERATED, "two\n");
    lofi_text_outcome outcome = LOFI_TEXT_KEPT;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_text_file_put(&outcome, *state, "x", true, false, NULL, &err), LOFI_ERR_IO);
    assert_contains(err.message, "is a folder");
}

static void lyrics_without_words_are_known(void **state) {
    (void)state;
    static const char *const none[] = {"", "[Instrumental]", "[Instrumental]\n", "\r\n [INSTRUMENTAL] \r\n", "\n\n"};
    static const char *const words[] = {"[Verse]\nla", "[Instrumental]\nla", "[Instrumental", "[instrumental]]", "x"};
    for (size_t i = 0; i < 5; i++) assert_true(lofi_lyrics_are_instrumental(none[i], strlen(none[i])));
    for (size_t i = 0; i < 5; i++) assert_false(lofi_lyrics_are_instrumental(words[i], strlen(words[i])));
    assert_true(lofi_lyrics_are_instrumental(LOFI_LYRICS_INSTRUMENTAL, strlen(LOFI_LYRICS_INSTRUMENTAL)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anchors),
        cmocka_unit_test(every_style_makes_a_good_line),
        cmocka_unit_test(the_same_input_gives_the_same_line),
        cmocka_unit_test(tracks_differ),
        cmocka_unit_test(several_styles_are_merged),
        cmocka_unit_test(long_lines_lose_whole_tags),
        cmocka_unit_test(counts_characters),
        cmocka_unit_test(tempo_is_counted_as_the_style_counts),
        cmocka_unit_test(keys_agree_or_contradict),
        cmocka_unit_test(facts_stand_in_the_line),
        cmocka_unit_test(any_facts_make_a_good_line),
        cmocka_unit_test(a_key_gives_way_to_the_style),
        cmocka_unit_test(wrong_lines_are_told),
        cmocka_unit_test_setup_teardown(mapping_is_read, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(mapping_refuses, make_folder, remove_folder),
        cmocka_unit_test(demo_mapping_fits_the_presets),
        cmocka_unit_test_setup_teardown(tracks_are_listed, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(unusable_folders_are_refused, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(text_files_are_put_with_care, make_folder, remove_folder),
        cmocka_unit_test(lyrics_without_words_are_known),
    };
    return cmocka_run_group_tests(tests, open_catalog, close_catalog);
}
