/* nested.h - one command running another, as if the user had typed it: for the demonstration. */
#ifndef LOFI_CLI_NESTED_H
#define LOFI_CLI_NESTED_H

#include "cli/command.h"

/* Shows "$ lofi WORDS..." and runs it with the flags --quiet and --verbose of `context`. The command's own exit status (audio
 * process: some files failed) comes back in *status. */
lofi_code lofi_run_nested(lofi_context *context, const char *const *words, size_t count, int *status,
                          lofi_error *err) LOFI_MUST_USE;

#endif
