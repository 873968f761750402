/* styles.h - style presets: what a style sounds like, in tags.
 *
 * File (config/style_presets.json): {"presets": [PRESET, ...]}. A preset has
 *     style_id      "CORE-01"; one of a kind in the file
 *     abstract      true: only a parent for others, never a style itself
 *     extends       style_id of the parent
 *     name          "Classic Lofi Hip Hop"; not inherited
 *     category      core, seasonal, thematic, instrumental or vocal
 *     base_tags     always in the prompt, of any category but tempo; at least one genre
 *     instruments, production, mood_options   lists; of the mood options one is chosen for each track
 *     tempo_range   [min, max] in beats per minute, whole numbers
 *     atmosphere, vocal_type   one tag each, may be missing
 * A child's list adds to its parent's (the child's own come first: they say more), a child's scalar and range replace
 * its parent's. All tags must be in the vocabulary and of the category that their field says. Other fields are
 * ignored, unless they look like a mistyped one.
 */
#ifndef LOFI_CATALOG_STYLES_H
#define LOFI_CATALOG_STYLES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "catalog/tags.h"

#define LOFI_STYLE_DEFAULT  "CORE-01" /* for tracks of which nobody said a style */
#define LOFI_STYLE_TAGS_MAX 32        /* per category of tags */

enum { LOFI_STYLE_CATEGORIES = 5 };
/* core, seasonal, thematic, instrumental, vocal: what a preset's category may be, in the order in which they are shown. */
extern const char *const lofi_style_categories[LOFI_STYLE_CATEGORIES];

typedef struct lofi_tag_list {
    const char **tags; /* canonical, each once */
    size_t count;
} lofi_tag_list;

/* A preset with everything that it inherits. All borrowed from the lofi_styles. */
typedef struct lofi_style {
    const char *style_id, *name, *category;
    const char *extends;                     /* NULL when it has no parent */
    lofi_tag_list tags[LOFI_TAG_CATEGORIES]; /* what every prompt of the style says, sorted by category: first the base
                                                tags, then the fields; the tempo's is empty */
    lofi_tag_list mood_options;
    int tempo_min, tempo_max; /* beats per minute, both included */
} lofi_style;

typedef struct lofi_styles lofi_styles;

/* Loads and resolves all presets. *out is yours. LOFI_ERR_FORMAT for a cycle, an unknown parent, a missing or wrong
 * field, an unknown tag: the message names file, style and field. */
lofi_code lofi_styles_load(lofi_styles **out, const char *path, const lofi_vocabulary *vocabulary,
                           lofi_error *err) LOFI_MUST_USE;
void lofi_styles_free(lofi_styles *styles); /* NULL is fine */

/* The styles without the abstract ones, in the order of the file. */
size_t lofi_styles_count(const lofi_styles *styles);
const lofi_style *lofi_styles_at(const lofi_styles *styles, size_t index);
/* NULL when there is no such style. */
const lofi_style *lofi_styles_get(const lofi_styles *styles, const char *style_id);
/* As above, but LOFI_ERR_FORMAT with a message that names the nearest style. */
lofi_code lofi_styles_find(const lofi_style **out, const lofi_styles *styles, const char *style_id,
                           lofi_error *err) LOFI_MUST_USE;

/* Whether a tag of the category vocal_type says that there are words. */
bool lofi_voice_has_words(const char *vocal_type);
/* Whether a style is sung or spoken in words, so that its tracks need lyrics. Humming, wordless and chopped voices need
 * none. */
bool lofi_style_has_words(const lofi_style *style);

#endif
