/* process_jobs.c - see process_jobs.h. */
#include "audio/process_jobs.h"

#include <stdlib.h>
#include <string.h>

#include "audio/audio_libraries.h"
#include "audio/ledger.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/threads.h"

#define MOST_WORKERS 256

lofi_workers lofi_process_workers(const lofi_process_options *options, size_t jobs) {
    int wanted = options->workers > 0 ? options->workers : lofi_threads_available();
    if (wanted > MOST_WORKERS) wanted = MOST_WORKERS;
    if ((size_t)wanted > jobs) wanted = jobs == 0 ? 1 : (int)jobs;
    return (lofi_workers){
        .workers = wanted, .seconds_limit = options->seconds_limit, .memory_bytes = lofi_process_memory(options)};
}

lofi_code lofi_process_plain_result(lofi_process_result *result, const char *source, lofi_process_status status,
                                    const char *reason, const char *message, lofi_error *err) {
    lofi_process_result made = {.status = status, .seconds = -1.0};
    snprintf(made.reason, sizeof made.reason, "%s", reason);
    made.source = strdup(source);
    made.message = strdup(message);
    if (made.source == NULL || made.message == NULL) {
        lofi_process_result_free(&made);
        return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a result");
    }
    *result = made;
    return LOFI_OK;
}

lofi_code lofi_process_answer(lofi_worker *worker, lofi_buffer *answer, lofi_process_result *result, lofi_error *err) {
    if (result->out_of_memory) lofi_worker_out_of_memory(worker);
    json_t *object = lofi_process_result_json(result);
    if (result->output != NULL) json_object_set_new(object, "there", json_true());
    lofi_process_result_free(result);
    lofi_code code = lofi_json_print(answer, object, false, err);
    json_decref(object);
    return code;
}

static lofi_code take_answer(lofi_process_result *result, const lofi_job_end *end, const char *source,
                             const char *output, lofi_error *err) {
    json_t *object = NULL;
    LOFI_TRY(lofi_json_parse(&object, end->answer, end->size, "a worker's answer", err));
    bool there = json_is_true(json_object_get(object, "there"));
    lofi_code code = lofi_process_result_from_json(result, object, source, there ? output : NULL, err);
    json_decref(object);
    return code;
}

lofi_code lofi_process_take_end(lofi_process_result *result, const lofi_job_end *end, const char *source,
                                const char *output, const lofi_process_options *options, lofi_error *err) {
    char text[160];
    if (end->state == LOFI_JOB_ANSWERED) return take_answer(result, end, source, output, err);
    if (end->state == LOFI_JOB_TIMED_OUT)
        snprintf(text, sizeof text, "not done after %g s", options->seconds_limit);
    else if (end->signal != 0)
        snprintf(text, sizeof text, "decoding it ends the process with signal %d, %s", end->signal,
                 strsignal(end->signal));
    else
        snprintf(text, sizeof text, "decoding it ends the process");
    return lofi_process_plain_result(result, source, LOFI_PROCESS_FAILED, "corrupt", text, err);
}

/* ---- reports ---- */

void lofi_process_count(lofi_process_report *report) {
    for (size_t i = 0; i < report->count; i++) {
        if (report->results[i].status == LOFI_PROCESS_SUCCESS)
            report->processed++;
        else if (report->results[i].status == LOFI_PROCESS_SKIPPED)
            report->skipped++;
        else
            report->failed++;
    }
}

void lofi_process_report_free(lofi_process_report *report) {
    for (size_t i = 0; i < report->count; i++) lofi_process_result_free(&report->results[i]);
    for (size_t i = 0; i < report->name_count; i++) free(report->names[i]);
    lofi_free(report->results);
    free(report->names);
    lofi_free(report->duplicates);
    *report = (lofi_process_report){0};
}

/* ---- examining ---- */

typedef struct examination {
    lofi_process_report *report;
    const char *const *sources;
    const lofi_process_options *options;
} examination;

static lofi_code examine_job(void *user, lofi_worker *worker, size_t job, lofi_buffer *answer, lofi_error *err) {
    const examination *e = user;
    lofi_process_result result = {0};
    LOFI_TRY(lofi_process_examine(&result, e->sources[job], e->options, err));
    return lofi_process_answer(worker, answer, &result, err);
}

static lofi_code examine_end(void *user, const lofi_job_end *end, lofi_error *err) {
    const examination *e = user;
    return lofi_process_take_end(&e->report->results[end->job], end, e->sources[end->job], NULL, e->options, err);
}

lofi_code lofi_process_examine_all(lofi_process_report *report, const char *const *sources, size_t count,
                                   const lofi_process_options *options, lofi_error *err) {
    lofi_process_report made = {.count = count};
    examination e = {&made, sources, options};
    lofi_workers workers = lofi_process_workers(options, count);
    workers.work = examine_job;
    workers.end = examine_end;
    workers.user = &e;
    LOFI_TRY(lofi_process_check(options, err));
    LOFI_TRY(lofi_libraries_open(lofi_audio_libraries, err)); /* by this process, for all workers */
    LOFI_TRY(lofi_alloc((void **)&made.results, count, sizeof *made.results, "results", err));
    lofi_code code = lofi_workers_run(&workers, count, err);
    if (code == LOFI_OK) {
        lofi_process_count(&made);
        *report = made;
    } else {
        lofi_process_report_free(&made);
    }
    return code;
}
