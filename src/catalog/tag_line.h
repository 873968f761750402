/* tag_line.h - the tags of one prompt while somebody works on them: always in the order of a prompt, none twice.
 *
 * A tag that the vocabulary does not know (it stood in a file that somebody wrote) has no category and stands at the end.
 */
#ifndef LOFI_CATALOG_TAG_LINE_H
#define LOFI_CATALOG_TAG_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "catalog/tags.h"

#define LOFI_TAG_UNKNOWN LOFI_TAG_CATEGORIES /* as a category: not in the vocabulary */

typedef struct lofi_line_tag {
    const char *text; /* borrowed */
    int category;     /* a lofi_tag_category, or LOFI_TAG_UNKNOWN */
} lofi_line_tag;

typedef struct lofi_tag_line { /* zeroed: an empty line */
    lofi_line_tag *tags;       /* yours through lofi_tag_line_free */
    size_t count, capacity;
} lofi_tag_line;

void lofi_tag_line_free(lofi_tag_line *line); /* zeroes it */
/* *to must be zeroed or freed. The texts stay borrowed. */
lofi_code lofi_tag_line_copy(lofi_tag_line *to, const lofi_tag_line *from, lofi_error *err) LOFI_MUST_USE;

/* Where a tag stands, compared without regard to the case of ASCII letters; line->count when it is not there. */
size_t lofi_tag_line_find(const lofi_tag_line *line, const char *text);
/* How many tags of a category there are. */
size_t lofi_tag_line_count(const lofi_tag_line *line, int category);
/* Whether both hold the same tags in the same order. */
bool lofi_tag_line_equal(const lofi_tag_line *left, const lofi_tag_line *right);

/* Puts a tag behind the others of its category; nothing happens when it is there. */
lofi_code lofi_tag_line_add(lofi_tag_line *line, const char *text, int category, lofi_error *err) LOFI_MUST_USE;
void lofi_tag_line_remove(lofi_tag_line *line, size_t index);
void lofi_tag_line_remove_category(lofi_tag_line *line, int category);

/* Appends the line as it stands in a file, without newline. */
void lofi_tag_line_text(lofi_buffer *text, const lofi_tag_line *line);

#endif
