/* review.c - see review.h. */
#include "catalog/review.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "catalog/lyrics.h"
#include "catalog/prompt.h"

#define TEXT_BYTES_MAX ((size_t)1 << 20)
#define LOW            50.0 /* of a score from 0 to 100 */

struct lofi_review {
    const lofi_vocabulary *vocabulary;
    lofi_ledger *ledger;
    json_t *duplicates; /* path of a track relative to the metadata folder -> path of the same recording */
};

/* ---- what is on record ---- */

static void read_duplicates(lofi_review *review, const char *folder, lofi_log *log) {
    char path[LOFI_PATH_MAX];
    json_t *document = NULL;
    lofi_error fault = LOFI_ERROR_INIT;
    if (lofi_path_format(path, &fault, "%s/duplicates.json", folder) != LOFI_OK || !lofi_path_exists(path)) return;
    if (lofi_json_load(&document, path, &fault) != LOFI_OK)
        lofi_warn(log, "duplicates are not known: %s", fault.message);
    const json_t *pairs = json_object_get(document, "duplicates");
    for (size_t i = 0; i < json_array_size(pairs); i++) {
        json_t *first = json_object_get(json_array_get(pairs, i), "first");
        json_t *second = json_object_get(json_array_get(pairs, i), "second");
        if (!json_is_string(first) || !json_is_string(second)) continue;
        json_object_set(review->duplicates, json_string_value(first), second);
        json_object_set(review->duplicates, json_string_value(second), first);
    }
    json_decref(document);
}

lofi_code lofi_review_new(lofi_review **out, const lofi_catalogue *catalogue, const lofi_vocabulary *vocabulary,
                          lofi_log *log, lofi_error *err) {
    lofi_review *review;
    LOFI_TRY(lofi_alloc((void **)&review, 1, sizeof *review, "a review", err));
    review->vocabulary = vocabulary;
    review->duplicates = json_object();
    lofi_code code = lofi_ledger_open(&review->ledger, lofi_catalogue_folder(catalogue), false, log, err);
    if (code != LOFI_OK) {
        lofi_review_free(review);
        return code;
    }
    read_duplicates(review, lofi_catalogue_folder(catalogue), log);
    *out = review;
    return LOFI_OK;
}

void lofi_review_free(lofi_review *review) {
    if (!review) return;
    lofi_ledger_free(review->ledger);
    json_decref(review->duplicates);
    lofi_free(review);
}

bool lofi_review_same_bytes(const lofi_review *review, const lofi_catalogue_track *track) {
    char digits[LOFI_SHA256_HEX];
    const char *wanted = track->dataset_sha256;
    if (!wanted) return true;
    const json_t *record = lofi_ledger_find(review->ledger, track->audio_path);
    const char *known = json_string_value(json_object_get(record, "sha256"));
    if (known) return strcmp(known, wanted) == 0;
    return lofi_sha256_file(digits, track->audio_path, NULL) == LOFI_OK && strcmp(digits, wanted) == 0;
}

/* ---- findings ---- */

LOFI_PRINTF(4, 5)
static void find(json_t *findings, bool fault, const char *code, const char *format, ...) {
    char message[700];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    json_t *text = lofi_json_name(message);
    json_array_append_new(findings, json_pack("{s:s, s:o, s:b}", "code", code, "message", text, "fault", (int)fault));
}

bool lofi_review_has_fault(const json_t *findings) {
    for (size_t i = 0; i < json_array_size(findings); i++)
        if (json_is_true(json_object_get(json_array_get(findings, i), "fault"))) return true;
    return false;
}

/* ---- the prompt ---- */

typedef struct prompt_facts {
    bool of_style; /* a genre of one of the track's styles */
    int bpm;       /* 0: none */
} prompt_facts;

static bool has_genre(const lofi_catalogue_track *track, const char *tag) {
    for (size_t i = 0; i < track->style_count; i++) {
        const lofi_tag_list *genres = &track->styles[i]->tags[LOFI_TAG_GENRE];
        for (size_t k = 0; k < genres->count; k++)
            if (strcmp(genres->tags[k], tag) == 0) return true;
    }
    return false;
}

static void read_tag(prompt_facts *facts, const lofi_review *review, const lofi_catalogue_track *track,
                     const char *text) {
    char tag[LOFI_TAG_BYTES];
    lofi_tag_category category;
    lofi_error ignored = LOFI_ERROR_INIT;
    if (lofi_vocabulary_find(tag, &category, review->vocabulary, text, &ignored) != LOFI_OK) return;
    if (category == LOFI_TAG_GENRE && has_genre(track, tag)) facts->of_style = true;
    if (category == LOFI_TAG_TEMPO && tag[0] >= '0' && tag[0] <= '9') facts->bpm = (int)strtol(tag, NULL, 10);
}

static void check_line(json_t *findings, prompt_facts *facts, const lofi_review *review,
                       const lofi_catalogue_track *track, char *line) {
    size_t characters = lofi_utf8_characters(line);
    lofi_error fault = LOFI_ERROR_INIT;
    if (characters > LOFI_PROMPT_CHARACTERS_MAX)
        find(findings, false, "long_prompt", "the prompt has %zu characters; the trainer reads %d", characters,
             LOFI_PROMPT_CHARACTERS_MAX);
    bool right = lofi_prompt_check_tags(line, review->vocabulary, &fault) == LOFI_OK;
    if (!right) find(findings, true, "bad_prompt", "%s", fault.message);
    for (char *rest = line; rest;) read_tag(facts, review, track, strsep(&rest, ","));
    if (right && !facts->of_style)
        find(findings, false, "other_style", "the prompt has no genre of %s", track->styles[0]->style_id);
}

/* Text without its last line ends; a fault when it is not UTF-8. */
static bool read_text(lofi_buffer *out, json_t *findings, const char *code, const char *path) {
    lofi_error fault = LOFI_ERROR_INIT;
    if (lofi_file_read(out, path, TEXT_BYTES_MAX, &fault) != LOFI_OK) {
        find(findings, true, code, "%s", fault.message);
        return false;
    }
    const char *text = lofi_buffer_str(out);
    if (!lofi_utf8_valid(text, out->size) || memchr(text, 0, out->size)) {
        find(findings, true, code, "'%s' is not UTF-8 text", path);
        return false;
    }
    while (out->size > 0 && strchr(" \t\r\n", out->data[out->size - 1])) out->data[--out->size] = 0;
    return true;
}

static void review_prompt(json_t *findings, prompt_facts *facts, const lofi_review *review,
                          const lofi_catalogue_track *track) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    if (!track->has_prompt) {
        find(findings, true, "no_prompt", "there is no '%s'; 'lofi prompt generate' makes it", track->prompt_path);
    } else if (read_text(&text, findings, "bad_prompt", track->prompt_path)) {
        if (text.size == 0)
            find(findings, true, "bad_prompt", "'%s' is empty", track->prompt_path);
        else if (strpbrk(text.data, "\r\n"))
            find(findings, true, "bad_prompt", "'%s' has several lines", track->prompt_path);
        else
            check_line(findings, facts, review, track, text.data);
    }
    lofi_buffer_free(&text);
}

/* ---- the rest ---- */

typedef struct lyrics_findings {
    json_t *findings;
    size_t count;
} lyrics_findings;

/* The first few are enough to know that somebody should look. */
static void note_line(void *user, size_t line, const char *what) {
    lyrics_findings *found = user;
    if (found->count++ < 3) find(found->findings, false, "lyrics", "lyrics, line %zu: %s", line, what);
}

static void judge_lyrics(json_t *findings, const lofi_catalogue_track *track, const char *text, size_t size) {
    bool words = false, instrumental = lofi_lyrics_are_instrumental(text, size);
    lyrics_findings found = {findings, 0};
    lofi_error fault = LOFI_ERROR_INIT;
    for (size_t i = 0; i < track->style_count; i++) words = words || lofi_style_has_words(track->styles[i]);
    if (words && instrumental)
        find(findings, false, "lyrics", "the style has words, but the lyrics say [Instrumental]");
    if (!words && !instrumental) find(findings, false, "lyrics", "there are lyrics, but the style has no words");
    if (lofi_lyrics_check(text, size, note_line, &found, &fault) != LOFI_OK)
        find(findings, true, "bad_lyrics", "%s", fault.message);
}

static void review_lyrics(json_t *findings, const lofi_catalogue_track *track) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    if (!track->has_lyrics)
        find(findings, true, "no_lyrics", "there is no '%s'; 'lofi prompt generate --include-lyrics' makes it",
             track->lyrics_path);
    else if (read_text(&text, findings, "bad_lyrics", track->lyrics_path))
        judge_lyrics(findings, track, lofi_buffer_str(&text), text.size);
    lofi_buffer_free(&text);
}

static void review_licence(json_t *findings, const lofi_catalogue_track *track) {
    if (!track->source)
        find(findings, false, "no_source",
             "no source names it, so no dataset takes it; 'lofi tracks source' records one");
    else if (!track->permitted)
        find(findings, false, "not_permitted", "its source '%s' does not permit AI training, so no dataset takes it",
             track->source->source_id);
}

/* bpm: what the prompt says; 0: nothing. */
static void review_measures(json_t *findings, const lofi_review *review, const lofi_catalogue_track *track, int bpm) {
    lofi_prompt_music music;
    const lofi_prompt_facts facts = lofi_prompt_measured(lofi_ledger_find(review->ledger, track->audio_path));
    const char *style = track->styles[0]->style_id;
    lofi_prompt_settle(&music, track->track_id, track->styles, track->style_count, &facts);
    if (music.tempo_outside)
        find(findings, false, "tempo_style", "measured %d bpm, but %s is %d to %d bpm", music.bpm, style,
             music.tempo_min, music.tempo_max);
    if (music.key_contradicts)
        find(findings, false, "key_style", "measured the key %s, which %s contradicts", facts.key, style);
    if (bpm == 0 || !music.tempo_measured) return;
    for (double factor = 0.5; factor <= 2.0; factor *= 2)
        if (fabs(facts.tempo_bpm * factor - bpm) <= 2.0) return;
    find(findings, false, "tempo", "the prompt says %d bpm, but %.0f bpm was measured", bpm, facts.tempo_bpm);
}

static void review_scores(json_t *findings, const lofi_catalogue_track *track) {
    double quality = json_number_value(json_object_get(track->record, "quality_score"));
    if (quality < LOW)
        find(findings, false, "low_quality", "the quality score of the recording is %.0f of 100", quality);
    if (track->human_count && track->human_score < LOW)
        find(findings, false, "low_score", "people gave it %.0f of 100", track->human_score);
}

lofi_code lofi_review_track(json_t *findings, const lofi_review *review, const lofi_catalogue_track *track,
                            lofi_error *err) {
    prompt_facts facts = {0};
    const char *audio = json_string_value(json_object_get(track->record, "audio_path"));
    if (!track->has_audio) find(findings, true, "no_audio", "there is no '%s'", track->audio_path);
    review_prompt(findings, &facts, review, track);
    review_lyrics(findings, track);
    if (!track->has_style) find(findings, false, "no_style", "nobody said a style; it counts as " LOFI_STYLE_DEFAULT);
    review_licence(findings, track);
    review_measures(findings, review, track, facts.bpm);
    const char *same = json_string_value(json_object_get(review->duplicates, audio));
    if (same) find(findings, false, "duplicate", "the same recording as '%s'", same);
    review_scores(findings, track);
    return json_is_array(findings) ? LOFI_OK : lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for a review");
}
