/* session.c - plans kept per length, one buffer, nodes run in order; on a device, copies of inputs and outputs. */
#include "graph/session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/threads.h"
#include "graph/plan.h"
#include "graph/residence.h"

/* More lengths than this are seldom met again; the one unused for longest makes room. */
#define MAX_PLANS 64

struct lofi_session {
    lofi_graph *graph;
    lofi_runner runner;
    bool profiled; /* the device is waited for after every node */
    int64_t *symbols;
    bool *symbol_set;
    lofi_plan *plans[MAX_PLANS];
    size_t plan_count;
    lofi_plan *present;
    unsigned char *buffer;
    size_t buffer_bytes, largest_bytes, allocations;
    uint64_t clock;
    /* On a device only. */
    lofi_residence *residence;
    unsigned char *mirror; /* the caller's side of inputs and outputs */
    size_t mirror_bytes;
    void **mirrors; /* per tensor, into mirror */
    struct {
        int64_t calls, nanoseconds;
    } * profile; /* per node */
};

lofi_code lofi_session_new(lofi_session **out, lofi_graph *graph, lofi_session_options options, lofi_error *err) {
    LOFI_TRY(lofi_graph_check(graph, err));
    lofi_session *session = calloc(1, sizeof *session);
    if (session) {
        session->graph = graph;
        session->runner.threads = options.threads > 0 ? options.threads : lofi_threads_available();
        session->runner.device = options.device ? options.device : lofi_device_default();
        session->profiled = options.profiled;
        session->mirrors = calloc(graph->tensor_count + 1, sizeof *session->mirrors);
        session->symbols = calloc(graph->dims.symbol_count + 1, sizeof *session->symbols);
        session->symbol_set = calloc(graph->dims.symbol_count + 1, sizeof *session->symbol_set);
        session->profile = calloc(graph->node_count + 1, sizeof *session->profile);
    }
    if (!session || !session->symbols || !session->symbol_set || !session->profile || !session->mirrors) {
        lofi_session_free(session);
        return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a session");
    }
    *out = session;
    return LOFI_OK;
}

static void free_mirror(lofi_session *session) {
    if (session->mirror) session->runner.device->kind->forget(session->runner.device, session->mirror);
    lofi_free(session->mirror);
    session->mirror = NULL;
    session->mirror_bytes = 0;
}

void lofi_session_free(lofi_session *session) {
    if (!session) return;
    for (size_t i = 0; i < session->plan_count; i++) lofi_plan_free(session->plans[i]);
    lofi_session_release(session);
    lofi_residence_free(session->residence);
    free_mirror(session);
    free(session->mirrors);
    free(session->symbols);
    free(session->symbol_set);
    free(session->profile);
    free(session);
}

void lofi_session_set(lofi_session *session, const char *symbol, int64_t value) {
    for (size_t i = 0; i < session->graph->dims.symbol_count; i++) {
        if (strcmp(lofi_graph_symbol_name(session->graph, i), symbol) != 0) continue;
        session->symbols[i] = value;
        session->symbol_set[i] = true;
        return;
    }
    assert(!"a symbol that the graph does not have");
}

static lofi_plan *find_plan(lofi_session *session) {
    size_t bytes = session->graph->dims.symbol_count * sizeof *session->symbols;
    for (size_t i = 0; i < session->plan_count; i++)
        if (memcmp(session->plans[i]->symbols, session->symbols, bytes) == 0) return session->plans[i];
    return NULL;
}

static lofi_code make_plan(lofi_session *session, lofi_plan **out, lofi_error *err) {
    lofi_plan *plan;
    LOFI_TRY(lofi_plan_new(&plan, session->graph, session->symbols, session->runner, err));
    size_t at = session->plan_count;
    if (at == MAX_PLANS) {
        at = 0;
        for (size_t i = 1; i < MAX_PLANS; i++)
            if (session->plans[i]->last_used < session->plans[at]->last_used) at = i;
        lofi_plan_free(session->plans[at]);
    } else {
        session->plan_count++;
    }
    session->plans[at] = plan;
    *out = plan;
    return LOFI_OK;
}

static lofi_code grow_buffer(lofi_session *session, size_t bytes, lofi_error *err) {
    if (bytes <= session->buffer_bytes) return LOFI_OK;
    void *buffer;
    lofi_session_release(session);
    lofi_device *device = session->runner.device;
    const char *what = "the activations of a network";
    LOFI_TRY(device ? device->kind->allocate(device, &buffer, bytes, what, err)
                    : lofi_alloc(&buffer, bytes, 1, what, err));
    session->buffer = buffer;
    session->buffer_bytes = bytes;
    if (bytes > session->largest_bytes) session->largest_bytes = bytes;
    session->allocations++;
    return LOFI_OK;
}

/* ---- on a device ---- */

static lofi_code check_operators(const lofi_session *session, lofi_error *err) {
    const lofi_device *device = session->runner.device;
    for (size_t n = 0; n < session->graph->node_count; n++) {
        const lofi_op *op = session->graph->nodes[n]->op;
        const char *gap = op->view ? NULL : device->kind->gap(op);
        if (gap)
            return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "the operator '%s' cannot run on %s: %s", op->name,
                             device->name, gap);
    }
    return LOFI_OK;
}

static bool is_mirrored(const lofi_session *session, size_t tensor) {
    return session->graph->tensors[tensor]->flags & (LOFI_TENSOR_INPUT | LOFI_TENSOR_OUTPUT);
}

/* Room in this process for what the caller writes and reads. */
static lofi_code make_mirrors(lofi_session *session, const lofi_plan *plan, lofi_error *err) {
    size_t total = 0;
    for (size_t t = 0; t < session->graph->tensor_count; t++)
        if (is_mirrored(session, t)) total += (lofi_view_bytes(&plan->views[t]) + 63) / 64 * 64;
    if (total > session->mirror_bytes) {
        free_mirror(session);
        LOFI_TRY(lofi_alloc((void **)&session->mirror, total, 1, "the inputs and outputs of a network", err));
        session->mirror_bytes = total;
        session->runner.device->kind->know(session->runner.device, session->mirror, total);
    }
    size_t at = 0;
    for (size_t t = 0; t < session->graph->tensor_count; t++) {
        if (!is_mirrored(session, t)) continue;
        session->mirrors[t] = session->mirror + at;
        at += (lofi_view_bytes(&plan->views[t]) + 63) / 64 * 64;
    }
    return LOFI_OK;
}

static lofi_code settle_on_device(lofi_session *session, const lofi_plan *plan, lofi_error *err) {
    if (!session->residence) {
        LOFI_TRY(check_operators(session, err));
        LOFI_TRY(lofi_residence_new(&session->residence, session->runner.device, session->graph, plan->views, err));
    }
    return make_mirrors(session, plan, err);
}

/* Inputs to the device, or outputs back. */
static lofi_code carry(lofi_session *session, unsigned which, lofi_error *err) {
    lofi_device *device = session->runner.device;
    for (size_t t = 0; t < session->graph->tensor_count; t++) {
        const lofi_view *view = &session->present->views[t];
        if (!(session->graph->tensors[t]->flags & which) || !view->data) continue;
        if (which == LOFI_TENSOR_INPUT)
            LOFI_TRY(device->kind->upload(device, view->data, session->mirrors[t], lofi_view_bytes(view), err));
        else
            LOFI_TRY(device->kind->download(device, session->mirrors[t], view->data, lofi_view_bytes(view), err));
    }
    return LOFI_OK;
}

/* ---- before a run ---- */

static lofi_code check_weights(const lofi_session *session, const lofi_plan *plan, lofi_error *err) {
    for (size_t t = 0; t < session->graph->tensor_count; t++) {
        const lofi_tensor *tensor = session->graph->tensors[t];
        if ((tensor->flags & (LOFI_TENSOR_PARAMETER | LOFI_TENSOR_EXTERNAL)) && !tensor->data && plan->views[t].count)
            return lofi_fail(err, LOFI_ERR_NOT_FOUND, "weight '%s' has no data", tensor->name ? tensor->name : "?");
    }
    return LOFI_OK;
}

lofi_code lofi_session_prepare(lofi_session *session, lofi_error *err) {
    for (size_t i = 0; i < session->graph->dims.symbol_count; i++)
        assert(session->symbol_set[i] && "a symbol of the graph has no value");
    session->present = NULL;
    lofi_plan *plan = find_plan(session);
    if (!plan) LOFI_TRY(make_plan(session, &plan, err));
    LOFI_TRY(check_weights(session, plan, err));
    if (session->runner.device) LOFI_TRY(settle_on_device(session, plan, err));
    LOFI_TRY(grow_buffer(session, plan->bytes, err));
    plan->last_used = ++session->clock;
    lofi_plan_attach(plan, session->graph, session->buffer,
                     session->residence ? lofi_residence_places(session->residence) : NULL);
    session->present = plan;
    return LOFI_OK;
}

lofi_code lofi_session_data(lofi_session *session, const lofi_tensor *tensor, void **data, int64_t *count,
                            lofi_error *err) {
    assert(session->present && "prepare first");
    const lofi_view *view = &session->present->views[tensor->index];
    if (!view->data)
        return lofi_fail(err, LOFI_ERR_NOT_FOUND, "tensor '%s' has no memory in this run",
                         tensor->name ? tensor->name : "?");
    *data = session->runner.device ? session->mirrors[tensor->index] : view->data;
    assert(*data && "neither an input nor an output");
    if (count) *count = view->count;
    return LOFI_OK;
}

int64_t lofi_session_dim(const lofi_session *session, const lofi_tensor *tensor, int axis) {
    assert(session->present && axis < tensor->shape.rank);
    return session->present->views[tensor->index].dims[axis];
}

/* ---- running ---- */

static void run_on_cpu(const lofi_op *op, const lofi_call *call) {
    if (!op->view)
        op->cpu(call);
    else if (call->outputs[0].data != call->inputs[0].data && call->outputs[0].count)
        memcpy(call->outputs[0].data, call->inputs[0].data, lofi_view_bytes(&call->outputs[0]));
}

static lofi_code run_on(lofi_device *device, const lofi_op *op, const lofi_call *call, lofi_error *err) {
    if (!op->view) return device->kind->launch(device, op, call, err);
    if (call->outputs[0].data == call->inputs[0].data) return LOFI_OK;
    return device->kind->copy(device, call->outputs[0].data, call->inputs[0].data, lofi_view_bytes(&call->outputs[0]),
                              err);
}

static lofi_code wait_for(lofi_device *device, lofi_error *err) {
    return device ? device->kind->finish(device, err) : LOFI_OK;
}

static lofi_code run_nodes(lofi_session *session, lofi_error *err) {
    for (size_t n = 0; n < session->graph->node_count; n++) {
        const lofi_op *op = session->graph->nodes[n]->op;
        const lofi_call *call = &session->present->calls[n];
        int64_t start = lofi_now_ns();
        if (!session->runner.device) run_on_cpu(op, call);
        if (session->runner.device) LOFI_TRY(run_on(session->runner.device, op, call, err));
        if (session->profiled) LOFI_TRY(wait_for(session->runner.device, err));
        session->profile[n].nanoseconds += lofi_now_ns() - start;
        session->profile[n].calls++;
    }
    return LOFI_OK;
}

static lofi_code record_nodes(lofi_session *session, lofi_plan *plan, lofi_error *err) {
    lofi_device *device = session->runner.device;
    lofi_error ignored;
    LOFI_TRY(device->kind->record(device, err));
    lofi_code code = run_nodes(session, err);
    void *recording = NULL;
    lofi_code ended = device->kind->recorded(device, &recording, code == LOFI_OK ? err : &ignored);
    if (code == LOFI_OK) code = ended;
    if (code == LOFI_OK)
        plan->recording = recording;
    else if (ended == LOFI_OK)
        device->kind->drop(device, recording);
    return code;
}

/* The first run of a plan launches node by node, so that libraries can settle what they do only once; the second is recorded, and
 * from then on the recording is played. It is good as long as the buffer lies where it lay. */
static lofi_code run_on_device(lofi_session *session, lofi_error *err) {
    lofi_device *device = session->runner.device;
    lofi_plan *plan = session->present;
    if (plan->recorded_in != session->buffer || session->profiled) {
        lofi_plan_forget(plan);
        plan->recorded_in = session->buffer;
        return run_nodes(session, err);
    }
    if (!plan->recording) LOFI_TRY(record_nodes(session, plan, err));
    return device->kind->replay(device, plan->recording, err);
}

lofi_code lofi_session_run(lofi_session *session, lofi_error *err) {
    assert(session->present && "prepare first");
    if (!session->runner.device) return run_nodes(session, err);
    LOFI_TRY(lofi_residence_upload(session->residence, err));
    LOFI_TRY(carry(session, LOFI_TENSOR_INPUT, err));
    LOFI_TRY(run_on_device(session, err));
    LOFI_TRY(lofi_residence_download(session->residence, err));
    LOFI_TRY(carry(session, LOFI_TENSOR_OUTPUT, err));
    return wait_for(session->runner.device, err);
}

lofi_device *lofi_session_device(const lofi_session *session) {
    return session->runner.device;
}

void lofi_session_release(lofi_session *session) {
    lofi_device *device = session->runner.device;
    if (device)
        device->kind->release(device, session->buffer);
    else
        lofi_free(session->buffer);
    session->buffer = NULL;
    session->buffer_bytes = 0;
    session->present = NULL;
}

void lofi_session_poison(lofi_session *session) {
    lofi_device *device = session->runner.device;
    if (!session->buffer) return;
    if (!device)
        memset(session->buffer, 0xff, session->buffer_bytes);
    else if (device->kind->fill(device, session->buffer, 0xff, session->buffer_bytes, NULL) != LOFI_OK)
        return; /* the next run tells */
}

lofi_session_stats lofi_session_get_stats(const lofi_session *session) {
    return (lofi_session_stats){.activation_bytes = session->present ? session->present->bytes : 0,
                                .buffer_bytes = session->buffer_bytes,
                                .largest_bytes = session->largest_bytes,
                                .plans = session->plan_count,
                                .allocations = session->allocations,
                                .nodes = session->graph->node_count};
}

void lofi_session_profile(lofi_session *session, bool reset,
                          void (*report)(void *user, const char *op, int64_t calls, double seconds), void *user) {
    for (size_t n = 0; report && n < session->graph->node_count; n++) {
        const lofi_op *op = session->graph->nodes[n]->op;
        bool seen = false;
        for (size_t m = 0; m < n && !seen; m++) seen = session->graph->nodes[m]->op == op;
        if (seen) continue;
        int64_t calls = 0, nanoseconds = 0;
        for (size_t m = n; m < session->graph->node_count; m++)
            if (session->graph->nodes[m]->op == op)
                calls += session->profile[m].calls, nanoseconds += session->profile[m].nanoseconds;
        report(user, op->name, calls, (double)nanoseconds * 1e-9);
    }
    if (reset) memset(session->profile, 0, session->graph->node_count * sizeof *session->profile);
}

void lofi_session_profile_nodes(lofi_session *session,
                                void (*report)(void *user, const lofi_node *node, const lofi_call *call, int64_t calls,
                                               double seconds),
                                void *user) {
    assert(session->present && "prepare first");
    for (size_t n = 0; n < session->graph->node_count; n++)
        report(user, session->graph->nodes[n], &session->present->calls[n], session->profile[n].calls,
               (double)session->profile[n].nanoseconds * 1e-9);
}
