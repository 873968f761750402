/* table.h - finding a command by the words that a user typed. */
#ifndef LOFI_CLI_TABLE_H
#define LOFI_CLI_TABLE_H

#include "cli/command.h"

/* One line of the list: a heading (command NULL) or a command. */
typedef struct lofi_table_entry {
    const char *group;
    const lofi_command *command;
} lofi_table_entry;

/* The list of commands.h; *count is its length. */
const lofi_table_entry *lofi_table(size_t *count);

/* The command whose name (aliases false) or alias (aliases true) is made of the first words; the longest wins. *used is
 * the number of words it took. NULL: none. */
const lofi_command *lofi_table_find(const char *const *words, size_t count, bool aliases, size_t *used);
/* Whether some command's name (or alias) has `word` as the first of several words. */
bool lofi_table_is_group(const char *word, bool aliases);
/* Whether some alias begins with this word: the names by which the program may be started. */
bool lofi_table_is_alias(const char *program);

/* The candidate that is most like `typed`, or NULL when none is close enough: for "did you mean". */
const char *lofi_closest(const char *typed, const char *const *candidates, size_t count);

#endif
