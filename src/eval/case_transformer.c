/* case_transformer.c - conditions and latents through the diffusion transformer, with everything on the way. */
#include <stdio.h>

#include "eval/network_run.h"

#define LIMIT 1e-5

static void mark(lofi_transformer_run *run) {
    lofi_graph *graph = run->network.graph;
    lofi_graph_output(graph, "encoder_states", run->encoded.states);
    lofi_graph_output(graph, "encoder_mask", run->encoded.mask);
    lofi_graph_output(graph, "time_embedding", run->trace.time_embedding);
    lofi_graph_output(graph, "time_modulation", run->trace.time_modulation);
    lofi_graph_output(graph, "patches", run->trace.patches);
    for (int i = 0; i < run->config.layers; i++) lofi_graph_output(graph, NULL, run->trace.blocks[i]);
}

static lofi_code start(lofi_transformer_run *run, lofi_error *err) {
    lofi_selftest *test = run->network.test;
    const lofi_stored_tensor *latents, *text, *lyric;
    LOFI_TRY(lofi_selftest_input(&latents, test, "hidden_states", 4, err));
    LOFI_TRY(lofi_selftest_input(&text, test, "text_states", 3, err));
    LOFI_TRY(lofi_selftest_input(&lyric, test, "lyric_token_ids", 2, err));
    LOFI_TRY(lofi_network_check_ids(test, lyric, run->config.lyric_vocabulary, err));
    lofi_symbol_value symbols[] = {
        {"batch", latents->dims[0]}, {"frames", latents->dims[3]}, {"text", text->dims[1]}, {"lyric", lyric->dims[1]}};
    LOFI_TRY(lofi_network_start(&run->network, symbols, 4, err));
    return lofi_network_feed(&run->network, "latents", latents, 0, 1, err);
}

static lofi_code compare_all(lofi_transformer_run *run, lofi_error *err) {
    lofi_network_run *network = &run->network;
    LOFI_TRY(lofi_network_compare(network, run->encoded.states, "encoder_states", LIMIT, err));
    LOFI_TRY(lofi_network_compare(network, run->encoded.mask, "encoder_mask", LIMIT, err));
    LOFI_TRY(lofi_network_compare(network, run->trace.time_embedding, "time_embedding", LIMIT, err));
    LOFI_TRY(lofi_network_compare(network, run->trace.time_modulation, "time_modulation", LIMIT, err));
    LOFI_TRY(lofi_network_compare(network, run->trace.patches, "patches", LIMIT, err));
    for (int i = 0; i < run->config.layers; i++) {
        char name[32];
        snprintf(name, sizeof name, "block_%d", i);
        LOFI_TRY(lofi_network_compare(network, run->trace.blocks[i], name, LIMIT, err));
    }
    return lofi_network_compare(network, run->output, "output", LIMIT, err);
}

static lofi_code compute(lofi_transformer_run *run, lofi_error *err) {
    static const char *const inputs[] = {"attention_mask",  "text_states", "text_mask", "speaker",
                                         "lyric_token_ids", "lyric_mask",  "timestep"};
    LOFI_TRY(lofi_network_open(&run->network, &lofi_model_ace_step_transformer, err));
    LOFI_TRY(lofi_transformer_build(run, err));
    mark(run);
    LOFI_TRY(start(run, err));
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        LOFI_TRY(lofi_network_feed_input(&run->network, inputs[i], inputs[i], err));
    LOFI_TRY(lofi_session_run(run->network.session, err));
    return compare_all(run, err);
}

static lofi_code run_case(lofi_selftest *test, lofi_error *err) {
    lofi_transformer_run run = {.network = {.test = test}};
    lofi_code code = compute(&run, err);
    lofi_network_close(&run.network);
    return code;
}

const lofi_selftest_case lofi_case_transformer = {.name = "transformer", .run = run_case};

/* ---- with empty conditions ---- */

/* What the recording leaves out is as the unconditional branch of guidance has it. */
static lofi_code feed_or_fill(lofi_network_run *network, const char *input, float value, lofi_error *err) {
    if (lofi_safetensors_find(network->test->recorded, input))
        return lofi_network_feed_input(network, input, input, err);
    return lofi_network_fill(network, input, value, err);
}

static lofi_code compute_unconditional(lofi_transformer_run *run, lofi_error *err) {
    static const char *const inputs[] = {"text_states", "lyric_token_ids", "lyric_mask", "timestep"};
    LOFI_TRY(lofi_network_open(&run->network, &lofi_model_ace_step_transformer, err));
    LOFI_TRY(lofi_transformer_build(run, err));
    LOFI_TRY(start(run, err));
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        LOFI_TRY(lofi_network_feed_input(&run->network, inputs[i], inputs[i], err));
    LOFI_TRY(feed_or_fill(&run->network, "attention_mask", 1, err));
    LOFI_TRY(feed_or_fill(&run->network, "text_mask", 1, err));
    LOFI_TRY(feed_or_fill(&run->network, "speaker", 0, err));
    LOFI_TRY(lofi_session_run(run->network.session, err));
    return lofi_network_compare(&run->network, run->output, "output", LIMIT, err);
}

static lofi_code run_unconditional(lofi_selftest *test, lofi_error *err) {
    lofi_transformer_run run = {.network = {.test = test}};
    lofi_code code = compute_unconditional(&run, err);
    lofi_network_close(&run.network);
    return code;
}

const lofi_selftest_case lofi_case_transformer_unconditional = {.name = "transformer_unconditional",
                                                                .run = run_unconditional};
