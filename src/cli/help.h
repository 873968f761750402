/* help.h - texts made from the tables: --help, the list of commands, manual pages, completion.
 *
 * All append to a buffer; the caller checks and prints it.
 */
#ifndef LOFI_CLI_HELP_H
#define LOFI_CLI_HELP_H

#include "base/buffer.h"
#include "cli/command.h"

/* `lofi --help`. `group`: only the commands whose first word it is ("audio"), or NULL for all. */
void lofi_help_program(lofi_buffer *out, const char *group);
/* `lofi COMMAND --help`. */
void lofi_help_command(lofi_buffer *out, const lofi_command *command);
/* One manual page (roff, man macros): of a command, or of the program when NULL. */
void lofi_help_manual(lofi_buffer *out, const lofi_command *command);
/* The script that completes commands and options in bash, for the program and its aliases. */
void lofi_help_bash(lofi_buffer *out);
/* The names under which the program can be started besides its own, one a line, each once. */
void lofi_help_aliases(lofi_buffer *out);
/* The names of the commands, one a line. */
void lofi_help_commands(lofi_buffer *out);

#endif
