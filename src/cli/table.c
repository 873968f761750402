/* table.c - see table.h. */
#include "cli/table.h"

#define LOFI_GROUP(title)
#define LOFI_COMMAND(symbol) extern const lofi_command symbol;
#include "cli/commands.h"
#undef LOFI_GROUP
#undef LOFI_COMMAND

#define LOFI_GROUP(title)    {title, NULL},
#define LOFI_COMMAND(symbol) {NULL, &symbol},
static const lofi_table_entry entries[] = {
#include "cli/commands.h"
};
#undef LOFI_GROUP
#undef LOFI_COMMAND

#define ENTRIES (sizeof entries / sizeof entries[0])

const lofi_table_entry *lofi_table(size_t *count) {
    *count = ENTRIES;
    return entries;
}

/* How many words of `name` ("audio process") are the first of `words`; 0 unless all of them are. */
static size_t matching_words(const char *name, const char *const *words, size_t count) {
    size_t matched = 0;
    while (*name != '\0') {
        size_t length = strcspn(name, " ");
        if (matched == count || strlen(words[matched]) != length || memcmp(words[matched], name, length) != 0) return 0;
        matched++;
        name += length;
        if (*name == ' ') name++;
    }
    return matched;
}

static const char *name_of(const lofi_command *command, bool aliases) {
    return aliases ? command->alias : command->name;
}

const lofi_command *lofi_table_find(const char *const *words, size_t count, bool aliases, size_t *used) {
    const lofi_command *best = NULL;
    size_t most = 0;
    for (size_t i = 0; i < ENTRIES; i++) {
        const lofi_command *command = entries[i].command;
        if (command == NULL || name_of(command, aliases) == NULL) continue;
        size_t matched = matching_words(name_of(command, aliases), words, count);
        if (matched > most) {
            most = matched;
            best = command;
        }
    }
    if (best != NULL) *used = most;
    return best;
}

static bool first_word_is(const char *name, const char *word, bool several) {
    size_t length = strlen(word);
    if (length == 0 || strncmp(name, word, length) != 0) return false;
    return name[length] == ' ' || (!several && name[length] == '\0');
}

bool lofi_table_is_group(const char *word, bool aliases) {
    for (size_t i = 0; i < ENTRIES; i++) {
        const lofi_command *command = entries[i].command;
        if (command == NULL || name_of(command, aliases) == NULL) continue;
        if (first_word_is(name_of(command, aliases), word, true)) return true;
    }
    return false;
}

bool lofi_table_is_alias(const char *program) {
    for (size_t i = 0; i < ENTRIES; i++) {
        const lofi_command *command = entries[i].command;
        if (command != NULL && command->alias != NULL && first_word_is(command->alias, program, false)) return true;
    }
    return false;
}

/* ---- likeness ---- */

#define LONGEST 63

/* Edits (insert, delete, replace, swap of neighbours) from a to b; texts longer than LONGEST are never alike. */
static size_t distance(const char *a, const char *b) {
    size_t length_a = strlen(a), length_b = strlen(b);
    if (length_a > LONGEST || length_b > LONGEST) return SIZE_MAX;
    size_t rows[3][LONGEST + 1];
    for (size_t j = 0; j <= length_b; j++) rows[0][j] = j;
    for (size_t i = 1; i <= length_a; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= length_b; j++) {
            size_t edits = above[j - 1] + (a[i - 1] != b[j - 1]);
            if (above[j] + 1 < edits) edits = above[j] + 1;
            if (row[j - 1] + 1 < edits) edits = row[j - 1] + 1;
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && two_above[j - 2] + 1 < edits) edits = two_above[j - 2] + 1;
            row[j] = edits;
        }
    }
    return rows[length_a % 3][length_b];
}

const char *lofi_closest(const char *typed, const char *const *candidates, size_t count) {
    const char *best = NULL;
    size_t fewest = SIZE_MAX, length = strlen(typed);
    for (size_t i = 0; i < count; i++) {
        size_t edits = distance(typed, candidates[i]);
        if (length >= 3 && strncmp(typed, candidates[i], length) == 0) edits = 1;
        if (edits < fewest) {
            fewest = edits;
            best = candidates[i];
        }
    }
    size_t allowed = length <= 3 ? 1 : length <= 6 ? 2 : 3;
    return fewest <= allowed ? best : NULL;
}
