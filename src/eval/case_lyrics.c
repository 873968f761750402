/* case_lyrics.c - lyrics to token ids: single lines of a named language, and whole songs.
 *
 * English is compared, and every other line whose spelling this build claims to be the original's (text/lyric_language.h).
 * What it does not claim is counted and listed as skipped, language by language. The original asks a statistical model for
 * the language of every piece of a song, and ends a piece with an empty line where that model sees an end. Songs in Latin
 * letters are compared to the last id when that model is there (LOFI_LANGID_MODEL); without it the lines of English songs
 * are, and not the empty lines between them.
 */
#include <stdlib.h>
#include <string.h>

#include "eval/selftest_case.h"
#include "text/lyric_language.h"
#include "text/lyric_tokenizer.h"
#include "text/tokenizer.h"

#define MAX_LANGUAGES 64

/* What came out for one language. */
typedef struct tally {
    const lofi_lyric_language *language;
    size_t compared, differing, total; /* entries; ids that differ; ids recorded */
    size_t other, other_same;          /* entries that are not claimed, and how many of them are the same */
    size_t spaced;                     /* songs with the same lines and other empty lines between them */
} tally;

typedef struct lyric_run {
    lofi_selftest *test;
    lofi_lyric_tokenizer *tokenizer;
    int64_t marks[MAX_LANGUAGES]; /* ids of the languages' marks, -1: not in the vocabulary */
    tally tallies[MAX_LANGUAGES]; /* by number of the language */
    size_t languages;
    size_t refused, unknown; /* entries that the original refuses; of languages that this build does not know */
    json_t *computed;        /* entries for --save-outputs, owned by the document */
} lyric_run;

static size_t number_of(const lyric_run *run, const lofi_lyric_language *language) {
    size_t i = 0;
    while (i + 1 < run->languages && run->tallies[i].language != language) i++;
    return i;
}

static void count(tally *t, const json_t *recorded, const int64_t *ids, size_t size, bool claimed) {
    size_t differing = lofi_selftest_differing(recorded, ids, size);
    if (claimed) {
        t->compared++;
        t->differing += differing;
        t->total += json_array_size(recorded);
    } else {
        t->other++;
        t->other_same += differing == 0;
    }
}

/* ---- vocabulary ---- */

static lofi_code open_vocabulary(lyric_run *run, const char *path, lofi_error *err) {
    lofi_tokenizer *plain;
    LOFI_TRY(lofi_lyric_tokenizer_open(&run->tokenizer, path, err));
    LOFI_TRY(lofi_tokenizer_open(&plain, path, err));
    for (size_t i = 0; i < MAX_LANGUAGES && lofi_lyric_language_at(i); i++) {
        run->tallies[i].language = lofi_lyric_language_at(i);
        run->marks[i] = lofi_tokenizer_token_id(plain, run->tallies[i].language->mark);
        run->languages = i + 1;
    }
    lofi_tokenizer_free(plain);
    return LOFI_OK;
}

/* Whether recorded ids can come from the vocabulary that was found. */
static bool fits(const lyric_run *run, const json_t *entries, size_t column) {
    int64_t size = lofi_lyric_tokenizer_vocab_size(run->tokenizer);
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *ids = json_array_get(json_array_get(entries, i), column);
        for (size_t k = 0; k < json_array_size(ids); k++)
            if (json_integer_value(json_array_get(ids, k)) >= size) return false;
    }
    return true;
}

/* The vocabulary of the original, wherever the user has it; *found is false, and a skip written down, when it is nowhere. */
static lofi_code open_original(lyric_run *run, const json_t *entries, size_t column, bool *found, lofi_error *err) {
    char model[LOFI_PATH_MAX], path[LOFI_PATH_MAX];
    lofi_error nowhere = LOFI_ERROR_INIT;
    lofi_selftest *test = run->test;
    *found = false;
    LOFI_TRY(lofi_selftest_path(model, test, "model", err));
    if (lofi_lyric_vocab_find(path, model, NULL, test->options->ace_step_dir, &nowhere) != LOFI_OK)
        return lofi_selftest_skip(test, err, "it needs the original's lyric vocabulary: %s", nowhere.message);
    LOFI_TRY(open_vocabulary(run, path, err));
    *found = fits(run, entries, column);
    if (*found) return LOFI_OK;
    return lofi_selftest_skip(test, err, "recorded with another vocabulary than '%s'", path);
}

/* ---- outputs and verdicts ---- */

static lofi_code start_output(lyric_run *run, const char *key, lofi_error *err) {
    run->computed = json_array();
    run->test->output_document = json_pack("{s:O?, s:o}", "what", json_object_get(run->test->document, "what"), key,
                                           run->computed);
    return run->test->output_document ? LOFI_OK : lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for token ids");
}

/* The entry with our ids in the place of the recorded ones. */
static void add_output(lyric_run *run, const json_t *entry, size_t column, const int64_t *ids, size_t size) {
    json_t *copy = json_copy((json_t *)(uintptr_t)entry);
    json_array_set_new(copy, column, lofi_selftest_ids_json(ids, size));
    json_array_append_new(run->computed, copy);
}

/* One result per language that was compared, one line per language of which something was not. */
static lofi_code conclude(lyric_run *run, const char *unit, const char *why, lofi_error *err) {
    for (size_t i = 0; i < run->languages; i++) {
        const tally *t = &run->tallies[i];
        if (t->compared > 0) LOFI_TRY(lofi_selftest_tokens(run->test, t->language->code, t->differing, t->total, err));
        if (t->other > 0)
            LOFI_TRY(lofi_selftest_skip(run->test, err, "%s: %zu of %zu %s the same, not claimed: %s",
                                        t->language->name, t->other_same, t->other, unit, why));
    }
    if (run->unknown > 0)
        LOFI_TRY(lofi_selftest_skip(run->test, err, "%zu %s of languages that this build does not know", run->unknown,
                                    unit));
    if (run->refused == 0) return LOFI_OK;
    return lofi_selftest_skip(run->test, err, "%zu %s that the original refuses", run->refused, unit);
}

/* ---- lines ---- */

static lofi_code do_line(lyric_run *run, const json_t *triple, lofi_error *err) {
    const char *code = json_string_value(json_array_get(triple, 0)),
               *line = json_string_value(json_array_get(triple, 1));
    const json_t *recorded = json_array_get(triple, 2);
    const lofi_lyric_language *language = lofi_lyric_language_find(code);
    int64_t *ids;
    size_t size;
    unsigned approximation;
    if (!language) {
        run->unknown++;
        return LOFI_OK;
    }
    LOFI_TRY(lofi_lyric_tokenizer_line(run->tokenizer, line, code, &ids, &size, &approximation, err));
    add_output(run, triple, 2, ids, size);
    if (json_is_null(recorded))
        run->refused++;
    else
        count(&run->tallies[number_of(run, language)], recorded, ids, size, approximation == LOFI_LYRIC_EXACT);
    free(ids);
    return LOFI_OK;
}

static lofi_code do_lines(lyric_run *run, const json_t *triples, lofi_error *err) {
    LOFI_TRY(start_output(run, "triples", err));
    for (size_t i = 0; i < json_array_size(triples); i++) LOFI_TRY(do_line(run, json_array_get(triples, i), err));
    return conclude(run, "lines", "what their spelling needs is not here (lofi doctor)", err);
}

static lofi_code run_lines_small(lofi_selftest *test, lofi_error *err) {
    lyric_run run = {.test = test};
    const json_t *triples;
    char path[LOFI_PATH_MAX];
    LOFI_TRY(lofi_selftest_entries(&triples, test, "triples", 3, err));
    LOFI_TRY(lofi_selftest_path(path, test, "small_lyric_vocab.json", err));
    lofi_code code = open_vocabulary(&run, path, err);
    if (code == LOFI_OK) code = do_lines(&run, triples, err);
    lofi_lyric_tokenizer_free(run.tokenizer);
    return code;
}

const lofi_selftest_case lofi_case_lyric_lines_small = {
    .name = "lyric_lines_small", .json = true, .run = run_lines_small};

static lofi_code run_lines(lofi_selftest *test, lofi_error *err) {
    lyric_run run = {.test = test};
    const json_t *triples;
    bool found;
    LOFI_TRY(lofi_selftest_entries(&triples, test, "triples", 3, err));
    lofi_code code = open_original(&run, triples, 2, &found, err);
    if (code == LOFI_OK && found) code = do_lines(&run, triples, err);
    lofi_lyric_tokenizer_free(run.tokenizer);
    return code;
}

const lofi_selftest_case lofi_case_lyric_lines = {.name = "lyric_lines", .json = true, .run = run_lines};

/* ---- songs ---- */

static bool is_mark(const lyric_run *run, int64_t id) {
    for (size_t i = 0; i < run->languages; i++)
        if (run->marks[i] >= 0 && run->marks[i] == id) return true;
    return false;
}

/* Ids of a song, and the line that was found last: from a language's mark to the next, line ends cut off. */
typedef struct line_search {
    const lyric_run *run;
    const int64_t *ids;
    size_t count, first, size, next;
} line_search;

static bool next_line(line_search *search) {
    if (search->next >= search->count) return false;
    search->first = search->next++;
    while (search->next < search->count && !is_mark(search->run, search->ids[search->next])) search->next++;
    search->size = search->next - search->first;
    while (search->size > 1 && search->ids[search->first + search->size - 1] == LOFI_LYRIC_LINE_END) search->size--;
    return true;
}

static size_t count_lines(line_search search) {
    size_t lines = 0;
    while (next_line(&search)) lines++;
    return lines;
}

/* Counts the ids of lines that differ; false when one song has more lines than the other. */
static bool compare_lines(line_search theirs, line_search ours, tally *t) {
    if (count_lines(theirs) != count_lines(ours)) return false;
    while (next_line(&theirs) && next_line(&ours)) {
        size_t common = theirs.size < ours.size ? theirs.size : ours.size;
        for (size_t i = 0; i < common; i++) t->differing += theirs.ids[theirs.first + i] != ours.ids[ours.first + i];
        t->differing += theirs.size + ours.size - 2 * common;
        t->total += theirs.size;
    }
    t->compared++;
    return true;
}

static lofi_code compare_song(lyric_run *run, tally *t, const json_t *recorded, const lofi_lyric_tokens *tokens,
                              lofi_error *err) {
    size_t size = json_array_size(recorded);
    int64_t *ids = lofi_arena_alloc(run->test->arena, (size + 1) * sizeof *ids);
    if (!ids) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for token ids");
    for (size_t i = 0; i < size; i++) ids[i] = json_integer_value(json_array_get(recorded, i));
    line_search theirs = {.run = run, .ids = ids, .count = size};
    line_search ours = {.run = run, .ids = tokens->ids, .count = tokens->count};
    if (!compare_lines(theirs, ours, t))
        t->other++;
    else
        t->spaced += lofi_selftest_differing(recorded, tokens->ids, tokens->count) > 0;
    return LOFI_OK;
}

/* The first language besides English that the original heard in a song, or English: its marks stand in the ids. */
static size_t heard(const lyric_run *run, const json_t *recorded) {
    size_t english = number_of(run, lofi_lyric_language_find("en"));
    for (size_t k = 0; k < json_array_size(recorded); k++)
        for (size_t i = 0; i < run->languages; i++)
            if (i != english && run->marks[i] == json_integer_value(json_array_get(recorded, k))) return i;
    return english;
}

static lofi_code judge_song(lyric_run *run, const json_t *recorded, const lofi_lyric_tokens *tokens, lofi_error *err) {
    tally *t = &run->tallies[heard(run, recorded)];
    bool claimed = strcmp(t->language->code, "en") == 0 && strcmp(tokens->language, "en") == 0 &&
                   tokens->note_count == 0;
    if (claimed && !tokens->heard) return compare_song(run, t, recorded, tokens, err);
    count(t, recorded, tokens->ids, tokens->count, tokens->heard && tokens->note_count == 0);
    return LOFI_OK;
}

static lofi_code do_song(lyric_run *run, const json_t *pair, lofi_error *err) {
    const json_t *recorded = json_array_get(pair, 1);
    lofi_lyric_tokens tokens = {0};
    lofi_code code = LOFI_OK;
    LOFI_TRY(
        lofi_lyric_tokenizer_encode(run->tokenizer, json_string_value(json_array_get(pair, 0)), NULL, &tokens, err));
    add_output(run, pair, 1, tokens.ids, tokens.count);
    if (json_is_null(recorded))
        run->refused++;
    else
        code = judge_song(run, recorded, &tokens, err);
    lofi_lyric_tokens_free(&tokens);
    return code;
}

static lofi_code do_songs(lyric_run *run, const json_t *pairs, lofi_error *err) {
    LOFI_TRY(start_output(run, "pairs", err));
    for (size_t i = 0; i < json_array_size(pairs); i++) LOFI_TRY(do_song(run, json_array_get(pairs, i), err));
    for (size_t i = 0; i < run->languages; i++)
        if (run->tallies[i].spaced > 0)
            LOFI_TRY(lofi_selftest_skip(
                run->test, err,
                "%s: empty lines of %zu songs not compared, this build does not find the pieces that "
                "the original ends with one",
                run->tallies[i].language->name, run->tallies[i].spaced));
    return conclude(run, "songs", "this build does not tell the languages of a song apart as the original does", err);
}

static lofi_code run_songs(lofi_selftest *test, lofi_error *err) {
    lyric_run run = {.test = test};
    const json_t *pairs;
    bool found;
    LOFI_TRY(lofi_selftest_entries(&pairs, test, "pairs", 2, err));
    lofi_code code = open_original(&run, pairs, 1, &found, err);
    if (code == LOFI_OK && found) code = do_songs(&run, pairs, err);
    lofi_lyric_tokenizer_free(run.tokenizer);
    return code;
}

const lofi_selftest_case lofi_case_lyrics = {.name = "lyrics", .json = true, .run = run_songs};
