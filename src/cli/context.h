/* context.h - setting up and ending the context that a command gets (command.h has what commands call). */
#ifndef LOFI_CLI_CONTEXT_H
#define LOFI_CLI_CONTEXT_H

#include "cli/command.h"

/* One line of the environment table, for the help and for `lofi doctor`. */
typedef struct lofi_variable {
    const char *name, *fallback, *help;
    bool path; /* must lead somewhere when it is set */
} lofi_variable;

/* The table; ends with a zeroed entry. */
extern const lofi_variable lofi_variables[];

/* Prints a failure: on standard error as "error: ..." and "hint: ...", with --json as a document on standard output
 * (unless a document went out before). */
void lofi_print_failure(lofi_context *context, const lofi_error *failure);
/* Ends standard output: a full disk or a closed pipe that was not noticed yet is a failure. */
lofi_code lofi_finish_output(lofi_error *err) LOFI_MUST_USE;
/* A text to standard output: help, manual pages, lists. */
void lofi_print_text(const char *text);

#endif
