/* dialogue.h - the prompt of one song, made in a dialogue: what is entered, and what is answered.
 *
 * A state machine without a terminal: it takes entries one by one and gives text to show. Reading lines, showing text and
 * writing the files is the caller's.
 *
 * Entries (lofi_dialogue_enter):
 *     TAG, TAG ...        adds tags; an alias leads to its canonical form; of an entry with an unknown tag nothing is added
 *     -TAG                removes one; may stand among others in one entry
 *     NN bpm              replaces the tempo, number and word
 *     /style ID ...       starts again from one or several styles, ids or names
 *     /suggest [CATEGORY] /undo /redo /lyrics [instrumental|FILE] /show /help /save /quit
 *     # ...               a comment
 * Before the first line there is one question, unless styles are given or a prompt is there: which style.
 *
 * The line is always in the order of a prompt (catalog/prompt.h), no tag twice.
 */
#ifndef LOFI_CATALOG_DIALOGUE_H
#define LOFI_CATALOG_DIALOGUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "catalog/prompt.h"
#include "catalog/styles.h"
#include "catalog/tags.h"

#define LOFI_DIALOGUE_ENTRY_BYTES  4096               /* the longest entry */
#define LOFI_DIALOGUE_PROMPT_BYTES ((size_t)64 << 10) /* the longest prompt to begin with */
#define LOFI_DIALOGUE_LYRICS_BYTES ((size_t)1 << 20)  /* the longest lyrics */

typedef struct lofi_dialogue_setting {
    const lofi_vocabulary *vocabulary; /* all borrowed, for as long as the dialogue lives */
    const lofi_styles *styles;
    const char *track_id;
    const lofi_style *const *chosen; /* at most LOFI_TRACK_STYLES_MAX; none: it is asked for one */
    size_t chosen_count;
    lofi_prompt_facts facts; /* what was measured of the song; zeroed: nothing */
    const char
        *prompt; /* the text of the prompt file that is there: the dialogue begins with it; NULL or blank: none */
    const char *lyrics; /* the text of the lyrics file that is there; NULL: none */
} lofi_dialogue_setting;

typedef enum lofi_dialogue_outcome {
    LOFI_DIALOGUE_TOLD,    /* an answer, the line is as before */
    LOFI_DIALOGUE_CHANGED, /* the line is another one, or the lyrics are */
    LOFI_DIALOGUE_REFUSED, /* not understood or not possible: one sentence says why; nothing changed */
    LOFI_DIALOGUE_SAVE,    /* the user wants it written, and it may be */
    LOFI_DIALOGUE_QUIT     /* the user wants to leave without writing */
} lofi_dialogue_outcome;

typedef struct lofi_dialogue lofi_dialogue;

/* *out is yours; what there is to say at the beginning is appended to `text`. LOFI_ERR_FORMAT for a prompt that holds bytes
 * that are no text. */
lofi_code lofi_dialogue_new(lofi_dialogue **out, lofi_buffer *text, const lofi_dialogue_setting *setting,
                            lofi_error *err) LOFI_MUST_USE;
void lofi_dialogue_free(lofi_dialogue *dialogue); /* NULL is fine */

/* Whether the style is still asked for; then there is no line yet. */
bool lofi_dialogue_asks_style(const lofi_dialogue *dialogue);

/* Takes one entry, `size` bytes without newline, and appends the answer, whole lines, to `text`. A failure is one of memory
 * only. */
lofi_code lofi_dialogue_enter(lofi_dialogue *dialogue, lofi_dialogue_outcome *outcome, lofi_buffer *text,
                              const char *entry, size_t size, lofi_error *err) LOFI_MUST_USE;

/* ---- what there is now ---- */

/* Appends the prompt, without newline. */
void lofi_dialogue_line(lofi_buffer *text, const lofi_dialogue *dialogue);
/* Appends how long it is, and a warning when it is too long: one line each. */
void lofi_dialogue_length(lofi_buffer *text, const lofi_dialogue *dialogue);
/* The styles that the line was begun with; none when it was begun with a file. */
const lofi_style *const *lofi_dialogue_styles(const lofi_dialogue *dialogue, size_t *count);
/* What the lyrics file is to hold; NULL: it is left as it is. Borrowed. *asked: /lyrics said so. */
const char *lofi_dialogue_lyrics(const lofi_dialogue *dialogue, bool *asked);
/* Whether anything differs from the beginning. */
bool lofi_dialogue_is_changed(const lofi_dialogue *dialogue);

/* What is wrong with bytes that are to be shown or kept, as the end of "holds ..."; NULL: nothing. */
const char *lofi_dialogue_fault(const char *text, size_t size);

/* ---- completion ---- */

typedef struct lofi_completions {
    size_t start;  /* byte of the entry from which on a candidate stands in the place of what is there */
    size_t common; /* how many bytes at their beginning all candidates share */
    char **items;  /* sorted, each once */
    size_t count, capacity;
} lofi_completions;

/* What an entry that begins like this may go on with. *out is yours, also when there is none. */
lofi_code lofi_dialogue_complete(lofi_completions *out, const lofi_dialogue *dialogue, const char *entry,
                                 lofi_error *err) LOFI_MUST_USE;
void lofi_completions_free(lofi_completions *completions); /* zeroes it */

#endif
