/* terminal.h - lines that somebody types, or that a script holds.
 *
 * Standard input and the text are terminals: with libedit, where the build has it, lines are edited, TAB completes and the
 * arrow keys bring earlier lines back. Else lines are read plainly. Where standard input is no terminal, each line is
 * shown behind its prompt, so that the text can be read as a transcript.
 *
 * While it is open SIGINT and SIGTERM end the waiting for a line, and do nothing else.
 */
#ifndef LOFI_CLI_TERMINAL_H
#define LOFI_CLI_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/error.h"
#include "catalog/dialogue.h"

typedef struct lofi_terminal_setting {
    FILE *text; /* where prompts are shown */
    bool quiet; /* no plain prompts, no transcript */
    /* What a line that begins like this may go on with; NULL: no completion. */
    lofi_code (*complete)(void *user, lofi_completions *out, const char *begin, lofi_error *err);
    void *user;
} lofi_terminal_setting;

typedef enum lofi_terminal_event {
    LOFI_TERMINAL_LINE,
    LOFI_TERMINAL_END, /* of the input, or Ctrl-D; at a terminal there may be more lines after it */
    LOFI_TERMINAL_INTERRUPTED
} lofi_terminal_event;

typedef struct lofi_terminal lofi_terminal;

/* *out is yours. There is one at a time. */
lofi_code lofi_terminal_open(lofi_terminal **out, const lofi_terminal_setting *setting, lofi_error *err) LOFI_MUST_USE;
void lofi_terminal_close(lofi_terminal *terminal); /* NULL is fine */

/* Whether a person types: standard input is a terminal. */
bool lofi_terminal_is_typed(const lofi_terminal *terminal);
/* Whether the text may be coloured: it goes to a terminal that is not dumb, and NO_COLOR is not set. */
bool lofi_terminal_is_coloured(const lofi_terminal *terminal);

/* Reads one line into *line, which is replaced, without its end. Of a very long one only the beginning, longer than
 * LOFI_DIALOGUE_ENTRY_BYTES, is kept. */
lofi_code lofi_terminal_read(lofi_terminal *terminal, lofi_terminal_event *event, lofi_buffer *line, const char *prompt,
                             lofi_error *err) LOFI_MUST_USE;

#endif
