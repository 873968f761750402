/* style_files.h - the presets and the vocabulary that go together, as the commands about styles take them. */
#ifndef LOFI_CLI_STYLE_FILES_H
#define LOFI_CLI_STYLE_FILES_H

#include "catalog/styles.h"
#include "catalog/tags.h"
#include "cli/command.h"

typedef struct lofi_style_files {
    lofi_vocabulary *vocabulary;
    lofi_styles *styles;
    const char *presets_path, *vocabulary_path; /* what was read; borrowed from the context */
} lofi_style_files;

/* presets NULL: the installed ones. vocabulary NULL: tag_vocabulary.json beside the presets, else the installed one. On failure
 * what was loaded stays in *files, to be freed as after a success. */
lofi_code lofi_style_files_load(lofi_style_files *files, lofi_context *context, const char *presets,
                                const char *vocabulary, lofi_error *err) LOFI_MUST_USE;
void lofi_style_files_free(lofi_style_files *files); /* zeroes it; fine on a zeroed one */

#endif
