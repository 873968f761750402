/* options.h - from the words of the command line to the settings of a command, by its table of options.
 *
 * Understood: --name VALUE, --name=VALUE, flags without a value, -h -v -q (also together), "--" as the end of the
 * options, negative numbers as values, positional arguments anywhere. Reported in one sentence with a hint: unknown
 * (with the closest known), missing, repeated, unreadable, out of range.
 */
#ifndef LOFI_CLI_OPTIONS_H
#define LOFI_CLI_OPTIONS_H

#include "cli/command.h"

/* The flags of every command. */
typedef struct lofi_common {
    bool help, version, verbose, quiet, json, dry_run;
} lofi_common;

/* Their table; ends with a zeroed entry. The offsets point into lofi_common. */
extern const lofi_option lofi_common_options[];

/* Whether `argument` is one of the common flags; then it is noted in *common. */
bool lofi_common_take(lofi_common *common, const char *argument);

/* Fills `settings` (zeroed, command->settings_bytes) and *common from `arguments`, and given[i] for every option of the
 * table. With --help nothing but *common is complete. Texts are borrowed from `arguments` and from context->arena. */
lofi_code lofi_options_parse(void *settings, lofi_common *common, bool *given, lofi_context *context,
                             const lofi_command *command, const char *const *arguments, size_t count,
                             lofi_error *err) LOFI_MUST_USE;

/* The number of options of a command. */
size_t lofi_options_count(const lofi_command *command);

#endif
