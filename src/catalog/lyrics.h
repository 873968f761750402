/* lyrics.h - lyrics files: "[Instrumental]" alone, or sections such as [Intro] [Verse] [Chorus] [Bridge] [Outro].
 *
 * Section form:
 *   - UTF-8, lines end in a newline, nothing white at their ends, no byte order mark
 *   - every section begins with its mark alone on a line: [Intro] [Verse] [Chorus] [Bridge] [Outro] [Instrumental]
 *   - one empty line before each mark but the first; stanzas within a section are parted by one empty line; no others
 *
 * Other ways to write a mark are known (lyrics_marks.h). Words are never lost on the way into section form; what else stands in a
 * mark, as a number, "x2" or the name of a singer, is.
 */
#ifndef LOFI_CATALOG_LYRICS_H
#define LOFI_CATALOG_LYRICS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

/* What a lyrics file of a track without words holds. */
#define LOFI_LYRICS_INSTRUMENTAL "[Instrumental]\n"

/* Whether a text says that there are no words: nothing but white space and "[Instrumental]", in any case of letters. */
bool lofi_lyrics_are_instrumental(const char *text, size_t size);

/* LOFI_ERR_FORMAT unless the bytes are UTF-8 without a zero byte. */
lofi_code lofi_lyrics_are_text(const char *text, size_t size, lofi_error *err) LOFI_MUST_USE;

/* Appends an LRC file's text without times ("[01:23.45]", also several on a line, and "<01:23.45>" between words) and without lines
 * such as "[ar:...]". A line with several times is sung as often, and stays one line. */
lofi_code lofi_lyrics_strip_times(lofi_buffer *out, const char *text, size_t size, lofi_error *err) LOFI_MUST_USE;

/* Appends the text in section form; nothing where there is nothing but white space. Words before the first mark become a [Verse]; a
 * text without any mark becomes one [Verse] for each stanza. An unknown mark begins a section and stays as it is. What is in section
 * form comes out as it went in. LOFI_ERR_FORMAT as lofi_lyrics_are_text. */
lofi_code lofi_lyrics_form(lofi_buffer *out, const char *text, size_t size, lofi_error *err) LOFI_MUST_USE;

/* What a person should look at: marks that are not known, times, and the first line that is not in section form (white space and
 * empty lines do not matter). `line` counts from 1. Everything in `what` may be shown: no control characters, at most 255 bytes of
 * UTF-8. LOFI_ERR_FORMAT as lofi_lyrics_are_text. */
typedef void lofi_lyrics_finding_fn(void *user, size_t line, const char *what);
lofi_code lofi_lyrics_check(const char *text, size_t size, lofi_lyrics_finding_fn *tell, void *user,
                            lofi_error *err) LOFI_MUST_USE;

#endif
