/* prompt.c - tags merged, chosen, fitted and joined. */
#include "catalog/prompt.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "audio/measures.h"
#include "audio/tempo.h"
#include "base/random.h"
#include "base/utf8.h"

enum { GROUP_MAX = LOFI_STYLE_TAGS_MAX * LOFI_TRACK_STYLES_MAX + 2 }; /* and what is chosen or measured */

typedef struct group {
    const char *tags[GROUP_MAX];
    size_t count;
} group;

typedef struct line {
    group groups[LOFI_TAG_CATEGORIES];
    char bpm[16];
    const char *key; /* the tag of a measured key; NULL: none */
} line;

enum { CHOICE_MOOD, CHOICE_TEMPO }; /* which number of a track's stream decides what: never renumber */

static uint64_t hash_text(const char *text) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}

static bool holds(const group *in, const char *tag) {
    for (size_t i = 0; i < in->count; i++)
        if (strcmp(in->tags[i], tag) == 0) return true;
    return false;
}

static void add(group *to, const char *tag) {
    if (holds(to, tag)) return;
    assert(to->count < GROUP_MAX);
    to->tags[to->count++] = tag;
}

static void merge_category(group *to, const lofi_style *const *styles, size_t count, lofi_tag_category category) {
    for (size_t place = 0; place < LOFI_STYLE_TAGS_MAX; place++)
        for (size_t i = 0; i < count; i++)
            if (place < styles[i]->tags[category].count) add(to, styles[i]->tags[category].tags[place]);
}

static void drop_instrumental_beside_voice(group *voices) {
    size_t kept = 0;
    if (voices->count < 2) return;
    for (size_t i = 0; i < voices->count; i++)
        if (strcmp(voices->tags[i], "instrumental") != 0) voices->tags[kept++] = voices->tags[i];
    voices->count = kept;
}

static void choose_mood(group *moods, const lofi_random *random, const lofi_style *style) {
    const char *open[LOFI_STYLE_TAGS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < style->mood_options.count; i++)
        if (!holds(moods, style->mood_options.tags[i])) open[count++] = style->mood_options.tags[i];
    if (count) add(moods, open[lofi_random_below(random, CHOICE_MOOD, count)]);
}

/* ---- what was measured ---- */

static void merge_tempo_ranges(lofi_prompt_music *out, const lofi_style *const *styles, size_t count) {
    out->tempo_min = styles[0]->tempo_min;
    out->tempo_max = styles[0]->tempo_max;
    for (size_t i = 1; i < count; i++) {
        if (styles[i]->tempo_min > out->tempo_max || styles[i]->tempo_max < out->tempo_min) continue;
        if (styles[i]->tempo_min > out->tempo_min) out->tempo_min = styles[i]->tempo_min;
        if (styles[i]->tempo_max < out->tempo_max) out->tempo_max = styles[i]->tempo_max;
    }
}

static void take_tempo(lofi_prompt_music *out, double bpm) {
    if (!(bpm > LOFI_BPM_MIN - 0.5 && bpm < LOFI_BPM_MAX + 0.5)) return; /* not a number either */
    const long countings[] = {lround(bpm), lround(2 * bpm), lround(bpm / 2)};
    out->tempo_measured = out->tempo_outside = true;
    out->bpm = (int)countings[0];
    for (size_t i = 0; i < 3 && out->tempo_outside; i++) {
        if (countings[i] < out->tempo_min || countings[i] > out->tempo_max) continue;
        out->bpm = (int)countings[i];
        out->tempo_outside = false;
    }
}

/* The tag by which a style names the mode of a key. */
static const char *mode_tag(const char *key, bool same) {
    return (strstr(key, "minor") != NULL) == same ? "minor key" : "major key";
}

/* The other mode, or another key. */
static bool contradicts(const char *tag, const char *key) {
    char other[LOFI_TAG_BYTES];
    return strcmp(tag, mode_tag(key, false)) == 0 || (lofi_key_tag(other, tag) && strcmp(other, key) != 0);
}

static bool any_style_contradicts(const lofi_style *const *styles, size_t count, const char *key) {
    for (size_t i = 0; i < count; i++) {
        const lofi_tag_list *list = &styles[i]->tags[LOFI_TAG_PRODUCTION];
        for (size_t j = 0; j < list->count; j++)
            if (contradicts(list->tags[j], key)) return true;
    }
    return false;
}

static void take_key(lofi_prompt_music *out, const lofi_style *const *styles, size_t count, const char *key) {
    char tag[LOFI_TAG_BYTES];
    if (!key || !lofi_key_tag(tag, key)) return;
    out->key_contradicts = any_style_contradicts(styles, count, tag);
    if (!out->key_contradicts) memcpy(out->key, tag, sizeof tag);
}

static lofi_random random_of(const char *track_id) {
    return lofi_random_at(hash_text(track_id), LOFI_RANDOM_PROMPT, 0);
}

lofi_prompt_facts lofi_prompt_measured(const json_t *record) {
    lofi_measures measures = lofi_measures_from_json(json_object_get(record, "measures"));
    lofi_prompt_facts facts = {0};
    if (measures.tempo_confidence >= LOFI_TEMPO_CONFIDENT) facts.tempo_bpm = measures.tempo_bpm;
    if (measures.key.confidence >= LOFI_KEY_CONFIDENT) facts.key = lofi_key_name(&measures.key);
    return facts;
}

void lofi_prompt_settle(lofi_prompt_music *out, const char *track_id, const lofi_style *const *styles, size_t count,
                        const lofi_prompt_facts *facts) {
    assert(count > 0 && count <= LOFI_TRACK_STYLES_MAX);
    const lofi_random random = random_of(track_id);
    lofi_prompt_music music = {0};
    merge_tempo_ranges(&music, styles, count);
    if (facts) {
        take_tempo(&music, facts->tempo_bpm);
        take_key(&music, styles, count, facts->key);
    }
    uint64_t range = (uint64_t)(music.tempo_max - music.tempo_min) + 1;
    if (!music.tempo_measured) music.bpm = music.tempo_min + (int)lofi_random_below(&random, CHOICE_TEMPO, range);
    *out = music;
}

/* ---- the line ---- */

static void add_tempo(line *to, int bpm) {
    snprintf(to->bpm, sizeof to->bpm, "%d bpm", bpm);
    add(&to->groups[LOFI_TAG_TEMPO], to->bpm);
    add(&to->groups[LOFI_TAG_TEMPO], lofi_tempo_word(bpm));
}

static void remove_tag(group *from, const char *tag) {
    size_t kept = 0;
    for (size_t i = 0; i < from->count; i++)
        if (strcmp(from->tags[i], tag) != 0) from->tags[kept++] = from->tags[i];
    from->count = kept;
}

/* The key stands first, and says more than "minor key" does. */
static void add_key(line *to, const char *key) {
    group *production = &to->groups[LOFI_TAG_PRODUCTION];
    remove_tag(production, mode_tag(key, true));
    remove_tag(production, key);
    assert(production->count < GROUP_MAX);
    memmove(production->tags + 1, production->tags, production->count * sizeof *production->tags);
    production->tags[0] = key;
    production->count++;
    to->key = key;
}

static size_t characters(const line *of) {
    size_t total = 0, tags = 0;
    for (size_t i = 0; i < LOFI_TAG_CATEGORIES; i++) {
        tags += of->groups[i].count;
        for (size_t j = 0; j < of->groups[i].count; j++) total += lofi_utf8_characters(of->groups[i].tags[j]);
    }
    return tags ? total + 2 * (tags - 1) : 0;
}

/* The group that loses its last tag; NULL when nothing more may go. */
static group *longest_group(line *of) {
    static const lofi_tag_category order[] = {LOFI_TAG_PRODUCTION, LOFI_TAG_ATMOSPHERE, LOFI_TAG_INSTRUMENTS,
                                              LOFI_TAG_MOOD, LOFI_TAG_GENRE};
    group *longest = NULL;
    if (of->groups[LOFI_TAG_TEMPO].count > 1) return &of->groups[LOFI_TAG_TEMPO];
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        group *candidate = &of->groups[order[i]];
        if (candidate->count > 1 && (!longest || candidate->count > longest->count)) longest = candidate;
    }
    return longest;
}

static void append_tag(lofi_buffer *to, const char *tag, bool first) {
    if (!first) lofi_buffer_text(to, ", ");
    lofi_buffer_text(to, tag);
}

/* Takes a tag out of the group: the last, but a key before the last that is of a style. */
static const char *give_up(const line *of, group *loses) {
    const char *last = loses->tags[--loses->count];
    bool key_alone = of->key && loses->count == 1 && loses->tags[0] == of->key;
    if (!key_alone) return last;
    loses->tags[0] = last;
    return of->key;
}

static void fit(line *to, lofi_buffer *left_out) {
    bool first = true;
    while (characters(to) > LOFI_PROMPT_CHARACTERS_MAX) {
        group *loses = longest_group(to);
        if (!loses) return;
        append_tag(left_out, give_up(to, loses), first);
        first = false;
    }
}

static void collect(line *built, const char *track_id, const lofi_style *const *styles, size_t count,
                    const lofi_prompt_music *music) {
    const lofi_random random = random_of(track_id);
    built->key = NULL;
    for (int i = 0; i < LOFI_TAG_CATEGORIES; i++) {
        built->groups[i].count = 0;
        merge_category(&built->groups[i], styles, count, (lofi_tag_category)i);
    }
    drop_instrumental_beside_voice(&built->groups[LOFI_TAG_VOCAL_TYPE]);
    choose_mood(&built->groups[LOFI_TAG_MOOD], &random, styles[0]);
    add_tempo(built, music->bpm);
    if (music->key[0]) add_key(built, music->key);
}

lofi_code lofi_prompt_build(lofi_buffer *prompt, lofi_buffer *left_out, const char *track_id,
                            const lofi_style *const *styles, size_t count, const lofi_prompt_facts *facts,
                            lofi_error *err) {
    line built;
    lofi_prompt_music music;
    bool first = true;
    lofi_prompt_settle(&music, track_id, styles, count, facts);
    collect(&built, track_id, styles, count, &music);
    fit(&built, left_out);
    for (size_t i = 0; i < LOFI_TAG_CATEGORIES; i++)
        for (size_t j = 0; j < built.groups[i].count; j++) {
            append_tag(prompt, built.groups[i].tags[j], first);
            first = false;
        }
    LOFI_TRY(lofi_buffer_check(prompt, err));
    return lofi_buffer_check(left_out, err);
}

/* ---- is a line right? ---- */

/* The tag from `at` to `end`, and its category. */
static lofi_code read_tag(lofi_tag_category *category, const lofi_vocabulary *vocabulary, const char *at,
                          const char *end, lofi_error *err) {
    char tag[LOFI_TAG_BYTES], canonical[LOFI_TAG_BYTES];
    size_t size = (size_t)(end - at);
    if (size >= sizeof tag) return lofi_fail(err, LOFI_ERR_FORMAT, "the tag '%.80s' is too long", at);
    memcpy(tag, at, size);
    tag[size] = '\0';
    LOFI_TRY(lofi_vocabulary_find(canonical, category, vocabulary, tag, err));
    if (strcmp(canonical, tag) == 0) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT, "the tag '%s' is written '%s'", tag, canonical);
}

static bool is_there_before(const char *prompt, const char *at, size_t size) {
    for (const char *other = prompt; other < at; other += strcspn(other, ",") + 2)
        if (strcspn(other, ",") == size && memcmp(other, at, size) == 0) return true;
    return false;
}

lofi_code lofi_prompt_check(const char *prompt, const lofi_vocabulary *vocabulary, lofi_error *err) {
    size_t count = lofi_utf8_characters(prompt);
    if (count <= LOFI_PROMPT_CHARACTERS_MAX) return lofi_prompt_check_tags(prompt, vocabulary, err);
    return lofi_fail(err, LOFI_ERR_FORMAT, "the prompt has %zu characters, %d are read", count,
                     LOFI_PROMPT_CHARACTERS_MAX);
}

lofi_code lofi_prompt_check_tags(const char *prompt, const lofi_vocabulary *vocabulary, lofi_error *err) {
    lofi_tag_category category = LOFI_TAG_GENRE, last = LOFI_TAG_GENRE;
    for (const char *at = prompt;;) {
        size_t size = strcspn(at, ",");
        LOFI_TRY(read_tag(&category, vocabulary, at, at + size, err));
        if (category < last)
            return lofi_fail(err, LOFI_ERR_FORMAT, "the tag '%.*s' (%s) stands behind %s", (int)size, at,
                             lofi_tag_category_name(category), lofi_tag_category_name(last));
        if (is_there_before(prompt, at, size))
            return lofi_fail(err, LOFI_ERR_FORMAT, "the tag '%.*s' is there twice", (int)size, at);
        last = category;
        if (at[size] == '\0') return LOFI_OK;
        if (at[size + 1] != ' ') return lofi_fail(err, LOFI_ERR_FORMAT, "tags are separated by a comma and one space");
        at += size + 2;
    }
}
