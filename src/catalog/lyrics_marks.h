/* lyrics_marks.h - what a line of lyrics is: a section mark in one of its many spellings, or words.
 *
 * A mark is
 *     [Verse]  [VERSE 1]  [Verse 2: Singer]  [Chorus - all]  [Chorus] words   in square brackets, words may follow
 *     (Chorus)  {Bridge}  <Outro>  ## Bridge  **Verse 2**  --- Intro ---      alone on its line
 *     Verse 2:  Verse 2: words                                                with a colon
 *     Verse 2                                                                 with a number, alone on its line
 * in any case of letters; numbers, "x2", "final", "repeat" and the like do not matter. Names and what they become:
 *     [Intro]         intro, introduction, opening
 *     [Verse]         verse, stanza, rap, pre-chorus (it is sung towards the chorus, and is none), strophe, couplet, verso
 *     [Chorus]        chorus, refrain, hook, post-chorus, estribillo, coro
 *     [Bridge]        bridge, middle eight, breakdown, puente
 *     [Outro]         outro, coda, ending, end
 *     [Instrumental]  instrumental, inst, interlude, solo, break, drop
 * Names that are also words of songs ("end", "break", "opening" ...) count in square brackets only.
 */
#ifndef LOFI_CATALOG_LYRICS_MARKS_H
#define LOFI_CATALOG_LYRICS_MARKS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum lofi_lyrics_kind {
    LOFI_LYRICS_BLANK,
    LOFI_LYRICS_WORDS,
    LOFI_LYRICS_MARK,
    LOFI_LYRICS_UNKNOWN_MARK /* something else alone on its line in square brackets */
} lofi_lyrics_kind;

typedef struct lofi_lyrics_part {
    lofi_lyrics_kind kind;
    const char *mark;  /* MARK: "[Verse]" */
    const char *words; /* WORDS, UNKNOWN_MARK: borrowed from the line, nothing white at the end */
    size_t size;
} lofi_lyrics_part;

/* The first part of a line; *line and *size become what is behind it, which is empty except behind a mark. */
lofi_lyrics_part lofi_lyrics_next_part(const char **line, size_t *size);

/* The line that begins at *text: without its end ("\n", "\r\n", "\r"), and *text and *left go behind it. */
const char *lofi_lyrics_next_line(const char **text, size_t *left, size_t *size);

/* The mark that is most like what stands in brackets, "[Vrese]": NULL when none is. */
const char *lofi_lyrics_nearest_mark(const char *line, size_t size);
/* The mark that a line without any sign of one may mean: "Chorus". NULL: none. */
const char *lofi_lyrics_bare_mark(const char *line, size_t size);

/* Length of the time at the beginning, "[01:23.45]" or "<01:23>"; 0: none. */
size_t lofi_lyrics_time(const char *text, size_t size);

bool lofi_lyrics_is_white(char character); /* space, tab, vertical tab, form feed */
/* Takes white characters off both ends. */
void lofi_lyrics_trim(const char **text, size_t *size);

#endif
