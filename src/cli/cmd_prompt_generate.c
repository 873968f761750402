/* cmd_prompt_generate.c - lofi prompt generate: prompt and lyrics files for every song of a folder. */
#include <stdio.h>
#include <string.h>

#include "audio/ledger.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/utf8.h"
#include "catalog/mapping.h"
#include "catalog/nearest.h"
#include "catalog/prompt.h"
#include "catalog/tracks.h"
#include "cli/command.h"
#include "cli/song_lyrics.h"
#include "cli/style_files.h"

#define KEPT_BYTES_MAX ((size_t)1 << 20)
#define UNMATCHED_TOLD 10

typedef struct generate_settings {
    const char *audio_dir, *style_mapping, *presets, *vocabulary, *output_dir, *metadata_dir;
    bool include_lyrics, force;
} generate_settings;

typedef struct generation {
    lofi_context *context;
    const generate_settings *settings;
    const char *output_dir;
    lofi_style_files presets;
    lofi_style_mapping *mapping;
    lofi_track_files *files;
    lofi_ledger *ledger; /* NULL: nothing was measured */
    lofi_song_lyrics lyrics;
    lofi_buffer prompt, left_out;      /* of the track at hand */
    size_t counts[LOFI_TEXT_KEPT + 1]; /* prompts, by outcome */
    size_t shortened;                  /* prompts that lost tags */
    json_t *results, *review, *unmatched;
} generation;

/* A track and its result on the way. */
typedef struct song {
    const lofi_track_file *track;
    const lofi_style *const *styles;
    size_t count;
    json_t *result, *reasons; /* why a person should look at it: texts */
} song;

/* ---- what was measured ---- */

static lofi_prompt_facts read_facts(const generation *work, const lofi_track_file *track) {
    char path[LOFI_PATH_MAX];
    const json_t *record = NULL;
    if (work->ledger && lofi_path_format(path, NULL, "%s/%s", work->settings->audio_dir, track->name) == LOFI_OK)
        record = lofi_ledger_find(work->ledger, path);
    return lofi_prompt_measured(record);
}

static void tell(song *of, const char *reason) {
    json_array_append_new(of->reasons, json_string(reason));
}

/* "SEASON-06" or "SEASON-06 with INST-05". */
static void name_styles(lofi_buffer *out, const song *of) {
    for (size_t i = 0; i < of->count; i++) lofi_buffer_printf(out, "%s%s", i ? " with " : "", of->styles[i]->style_id);
}

static void tell_music(song *of, const lofi_prompt_music *music, const char *key) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    if (music->tempo_outside) {
        lofi_buffer_printf(&text, "measured %d bpm, but ", music->bpm);
        name_styles(&text, of);
        lofi_buffer_printf(&text, " is %d to %d bpm", music->tempo_min, music->tempo_max);
        tell(of, lofi_buffer_str(&text));
        lofi_buffer_clear(&text);
    }
    if (music->key_contradicts) {
        lofi_buffer_printf(&text, "measured the key %s, which ", key);
        name_styles(&text, of);
        lofi_buffer_text(&text, " contradicts");
        tell(of, lofi_buffer_str(&text));
    }
    lofi_buffer_free(&text);
    json_object_set_new(of->result, "tempo_bpm", json_integer(music->bpm));
    json_object_set_new(of->result, "tempo_source", json_string(music->tempo_measured ? "measured" : "style"));
    json_object_set_new(of->result, "key", music->key[0] ? json_string(music->key) : json_null());
}

/* ---- one track ---- */

static json_t *style_ids(const song *of) {
    json_t *ids = json_array();
    for (size_t i = 0; i < of->count; i++) json_array_append_new(ids, json_string(of->styles[i]->style_id));
    return ids;
}

static void tell_left_out(generation *work, song *of) {
    work->shortened++;
    json_object_set_new(of->result, "left_out", json_string(lofi_buffer_str(&work->left_out)));
    lofi_verbose(work->context->log, "'%s': left out of the prompt: %s", of->track->name,
                 lofi_buffer_str(&work->left_out));
}

/* A prompt that is kept may be longer than what is read of it. */
static lofi_code check_kept(generation *work, song *of, const char *path, lofi_error *err) {
    lofi_buffer kept = LOFI_BUFFER_INIT;
    char reason[128];
    uint64_t bytes = 0;
    LOFI_TRY(lofi_file_size(&bytes, path, err));
    if (bytes <= LOFI_PROMPT_CHARACTERS_MAX) return LOFI_OK;
    if (bytes > KEPT_BYTES_MAX) {
        tell(of, "the prompt that is kept is far too long");
        return LOFI_OK;
    }
    LOFI_TRY(lofi_file_read(&kept, path, KEPT_BYTES_MAX, err));
    while (kept.size > 0 && strchr(" \t\r\n", kept.data[kept.size - 1])) kept.data[--kept.size] = '\0';
    size_t characters = lofi_utf8_characters(lofi_buffer_str(&kept));
    lofi_buffer_free(&kept);
    if (characters <= LOFI_PROMPT_CHARACTERS_MAX) return LOFI_OK;
    snprintf(reason, sizeof reason, "the prompt that is kept has %zu characters, of which %d are read", characters,
             LOFI_PROMPT_CHARACTERS_MAX);
    tell(of, reason);
    lofi_warn(work->context->log, "'%s' has %zu characters, and the trainer reads %d", path, characters,
              LOFI_PROMPT_CHARACTERS_MAX);
    return LOFI_OK;
}

static lofi_code build_prompt(generation *work, song *of, lofi_error *err) {
    lofi_prompt_music music;
    const lofi_prompt_facts facts = read_facts(work, of->track);
    const char *track_id = of->track->track_id;
    lofi_buffer_clear(&work->prompt);
    lofi_buffer_clear(&work->left_out);
    LOFI_TRY(lofi_prompt_build(&work->prompt, &work->left_out, track_id, of->styles, of->count, &facts, err));
    json_object_set_new(of->result, "prompt", json_string(lofi_buffer_str(&work->prompt)));
    lofi_prompt_settle(&music, track_id, of->styles, of->count, &facts);
    tell_music(of, &music, facts.key);
    if (work->left_out.size) tell_left_out(work, of);
    lofi_buffer_text(&work->prompt, "\n");
    return lofi_buffer_check(&work->prompt, err);
}

static lofi_code put_prompt(generation *work, song *of, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    lofi_text_outcome outcome = LOFI_TEXT_KEPT;
    LOFI_TRY(build_prompt(work, of, err));
    LOFI_TRY(lofi_track_text_path(path, work->output_dir, of->track, "_prompt.txt", err));
    LOFI_TRY(lofi_text_file_put(&outcome, path, lofi_buffer_str(&work->prompt), work->settings->force,
                                work->context->dry_run, work->lyrics.texts, err));
    work->counts[outcome]++;
    json_object_set_new(of->result, "prompt_path", json_string(path));
    json_object_set_new(of->result, "style_ids", style_ids(of));
    json_object_set_new(of->result, "status", json_string(lofi_text_outcome_name(outcome)));
    lofi_print(work->context, "  %-9s  %s", lofi_text_outcome_name(outcome), path);
    return outcome == LOFI_TEXT_KEPT ? check_kept(work, of, path, err) : LOFI_OK;
}

static lofi_code find_default(const lofi_style **out, const lofi_styles *styles, lofi_error *err) {
    lofi_code code = lofi_styles_find(out, styles, LOFI_STYLE_DEFAULT, err);
    if (code != LOFI_OK)
        lofi_hint(err, "tracks without a style get %s, so the presets must have it", LOFI_STYLE_DEFAULT);
    return code;
}

/* All reasons as one text. */
static void join_reasons(generation *work, const song *of) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    size_t count = json_array_size(of->reasons);
    json_object_set_new(of->result, "needs_review", json_boolean(count > 0));
    if (count == 0) return;
    for (size_t i = 0; i < count; i++)
        lofi_buffer_printf(&text, "%s%s", i ? "; " : "", json_string_value(json_array_get(of->reasons, i)));
    json_object_set_new(of->result, "review_reason", json_string(lofi_buffer_str(&text)));
    json_object_set(of->result, "review_reasons", of->reasons);
    json_array_append_new(work->review, json_string(of->track->track_id));
    lofi_buffer_free(&text);
}

static lofi_code do_song(generation *work, song *of, lofi_error *err) {
    const lofi_mapping_entry *entry = lofi_style_mapping_get(work->mapping, of->track->track_id);
    const lofi_style *fallback = NULL;
    bool words = false;
    of->styles = entry && entry->count ? entry->styles : &fallback;
    of->count = entry && entry->count ? entry->count : 1;
    json_object_set_new(of->result, "track_id", json_string(of->track->track_id));
    if (of->styles == &fallback) {
        LOFI_TRY(find_default(&fallback, work->presets.styles, err));
        tell(of, "no style in the mapping; it was given " LOFI_STYLE_DEFAULT);
    }
    for (size_t i = 0; i < of->count; i++) words = words || lofi_style_has_words(of->styles[i]);
    LOFI_TRY(put_prompt(work, of, err));
    if (work->settings->include_lyrics)
        LOFI_TRY(lofi_song_lyrics_put(&work->lyrics, of->track, words, of->result, of->reasons, err));
    join_reasons(work, of);
    return LOFI_OK;
}

static lofi_code do_track(generation *work, const lofi_track_file *track, lofi_error *err) {
    song one = {.track = track, .result = json_object(), .reasons = json_array()};
    json_array_append_new(work->results, one.result);
    lofi_code code = do_song(work, &one, err);
    json_decref(one.reasons);
    return code;
}

static lofi_code do_each_track(generation *work, lofi_error *err) {
    for (size_t i = 0; i < lofi_track_files_count(work->files); i++) {
        if (lofi_interrupt_asked())
            return lofi_fail(err, LOFI_ERR_INTERRUPTED, "interrupted after %zu of %zu tracks", i,
                             lofi_track_files_count(work->files));
        LOFI_TRY(do_track(work, lofi_track_files_at(work->files, i), err));
    }
    return LOFI_OK;
}

/* What was made before an interruption is kept. */
static lofi_code do_tracks(generation *work, lofi_error *err) {
    LOFI_TRY(lofi_file_batch_new(&work->lyrics.texts, err));
    lofi_code code = do_each_track(work, err);
    if (code != LOFI_OK && code != LOFI_ERR_INTERRUPTED) {
        lofi_file_batch_abort(work->lyrics.texts);
        return code;
    }
    lofi_code written = lofi_file_batch_commit(work->lyrics.texts, code == LOFI_OK ? err : NULL);
    return code == LOFI_OK ? written : code;
}

/* ---- before and after ---- */

/* What lofi audio process measured: in the folder of the mapping, unless --metadata-dir says another. */
static lofi_code open_ledger(generation *work, lofi_error *err) {
    char folder[LOFI_PATH_MAX], path[LOFI_PATH_MAX];
    const char *given = work->settings->metadata_dir;
    if (given && !lofi_path_is_folder(given))
        return lofi_fail(err, LOFI_ERR_NOT_FOUND, "the metadata folder '%s' is not there", given);
    LOFI_TRY(given ? lofi_path_format(folder, err, "%s", given)
                   : lofi_path_parent(folder, work->settings->style_mapping, err));
    LOFI_TRY(lofi_path_format(path, err, "%s/audio.jsonl", folder));
    if (lofi_path_is_file(path)) return lofi_ledger_open(&work->ledger, folder, false, work->context->log, err);
    lofi_verbose(work->context->log, "'%s' is not there: tempo comes from the styles", path);
    return LOFI_OK;
}

static lofi_code load(generation *work, lofi_error *err) {
    const generate_settings *given = work->settings;
    LOFI_TRY(lofi_style_files_load(&work->presets, work->context, given->presets, given->vocabulary, err));
    lofi_code code = lofi_style_mapping_load(&work->mapping, given->style_mapping, work->presets.styles, err);
    if (code == LOFI_ERR_NOT_FOUND) return lofi_hint(err, "write {} into it to give every track the default style");
    LOFI_TRY(code);
    LOFI_TRY(open_ledger(work, err));
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

/* A mapping may be of many more songs than there are in this folder: the first few are told, the rest are counted. */
static void find_unmatched(generation *work) {
    for (size_t i = 0; i < lofi_style_mapping_count(work->mapping); i++) {
        const char *track_id = lofi_style_mapping_at(work->mapping, i)->track_id;
        if (lofi_track_files_have(work->files, track_id)) continue;
        if (json_array_size(work->unmatched) < UNMATCHED_TOLD) tell_unmatched(work, track_id);
        json_array_append_new(work->unmatched, json_string(track_id));
    }
    if (json_array_size(work->unmatched) > UNMATCHED_TOLD)
        lofi_warn(work->context->log, "the style mapping names %zu more songs that are not below '%s'",
                  json_array_size(work->unmatched) - UNMATCHED_TOLD, work->settings->audio_dir);
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
        const json_t *reasons = json_object_get(result, "review_reasons");
        for (size_t j = 0; j < json_array_size(reasons); j++)
            lofi_print(context, "  %s: %s", json_string_value(json_object_get(result, "track_id")),
                       json_string_value(json_array_get(reasons, j)));
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
                       .lyrics = {.context = context, .audio_dir = settings->audio_dir, .force = settings->force},
                       .prompt = LOFI_BUFFER_INIT,
                       .left_out = LOFI_BUFFER_INIT,
                       .results = json_array(),
                       .review = json_array(),
                       .unmatched = json_array()};
    work.lyrics.output_dir = work.output_dir;
    lofi_code code = do_work(&work, err);
    lofi_ledger_free(work.ledger);
    lofi_song_lyrics_close(&work.lyrics);
    lofi_buffer_free(&work.prompt);
    lofi_buffer_free(&work.left_out);
    json_decref(work.results);
    json_decref(work.review);
    json_decref(work.unmatched);
    lofi_track_files_free(work.files);
    lofi_style_mapping_free(work.mapping);
    lofi_style_files_free(&work.presets);
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
    {.name = "metadata-dir",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(generate_settings, metadata_dir),
     .value = "DIR",
     .help = "where lofi audio process kept audio.jsonl, tempo and key of the songs (default: the folder of the style "
             "mapping)"},
    {.name = "include-lyrics",
     .kind = LOFI_OPTION_FLAG,
     .offset = offsetof(generate_settings, include_lyrics),
     .help =
         "also write a lyrics file for each song that has none, from NAME.lyrics or NAME.lrc or [Instrumental], and "
         "check those that are there"},
    {.name = "force",
     .kind = LOFI_OPTION_FLAG,
     .offset = offsetof(generate_settings, force),
     .help = "replace prompt files that hold another text, and bring lyrics files into section form; their words stay"},
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
        "Tempo and key are those that 'lofi audio process' measured, where it did and is sure; else the tempo is drawn "
        "from the style's range.\n\n"
        "Example:\n"
        "  lofi prompt generate --audio-dir data/final --style-mapping data/metadata/style_mapping.json "
        "--include-lyrics",
    .options = options,
    .settings_bytes = sizeof(generate_settings),
    .run = run,
    .exit_for = lofi_exit_for_input,
};
