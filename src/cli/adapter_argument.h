/* adapter_argument.h - PATH[:WEIGHT] on the command line: adapters, and at how many times their own effect. */
#ifndef LOFI_CLI_ADAPTER_ARGUMENT_H
#define LOFI_CLI_ADAPTER_ARGUMENT_H

#include "cli/command.h"
#include "lora/lora_file.h"

/* As many as list->count. Paths are expanded, the weight is 1 where a text names none; all is borrowed from the context. `option`
 * is named in messages. A path that holds a colon and is there is a path. */
lofi_code lofi_adapter_arguments(const lofi_adapter_choice **out, lofi_context *context, const char *option,
                                 const lofi_list *list, lofi_error *err) LOFI_MUST_USE;

#endif
