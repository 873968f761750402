/* dialogue_internal.h - what the files of the dialogue share: its states, and how an entry is answered. */
#ifndef LOFI_CATALOG_DIALOGUE_INTERNAL_H
#define LOFI_CATALOG_DIALOGUE_INTERNAL_H

#include "base/memory.h"
#include "catalog/dialogue.h"
#include "catalog/mapping.h"
#include "catalog/tag_line.h"

/* One step of /undo: all that an entry can change. */
typedef struct dialogue_state {
    lofi_tag_line line;
    const lofi_style *styles[LOFI_TRACK_STYLES_MAX];
    size_t style_count;
    const char *lyrics; /* what /lyrics asked for; NULL: nothing */
} dialogue_state;

struct lofi_dialogue {
    lofi_dialogue_setting setting;
    lofi_arena *arena;
    const char **pool; /* every text that a state borrows, once */
    size_t pool_count, pool_capacity;
    dialogue_state *states; /* from the beginning to the last that /redo reaches */
    size_t count, capacity, at;
    bool asks_style, quit_asked;
};

/* The answer to one entry. */
typedef struct dialogue_reply {
    lofi_dialogue_outcome outcome;
    lofi_buffer *text;
    size_t begin; /* where the answer begins in `text` */
} dialogue_reply;

#define TELL(reply, ...) lofi_buffer_printf((reply)->text, __VA_ARGS__)
/* One sentence in the place of all that was said so far. */
#define REFUSE(reply, ...)                                                                                             \
    do {                                                                                                               \
        (reply)->outcome = LOFI_DIALOGUE_REFUSED;                                                                      \
        (reply)->text->size = (reply)->begin;                                                                          \
        lofi_buffer_printf((reply)->text, __VA_ARGS__);                                                                \
    } while (0)

const dialogue_state *lofi_dialogue_now(const lofi_dialogue *dialogue);
/* The same text with the life of the dialogue; NULL when memory is out. */
const char *lofi_dialogue_keep(lofi_dialogue *dialogue, const char *text);
/* Whether the vocabulary knows a tag or alias; then its canonical form and category. */
bool lofi_dialogue_knows(char canonical[LOFI_TAG_BYTES], lofi_tag_category *category, const lofi_dialogue *dialogue,
                         const char *tag);
/* Copies the state of now, to be changed and pushed. */
lofi_code lofi_dialogue_copy_state(dialogue_state *to, const lofi_dialogue *dialogue, lofi_error *err) LOFI_MUST_USE;
/* Makes *state, which is taken whatever happens, the state of now, unless it is no other than that. */
lofi_code lofi_dialogue_push(lofi_dialogue *dialogue, dialogue_reply *reply, dialogue_state *state,
                             lofi_error *err) LOFI_MUST_USE;

/* The line of these styles becomes the state of now. */
lofi_code lofi_dialogue_start(lofi_dialogue *dialogue, dialogue_reply *reply, const lofi_style *const *styles,
                              size_t count, lofi_error *err) LOFI_MUST_USE;
/* Finds the styles that a text names: ids and names, between commas, ids also between spaces. *count is 0 after a refusal. */
void lofi_dialogue_find_styles(const lofi_dialogue *dialogue, dialogue_reply *reply, const char *text,
                               const lofi_style *found[LOFI_TRACK_STYLES_MAX], size_t *count);
/* Whether its voice sings or speaks in words. */
bool lofi_dialogue_has_words(const lofi_tag_line *line);
/* Appends the line by categories. */
void lofi_dialogue_show(lofi_buffer *text, const lofi_dialogue *dialogue);
/* "vocal type": the name of a category as it is shown. */
void lofi_dialogue_category_name(char name[32], lofi_tag_category category);

/* An entry that begins with '/'. */
lofi_code lofi_dialogue_command(lofi_dialogue *dialogue, dialogue_reply *reply, const char *entry,
                                lofi_error *err) LOFI_MUST_USE;
/* An entry of tags. */
lofi_code lofi_dialogue_tags(lofi_dialogue *dialogue, dialogue_reply *reply, const char *entry,
                             lofi_error *err) LOFI_MUST_USE;

/* The commands, "style" ..., for the completion; ends with NULL. */
extern const char *const lofi_dialogue_commands[];
/* Whether a command takes something behind it. */
bool lofi_dialogue_takes_argument(const char *command);

/* Copies `text` of `size` bytes without the spaces around it and with single spaces inside; `tidy` has room for it. */
void lofi_dialogue_tidy(char *tidy, const char *text, size_t size);

#endif
