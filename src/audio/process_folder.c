/* process_folder.c - a folder of raw songs, in worker processes; see process.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "audio/audio_libraries.h"
#include "audio/decode.h"
#include "audio/ledger.h"
#include "audio/process.h"
#include "audio/process_duplicates.h"
#include "audio/process_jobs.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/utf8.h"

typedef struct lofi_batch {
    const char *input, *output;
    const lofi_process_options *options;
    char *settings;
    lofi_log *log;
    lofi_ledger *ledger; /* NULL: nothing is remembered */
    lofi_listing listing;
    lofi_process_result *results; /* [listing.count] */
    bool *is_sound;               /* [listing.count] */
    char **names;                 /* [listing.count], NULL where there is no sound */
    size_t *jobs;                 /* [job_count]: places in the listing */
    size_t job_count;
    lofi_progress progress;
    size_t done, told; /* results before `told` were told to the log */
} lofi_batch;

/* ---- telling ---- */

static void tell(lofi_batch *batch, const lofi_process_result *result) {
    const char *message = result->message == NULL ? "" : result->message;
    if (strcmp(result->reason, "unchanged") == 0)
        lofi_verbose(batch->log, "skipped '%s': unchanged", result->source);
    else if (result->status == LOFI_PROCESS_SKIPPED)
        lofi_info(batch->log, "skipped '%s': %s (%s)", result->source, result->reason, message);
    else if (result->status == LOFI_PROCESS_FAILED)
        lofi_warn(batch->log, "failed '%s': %s (%s)", result->source, result->reason, message);
    else if (message[0] != '\0')
        lofi_warn(batch->log, "'%s': %s", result->source, message);
    else
        lofi_verbose(batch->log, "'%s' -> '%s'%s", result->source, result->output, result->trimmed ? ", trimmed" : "");
}

/* In the order of the paths, as far as all before are known. */
static void tell_on(lofi_batch *batch) {
    while (batch->told < batch->listing.count && batch->results[batch->told].source != NULL)
        tell(batch, &batch->results[batch->told++]);
}

/* ---- results that need no decoding ---- */

static lofi_code path_of(char path[LOFI_PATH_MAX], const lofi_batch *batch, size_t index, lofi_error *err) {
    return lofi_path_format(path, err, "%s/%s", batch->input, batch->listing.names[index]);
}

static lofi_code set_result(lofi_batch *batch, size_t index, lofi_process_status status, const char *reason,
                            const char *message, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    LOFI_TRY(path_of(path, batch, index, err));
    return lofi_process_plain_result(&batch->results[index], path, status, reason, message, err);
}

/* What kind of file a name is; a result where that settles it. */
static lofi_code look_at_name(lofi_batch *batch, size_t index, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    struct stat info;
    LOFI_TRY(path_of(path, batch, index, err));
    if (!lofi_utf8_printable(batch->listing.names[index]))
        return set_result(batch, index, LOFI_PROCESS_FAILED, "bad_name",
                          "the name is not UTF-8 or holds a control character; rename it", err);
    if (stat(path, &info) != 0) {
        lofi_error found = LOFI_ERROR_INIT;
        lofi_fail_errno(&found, errno, "cannot open '%s'", path);
        return set_result(batch, index, LOFI_PROCESS_FAILED, "unreadable", found.message, err);
    }
    if (S_ISREG(info.st_mode)) return LOFI_OK;
    return set_result(batch, index, LOFI_PROCESS_SKIPPED, "not_a_file",
                      S_ISDIR(info.st_mode) ? "a link to a folder: links are not followed into folders"
                                            : "a pipe, a socket or a device",
                      err);
}

/* ---- the first pass: is it sound at all ---- */

/* Runs in a worker, for files whose extension does not say sound. */
static lofi_code probe_job(void *user, lofi_worker *worker, size_t job, lofi_buffer *answer, lofi_error *err) {
    const lofi_batch *batch = user;
    char path[LOFI_PATH_MAX];
    lofi_audio_info info;
    (void)worker;
    LOFI_TRY(path_of(path, batch, batch->jobs[job], err));
    lofi_code code = lofi_audio_probe(&info, path, NULL);
    lofi_buffer_text(answer, code == LOFI_ERR_FORMAT ? "none" : "sound");
    return LOFI_OK;
}

/* What ends the process that looks at it goes on to the second pass, where that gets a reason. */
static lofi_code probe_end(void *user, const lofi_job_end *end, lofi_error *err) {
    lofi_batch *batch = user;
    size_t index = batch->jobs[end->job];
    batch->is_sound[index] = end->state != LOFI_JOB_ANSWERED || strcmp(end->answer, "sound") == 0;
    if (batch->is_sound[index]) return LOFI_OK;
    return set_result(batch, index, LOFI_PROCESS_SKIPPED, "not_audio", "no sound in it", err);
}

/* ---- the second pass: tracks ---- */

typedef struct sealing {
    const lofi_batch *batch;
    lofi_worker *worker;
    const char *output;
} sealing;

static lofi_code seal(void *user, const lofi_process_result *result, lofi_error *err) {
    const sealing *s = user;
    char *line;
    LOFI_TRY(lofi_ledger_line(&line, s->batch->ledger, result, s->output, s->batch->settings, err));
    lofi_code code = lofi_worker_note(s->worker, line, strlen(line), err);
    free(line);
    return code;
}

/* Called in the main process. */
static lofi_code take_note(void *user, size_t job, const char *bytes, size_t size, lofi_error *err) {
    (void)job;
    return lofi_ledger_add(((lofi_batch *)user)->ledger, bytes, size, err);
}

/* A source that cannot be read has no content; making the track says why. */
static lofi_code make_track(lofi_process_result *result, const lofi_batch *batch, lofi_worker *worker, size_t index,
                            lofi_error *err) {
    char source[LOFI_PATH_MAX], output[LOFI_PATH_MAX], content[LOFI_SHA256_HEX] = "";
    bool holds = false;
    LOFI_TRY(path_of(source, batch, index, err));
    LOFI_TRY(lofi_path_format(output, err, "%s/%s", batch->output, batch->names[index]));
    if (batch->ledger != NULL && lofi_ledger_content(content, source, NULL) == LOFI_OK)
        LOFI_TRY(lofi_ledger_recall(&holds, result, batch->ledger, source, output, content, batch->settings, err));
    if (holds) return LOFI_OK;
    sealing s = {batch, worker, output};
    return lofi_process_file(result, source, content, output, batch->options, batch->ledger == NULL ? NULL : seal, &s,
                             err);
}

/* Runs in a worker. */
static lofi_code track_job(void *user, lofi_worker *worker, size_t job, lofi_buffer *answer, lofi_error *err) {
    const lofi_batch *batch = user;
    lofi_process_result result = {0};
    LOFI_TRY(make_track(&result, batch, worker, batch->jobs[job], err));
    return lofi_process_answer(worker, answer, &result, err);
}

static lofi_code track_end(void *user, const lofi_job_end *end, lofi_error *err) {
    lofi_batch *batch = user;
    size_t index = batch->jobs[end->job];
    char source[LOFI_PATH_MAX], output[LOFI_PATH_MAX];
    LOFI_TRY(path_of(source, batch, index, err));
    LOFI_TRY(lofi_path_format(output, err, "%s/%s", batch->output, batch->names[index]));
    LOFI_TRY(lofi_process_take_end(&batch->results[index], end, source, output, batch->options, err));
    if (batch->results[index].output == NULL && lofi_path_exists(output))
        lofi_warn(batch->log, "'%s' is still there, from before '%s' was rejected", output, source);
    tell_on(batch);
    lofi_progress_step(&batch->progress, (int64_t)++batch->done, NULL);
    return LOFI_OK;
}

static lofi_code run_pass(lofi_batch *batch, lofi_job_fn *work,
                          lofi_code (*end)(void *, const lofi_job_end *, lofi_error *), lofi_error *err) {
    lofi_workers workers = lofi_process_workers(batch->options, batch->job_count);
    workers.work = work;
    workers.end = end;
    workers.note = take_note;
    workers.user = batch;
    return lofi_workers_run(&workers, batch->job_count, err);
}

/* ---- the whole ---- */

static void on_listing_problem(void *user, const char *message) {
    lofi_log *log = user;
    lofi_warn(log, "%s", message);
}

/* What lies below a folder of ours is the work of an earlier run. */
static lofi_code leave_out(lofi_batch *batch, const char *folder, size_t *left_out, lofi_error *err) {
    char inside[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_relative(inside, folder, batch->input, err));
    if (strcmp(inside, ".") == 0 || strcmp(inside, "..") == 0 || strncmp(inside, "../", 3) == 0) return LOFI_OK;
    size_t length = strlen(inside), kept = 0;
    lofi_listing *listing = &batch->listing;
    for (size_t i = 0; i < listing->count; i++) {
        if (strncmp(listing->names[i], inside, length) == 0 && listing->names[i][length] == '/')
            free(listing->names[i]);
        else
            listing->names[kept++] = listing->names[i];
    }
    *left_out += listing->count - kept;
    listing->count = kept;
    return LOFI_OK;
}

static lofi_code leave_out_ours(lofi_batch *batch, lofi_error *err) {
    char inside[LOFI_PATH_MAX];
    size_t left_out = 0, own = 0;
    LOFI_TRY(lofi_path_relative(inside, batch->output, batch->input, err));
    if (strcmp(inside, ".") == 0) {
        lofi_fail(err, LOFI_ERR_USAGE, "the output folder '%s' is the input folder", batch->output);
        return lofi_hint(err, "choose another output folder: the originals are never written to");
    }
    const char *metadata = batch->options->metadata;
    if (metadata != NULL && lofi_path_exists(metadata) && !lofi_path_is_folder(metadata))
        return lofi_fail(err, LOFI_ERR_USAGE, "the metadata folder '%s' is not a folder", metadata);
    LOFI_TRY(leave_out(batch, batch->output, &left_out, err));
    if (metadata != NULL) LOFI_TRY(leave_out(batch, metadata, &own, err));
    if (left_out > 0)
        lofi_info(batch->log, "%zu files below the output folder '%s' are left out", left_out, batch->output);
    return LOFI_OK;
}

static lofi_code name_outputs(lofi_batch *batch, lofi_error *err) {
    const char **sounds = NULL;
    char **names = NULL;
    size_t count = 0, total = batch->listing.count;
    lofi_code code;
    LOFI_TRY_GOTO(lofi_alloc((void **)&sounds, total, sizeof *sounds, "file names", err), done);
    LOFI_TRY_GOTO(lofi_alloc((void **)&names, total, sizeof *names, "file names", err), done);
    for (size_t i = 0; i < total; i++)
        if (batch->is_sound[i]) sounds[count++] = batch->listing.names[i];
    code = lofi_process_names(names, sounds, count, lofi_audio_format_name(batch->options->encoding.format), err);
    for (size_t i = 0, next = 0; i < total; i++)
        if (batch->is_sound[i]) batch->names[i] = names[next++];
done:
    lofi_free(sounds);
    lofi_free(names);
    return code;
}

/* Names that settle it get their result; of the others, those whose extension does not say sound are looked into. */
static lofi_code find_sounds(lofi_batch *batch, lofi_error *err) {
    batch->job_count = 0;
    for (size_t i = 0; i < batch->listing.count; i++) {
        LOFI_TRY(look_at_name(batch, i, err));
        if (batch->results[i].source != NULL) continue;
        batch->is_sound[i] = lofi_is_sound_extension(lofi_path_extension(batch->listing.names[i]));
        if (!batch->is_sound[i]) batch->jobs[batch->job_count++] = i;
    }
    return run_pass(batch, probe_job, probe_end, err);
}

static lofi_code make_tracks(lofi_batch *batch, lofi_error *err) {
    batch->job_count = 0;
    for (size_t i = 0; i < batch->listing.count; i++)
        if (batch->is_sound[i]) batch->jobs[batch->job_count++] = i;
    batch->progress = lofi_progress_start(batch->log, "preparing", "files", (int64_t)batch->job_count);
    tell_on(batch);
    lofi_code code = run_pass(batch, track_job, track_end, err);
    lofi_progress_end(&batch->progress);
    return code;
}

/* Tracks that a killed run was writing. The names are sorted: those of a folder stand together. */
static lofi_code clean_output(const lofi_batch *batch, lofi_error *err) {
    char path[LOFI_PATH_MAX], folder[LOFI_PATH_MAX], last[LOFI_PATH_MAX] = "";
    for (size_t i = 0; i < batch->listing.count; i++) {
        if (batch->names[i] == NULL) continue;
        LOFI_TRY(lofi_path_format(path, err, "%s/%s", batch->output, batch->names[i]));
        LOFI_TRY(lofi_path_parent(folder, path, err));
        if (strcmp(folder, last) != 0) lofi_folder_clean(folder);
        memcpy(last, folder, sizeof last);
    }
    return LOFI_OK;
}

static lofi_code run_batch(lofi_batch *batch, lofi_error *err) {
    size_t count = batch->listing.count;
    bool writing = !batch->options->dry_run;
    LOFI_TRY(lofi_alloc((void **)&batch->results, count, sizeof *batch->results, "results", err));
    LOFI_TRY(lofi_alloc((void **)&batch->is_sound, count, sizeof *batch->is_sound, "results", err));
    LOFI_TRY(lofi_alloc((void **)&batch->names, count, sizeof *batch->names, "file names", err));
    LOFI_TRY(lofi_alloc((void **)&batch->jobs, count, sizeof *batch->jobs, "results", err));
    batch->settings = lofi_process_settings(batch->options);
    if (batch->settings == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for the settings");
    if (writing) LOFI_TRY(lofi_folder_make(batch->output, err));
    if (batch->options->metadata != NULL)
        LOFI_TRY(lofi_ledger_open(&batch->ledger, batch->options->metadata, writing, batch->log, err));
    LOFI_TRY(find_sounds(batch, err));
    LOFI_TRY(name_outputs(batch, err));
    if (writing) LOFI_TRY(clean_output(batch, err));
    return make_tracks(batch, err);
}

static lofi_code list_input(lofi_batch *batch, lofi_error *err) {
    if (!lofi_path_is_folder(batch->input)) {
        bool there = lofi_path_exists(batch->input);
        lofi_fail(err, there ? LOFI_ERR_USAGE : LOFI_ERR_NOT_FOUND,
                  there ? "'%s' is not a folder" : "there is no folder '%s'", batch->input);
        return lofi_hint(err, "give the folder that holds the songs");
    }
    LOFI_TRY(lofi_folder_list_all(&batch->listing, batch->input, on_listing_problem, batch->log, err));
    return leave_out_ours(batch, err);
}

static void free_batch(lofi_batch *batch) {
    for (size_t i = 0; batch->names != NULL && i < batch->listing.count; i++) free(batch->names[i]);
    lofi_free(batch->names);
    lofi_free(batch->is_sound);
    lofi_free(batch->jobs);
    free(batch->settings);
    lofi_listing_free(&batch->listing);
}

lofi_code lofi_process_folder(lofi_process_report *report, const char *input, const char *output,
                              const lofi_process_options *options, lofi_log *log, lofi_error *err) {
    LOFI_TRY(lofi_process_check(options, err));
    LOFI_TRY(lofi_libraries_open(lofi_audio_libraries, err)); /* by this process, for all workers */
    lofi_batch batch = {.input = input, .output = output, .options = options, .log = log};
    lofi_process_report made = {0};
    lofi_code code = list_input(&batch, err);
    if (code == LOFI_OK) code = run_batch(&batch, err);
    made.results = batch.results;
    made.count = batch.results == NULL ? 0 : batch.listing.count;
    made.unreadable_folders = batch.listing.unreadable;
    if (code == LOFI_OK) lofi_process_count(&made);
    if (code == LOFI_OK && batch.ledger != NULL) code = lofi_process_find_duplicates(&made, batch.ledger, options, err);
    lofi_code closed = batch.ledger == NULL ? LOFI_OK : lofi_ledger_close(batch.ledger, code == LOFI_OK ? err : NULL);
    if (code == LOFI_OK) code = closed;
    free_batch(&batch);
    if (code == LOFI_OK)
        *report = made;
    else
        lofi_process_report_free(&made);
    return code;
}
