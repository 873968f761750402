/* process_jobs.h - what the passes over sound files in worker processes have in common. Not for other folders. */
#ifndef LOFI_AUDIO_PROCESS_JOBS_H
#define LOFI_AUDIO_PROCESS_JOBS_H

#include "audio/process.h"
#include "base/workers.h"

/* Processes, limits of time and memory by the options; the callbacks are still to be set. */
lofi_workers lofi_process_workers(const lofi_process_options *options, size_t jobs);

/* In a worker: a result as its answer. The result is freed. One that ran out of memory may be tried once more, in a fresh
 * process. */
lofi_code lofi_process_answer(lofi_worker *worker, lofi_buffer *answer, lofi_process_result *result,
                              lofi_error *err) LOFI_MUST_USE;

/* In the main process: the result that a worker answered, or the one of a file that ended its worker. `output` is the track's
 * path, or NULL. */
lofi_code lofi_process_take_end(lofi_process_result *result, const lofi_job_end *end, const char *source,
                                const char *output, const lofi_process_options *options, lofi_error *err) LOFI_MUST_USE;

/* Counts the results by their status. */
void lofi_process_count(lofi_process_report *report);

/* A result without measures. */
lofi_code lofi_process_plain_result(lofi_process_result *result, const char *source, lofi_process_status status,
                                    const char *reason, const char *message, lofi_error *err) LOFI_MUST_USE;

#endif
