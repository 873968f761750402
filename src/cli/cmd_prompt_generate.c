/* cmd_prompt_generate.c - lofi prompt generate: prompt and lyrics files for every song of a folder. */
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "catalog/lyrics.h"
#include "catalog/mapping.h"
#include "catalog/nearest.h"
#include "catalog/prompt.h"
#include "catalog/styles.h"
#include "catalog/tags.h"
#include "catalog/tracks.h"
#include "cli/command.h"

typedef struct generate_settings {
    const char *audio_dir, *style_mapping, *presets, *vocabulary, *output_dir;
    bool include_lyrics, force;
} generate_settings;

typedef struct generation {
    lofi_context *context;
    const generate_settings *settings;
    const char *output_dir;
    lofi_vocabulary *vocabulary;
    lofi_styles *styles;
    lofi_style_mapping *mapping;
    lofi_track_files *files;
    lofi_buffer prompt, left_out;      /* of the track at hand */
    size_t counts[LOFI_TEXT_KEPT + 1]; /* prompts, by outcome */
    size_t shortened;                  /* prompts that lost tags */
    json_t *results, *review, *unmatched;
} generation;

/* ---- one track ---- */

/* A fault of styles and lyrics against each other; NULL when there is none. */
static lofi_code judge_lyrics(const char **reason, const char *path, lofi_text_outcome outcome, bool words,
                              lofi_error *err) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    bool instrumental = true;
    if (outcome == LOFI_TEXT_KEPT) {
        LOFI_TRY(lofi_file_read(&text, path, (size_t)1 << 30, err));
        instrumental = lofi_lyrics_are_instrumental(lofi_buffer_str(&text), text.size);
        lofi_buffer_free(&text);
    }
    if (words && instrumental) *reason = "the style has words, but the lyrics say [Instrumental]";
    if (!words && !instrumental) *reason = "there are lyrics, but the style has no words";
    return LOFI_OK;
}

static lofi_code put_lyrics(generation *work, const lofi_track_file *track, bool words, json_t *result,
                            const char **reason, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    lofi_text_outcome outcome = LOFI_TEXT_KEPT;
    LOFI_TRY(lofi_track_text_path(path, work->output_dir, track, "_lyrics.txt", err));
    LOFI_TRY(lofi_text_file_put(&outcome, path, LOFI_LYRICS_INSTRUMENTAL, false, work->context->dry_run, err));
    json_object_set_new(result, "lyrics_path", json_string(path));
    json_object_set_new(result, "lyrics_status", json_string(lofi_text_outcome_name(outcome)));
    const char *fault = NULL;
    LOFI_TRY(judge_lyrics(&fault, path, outcome, words, err));
    if (fault && !*reason) *reason = fault;
    return LOFI_OK;
}

static json_t *style_ids(const lofi_style *const *styles, size_t count) {
    json_t *ids = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(ids, json_string(styles[i]->style_id));
    return ids;
}

static void tell_left_out(generation *work, const lofi_track_file *track, json_t *result) {
    work->shortened++;
    json_object_set_new(result, "left_out", json_string(lofi_buffer_str(&work->left_out)));
    lofi_verbose(work->context->log, "'%s': left out of the prompt: %s", track->name, lofi_buffer_str(&work->left_out));
}

static lofi_code put_prompt(generation *work, const lofi_track_file *track, const lofi_style *const *styles,
                            size_t count, json_t *result, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    lofi_text_outcome outcome = LOFI_TEXT_KEPT;
    lofi_buffer_clear(&work->prompt);
    lofi_buffer_clear(&work->left_out);
    LOFI_TRY(lofi_prompt_build(&work->prompt, &work->left_out, track->track_id, styles, count, err));
    json_object_set_new(result, "prompt", json_string(lofi_buffer_str(&work->prompt)));
    if (work->left_out.size) tell_left_out(work, track, result);
    lofi_buffer_text(&work->prompt, "\n");
    LOFI_TRY(lofi_buffer_check(&work->prompt, err));
    LOFI_TRY(lofi_track_text_path(path, work->output_dir, track, "_prompt.txt", err));
    LOFI_TRY(lofi_text_file_put(&outcome, path, lofi_buffer_str(&work->prompt), work->settings->force,
                                work->context->dry_run, err));
    work->counts[outcome]++;
    json_object_set_new(result, "prompt_path", json_string(path));
    json_object_set_new(result, "style_ids", style_ids(styles, count));
    json_object_set_new(result, "status", json_string(lofi_text_outcome_name(outcome)));
    lofi_print(work->context, "  %-9s  %s", lofi_text_outcome_name(outcome), path);
    return LOFI_OK;
}

static lofi_code find_default(const lofi_style **out, const lofi_styles *styles, lofi_error *err) {
    lofi_code code = lofi_styles_find(out, styles, LOFI_STYLE_DEFAULT, err);
    if (code != LOFI_OK)
        lofi_hint(err, "tracks without a style get %s, so the presets must have it", LOFI_STYLE_DEFAULT);
    return code;
}

static lofi_code do_track(generation *work, const lofi_track_file *track, json_t *result, lofi_error *err) {
    const lofi_mapping_entry *entry = lofi_style_mapping_get(work->mapping, track->track_id);
    const lofi_style *fallback = NULL;
    const lofi_style *const *styles = entry && entry->count ? entry->styles : &fallback;
    size_t count = entry && entry->count ? entry->count : 1;
    const char *reason = NULL;
    bool words = false;
    json_object_set_new(result, "track_id", json_string(track->track_id));
    if (styles == &fallback) {
        LOFI_TRY(find_default(&fallback, work->styles, err));
        reason = "no style in the mapping; it was given " LOFI_STYLE_DEFAULT;
    }
    for (size_t i = 0; i < count; i++) words = words || lofi_style_has_words(styles[i]);
    LOFI_TRY(put_prompt(work, track, styles, count, result, err));
    if (work->settings->include_lyrics) LOFI_TRY(put_lyrics(work, track, words, result, &reason, err));
    json_object_set_new(result, "needs_review", json_boolean(reason != NULL));
    if (!reason) return LOFI_OK;
    json_object_set_new(result, "review_reason", json_string(reason));
    json_array_append_new(work->review, json_string(track->track_id));
    return LOFI_OK;
}

static lofi_code do_tracks(generation *work, lofi_error *err) {
    for (size_t i = 0; i < lofi_track_files_count(work->files); i++) {
        if (lofi_interrupt_asked())
            return lofi_fail(err, LOFI_ERR_INTERRUPTED, "interrupted after %zu of %zu tracks", i,
                             lofi_track_files_count(work->files));
        json_t *result = json_object();
        json_array_append_new(work->results, result);
        LOFI_TRY(do_track(work, lofi_track_files_at(work->files, i), result, err));
    }
    return LOFI_OK;
}

/* ---- before and after ---- */

/* The vocabulary that goes with the presets: the given one, else the one beside them, else the installed one. */
static lofi_code load_vocabulary(generation *work, const char *presets, lofi_error *err) {
    char folder[LOFI_PATH_MAX], beside[LOFI_PATH_MAX];
    const char *path = work->settings->vocabulary;
    if (!path) {
        LOFI_TRY(lofi_path_parent(folder, presets, err));
        LOFI_TRY(lofi_path_format(beside, err, "%s/tag_vocabulary.json", folder));
        path = beside;
        if (!lofi_path_is_file(beside)) LOFI_TRY(lofi_data_file(&path, work->context, "tag_vocabulary.json", err));
    }
    return lofi_vocabulary_load(&work->vocabulary, path, err);
}

static lofi_code load(generation *work, lofi_error *err) {
    const generate_settings *given = work->settings;
    const char *presets = given->presets;
    if (!presets) LOFI_TRY(lofi_data_file(&presets, work->context, "style_presets.json", err));
    LOFI_TRY(load_vocabulary(work, presets, err));
    LOFI_TRY(lofi_styles_load(&work->styles, presets, work->vocabulary, err));
    lofi_code code = lofi_style_mapping_load(&work->mapping, given->style_mapping, work->styles, err);
    if (code == LOFI_ERR_NOT_FOUND) return lofi_hint(err, "write {} into it to give every track the default style");
    LOFI_TRY(code);
    return lofi_track_files_list(&work->files, given->audio_dir, work->context->log, err);
}

/* A mapping entry without a file is most often a mistyped or stale name. */
static void tell_unmatched(generation *work, const char *track_id) {
    const char *nearest = NULL;
    size_t best = strlen(track_id) / 2 + 1; /* further than half the name is no likeness */
    char stem[LOFI_PATH_MAX];
    if (lofi_track_is_audio_name(track_id) && lofi_path_stem(stem, track_id, NULL) == LOFI_OK &&
        lofi_track_files_have(work->files, stem)) {
        lofi_warn(work->context->log, "the style mapping names '%s'; a track id has no folder and no extension: '%s'",
                  track_id, stem);
        return;
    }
    for (size_t i = 0; i < lofi_track_files_count(work->files); i++) {
        const char *id = lofi_track_files_at(work->files, i)->track_id;
        size_t distance = lofi_edit_distance(track_id, id);
        if (distance >= best) continue;
        best = distance;
        nearest = id;
    }
    lofi_warn(work->context->log, "the style mapping names '%s', but there is no such audio file below '%s'%s%s%s",
              track_id, work->settings->audio_dir, nearest ? "; did you mean '" : "", nearest ? nearest : "",
              nearest ? "'?" : "");
}

static void find_unmatched(generation *work) {
    for (size_t i = 0; i < lofi_style_mapping_count(work->mapping); i++) {
        const char *track_id = lofi_style_mapping_at(work->mapping, i)->track_id;
        if (lofi_track_files_have(work->files, track_id)) continue;
        tell_unmatched(work, track_id);
        json_array_append_new(work->unmatched, json_string(track_id));
    }
}

static void print_summary(const generation *work) {
    const lofi_context *context = work->context;
    lofi_print(context, "%s%zu generated, %zu unchanged, %zu kept",
               context->dry_run ? "would be: " : "prompts: ", work->counts[LOFI_TEXT_GENERATED],
               work->counts[LOFI_TEXT_UNCHANGED], work->counts[LOFI_TEXT_KEPT]);
    if (work->counts[LOFI_TEXT_KEPT])
        lofi_print(context, "kept files hold another text than this program would write; --force replaces them");
    if (json_array_size(work->review) == 0) return;
    lofi_print(context, "to be looked at by a person:");
    for (size_t i = 0; i < json_array_size(work->results); i++) {
        const json_t *result = json_array_get(work->results, i);
        const char *reason = json_string_value(json_object_get(result, "review_reason"));
        if (reason) lofi_print(context, "  %s: %s", json_string_value(json_object_get(result, "track_id")), reason);
    }
}

static void warn_shortened(const generation *work) {
    if (work->shortened == 0) return;
    lofi_warn(work->context->log,
              "%zu %s longer than the %d characters that are read, so the least important tags were left out%s",
              work->shortened, work->shortened == 1 ? "prompt would be" : "prompts would be",
              LOFI_PROMPT_CHARACTERS_MAX, work->context->verbose ? "" : "; --verbose lists them");
}

static lofi_code report(generation *work, lofi_error *err) {
    warn_shortened(work);
    print_summary(work);
    if (!work->context->json) return LOFI_OK;
    json_t *document = json_pack(
        "{s:I, s:I, s:I, s:b, s:O, s:O, s:O}", "generated", (json_int_t)work->counts[LOFI_TEXT_GENERATED], "unchanged",
        (json_int_t)work->counts[LOFI_TEXT_UNCHANGED], "kept", (json_int_t)work->counts[LOFI_TEXT_KEPT], "dry_run",
        (int)work->context->dry_run, "review", work->review, "unmatched", work->unmatched, "results", work->results);
    if (!document) return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for the report");
    return lofi_print_json(work->context, document, err);
}

static lofi_code do_work(generation *work, lofi_error *err) {
    LOFI_TRY(load(work, err));
    find_unmatched(work);
    LOFI_TRY(do_tracks(work, err));
    return report(work, err);
}

static lofi_code run(lofi_context *context, const void *given, lofi_error *err) {
    const generate_settings *settings = given;
    generation work = {.context = context,
                       .settings = settings,
                       .output_dir = settings->output_dir ? settings->output_dir : settings->audio_dir,
                       .prompt = LOFI_BUFFER_INIT,
                       .left_out = LOFI_BUFFER_INIT,
                       .results = json_array(),
                       .review = json_array(),
                       .unmatched = json_array()};
    lofi_code code = do_work(&work, err);
    lofi_buffer_free(&work.prompt);
    lofi_buffer_free(&work.left_out);
    json_decref(work.results);
    json_decref(work.review);
    json_decref(work.unmatched);
    lofi_track_files_free(work.files);
    lofi_style_mapping_free(work.mapping);
    lofi_styles_free(work.styles);
    lofi_vocabulary_free(work.vocabulary);
    return code;
}

static const lofi_option options[] = {
    {.name = "audio-dir",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(generate_settings, audio_dir),
     .value = "DIR",
     .required = true,
     .help = "folder with the songs, searched with its sub-folders"},
    {.name = "style-mapping",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(generate_settings, style_mapping),
     .value = "FILE",
     .required = true,
     .help = "JSON object: track id (file name without extension) to style id, or to a list of them"},
    {.name = "presets",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(generate_settings, presets),
     .value = "FILE",
     .help = "style presets (default: the installed style_presets.json)"},
    {.name = "vocabulary",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(generate_settings, vocabulary),
     .value = "FILE",
     .help = "tag vocabulary (default: tag_vocabulary.json beside the presets, else the installed one)"},
    {.name = "output-dir",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(generate_settings, output_dir),
     .value = "DIR",
     .help = "where the text files go, in the same sub-folders (default: beside the songs)"},
    {.name = "include-lyrics",
     .kind = LOFI_OPTION_FLAG,
     .offset = offsetof(generate_settings, include_lyrics),
     .help = "also write a lyrics file, [Instrumental], for each song that has none"},
    {.name = "force",
     .kind = LOFI_OPTION_FLAG,
     .offset = offsetof(generate_settings, force),
     .help = "replace prompt files that hold another text; lyrics are never replaced"},
    {0}};

const lofi_command lofi_command_prompt_generate = {
    .name = "prompt generate",
    .alias = "lofi_prompt_generator generate",
    .summary = "write a prompt for every song from its style",
    .details =
        "For every audio file below --audio-dir (.mp3 .wav .flac .m4a .aac .ogg .opus) this writes NAME_prompt.txt: "
        "one "
        "line of tags in the order genre, mood, instruments, tempo, production, atmosphere, vocal type. The same song "
        "and style always give the same line.\n\n"
        "A song that the mapping does not name, or names with an empty list, gets CORE-01 and is listed for a person "
        "to "
        "look at. A prompt file that holds another text was edited by somebody and is kept, unless --force is "
        "given.\n\n"
        "Example:\n"
        "  lofi prompt generate --audio-dir data/final --style-mapping data/metadata/style_mapping.json "
        "--include-lyrics",
    .options = options,
    .settings_bytes = sizeof(generate_settings),
    .run = run,
    .exit_for = lofi_exit_for_input,
};
