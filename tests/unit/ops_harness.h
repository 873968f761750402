/* ops_harness.h - the five questions that every operator answers:
 *   1. shapes: which it accepts (with the shape of the result) and which it refuses (with what message);
 *   2. values: its CPU kernel against a plain float64 reference that the case brings along;
 *   3. gradient: loss = sum(outputs x fixed random numbers), the gradient that lofi_graph_differentiate gives against
 *      central differences of the float64 reference; where there is none, the operator's own sentence must come;
 *   4. ONNX: the graph of the case, lowered and run in ONNX Runtime, against the same reference; where the library is not to be
 *      had, it is lowered and written only, and the summary says so. An operator without a lowering says why;
 *   5. CUDA: a filled slot, or a sentence that says why not, which is counted and printed. Where there is a GPU, questions 2 and 3
 *      are asked of it, too, with the same limits, and whether two runs give the same bytes.
 * Inputs are random, everything else that a node may touch is NaN before it runs.
 *
 * To add cases: put them into a table `const ops_case ops_cases_NAME[]` ending with OPS_END, in tests/unit/ops_cases_NAME.c,
 * and add OPS_CASES(NAME) to tests/unit/ops_cases_list.h. All of it is linked into the one program test_ops, which fails
 * for an operator of src/ops/list.h that no case runs, and for an input whose gradient no case checks.
 *
 *     static void build_silu(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
 *         out[0] = lofi_silu(graph, in[0]);
 *     }
 *     static void reference_silu(const ops_array *in, ops_array *out, const void *settings) {
 *         for (int64_t i = 0; i < out->count; i++) out->values[i] = in->values[i] / (1 + exp(-in->values[i]));
 *     }
 *     {.op = "silu", .name = "a vector", .inputs = {{"S=7 3"}}, .outputs = {"7 3"}, .build = build_silu,
 *      .reference = reference_silu, .gradient = 1}
 */
#ifndef LOFI_TESTS_OPS_HARNESS_H
#define LOFI_TESTS_OPS_HARNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "graph/device.h"
#include "graph/graph.h"
#include "onnx/onnx.h"
#include "onnx/runtime.h"

#ifdef __clang__
/* A case names only what it needs; gcc has no such complaint about tables like these. */
#pragma clang diagnostic ignored "-Wmissing-field-initializers"
#endif

#define OPS_MAX_INPUTS  10
#define OPS_MAX_OUTPUTS 4

/* What an input is filled with. Every fill is then rounded to the type of the input. */
typedef enum ops_fill {
    OPS_NORMAL = 0, /* mean 0, variance 1                                                              */
    OPS_AWAY,       /* as normal, but at least 0.1 away from zero: for kinks                           */
    OPS_POSITIVE,   /* uniform in [0.5, 2)                                                             */
    OPS_MASK,       /* 0 or 1, the first element of every row (last dimension) is 1                    */
    OPS_IDS,        /* integers in [0, bound)                                                          */
    OPS_ZEROS,
    OPS_LARGE /* normal times 30, to see overflow in exponentials                                */
} ops_fill;

typedef struct ops_input {
    /* Dimensions apart by spaces: a number, or NAME=VALUE: a symbol and what it is in this run ("B=2 S=5 12"). The same
     * name is the same symbol. "" is a tensor of rank 0, NULL ends the list. */
    const char *shape;
    lofi_dtype dtype; /* LOFI_F32 when left out */
    ops_fill fill;
    int64_t bound;  /* OPS_IDS */
    bool parameter; /* a parameter (numbers only) instead of an input */
    bool absent;    /* NULL is passed to the builder; shape must still be given ("") */
} ops_input;

/* The float64 image of a tensor. dims and count are set; a reference writes values of its outputs only. */
typedef struct ops_array {
    int rank;
    int64_t dims[LOFI_MAX_RANK];
    int64_t count;
    double *values; /* NULL: an absent input */
} ops_array;

/* How far the CPU may be from float64; see `tolerances` in ops_harness.c. */
typedef enum ops_tolerance {
    OPS_ELEMENT = 0, /* a few roundings per element                                         */
    OPS_EXACT,       /* the same bits as the reference rounded to the type of the output    */
    OPS_SUM          /* sums of `depth` terms in f32: scaled by the largest value and depth */
} ops_tolerance;

typedef struct ops_case {
    const char *op;   /* name of the operator that the case is about ("matmul"); the built graph must hold it */
    const char *name; /* what is special about this case */
    ops_input inputs[OPS_MAX_INPUTS + 1];
    const char *outputs[OPS_MAX_OUTPUTS + 1]; /* expected shapes as numbers, "2 5 12"; NULL ends */
    /* Writes the network: out[i] receives the outputs, NULL on failure. */
    void (*build)(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings);
    /* Plain loops in double, from the formula of the header. */
    void (*reference)(const ops_array *in, ops_array *out, const void *settings);
    const void *settings; /* passed to both */
    unsigned gradient;    /* bit i: the gradient of input i is checked */
    ops_tolerance tolerance;
    int depth;                /* length of the sums inside, for OPS_SUM and for gradients; 0: 1 */
    const char *onnx_refused; /* not NULL: it cannot be written as ONNX, and the message must hold this text */
    const char *refused;      /* not NULL: the build must fail, and the message hold this text and the name of the op */
} ops_case;

#define OPS_END                                                                                                        \
    { .op = NULL }

/* What came of the cases: failures are written to `text` ("op, case: what, where, expected, got"). */
typedef struct ops_report {
    int failures;
    int values, gradients, refusals, onnx; /* checks that passed */
    unsigned covered;                      /* bit i: the gradient of input i of the operator was checked */
    char text[2048];
} ops_report;

/* Questions 2 and 3, and the same bytes twice, are asked of that device from now on; NULL: of the CPU. */
void ops_use_device(lofi_device *device);
/* Question 4 for one case, written to `folder`; runtime NULL: not run. opset and precision as in onnx/onnx.h. */
bool ops_check_onnx(const ops_case *test, lofi_onnx_runtime *runtime, const char *folder,
                    const lofi_onnx_settings *settings, ops_report *report);
/* Answers questions 1 to 3 for one case. True when nothing failed. */
bool ops_check_case(const ops_case *test, ops_report *report);
/* The gradient check of the case fails when the operator's gradient rule does nothing. */
bool ops_check_notices_empty_gradient(const ops_case *test, ops_report *report);
/* Two runs with one thread and two with `threads` give the same bytes, and the second of each allocates nothing. */
bool ops_check_determinism(const ops_case *test, int threads, ops_report *report);
/* Question 5 and the sentences of the gaps of one descriptor. */
bool ops_check_slots(const lofi_op *op, ops_report *report);

#endif
