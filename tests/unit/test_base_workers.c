/* test_base_workers.c - jobs in separate processes: answers, notes, processes that die, hang, ask for too much memory. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/interrupt.h"
#include "base/memory.h"
#include "base/workers.h"

enum { JOBS = 20 };

typedef struct record {
    const char *scratch; /* a folder, for jobs that must remember that they were tried */
    size_t ended, notes;
    lofi_job_state states[JOBS];
    int signals[JOBS];
    size_t answers[JOBS];
    size_t stop_after; /* `end` fails at this many */
} record;

static lofi_error err;

static lofi_code take_end(void *user, const lofi_job_end *end, lofi_error *e) {
    record *r = user;
    r->ended++;
    r->states[end->job] = end->state;
    r->signals[end->job] = end->signal;
    if (end->state == LOFI_JOB_ANSWERED) r->answers[end->job] = strtoul(end->answer, NULL, 10);
    return r->ended == r->stop_after ? lofi_fail(e, LOFI_ERR_IO, "enough") : LOFI_OK;
}

static lofi_code take_note(void *user, size_t job, const char *bytes, size_t size, lofi_error *e) {
    record *r = user;
    r->notes++;
    assert_int_equal(size, 4);
    assert_memory_equal(bytes, "note", 4);
    return job == 13 ? lofi_fail(e, LOFI_ERR_IO, "no place for note 13") : LOFI_OK;
}

static lofi_code square(void *user, lofi_worker *worker, size_t job, lofi_buffer *answer, lofi_error *e) {
    (void)user, (void)worker, (void)e;
    lofi_buffer_printf(answer, "%zu", job * job);
    return LOFI_OK;
}

static lofi_code run(record *r, lofi_job_fn *work, int workers, size_t count) {
    lofi_workers plan = {.workers = workers, .seconds_limit = 600.0, .work = work, .end = take_end, .note = take_note};
    plan.user = r;
    return lofi_workers_run(&plan, count, &err);
}

static void test_answers(void **state) {
    (void)state;
    for (int workers = 1; workers <= 7; workers += 3) {
        record r = {0};
        assert_int_equal(run(&r, square, workers, JOBS), LOFI_OK);
        assert_int_equal(r.ended, JOBS);
        for (size_t i = 0; i < JOBS; i++) {
            assert_int_equal(r.states[i], LOFI_JOB_ANSWERED);
            assert_int_equal(r.answers[i], i * i);
        }
    }
    record none = {0};
    assert_int_equal(run(&none, square, 2, 0), LOFI_OK);
    assert_int_equal(none.ended, 0);
}

static lofi_code mostly_crash(void *user, lofi_worker *worker, size_t job, lofi_buffer *answer, lofi_error *e) {
    if (job == 3) raise(SIGKILL);
    if (job == 5) _exit(7);
    return square(user, worker, job, answer, e);
}

static void test_a_job_that_kills_its_process(void **state) {
    (void)state;
    record r = {0};
    assert_int_equal(run(&r, mostly_crash, 2, JOBS), LOFI_OK);
    assert_int_equal(r.ended, JOBS);
    for (size_t i = 0; i < JOBS; i++)
        assert_int_equal(r.states[i], i == 3 || i == 5 ? LOFI_JOB_KILLED : LOFI_JOB_ANSWERED);
    assert_int_equal(r.signals[3], SIGKILL);
    assert_int_equal(r.signals[5], 0);
}

/* Dies the first time, works the second. */
static lofi_code crash_once(void *user, lofi_worker *worker, size_t job, lofi_buffer *answer, lofi_error *e) {
    const record *r = user;
    char path[256];
    snprintf(path, sizeof path, "%s/%zu", r->scratch, job);
    if (access(path, F_OK) != 0) {
        if (mkdir(path, 0700) == 0) raise(SIGKILL);
        return lofi_fail(e, LOFI_ERR_IO, "cannot remember");
    }
    return square(user, worker, job, answer, e);
}

static void test_a_stray_signal_costs_nothing(void **state) {
    (void)state;
    char scratch[] = "/tmp/lofi-workers-XXXXXX", path[256];
    assert_non_null(mkdtemp(scratch));
    record r = {.scratch = scratch};
    assert_int_equal(run(&r, crash_once, 3, JOBS), LOFI_OK);
    for (size_t i = 0; i < JOBS; i++) {
        assert_int_equal(r.states[i], LOFI_JOB_ANSWERED);
        assert_int_equal(r.answers[i], i * i);
        snprintf(path, sizeof path, "%s/%zu", scratch, i);
        assert_int_equal(rmdir(path), 0);
    }
    assert_int_equal(rmdir(scratch), 0);
}

static lofi_code mostly_hang(void *user, lofi_worker *worker, size_t job, lofi_buffer *answer, lofi_error *e) {
    if (job == 2)
        for (;;) pause();
    return square(user, worker, job, answer, e);
}

static void test_a_job_that_hangs(void **state) {
    (void)state;
    record r = {0};
    lofi_workers plan = {.workers = 2, .seconds_limit = 0.5, .work = mostly_hang, .end = take_end, .user = &r};
    assert_int_equal(lofi_workers_run(&plan, 4, &err), LOFI_OK);
    assert_int_equal(r.states[2], LOFI_JOB_TIMED_OUT);
    assert_int_equal(r.ended, 4);
}

static void run_in_256_mib(record *r, lofi_job_fn *work, size_t count) {
    lofi_workers plan = {.workers = 1, .seconds_limit = 600, .memory_bytes = (size_t)256 << 20, .work = work};
    plan.end = take_end;
    plan.user = r;
    assert_int_equal(lofi_workers_run(&plan, count, &err), LOFI_OK);
}

/* malloc that is called: a compiler may take one whose memory is never used for granted. */
static void *asked_for(size_t bytes) {
    void *memory = malloc(bytes);
    __asm__ volatile("" : "+r"(memory));
    return memory;
}

static lofi_code ask_for_memory(void *user, lofi_worker *worker, size_t job, lofi_buffer *answer, lofi_error *e) {
    (void)user, (void)worker, (void)e;
    void *memory = asked_for(((size_t)32 << 20) << job); /* 32 MiB to 16 GiB */
    lofi_buffer_text(answer, memory != NULL ? "1" : "0");
    free(memory);
    return LOFI_OK;
}

static void test_memory_is_bounded(void **state) {
    (void)state;
    record r = {0};
    run_in_256_mib(&r, ask_for_memory, 10);
    assert_int_equal(r.answers[0], 1);
    assert_int_equal(r.answers[4], 0); /* 512 MiB */
    assert_int_equal(r.answers[9], 0);
}

/* Job 2 leaks; job 3 has nothing left in that process, and all it needs in a fresh one. */
static lofi_code leak_once(void *user, lofi_worker *worker, size_t job, lofi_buffer *answer, lofi_error *e) {
    (void)user, (void)e;
    if (job == 2)
        while (asked_for((size_t)1 << 20) != NULL) continue;
    void *memory = asked_for((size_t)64 << 20);
    if (memory == NULL) lofi_worker_out_of_memory(worker);
    lofi_buffer_text(answer, memory != NULL ? "1" : "0");
    free(memory);
    return LOFI_OK;
}

static void test_a_leak_costs_one_job(void **state) {
    (void)state;
    record r = {0};
    run_in_256_mib(&r, leak_once, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(r.states[i], LOFI_JOB_ANSWERED);
        assert_int_equal(r.answers[i], i != 2);
    }
}

static lofi_code note_it(void *user, lofi_worker *worker, size_t job, lofi_buffer *answer, lofi_error *e) {
    LOFI_TRY(lofi_worker_note(worker, "note", 4, e));
    LOFI_TRY(lofi_worker_note(worker, "note", 4, e));
    return square(user, worker, job, answer, e);
}

static void test_notes(void **state) {
    (void)state;
    record r = {0};
    assert_int_equal(run(&r, note_it, 3, 10), LOFI_OK);
    assert_int_equal(r.notes, 20);
    assert_int_equal(run(&r, note_it, 1, JOBS), LOFI_ERR_IO);
    assert_string_equal(err.message, "no place for note 13");
}

static lofi_code fail_at_seven(void *user, lofi_worker *worker, size_t job, lofi_buffer *answer, lofi_error *e) {
    if (job == 7) return lofi_fail(e, LOFI_ERR_NUMERIC, "seven is wrong");
    return square(user, worker, job, answer, e);
}

static void test_failures_end_the_run(void **state) {
    (void)state;
    record r = {0};
    assert_int_equal(run(&r, fail_at_seven, 2, JOBS), LOFI_ERR_NUMERIC);
    assert_string_equal(err.message, "seven is wrong");
    record stopped = {.stop_after = 4};
    assert_int_equal(run(&stopped, square, 2, JOBS), LOFI_ERR_IO);
    assert_string_equal(err.message, "enough");
    assert_int_equal(stopped.ended, 4);
}

static lofi_code interrupt_at_five(void *user, const lofi_job_end *end, lofi_error *e) {
    if (end->job == 5) raise(SIGTERM);
    return take_end(user, end, e);
}

/* The last test: the question stays answered. */
static void test_interrupted(void **state) {
    (void)state;
    record r = {0};
    lofi_interrupt_install();
    lofi_workers plan = {.workers = 1, .seconds_limit = 600, .work = square, .end = interrupt_at_five, .user = &r};
    assert_int_equal(lofi_workers_run(&plan, JOBS, &err), LOFI_ERR_INTERRUPTED);
    assert_int_equal(r.ended, 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers),
                                       cmocka_unit_test(test_a_job_that_kills_its_process),
                                       cmocka_unit_test(test_a_stray_signal_costs_nothing),
                                       cmocka_unit_test(test_a_job_that_hangs),
                                       cmocka_unit_test(test_memory_is_bounded),
                                       cmocka_unit_test(test_a_leak_costs_one_job),
                                       cmocka_unit_test(test_notes),
                                       cmocka_unit_test(test_failures_end_the_run),
                                       cmocka_unit_test(test_interrupted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
