/* tag_line.c - see tag_line.h. */
#include "catalog/tag_line.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

#define LINE_TAGS_MAX 4096 /* a file with more is no prompt */

void lofi_tag_line_free(lofi_tag_line *line) {
    free(line->tags);
    *line = (lofi_tag_line){0};
}

static lofi_code make_room(lofi_tag_line *line, size_t count, lofi_error *err) {
    void *tags = line->tags;
    LOFI_TRY(lofi_grow(&tags, &line->capacity, count, sizeof(lofi_line_tag), LINE_TAGS_MAX, err));
    line->tags = tags;
    return LOFI_OK;
}

lofi_code lofi_tag_line_copy(lofi_tag_line *to, const lofi_tag_line *from, lofi_error *err) {
    lofi_tag_line copy = {0};
    LOFI_TRY(make_room(&copy, from->count, err));
    if (from->count) memcpy(copy.tags, from->tags, from->count * sizeof(lofi_line_tag));
    copy.count = from->count;
    *to = copy;
    return LOFI_OK;
}

size_t lofi_tag_line_find(const lofi_tag_line *line, const char *text) {
    size_t at = 0;
    while (at < line->count && strcasecmp(line->tags[at].text, text) != 0) at++;
    return at;
}

size_t lofi_tag_line_count(const lofi_tag_line *line, int category) {
    size_t count = 0;
    for (size_t i = 0; i < line->count; i++) count += line->tags[i].category == category;
    return count;
}

bool lofi_tag_line_equal(const lofi_tag_line *left, const lofi_tag_line *right) {
    if (left->count != right->count) return false;
    for (size_t i = 0; i < left->count; i++)
        if (strcmp(left->tags[i].text, right->tags[i].text) != 0) return false;
    return true;
}

lofi_code lofi_tag_line_add(lofi_tag_line *line, const char *text, int category, lofi_error *err) {
    if (lofi_tag_line_find(line, text) < line->count) return LOFI_OK;
    LOFI_TRY(make_room(line, line->count + 1, err));
    size_t at = line->count;
    while (at > 0 && line->tags[at - 1].category > category) at--;
    memmove(&line->tags[at + 1], &line->tags[at], (line->count - at) * sizeof(lofi_line_tag));
    line->tags[at] = (lofi_line_tag){text, category};
    line->count++;
    return LOFI_OK;
}

void lofi_tag_line_remove(lofi_tag_line *line, size_t index) {
    assert(index < line->count);
    line->count--;
    memmove(&line->tags[index], &line->tags[index + 1], (line->count - index) * sizeof(lofi_line_tag));
}

void lofi_tag_line_remove_category(lofi_tag_line *line, int category) {
    for (size_t i = line->count; i > 0; i--)
        if (line->tags[i - 1].category == category) lofi_tag_line_remove(line, i - 1);
}

void lofi_tag_line_text(lofi_buffer *text, const lofi_tag_line *line) {
    for (size_t i = 0; i < line->count; i++) {
        if (i) lofi_buffer_text(text, ", ");
        lofi_buffer_text(text, line->tags[i].text);
    }
}
