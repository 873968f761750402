/* dialogue_commands.c - the entries that begin with '/', and what they show. */
#include "catalog/dialogue_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/utf8.h"
#include "catalog/lyrics.h"
#include "catalog/nearest.h"
#include "catalog/prompt.h"

enum { SHOWN_WIDTH = 14 }; /* of the column with the categories */

/* ---- styles ---- */

static const lofi_style *find_style(const lofi_styles *styles, const char *text, bool by_name) {
    for (size_t i = 0; i < lofi_styles_count(styles); i++) {
        const lofi_style *style = lofi_styles_at(styles, i);
        if (strcasecmp(style->style_id, text) == 0 || (by_name && strcasecmp(style->name, text) == 0)) return style;
    }
    return NULL;
}

/* A name that is a part of what was typed, or the other way round, is as near as two wrong letters. */
static size_t distance_to(const char *typed, const lofi_style *style) {
    size_t by_id = lofi_edit_distance(typed, style->style_id), by_name = lofi_edit_distance(typed, style->name);
    bool part = strlen(typed) >= 3 && (strcasestr(style->name, typed) || strcasestr(typed, style->name));
    if (part && by_name > 2) by_name = 2;
    return by_id < by_name ? by_id : by_name;
}

static void refuse_style(const lofi_styles *styles, dialogue_reply *reply, const char *typed) {
    const lofi_style *nearest = lofi_styles_at(styles, 0);
    for (size_t i = 1; i < lofi_styles_count(styles); i++)
        if (distance_to(typed, lofi_styles_at(styles, i)) < distance_to(typed, nearest))
            nearest = lofi_styles_at(styles, i);
    REFUSE(reply, "unknown style '%s': did you mean %s, %s?\n", strlen(typed) < 80 ? typed : "...", nearest->style_id,
           nearest->name);
}

static void add_style(dialogue_reply *reply, const lofi_style *found[LOFI_TRACK_STYLES_MAX], size_t *count,
                      const lofi_style *style) {
    for (size_t i = 0; i < *count; i++)
        if (found[i] == style) return;
    if (*count == LOFI_TRACK_STYLES_MAX)
        REFUSE(reply, "a song has at most %d styles\n", LOFI_TRACK_STYLES_MAX);
    else
        found[(*count)++] = style;
}

/* A part between commas: one id or name, or ids between spaces. */
static void find_part(const lofi_dialogue *dialogue, dialogue_reply *reply, char *part,
                      const lofi_style *found[LOFI_TRACK_STYLES_MAX], size_t *count) {
    const lofi_styles *styles = dialogue->setting.styles;
    while (*part && reply->outcome != LOFI_DIALOGUE_REFUSED) {
        const lofi_style *style = find_style(styles, part, true); /* all that is left */
        size_t size = style ? strlen(part) : strcspn(part, " ");
        char behind = part[size];
        part[size] = '\0';
        if (!style) style = find_style(styles, part, false);
        part[size] = behind;
        if (style)
            add_style(reply, found, count, style);
        else
            refuse_style(styles, reply, part);
        part += size + (behind != '\0');
    }
}

void lofi_dialogue_find_styles(const lofi_dialogue *dialogue, dialogue_reply *reply, const char *text,
                               const lofi_style *found[LOFI_TRACK_STYLES_MAX], size_t *count) {
    char part[LOFI_DIALOGUE_ENTRY_BYTES + 1];
    *count = 0;
    while (*text && reply->outcome != LOFI_DIALOGUE_REFUSED) {
        size_t size = strcspn(text, ",");
        lofi_dialogue_tidy(part, text, size);
        find_part(dialogue, reply, part, found, count);
        text += size + (text[size] == ',');
    }
    if (reply->outcome == LOFI_DIALOGUE_REFUSED)
        *count = 0;
    else if (*count == 0)
        REFUSE(reply, "no style is named\n");
}

static lofi_code build_line(lofi_dialogue *dialogue, lofi_tag_line *line, const char *text, lofi_error *err) {
    char tag[LOFI_TAG_BYTES], canonical[LOFI_TAG_BYTES];
    while (*text) {
        size_t size = strcspn(text, ",");
        lofi_tag_category category = LOFI_TAG_GENRE;
        assert(size < LOFI_TAG_BYTES); /* of our own vocabulary */
        lofi_dialogue_tidy(tag, text, size);
        LOFI_TRY(lofi_vocabulary_find(canonical, &category, dialogue->setting.vocabulary, tag, err));
        const char *kept = lofi_dialogue_keep(dialogue, canonical);
        if (!kept) return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for the dialogue");
        LOFI_TRY(lofi_tag_line_add(line, kept, (int)category, err));
        text += size;
        text += strspn(text, ", ");
    }
    return LOFI_OK;
}

static lofi_code build(lofi_dialogue *dialogue, dialogue_reply *reply, dialogue_state *state, lofi_error *err) {
    lofi_buffer text = LOFI_BUFFER_INIT, left_out = LOFI_BUFFER_INIT;
    lofi_code code = lofi_prompt_build(&text, &left_out, dialogue->setting.track_id, state->styles, state->style_count,
                                       &dialogue->setting.facts, err);
    if (code == LOFI_OK) code = build_line(dialogue, &state->line, lofi_buffer_str(&text), err);
    if (code == LOFI_OK && left_out.size)
        TELL(reply, "Left out, as the line would be too long: %s\n", lofi_buffer_str(&left_out));
    lofi_buffer_free(&text);
    lofi_buffer_free(&left_out);
    return code;
}

lofi_code lofi_dialogue_start(lofi_dialogue *dialogue, dialogue_reply *reply, const lofi_style *const *styles,
                              size_t count, lofi_error *err) {
    dialogue_state next = {.style_count = count};
    memcpy(next.styles, styles, count * sizeof *styles);
    if (dialogue->count) next.lyrics = lofi_dialogue_now(dialogue)->lyrics;
    for (size_t i = 0; i < count; i++) TELL(reply, "%s, %s\n", styles[i]->style_id, styles[i]->name);
    lofi_code code = build(dialogue, reply, &next, err);
    if (code != LOFI_OK) {
        lofi_tag_line_free(&next.line);
        return code;
    }
    LOFI_TRY(lofi_dialogue_push(dialogue, reply, &next, err));
    dialogue->asks_style = false;
    lofi_dialogue_show(reply->text, dialogue);
    return LOFI_OK;
}

static lofi_code do_style(lofi_dialogue *dialogue, dialogue_reply *reply, const char *argument, lofi_error *err) {
    const lofi_style *found[LOFI_TRACK_STYLES_MAX];
    const lofi_styles *styles = dialogue->setting.styles;
    size_t count = 0;
    if (*argument) {
        lofi_dialogue_find_styles(dialogue, reply, argument, found, &count);
        return count ? lofi_dialogue_start(dialogue, reply, found, count, err) : LOFI_OK;
    }
    for (size_t i = 0; i < lofi_styles_count(styles); i++)
        TELL(reply, "  %-10s %s\n", lofi_styles_at(styles, i)->style_id, lofi_styles_at(styles, i)->name);
    return LOFI_OK;
}

/* ---- showing ---- */

void lofi_dialogue_category_name(char name[32], lofi_tag_category category) {
    snprintf(name, 32, "%s", lofi_tag_category_name(category));
    for (char *at = name; *at; at++)
        if (*at == '_') *at = ' ';
}

static void show_category(lofi_buffer *text, const lofi_tag_line *line, int category, const char *name) {
    bool first = true;
    if (lofi_tag_line_count(line, category) == 0) return;
    lofi_buffer_printf(text, "  %-*s", SHOWN_WIDTH, name);
    for (size_t i = 0; i < line->count; i++) {
        if (line->tags[i].category != category) continue;
        lofi_buffer_printf(text, "%s%s%s", first ? "" : ", ", line->tags[i].text,
                           category == LOFI_TAG_UNKNOWN ? " (?)" : "");
        first = false;
    }
    lofi_buffer_text(text, "\n");
}

static const char *lyrics_words(const lofi_dialogue *dialogue) {
    bool asked = false;
    const char *there = dialogue->setting.lyrics ? dialogue->setting.lyrics : "";
    const char *lyrics = lofi_dialogue_lyrics(dialogue, &asked);
    bool instrumental = lofi_lyrics_are_instrumental(lyrics ? lyrics : there, strlen(lyrics ? lyrics : there));
    if (!lyrics && !*there) return "none yet; the voice has words: /lyrics FILE";
    if (instrumental) return "[Instrumental]";
    return lyrics ? "from the file given" : "as they are in the file";
}

void lofi_dialogue_show(lofi_buffer *text, const lofi_dialogue *dialogue) {
    const lofi_tag_line *line = &lofi_dialogue_now(dialogue)->line;
    for (int i = 0; i < LOFI_TAG_CATEGORIES; i++) {
        char name[32];
        lofi_dialogue_category_name(name, (lofi_tag_category)i);
        show_category(text, line, i, name);
    }
    show_category(text, line, LOFI_TAG_UNKNOWN, "unknown");
    lofi_buffer_printf(text, "  %-*s%s\n", SHOWN_WIDTH, "lyrics", lyrics_words(dialogue));
}

static lofi_code do_show(lofi_dialogue *dialogue, dialogue_reply *reply, const char *argument, lofi_error *err) {
    (void)argument;
    (void)err;
    lofi_dialogue_show(reply->text, dialogue);
    lofi_tag_line_text(reply->text, &lofi_dialogue_now(dialogue)->line);
    TELL(reply, "\n");
    lofi_dialogue_length(reply->text, dialogue);
    return LOFI_OK;
}

/* ---- suggestions ---- */

/* The tags of a list that the line has not, as one line behind the name of their category. */
static bool suggest_list(dialogue_reply *reply, const lofi_tag_line *line, lofi_tag_category category,
                         const char *const *tags, size_t count) {
    char name[32];
    bool first = true;
    lofi_dialogue_category_name(name, category);
    for (size_t i = 0; i < count; i++) {
        if (lofi_tag_line_find(line, tags[i]) < line->count) continue;
        if (first) TELL(reply, "  %-*s", SHOWN_WIDTH, name);
        TELL(reply, "%s%s", first ? "" : ", ", tags[i]);
        first = false;
    }
    if (!first) TELL(reply, "\n");
    return !first;
}

/* How many tags of a style the line has. */
static size_t shared_tags(const lofi_style *style, const lofi_tag_line *line) {
    size_t shared = 0;
    for (int i = 0; i < LOFI_TAG_CATEGORIES; i++)
        for (size_t j = 0; j < style->tags[i].count; j++)
            shared += lofi_tag_line_find(line, style->tags[i].tags[j]) < line->count;
    return shared;
}

/* For a line that was begun with a file: the style that it shares most with. */
static const lofi_style *nearest_style(const lofi_dialogue *dialogue, const lofi_tag_line *line) {
    const lofi_style *nearest = NULL;
    size_t best = 0;
    for (size_t i = 0; i < lofi_styles_count(dialogue->setting.styles); i++) {
        const lofi_style *style = lofi_styles_at(dialogue->setting.styles, i);
        size_t shared = shared_tags(style, line);
        if (shared <= best) continue;
        best = shared;
        nearest = style;
    }
    return nearest;
}

static bool suggest_style(dialogue_reply *reply, const lofi_tag_line *line, const lofi_style *style) {
    size_t begin = reply->text->size;
    TELL(reply, "%s, %s, %d to %d bpm:\n", style->style_id, style->name, style->tempo_min, style->tempo_max);
    bool any = suggest_list(reply, line, LOFI_TAG_MOOD, style->mood_options.tags, style->mood_options.count);
    for (int i = 0; i < LOFI_TAG_CATEGORIES; i++)
        any |= suggest_list(reply, line, (lofi_tag_category)i, style->tags[i].tags, style->tags[i].count);
    if (!any) reply->text->size = begin;
    return any;
}

static void suggest(const lofi_dialogue *dialogue, dialogue_reply *reply) {
    const dialogue_state *now = lofi_dialogue_now(dialogue);
    const lofi_style *nearest = now->style_count ? NULL : nearest_style(dialogue, &now->line);
    bool any = nearest && suggest_style(reply, &now->line, nearest);
    for (size_t i = 0; i < now->style_count; i++) any |= suggest_style(reply, &now->line, now->styles[i]);
    if (!any) TELL(reply, "No more of these styles; '/suggest CATEGORY' shows all tags of one\n");
}

static lofi_code do_suggest(lofi_dialogue *dialogue, dialogue_reply *reply, const char *argument, lofi_error *err) {
    (void)err;
    const char *names[LOFI_TAG_CATEGORIES];
    char shown[LOFI_TAG_CATEGORIES][32];
    if (!*argument) {
        suggest(dialogue, reply);
        return LOFI_OK;
    }
    for (int i = 0; i < LOFI_TAG_CATEGORIES; i++) {
        size_t count = 0;
        lofi_dialogue_category_name(shown[i], (lofi_tag_category)i);
        names[i] = shown[i];
        if (strcasecmp(argument, shown[i]) != 0 &&
            strcasecmp(argument, lofi_tag_category_name((lofi_tag_category)i)) != 0)
            continue;
        const char *const *tags = lofi_vocabulary_tags(dialogue->setting.vocabulary, (lofi_tag_category)i, &count);
        if (!suggest_list(reply, &lofi_dialogue_now(dialogue)->line, (lofi_tag_category)i, tags, count))
            TELL(reply, "All of them are in the line\n");
        if (i == LOFI_TAG_TEMPO)
            TELL(reply, "  and every number from %d to %d, as in '85 bpm'\n", LOFI_BPM_MIN, LOFI_BPM_MAX);
        return LOFI_OK;
    }
    REFUSE(reply, "there is no such category; did you mean '/suggest %s'?\n",
           lofi_nearest(argument, names, LOFI_TAG_CATEGORIES));
    return LOFI_OK;
}

/* ---- lyrics ---- */

/* NULL after a refusal, or when memory is out. */
static const char *read_lyrics(lofi_dialogue *dialogue, dialogue_reply *reply, const char *path, lofi_code *code,
                               lofi_error *err) {
    char expanded[LOFI_PATH_MAX];
    lofi_buffer text = LOFI_BUFFER_INIT;
    lofi_error problem = LOFI_ERROR_INIT;
    const char *kept = NULL;
    if (lofi_path_expand(expanded, path, &problem) != LOFI_OK ||
        lofi_file_read(&text, expanded, LOFI_DIALOGUE_LYRICS_BYTES, &problem) != LOFI_OK)
        REFUSE(reply, "%s\n", problem.message);
    else if (!lofi_utf8_valid(lofi_buffer_str(&text), text.size) || strlen(lofi_buffer_str(&text)) != text.size)
        REFUSE(reply, "'%s' is no text in UTF-8\n", path);
    else if (strspn(lofi_buffer_str(&text), " \t\r\n") == text.size)
        REFUSE(reply, "'%s' is empty; '/lyrics instrumental' is for a song without words\n", path);
    else {
        kept = lofi_dialogue_keep(dialogue, lofi_buffer_str(&text));
        if (!kept) *code = lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for the lyrics");
    }
    lofi_buffer_free(&text);
    return kept;
}

static void tell_lyrics(const lofi_dialogue *dialogue, dialogue_reply *reply) {
    TELL(reply, "  %-*s%s\n", SHOWN_WIDTH, "lyrics", lyrics_words(dialogue));
}

static lofi_code do_lyrics(lofi_dialogue *dialogue, dialogue_reply *reply, const char *argument, lofi_error *err) {
    dialogue_state next;
    lofi_code code = LOFI_OK;
    if (!*argument) {
        tell_lyrics(dialogue, reply);
        return LOFI_OK;
    }
    const char *lyrics = strcasecmp(argument, "instrumental") == 0 ? LOFI_LYRICS_INSTRUMENTAL
                                                                   : read_lyrics(dialogue, reply, argument, &code, err);
    if (!lyrics) return code;
    LOFI_TRY(lofi_dialogue_copy_state(&next, dialogue, err));
    next.lyrics = lyrics;
    LOFI_TRY(lofi_dialogue_push(dialogue, reply, &next, err));
    tell_lyrics(dialogue, reply);
    return LOFI_OK;
}

/* ---- steps, and the end ---- */

static void step_to(lofi_dialogue *dialogue, dialogue_reply *reply, size_t at) {
    const char *before = lofi_dialogue_now(dialogue)->lyrics;
    dialogue->at = at;
    reply->outcome = LOFI_DIALOGUE_CHANGED;
    if (lofi_dialogue_now(dialogue)->lyrics != before) tell_lyrics(dialogue, reply);
}

static lofi_code do_undo(lofi_dialogue *dialogue, dialogue_reply *reply, const char *argument, lofi_error *err) {
    (void)argument;
    (void)err;
    if (dialogue->at > 0)
        step_to(dialogue, reply, dialogue->at - 1);
    else
        TELL(reply, "Nothing to undo\n");
    return LOFI_OK;
}

static lofi_code do_redo(lofi_dialogue *dialogue, dialogue_reply *reply, const char *argument, lofi_error *err) {
    (void)argument;
    (void)err;
    if (dialogue->at + 1 < dialogue->count)
        step_to(dialogue, reply, dialogue->at + 1);
    else
        TELL(reply, "Nothing to redo\n");
    return LOFI_OK;
}

static void warn_lyrics(const lofi_dialogue *dialogue, dialogue_reply *reply) {
    const lofi_tag_line *line = &lofi_dialogue_now(dialogue)->line;
    bool asked = false;
    const char *lyrics = lofi_dialogue_lyrics(dialogue, &asked);
    if (!lyrics) lyrics = dialogue->setting.lyrics ? dialogue->setting.lyrics : "";
    bool words = lofi_dialogue_has_words(line);
    bool instrumental = lofi_lyrics_are_instrumental(lyrics, strlen(lyrics));
    if (words && instrumental) TELL(reply, "warning: the voice has words, but there are no lyrics\n");
    if (!words && !instrumental) TELL(reply, "warning: there are lyrics, but no voice with words\n");
}

static lofi_code do_save(lofi_dialogue *dialogue, dialogue_reply *reply, const char *argument, lofi_error *err) {
    (void)argument;
    (void)err;
    const lofi_tag_line *line = &lofi_dialogue_now(dialogue)->line;
    if (lofi_tag_line_count(line, LOFI_TAG_GENRE) == 0)
        REFUSE(reply, "a prompt needs a genre; '/suggest genre' shows them\n");
    else if (line->count < 2)
        REFUSE(reply, "a prompt needs one more tag beside the genre; '/suggest' shows some\n");
    else {
        warn_lyrics(dialogue, reply);
        reply->outcome = LOFI_DIALOGUE_SAVE;
    }
    return LOFI_OK;
}

static lofi_code do_quit(lofi_dialogue *dialogue, dialogue_reply *reply, const char *argument, lofi_error *err) {
    (void)argument;
    (void)err;
    if (lofi_dialogue_is_changed(dialogue) && !dialogue->quit_asked) {
        dialogue->quit_asked = true;
        TELL(reply, "There are changes that are not saved: '/save' saves them, '/quit' again leaves without them\n");
    } else
        reply->outcome = LOFI_DIALOGUE_QUIT;
    return LOFI_OK;
}

static lofi_code do_help(lofi_dialogue *dialogue, dialogue_reply *reply, const char *argument, lofi_error *err);

/* ---- the table ---- */

typedef struct command {
    const char *name, *argument; /* argument NULL: takes none */
    const char *help;
    bool before_style; /* also while the style is asked for */
    lofi_code (*run)(lofi_dialogue *dialogue, dialogue_reply *reply, const char *argument, lofi_error *err);
} command;

static const command commands[] = {
    {"style", "ID...", "start again from styles; alone: lists them", true, do_style},
    {"suggest", "[CATEGORY]", "show tags that fit, or all of a category", false, do_suggest},
    {"undo", NULL, "take back the last change", false, do_undo},
    {"redo", NULL, "do it again", false, do_redo},
    {"lyrics", "FILE", "the words; 'instrumental' for none", false, do_lyrics},
    {"show", NULL, "show the line by categories", false, do_show},
    {"help", NULL, "this list", true, do_help},
    {"save", NULL, "write the files and end", false, do_save},
    {"quit", NULL, "end without writing", true, do_quit},
};
enum { COMMANDS = sizeof commands / sizeof *commands };
const char *const lofi_dialogue_commands[] = {"style", "suggest", "undo", "redo", "lyrics",
                                              "show",  "help",    "save", "quit", NULL};

static lofi_code do_help(lofi_dialogue *dialogue, dialogue_reply *reply, const char *argument, lofi_error *err) {
    (void)dialogue;
    (void)argument;
    (void)err;
    TELL(reply, "  %-20s %s\n", "TAG, TAG...", "add tags");
    TELL(reply, "  %-20s %s\n", "-TAG", "remove one");
    TELL(reply, "  %-20s %s\n", "NN bpm", "set the tempo");
    for (size_t i = 0; i < COMMANDS; i++) {
        char usage[32];
        snprintf(usage, sizeof usage, "/%s %s", commands[i].name, commands[i].argument ? commands[i].argument : "");
        TELL(reply, "  %-20s %s\n", usage, commands[i].help);
    }
    return LOFI_OK;
}

bool lofi_dialogue_takes_argument(const char *name) {
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0) return commands[i].argument != NULL;
    return false;
}

static const command *find_command(const char *name, size_t size) {
    for (size_t i = 0; i < COMMANDS; i++)
        if (strlen(commands[i].name) == size && strncmp(commands[i].name, name, size) == 0) return &commands[i];
    return NULL;
}

static void refuse_command(dialogue_reply *reply, const char *name, size_t size) {
    char typed[32];
    snprintf(typed, sizeof typed, "%.*s", size < sizeof typed ? (int)size : 0, name);
    REFUSE(reply, "there is no '/%s'; did you mean '/%s'? '/help' lists all\n", typed,
           lofi_nearest(typed, lofi_dialogue_commands, COMMANDS));
}

lofi_code lofi_dialogue_command(lofi_dialogue *dialogue, dialogue_reply *reply, const char *entry, lofi_error *err) {
    const char *name = entry + 1;
    size_t size = strcspn(name, " ");
    const char *argument = name + size + (name[size] == ' ');
    const command *found = find_command(name, size);
    if (!found)
        refuse_command(reply, name, size);
    else if (*argument && !found->argument)
        REFUSE(reply, "nothing stands behind '/%s'\n", found->name);
    else if (dialogue->asks_style && !found->before_style)
        REFUSE(reply, "first a style is needed; an empty line is %s\n", LOFI_STYLE_DEFAULT);
    else
        return found->run(dialogue, reply, argument, err);
    return LOFI_OK;
}
