/* cmd_prompt_interactive.c - lofi prompt interactive: the prompt and the lyrics file of one song, in a dialogue. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "audio/decode.h"
#include "audio/ledger.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/utf8.h"
#include "catalog/dialogue.h"
#include "catalog/lyrics.h"
#include "catalog/mapping.h"
#include "catalog/tracks.h"
#include "cli/command.h"
#include "cli/style_files.h"
#include "cli/terminal.h"

#define COLOUR_LINE    "\033[1m"  /* the prompt */
#define COLOUR_REFUSED "\033[33m" /* what was not understood */

typedef struct interactive_settings {
    const char *audio_file, *presets, *vocabulary, *output_dir, *metadata_dir;
    lofi_list styles;
    bool force;
} interactive_settings;

typedef struct session {
    lofi_context *context;
    const interactive_settings *settings;
    lofi_style_files presets;
    lofi_ledger *ledger; /* NULL: nothing was measured */
    const lofi_style *chosen[LOFI_TRACK_STYLES_MAX];
    size_t chosen_count;
    char track_id[LOFI_PATH_MAX], prompt_path[LOFI_PATH_MAX], lyrics_path[LOFI_PATH_MAX];
    lofi_buffer prompt_before, lyrics_before; /* the files as the dialogue found them; empty: not there */
    lofi_dialogue *dialogue;
    lofi_terminal *terminal;
    FILE *text;   /* where the dialogue is shown */
    size_t lines; /* read so far */
} session;

/* ---- showing ---- */

/* Shows whole lines. colour NULL: none. */
static void show(const session *work, const char *colour, const char *lines) {
    if (work->context->quiet || !*lines) return;
    bool coloured = colour && lofi_terminal_is_coloured(work->terminal);
    size_t size = strlen(lines) - (lines[strlen(lines) - 1] == '\n');
    fprintf(work->text, "%s%.*s%s\n", coloured ? colour : "", (int)size, lines, coloured ? "\033[0m" : "");
    fflush(work->text);
}

static void LOFI_PRINTF(2, 3) tell(const session *work, const char *format, ...) {
    if (work->context->quiet) return;
    va_list arguments;
    va_start(arguments, format);
    vfprintf(work->text, format, arguments);
    va_end(arguments);
    fputc('\n', work->text);
    fflush(work->text);
}

static lofi_code show_line(const session *work, lofi_error *err) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    lofi_dialogue_line(&text, work->dialogue);
    show(work, COLOUR_LINE, text.size ? lofi_buffer_str(&text) : "(no tags)");
    lofi_buffer_clear(&text);
    lofi_dialogue_length(&text, work->dialogue);
    lofi_code code = lofi_buffer_check(&text, err);
    show(work, NULL, lofi_buffer_str(&text));
    lofi_buffer_free(&text);
    return code;
}

/* What cannot be done is told to a person, and ends a script. */
static lofi_code refuse(const session *work, const char *sentence, lofi_error *err) {
    int size = (int)strcspn(sentence, "\n");
    if (!lofi_terminal_is_typed(work->terminal)) {
        lofi_fail(err, LOFI_ERR_USAGE, "line %zu: %.*s", work->lines, size, sentence);
        if (!lofi_dialogue_asks_style(work->dialogue)) return LOFI_ERR_USAGE;
        return lofi_hint(err, "the first line answers the question for the style, unless --style does");
    }
    if (work->context->quiet)
        lofi_say(work->context->log, LOFI_LOG_ERROR, "%.*s", size, sentence);
    else
        show(work, COLOUR_REFUSED, sentence);
    return LOFI_OK;
}

/* ---- beginning ---- */

static lofi_code find_paths(session *work, lofi_error *err) {
    const interactive_settings *settings = work->settings;
    char folder[LOFI_PATH_MAX];
    const char *name = lofi_path_base(settings->audio_file);
    if (!lofi_utf8_printable(name)) {
        lofi_fail(err, LOFI_ERR_FORMAT, "the name of the audio file is not UTF-8, or holds a control character");
        return lofi_hint(err, "rename the file");
    }
    LOFI_TRY(lofi_path_stem(work->track_id, name, err));
    LOFI_TRY(lofi_path_parent(folder, settings->audio_file, err));
    const lofi_track_file track = {.name = name, .track_id = work->track_id};
    const char *out = settings->output_dir ? settings->output_dir : folder;
    LOFI_TRY(lofi_track_text_path(work->prompt_path, out, &track, "_prompt.txt", err));
    LOFI_TRY(lofi_track_text_path(work->lyrics_path, out, &track, "_lyrics.txt", err));
    if (!work->context->json || lofi_utf8_valid(work->lyrics_path, strlen(work->lyrics_path))) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT, "the path of the text files is not UTF-8, so that JSON cannot hold it");
}

static lofi_code choose_styles(session *work, lofi_error *err) {
    const lofi_list *given = &work->settings->styles;
    for (size_t i = 0; i < given->count; i++) {
        const lofi_style *style = NULL;
        LOFI_TRY(lofi_styles_find(&style, work->presets.styles, given->items[i], err));
        bool there = false;
        for (size_t j = 0; j < work->chosen_count; j++) there |= work->chosen[j] == style;
        if (there) continue;
        if (work->chosen_count == LOFI_TRACK_STYLES_MAX)
            return lofi_fail(err, LOFI_ERR_USAGE, "more than %d styles for one song", LOFI_TRACK_STYLES_MAX);
        work->chosen[work->chosen_count++] = style;
    }
    return LOFI_OK;
}

/* A file that is not there is an empty text. */
static lofi_code read_text(lofi_buffer *text, const char *path, size_t max_bytes, lofi_error *err) {
    lofi_buffer_clear(text);
    if (!lofi_path_exists(path)) return LOFI_OK;
    LOFI_TRY(lofi_file_read(text, path, max_bytes, err));
    if (strlen(lofi_buffer_str(text)) == text->size) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' holds a zero byte", path);
}

static void tell_song(const session *work, const lofi_audio_info *info) {
    const char *name = lofi_path_base(work->settings->audio_file);
    if (info->declared_seconds < 0 || info->declared_seconds > 359999)
        tell(work, "%s, of unknown length", name);
    else
        tell(work, "%s, %d:%02d", name, (int)info->declared_seconds / 60, (int)info->declared_seconds % 60);
}

static lofi_code complete(void *user, lofi_completions *out, const char *begin, lofi_error *err) {
    return lofi_dialogue_complete(out, user, begin, err);
}

/* What lofi audio process measured: in the folder that is named, else where it keeps it by itself. */
static lofi_code open_ledger(session *work, lofi_error *err) {
    char folder[LOFI_PATH_MAX], metadata[LOFI_PATH_MAX], path[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_parent(folder, work->settings->audio_file, err));
    if (work->settings->metadata_dir)
        LOFI_TRY(lofi_path_format(metadata, err, "%s", work->settings->metadata_dir));
    else
        LOFI_TRY(lofi_path_format(metadata, err, "%s/../metadata", folder));
    LOFI_TRY(lofi_path_format(path, err, "%s/audio.jsonl", metadata));
    if (!lofi_path_is_file(path)) return LOFI_OK;
    return lofi_ledger_open(&work->ledger, metadata, false, work->context->log, err);
}

static void tell_measured(const session *work, const lofi_prompt_facts *facts) {
    if (facts->tempo_bpm > 0) tell(work, "measured: %.0f bpm", facts->tempo_bpm);
    if (facts->key) tell(work, "measured: %s", facts->key);
}

static lofi_code begin_dialogue(session *work, lofi_buffer *text, const lofi_prompt_facts *facts, lofi_error *err) {
    const lofi_dialogue_setting setting = {.vocabulary = work->presets.vocabulary,
                                           .styles = work->presets.styles,
                                           .track_id = work->track_id,
                                           .chosen = work->chosen,
                                           .chosen_count = work->chosen_count,
                                           .facts = *facts,
                                           .prompt = lofi_buffer_str(&work->prompt_before),
                                           .lyrics = lofi_buffer_str(&work->lyrics_before)};
    lofi_code code = lofi_dialogue_new(&work->dialogue, text, &setting, err);
    if (code == LOFI_ERR_FORMAT) lofi_error_prefix(err, "'%s'", work->prompt_path);
    LOFI_TRY(code);
    const lofi_terminal_setting reading = {
        .text = work->text, .quiet = work->context->quiet, .complete = complete, .user = work->dialogue};
    return lofi_terminal_open(&work->terminal, &reading, err);
}

static lofi_code begin(session *work, lofi_buffer *text, lofi_error *err) {
    lofi_audio_info info = {0};
    LOFI_TRY(find_paths(work, err));
    LOFI_TRY(lofi_audio_probe(&info, work->settings->audio_file, err));
    LOFI_TRY(
        lofi_style_files_load(&work->presets, work->context, work->settings->presets, work->settings->vocabulary, err));
    LOFI_TRY(choose_styles(work, err));
    LOFI_TRY(read_text(&work->prompt_before, work->prompt_path, LOFI_DIALOGUE_PROMPT_BYTES, err));
    LOFI_TRY(read_text(&work->lyrics_before, work->lyrics_path, LOFI_DIALOGUE_LYRICS_BYTES, err));
    LOFI_TRY(open_ledger(work, err));
    const lofi_prompt_facts facts = lofi_prompt_measured(
        work->ledger ? lofi_ledger_find(work->ledger, work->settings->audio_file) : NULL);
    LOFI_TRY(begin_dialogue(work, text, &facts, err));
    tell_song(work, &info);
    tell_measured(work, &facts);
    if (work->prompt_before.size && !lofi_dialogue_asks_style(work->dialogue))
        tell(work, "It has a prompt, '%s'; '/style ID' starts from a style instead.", work->prompt_path);
    show(work, NULL, lofi_buffer_str(text));
    if (lofi_dialogue_asks_style(work->dialogue)) return LOFI_OK;
    tell(work, "'/help' says what can be entered.");
    return show_line(work, err);
}

/* ---- saving ---- */

typedef struct pair { /* what is to be in the two files, and whether what is there gives way to it */
    lofi_buffer prompt;
    const char *lyrics; /* NULL: left as they are */
    bool lyrics_asked, replace_prompt, replace_lyrics;
} pair;

/* The prompt that the dialogue began with gives way; one that was written meanwhile does not. */
static lofi_code judge_prompt(session *work, pair *files, lofi_error *err) {
    lofi_buffer now = LOFI_BUFFER_INIT;
    const lofi_buffer *before = &work->prompt_before;
    lofi_code code = lofi_path_exists(work->prompt_path)
                         ? lofi_file_read(&now, work->prompt_path, LOFI_DIALOGUE_PROMPT_BYTES, err)
                         : LOFI_OK;
    bool same = code == LOFI_OK && now.size == before->size &&
                memcmp(lofi_buffer_str(&now), lofi_buffer_str(before), now.size) == 0;
    files->replace_prompt = same || work->settings->force;
    lofi_buffer_free(&now);
    return files->replace_prompt || code == LOFI_ERR_FORMAT ? LOFI_OK : code; /* FORMAT: it is too large to be ours */
}

/* Words give way only to what was asked for, and only with --force. */
static lofi_code judge_lyrics(session *work, pair *files, lofi_error *err) {
    lofi_buffer now = LOFI_BUFFER_INIT;
    if (!files->lyrics || !lofi_path_exists(work->lyrics_path)) return LOFI_OK;
    lofi_code code = lofi_file_read(&now, work->lyrics_path, LOFI_DIALOGUE_LYRICS_BYTES, err);
    bool words = code != LOFI_OK || !lofi_lyrics_are_instrumental(lofi_buffer_str(&now), now.size);
    files->replace_lyrics = !words || (files->lyrics_asked && work->settings->force);
    lofi_buffer_free(&now);
    return code == LOFI_ERR_FORMAT ? LOFI_OK : code;
}

static lofi_code put_pair(session *work, const pair *files, bool dry, lofi_text_outcome *prompt,
                          lofi_text_outcome *lyrics, lofi_error *err) {
    *lyrics = LOFI_TEXT_KEPT;
    if (files->lyrics)
        LOFI_TRY(lofi_text_file_put(lyrics, work->lyrics_path, files->lyrics, files->replace_lyrics, dry, NULL, err));
    return lofi_text_file_put(prompt, work->prompt_path, lofi_buffer_str(&files->prompt), files->replace_prompt, dry,
                              NULL, err);
}

static void tell_file(const session *work, lofi_text_outcome outcome, const char *path) {
    static const char *const done[] = {"written", "unchanged", "kept"}, *const dry[] = {"would be written", "unchanged",
                                                                                        "kept"};
    if (lofi_path_exists(path) || outcome == LOFI_TEXT_GENERATED)
        tell(work, "  %-9s  %s", work->context->dry_run ? dry[outcome] : done[outcome], path);
}

/* *saved: both files are as they should be. Nothing is written as long as one of them may not be. */
static lofi_code put_files(session *work, pair *files, bool *saved, lofi_error *err) {
    lofi_text_outcome prompt = LOFI_TEXT_KEPT, lyrics = LOFI_TEXT_KEPT;
    LOFI_TRY(judge_prompt(work, files, err));
    LOFI_TRY(judge_lyrics(work, files, err));
    LOFI_TRY(put_pair(work, files, true, &prompt, &lyrics, err));
    if (prompt == LOFI_TEXT_KEPT) {
        lofi_fail(err, LOFI_ERR_USAGE, "'%s' was changed by somebody else meanwhile", work->prompt_path);
        return lofi_hint(err, "nothing was written; with --force it would be replaced");
    }
    if (files->lyrics_asked && lyrics == LOFI_TEXT_KEPT) {
        lofi_fail(err, LOFI_ERR_USAGE, "'%s' holds other words", work->lyrics_path);
        return lofi_hint(err, "nothing was written; with --force they would be replaced");
    }
    if (!work->context->dry_run) LOFI_TRY(put_pair(work, files, false, &prompt, &lyrics, err));
    tell_file(work, prompt, work->prompt_path);
    tell_file(work, lyrics, work->lyrics_path);
    *saved = true;
    return LOFI_OK;
}

/* At a terminal a failure leaves the dialogue as it is, so that nothing that was typed is lost. */
static lofi_code save(session *work, bool *saved, lofi_error *err) {
    pair files = {.prompt = LOFI_BUFFER_INIT};
    lofi_error problem = LOFI_ERROR_INIT;
    lofi_dialogue_line(&files.prompt, work->dialogue);
    lofi_buffer_text(&files.prompt, "\n");
    files.lyrics = lofi_dialogue_lyrics(work->dialogue, &files.lyrics_asked);
    lofi_code code = lofi_buffer_check(&files.prompt, &problem);
    if (code == LOFI_OK) code = put_files(work, &files, saved, &problem);
    lofi_buffer_free(&files.prompt);
    if (code == LOFI_OK) return LOFI_OK;
    if (!lofi_terminal_is_typed(work->terminal)) {
        if (err) *err = problem;
        return code;
    }
    lofi_buffer text = LOFI_BUFFER_INIT;
    lofi_buffer_printf(&text, "%s%s%s\n", problem.message, problem.hint[0] ? "; " : "", problem.hint);
    code = refuse(work, lofi_buffer_str(&text), err);
    lofi_buffer_free(&text);
    return code;
}

/* ---- the dialogue ---- */

/* The next entry; at the end of what is typed it is /quit. */
static lofi_code read_entry(session *work, lofi_buffer *entry, lofi_error *err) {
    lofi_terminal_event event = LOFI_TERMINAL_END;
    const char *prompt = lofi_dialogue_asks_style(work->dialogue) ? "style> " : "tags> ";
    LOFI_TRY(lofi_terminal_read(work->terminal, &event, entry, prompt, err));
    work->lines++;
    if (event == LOFI_TERMINAL_INTERRUPTED)
        return lofi_fail(err, LOFI_ERR_INTERRUPTED, "interrupted; nothing was written");
    if (event == LOFI_TERMINAL_LINE) return LOFI_OK;
    if (!lofi_terminal_is_typed(work->terminal))
        return lofi_fail(err, LOFI_ERR_USAGE, "the input ended without /save, so nothing was written");
    lofi_buffer_clear(entry);
    lofi_buffer_text(entry, "/quit");
    return lofi_buffer_check(entry, err);
}

/* *ended: nothing more is to be read. */
static lofi_code do_entry(session *work, const lofi_buffer *entry, lofi_buffer *text, bool *ended, bool *saved,
                          lofi_error *err) {
    lofi_dialogue_outcome outcome = LOFI_DIALOGUE_TOLD;
    lofi_buffer_clear(text);
    LOFI_TRY(lofi_dialogue_enter(work->dialogue, &outcome, text, lofi_buffer_str(entry), entry->size, err));
    if (outcome == LOFI_DIALOGUE_REFUSED) return refuse(work, lofi_buffer_str(text), err);
    show(work, NULL, lofi_buffer_str(text));
    if (outcome == LOFI_DIALOGUE_CHANGED) return show_line(work, err);
    if (outcome == LOFI_DIALOGUE_SAVE) LOFI_TRY(save(work, saved, err));
    *ended = *saved || outcome == LOFI_DIALOGUE_QUIT;
    return LOFI_OK;
}

static lofi_code talk(session *work, lofi_buffer *text, bool *saved, lofi_error *err) {
    lofi_buffer entry = LOFI_BUFFER_INIT;
    lofi_code code = begin(work, text, err);
    for (bool ended = false; code == LOFI_OK && !ended;) {
        code = read_entry(work, &entry, err);
        if (code == LOFI_OK) code = do_entry(work, &entry, text, &ended, saved, err);
    }
    lofi_buffer_free(&entry);
    return code;
}

static lofi_code print_result(session *work, bool saved, lofi_error *err) {
    lofi_buffer prompt = LOFI_BUFFER_INIT;
    json_t *ids = json_array();
    size_t count = 0;
    bool asked = false;
    const lofi_style *const *styles = lofi_dialogue_styles(work->dialogue, &count);
    bool lyrics = lofi_path_exists(work->lyrics_path) || (saved && lofi_dialogue_lyrics(work->dialogue, &asked));
    lofi_dialogue_line(&prompt, work->dialogue);
    for (size_t i = 0; i < count; i++) json_array_append_new(ids, json_string(styles[i]->style_id));
    json_t *document = json_pack("{s:s, s:s, s:s, s:s?, s:o, s:b}", "track_id", work->track_id, "prompt",
                                 lofi_buffer_str(&prompt), "prompt_path", work->prompt_path, "lyrics_path",
                                 lyrics ? work->lyrics_path : NULL, "style_ids", ids, "saved",
                                 (int)(saved && !work->context->dry_run));
    lofi_buffer_free(&prompt);
    if (!document) return lofi_fail(err, LOFI_ERR_FORMAT, "the result holds a path that is not UTF-8");
    return lofi_print_json(work->context, document, err);
}

static lofi_code run(lofi_context *context, const void *given, lofi_error *err) {
    session work = {.context = context,
                    .settings = given,
                    .prompt_before = LOFI_BUFFER_INIT,
                    .lyrics_before = LOFI_BUFFER_INIT,
                    .text = context->json ? stderr : stdout};
    lofi_buffer text = LOFI_BUFFER_INIT;
    bool saved = false;
    lofi_code code = talk(&work, &text, &saved, err);
    lofi_terminal_close(work.terminal); /* before anything is told: the terminal is as it was */
    if (code == LOFI_OK && context->json) code = print_result(&work, saved, err);
    lofi_ledger_free(work.ledger);
    lofi_dialogue_free(work.dialogue);
    lofi_buffer_free(&text);
    lofi_buffer_free(&work.prompt_before);
    lofi_buffer_free(&work.lyrics_before);
    lofi_style_files_free(&work.presets);
    return code;
}

static const lofi_option options[] = {
    {.name = "audio-file",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(interactive_settings, audio_file),
     .value = "FILE",
     .required = true,
     .help = "the song"},
    {.name = "presets",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(interactive_settings, presets),
     .value = "FILE",
     .help = "style presets (default: the installed style_presets.json)"},
    {.name = "vocabulary",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(interactive_settings, vocabulary),
     .value = "FILE",
     .help = "tag vocabulary (default: tag_vocabulary.json beside the presets, else the installed one)"},
    {.name = "output-dir",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(interactive_settings, output_dir),
     .value = "DIR",
     .help = "folder for the text files (default: beside the song)"},
    {.name = "metadata-dir",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(interactive_settings, metadata_dir),
     .value = "DIR",
     .help =
         "folder whose audio.jsonl knows the measured tempo and key (default: metadata beside the folder of the song)"},
    {.name = "style",
     .kind = LOFI_OPTION_LIST,
     .offset = offsetof(interactive_settings, styles),
     .value = "ID",
     .help = "style to begin with, the leading one first; without it the dialogue asks"},
    {.name = "force",
     .kind = LOFI_OPTION_FLAG,
     .offset = offsetof(interactive_settings, force),
     .help = "replace a prompt file that was changed meanwhile, and words by those of /lyrics"},
    {0}};

const lofi_command lofi_command_prompt_interactive = {
    .name = "prompt interactive",
    .alias = "lofi_prompt_generator interactive",
    .summary = "write the prompt of one song in a dialogue",
    .details =
        "Begins with the prompt that is there, NAME_prompt.txt beside the song or in --output-dir, or with the line "
        "that "
        "a style gives. Each entry changes the line:\n\n"
        "  piano, warm pads     add tags\n"
        "  -piano               remove one\n"
        "  82 bpm               set the tempo, number and word\n"
        "  /style ID...         start again from styles\n"
        "  /suggest [CATEGORY]  show tags that fit, or all of a category\n"
        "  /undo  /redo         back and forth, any number of steps\n"
        "  /lyrics FILE         the words; 'instrumental' for none\n"
        "  /show  /help\n"
        "  /save                write NAME_prompt.txt and NAME_lyrics.txt, and end\n"
        "  /quit                end without writing; Ctrl-D does the same, Ctrl-C leaves at once\n\n"
        "TAB completes tags, commands, styles and names of files; the arrow keys bring earlier entries back.\n\n"
        "Where standard input is no terminal it is a script: the same entries, one a line, # begins a comment. The "
        "first line answers the question for the style, unless --style is given or there is a prompt. What is not "
        "understood ends a script with exit status 2, and so does its end without /save; nothing is written then.\n\n"
        "Example:\n"
        "  lofi prompt interactive --audio-file songs/Nebula.mp3 --style CORE-01 INST-05",
    .options = options,
    .settings_bytes = sizeof(interactive_settings),
    .run = run,
    .exit_for = lofi_exit_for_input,
};
