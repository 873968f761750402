/* organize.c - see organize.h. */
#include "catalog/organize.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"

#define JOURNAL "organize.jsonl"

static const char *const path_fields[] = {"audio_path", "prompt_path", "lyrics_path"};
enum { PATH_FIELDS = 3 };

/* A path of the journal as it can be opened from here. */
static lofi_code open_path(char out[LOFI_PATH_MAX], const lofi_catalogue *catalogue, const char *relative,
                           lofi_error *err) {
    return lofi_path_format(out, err, "%s/%s", lofi_catalogue_folder(catalogue), relative);
}

/* One file under two names, or two files of the same bytes. */
static bool same_file(const char *first, const char *second) {
    struct stat a, b;
    char hashes[2][LOFI_SHA256_HEX];
    if (stat(first, &a) != 0 || stat(second, &b) != 0) return false;
    if (a.st_dev == b.st_dev && a.st_ino == b.st_ino) return true;
    return a.st_size == b.st_size && lofi_sha256_file(hashes[0], first, NULL) == LOFI_OK &&
           lofi_sha256_file(hashes[1], second, NULL) == LOFI_OK && strcmp(hashes[0], hashes[1]) == 0;
}

/* ---- the journal ---- */

typedef struct journal {
    lofi_line_log *log;
    json_t *lines; /* what was there, in order */
} journal;

static lofi_code journal_open(journal *out, const lofi_catalogue *catalogue, bool writing, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    lofi_buffer text = LOFI_BUFFER_INIT;
    *out = (journal){.lines = json_array()};
    LOFI_TRY(lofi_path_format(path, err, "%s/" JOURNAL, lofi_catalogue_folder(catalogue)));
    if (writing) LOFI_TRY(lofi_line_log_open(&out->log, path, err));
    if (!lofi_path_exists(path)) return LOFI_OK;
    lofi_code code = lofi_file_read(&text, path, (size_t)1 << 30, err);
    size_t number = 0;
    /* Half a line was begun when a run was killed: what it says was not done. */
    while (text.size > 0 && text.data[text.size - 1] != '\n') text.data[--text.size] = 0;
    for (char *rest = code == LOFI_OK && text.size ? text.data : NULL; code == LOFI_OK && rest && *rest;) {
        char *line = strsep(&rest, "\n");
        json_t *entry = json_loads(line, 0, NULL);
        number++;
        if (json_is_object(entry) && lofi_json_text(entry, "run"))
            json_array_append(out->lines, entry);
        else
            code = lofi_fail(err, LOFI_ERR_FORMAT, "'%s' line %zu is no entry of the journal", path, number);
        json_decref(entry);
    }
    lofi_buffer_free(&text);
    return code;
}

static void journal_close(journal *closing) {
    lofi_line_log_close(closing->log);
    json_decref(closing->lines);
}

static lofi_code journal_add(journal *to, json_t *entry, lofi_error *err) {
    lofi_buffer line = LOFI_BUFFER_INIT;
    lofi_code code = lofi_json_print(&line, entry, false, err);
    if (code == LOFI_OK) code = lofi_line_log_append(to->log, lofi_buffer_str(&line), err);
    lofi_buffer_free(&line);
    json_decref(entry);
    return code;
}

/* The last run that nobody has undone, or NULL. */
static const char *last_run(const json_t *lines) {
    json_t *undone = json_object();
    const char *found = NULL;
    for (size_t i = json_array_size(lines); !found && i-- > 0;) {
        const json_t *entry = json_array_get(lines, i);
        const char *run = lofi_json_text(entry, "run");
        if (json_is_true(json_object_get(entry, "undone")))
            json_object_set_new(undone, run, json_true());
        else if (!json_object_get(undone, run))
            found = run;
    }
    json_decref(undone);
    return found;
}

/* Whether a run was killed before its end. */
static bool is_open(const json_t *lines, const char *run) {
    for (size_t i = 0; i < json_array_size(lines); i++) {
        const json_t *entry = json_array_get(lines, i);
        if (strcmp(lofi_json_text(entry, "run"), run) == 0 && json_is_true(json_object_get(entry, "done")))
            return false;
    }
    return true;
}

/* ---- planning ---- */

/* Where a file goes; *needed is false when it is not there, or there already. LOFI_ERR_USAGE: another file is in the way. */
static lofi_code plan_file(bool *needed, char to[LOFI_PATH_MAX], const lofi_organize_request *request,
                           const lofi_catalogue_track *track, const char *from, lofi_error *err) {
    char seen_from[LOFI_PATH_MAX], seen_to[LOFI_PATH_MAX];
    *needed = false;
    LOFI_TRY(lofi_path_format(to, err, "%s/%s/%s", request->output, track->styles[0]->category, lofi_path_base(from)));
    LOFI_TRY(lofi_catalogue_relative(seen_from, request->catalogue, from, err));
    LOFI_TRY(lofi_catalogue_relative(seen_to, request->catalogue, to, err));
    if (!lofi_path_is_file(from) || strcmp(seen_from, seen_to) == 0) return LOFI_OK;
    *needed = true;
    if (!lofi_path_exists(to)) return LOFI_OK;
    *needed = request->move;
    if (same_file(from, to)) return LOFI_OK;
    lofi_fail(err, LOFI_ERR_USAGE, "'%s' is there and is not the file '%s'; nothing was done", to, from);
    return lofi_hint(err, "move it away, or organize into another folder with --output-dir");
}

static lofi_code plan(json_t *steps, const lofi_organize_request *request, lofi_error *err) {
    for (size_t i = 0; i < request->count; i++) {
        const lofi_catalogue_track *track = request->tracks[i];
        const char *const files[PATH_FIELDS] = {track->audio_path, track->prompt_path, track->lyrics_path};
        for (size_t k = 0; k < PATH_FIELDS; k++) {
            char from[LOFI_PATH_MAX], to[LOFI_PATH_MAX], path[LOFI_PATH_MAX];
            bool needed;
            LOFI_TRY(plan_file(&needed, path, request, track, files[k], err));
            if (!needed) continue;
            LOFI_TRY(lofi_catalogue_relative(from, request->catalogue, files[k], err));
            LOFI_TRY(lofi_catalogue_relative(to, request->catalogue, path, err));
            if (json_array_append_new(
                    steps, json_pack("{s:s, s:s, s:s}", "track_id", track->track_id, "from", from, "to", to)) != 0)
                return lofi_fail(err, LOFI_ERR_FORMAT, "the path '%s' is not UTF-8", path);
        }
    }
    return LOFI_OK;
}

/* ---- doing ---- */

static lofi_code share(const lofi_catalogue *catalogue, const char *from, const char *to, lofi_error *err) {
    char source[LOFI_PATH_MAX], target[LOFI_PATH_MAX], folder[LOFI_PATH_MAX];
    LOFI_TRY(open_path(source, catalogue, from, err));
    LOFI_TRY(open_path(target, catalogue, to, err));
    if (lofi_path_exists(target)) return LOFI_OK; /* by a run that was killed; the plan has compared them */
    LOFI_TRY(lofi_path_parent(folder, target, err));
    LOFI_TRY(lofi_folder_make(folder, err));
    return lofi_file_share(source, target, err);
}

/* Takes a name away when the file has another one. */
static lofi_code drop(bool *dropped, const lofi_catalogue *catalogue, const char *name, const char *other,
                      lofi_error *err) {
    char path[LOFI_PATH_MAX], kept[LOFI_PATH_MAX];
    LOFI_TRY(open_path(path, catalogue, name, err));
    LOFI_TRY(open_path(kept, catalogue, other, err));
    *dropped = same_file(path, kept);
    return *dropped ? lofi_path_remove(path, err) : LOFI_OK;
}

/* tracks.json follows: every path that is `from` becomes `to`. */
static void follow(lofi_catalogue *catalogue, const char *track_id, const char *from, const char *to) {
    const lofi_catalogue_track *track = lofi_catalogue_get(catalogue, track_id);
    for (size_t k = 0; track && k < PATH_FIELDS; k++) {
        const char *path = lofi_json_text(track->record, path_fields[k]);
        if (path && strcmp(path, from) == 0) json_object_set_new(track->record, path_fields[k], json_string(to));
    }
}

/* The second half of a move, which a killed run may have left: new names are there, tracks.json and the old names are not
 * yet right. */
static lofi_code finish(journal *log, lofi_catalogue *catalogue, const json_t *steps, const char *run, bool move,
                        lofi_error *err) {
    bool dropped;
    for (size_t i = 0; move && i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        follow(catalogue, lofi_json_text(step, "track_id"), lofi_json_text(step, "from"), lofi_json_text(step, "to"));
    }
    LOFI_TRY(lofi_catalogue_save(catalogue, NULL, err));
    for (size_t i = 0; move && i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        LOFI_TRY(drop(&dropped, catalogue, lofi_json_text(step, "from"), lofi_json_text(step, "to"), err));
    }
    return journal_add(log, json_pack("{s:s, s:b}", "run", run, "done", 1), err);
}

static lofi_code carry_out(journal *log, const lofi_organize_request *request, const json_t *steps, const char *run,
                           lofi_error *err) {
    const char *mode = request->move ? "move" : "link";
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        if (json_object_get(step, "removed")) continue;
        json_t *entry = json_pack("{s:s, s:s}", "run", run, "mode", mode);
        json_object_update(entry, (json_t *)step);
        LOFI_TRY(journal_add(log, entry, err));
        LOFI_TRY(share(request->catalogue, lofi_json_text(step, "from"), lofi_json_text(step, "to"), err));
    }
    return finish(log, request->catalogue, steps, run, request->move, err);
}

/* The steps of a run, in its order; the reference is yours. */
static json_t *steps_of(const json_t *lines, const char *run, bool *move) {
    json_t *steps = json_array();
    for (size_t i = 0; i < json_array_size(lines); i++) {
        json_t *entry = json_array_get(lines, i);
        if (strcmp(lofi_json_text(entry, "run"), run) != 0 || !lofi_json_text(entry, "from") ||
            !lofi_json_text(entry, "to"))
            continue;
        *move = lofi_json_text(entry, "mode") && strcmp(lofi_json_text(entry, "mode"), "move") == 0;
        json_array_append(steps, entry);
    }
    return steps;
}

/* Brings a run that was killed to its end: steps whose new name is not there yet were never done. */
static lofi_code recover(journal *log, lofi_catalogue *catalogue, lofi_error *err) {
    const char *run = last_run(log->lines);
    if (!run || !is_open(log->lines, run)) return LOFI_OK;
    bool move = false;
    json_t *steps = steps_of(log->lines, run, &move), *reached = json_array();
    lofi_code code = LOFI_OK;
    for (size_t i = 0; code == LOFI_OK && i < json_array_size(steps); i++) {
        char path[LOFI_PATH_MAX];
        code = open_path(path, catalogue, lofi_json_text(json_array_get(steps, i), "to"), err);
        if (code == LOFI_OK && lofi_path_is_file(path)) json_array_append(reached, json_array_get(steps, i));
    }
    if (code == LOFI_OK) code = finish(log, catalogue, reached, run, move, err);
    json_decref(steps);
    json_decref(reached);
    return code;
}

/* ---- links of former runs ---- */

/* Runs that were taken back; the reference is yours. */
static json_t *undone_runs(const json_t *lines) {
    json_t *undone = json_object();
    for (size_t i = 0; i < json_array_size(lines); i++) {
        const json_t *entry = json_array_get(lines, i);
        if (json_is_true(json_object_get(entry, "undone")))
            json_object_set_new(undone, lofi_json_text(entry, "run"), json_true());
    }
    return undone;
}

/* The ids of the tracks that are asked for; the reference is yours. */
static json_t *chosen_tracks(const lofi_organize_request *request) {
    json_t *chosen = json_object();
    for (size_t i = 0; i < request->count; i++) json_object_set_new(chosen, request->tracks[i]->track_id, json_true());
    return chosen;
}

/* A link whose track would go elsewhere by now. */
static lofi_code drop_stale(json_t *removed, const lofi_organize_request *request, const json_t *entry,
                            lofi_error *err) {
    char wanted[LOFI_PATH_MAX], seen[LOFI_PATH_MAX], path[LOFI_PATH_MAX];
    const char *from = lofi_json_text(entry, "from"), *to = lofi_json_text(entry, "to"),
               *track_id = lofi_json_text(entry, "track_id");
    const lofi_catalogue_track *track = lofi_catalogue_get(request->catalogue, track_id);
    bool dropped = false;
    if (!from || !to || !track) return LOFI_OK;
    LOFI_TRY(
        lofi_path_format(wanted, err, "%s/%s/%s", request->output, track->styles[0]->category, lofi_path_base(from)));
    LOFI_TRY(lofi_catalogue_relative(seen, request->catalogue, wanted, err));
    LOFI_TRY(open_path(path, request->catalogue, to, err));
    if (strcmp(seen, to) == 0 || !lofi_path_is_file(path)) return LOFI_OK;
    if (!request->dry_run) LOFI_TRY(drop(&dropped, request->catalogue, to, from, err));
    if (dropped || request->dry_run)
        json_array_append_new(removed, json_pack("{s:s, s:s}", "track_id", track_id, "removed", to));
    return LOFI_OK;
}

static lofi_code drop_all_stale(json_t *removed, const journal *log, const lofi_organize_request *request,
                                lofi_error *err) {
    json_t *undone = undone_runs(log->lines), *chosen = chosen_tracks(request);
    lofi_code code = LOFI_OK;
    for (size_t i = 0; code == LOFI_OK && i < json_array_size(log->lines); i++) {
        const json_t *entry = json_array_get(log->lines, i);
        const char *mode = lofi_json_text(entry, "mode"), *track_id = lofi_json_text(entry, "track_id");
        bool linked = mode && strcmp(mode, "link") == 0 && !json_object_get(undone, lofi_json_text(entry, "run"));
        if (linked && track_id && json_object_get(chosen, track_id)) code = drop_stale(removed, request, entry, err);
    }
    json_decref(undone);
    json_decref(chosen);
    return code;
}

static lofi_code organize(json_t *done, journal *log, const lofi_organize_request *request, lofi_error *err) {
    char run[64], now[32];
    LOFI_TRY(plan(done, request, err));
    if (!request->move) LOFI_TRY(drop_all_stale(done, log, request, err));
    if (request->dry_run) return LOFI_OK;
    lofi_now_iso8601(now);
    snprintf(run, sizeof run, "%s-%zu", now, json_array_size(log->lines));
    return json_array_size(done) ? carry_out(log, request, done, run, err)
                                 : lofi_catalogue_save(request->catalogue, NULL, err);
}

lofi_code lofi_organize_recover(lofi_catalogue *catalogue, lofi_error *err) {
    journal log;
    lofi_code code = journal_open(&log, catalogue, true, err);
    if (code == LOFI_OK) code = recover(&log, catalogue, err);
    journal_close(&log);
    return code;
}

lofi_code lofi_organize(json_t *done, const lofi_organize_request *request, lofi_error *err) {
    journal log;
    lofi_code code = journal_open(&log, request->catalogue, !request->dry_run, err);
    if (code == LOFI_OK) code = organize(done, &log, request, err);
    journal_close(&log);
    return code;
}

/* ---- undoing ---- */

static lofi_code undo_step(json_t *done, lofi_catalogue *catalogue, const json_t *step, bool move, bool dry_run,
                           lofi_log *log, lofi_error *err) {
    const char *from = lofi_json_text(step, "from"), *to = lofi_json_text(step, "to");
    char path[LOFI_PATH_MAX], back[LOFI_PATH_MAX];
    LOFI_TRY(open_path(path, catalogue, to, err));
    LOFI_TRY(open_path(back, catalogue, from, err));
    if (!lofi_path_is_file(path)) return LOFI_OK;
    if (lofi_path_exists(back) ? !same_file(path, back) : !move) {
        lofi_warn(log, "'%s' is left alone: it is not what was put there", path);
        return LOFI_OK;
    }
    json_array_append_new(
        done, json_pack("{s:s, s:s, s:s}", "track_id", lofi_json_text(step, "track_id"), "from", to, "to", from));
    if (dry_run || !move) return LOFI_OK;
    LOFI_TRY(share(catalogue, to, from, err));
    follow(catalogue, lofi_json_text(step, "track_id"), to, from);
    return LOFI_OK;
}

static lofi_code undo_steps(json_t *done, journal *log, lofi_catalogue *catalogue, const char *run, const json_t *steps,
                            bool move, bool dry_run, lofi_log *messages, lofi_error *err) {
    bool dropped;
    for (size_t i = 0; i < json_array_size(steps); i++)
        LOFI_TRY(undo_step(done, catalogue, json_array_get(steps, i), move, dry_run, messages, err));
    if (dry_run) return LOFI_OK;
    LOFI_TRY(lofi_catalogue_save(catalogue, NULL, err));
    for (size_t i = 0; i < json_array_size(done); i++) {
        const json_t *step = json_array_get(done, i);
        LOFI_TRY(drop(&dropped, catalogue, lofi_json_text(step, "from"), lofi_json_text(step, "to"), err));
    }
    return journal_add(log, json_pack("{s:s, s:b}", "run", run, "undone", 1), err);
}

static lofi_code undo(json_t *done, journal *log, lofi_catalogue *catalogue, bool dry_run, lofi_log *messages,
                      lofi_error *err) {
    const char *run = last_run(log->lines);
    bool move = false;
    if (!run) return lofi_fail(err, LOFI_ERR_NOT_FOUND, "there is nothing to be undone");
    json_t *steps = steps_of(log->lines, run, &move);
    lofi_code code = undo_steps(done, log, catalogue, run, steps, move, dry_run, messages, err);
    json_decref(steps);
    return code;
}

lofi_code lofi_organize_undo(json_t *done, lofi_catalogue *catalogue, bool dry_run, lofi_log *log, lofi_error *err) {
    journal runs;
    lofi_code code = journal_open(&runs, catalogue, !dry_run, err);
    if (code == LOFI_OK) code = undo(done, &runs, catalogue, dry_run, log, err);
    journal_close(&runs);
    return code;
}
