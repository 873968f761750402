/* process_folder.c - a folder of raw songs, several files at a time; see process.h. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "audio/decode.h"
#include "audio/process.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "base/threads.h"

#define MOST_WORKERS 256

/* One pass over all files by several threads. */
typedef struct lofi_batch lofi_batch;
typedef lofi_code lofi_batch_fn(lofi_batch *batch, size_t index, lofi_error *err);

struct lofi_batch {
    const char *input, *output;
    const lofi_process_options *options;
    lofi_log *log;
    lofi_listing listing;
    lofi_process_result *results; /* [listing.count] */
    bool *is_sound;               /* [listing.count] */
    char **names;                 /* [listing.count], NULL where there is no sound */
    lofi_batch_fn *work;
    lofi_progress progress;
    atomic_size_t next;
    atomic_bool stop;
    pthread_mutex_t lock;    /* guards what follows, and the log */
    bool *done;              /* [listing.count] */
    size_t done_count, told; /* results before `told` were told to the log */
    lofi_code code;          /* of the first failure */
    lofi_error error;
};

/* ---- telling ---- */

static void tell(lofi_batch *batch, const lofi_process_result *result) {
    const char *message = result->message == NULL ? "" : result->message;
    if (result->status == LOFI_PROCESS_SKIPPED)
        lofi_info(batch->log, "skipped '%s': %s (%s)", result->source, result->reason, message);
    else if (result->status == LOFI_PROCESS_FAILED)
        lofi_warn(batch->log, "failed '%s': %s (%s)", result->source, result->reason, message);
    else if (message[0] != '\0')
        lofi_warn(batch->log, "'%s': %s", result->source, message);
    else
        lofi_verbose(batch->log, "'%s' -> '%s'%s", result->source, result->output, result->trimmed ? ", trimmed" : "");
}

static void note_done(lofi_batch *batch, size_t index, lofi_code code, const lofi_error *err) {
    pthread_mutex_lock(&batch->lock);
    if (code != LOFI_OK) {
        if (batch->code == LOFI_OK) {
            batch->code = code;
            batch->error = *err;
        }
        atomic_store(&batch->stop, true);
    } else {
        batch->done[index] = true;
        batch->done_count++;
        while (batch->told < batch->listing.count && batch->done[batch->told]) {
            const lofi_process_result *result = &batch->results[batch->told++];
            if (result->source != NULL) tell(batch, result);
        }
        lofi_progress_step(&batch->progress, (int64_t)batch->done_count, NULL);
    }
    pthread_mutex_unlock(&batch->lock);
}

/* ---- working ---- */

static void *worker(void *argument) {
    lofi_batch *batch = argument;
    while (!atomic_load(&batch->stop) && !lofi_interrupt_asked()) {
        size_t index = atomic_fetch_add(&batch->next, 1);
        if (index >= batch->listing.count) break;
        lofi_error err = LOFI_ERROR_INIT;
        note_done(batch, index, batch->work(batch, index, &err), &err);
    }
    return NULL;
}

static lofi_code run_pass(lofi_batch *batch, const char *label, lofi_batch_fn *work, lofi_error *err) {
    size_t count = batch->listing.count;
    int wanted = batch->options->workers > 0 ? batch->options->workers : lofi_threads_available();
    if (wanted > MOST_WORKERS) wanted = MOST_WORKERS;
    if ((size_t)wanted > count) wanted = count == 0 ? 1 : (int)count;
    batch->work = work;
    batch->progress = lofi_progress_start(batch->log, label, "files", (int64_t)count);
    atomic_store(&batch->next, 0);
    batch->done_count = batch->told = 0;
    memset(batch->done, 0, count * sizeof *batch->done);
    pthread_t threads[MOST_WORKERS];
    int started = 0;
    while (started < wanted - 1 && pthread_create(&threads[started], NULL, worker, batch) == 0) started++;
    worker(batch);
    for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
    lofi_progress_end(&batch->progress);
    if (batch->code != LOFI_OK) {
        if (err != NULL) *err = batch->error;
        return batch->code;
    }
    if (batch->done_count < count)
        return lofi_fail(err, LOFI_ERR_INTERRUPTED, "interrupted after %zu of %zu files", batch->done_count, count);
    return LOFI_OK;
}

/* First pass: what is sound at all. Without sound there is already a result. */
static lofi_code look_at(lofi_batch *batch, size_t index, lofi_error *err) {
    const char *name = batch->listing.names[index];
    char path[LOFI_PATH_MAX];
    lofi_audio_info info;
    lofi_error found = LOFI_ERROR_INIT;
    LOFI_TRY(lofi_path_format(path, err, "%s/%s", batch->input, name));
    lofi_code code = lofi_audio_probe(&info, path, &found);
    if (code == LOFI_ERR_MEMORY) {
        if (err != NULL) *err = found;
        return code;
    }
    batch->is_sound[index] = code != LOFI_ERR_FORMAT || lofi_is_sound_extension(lofi_path_extension(name));
    if (batch->is_sound[index]) return LOFI_OK;
    lofi_process_result *result = &batch->results[index];
    *result = (lofi_process_result){.status = LOFI_PROCESS_SKIPPED, .reason = "not_audio", .seconds = -1.0};
    result->source = strdup(path);
    result->message = strdup("no sound in it");
    if (result->source != NULL && result->message != NULL) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a result");
}

static lofi_code make_track(lofi_batch *batch, size_t index, lofi_error *err) {
    if (!batch->is_sound[index]) return LOFI_OK;
    char source[LOFI_PATH_MAX], output[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_format(source, err, "%s/%s", batch->input, batch->listing.names[index]));
    LOFI_TRY(lofi_path_format(output, err, "%s/%s", batch->output, batch->names[index]));
    return lofi_process_file(&batch->results[index], source, output, batch->options, err);
}

/* ---- the whole ---- */

static void on_listing_problem(void *user, const char *message) {
    lofi_log *log = user;
    lofi_warn(log, "%s", message);
}

/* What lies below the output folder is the work of an earlier run. */
static lofi_code leave_out_output(lofi_batch *batch, lofi_error *err) {
    char inside[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_relative(inside, batch->output, batch->input, err));
    if (strcmp(inside, ".") == 0) {
        lofi_fail(err, LOFI_ERR_USAGE, "the output folder '%s' is the input folder", batch->output);
        return lofi_hint(err, "choose another output folder: the originals are never written to");
    }
    if (strcmp(inside, "..") == 0 || strncmp(inside, "../", 3) == 0) return LOFI_OK;
    size_t length = strlen(inside), kept = 0;
    lofi_listing *listing = &batch->listing;
    for (size_t i = 0; i < listing->count; i++) {
        if (strncmp(listing->names[i], inside, length) == 0 && listing->names[i][length] == '/')
            free(listing->names[i]);
        else
            listing->names[kept++] = listing->names[i];
    }
    if (kept < listing->count)
        lofi_info(batch->log, "%zu files below the output folder '%s' are left out", listing->count - kept,
                  batch->output);
    listing->count = kept;
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
    for (size_t i = 0, next = 0; code == LOFI_OK && i < total; i++)
        if (batch->is_sound[i]) batch->names[i] = names[next++];
done:
    lofi_free(sounds);
    lofi_free(names);
    return code;
}

static lofi_code run_batch(lofi_batch *batch, lofi_error *err) {
    size_t count = batch->listing.count;
    LOFI_TRY(lofi_alloc((void **)&batch->results, count, sizeof *batch->results, "results", err));
    LOFI_TRY(lofi_alloc((void **)&batch->is_sound, count, sizeof *batch->is_sound, "results", err));
    LOFI_TRY(lofi_alloc((void **)&batch->names, count, sizeof *batch->names, "file names", err));
    LOFI_TRY(lofi_alloc((void **)&batch->done, count, sizeof *batch->done, "results", err));
    if (!batch->options->dry_run) LOFI_TRY(lofi_folder_make(batch->output, err));
    lofi_log *log = batch->log;
    batch->log = NULL; /* the first pass is short and tells nothing */
    lofi_code code = run_pass(batch, "looking", look_at, err);
    batch->log = log;
    LOFI_TRY(code);
    LOFI_TRY(name_outputs(batch, err));
    return run_pass(batch, "preparing", make_track, err);
}

static void count_results(lofi_process_report *report) {
    for (size_t i = 0; i < report->count; i++) {
        if (report->results[i].status == LOFI_PROCESS_SUCCESS)
            report->processed++;
        else if (report->results[i].status == LOFI_PROCESS_SKIPPED)
            report->skipped++;
        else
            report->failed++;
    }
}

static lofi_code list_input(lofi_batch *batch, lofi_error *err) {
    if (!lofi_path_is_folder(batch->input)) {
        bool there = lofi_path_exists(batch->input);
        lofi_fail(err, there ? LOFI_ERR_USAGE : LOFI_ERR_NOT_FOUND,
                  there ? "'%s' is not a folder" : "there is no folder '%s'", batch->input);
        return lofi_hint(err, "give the folder that holds the songs");
    }
    LOFI_TRY(lofi_folder_list(&batch->listing, batch->input, true, on_listing_problem, batch->log, err));
    return leave_out_output(batch, err);
}

lofi_code lofi_process_folder(lofi_process_report *report, const char *input, const char *output,
                              const lofi_process_options *options, lofi_log *log, lofi_error *err) {
    LOFI_TRY(lofi_process_check(options, err));
    lofi_batch batch = {
        .input = input, .output = output, .options = options, .log = log, .lock = PTHREAD_MUTEX_INITIALIZER};
    lofi_process_report made = {0};
    lofi_code code = list_input(&batch, err);
    if (code == LOFI_OK) code = run_batch(&batch, err);
    made.results = batch.results;
    made.count = batch.results == NULL ? 0 : batch.listing.count;
    made.unreadable_folders = batch.listing.unreadable;
    for (size_t i = 0; batch.names != NULL && i < batch.listing.count; i++) free(batch.names[i]);
    lofi_free(batch.names);
    lofi_free(batch.is_sound);
    lofi_free(batch.done);
    lofi_listing_free(&batch.listing);
    if (code != LOFI_OK) {
        lofi_process_report_free(&made);
        return code;
    }
    count_results(&made);
    *report = made;
    return LOFI_OK;
}

void lofi_process_report_free(lofi_process_report *report) {
    for (size_t i = 0; i < report->count; i++) lofi_process_result_free(&report->results[i]);
    lofi_free(report->results);
    *report = (lofi_process_report){0};
}
