/* cmd_tracks_add.c - lofi tracks add: prepared songs are entered into the catalogue. */
#include <stdio.h>
#include <string.h>

#include "audio/ledger.h"
#include "audio/process.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "catalog/entity.h"
#include "catalog/tracks.h"
#include "cli/tracks_files.h"

typedef struct add_settings {
    const char *metadata_dir, *style, *source;
    lofi_list paths;
} add_settings;

typedef struct adding {
    lofi_context *context;
    const add_settings *settings;
    lofi_tracks tracks;
    lofi_ledger *ledger; /* NULL: nothing is on record */
    json_t *found;       /* texts: paths of audio files */
    json_t *unknown;     /* texts: those that have to be listened to */
    json_t *results;
    json_t *entered; /* track id -> audio_path, of this call */
    size_t added, updated, unchanged, failed;
} adding;

/* ---- what became of a file ---- */

static void tell(adding *work, const char *path, const char *track_id, const char *status, const char *reason) {
    json_t *result = json_pack("{s:s, s:s, s:s}", "file", path, "track_id", track_id, "status", status);
    if (reason) json_object_set_new(result, "reason", lofi_json_name(reason));
    json_array_append_new(work->results, result);
    if (reason || work->context->verbose)
        lofi_print(work->context, "  %-9s  %s%s%s", status, path, reason ? ": " : "", reason ? reason : "");
}

static void refuse(adding *work, const char *path, const char *track_id, const char *reason) {
    work->failed++;
    tell(work, path, track_id, "failed", reason);
}

/* ---- which files ---- */

static void note_problem(void *user, const char *message) {
    lofi_warn((lofi_log *)user, "%s", message);
}

/* Names go into JSON and into the names of other files. */
static void collect_file(adding *work, const char *path) {
    json_t *shown = lofi_json_name(path);
    if (lofi_utf8_printable(path))
        json_array_append(work->found, shown);
    else
        refuse(work, json_string_value(shown), "", "its name is not UTF-8, or holds a control character; rename it");
    json_decref(shown);
}

static lofi_code collect_folder(adding *work, const char *folder, lofi_error *err) {
    lofi_listing listing = {0};
    char path[LOFI_PATH_MAX];
    lofi_code code = lofi_folder_list(&listing, folder, true, note_problem, work->context->log, err);
    size_t before = json_array_size(work->found) + work->failed;
    for (size_t i = 0; code == LOFI_OK && i < listing.count; i++) {
        if (!lofi_track_is_audio_name(listing.names[i])) continue;
        code = lofi_path_format(path, err, "%s/%s", folder, listing.names[i]);
        if (code == LOFI_OK) collect_file(work, path);
    }
    lofi_listing_free(&listing);
    if (code == LOFI_OK && json_array_size(work->found) + work->failed == before)
        code = lofi_fail(err, LOFI_ERR_NOT_FOUND, "no audio file below '%s'", folder);
    return code;
}

static lofi_code collect(adding *work, lofi_error *err) {
    for (size_t i = 0; i < work->settings->paths.count; i++) {
        const char *path = work->settings->paths.items[i];
        if (lofi_path_is_folder(path))
            LOFI_TRY(collect_folder(work, path, err));
        else if (lofi_path_is_file(path))
            collect_file(work, path);
        else
            return lofi_fail(err, LOFI_ERR_NOT_FOUND, "there is no file or folder '%s'", path);
    }
    return LOFI_OK;
}

/* ---- one track ---- */

/* The Track of a file, from what is known of its sound. */
static lofi_code make_record(json_t **out, adding *work, const char *path, const char *track_id, double seconds,
                             double score, lofi_error *err) {
    char audio[LOFI_PATH_MAX], folder[LOFI_PATH_MAX], prompt[LOFI_PATH_MAX], lyrics[LOFI_PATH_MAX];
    LOFI_TRY(lofi_catalogue_relative(audio, work->tracks.catalogue, path, err));
    LOFI_TRY(lofi_path_parent(folder, audio, err));
    LOFI_TRY(lofi_path_format(prompt, err, "%s/%s_prompt.txt", folder, track_id));
    LOFI_TRY(lofi_path_format(lyrics, err, "%s/%s_lyrics.txt", folder, track_id));
    *out = json_pack("{s:s, s:s, s:s, s:s, s:s, s:f, s:i, s:f, s:[s], s:n, s:b, s:n}", "track_id", track_id, "filename",
                     lofi_path_base(path), "audio_path", audio, "prompt_path", prompt, "lyrics_path", lyrics,
                     "duration", seconds, "sample_rate", 48000, "quality_score", score, "style_ids", LOFI_STYLE_DEFAULT,
                     "source_id", "human_verified", 0, "split");
    return *out ? LOFI_OK : lofi_fail(err, LOFI_ERR_FORMAT, "the name is not UTF-8");
}

/* What of the sound may change when a file is looked at again; what people said stays. */
static bool update_record(json_t *old, const json_t *record) {
    static const char *const fields[] = {"filename",    "audio_path", "prompt_path",
                                         "lyrics_path", "duration",   "quality_score"};
    bool changed = false;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        json_t *value = json_object_get(record, fields[i]);
        if (json_equal(json_object_get(old, fields[i]), value)) continue;
        json_object_set(old, fields[i], value);
        changed = true;
    }
    return changed;
}

static lofi_code put_record(adding *work, const char *path, json_t *record, lofi_error *err) {
    const char *track_id = json_string_value(json_object_get(record, "track_id"));
    const lofi_catalogue_track *known = lofi_catalogue_get(work->tracks.catalogue, track_id);
    json_t *entries = lofi_catalogue_entries(work->tracks.catalogue, LOFI_METADATA_TRACKS);
    if (!known) {
        if (json_array_append(entries, record) != 0) return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a track");
        work->added++;
        json_object_set(work->entered, track_id, json_object_get(record, "audio_path"));
        tell(work, path, track_id, "added", NULL);
        return LOFI_OK;
    }
    bool moved = !json_equal(json_object_get(known->record, "audio_path"), json_object_get(record, "audio_path"));
    if (moved && known->has_audio) {
        char reason[LOFI_PATH_MAX + 64];
        snprintf(reason, sizeof reason, "'%s' has the same track id; rename one of them", known->audio_path);
        refuse(work, path, track_id, reason);
        return LOFI_OK;
    }
    bool changed = update_record(known->record, record);
    json_object_set(work->entered, track_id, json_object_get(record, "audio_path"));
    if (changed)
        work->updated++;
    else
        work->unchanged++;
    tell(work, path, track_id, changed ? "updated" : "unchanged", NULL);
    return LOFI_OK;
}

static lofi_code enter(adding *work, const char *path, double seconds, double score, lofi_error *err) {
    char track_id[LOFI_PATH_MAX];
    json_t *record = NULL;
    lofi_error fault = LOFI_ERROR_INIT;
    char audio[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_stem(track_id, path, err));
    LOFI_TRY(lofi_catalogue_relative(audio, work->tracks.catalogue, path, err));
    const char *before = json_string_value(json_object_get(work->entered, track_id));
    if (before) { /* the very same file may be named twice: in its folder, and by itself */
        if (strcmp(before, audio) != 0)
            refuse(work, path, track_id, "another of these files has the same track id; rename one of them");
        return LOFI_OK;
    }
    lofi_code code = make_record(&record, work, path, track_id, seconds, score, &fault);
    if (code == LOFI_OK) code = lofi_entity_check_new(LOFI_ENTITY_TRACK, record, lofi_path_base(path), &fault);
    bool right = code == LOFI_OK;
    if (right)
        code = put_record(work, path, record, err);
    else
        refuse(work, path, track_id, fault.message);
    json_decref(record);
    return right ? code : LOFI_OK;
}

/* ---- what is known of its sound ---- */

/* A track on record with its score; else it has to be listened to. */
static lofi_code enter_recorded(adding *work, const char *path, lofi_error *err) {
    const json_t *record = work->ledger ? lofi_ledger_find(work->ledger, path) : NULL;
    const json_t *score = json_object_get(record, "quality_score");
    if (!json_is_number(score)) {
        json_array_append_new(work->unknown, json_string(path));
        return LOFI_OK;
    }
    return enter(work, path, json_number_value(json_object_get(record, "duration")), json_number_value(score), err);
}

static lofi_code enter_examined(adding *work, const lofi_process_result *result, lofi_error *err) {
    char track_id[LOFI_PATH_MAX], reason[256];
    LOFI_TRY(lofi_path_stem(track_id, result->source, err));
    if (result->status != LOFI_PROCESS_SUCCESS) {
        snprintf(reason, sizeof reason, "%s%s%s", result->reason, result->message ? ": " : "",
                 result->message ? result->message : "");
        refuse(work, result->source, track_id, reason);
        return LOFI_OK;
    }
    if (result->sample_rate != 48000 || result->trimmed) {
        refuse(work, result->source, track_id, "not a prepared track (48 kHz, 30 to 240 s); run 'lofi audio process'");
        return LOFI_OK;
    }
    if (work->ledger && lofi_ledger_is_writing(work->ledger)) {
        json_t *facts = lofi_process_result_json(result);
        json_object_del(facts, "status");
        lofi_code code = lofi_ledger_note(work->ledger, result->source, facts, err);
        json_decref(facts);
        LOFI_TRY(code);
    }
    return enter(work, result->source, result->seconds, result->score, err);
}

static lofi_code listen(adding *work, lofi_error *err) {
    size_t count = json_array_size(work->unknown);
    lofi_process_options options = LOFI_PROCESS_OPTIONS_INIT;
    lofi_process_report report = {0};
    if (count == 0) return LOFI_OK;
    const char **paths = lofi_arena_alloc(work->context->arena, count * sizeof *paths);
    if (!paths) return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for names");
    for (size_t i = 0; i < count; i++) paths[i] = json_string_value(json_array_get(work->unknown, i));
    lofi_info(work->context->log, "listening to %s that 'lofi audio process' did not make",
              lofi_count_of(count, "track"));
    lofi_code code = lofi_process_examine_all(&report, paths, count, &options, err);
    for (size_t i = 0; code == LOFI_OK && i < report.count; i++) code = enter_examined(work, &report.results[i], err);
    lofi_process_report_free(&report);
    return code;
}

/* ---- styles and source of the new ones ---- */

static lofi_code give_styles(adding *work, lofi_error *err) {
    json_t *mapping = lofi_catalogue_entries(work->tracks.catalogue, LOFI_METADATA_MAPPING);
    json_t *list = json_array(), *ignored;
    const char *track_id;
    lofi_code code = lofi_tracks_find_styles(list, &work->tracks, work->context, work->settings->style, err);
    json_object_foreach(work->entered, track_id, ignored) {
        if (code == LOFI_OK) json_object_set_new(mapping, track_id, json_deep_copy(list));
    }
    json_decref(list);
    return code;
}

static lofi_code give_source(adding *work, lofi_error *err) {
    json_t *record = lofi_catalogue_entry(work->tracks.catalogue, LOFI_METADATA_SOURCES, "source_id",
                                          work->settings->source);
    if (!record) {
        lofi_fail(err, LOFI_ERR_NOT_FOUND, "there is no source '%s'", work->settings->source);
        return lofi_hint(err, "'lofi tracks source %s --type ... --provider ...' makes one", work->settings->source);
    }
    json_t *ids = json_object_get(record, "track_ids");
    json_t *there = json_object();
    for (size_t i = 0; i < json_array_size(ids); i++)
        json_object_set_new(there, json_string_value(json_array_get(ids, i)), json_true());
    const char *track_id;
    json_t *ignored;
    json_object_foreach(work->entered, track_id, ignored) {
        if (!json_object_get(there, track_id)) json_array_append_new(ids, json_string(track_id));
    }
    json_decref(there);
    return LOFI_OK;
}

/* ---- the command ---- */

static lofi_code do_work(adding *work, lofi_error *err) {
    LOFI_TRY(lofi_tracks_open(&work->tracks, work->context, work->settings->metadata_dir, LOFI_TRACKS_BEGIN, err));
    LOFI_TRY(lofi_ledger_open_if_free(&work->ledger, work->settings->metadata_dir, !work->context->dry_run,
                                      work->context->log, err));
    LOFI_TRY(collect(work, err));
    for (size_t i = 0; i < json_array_size(work->found); i++)
        LOFI_TRY(enter_recorded(work, json_string_value(json_array_get(work->found, i)), err));
    LOFI_TRY(listen(work, err));
    if (work->settings->style) LOFI_TRY(give_styles(work, err));
    if (work->settings->source) LOFI_TRY(give_source(work, err));
    LOFI_TRY(lofi_tracks_save(&work->tracks, work->context, NULL, err));
    if (work->failed) work->context->exit_status = 2;
    lofi_print(work->context, "%s%zu added, %zu updated, %zu unchanged, %zu failed",
               work->context->dry_run ? "would be: " : "tracks: ", work->added, work->updated, work->unchanged,
               work->failed);
    if (!work->context->json) return LOFI_OK;
    json_t *document = json_pack("{s:I, s:I, s:I, s:I, s:b, s:O}", "added", (json_int_t)work->added, "updated",
                                 (json_int_t)work->updated, "unchanged", (json_int_t)work->unchanged, "failed",
                                 (json_int_t)work->failed, "dry_run", (int)work->context->dry_run, "results",
                                 work->results);
    return lofi_print_json(work->context, document, err);
}

static lofi_code run(lofi_context *context, const void *settings, lofi_error *err) {
    adding work = {.context = context,
                   .settings = settings,
                   .found = json_array(),
                   .unknown = json_array(),
                   .results = json_array(),
                   .entered = json_object()};
    lofi_code code = do_work(&work, err);
    code = lofi_ledger_close_after(work.ledger, code, err);
    lofi_tracks_free(&work.tracks);
    json_decref(work.found);
    json_decref(work.unknown);
    json_decref(work.results);
    json_decref(work.entered);
    return code;
}

static const lofi_option options[] = {{.name = "PATH",
                                       .kind = LOFI_OPTION_LIST,
                                       .offset = offsetof(add_settings, paths),
                                       .positional = true,
                                       .required = true,
                                       .help = "prepared songs, or folders with them, searched with their sub-folders"},
                                      LOFI_TRACKS_METADATA_OPTION(add_settings),
                                      {.name = "style",
                                       .kind = LOFI_OPTION_TEXT,
                                       .offset = offsetof(add_settings, style),
                                       .value = "ID,ID...",
                                       .help = "style of all of them, the leading one first"},
                                      {.name = "source",
                                       .kind = LOFI_OPTION_TEXT,
                                       .offset = offsetof(add_settings, source),
                                       .value = "ID",
                                       .help = "source record that they belong to ('lofi tracks source' makes one)"},
                                      {0}};

const lofi_command lofi_command_tracks_add = {
    .name = "tracks add",
    .summary = "enter prepared songs into the catalogue",
    .details = "Every audio file becomes a Track in tracks.json, with its length and quality score. What 'lofi audio "
               "process' made is "
               "on record in the metadata folder; other files are listened to. A file that is no prepared track (48 "
               "kHz, 30 to "
               "240 s, accepted by the rules of 'lofi audio validate'), or has the id of another one, is refused, and "
               "the exit status "
               "is 2; --verbose lists the others, too. Entering a track again brings its entry up to date and keeps "
               "what people said of it.\n\n"
               "Example:\n"
               "  lofi tracks add data/final --style CORE-01 --source freepd-2026",
    .options = options,
    .settings_bytes = sizeof(add_settings),
    .run = run,
    .exit_for = lofi_exit_for_input,
};
