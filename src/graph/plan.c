/* plan.c - lifetimes and places. Two things share memory only when their lifetimes do not touch. */
#include "graph/plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 64

/* One thing that needs a place: a root tensor, or the scratch of a node. */
typedef struct interval {
    size_t bytes, place;
    int first, last; /* nodes between which it lives, both included; -1 is before the first node */
    int tensor, node;
} interval;

typedef struct planner {
    const lofi_graph *graph;
    lofi_runner runner;
    lofi_plan *plan;
    int *first, *last; /* per tensor, of roots */
    interval *intervals;
    size_t interval_count;
} planner;

static lofi_code evaluate_shape(const lofi_graph *graph, const lofi_tensor *tensor, const int64_t *symbols,
                                lofi_view *view, lofi_error *err) {
    *view = (lofi_view){.dtype = tensor->shape.dtype, .rank = tensor->shape.rank, .count = 1};
    for (int i = 0; i < view->rank; i++) {
        view->dims[i] = lofi_dim_value(graph, tensor->shape.dims[i], symbols);
        if (view->dims[i] < 0)
            return lofi_fail(err, LOFI_ERR_USAGE, "input too short: a dimension of tensor '%s' comes out as %lld",
                             tensor->name       ? tensor->name
                             : tensor->producer ? tensor->producer->scope
                                                : "?",
                             (long long)view->dims[i]);
        if (!lofi_mul_i64(view->count, view->dims[i], &view->count) || view->count > INT64_MAX / 16)
            return lofi_fail(err, LOFI_ERR_MEMORY, "a tensor of the network is too large");
    }
    return LOFI_OK;
}

static bool owns_memory(const lofi_tensor *tensor) {
    return !(tensor->flags & (LOFI_TENSOR_PARAMETER | LOFI_TENSOR_EXTERNAL));
}

static int root_of(const lofi_plan *plan, int tensor) {
    while (plan->roots[tensor] != tensor) tensor = plan->roots[tensor];
    return tensor;
}

static void touch(planner *p, int tensor, int node) {
    int root = root_of(p->plan, tensor);
    if (node < p->first[root]) p->first[root] = node;
    if (node > p->last[root]) p->last[root] = node;
}

/* Roots of views, and from which node to which node every root lives. */
static void find_lifetimes(planner *p) {
    const lofi_graph *graph = p->graph;
    for (size_t n = 0; n < graph->node_count; n++) {
        const lofi_node *node = graph->nodes[n];
        if (node->op->view && !(node->outputs[0]->flags & LOFI_TENSOR_EXTERNAL))
            p->plan->roots[node->outputs[0]->index] = root_of(p->plan, node->inputs[0]->index);
        for (int i = 0; i < node->input_count; i++)
            if (node->inputs[i]) touch(p, node->inputs[i]->index, (int)n);
        for (int i = 0; i < node->output_count; i++) touch(p, node->outputs[i]->index, (int)n);
    }
    for (size_t t = 0; t < graph->tensor_count; t++) {
        if (graph->tensors[t]->flags & LOFI_TENSOR_INPUT) touch(p, (int)t, -1);
        if (graph->tensors[t]->flags & (LOFI_TENSOR_INPUT | LOFI_TENSOR_OUTPUT))
            touch(p, (int)t, (int)graph->node_count);
    }
}

static int uses_of_root(const planner *p, const lofi_node *node, int root) {
    int uses = 0;
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i] && root_of(p->plan, node->inputs[i]->index) == root) uses++;
    return uses;
}

/* Lets outputs take over the memory of an input that dies at the node, where the op can compute so. */
static void find_in_place(planner *p) {
    for (size_t n = 0; n < p->graph->node_count; n++) {
        const lofi_node *node = p->graph->nodes[n];
        int which = node->op->in_place - 1;
        if (which < 0 || which >= node->input_count || !node->inputs[which]) continue;
        const lofi_tensor *output = node->outputs[0];
        int root = root_of(p->plan, node->inputs[which]->index);
        const lofi_view *from = &p->plan->views[root], *to = &p->plan->views[output->index];
        if (!owns_memory(p->graph->tensors[root]) || !owns_memory(output) || p->last[root] != (int)n) continue;
        if (from->count != to->count || from->dtype != to->dtype || uses_of_root(p, node, root) != 1) continue;
        p->plan->roots[output->index] = root;
        p->last[root] = p->last[output->index];
    }
}

static void add_interval(planner *p, size_t bytes, int first, int last, int tensor, int node) {
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    p->intervals[p->interval_count++] = (interval){
        .bytes = bytes ? bytes : ALIGNMENT, .first = first, .last = last, .tensor = tensor, .node = node};
}

static size_t workspace_of(const planner *p, const lofi_op *op, const lofi_call *call) {
    if (op->view) return 0;
    if (p->runner.device) return p->runner.device->kind->workspace(op, call);
    return op->workspace ? op->workspace(call) : 0;
}

static void collect_intervals(planner *p) {
    for (size_t t = 0; t < p->graph->tensor_count; t++) {
        bool lives = p->first[t] <= p->last[t];
        if (p->plan->roots[t] == (int)t && owns_memory(p->graph->tensors[t]) && lives)
            add_interval(p, lofi_view_bytes(&p->plan->views[t]), p->first[t], p->last[t], (int)t, -1);
    }
    for (size_t n = 0; n < p->graph->node_count; n++) {
        size_t bytes = workspace_of(p, p->graph->nodes[n]->op, &p->plan->calls[n]);
        if (bytes) add_interval(p, bytes, (int)n, (int)n, -1, (int)n);
    }
}

static int by_size(const void *a, const void *b) {
    const interval *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    if (x->first != y->first) return x->first - y->first;
    return x->tensor != y->tensor ? x->tensor - y->tensor : x->node - y->node;
}

/* Largest first, each at the lowest place that is free for the whole of its life. `placed` is kept in order of place. */
static lofi_code assign_places(planner *p, lofi_error *err) {
    interval **placed = malloc((p->interval_count + 1) * sizeof *placed);
    if (!placed) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a memory plan");
    qsort(p->intervals, p->interval_count, sizeof *p->intervals, by_size);
    size_t total = 0;
    for (size_t i = 0; i < p->interval_count; i++) {
        interval *item = &p->intervals[i];
        size_t place = 0;
        for (size_t j = 0; j < i; j++) {
            const interval *other = placed[j];
            if (other->last < item->first || item->last < other->first) continue;
            if (other->place >= place + item->bytes) break;
            if (other->place + other->bytes > place) place = other->place + other->bytes;
        }
        item->place = place;
        if (place + item->bytes > total) total = place + item->bytes;
        size_t at = i;
        while (at > 0 && placed[at - 1]->place > place) placed[at] = placed[at - 1], at--;
        placed[at] = item;
    }
    free(placed);
    for (size_t i = 0; i < p->interval_count; i++) {
        const interval *item = &p->intervals[i];
        if (item->tensor >= 0)
            p->plan->places[item->tensor] = item->place;
        else
            p->plan->workspaces[item->node] = item->place;
    }
    p->plan->bytes = total;
    return LOFI_OK;
}

/* The calls, with shapes but without data. */
static void prepare_calls(planner *p) {
    lofi_view *next = p->plan->operands;
    for (size_t n = 0; n < p->graph->node_count; n++) {
        const lofi_node *node = p->graph->nodes[n];
        lofi_call *call = &p->plan->calls[n];
        *call = (lofi_call){.attributes = node->attributes,
                            .input_count = node->input_count,
                            .output_count = node->output_count,
                            .inputs = next,
                            .outputs = next + node->input_count,
                            .threads = p->runner.threads,
                            .bf16 = p->runner.device && p->runner.device->bf16,
                            .graph = p->graph,
                            .symbols = p->plan->symbols};
        next += node->input_count + node->output_count;
        for (int i = 0; i < node->input_count; i++)
            if (node->inputs[i]) call->inputs[i] = p->plan->views[node->inputs[i]->index];
        for (int i = 0; i < node->output_count; i++) call->outputs[i] = p->plan->views[node->outputs[i]->index];
    }
}

static size_t operand_count(const lofi_graph *graph) {
    size_t count = 1;
    for (size_t n = 0; n < graph->node_count; n++)
        count += (size_t)(graph->nodes[n]->input_count + graph->nodes[n]->output_count);
    return count;
}

static lofi_code allocate(planner *p, lofi_error *err) {
    const lofi_graph *graph = p->graph;
    size_t tensors = graph->tensor_count + 1, nodes = graph->node_count + 1;
    lofi_plan *plan = p->plan;
    plan->symbols = calloc(graph->dims.symbol_count + 1, sizeof *plan->symbols);
    plan->views = calloc(tensors, sizeof *plan->views);
    plan->places = malloc(tensors * sizeof *plan->places);
    plan->workspaces = malloc(nodes * sizeof *plan->workspaces);
    plan->calls = calloc(nodes, sizeof *plan->calls);
    plan->operands = calloc(operand_count(graph), sizeof *plan->operands);
    plan->roots = malloc(tensors * sizeof *plan->roots);
    p->first = malloc(tensors * sizeof *p->first);
    p->last = malloc(tensors * sizeof *p->last);
    p->intervals = malloc((tensors + nodes) * sizeof *p->intervals);
    if (!plan->symbols || !plan->views || !plan->places || !plan->workspaces || !plan->calls || !plan->operands ||
        !plan->roots || !p->first || !p->last || !p->intervals)
        return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a memory plan");
    for (size_t t = 0; t < tensors; t++) {
        plan->places[t] = LOFI_NO_PLACE;
        plan->roots[t] = (int)t;
        p->first[t] = (int)graph->node_count + 1;
        p->last[t] = -2;
    }
    for (size_t n = 0; n < nodes; n++) plan->workspaces[n] = LOFI_NO_PLACE;
    return LOFI_OK;
}

static lofi_code make_plan(planner *p, const int64_t *symbols, lofi_error *err) {
    LOFI_TRY(allocate(p, err));
    memcpy(p->plan->symbols, symbols, p->graph->dims.symbol_count * sizeof *symbols);
    for (size_t t = 0; t < p->graph->tensor_count; t++)
        LOFI_TRY(evaluate_shape(p->graph, p->graph->tensors[t], symbols, &p->plan->views[t], err));
    prepare_calls(p);
    find_lifetimes(p);
    find_in_place(p);
    collect_intervals(p);
    return assign_places(p, err);
}

lofi_code lofi_plan_new(lofi_plan **out, const lofi_graph *graph, const int64_t *symbols, lofi_runner runner,
                        lofi_error *err) {
    planner p = {.graph = graph, .runner = runner, .plan = calloc(1, sizeof(lofi_plan))};
    if (!p.plan) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a memory plan");
    p.plan->device = runner.device;
    lofi_code code = make_plan(&p, symbols, err);
    free(p.first);
    free(p.last);
    free(p.intervals);
    if (code == LOFI_OK)
        *out = p.plan;
    else
        lofi_plan_free(p.plan);
    return code;
}

void lofi_plan_forget(lofi_plan *plan) {
    if (plan->recording) plan->device->kind->drop(plan->device, plan->recording);
    plan->recording = NULL;
}

void lofi_plan_free(lofi_plan *plan) {
    if (!plan) return;
    lofi_plan_forget(plan);
    free(plan->symbols);
    free(plan->views);
    free(plan->places);
    free(plan->workspaces);
    free(plan->calls);
    free(plan->operands);
    free(plan->roots);
    free(plan);
}

void lofi_plan_attach(lofi_plan *plan, const lofi_graph *graph, unsigned char *buffer, void *const *owners) {
    for (size_t t = 0; t < graph->tensor_count; t++) {
        int root = root_of(plan, (int)t);
        const lofi_tensor *owner = graph->tensors[root];
        plan->views[t].data = owns_memory(owner)
                                  ? plan->places[root] == LOFI_NO_PLACE ? NULL : buffer + plan->places[root]
                              : owners ? owners[root]
                                       : owner->data;
    }
    for (size_t n = 0; n < graph->node_count; n++) {
        const lofi_node *node = graph->nodes[n];
        lofi_call *call = &plan->calls[n];
        for (int i = 0; i < node->input_count; i++)
            if (node->inputs[i]) call->inputs[i].data = plan->views[node->inputs[i]->index].data;
        for (int i = 0; i < node->output_count; i++) call->outputs[i].data = plan->views[node->outputs[i]->index].data;
        call->workspace = plan->workspaces[n] == LOFI_NO_PLACE ? NULL : buffer + plan->workspaces[n];
    }
}
