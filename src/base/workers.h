/* workers.h - jobs done by separate processes, so that what kills or hangs one costs one job and not the batch.
 *
 * lofi_workers_run forks `workers` processes. Each is given one job at a time and answers with bytes. A process that dies
 * is replaced; its job is tried once more, in a fresh process, and then counts as killed (a stray signal costs nothing, a
 * job that kills its process costs itself). A process that is silent for longer than the limit is killed, its job counts as
 * timed out. When this process dies, by whatever signal, its workers die with it.
 *
 * The time that this process was stopped or the machine slept does not count for the limit.
 */
#ifndef LOFI_BASE_WORKERS_H
#define LOFI_BASE_WORKERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

/* The worker's own end. */
typedef struct lofi_worker lofi_worker;

/* Runs in a worker. What it appends to `answer` reaches `end`. A failure ends the whole run with it: what is wrong with one
 * job belongs into the answer. Nothing that it changes in memory is seen outside. */
typedef lofi_code lofi_job_fn(void *user, lofi_worker *worker, size_t job, lofi_buffer *answer, lofi_error *err);

/* For a job: hands bytes to `note` in the main process and waits until that has returned; its failure is returned here. */
lofi_code lofi_worker_note(lofi_worker *worker, const void *bytes, size_t size, lofi_error *err) LOFI_MUST_USE;

/* For a job that ran out of memory. Earlier jobs of the process may have leaked: where there were any, the process ends here and
 * the job is tried in a fresh one; else the job goes on to its answer, and the process ends after it. */
void lofi_worker_out_of_memory(lofi_worker *worker);

typedef enum lofi_job_state { LOFI_JOB_ANSWERED, LOFI_JOB_KILLED, LOFI_JOB_TIMED_OUT } lofi_job_state;

typedef struct lofi_job_end {
    size_t job;
    lofi_job_state state;
    int signal;         /* KILLED: the signal, or 0 when the process ended by itself without an answer */
    const char *answer; /* ANSWERED: borrowed, with a zero byte behind its end */
    size_t size;
} lofi_job_end;

typedef struct lofi_workers {
    int workers;          /* processes, at least 1 */
    double seconds_limit; /* for one job, above 0 */
    size_t memory_bytes;  /* what a worker may allocate beyond what it begins with; 0: no limit */
    lofi_job_fn *work;
    /* In this process, one at a time. `end` once for every job that was begun, in the order in which they end. A failure stops
     * the run. `note` may be NULL when no job notes anything. */
    lofi_code (*end)(void *user, const lofi_job_end *end, lofi_error *err);
    lofi_code (*note)(void *user, size_t job, const char *bytes, size_t size, lofi_error *err);
    void *user;
} lofi_workers;

/* Jobs 0 to count - 1, begun in this order. On a failure no further jobs are begun and those in work are killed.
 * LOFI_ERR_INTERRUPTED after a signal (interrupt.h): the jobs in work were finished first. To be called while no other thread
 * of this process does anything, and jobs use none that was started before (fork). */
lofi_code lofi_workers_run(const lofi_workers *workers, size_t count, lofi_error *err) LOFI_MUST_USE;

#endif
