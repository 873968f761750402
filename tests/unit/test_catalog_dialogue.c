/* The dialogue that makes a prompt, without a terminal; the line of tags under it; what is completed. */
#include "catalog_files.h"

#include "base/random.h"
#include "catalog/dialogue.h"
#include "catalog/prompt.h"
#include "catalog/tag_line.h"

typedef struct talk {
    lofi_vocabulary *vocabulary;
    lofi_styles *styles;
    lofi_dialogue *dialogue;
    lofi_buffer text, line; /* the last answer, the line of now */
} talk;

/* style NULL: it is asked for. */
static talk begin_with(const char *style, const char *prompt, const char *lyrics) {
    talk now = {.text = LOFI_BUFFER_INIT, .line = LOFI_BUFFER_INIT};
    lofi_error err = LOFI_ERROR_INIT;
    now.vocabulary = load_vocabulary();
    now.styles = load_styles(now.vocabulary);
    const lofi_style *chosen = style ? lofi_styles_get(now.styles, style) : NULL;
    const lofi_dialogue_setting setting = {.vocabulary = now.vocabulary,
                                           .styles = now.styles,
                                           .track_id = "Nebula",
                                           .chosen = &chosen,
                                           .chosen_count = style != NULL,
                                           .prompt = prompt,
                                           .lyrics = lyrics};
    if (lofi_dialogue_new(&now.dialogue, &now.text, &setting, &err) != LOFI_OK) fail_msg("%s", err.message);
    return now;
}

static void end(talk *now) {
    lofi_dialogue_free(now->dialogue);
    lofi_styles_free(now->styles);
    lofi_vocabulary_free(now->vocabulary);
    lofi_buffer_free(&now->text);
    lofi_buffer_free(&now->line);
}

static lofi_dialogue_outcome enter_bytes(talk *now, const char *entry, size_t size) {
    lofi_dialogue_outcome outcome = LOFI_DIALOGUE_QUIT;
    lofi_buffer_clear(&now->text);
    assert_int_equal(lofi_dialogue_enter(now->dialogue, &outcome, &now->text, entry, size, NULL), LOFI_OK);
    return outcome;
}

static lofi_dialogue_outcome enter(talk *now, const char *entry) {
    return enter_bytes(now, entry, strlen(entry));
}

static const char *answer(const talk *now) {
    return lofi_buffer_str(&now->text);
}

static const char *line(talk *now) {
    lofi_buffer_clear(&now->line);
    lofi_dialogue_line(&now->line, now->dialogue);
    return lofi_buffer_str(&now->line);
}

#define assert_changes(now, entry) assert_int_equal(enter(now, entry), LOFI_DIALOGUE_CHANGED)
#define assert_tells(now, entry)   assert_int_equal(enter(now, entry), LOFI_DIALOGUE_TOLD)
/* Refused with one sentence, and the line as before. */
#define assert_refuses(now, entry, part)                                                                               \
    do {                                                                                                               \
        char before_[4096];                                                                                            \
        snprintf(before_, sizeof before_, "%s", line(now));                                                            \
        assert_int_equal(enter(now, entry), LOFI_DIALOGUE_REFUSED);                                                    \
        assert_contains(answer(now), part);                                                                            \
        assert_ptr_equal(strchr(answer(now), '\n'), answer(now) + strlen(answer(now)) - 1);                            \
        assert_string_equal(line(now), before_);                                                                       \
    } while (0)

/* ---- beginning ---- */

static void begins_with_the_line_of_a_style(void **state) {
    (void)state;
    talk now = begin_with("CORE-01", NULL, NULL);
    lofi_buffer built = LOFI_BUFFER_INIT, left_out = LOFI_BUFFER_INIT;
    const lofi_style *style = lofi_styles_get(now.styles, "CORE-01");
    assert_int_equal(lofi_prompt_build(&built, &left_out, "Nebula", &style, 1, NULL, NULL), LOFI_OK);
    assert_string_equal(line(&now), lofi_buffer_str(&built));
    assert_contains(answer(&now), "  genre         lofi hip hop\n");
    assert_false(lofi_dialogue_is_changed(now.dialogue));
    lofi_buffer_free(&built);
    lofi_buffer_free(&left_out);
    end(&now);
}

static void every_style_gives_its_line(void **state) {
    (void)state;
    talk now = begin_with(NULL, NULL, NULL);
    for (size_t i = 0; i < lofi_styles_count(now.styles); i++) {
        char entry[64];
        lofi_buffer built = LOFI_BUFFER_INIT, left_out = LOFI_BUFFER_INIT;
        const lofi_style *style = lofi_styles_at(now.styles, i);
        snprintf(entry, sizeof entry, "/style %s", style->style_id);
        assert_changes(&now, entry);
        assert_int_equal(lofi_prompt_build(&built, &left_out, "Nebula", &style, 1, NULL, NULL), LOFI_OK);
        assert_string_equal(line(&now), lofi_buffer_str(&built));
        lofi_buffer_free(&built);
        lofi_buffer_free(&left_out);
    }
    end(&now);
}

static void asks_for_a_style(void **state) {
    (void)state;
    static const struct {
        const char *entry, *ids;
    } cases[] = {{"", "CORE-01"},
                 {"core-02", "CORE-02"},
                 {"dark LOFI", "CORE-06"},
                 {"CORE-02 INST-05 CORE-02", "CORE-02 INST-05"},
                 {" Dark Lofi ,, INST-01 CORE-03,CORE-06", "CORE-06 INST-01 CORE-03"},
                 {"/style CORE-04", "CORE-04"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        talk now = begin_with(NULL, NULL, NULL);
        char ids[128] = "";
        size_t count = 0;
        assert_true(lofi_dialogue_asks_style(now.dialogue));
        assert_contains(answer(&now), "CORE-01");
        assert_tells(&now, "# a comment");
        assert_tells(&now, "/help");
        assert_refuses(&now, "/save", "first a style");
        assert_refuses(&now, "CORE-1", "CORE-01");
        assert_refuses(&now, "Drak Lofi", "CORE-06");
        assert_refuses(&now, "CORE-01, nonsense", "'nonsense'");
        assert_refuses(&now, ",", "no style");
        assert_changes(&now, cases[i].entry);
        assert_false(lofi_dialogue_asks_style(now.dialogue));
        assert_false(lofi_dialogue_is_changed(now.dialogue));
        const lofi_style *const *styles = lofi_dialogue_styles(now.dialogue, &count);
        for (size_t j = 0; j < count; j++)
            snprintf(ids + strlen(ids), sizeof ids - strlen(ids), "%s%s", j ? " " : "", styles[j]->style_id);
        assert_string_equal(ids, cases[i].ids);
        end(&now);
    }
    talk now = begin_with(NULL, NULL, NULL);
    assert_refuses(&now, "CORE-01 CORE-02 CORE-03 CORE-04 CORE-05 CORE-06 CORE-07 INST-01 INST-02", "at most 8");
    assert_int_equal(enter(&now, "/quit"), LOFI_DIALOGUE_QUIT);
    assert_string_equal(line(&now), "");
    end(&now);
}

static void begins_with_a_prompt(void **state) {
    (void)state;
    talk now = begin_with(NULL, " piano,\r\nZither  Dreams, lo-fi ,, chill, chill, 85bpm\n", NULL);
    assert_string_equal(line(&now), "lofi, chill, piano, 85 bpm, Zither Dreams");
    assert_contains(answer(&now), "unknown       Zither Dreams (?)\n");
    assert_false(lofi_dialogue_is_changed(now.dialogue));
    assert_changes(&now, "warm");
    assert_string_equal(line(&now), "lofi, chill, warm, piano, 85 bpm, Zither Dreams");
    assert_changes(&now, "-zither dreams");
    assert_string_equal(line(&now), "lofi, chill, warm, piano, 85 bpm");
    assert_refuses(&now, "zither dreams", "unknown tag");
    assert_tells(&now, "/suggest");
    assert_contains(answer(&now), "bpm:\n"); /* of the style that is nearest */
    end(&now);
    now = begin_with(NULL, " \n", NULL);
    assert_true(lofi_dialogue_asks_style(now.dialogue));
    end(&now);
}

static void refuses_a_prompt_that_is_no_text(void **state) {
    (void)state;
    static const char *const prompts[] = {"lofi, \x1b[2J", "lofi, \xff", "lofi, \xc2\x9b", "a\tb"};
    lofi_vocabulary *vocabulary = load_vocabulary();
    lofi_styles *styles = load_styles(vocabulary);
    for (size_t i = 0; i < sizeof prompts / sizeof *prompts; i++) {
        lofi_buffer text = LOFI_BUFFER_INIT;
        lofi_dialogue *dialogue = NULL;
        lofi_error err = LOFI_ERROR_INIT;
        const lofi_dialogue_setting setting = {
            .vocabulary = vocabulary, .styles = styles, .track_id = "x", .prompt = prompts[i]};
        assert_int_equal(lofi_dialogue_new(&dialogue, &text, &setting, &err), LOFI_ERR_FORMAT);
        assert_contains(err.message, "the prompt that is there holds");
        assert_null(dialogue);
        lofi_buffer_free(&text);
    }
    lofi_styles_free(styles);
    lofi_vocabulary_free(vocabulary);
}

/* ---- tags ---- */

static void adds_and_removes(void **state) {
    (void)state;
    talk now = begin_with(NULL, "lofi, chill", NULL);
    assert_changes(&now, "rain sounds, Piano ,  lo-fi  HIP hop,");
    assert_string_equal(line(&now), "lofi, lofi hip hop, chill, piano, rain sounds");
    assert_contains(answer(&now), "'lo-fi HIP hop' is called 'lofi hip hop'");
    assert_tells(&now, "piano");
    assert_contains(answer(&now), "'piano' is there");
    assert_changes(&now, "-PIANO, rhodes piano, - rain");
    assert_string_equal(line(&now), "lofi, lofi hip hop, chill, rhodes");
    assert_tells(&now, "-piano");
    assert_contains(answer(&now), "not in the line");
    assert_tells(&now, " , ,");
    assert_tells(&now, "   ");
    assert_changes(&now, "humming, instrumental");
    assert_contains(answer(&now), "'-instrumental' removes it");
    end(&now);
}

static void refuses_what_is_unknown(void **state) {
    (void)state;
    static const struct {
        const char *entry, *part;
    } cases[] = {{"piano, vinly crackle", "did you mean 'vinyl crackle'?"},
                 {"rodes piano", "'rhodes'"},
                 {"guitar", "'acoustic guitar'"},
                 {"xyzzy", "/suggest CATEGORY"},
                 {"85", "85 bpm"},
                 {"301 bpm", "from 20 to 300"},
                 {"19bpm", "from 20 to 300"},
                 {"piano, -pinao", "'pinao' is not in the line"},
                 {"-chil", "did you mean '-chill'?"},
                 {"-", "not in the line"},
                 {"this is a tag that is longer than anybody would ever want to write down", "64 bytes"},
                 {"-this is a tag that is longer than anybody would ever want to write down", "64 bytes"},
                 {"/sav", "'/save'"},
                 {"/", "/help"},
                 {"/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "/help"},
                 {"/undo 2", "nothing stands behind"},
                 {"/suggest moot", "/suggest mood"},
                 {"/style CORE-99", "unknown style"},
                 {"/lyrics /nowhere/at/all.txt", "/nowhere/at/all.txt"}};
    talk now = begin_with(NULL, "lofi, chill", NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) assert_refuses(&now, cases[i].entry, cases[i].part);
    assert_false(lofi_dialogue_is_changed(now.dialogue));
    end(&now);
}

static void replaces_the_tempo(void **state) {
    (void)state;
    talk now = begin_with(NULL, "lofi, chill, 90 bpm, medium tempo, piano", NULL);
    assert_changes(&now, "70bpm");
    assert_string_equal(line(&now), "lofi, chill, piano, 70 bpm, slow tempo");
    assert_tells(&now, "70 bpm");
    assert_changes(&now, "fast tempo");
    assert_string_equal(line(&now), "lofi, chill, piano, 70 bpm, upbeat tempo");
    assert_contains(answer(&now), "70 bpm is called 'slow tempo' elsewhere");
    assert_changes(&now, "300 bpm");
    assert_string_equal(line(&now), "lofi, chill, piano, 300 bpm, upbeat tempo");
    assert_changes(&now, "-300 bpm");
    assert_changes(&now, "slow tempo");
    assert_string_equal(line(&now), "lofi, chill, piano, slow tempo");
    end(&now);
}

/* ---- steps ---- */

static void undoes_to_the_beginning_and_forth(void **state) {
    (void)state;
    static const char *const entries[] = {
        "piano",   "-piano",         "82 bpm", "/style CORE-06", "warm, cosy", "-lonely", "/lyrics instrumental",
        "120 bpm", "/style VOCAL-03"};
    enum { STEPS = sizeof entries / sizeof *entries };
    char lines[STEPS + 1][1024];
    talk now = begin_with("INST-05", NULL, NULL);
    snprintf(lines[0], sizeof lines[0], "%s", line(&now));
    for (size_t i = 0; i < STEPS; i++) {
        if (enter(&now, entries[i]) == LOFI_DIALOGUE_REFUSED) fail_msg("%s: %s", entries[i], answer(&now));
        snprintf(lines[i + 1], sizeof lines[0], "%s", line(&now));
    }
    char last[1024];
    snprintf(last, sizeof last, "%s", line(&now));
    size_t steps = 0;
    while (enter(&now, "/undo") == LOFI_DIALOGUE_CHANGED) steps++;
    assert_contains(answer(&now), "Nothing to undo");
    assert_string_equal(line(&now), lines[0]);
    assert_false(lofi_dialogue_is_changed(now.dialogue));
    for (size_t i = 0; i < steps; i++) assert_changes(&now, "/redo");
    assert_tells(&now, "/redo");
    assert_string_equal(line(&now), last);
    assert_changes(&now, "/undo");
    assert_changes(&now, "tape hiss"); /* another way: what was undone is gone */
    assert_tells(&now, "/redo");
    assert_contains(answer(&now), "Nothing to redo");
    end(&now);
}

static void undoes_many_steps(void **state) {
    (void)state;
    talk now = begin_with(NULL, "lofi, chill", NULL);
    char entry[32], before[256];
    snprintf(before, sizeof before, "%s", line(&now));
    for (int i = 0; i < 500; i++) {
        snprintf(entry, sizeof entry, "%d bpm", 60 + i % 100);
        assert_changes(&now, entry);
    }
    for (int i = 0; i < 500; i++) assert_changes(&now, "/undo");
    assert_string_equal(line(&now), before);
    for (int i = 0; i < 500; i++) assert_changes(&now, "/redo");
    assert_contains(line(&now), "159 bpm");
    end(&now);
}

/* ---- the order, whatever is entered ---- */

static void check_line(const talk *now, const char *text) {
    char tags[64][LOFI_TAG_BYTES];
    int count = 0, last = -1;
    while (*text) {
        size_t size = strcspn(text, ",");
        char canonical[LOFI_TAG_BYTES];
        lofi_tag_category category = LOFI_TAG_GENRE;
        lofi_error err = LOFI_ERROR_INIT;
        assert_true(size > 0 && size < LOFI_TAG_BYTES && count < 64);
        memcpy(tags[count], text, size);
        tags[count][size] = '\0';
        assert_int_equal(lofi_vocabulary_find(canonical, &category, now->vocabulary, tags[count], &err), LOFI_OK);
        assert_string_equal(canonical, tags[count]);
        assert_true((int)category >= last);
        last = (int)category;
        for (int i = 0; i < count; i++) assert_string_not_equal(tags[i], tags[count]);
        count++;
        text += size;
        if (*text) {
            assert_memory_equal(text, ", ", 2);
            text += 2;
        }
    }
}

/* Mostly tags and aliases, added and removed, at times a tempo, a step, a style, or bytes of any kind. */
static void random_entry(char entry[64], const talk *now, const lofi_random *random, uint64_t number) {
    size_t count = 0;
    const char *const *spellings = lofi_vocabulary_spellings(now->vocabulary, &count);
    const char *one = spellings[lofi_random_below(random, number * 8, count)];
    uint64_t kind = lofi_random_below(random, number * 8 + 1, 20);
    if (kind < 7)
        snprintf(entry, 64, "%.60s", one);
    else if (kind < 14)
        snprintf(entry, 64, "-%.60s", one);
    else if (kind < 15)
        snprintf(entry, 64, "%d bpm", (int)lofi_random_below(random, number * 8 + 2, 350));
    else if (kind < 17)
        snprintf(entry, 64, "%s", kind == 15 ? "/undo" : "/redo");
    else if (kind < 18)
        snprintf(entry, 64, "/style CORE-%02d", (int)lofi_random_below(random, number * 8 + 3, 9));
    else
        snprintf(entry, 64, "%.30s,%s%c", one, kind == 18 ? "-" : " ",
                 (int)lofi_random_below(random, number * 8 + 4, 256));
}

static void keeps_order_under_random_entries(void **state) {
    (void)state;
    const lofi_random random = lofi_random_at(7, LOFI_RANDOM_PROMPT, 1);
    talk now = begin_with("CORE-01", NULL, NULL);
    size_t changes = 0;
    for (uint64_t i = 0; i < 2000; i++) {
        char entry[64];
        random_entry(entry, &now, &random, i);
        lofi_dialogue_outcome outcome = enter(&now, entry);
        assert_true(outcome <= LOFI_DIALOGUE_REFUSED);
        changes += outcome == LOFI_DIALOGUE_CHANGED;
        check_line(&now, line(&now));
        if (i % 20 == 19) assert_true(enter(&now, "/style CORE-02") <= LOFI_DIALOGUE_CHANGED); /* not ever longer */
    }
    assert_true(changes > 500);
    end(&now);
}

/* ---- hostile entries ---- */

static void refuses_bytes_that_are_no_text(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {{"pi\0ano", 6},
                 {"pi\x1b[2Jano", 9},
                 {"\xff\xfe", 2},
                 {"\xc3", 1},
                 {"pi\tano", 6},
                 {"\xed\xa0\x80", 3},
                 {"\xc2\x9b"
                  "2J",
                  4},
                 {"\xef\xbf\xbd", 3},
                 {"/lyrics \x07", 9},
                 {"# \x1b", 3}};
    talk now = begin_with(NULL, "lofi, chill", NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(enter_bytes(&now, cases[i].bytes, cases[i].size), LOFI_DIALOGUE_REFUSED);
        assert_contains(answer(&now), "the entry holds");
        assert_string_equal(line(&now), "lofi, chill");
    }
    end(&now);
}

static void refuses_entries_that_are_too_long(void **state) {
    (void)state;
    talk now = begin_with(NULL, "lofi, chill", NULL);
    char *entry = malloc(100000);
    assert_non_null(entry);
    for (size_t i = 0; i < 100000; i++) entry[i] = i % 2 ? ',' : 'a';
    assert_int_equal(enter_bytes(&now, entry, 100000), LOFI_DIALOGUE_REFUSED);
    assert_contains(answer(&now), "at most 4096");
    assert_int_equal(enter_bytes(&now, entry, 4096), LOFI_DIALOGUE_REFUSED); /* fits, and 'a' is no tag */
    memset(entry, '/', 100000);
    assert_int_equal(enter_bytes(&now, entry, 4096), LOFI_DIALOGUE_REFUSED);
    memset(entry, '-', 100000);
    assert_int_equal(enter_bytes(&now, entry, 4096), LOFI_DIALOGUE_REFUSED);
    memset(entry, ',', 100000);
    assert_int_equal(enter_bytes(&now, entry, 4096), LOFI_DIALOGUE_TOLD);
    memcpy(entry, "/lyrics ", 8);
    assert_int_equal(enter_bytes(&now, entry, 4096), LOFI_DIALOGUE_REFUSED);
    memcpy(entry, "/style  ", 8);
    memset(entry + 8, 'a', 4088);
    assert_int_equal(enter_bytes(&now, entry, 4096), LOFI_DIALOGUE_REFUSED);
    assert_string_equal(line(&now), "lofi, chill");
    free(entry);
    end(&now);
}

static void warns_of_a_line_that_is_too_long(void **state) {
    (void)state;
    talk now = begin_with("CORE-01", NULL, NULL);
    lofi_buffer text = LOFI_BUFFER_INIT;
    lofi_dialogue_length(&text, now.dialogue);
    assert_contains(lofi_buffer_str(&text), " of 256 characters\n");
    assert_null(strstr(lofi_buffer_str(&text), "warning"));
    assert_changes(&now, "acoustic guitar, fingerpicked guitar, clean electric guitar, palm-muted guitar, wah guitar");
    lofi_buffer_clear(&text);
    lofi_dialogue_length(&text, now.dialogue);
    assert_contains(lofi_buffer_str(&text), "warning: the trainer reads 256");
    lofi_buffer_free(&text);
    end(&now);
}

/* ---- lyrics, saving, leaving ---- */

static void takes_lyrics(void **state) {
    const char *folder = *state;
    char entry[LOFI_PATH_MAX + 16];
    bool asked = true;
    talk now = begin_with("VOCAL-03", NULL, NULL);
    assert_null(lofi_dialogue_lyrics(now.dialogue, &asked)); /* a voice with words: nothing is made up */
    assert_int_equal(enter(&now, "/save"), LOFI_DIALOGUE_SAVE);
    assert_contains(answer(&now), "no lyrics");
    snprintf(entry, sizeof entry, "/lyrics %s", put_file(folder, "words of it.txt", "[Verse]\nla\n"));
    assert_changes(&now, entry);
    assert_string_equal(lofi_dialogue_lyrics(now.dialogue, &asked), "[Verse]\nla\n");
    assert_true(asked);
    assert_int_equal(enter(&now, "/save"), LOFI_DIALOGUE_SAVE);
    assert_string_equal(answer(&now), "");
    assert_changes(&now, "/lyrics Instrumental");
    assert_string_equal(lofi_dialogue_lyrics(now.dialogue, &asked), "[Instrumental]\n");
    assert_changes(&now, "/undo");
    assert_contains(answer(&now), "from the file given");
    snprintf(entry, sizeof entry, "/lyrics %s", put_file(folder, "blank.txt", " \n"));
    assert_refuses(&now, entry, "is empty");
    snprintf(entry, sizeof entry, "/lyrics %s", put_file(folder, "latin.txt", "caf\xe9\n"));
    assert_refuses(&now, entry, "UTF-8");
    snprintf(entry, sizeof entry, "/lyrics %s", folder);
    assert_refuses(&now, entry, folder);
    end(&now);
}

static void leaves_lyrics_that_are_there(void **state) {
    (void)state;
    bool asked = true;
    talk now = begin_with("CORE-01", NULL, "[Verse]\nla\n");
    assert_null(lofi_dialogue_lyrics(now.dialogue, &asked));
    assert_false(asked);
    assert_int_equal(enter(&now, "/save"), LOFI_DIALOGUE_SAVE);
    assert_contains(answer(&now), "no voice with words");
    end(&now);
    now = begin_with("CORE-01", NULL, NULL);
    assert_string_equal(lofi_dialogue_lyrics(now.dialogue, &asked), "[Instrumental]\n");
    assert_false(asked);
    end(&now);
}

static void saves_only_what_is_a_prompt(void **state) {
    (void)state;
    talk now = begin_with(NULL, "lofi, chill", NULL);
    assert_int_equal(enter(&now, "/save"), LOFI_DIALOGUE_SAVE);
    assert_changes(&now, "-chill");
    assert_refuses(&now, "/save", "one more tag");
    assert_changes(&now, "-lofi");
    assert_string_equal(line(&now), "");
    assert_refuses(&now, "/save", "needs a genre");
    assert_changes(&now, "piano, chill");
    assert_refuses(&now, "/save", "needs a genre");
    assert_changes(&now, "jazzhop");
    assert_int_equal(enter(&now, "/save"), LOFI_DIALOGUE_SAVE);
    end(&now);
}

static void asks_again_before_it_leaves(void **state) {
    (void)state;
    talk now = begin_with("CORE-01", NULL, NULL);
    assert_changes(&now, "pads");
    assert_tells(&now, "/quit");
    assert_contains(answer(&now), "not saved");
    assert_tells(&now, "# a comment");
    assert_int_equal(enter(&now, "/quit"), LOFI_DIALOGUE_QUIT);
    assert_tells(&now, "/show"); /* another entry: it is asked again */
    assert_tells(&now, "/quit");
    assert_changes(&now, "/undo");
    assert_int_equal(enter(&now, "/quit"), LOFI_DIALOGUE_QUIT); /* as it began */
    end(&now);
}

static void suggests(void **state) {
    (void)state;
    talk now = begin_with("CORE-06", NULL, NULL);
    assert_tells(&now, "/suggest");
    assert_contains(answer(&now), "CORE-06, Dark Lofi, 65 to 80 bpm:\n  mood ");
    assert_tells(&now, "/suggest vocal type");
    assert_contains(answer(&now), "humming");
    assert_tells(&now, "/suggest VOCAL_TYPE");
    assert_contains(answer(&now), "humming");
    assert_tells(&now, "/suggest tempo");
    assert_contains(answer(&now), "from 20 to 300");
    assert_tells(&now, "/suggest genre");
    assert_null(strstr(answer(&now), " dark lofi"));
    end(&now);
}

/* ---- completion ---- */

static void completes(void **state) {
    const char *folder = *state;
    static const struct {
        const char *entry;
        size_t start;
        const char *common; /* NULL: no candidate */
    } cases[] = {{"vinyl cr", 0, "vinyl crackle"},
                 {"VINYL CR", 0, "vinyl crackle"},
                 {"  piano,  vinyl cr", 10, "vinyl crackle"},
                 {"lofi hiph", 0, "lofi hiphop"},
                 {"xyzzy", 0, NULL},
                 {"-chi", 1, "chill"},
                 {"piano, - chi", 9, "chill"},
                 {"-piano", 1, NULL},
                 {"/un", 0, "/undo"},
                 {"/s", 0, "/s"},
                 {"/sty", 0, "/style "},
                 {"/style core-0", 7, "CORE-0"},
                 {"/style Dark L", 7, "Dark Lofi"},
                 {"/style CORE-01 INST-0", 15, "INST-0"},
                 {"/style Dark Lofi, inst-07", 18, "INST-07"},
                 {"/suggest mo", 9, "mood"},
                 {"/suggest vo", 9, "vocal type"},
                 {"/undo x", 6, NULL},
                 {"/lyrics inst", 8, "instrumental"},
                 {"/lyrics /nowhere/at/all", 8, NULL}};
    talk now = begin_with(NULL, "lofi, chill", NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lofi_completions found = {0};
        assert_int_equal(lofi_dialogue_complete(&found, now.dialogue, cases[i].entry, NULL), LOFI_OK);
        assert_int_equal(found.count > 0, cases[i].common != NULL);
        if (found.count == 0) continue;
        assert_int_equal(found.start, cases[i].start);
        assert_int_equal(found.common, strlen(cases[i].common));
        assert_memory_equal(found.items[0], cases[i].common, found.common);
        lofi_completions_free(&found);
    }
    char entry[LOFI_PATH_MAX + 16];
    lofi_completions found = {0};
    put_file(folder, "été 星.txt", "la");
    put_file(folder, "étude/a.txt", "la");
    put_file(folder, "bad\x1b.txt", "la");
    snprintf(entry, sizeof entry, "/lyrics %s/", folder);
    assert_int_equal(lofi_dialogue_complete(&found, now.dialogue, entry, NULL), LOFI_OK);
    assert_int_equal(found.count, 2); /* what cannot be shown is not offered */
    assert_contains(found.items[0], "/étude/");
    assert_contains(found.items[1], "/été 星.txt");
    assert_int_equal(found.common, strlen(folder) + 1 + strlen("ét"));
    lofi_completions_free(&found);
    end(&now);
}

static void completes_the_style(void **state) {
    (void)state;
    talk now = begin_with(NULL, NULL, NULL);
    lofi_completions found = {0};
    assert_int_equal(lofi_dialogue_complete(&found, now.dialogue, "", NULL), LOFI_OK);
    assert_int_equal(found.count, lofi_styles_count(now.styles));
    lofi_completions_free(&found);
    assert_int_equal(lofi_dialogue_complete(&found, now.dialogue, "CORE-01, dark", NULL), LOFI_OK);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.start, 9);
    assert_string_equal(found.items[0], "Dark Lofi");
    lofi_completions_free(&found);
    end(&now);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_with_the_line_of_a_style),
        cmocka_unit_test(every_style_gives_its_line),
        cmocka_unit_test(asks_for_a_style),
        cmocka_unit_test(begins_with_a_prompt),
        cmocka_unit_test(refuses_a_prompt_that_is_no_text),
        cmocka_unit_test(adds_and_removes),
        cmocka_unit_test(refuses_what_is_unknown),
        cmocka_unit_test(replaces_the_tempo),
        cmocka_unit_test(undoes_to_the_beginning_and_forth),
        cmocka_unit_test(undoes_many_steps),
        cmocka_unit_test(keeps_order_under_random_entries),
        cmocka_unit_test(refuses_bytes_that_are_no_text),
        cmocka_unit_test(refuses_entries_that_are_too_long),
        cmocka_unit_test(warns_of_a_line_that_is_too_long),
        cmocka_unit_test_setup_teardown(takes_lyrics, make_folder, remove_folder),
        cmocka_unit_test(leaves_lyrics_that_are_there),
        cmocka_unit_test(saves_only_what_is_a_prompt),
        cmocka_unit_test(asks_again_before_it_leaves),
        cmocka_unit_test(suggests),
        cmocka_unit_test_setup_teardown(completes, make_folder, remove_folder),
        cmocka_unit_test(completes_the_style),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
