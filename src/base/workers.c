/* workers.c - see workers.h.
 *
 * Every worker has one socket. The main process sends the number of a job; the worker sends messages, each a head and its
 * bytes: any number of notes, each of which is answered by a reply, then the job's answer or its failure.
 */
#include "base/workers.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/memory.h"

#define MOST_TRIES    2
#define LONGEST_TICK  1.0 /* seconds: longer pauses between two looks are not the job's */
#define TICK_MS       200
#define LARGEST_BYTES ((uint64_t)1 << 28)

typedef enum message_kind { MESSAGE_NOTE, MESSAGE_ANSWER, MESSAGE_LAST_ANSWER, MESSAGE_FAILURE } message_kind;

typedef struct message_head {
    uint32_t kind;
    uint64_t size;
} message_head;

typedef struct reply {
    uint32_t code; /* LOFI_OK, or that of `error` */
    lofi_error error;
} reply;

struct lofi_worker {
    int socket;
    size_t jobs_done;
    bool last; /* the process ends after this job */
};

/* One process, as the main process sees it. */
typedef struct hand {
    pid_t process; /* 0: none */
    int socket;
    bool busy;
    size_t job;
    double seconds; /* that the job has taken so far */
} hand;

typedef struct crew {
    const lofi_workers *plan;
    size_t count, next;
    hand *hands;           /* [plan->workers] */
    unsigned char *deaths; /* [count]: processes that died of a job */
    size_t *again;         /* jobs to be tried once more */
    size_t again_count, again_capacity;
    lofi_buffer message;
} crew;

/* ---- bytes through a socket ---- */

/* False at the end of the other side. */
static bool send_all(int socket, const void *bytes, size_t size) {
    const char *at = bytes;
    while (size > 0) {
        ssize_t done = send(socket, at, size, MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return false;
        at += done;
        size -= (size_t)done;
    }
    return true;
}

static bool receive_all(int socket, void *bytes, size_t size) {
    char *at = bytes;
    while (size > 0) {
        ssize_t done = recv(socket, at, size, 0);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return false;
        at += done;
        size -= (size_t)done;
    }
    return true;
}

static bool send_message(int socket, message_kind kind, const void *bytes, size_t size) {
    message_head head = {.kind = kind, .size = size};
    return send_all(socket, &head, sizeof head) && send_all(socket, bytes, size);
}

/* ---- in a worker ---- */

lofi_code lofi_worker_note(lofi_worker *worker, const void *bytes, size_t size, lofi_error *err) {
    reply answer;
    if (!send_message(worker->socket, MESSAGE_NOTE, bytes, size) ||
        !receive_all(worker->socket, &answer, sizeof answer))
        return lofi_fail(err, LOFI_ERR_INTERRUPTED, "the main process is gone");
    if (answer.code != LOFI_OK && err != NULL) *err = answer.error;
    return (lofi_code)answer.code;
}

void lofi_worker_out_of_memory(lofi_worker *worker) {
    if (worker->jobs_done > 0) _exit(0);
    worker->last = true;
}

/* Private memory of this process that counts for RLIMIT_DATA, in bytes; 0 when the system does not say. */
static rlim_t data_bytes(void) {
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL) return 0;
    int fields = fscanf(file, "%*u %*u %*u %*u %*u %llu", &pages);
    fclose(file);
    return fields == 1 ? (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) : 0;
}

static void limit_memory(size_t bytes) {
    struct rlimit limit;
    rlim_t used = data_bytes();
    if (bytes == 0 || used == 0 || getrlimit(RLIMIT_DATA, &limit) != 0) return;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < used + bytes) return;
    limit.rlim_cur = used + bytes;
    setrlimit(RLIMIT_DATA, &limit);
}

static void work(const lofi_workers *plan, int socket) {
    lofi_worker self = {.socket = socket};
    lofi_buffer answer = LOFI_BUFFER_INIT;
    uint64_t job;
    while (receive_all(socket, &job, sizeof job)) {
        lofi_error err = LOFI_ERROR_INIT;
        lofi_buffer_clear(&answer);
        lofi_code code = plan->work(plan->user, &self, (size_t)job, &answer, &err);
        if (code == LOFI_OK) code = lofi_buffer_check(&answer, &err);
        err.code = code;
        message_kind kind = self.last ? MESSAGE_LAST_ANSWER : MESSAGE_ANSWER;
        bool sent = code == LOFI_OK ? send_message(socket, kind, lofi_buffer_str(&answer), answer.size)
                                    : send_message(socket, MESSAGE_FAILURE, &err, sizeof err);
        if (!sent || self.last) break;
        self.jobs_done++;
    }
}

/* What a terminal or a service manager sends to the whole group is for the main process, which lets the jobs in work end. */
static void become_worker(const crew *c, int socket, pid_t main_process) {
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != main_process) _exit(0); /* it died before the line above */
    for (int i = 0; i < c->plan->workers; i++)
        if (c->hands[i].process != 0) close(c->hands[i].socket);
    limit_memory(c->plan->memory_bytes);
    lofi_memory_keep();
    work(c->plan, socket);
    _exit(0);
}

/* ---- the main process ---- */

static lofi_code hire(crew *c, hand *h, lofi_error *err) {
    int sockets[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
        return lofi_fail_errno(err, errno, "cannot talk to a worker process");
    fflush(NULL);
    pid_t self = getpid(), process = fork();
    if (process < 0) {
        int problem = errno;
        close(sockets[0]);
        close(sockets[1]);
        return lofi_fail_errno(err, problem, "cannot start a worker process");
    }
    if (process == 0) {
        close(sockets[0]);
        become_worker(c, sockets[1], self);
    }
    close(sockets[1]);
    *h = (hand){.process = process, .socket = sockets[0]};
    return LOFI_OK;
}

/* Ends the process, one way or the other; the signal it died of, or 0. */
static int dismiss(hand *h, bool at_once) {
    int status = 0;
    if (h->process == 0) return 0;
    if (at_once) kill(h->process, SIGKILL);
    close(h->socket);
    while (waitpid(h->process, &status, 0) < 0 && errno == EINTR) continue;
    h->process = 0;
    h->busy = false;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static lofi_code finish_job(crew *c, const lofi_job_end *end, lofi_error *err) {
    return c->plan->end(c->plan->user, end, err);
}

static lofi_code take_death(crew *c, hand *h, lofi_error *err) {
    size_t job = h->job;
    int number = dismiss(h, false);
    if (++c->deaths[job] < MOST_TRIES) {
        void *again = c->again;
        LOFI_TRY(lofi_grow(&again, &c->again_capacity, c->again_count + 1, sizeof *c->again, c->count, err));
        c->again = again;
        c->again[c->again_count++] = job;
        return LOFI_OK;
    }
    return finish_job(c, &(lofi_job_end){.job = job, .state = LOFI_JOB_KILLED, .signal = number}, err);
}

static lofi_code take_note(crew *c, hand *h, lofi_error *err) {
    reply answer = {.error = LOFI_ERROR_INIT};
    lofi_code code = c->plan->note(c->plan->user, h->job, lofi_buffer_str(&c->message), c->message.size, &answer.error);
    answer.code = code;
    if (code != LOFI_OK && err != NULL) *err = answer.error;
    (void)send_all(h->socket, &answer, sizeof answer); /* a worker that is gone shows at the next look */
    return code;
}

/* Reads one message. A worker that dies in the middle of one gives none. */
static lofi_code listen_to(crew *c, hand *h, lofi_error *err) {
    message_head head;
    lofi_buffer_clear(&c->message);
    if (!receive_all(h->socket, &head, sizeof head) || head.size > LARGEST_BYTES) return take_death(c, h, err);
    lofi_buffer_zeros(&c->message, (size_t)head.size);
    LOFI_TRY(lofi_buffer_check(&c->message, err));
    if (!receive_all(h->socket, c->message.data, (size_t)head.size)) return take_death(c, h, err);
    if (head.kind == MESSAGE_NOTE) return take_note(c, h, err);
    h->busy = false;
    if (head.kind == MESSAGE_LAST_ANSWER) dismiss(h, false);
    if (head.kind == MESSAGE_ANSWER || head.kind == MESSAGE_LAST_ANSWER)
        return finish_job(c,
                          &(lofi_job_end){.job = h->job,
                                          .state = LOFI_JOB_ANSWERED,
                                          .answer = lofi_buffer_str(&c->message),
                                          .size = c->message.size},
                          err);
    lofi_error failure;
    memcpy(&failure, c->message.data, sizeof failure);
    if (err != NULL) *err = failure;
    return failure.code;
}

/* Gives a free hand the next job; *given false when there is none. */
static lofi_code give_job(crew *c, hand *h, bool *given, lofi_error *err) {
    *given = c->again_count > 0 || c->next < c->count;
    if (!*given) return LOFI_OK;
    if (c->again_count > 0) dismiss(h, false); /* once more means in a process that knows what this one knows now */
    if (h->process == 0) LOFI_TRY(hire(c, h, err));
    h->job = c->again_count > 0 ? c->again[--c->again_count] : c->next++;
    h->busy = true;
    h->seconds = 0.0;
    uint64_t job = h->job;
    if (!send_all(h->socket, &job, sizeof job)) return take_death(c, h, err);
    return LOFI_OK;
}

static lofi_code give_jobs(crew *c, bool more, size_t *busy, lofi_error *err) {
    *busy = 0;
    for (int i = 0; i < c->plan->workers; i++) {
        hand *h = &c->hands[i];
        bool given = more;
        while (!h->busy && given) LOFI_TRY(give_job(c, h, &given, err));
        *busy += h->busy;
    }
    return LOFI_OK;
}

static lofi_code watch_time(crew *c, double passed, lofi_error *err) {
    for (int i = 0; i < c->plan->workers; i++) {
        hand *h = &c->hands[i];
        if (!h->busy) continue;
        h->seconds += passed < LONGEST_TICK ? passed : LONGEST_TICK;
        if (h->seconds <= c->plan->seconds_limit) continue;
        dismiss(h, true);
        LOFI_TRY(finish_job(c, &(lofi_job_end){.job = h->job, .state = LOFI_JOB_TIMED_OUT}, err));
    }
    return LOFI_OK;
}

static lofi_code look_once(crew *c, struct pollfd *watched, lofi_error *err) {
    for (int i = 0; i < c->plan->workers; i++)
        watched[i] = (struct pollfd){.fd = c->hands[i].busy ? c->hands[i].socket : -1, .events = POLLIN};
    int64_t before = lofi_now_ns();
    int ready = poll(watched, (nfds_t)c->plan->workers, TICK_MS);
    LOFI_TRY(watch_time(c, (double)(lofi_now_ns() - before) * 1e-9, err));
    for (int i = 0; i < c->plan->workers && ready > 0; i++)
        if (c->hands[i].busy && watched[i].fd == c->hands[i].socket && watched[i].revents != 0)
            LOFI_TRY(listen_to(c, &c->hands[i], err));
    return LOFI_OK;
}

static lofi_code run(crew *c, struct pollfd *watched, lofi_error *err) {
    size_t busy;
    for (;;) {
        bool stop = lofi_interrupt_asked();
        LOFI_TRY(give_jobs(c, !stop, &busy, err));
        if (busy == 0 && stop && (c->next < c->count || c->again_count > 0))
            return lofi_fail(err, LOFI_ERR_INTERRUPTED, "interrupted after %zu of %zu", c->next - c->again_count,
                             c->count);
        if (busy == 0) return LOFI_OK;
        LOFI_TRY(look_once(c, watched, err));
    }
}

lofi_code lofi_workers_run(const lofi_workers *workers, size_t count, lofi_error *err) {
    crew c = {.plan = workers, .count = count, .message = LOFI_BUFFER_INIT};
    struct pollfd *watched = NULL;
    size_t hands = (size_t)workers->workers;
    lofi_code code;
    LOFI_TRY_GOTO(lofi_alloc((void **)&c.hands, hands, sizeof *c.hands, "worker processes", err), done);
    LOFI_TRY_GOTO(lofi_alloc((void **)&watched, hands, sizeof *watched, "worker processes", err), done);
    LOFI_TRY_GOTO(lofi_alloc((void **)&c.deaths, count, 1, "worker processes", err), done);
    code = run(&c, watched, err);
done:
    for (size_t i = 0; c.hands != NULL && i < hands; i++) dismiss(&c.hands[i], code != LOFI_OK);
    lofi_free(c.hands);
    lofi_free(watched);
    lofi_free(c.deaths);
    free(c.again);
    lofi_buffer_free(&c.message);
    return code;
}
