/* network_run.h - one network of the reference as a graph: built by the case, fed from recorded tensors, run once.
 * Inside of eval/ only.
 *
 *     lofi_network_run run = {.test = test};
 *     open; build with run.builder; lofi_network_output(...); start with the symbols; feed ...; compare ...; close
 */
#ifndef LOFI_EVAL_NETWORK_RUN_H
#define LOFI_EVAL_NETWORK_RUN_H

#include "eval/selftest_case.h"
#include "graph/session.h"
#include "models/ace_step_transformer.h"
#include "models/loaded.h"

typedef struct lofi_network_run {
    lofi_selftest *test;
    lofi_loaded *loaded;
    lofi_graph *graph;
    lofi_session *session;
    lofi_builder builder;
} lofi_network_run;

/* model/NAME of the reference. What is open must be closed, also after a failure. */
lofi_code lofi_network_open(lofi_network_run *run, const lofi_model *model, lofi_error *err) LOFI_MUST_USE;
/* The same in another folder of the reference ("evaluation/mhubert-147"). */
lofi_code lofi_network_open_at(lofi_network_run *run, const lofi_model *model, const char *name,
                               lofi_error *err) LOFI_MUST_USE;
/* An empty graph for a network that is open already (not owned). */
lofi_code lofi_network_open_loaded(lofi_network_run *run, lofi_error *err) LOFI_MUST_USE;
void lofi_network_close(lofi_network_run *run);       /* graph, session and network */
void lofi_network_close_graph(lofi_network_run *run); /* graph and session only */

/* The value of a symbol of the graph, taken from a recorded tensor. */
typedef struct lofi_symbol_value {
    const char *name;
    int64_t value;
} lofi_symbol_value;
/* Checks the graph, makes a session and prepares it; all memory is poisoned first. */
lofi_code lofi_network_start(lofi_network_run *run, const lofi_symbol_value *symbols, size_t count,
                             lofi_error *err) LOFI_MUST_USE;

/* Fills the input of that name with row `row` of a tensor of `rows` equal rows (0 and 1: all of it). */
lofi_code lofi_network_feed(lofi_network_run *run, const char *input, const lofi_stored_tensor *from, size_t row,
                            size_t rows, lofi_error *err) LOFI_MUST_USE;
/* The same with the case's own tensor `name`, all of it. */
lofi_code lofi_network_feed_input(lofi_network_run *run, const char *input, const char *name,
                                  lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_network_fill(lofi_network_run *run, const char *input, float value, lofi_error *err) LOFI_MUST_USE;
/* LOFI_ERR_FORMAT when an id is outside [0, bound). */
lofi_code lofi_network_check_ids(lofi_selftest *test, const lofi_stored_tensor *ids, int64_t bound,
                                 lofi_error *err) LOFI_MUST_USE;
/* Borrowed until the graph is closed. */
lofi_code lofi_network_values(const float **out, int64_t *count, lofi_network_run *run, const lofi_tensor *tensor,
                              lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_network_compare(lofi_network_run *run, const lofi_tensor *tensor, const char *name, double limit,
                               lofi_error *err) LOFI_MUST_USE;

/* ---- the transformer with its conditions ---- */

typedef struct lofi_transformer_run {
    lofi_network_run network;
    lofi_ace_step_config config;
    lofi_ace_step_conditions conditions;
    lofi_tensor *latents, *attention_mask, *timestep;
    lofi_ace_step_encoded encoded;
    lofi_ace_step_trace trace;
    lofi_tensor *output;
} lofi_transformer_run;

/* Writes down inputs, encode and decode with network.builder; the output is marked. Inputs are called latents,
 * attention_mask, timestep, and as in lofi_ace_step_condition_inputs. */
lofi_code lofi_transformer_build(lofi_transformer_run *run, lofi_error *err) LOFI_MUST_USE;

#endif
