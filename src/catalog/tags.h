/* tags.h - the tag vocabulary: seven lists of known tags, and aliases that lead to one canonical form each.
 *
 * File (config/tag_vocabulary.json):
 *     {"categories": [{"category": "genre", "tags": ["lofi", ...], "canonical_forms": {"lo-fi": "lofi", ...}}, ...]}
 * All seven categories must be there. A tag or alias belongs to one category only; an alias leads to a tag of its own
 * category. Besides the words that are listed, the category tempo knows every whole number from 20 to 300 with "bpm", and
 * production the 24 keys (lofi_key_tag).
 */
#ifndef LOFI_CATALOG_TAGS_H
#define LOFI_CATALOG_TAGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* In the order in which they stand in a prompt. */
typedef enum lofi_tag_category {
    LOFI_TAG_GENRE,
    LOFI_TAG_MOOD,
    LOFI_TAG_INSTRUMENTS,
    LOFI_TAG_TEMPO,
    LOFI_TAG_PRODUCTION,
    LOFI_TAG_ATMOSPHERE,
    LOFI_TAG_VOCAL_TYPE
} lofi_tag_category;
enum { LOFI_TAG_CATEGORIES = 7 };

#define LOFI_TAG_BYTES 65 /* the longest tag, 64 bytes, and the zero */
#define LOFI_BPM_MIN   20
#define LOFI_BPM_MAX   300

/* "genre", "mood", "instruments", "tempo", "production", "atmosphere", "vocal_type". */
const char *lofi_tag_category_name(lofi_tag_category category);

typedef struct lofi_vocabulary lofi_vocabulary;

/* *out is yours. LOFI_ERR_NOT_FOUND without the file, LOFI_ERR_FORMAT when a rule above is broken (the message names the
 * file and the tag). */
lofi_code lofi_vocabulary_load(lofi_vocabulary **out, const char *path, lofi_error *err) LOFI_MUST_USE;
void lofi_vocabulary_free(lofi_vocabulary *vocabulary); /* NULL is fine */

/* The listed tags of a category in the order of the file, borrowed; *count is how many. */
const char *const *lofi_vocabulary_tags(const lofi_vocabulary *vocabulary, lofi_tag_category category, size_t *count);

/* Every spelling that is known, tags and aliases, borrowed; *count is how many. */
const char *const *lofi_vocabulary_spellings(const lofi_vocabulary *vocabulary, size_t *count);

/* The form in which tags are compared: ASCII letters lower-case, spaces around removed, runs of spaces one space.
 * LOFI_ERR_FORMAT for an empty tag, one over 64 bytes, and one with a comma or a control character (prompts are split
 * at commas). */
lofi_code lofi_tag_normalize(char normal[LOFI_TAG_BYTES], const char *text, lofi_error *err) LOFI_MUST_USE;

/* The canonical form of a tag or alias and its category. An unknown tag is LOFI_ERR_FORMAT, and the message names the
 * nearest known one. */
lofi_code lofi_vocabulary_find(char canonical[LOFI_TAG_BYTES], lofi_tag_category *category,
                               const lofi_vocabulary *vocabulary, const char *text, lofi_error *err) LOFI_MUST_USE;

/* The tag of a musical key: "c major", "f# minor". Letters are lower-case and black keys sharps, whatever is given: "F# minor",
 * "Gb min", "g flat minor", "G-flat minor". False, and *canonical untouched, for what is no key. */
bool lofi_key_tag(char canonical[LOFI_TAG_BYTES], const char *text);

/* The word for a speed: "slow tempo" below 72 bpm, "laid-back tempo" below 82, "medium tempo" below 96, "groovy tempo"
 * below 110, else "upbeat tempo". */
const char *lofi_tempo_word(int bpm);

#endif
