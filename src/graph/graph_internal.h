/* graph_internal.h - the inside of lofi_graph, for graph/ only. */
#ifndef LOFI_GRAPH_GRAPH_INTERNAL_H
#define LOFI_GRAPH_GRAPH_INTERNAL_H

#include "graph/dims.h"
#include "graph/graph.h"
#include "graph/op.h"

#define LOFI_MAX_SCOPES 16

struct lofi_graph {
    lofi_arena *arena;
    lofi_dims dims;
    lofi_node **nodes;
    size_t node_count, node_capacity;
    lofi_tensor **tensors;
    size_t tensor_count, tensor_capacity;
    lofi_error failure;
    const char *scopes[LOFI_MAX_SCOPES]; /* joined names, innermost last */
    int scope_count;
    int block, block_count;
};

/* A new tensor of that shape in the graph; NULL when memory is out (the graph has then failed). */
lofi_tensor *lofi_graph_new_tensor(lofi_graph *graph, const char *name, lofi_shape shape, unsigned flags);

#endif
