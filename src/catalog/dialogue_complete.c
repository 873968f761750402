/* dialogue_complete.c - what an entry may go on with. */
#include "catalog/dialogue_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"

#define CANDIDATES_MAX ((size_t)1 << 16)

static lofi_code no_memory(lofi_error *err) {
    return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for the completion");
}

void lofi_completions_free(lofi_completions *completions) {
    for (size_t i = 0; i < completions->count; i++) free(completions->items[i]);
    free(completions->items);
    *completions = (lofi_completions){0};
}

/* Adds before + text + after when it begins with what is typed, letters of both cases being the same. */
static lofi_code offer_with(lofi_completions *to, const char *typed, const char *before, const char *text,
                            const char *after, lofi_error *err) {
    size_t size = strlen(before) + strlen(text) + strlen(after) + 1;
    char *whole = malloc(size);
    if (!whole) return no_memory(err);
    snprintf(whole, size, "%s%s%s", before, text, after);
    if (strncasecmp(whole, typed, strlen(typed)) != 0) {
        free(whole);
        return LOFI_OK;
    }
    void *items = to->items;
    lofi_code code = lofi_grow(&items, &to->capacity, to->count + 1, sizeof(char *), CANDIDATES_MAX, err);
    if (code != LOFI_OK) {
        free(whole);
        return code;
    }
    to->items = items;
    to->items[to->count++] = whole;
    return LOFI_OK;
}

static lofi_code offer(lofi_completions *to, const char *typed, const char *text, lofi_error *err) {
    return offer_with(to, typed, "", text, "", err);
}

/* ---- kinds of entries ---- */

static lofi_code complete_styles(lofi_completions *to, const lofi_dialogue *dialogue, const char *typed,
                                 lofi_error *err) {
    const lofi_styles *styles = dialogue->setting.styles;
    for (size_t i = 0; i < lofi_styles_count(styles); i++) {
        LOFI_TRY(offer(to, typed, lofi_styles_at(styles, i)->style_id, err));
        if (*typed) LOFI_TRY(offer(to, typed, lofi_styles_at(styles, i)->name, err));
    }
    return LOFI_OK;
}

static lofi_code complete_categories(lofi_completions *to, const char *typed, lofi_error *err) {
    for (int i = 0; i < LOFI_TAG_CATEGORIES; i++) {
        char name[32];
        lofi_dialogue_category_name(name, (lofi_tag_category)i);
        LOFI_TRY(offer(to, typed, name, err));
    }
    return LOFI_OK;
}

static lofi_code offer_names(lofi_completions *to, const char *typed, const char *before, const lofi_listing *names,
                             const char *after, lofi_error *err) {
    for (size_t i = 0; i < names->count; i++)
        if (!lofi_dialogue_fault(names->names[i], strlen(names->names[i])))
            LOFI_TRY(offer_with(to, typed, before, names->names[i], after, err));
    return LOFI_OK;
}

/* A folder that cannot be read offers nothing. */
static lofi_code complete_files(lofi_completions *to, const char *typed, lofi_error *err) {
    char before[LOFI_PATH_MAX], folder[LOFI_PATH_MAX];
    lofi_listing files = {0}, folders = {0};
    size_t size = (size_t)(lofi_path_base(typed) - typed);
    lofi_error problem = LOFI_ERROR_INIT;
    lofi_code code = LOFI_OK;
    if (lofi_path_format(before, &problem, "%.*s", (int)size, typed) != LOFI_OK ||
        lofi_path_expand(folder, size ? before : "./", &problem) != LOFI_OK)
        return LOFI_OK;
    if (lofi_folder_list(&files, folder, false, NULL, NULL, &problem) == LOFI_OK)
        code = offer_names(to, typed, before, &files, "", err);
    if (code == LOFI_OK && lofi_folder_list_folders(&folders, folder, &problem) == LOFI_OK)
        code = offer_names(to, typed, before, &folders, "/", err);
    lofi_listing_free(&files);
    lofi_listing_free(&folders);
    return code;
}

static lofi_code complete_lyrics(lofi_completions *to, const char *typed, lofi_error *err) {
    LOFI_TRY(offer(to, typed, "instrumental", err));
    return complete_files(to, typed, err);
}

static lofi_code complete_names_of_commands(lofi_completions *to, const char *typed, lofi_error *err) {
    for (const char *const *name = lofi_dialogue_commands; *name; name++)
        LOFI_TRY(offer_with(to, typed, "/", *name, lofi_dialogue_takes_argument(*name) ? " " : "", err));
    return LOFI_OK;
}

/* The byte behind the last of `marks`, and behind spaces. */
static size_t word_start(const char *entry, size_t from, const char *marks) {
    size_t start = from;
    for (size_t i = from; entry[i]; i++)
        if (strchr(marks, entry[i])) start = i + 1;
    return start + strspn(entry + start, " ");
}

static lofi_code complete_command(lofi_completions *to, const lofi_dialogue *dialogue, const char *entry, size_t start,
                                  lofi_error *err) {
    size_t size = strcspn(entry + start, " ");
    const char *name = entry + start;
    to->start = start;
    if (name[size] == '\0') return complete_names_of_commands(to, name, err);
    to->start = start + size + strspn(name + size, " ");
    if (size == 8 && strncmp(name, "/suggest", size) == 0) return complete_categories(to, entry + to->start, err);
    if (size == 7 && strncmp(name, "/lyrics", size) == 0) return complete_lyrics(to, entry + to->start, err);
    if (size != 6 || strncmp(name, "/style", size) != 0) return LOFI_OK;
    to->start = word_start(entry, to->start, ",");
    LOFI_TRY(complete_styles(to, dialogue, entry + to->start, err));
    if (to->count) return LOFI_OK;
    to->start = word_start(entry, to->start, " "); /* no name: then the last of several ids */
    return complete_styles(to, dialogue, entry + to->start, err);
}

static lofi_code complete_tags(lofi_completions *to, const lofi_dialogue *dialogue, const char *entry,
                               lofi_error *err) {
    const lofi_tag_line *line = &lofi_dialogue_now(dialogue)->line;
    size_t count = 0;
    to->start = word_start(entry, 0, ",");
    if (entry[to->start] == '-') {
        to->start++;
        to->start += strspn(entry + to->start, " ");
        for (size_t i = 0; i < line->count; i++) LOFI_TRY(offer(to, entry + to->start, line->tags[i].text, err));
        return LOFI_OK;
    }
    const char *const *spellings = lofi_vocabulary_spellings(dialogue->setting.vocabulary, &count);
    for (size_t i = 0; i < count; i++) LOFI_TRY(offer(to, entry + to->start, spellings[i], err));
    return LOFI_OK;
}

/* ---- all together ---- */

static int compare(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void sort(lofi_completions *to) {
    size_t kept = 0;
    if (to->count) qsort(to->items, to->count, sizeof *to->items, compare);
    for (size_t i = 0; i < to->count; i++) {
        if (kept && strcmp(to->items[kept - 1], to->items[i]) == 0)
            free(to->items[i]);
        else
            to->items[kept++] = to->items[i];
    }
    to->count = kept;
}

/* Sorted, all share what the first and the last share; a character is not cut. */
static void find_common(lofi_completions *to) {
    if (to->count == 0) return;
    const char *first = to->items[0], *last = to->items[to->count - 1];
    while (first[to->common] && first[to->common] == last[to->common]) to->common++;
    while (to->common > 0 && ((unsigned char)first[to->common] & 0xC0) == 0x80) to->common--;
}

lofi_code lofi_dialogue_complete(lofi_completions *out, const lofi_dialogue *dialogue, const char *entry,
                                 lofi_error *err) {
    lofi_completions found = {0};
    lofi_code code = LOFI_OK;
    size_t start = strspn(entry, " ");
    if (entry[start] == '/')
        code = complete_command(&found, dialogue, entry, start, err);
    else if (dialogue->asks_style) {
        found.start = word_start(entry, 0, ",");
        code = complete_styles(&found, dialogue, entry + found.start, err);
    } else
        code = complete_tags(&found, dialogue, entry, err);
    if (code != LOFI_OK) {
        lofi_completions_free(&found);
        return code;
    }
    sort(&found);
    find_common(&found);
    *out = found;
    return LOFI_OK;
}
