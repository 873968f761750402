/* case_umt5.c - the text encoder: token ids and mask to states, padded positions included. */
#include "eval/network_run.h"
#include "models/umt5.h"

#define LIMIT 1e-5

static lofi_code compute(lofi_network_run *run, lofi_error *err) {
    const lofi_stored_tensor *ids;
    lofi_umt5_config config;
    LOFI_TRY(lofi_network_open(run, &lofi_model_umt5, err));
    LOFI_TRY(lofi_umt5_config_read(&config, lofi_loaded_config(run->loaded), err));
    LOFI_TRY(lofi_selftest_input(&ids, run->test, "input_ids", 2, err));
    LOFI_TRY(lofi_network_check_ids(run->test, ids, config.vocabulary, err));
    lofi_dim dims[] = {lofi_dim_symbol(run->graph, "batch"), lofi_dim_symbol(run->graph, "text")};
    lofi_tensor *input = lofi_graph_input(run->graph, "input_ids", lofi_shape_of(LOFI_I64, 2, dims));
    lofi_tensor *mask = lofi_graph_input(run->graph, "attention_mask", lofi_shape_of(LOFI_F32, 2, dims));
    lofi_tensor *output = lofi_umt5_build(&run->builder, &config, input, mask, NULL);
    lofi_graph_output(run->graph, "output", output);
    lofi_symbol_value symbols[] = {{"batch", ids->dims[0]}, {"text", ids->dims[1]}};
    LOFI_TRY(lofi_network_start(run, symbols, 2, err));
    LOFI_TRY(lofi_network_feed(run, "input_ids", ids, 0, 1, err));
    LOFI_TRY(lofi_network_feed_input(run, "attention_mask", "attention_mask", err));
    LOFI_TRY(lofi_session_run(run->session, err));
    return lofi_network_compare(run, output, "output", LIMIT, err);
}

static lofi_code run_case(lofi_selftest *test, lofi_error *err) {
    lofi_network_run run = {.test = test};
    lofi_code code = compute(&run, err);
    lofi_network_close(&run);
    return code;
}

const lofi_selftest_case lofi_case_umt5 = {.name = "umt5", .run = run_case};
