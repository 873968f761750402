/* case_vocoder.c - a log-mel to samples: what the backbone gives, and the wave. */
#include "eval/network_run.h"
#include "models/music_vocoder.h"

#define LIMIT 3e-5

static lofi_code compute(lofi_network_run *run, lofi_error *err) {
    const lofi_stored_tensor *mel;
    lofi_vocoder_config config;
    LOFI_TRY(lofi_network_open(run, &lofi_model_music_vocoder, err));
    LOFI_TRY(lofi_vocoder_config_read(&config, lofi_loaded_config(run->loaded), err));
    LOFI_TRY(lofi_selftest_input(&mel, run->test, "mel", 3, err));
    if (mel->dims[1] != config.input_channels)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'mel' has %lld bands: the network needs %lld", (long long)mel->dims[1],
                         (long long)config.input_channels);
    lofi_tensor *input = lofi_graph_input(run->graph, "mel", lofi_shape_of(LOFI_F32, 3, mel->dims));
    lofi_tensor *features = lofi_vocoder_backbone(&run->builder, &config, input);
    lofi_tensor *wave = lofi_vocoder_head(&run->builder, &config, features);
    lofi_graph_output(run->graph, "backbone", features);
    lofi_graph_output(run->graph, "wave", wave);
    LOFI_TRY(lofi_network_start(run, NULL, 0, err));
    LOFI_TRY(lofi_network_feed(run, "mel", mel, 0, 1, err));
    LOFI_TRY(lofi_session_run(run->session, err));
    LOFI_TRY(lofi_network_compare(run, features, "backbone", LIMIT, err));
    return lofi_network_compare(run, wave, "wave", LIMIT, err);
}

static lofi_code run_case(lofi_selftest *test, lofi_error *err) {
    lofi_network_run run = {.test = test};
    lofi_code code = compute(&run, err);
    lofi_network_close(&run);
    return code;
}

const lofi_selftest_case lofi_case_vocoder = {.name = "vocoder", .run = run_case};
