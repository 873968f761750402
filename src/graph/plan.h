/* plan.h - a graph under one assignment of its symbols: shapes as numbers, and one place in the activation buffer for
 * everything that is computed. Inside of graph/ only. */
#ifndef LOFI_GRAPH_PLAN_H
#define LOFI_GRAPH_PLAN_H

#include "graph/device.h"
#include "graph/graph_internal.h"

#define LOFI_NO_PLACE SIZE_MAX

typedef struct lofi_plan {
    int64_t *symbols;    /* the values it belongs to */
    lofi_view *views;    /* one per tensor; data is set by lofi_plan_attach */
    size_t *places;      /* one per tensor: offset in the buffer, LOFI_NO_PLACE for memory of the caller */
    size_t *workspaces;  /* one per node: offset of its scratch, LOFI_NO_PLACE for none */
    lofi_call *calls;    /* one per node */
    lofi_view *operands; /* what the calls point into */
    int *roots;          /* one per tensor: the tensor whose memory it shares (itself mostly) */
    size_t bytes;        /* of the buffer */
    lofi_device *device; /* NULL: the CPU */
    void *recording;     /* the device's, of all nodes; NULL before there is one */
    void *recorded_in;   /* the buffer that it was, or will be, recorded for */
    uint64_t last_used;
} lofi_plan;

/* Who runs it. */
typedef struct lofi_runner {
    lofi_device *device; /* NULL: the CPU */
    int threads;         /* of the CPU */
} lofi_runner;

/* Makes a plan. LOFI_ERR_USAGE when a dimension comes out negative, LOFI_ERR_MEMORY when sizes overflow. */
lofi_code lofi_plan_new(lofi_plan **out, const lofi_graph *graph, const int64_t *symbols, lofi_runner runner,
                        lofi_error *err) LOFI_MUST_USE;
void lofi_plan_free(lofi_plan *plan);
/* Drops the recording. */
void lofi_plan_forget(lofi_plan *plan);
/* Points every view and call at `buffer` and at the memory of parameters and external tensors: owners[t], or where it is NULL
 * what the tensor says itself. */
void lofi_plan_attach(lofi_plan *plan, const lofi_graph *graph, unsigned char *buffer, void *const *owners);

#endif
