/* prompt.c - tags merged, chosen, fitted and joined. */
#include "catalog/prompt.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"

enum { GROUP_MAX = LOFI_STYLE_TAGS_MAX * LOFI_TRACK_STYLES_MAX + 2 };

typedef struct group {
    const char *tags[GROUP_MAX];
    size_t count;
} group;

typedef struct line {
    group groups[LOFI_TAG_CATEGORIES];
    char bpm[16];
} line;

enum { CHOICE_MOOD, CHOICE_TEMPO }; /* which number of a track's stream decides what: never renumber */

size_t lofi_prompt_characters(const char *text) {
    size_t count = 0;
    for (; *text; text++) count += ((unsigned char)*text & 0xC0) != 0x80;
    return count;
}

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

static void choose_tempo(line *to, const lofi_random *random, const lofi_style *const *styles, size_t count) {
    int min = styles[0]->tempo_min, max = styles[0]->tempo_max;
    for (size_t i = 1; i < count; i++) {
        if (styles[i]->tempo_min > max || styles[i]->tempo_max < min) continue;
        if (styles[i]->tempo_min > min) min = styles[i]->tempo_min;
        if (styles[i]->tempo_max < max) max = styles[i]->tempo_max;
    }
    int bpm = min + (int)lofi_random_below(random, CHOICE_TEMPO, (uint64_t)(max - min) + 1);
    snprintf(to->bpm, sizeof to->bpm, "%d bpm", bpm);
    add(&to->groups[LOFI_TAG_TEMPO], to->bpm);
    add(&to->groups[LOFI_TAG_TEMPO], lofi_tempo_word(bpm));
}

static size_t characters(const line *of) {
    size_t total = 0, tags = 0;
    for (size_t i = 0; i < LOFI_TAG_CATEGORIES; i++) {
        tags += of->groups[i].count;
        for (size_t j = 0; j < of->groups[i].count; j++) total += lofi_prompt_characters(of->groups[i].tags[j]);
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

static void fit(line *to, lofi_buffer *left_out) {
    bool first = true;
    while (characters(to) > LOFI_PROMPT_CHARACTERS_MAX) {
        group *loses = longest_group(to);
        if (!loses) return;
        append_tag(left_out, loses->tags[--loses->count], first);
        first = false;
    }
}

lofi_code lofi_prompt_build(lofi_buffer *prompt, lofi_buffer *left_out, const char *track_id,
                            const lofi_style *const *styles, size_t count, lofi_error *err) {
    assert(count > 0 && count <= LOFI_TRACK_STYLES_MAX);
    line built;
    for (size_t i = 0; i < LOFI_TAG_CATEGORIES; i++) built.groups[i].count = 0;
    const lofi_random random = lofi_random_at(hash_text(track_id), LOFI_RANDOM_PROMPT, 0);
    for (int i = 0; i < LOFI_TAG_CATEGORIES; i++) merge_category(&built.groups[i], styles, count, (lofi_tag_category)i);
    drop_instrumental_beside_voice(&built.groups[LOFI_TAG_VOCAL_TYPE]);
    choose_mood(&built.groups[LOFI_TAG_MOOD], &random, styles[0]);
    choose_tempo(&built, &random, styles, count);
    fit(&built, left_out);
    bool first = true;
    for (size_t i = 0; i < LOFI_TAG_CATEGORIES; i++)
        for (size_t j = 0; j < built.groups[i].count; j++) {
            append_tag(prompt, built.groups[i].tags[j], first);
            first = false;
        }
    LOFI_TRY(lofi_buffer_check(prompt, err));
    return lofi_buffer_check(left_out, err);
}
