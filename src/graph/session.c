/* session.c - plans kept per length, one buffer, nodes run in order. */
#include "graph/session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/threads.h"
#include "graph/plan.h"

/* More lengths than this are seldom met again; the one unused for longest makes room. */
#define MAX_PLANS 64

struct lofi_session {
    lofi_graph *graph;
    int threads;
    int64_t *symbols;
    bool *symbol_set;
    lofi_plan *plans[MAX_PLANS];
    size_t plan_count;
    lofi_plan *present;
    unsigned char *buffer;
    size_t buffer_bytes, largest_bytes, allocations;
    uint64_t clock;
    struct {
        int64_t calls, nanoseconds;
    } * profile; /* per node */
};

lofi_code lofi_session_new(lofi_session **out, lofi_graph *graph, lofi_session_options options, lofi_error *err) {
    LOFI_TRY(lofi_graph_check(graph, err));
    lofi_session *session = calloc(1, sizeof *session);
    if (session) {
        session->graph = graph;
        session->threads = options.threads > 0 ? options.threads : lofi_threads_available();
        session->symbols = calloc(graph->dims.symbol_count + 1, sizeof *session->symbols);
        session->symbol_set = calloc(graph->dims.symbol_count + 1, sizeof *session->symbol_set);
        session->profile = calloc(graph->node_count + 1, sizeof *session->profile);
    }
    if (!session || !session->symbols || !session->symbol_set || !session->profile) {
        lofi_session_free(session);
        return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a session");
    }
    *out = session;
    return LOFI_OK;
}

void lofi_session_free(lofi_session *session) {
    if (!session) return;
    for (size_t i = 0; i < session->plan_count; i++) lofi_plan_free(session->plans[i]);
    lofi_free(session->buffer);
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
    LOFI_TRY(lofi_plan_new(&plan, session->graph, session->symbols, session->threads, err));
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
    LOFI_TRY(lofi_alloc(&buffer, bytes, 1, "the activations of a network", err));
    session->buffer = buffer;
    session->buffer_bytes = bytes;
    if (bytes > session->largest_bytes) session->largest_bytes = bytes;
    session->allocations++;
    return LOFI_OK;
}

lofi_code lofi_session_prepare(lofi_session *session, lofi_error *err) {
    for (size_t i = 0; i < session->graph->dims.symbol_count; i++)
        assert(session->symbol_set[i] && "a symbol of the graph has no value");
    session->present = NULL;
    lofi_plan *plan = find_plan(session);
    if (!plan) LOFI_TRY(make_plan(session, &plan, err));
    LOFI_TRY(grow_buffer(session, plan->bytes, err));
    plan->last_used = ++session->clock;
    lofi_plan_attach(plan, session->graph, session->buffer);
    for (size_t t = 0; t < session->graph->tensor_count; t++) {
        const lofi_tensor *tensor = session->graph->tensors[t];
        if ((tensor->flags & (LOFI_TENSOR_PARAMETER | LOFI_TENSOR_EXTERNAL)) && !tensor->data && plan->views[t].count)
            return lofi_fail(err, LOFI_ERR_NOT_FOUND, "weight '%s' has no data", tensor->name ? tensor->name : "?");
    }
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
    *data = view->data;
    if (count) *count = view->count;
    return LOFI_OK;
}

int64_t lofi_session_dim(const lofi_session *session, const lofi_tensor *tensor, int axis) {
    assert(session->present && axis < tensor->shape.rank);
    return session->present->views[tensor->index].dims[axis];
}

void lofi_session_run(lofi_session *session) {
    assert(session->present && "prepare first");
    for (size_t n = 0; n < session->graph->node_count; n++) {
        const lofi_node *node = session->graph->nodes[n];
        const lofi_call *call = &session->present->calls[n];
        int64_t start = lofi_now_ns();
        if (!node->op->view)
            node->op->cpu(call);
        else if (call->outputs[0].data != call->inputs[0].data && call->outputs[0].count)
            memcpy(call->outputs[0].data, call->inputs[0].data,
                   (size_t)call->outputs[0].count * lofi_dtype_bytes(call->outputs[0].dtype));
        session->profile[n].nanoseconds += lofi_now_ns() - start;
        session->profile[n].calls++;
    }
}

void lofi_session_release(lofi_session *session) {
    lofi_free(session->buffer);
    session->buffer = NULL;
    session->buffer_bytes = 0;
    session->present = NULL;
}

void lofi_session_poison(lofi_session *session) {
    if (session->buffer) memset(session->buffer, 0xff, session->buffer_bytes);
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
