/* adapter_argument.h - PATH[:WEIGHT] on the command line: an adapter, and at how many times its own effect. */
#ifndef LOFI_CLI_ADAPTER_ARGUMENT_H
#define LOFI_CLI_ADAPTER_ARGUMENT_H

#include "cli/command.h"

/* *path is expanded and borrowed from the context, *strength is 1 where `text` names none. `option` is named in messages. A path
 * that holds a colon and is there is a path. */
lofi_code lofi_adapter_argument(const char **path, float *strength, lofi_context *context, const char *option,
                                const char *text, lofi_error *err) LOFI_MUST_USE;

#endif
