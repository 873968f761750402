/* graph.h - a network described once: nodes and tensors with named, symbolic dimensions.
 *
 * A graph only says what is computed. It is run by a session (graph/session.h), differentiated into more of itself
 * (ops/gradient.h) and written out as ONNX. Building never allocates data for activations.
 *
 * Building and errors: the builder functions (ops/ops.h) return the new tensor. The first thing that does not fit (a
 * shape, a type) is kept in the graph with the names of the node and its block; from then on builders return NULL, and
 * every builder takes NULL for "already failed". So a network is written straight down and checked once at the end:
 *     if ((code = lofi_graph_check(graph, err)) != LOFI_OK) ...
 *
 * Ownership: everything belongs to the graph and dies with it. Names are copied.
 */
#ifndef LOFI_GRAPH_GRAPH_H
#define LOFI_GRAPH_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kernels/dtype.h"

#define LOFI_MAX_RANK 6

typedef struct lofi_graph lofi_graph;
typedef struct lofi_node lofi_node;
typedef struct lofi_tensor lofi_tensor;
typedef struct lofi_op lofi_op;

/* ---- dimensions ----
 * A dimension is a number (>= 0), or negative: an integer polynomial over symbols and floor quotients, owned by the
 * graph. Equal expressions are the same lofi_dim, so == compares them. */
typedef int64_t lofi_dim;

/* The symbol of that name ("frames"); the same for the same name. */
lofi_dim lofi_dim_symbol(lofi_graph *graph, const char *name);
lofi_dim lofi_dim_add(lofi_graph *graph, lofi_dim a, lofi_dim b);
lofi_dim lofi_dim_sub(lofi_graph *graph, lofi_dim a, lofi_dim b);
/* a plus a plain number, which may be negative: 2 S - 1 is lofi_dim_offset(g, lofi_dim_mul(g, 2, S), -1). (A negative
 * lofi_dim is an expression, so lofi_dim_add cannot take one.) */
lofi_dim lofi_dim_offset(lofi_graph *graph, lofi_dim a, int64_t number);
lofi_dim lofi_dim_mul(lofi_graph *graph, lofi_dim a, lofi_dim b);
lofi_dim lofi_dim_floor_div(lofi_graph *graph, lofi_dim a, int64_t divisor); /* divisor > 0 */
/* floor((in + 2 * padding - kernel) / stride) + 1 */
lofi_dim lofi_dim_convolved(lofi_graph *graph, lofi_dim in, int64_t kernel, int64_t stride, int64_t padding);
/* The text of a dimension, "1+text+lyric": borrowed from the graph. */
const char *lofi_dim_text(lofi_graph *graph, lofi_dim dim);

/* Values of the symbols, in the order of their creation. */
size_t lofi_graph_symbol_count(const lofi_graph *graph);
const char *lofi_graph_symbol_name(const lofi_graph *graph, size_t index);
/* The value of a dimension under `values` (one per symbol); INT64_MAX when it, or a part of it, does not fit. */
int64_t lofi_dim_value(const lofi_graph *graph, lofi_dim dim, const int64_t *values);

/* A dimension computed in an arithmetic of the caller's, whose numbers are pointers: for writers of other formats. Returns
 * what the last function gave. Constant dimensions are one call of number(). */
typedef struct lofi_dim_arithmetic {
    void *user;
    void *(*number)(void *user, int64_t value); /* may be negative */
    void *(*symbol)(void *user, size_t index);
    void *(*add)(void *user, void *a, void *b);
    void *(*mul)(void *user, void *a, void *b);
    void *(*floor_div)(void *user, void *a, int64_t divisor);
} lofi_dim_arithmetic;
void *lofi_dim_fold(const lofi_graph *graph, lofi_dim dim, const lofi_dim_arithmetic *arithmetic);

/* ---- tensors ---- */

enum {
    LOFI_TENSOR_INPUT = 1,     /* written by the caller before each run                                               */
    LOFI_TENSOR_OUTPUT = 2,    /* read by the caller after a run: its memory is not reused                            */
    LOFI_TENSOR_PARAMETER = 4, /* data is set by the caller before the first run and lies where it lies               */
    LOFI_TENSOR_TRAINABLE = 8, /* a parameter that gradients may be wanted for, and whose data may change after a run */
    LOFI_TENSOR_EXTERNAL = 16  /* computed, but into memory of the caller (`data`): gradients of parameters           */
};

typedef struct lofi_shape {
    lofi_dtype dtype;
    int rank;
    lofi_dim dims[LOFI_MAX_RANK]; /* row-major, contiguous, the last dimension fastest */
} lofi_shape;

struct lofi_tensor {
    const char *name; /* of inputs, parameters and outputs; else NULL */
    lofi_shape shape;
    unsigned flags;
    int index;           /* position in the graph */
    lofi_node *producer; /* NULL for inputs and parameters */
    int block;           /* see lofi_graph_block_begin; -1 outside of any */
    void *data;          /* PARAMETER and EXTERNAL: memory of the caller; else NULL */
};

struct lofi_node {
    const lofi_op *op;
    const void *attributes; /* op->attribute_bytes of them */
    int input_count, output_count;
    lofi_tensor **inputs; /* an optional input that is absent is NULL */
    lofi_tensor **outputs;
    int index; /* execution order */
    int block;
    const char *scope; /* "transformer_blocks.3.attn": where it was built, for errors and ONNX */
};

/* ---- the graph ---- */

lofi_code lofi_graph_new(lofi_graph **out, lofi_error *err) LOFI_MUST_USE;
void lofi_graph_free(lofi_graph *graph); /* NULL is fine */

/* A shape from dimensions: lofi_shape_of(LOFI_F32, 3, (lofi_dim[]){batch, tokens, width}). */
lofi_shape lofi_shape_of(lofi_dtype dtype, int rank, const lofi_dim *dims);

lofi_tensor *lofi_graph_input(lofi_graph *graph, const char *name, lofi_shape shape);
/* `data` may be set later (tensor->data) but before a session runs. Constant dimensions only. */
lofi_tensor *lofi_graph_parameter(lofi_graph *graph, const char *name, lofi_shape shape, void *data, bool trainable);
/* Marks a result, whose memory is then not reused within a run, and names it unless it has a name. Returns the tensor. */
lofi_tensor *lofi_graph_output(lofi_graph *graph, const char *name, lofi_tensor *tensor);

/* The one way to add a node; used by the builder functions of ops/. The shape rule of the op fills the outputs; borrowed
 * pointers to them come back in `outputs`. inputs[i] may be NULL only where the op has it optional: a builder checks
 * for failed inputs itself with lofi_graph_failed. False on failure. */
bool lofi_graph_add(lofi_graph *graph, const lofi_op *op, const void *attributes, lofi_tensor *const *inputs,
                    int input_count, lofi_tensor **outputs, int output_count);
/* The usual case of one output; NULL on failure. */
lofi_tensor *lofi_graph_add1(lofi_graph *graph, const lofi_op *op, const void *attributes, lofi_tensor *const *inputs,
                             int input_count);

bool lofi_graph_failed(const lofi_graph *graph);
/* Keeps the first failure (from `format`) with the present scope, and returns NULL. */
lofi_tensor *lofi_graph_fail(lofi_graph *graph, const char *format, ...) LOFI_PRINTF(2, 3);
lofi_code lofi_graph_check(const lofi_graph *graph, lofi_error *err) LOFI_MUST_USE;

/* Names of nodes built between push and pop: pushed names join with '.'. */
void lofi_graph_scope_push(lofi_graph *graph, const char *format, ...) LOFI_PRINTF(2, 3);
void lofi_graph_scope_pop(lofi_graph *graph);
const char *lofi_graph_scope(
    const lofi_graph *graph); /* the present joined name, "" outside of any; lives as long as the graph */

/* Nodes between begin and end form one block: what gradient checkpointing recomputes as a whole. Blocks follow one
 * another, they do not nest. */
void lofi_graph_block_begin(lofi_graph *graph);
void lofi_graph_block_end(lofi_graph *graph);
int lofi_graph_block_current(const lofi_graph *graph); /* -1 outside */
void lofi_graph_block_resume(lofi_graph *graph,
                             int block); /* gradient.c: nodes added belong to that block (-1: none) */

/* In execution order. */
size_t lofi_graph_node_count(const lofi_graph *graph);
lofi_node *lofi_graph_node(const lofi_graph *graph, size_t index);
size_t lofi_graph_tensor_count(const lofi_graph *graph);
lofi_tensor *lofi_graph_tensor(const lofi_graph *graph, size_t index);
/* An input, parameter or output by name, or NULL. */
lofi_tensor *lofi_graph_find(const lofi_graph *graph, const char *name);

/* "[batch, frames, 64] f32", borrowed from the graph: for messages. */
const char *lofi_shape_text(lofi_graph *graph, const lofi_shape *shape);
/* Product of all dimensions. */
lofi_dim lofi_shape_count(lofi_graph *graph, const lofi_shape *shape);

#endif
