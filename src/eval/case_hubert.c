/* case_hubert.c - the two networks of the self-supervised alignment: normalised sound to hidden states. */
#include "eval/network_run.h"
#include "models/hubert.h"

#define LIMIT 1e-5

static lofi_code compute(lofi_network_run *run, const char *folder, lofi_error *err) {
    const lofi_stored_tensor *audio;
    lofi_hubert_config config;
    LOFI_TRY(lofi_network_open_at(run, &lofi_model_hubert, folder, err));
    LOFI_TRY(lofi_hubert_config_read(&config, lofi_loaded_config(run->loaded), err));
    LOFI_TRY(lofi_selftest_input(&audio, run->test, "audio", 2, err));
    if (lofi_hubert_frames(&config, audio->dims[1]) < 1)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'audio' has %lld samples, too few for the network",
                         (long long)audio->dims[1]);
    lofi_tensor *samples = lofi_graph_input(run->graph, "samples", lofi_shape_of(LOFI_F32, 2, audio->dims));
    lofi_tensor *states = lofi_hubert_build(&run->builder, &config, samples);
    lofi_graph_output(run->graph, "output", states);
    LOFI_TRY(lofi_network_start(run, NULL, 0, err));
    LOFI_TRY(lofi_network_feed(run, "samples", audio, 0, 1, err));
    LOFI_TRY(lofi_session_run(run->session, err));
    return lofi_network_compare(run, states, "output", LIMIT, err);
}

static lofi_code run_folder(lofi_selftest *test, const char *folder, lofi_error *err) {
    lofi_network_run run = {.test = test};
    lofi_code code = compute(&run, folder, err);
    lofi_network_close(&run);
    return code;
}

static lofi_code run_mert(lofi_selftest *test, lofi_error *err) {
    return run_folder(test, "evaluation/mert-v1-330m", err);
}

static lofi_code run_mhubert(lofi_selftest *test, lofi_error *err) {
    return run_folder(test, "evaluation/mhubert-147", err);
}

const lofi_selftest_case lofi_case_hubert_mert = {.name = "hubert_mert", .run = run_mert};
const lofi_selftest_case lofi_case_hubert_mhubert = {.name = "hubert_mhubert", .run = run_mhubert};
