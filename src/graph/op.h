/* op.h - what an operator is: one file in src/ops/ that ends in one exported const descriptor.
 *
 * Nothing outside an op's file asks which op it is. What a build or an op lacks is an empty slot with a sentence that
 * says why (gradient_gap, onnx_gap, cuda_gap), never a special case elsewhere.
 *
 * To add an operator: write src/ops/NAME.c ending in `const lofi_op lofi_op_NAME`, add one line to src/ops/list.h, one
 * prototype of its builder to src/ops/ops.h, and its cases to tests/unit/test_ops_*.c: the harness there refuses an
 * operator without cases.
 */
#ifndef LOFI_GRAPH_OP_H
#define LOFI_GRAPH_OP_H

#include "graph/graph.h"

/* One tensor at run time. */
typedef struct lofi_view {
    void *data; /* NULL: an absent optional input */
    lofi_dtype dtype;
    int rank;
    int64_t dims[LOFI_MAX_RANK];
    int64_t count; /* product of dims */
} lofi_view;

size_t lofi_view_bytes(const lofi_view *view);

/* One node at run time. */
typedef struct lofi_call {
    const void *attributes;
    int input_count, output_count;
    lofi_view *inputs;
    lofi_view *outputs;
    void *workspace; /* op->workspace() bytes, aligned to 64, not initialised */
    int threads;     /* how many the node may use; what each does may depend on sizes and this number only */
    bool bf16;       /* a device's products may round their operands to bf16 */
    const lofi_graph *graph;
    const int64_t *symbols; /* values of the graph's symbols, for dimensions inside attributes */
} lofi_call;

int64_t lofi_call_dim(const lofi_call *call, lofi_dim dim);

/* What a node has to do, however it does it: for reports. */
typedef struct lofi_work {
    double operations; /* on floating-point numbers; a multiplication and an addition are two */
    double bytes;      /* read and written */
} lofi_work;

/* One operation per number of the outputs, every input read once and every output written once, unless op->work says
 * otherwise; nothing for a view. */
lofi_work lofi_call_work(const lofi_op *op, const lofi_call *call);

/* The ONNX file being written (onnx/), as seen by an op. */
typedef struct lofi_onnx lofi_onnx;

struct lofi_cuda;

/* The state of a differentiation (ops/gradient.h), as seen by an op. */
typedef struct lofi_gradient lofi_gradient;

struct lofi_op {
    const char *name;
    int min_inputs, max_inputs; /* beyond min_inputs, and those whose bit is set in `optional`, may be NULL */
    unsigned optional;          /* bit i: input i may be NULL */
    int outputs;
    size_t attribute_bytes; /* 0: none; attributes must be plain bytes without pointers or padding garbage */

    /* Checks the inputs and fills one shape per output. Messages name what was expected and what came. */
    lofi_code (*infer)(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err);

    /* Computes the outputs. Cannot fail. Output memory holds garbage before. */
    void (*cpu)(const lofi_call *call);
    /* Scratch bytes for these sizes (data pointers are not set); NULL: none. */
    size_t (*workspace)(const lofi_call *call);
    /* Puts right what lofi_call_work supposes: the operations of products, inputs of which little is read. NULL: it holds. */
    void (*work)(const lofi_call *call, lofi_work *work);

    /* Adds nodes for the gradients of the inputs that are wanted, through lofi_gradient_* below. */
    void (*gradient)(lofi_gradient *gradient, const lofi_node *node);
    unsigned differentiable;  /* bit i: gradient() can give the gradient of input i */
    const char *gradient_gap; /* why the other float inputs have none */

    /* Output 0 may be written over input number in_place - 1 (same bytes, element by element); 0: never. */
    int in_place;
    /* Output 0 is input 0 seen differently: no memory, no work (reshape). cpu is then never called. */
    bool view;

    /* Says the node in ONNX (onnx/onnx.h): gives every output a value. NULL: onnx_gap says why not. */
    void (*onnx)(lofi_onnx *onnx, const lofi_node *node);
    const char *onnx_gap;
    /* Launches on a CUDA device (kernels/cuda.h), where all data and the workspace lie; NULL: cuda_gap says why. The fields
     * are filled by LOFI_CUDA_SLOT (ops/cuda_slot.h). */
    lofi_code (*cuda)(const lofi_call *call, struct lofi_cuda *cuda, lofi_error *err);
    size_t (*cuda_workspace)(const lofi_call *call); /* as workspace, for the device */
    const char *cuda_gap;
};

/* ---- for gradient rules ---- */

/* The graph to add nodes to. */
lofi_graph *lofi_gradient_graph(lofi_gradient *gradient);
/* Whether the gradient of input i is wanted (then it must be given, or the input left untouched when it is zero). */
bool lofi_gradient_wanted(const lofi_gradient *gradient, const lofi_node *node, int input);
/* d loss / d output i; NULL when nothing depends on it. */
lofi_tensor *lofi_gradient_of_output(lofi_gradient *gradient, const lofi_node *node, int output);
/* The forward values; inside a checkpointed block they are recomputed once, here. */
lofi_tensor *lofi_gradient_input(lofi_gradient *gradient, const lofi_node *node, int input);
lofi_tensor *lofi_gradient_output(lofi_gradient *gradient, const lofi_node *node, int output);
/* Adds to d loss / d input i. The shape must be the input's. */
void lofi_gradient_give(lofi_gradient *gradient, const lofi_node *node, int input, lofi_tensor *value);

#endif
