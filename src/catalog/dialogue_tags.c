/* dialogue_tags.c - an entry of tags: all of it is done, or nothing. */
#include "catalog/dialogue_internal.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/nearest.h"

enum { NEAREST_SHOWN = 3 };

/* ---- unknown tags ---- */

typedef struct near_tag {
    char text[LOFI_TAG_BYTES];
    size_t distance;
} near_tag;

/* A word that is part of a tag is as near as two wrong letters: "guitar" may mean "nylon guitar". */
static size_t distance_to(const char *normal, const char *spelling) {
    size_t distance = lofi_edit_distance(normal, spelling);
    bool part = strlen(normal) >= 3 && strstr(spelling, normal) != NULL;
    return part && distance > 2 ? 2 : distance;
}

/* Keeps the nearest few, each once, the first of equals first. */
static void note_near(near_tag nearest[NEAREST_SHOWN], size_t *count, const char *canonical, size_t distance) {
    size_t at = 0, last;
    while (at < *count && nearest[at].distance <= distance) {
        if (strcmp(nearest[at].text, canonical) == 0) return;
        at++;
    }
    if (at == NEAREST_SHOWN) return;
    for (last = at; last < *count && strcmp(nearest[last].text, canonical) != 0;) last++;
    if (last == NEAREST_SHOWN) last--;
    if (last == *count) (*count)++;
    memmove(&nearest[at + 1], &nearest[at], (last - at) * sizeof *nearest);
    snprintf(nearest[at].text, sizeof nearest[at].text, "%s", canonical);
    nearest[at].distance = distance;
}

static size_t find_near(near_tag nearest[NEAREST_SHOWN], const lofi_dialogue *dialogue, const char *normal) {
    size_t found = 0, count = 0, limit = strlen(normal) / 3;
    const char *const *spellings = lofi_vocabulary_spellings(dialogue->setting.vocabulary, &count);
    for (size_t i = 0; i < count; i++) {
        char canonical[LOFI_TAG_BYTES];
        lofi_tag_category category = LOFI_TAG_GENRE;
        size_t distance = distance_to(normal, spellings[i]);
        if (distance > (limit < 2 ? 2 : limit)) continue;
        if (lofi_dialogue_knows(canonical, &category, dialogue, spellings[i]))
            note_near(nearest, &found, canonical, distance);
    }
    return found;
}

/* Whether the user meant a tempo; then it is said how one is written. */
static bool refuse_tempo(dialogue_reply *reply, const char *normal) {
    size_t digits = strspn(normal, "0123456789");
    const char *unit = normal + digits + (normal[digits] == ' ');
    if (digits == 0 || (*unit && strcmp(unit, "bpm") != 0)) return false;
    REFUSE(reply, "'%s' is no tempo; one is a whole number from %d to %d and 'bpm', as in '85 bpm'\n", normal,
           LOFI_BPM_MIN, LOFI_BPM_MAX);
    return true;
}

static void refuse_unknown(const lofi_dialogue *dialogue, dialogue_reply *reply, const char *tag) {
    near_tag nearest[NEAREST_SHOWN];
    char normal[LOFI_TAG_BYTES];
    lofi_error problem = LOFI_ERROR_INIT;
    if (lofi_tag_normalize(normal, tag, &problem) != LOFI_OK) {
        REFUSE(reply, "a tag is at most %d bytes long\n", LOFI_TAG_BYTES - 1);
        return;
    }
    if (refuse_tempo(reply, normal)) return;
    size_t count = find_near(nearest, dialogue, normal);
    REFUSE(reply, "unknown tag '%s'", tag);
    if (count == 0) TELL(reply, "; '/suggest CATEGORY' shows the known ones");
    for (size_t i = 0; i < count; i++)
        TELL(reply, "%s'%s'", i == 0 ? ": did you mean " : i + 1 == count ? " or " : ", ", nearest[i].text);
    TELL(reply, count ? "?\n" : "\n");
}

/* ---- one tag ---- */

static lofi_code put(lofi_dialogue *dialogue, lofi_tag_line *line, const char *text, lofi_tag_category category,
                     lofi_error *err) {
    const char *kept = lofi_dialogue_keep(dialogue, text);
    if (!kept) return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for the dialogue");
    return lofi_tag_line_add(line, kept, (int)category, err);
}

static bool is_number(const char *tempo) {
    return tempo[0] >= '0' && tempo[0] <= '9';
}

/* The number that the line has, or 0. */
static int tempo_of(const lofi_tag_line *line) {
    for (size_t i = 0; i < line->count; i++)
        if (line->tags[i].category == LOFI_TAG_TEMPO && is_number(line->tags[i].text))
            return (int)strtol(line->tags[i].text, NULL, 10);
    return 0;
}

/* A number brings its word. A word takes the place of the other word, and is told apart from what the number says. */
static lofi_code add_tempo(lofi_dialogue *dialogue, dialogue_reply *reply, lofi_tag_line *line, const char *tempo,
                           lofi_error *err) {
    int bpm = is_number(tempo) ? (int)strtol(tempo, NULL, 10) : tempo_of(line);
    char number[LOFI_TAG_BYTES];
    const char *word = is_number(tempo) ? lofi_tempo_word(bpm) : tempo;
    snprintf(number, sizeof number, "%d bpm", bpm);
    lofi_tag_line_remove_category(line, LOFI_TAG_TEMPO);
    if (bpm) LOFI_TRY(put(dialogue, line, number, LOFI_TAG_TEMPO, err));
    if (bpm && strcmp(word, lofi_tempo_word(bpm)) != 0)
        TELL(reply, "%s is called '%s' elsewhere\n", number, lofi_tempo_word(bpm));
    return put(dialogue, line, word, LOFI_TAG_TEMPO, err);
}

static void tell_contradiction(dialogue_reply *reply, const lofi_tag_line *line) {
    if (lofi_tag_line_find(line, "instrumental") == line->count) return;
    if (lofi_tag_line_count(line, LOFI_TAG_VOCAL_TYPE) < 2) return;
    TELL(reply, "'instrumental' says that there is no voice; '-instrumental' removes it\n");
}

static lofi_code add(lofi_dialogue *dialogue, dialogue_reply *reply, lofi_tag_line *line, const char *tag,
                     lofi_error *err) {
    char canonical[LOFI_TAG_BYTES], normal[LOFI_TAG_BYTES];
    lofi_tag_category category = LOFI_TAG_GENRE;
    if (!lofi_dialogue_knows(canonical, &category, dialogue, tag) || lofi_tag_normalize(normal, tag, NULL) != LOFI_OK) {
        refuse_unknown(dialogue, reply, tag);
        return LOFI_OK;
    }
    if (strcmp(normal, canonical) != 0) TELL(reply, "'%s' is called '%s'\n", tag, canonical);
    if (category == LOFI_TAG_TEMPO) return add_tempo(dialogue, reply, line, canonical, err);
    if (lofi_tag_line_find(line, canonical) < line->count) TELL(reply, "'%s' is there\n", canonical);
    LOFI_TRY(put(dialogue, line, canonical, category, err));
    if (category == LOFI_TAG_VOCAL_TYPE) tell_contradiction(reply, line);
    return LOFI_OK;
}

/* What the line has and looks like the tag, or NULL. */
static const char *nearest_in(const lofi_tag_line *line, const char *tag) {
    const char *nearest = NULL;
    size_t best = strlen(tag) / 3 < 2 ? 3 : strlen(tag) / 3 + 1;
    for (size_t i = 0; i < line->count; i++) {
        size_t distance = distance_to(tag, line->tags[i].text);
        if (distance >= best) continue;
        best = distance;
        nearest = line->tags[i].text;
    }
    return nearest;
}

/* Something that is not in the line is refused when it is no tag at all, as it was mistyped then. */
static void take_out(const lofi_dialogue *dialogue, dialogue_reply *reply, lofi_tag_line *line, const char *tag) {
    char canonical[LOFI_TAG_BYTES];
    lofi_tag_category category = LOFI_TAG_GENRE;
    bool known = lofi_dialogue_knows(canonical, &category, dialogue, tag);
    size_t at = lofi_tag_line_find(line, tag);
    if (at == line->count && known) at = lofi_tag_line_find(line, canonical);
    if (at < line->count) {
        lofi_tag_line_remove(line, at);
        return;
    }
    if (known) {
        TELL(reply, "'%s' is not in the line\n", canonical);
        return;
    }
    if (strlen(tag) >= LOFI_TAG_BYTES) {
        REFUSE(reply, "a tag is at most %d bytes long\n", LOFI_TAG_BYTES - 1);
        return;
    }
    const char *nearest = nearest_in(line, tag);
    REFUSE(reply, "'%s' is not in the line%s%s%s\n", *tag ? tag : "-", nearest ? "; did you mean '-" : "",
           nearest ? nearest : "", nearest ? "'?" : "");
}

/* ---- the entry ---- */

static lofi_code do_tag(lofi_dialogue *dialogue, dialogue_reply *reply, lofi_tag_line *line, const char *tag,
                        lofi_error *err) {
    if (*tag == '\0') return LOFI_OK;
    if (*tag != '-') return add(dialogue, reply, line, tag, err);
    take_out(dialogue, reply, line, tag + 1 + (tag[1] == ' '));
    return LOFI_OK;
}

static lofi_code do_tags(lofi_dialogue *dialogue, dialogue_reply *reply, lofi_tag_line *line, const char *entry,
                         lofi_error *err) {
    char tag[LOFI_DIALOGUE_ENTRY_BYTES + 1];
    while (*entry && reply->outcome != LOFI_DIALOGUE_REFUSED) {
        size_t size = strcspn(entry, ",");
        lofi_dialogue_tidy(tag, entry, size);
        LOFI_TRY(do_tag(dialogue, reply, line, tag, err));
        entry += size + (entry[size] == ',');
    }
    return LOFI_OK;
}

lofi_code lofi_dialogue_tags(lofi_dialogue *dialogue, dialogue_reply *reply, const char *entry, lofi_error *err) {
    dialogue_state next;
    LOFI_TRY(lofi_dialogue_copy_state(&next, dialogue, err));
    lofi_code code = do_tags(dialogue, reply, &next.line, entry, err);
    if (code == LOFI_OK && reply->outcome != LOFI_DIALOGUE_REFUSED)
        return lofi_dialogue_push(dialogue, reply, &next, err);
    lofi_tag_line_free(&next.line);
    return code;
}
