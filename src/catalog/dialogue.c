/* dialogue.c - the states of the dialogue, how it begins, and who answers an entry. */
#include "catalog/dialogue_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "catalog/lyrics.h"
#include "catalog/prompt.h"

#define POOL_TEXTS_MAX ((size_t)1 << 20)
#define STATES_MAX     ((size_t)1 << 24)

/* ---- texts ---- */

void lofi_dialogue_tidy(char *tidy, const char *text, size_t size) {
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        bool space = text[i] == ' ';
        if (space && (used == 0 || tidy[used - 1] == ' ')) continue;
        tidy[used++] = text[i];
    }
    if (used > 0 && tidy[used - 1] == ' ') used--;
    tidy[used] = '\0';
}

const char *lofi_dialogue_fault(const char *text, size_t size) {
    static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD: where somebody before us met such bytes */
    if (!lofi_utf8_valid(text, size) || memmem(text, size, replacement, 3)) return "bytes that are not UTF-8";
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte < 0x20 || byte == 0x7f) return "a control character";
        /* U+0080 to U+009F steer terminals, too. */
        if (byte == 0xc2 && i + 1 < size && (unsigned char)text[i + 1] < 0xa0) return "a control character";
    }
    return NULL;
}

const char *lofi_dialogue_keep(lofi_dialogue *dialogue, const char *text) {
    for (size_t i = 0; i < dialogue->pool_count; i++)
        if (strcmp(dialogue->pool[i], text) == 0) return dialogue->pool[i];
    void *pool = dialogue->pool;
    if (lofi_grow(&pool, &dialogue->pool_capacity, dialogue->pool_count + 1, sizeof(char *), POOL_TEXTS_MAX, NULL) !=
        LOFI_OK)
        return NULL;
    dialogue->pool = pool;
    const char *copy = lofi_arena_strdup(dialogue->arena, text);
    if (copy) dialogue->pool[dialogue->pool_count++] = copy;
    return copy;
}

bool lofi_dialogue_knows(char canonical[LOFI_TAG_BYTES], lofi_tag_category *category, const lofi_dialogue *dialogue,
                         const char *tag) {
    lofi_error problem = LOFI_ERROR_INIT;
    return lofi_vocabulary_find(canonical, category, dialogue->setting.vocabulary, tag, &problem) == LOFI_OK;
}

/* ---- states ---- */

const dialogue_state *lofi_dialogue_now(const lofi_dialogue *dialogue) {
    assert(dialogue->count > 0);
    return &dialogue->states[dialogue->at];
}

lofi_code lofi_dialogue_copy_state(dialogue_state *to, const lofi_dialogue *dialogue, lofi_error *err) {
    const dialogue_state *now = lofi_dialogue_now(dialogue);
    lofi_tag_line line = {0};
    LOFI_TRY(lofi_tag_line_copy(&line, &now->line, err));
    *to = *now;
    to->line = line;
    return LOFI_OK;
}

static bool same_lyrics(const char *left, const char *right) {
    return left == right || (left && right && strcmp(left, right) == 0);
}

static bool same_state(const dialogue_state *left, const dialogue_state *right) {
    return lofi_tag_line_equal(&left->line, &right->line) && same_lyrics(left->lyrics, right->lyrics) &&
           left->style_count == right->style_count &&
           memcmp(left->styles, right->styles, left->style_count * sizeof *left->styles) == 0;
}

lofi_code lofi_dialogue_push(lofi_dialogue *dialogue, dialogue_reply *reply, dialogue_state *state, lofi_error *err) {
    if (dialogue->count && same_state(state, lofi_dialogue_now(dialogue))) {
        lofi_tag_line_free(&state->line);
        return LOFI_OK;
    }
    while (dialogue->count > dialogue->at + 1) lofi_tag_line_free(&dialogue->states[--dialogue->count].line);
    void *states = dialogue->states;
    lofi_code code = lofi_grow(&states, &dialogue->capacity, dialogue->count + 1, sizeof(dialogue_state), STATES_MAX,
                               err);
    if (code != LOFI_OK) {
        lofi_tag_line_free(&state->line);
        return code;
    }
    dialogue->states = states;
    dialogue->at = dialogue->count;
    dialogue->states[dialogue->count++] = *state;
    reply->outcome = LOFI_DIALOGUE_CHANGED;
    return LOFI_OK;
}

/* ---- beginning ---- */

/* Adds what the vocabulary knows under its canonical form, and the rest as it stands. */
static lofi_code add_written(lofi_dialogue *dialogue, lofi_tag_line *line, const char *tag, lofi_error *err) {
    char canonical[LOFI_TAG_BYTES];
    lofi_tag_category category = LOFI_TAG_GENRE;
    bool known = lofi_dialogue_knows(canonical, &category, dialogue, tag);
    const char *kept = lofi_dialogue_keep(dialogue, known ? canonical : tag);
    if (!kept) return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for the dialogue");
    return lofi_tag_line_add(line, kept, known ? (int)category : LOFI_TAG_UNKNOWN, err);
}

/* A prompt is one line; where somebody made several of it, each end of a line parts tags as a comma does. */
static lofi_code read_prompt(lofi_dialogue *dialogue, lofi_tag_line *line, const char *text, lofi_error *err) {
    char *tidy = lofi_arena_alloc(dialogue->arena, strlen(text) + 1);
    if (!tidy) return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for the dialogue");
    while (*text) {
        size_t size = strcspn(text, ",\r\n");
        const char *fault = lofi_dialogue_fault(text, size);
        if (fault) {
            lofi_fail(err, LOFI_ERR_FORMAT, "the prompt that is there holds %s", fault);
            return lofi_hint(err, "repair it in an editor, or remove it");
        }
        lofi_dialogue_tidy(tidy, text, size);
        if (*tidy) LOFI_TRY(add_written(dialogue, line, tidy, err));
        text += size + (text[size] != '\0');
    }
    return LOFI_OK;
}

static lofi_code begin_with_prompt(lofi_dialogue *dialogue, dialogue_reply *reply, lofi_error *err) {
    dialogue_state state = {.style_count = dialogue->setting.chosen_count};
    for (size_t i = 0; i < state.style_count; i++) state.styles[i] = dialogue->setting.chosen[i];
    lofi_code code = read_prompt(dialogue, &state.line, dialogue->setting.prompt, err);
    if (code != LOFI_OK) {
        lofi_tag_line_free(&state.line);
        return code;
    }
    LOFI_TRY(lofi_dialogue_push(dialogue, reply, &state, err));
    size_t unknown = lofi_tag_line_count(&lofi_dialogue_now(dialogue)->line, LOFI_TAG_UNKNOWN);
    lofi_dialogue_show(reply->text, dialogue);
    if (unknown) TELL(reply, "'-TAG' removes what is not in the vocabulary; until then it is kept\n");
    return LOFI_OK;
}

static void ask_style(lofi_dialogue *dialogue, dialogue_reply *reply) {
    const lofi_style *fallback = lofi_styles_get(dialogue->setting.styles, LOFI_STYLE_DEFAULT);
    dialogue->asks_style = true;
    TELL(reply, "Which style? An id or a name; several with commas, the leading one first.\n");
    if (fallback) TELL(reply, "An empty line is %s, %s.\n", fallback->style_id, fallback->name);
}

static bool is_blank(const char *text) {
    return !text || text[strspn(text, " \t\r\n,")] == '\0';
}

static lofi_code begin(lofi_dialogue *dialogue, dialogue_reply *reply, lofi_error *err) {
    const lofi_dialogue_setting *setting = &dialogue->setting;
    if (!is_blank(setting->prompt)) return begin_with_prompt(dialogue, reply, err);
    if (setting->chosen_count) return lofi_dialogue_start(dialogue, reply, setting->chosen, setting->chosen_count, err);
    ask_style(dialogue, reply);
    return LOFI_OK;
}

lofi_code lofi_dialogue_new(lofi_dialogue **out, lofi_buffer *text, const lofi_dialogue_setting *setting,
                            lofi_error *err) {
    assert(setting->chosen_count <= LOFI_TRACK_STYLES_MAX);
    dialogue_reply reply = {.text = text, .begin = text->size};
    lofi_arena *arena = NULL;
    LOFI_TRY(lofi_arena_new(&arena, err));
    lofi_dialogue *dialogue = lofi_arena_alloc(arena, sizeof *dialogue);
    if (!dialogue) {
        lofi_arena_free(arena);
        return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for the dialogue");
    }
    *dialogue = (lofi_dialogue){.setting = *setting, .arena = arena};
    lofi_code code = begin(dialogue, &reply, err);
    if (code == LOFI_OK) code = lofi_buffer_check(text, err);
    if (code == LOFI_OK)
        *out = dialogue;
    else
        lofi_dialogue_free(dialogue);
    return code;
}

void lofi_dialogue_free(lofi_dialogue *dialogue) {
    if (!dialogue) return;
    for (size_t i = 0; i < dialogue->count; i++) lofi_tag_line_free(&dialogue->states[i].line);
    free(dialogue->states);
    free(dialogue->pool);
    lofi_arena_free(dialogue->arena);
}

bool lofi_dialogue_asks_style(const lofi_dialogue *dialogue) {
    return dialogue->asks_style;
}

/* ---- entries ---- */

/* The answer to the question for the style. */
static lofi_code answer_style(lofi_dialogue *dialogue, dialogue_reply *reply, const char *entry, lofi_error *err) {
    const lofi_style *found[LOFI_TRACK_STYLES_MAX];
    size_t count = 0;
    lofi_dialogue_find_styles(dialogue, reply, *entry ? entry : LOFI_STYLE_DEFAULT, found, &count);
    return count ? lofi_dialogue_start(dialogue, reply, found, count, err) : LOFI_OK;
}

static lofi_code answer(lofi_dialogue *dialogue, dialogue_reply *reply, const char *entry, lofi_error *err) {
    if (*entry == '#') return LOFI_OK;
    if (strcmp(entry, "/quit") != 0) dialogue->quit_asked = false;
    if (*entry == '/') return lofi_dialogue_command(dialogue, reply, entry, err);
    if (dialogue->asks_style) return answer_style(dialogue, reply, entry, err);
    return *entry ? lofi_dialogue_tags(dialogue, reply, entry, err) : LOFI_OK;
}

lofi_code lofi_dialogue_enter(lofi_dialogue *dialogue, lofi_dialogue_outcome *outcome, lofi_buffer *text,
                              const char *entry, size_t size, lofi_error *err) {
    char tidy[LOFI_DIALOGUE_ENTRY_BYTES + 1];
    dialogue_reply reply = {.outcome = LOFI_DIALOGUE_TOLD, .text = text, .begin = text->size};
    lofi_code code = LOFI_OK;
    const char *fault = size > LOFI_DIALOGUE_ENTRY_BYTES ? NULL : lofi_dialogue_fault(entry, size);
    if (size > LOFI_DIALOGUE_ENTRY_BYTES)
        REFUSE(&reply, "an entry is at most %d bytes long\n", LOFI_DIALOGUE_ENTRY_BYTES);
    else if (fault)
        REFUSE(&reply, "the entry holds %s\n", fault);
    else {
        lofi_dialogue_tidy(tidy, entry, size);
        code = answer(dialogue, &reply, tidy, err);
    }
    *outcome = reply.outcome;
    return code == LOFI_OK ? lofi_buffer_check(text, err) : code;
}

/* ---- what there is now ---- */

void lofi_dialogue_line(lofi_buffer *text, const lofi_dialogue *dialogue) {
    if (!dialogue->asks_style) lofi_tag_line_text(text, &lofi_dialogue_now(dialogue)->line);
}

void lofi_dialogue_length(lofi_buffer *text, const lofi_dialogue *dialogue) {
    lofi_buffer line = LOFI_BUFFER_INIT;
    lofi_dialogue_line(&line, dialogue);
    size_t characters = lofi_utf8_characters(lofi_buffer_str(&line));
    lofi_buffer_printf(text, "%zu of %d characters\n", characters, LOFI_PROMPT_CHARACTERS_MAX);
    if (characters > LOFI_PROMPT_CHARACTERS_MAX)
        lofi_buffer_printf(text, "warning: the trainer reads %d characters, so any of these tags may be lost\n",
                           LOFI_PROMPT_CHARACTERS_MAX);
    lofi_buffer_free(&line);
}

const lofi_style *const *lofi_dialogue_styles(const lofi_dialogue *dialogue, size_t *count) {
    *count = dialogue->asks_style ? 0 : lofi_dialogue_now(dialogue)->style_count;
    return *count ? lofi_dialogue_now(dialogue)->styles : NULL;
}

bool lofi_dialogue_has_words(const lofi_tag_line *line) {
    for (size_t i = 0; i < line->count; i++)
        if (line->tags[i].category == LOFI_TAG_VOCAL_TYPE && lofi_voice_has_words(line->tags[i].text)) return true;
    return false;
}

const char *lofi_dialogue_lyrics(const lofi_dialogue *dialogue, bool *asked) {
    *asked = false;
    if (dialogue->asks_style) return NULL;
    const dialogue_state *now = lofi_dialogue_now(dialogue);
    *asked = now->lyrics != NULL;
    if (now->lyrics) return now->lyrics;
    if (!is_blank(dialogue->setting.lyrics) || lofi_dialogue_has_words(&now->line)) return NULL;
    return LOFI_LYRICS_INSTRUMENTAL;
}

bool lofi_dialogue_is_changed(const lofi_dialogue *dialogue) {
    return !dialogue->asks_style && !same_state(&dialogue->states[0], lofi_dialogue_now(dialogue));
}
