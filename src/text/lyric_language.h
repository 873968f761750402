/* lyric_language.h - how lyrics of one language are spelled before they are cut into tokens. One file per language
 * (lyric_language_CODE.c) with one descriptor; lyric_language.c lists them and runs the common steps.
 *
 * The steps, as upstream takes them (acestep/models/lyrics_utils/lyric_tokenizer.py): double quotes removed, lower case,
 * numbers spelled out, abbreviations spelled out, symbols replaced by words, whitespace collapsed.
 */
#ifndef LOFI_TEXT_LYRIC_LANGUAGE_H
#define LOFI_TEXT_LYRIC_LANGUAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "text/number_words.h"
#include "text/romanize.h"

typedef struct lofi_lyric_language {
    const char *code; /* "en" */
    const char *name; /* "English" */
    const char *mark; /* what begins its lines: "[en]" */
    /* Pairs {short, long}, in order, ended by NULL; the short one stands at the beginning of a word and ends with a dot,
     * unless abbreviation_words: then it is a whole word. */
    const char *const (*abbreviations)[2];
    bool abbreviation_words;
    const char *symbols[7];           /* words for & @ % # $ £ °, with their spaces; NULL: symbols stay */
    bool dotted_capital;              /* Turkish: capital I with dot is i */
    bool comma_groups;                /* 1,234.5 and not 1.234,5 */
    const char *ordinal_endings;      /* regular expression of what follows an ordinal's digits */
    const lofi_number_words *numbers; /* NULL: digits stay and the line counts as approximated */
    lofi_code (*rewrite)(lofi_buffer *text, lofi_error *err); /* numbers in this language's own way, or NULL */
    bool latin;                                               /* written in Latin letters */
    bool plain;                                               /* only lower case and whitespace */
    bool untouched;                                           /* not cleaned before it is romanised */
    lofi_romanize_fn *romanize;                               /* into Latin letters, or NULL */
    const char *missing; /* why its romanised lines are approximated where they are, or NULL */
} lofi_lyric_language;

/* In which way the spelling may differ from upstream's: bits. GUESSED: taken for English for its script, with letters that
 * English does without. */
enum { LOFI_LYRIC_EXACT = 0, LOFI_LYRIC_WITHOUT_CLEANER = 1, LOFI_LYRIC_NUMBERS_KEPT = 2, LOFI_LYRIC_GUESSED = 4 };

/* By its code ("en", "zh-cn" too), or NULL. */
const lofi_lyric_language *lofi_lyric_language_find(const char *code);
/* By number from 0, NULL behind the last. */
const lofi_lyric_language *lofi_lyric_language_at(size_t index);

/* The steps before the text is romanised: appends the cleaned line to `out` and sets *approximation. */
lofi_code lofi_lyric_clean(const lofi_lyric_language *language, const char *line, size_t size, lofi_buffer *out,
                           unsigned *approximation, lofi_error *err) LOFI_MUST_USE;
/* Appends the spelled line to `out` and sets *approximation. `line` is UTF-8 without a newline. */
lofi_code lofi_lyric_spell(const lofi_lyric_language *language, lofi_romanizers *romanizers, const char *line,
                           size_t size, lofi_buffer *out, unsigned *approximation, lofi_error *err) LOFI_MUST_USE;

/* Most of the letters: Latin -> "en", kana -> "ja", Hangul -> "ko", Han -> "zh", Cyrillic -> "ru", Arabic -> "ar",
 * Devanagari -> "hi"; no letters -> "en". Upstream asks a statistical model instead, which also tells languages of one
 * script apart: this does not. */
const lofi_lyric_language *lofi_lyric_language_detect(const char *text, size_t size);

#endif
