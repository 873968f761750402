/* session.h - running a graph, on the CPU or on a device.
 *
 * A plan belongs to one assignment of the symbols (one length of song): shapes as numbers, one place for every tensor in
 * one activation buffer, places shared by what does not live at the same time. The plans of the last 64 assignments are
 * kept and the buffer grows to the largest, so a length that was seen lately costs no allocation at all.
 *
 * Reproducible: nodes run in the order of the graph; inside a node the work is divided by sizes and thread count only.
 *
 * On a device (graph/device.h) the buffer is the device's. What a caller writes and reads is then a copy in the memory of this
 * process: inputs are carried over when a run begins, outputs and external results back before it returns.
 */
#ifndef LOFI_GRAPH_SESSION_H
#define LOFI_GRAPH_SESSION_H

#include "graph/device.h"

typedef struct lofi_session lofi_session;

typedef struct lofi_session_options {
    int threads;         /* 0: all available */
    lofi_device *device; /* NULL: lofi_device_default() */
    bool profiled;       /* wait for the device after every node, so that the profile tells what each takes */
} lofi_session_options;

/* The graph must outlive the session, must be free of failures and not be added to any more. */
lofi_code lofi_session_new(lofi_session **out, lofi_graph *graph, lofi_session_options options,
                           lofi_error *err) LOFI_MUST_USE;
void lofi_session_free(lofi_session *session); /* NULL is fine */

/* The value of a symbol for the next lofi_session_prepare. An unknown name is a programmer's mistake. */
void lofi_session_set(lofi_session *session, const char *symbol, int64_t value);
/* Finds or makes the plan for the present values. LOFI_ERR_MEMORY says how much is needed. Pointers from
 * lofi_session_data are valid until the next prepare. On a device the first one brings the parameters there, and
 * LOFI_ERR_UNSUPPORTED names an operator that the device lacks. */
lofi_code lofi_session_prepare(lofi_session *session, lofi_error *err) LOFI_MUST_USE;

/* The memory of an input (to be written before run) or an output (to be read after it), and its shape as numbers. */
lofi_code lofi_session_data(lofi_session *session, const lofi_tensor *tensor, void **data, int64_t *count,
                            lofi_error *err) LOFI_MUST_USE;
int64_t lofi_session_dim(const lofi_session *session, const lofi_tensor *tensor, int axis);

/* Runs all nodes. Needs no memory beyond what prepare took. Cannot fail on the CPU. */
lofi_code lofi_session_run(lofi_session *session, lofi_error *err) LOFI_MUST_USE;

/* Fills the activation buffer, inputs included, with NaN: for tests that nothing reads what was not written. */
void lofi_session_poison(lofi_session *session);

/* Where it runs; NULL: on the CPU. */
lofi_device *lofi_session_device(const lofi_session *session);

/* Gives the activation buffer back; the next prepare takes it anew. Plans are kept. */
void lofi_session_release(lofi_session *session);

/* For reports: bytes of the activation buffer, how many buffers were ever allocated, nodes. */
typedef struct lofi_session_stats {
    size_t activation_bytes; /* the present plan's peak */
    size_t buffer_bytes;     /* allocated */
    size_t largest_bytes;    /* the same, the most so far */
    size_t plans;            /* kept */
    size_t allocations;      /* growths of the buffer since the start */
    size_t nodes;
} lofi_session_stats;
lofi_session_stats lofi_session_get_stats(const lofi_session *session);

/* Seconds spent per operator since the start or the last call with reset; for profiles. `report` is called per op. On a device
 * without `profiled` they are those of launching. */
void lofi_session_profile(lofi_session *session, bool reset,
                          void (*report)(void *user, const char *op, int64_t calls, double seconds), void *user);

/* The same node by node, in the order in which they run, with what each reads and writes under the present plan. */
void lofi_session_profile_nodes(lofi_session *session,
                                void (*report)(void *user, const lofi_node *node, const lofi_call *call, int64_t calls,
                                               double seconds),
                                void *user);

#endif
