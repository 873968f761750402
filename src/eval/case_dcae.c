/* case_dcae.c - the autoencoder: a log-mel picture to latents, and those latents back to a picture. */
#include "eval/network_run.h"
#include "models/music_dcae.h"

#define LIMIT 1e-5

static lofi_code check_size(const lofi_stored_tensor *mel, const lofi_dcae_config *config, lofi_error *err) {
    int64_t multiple = lofi_dcae_reduction(&config->encoder);
    if (mel->dims[1] == config->in_channels && mel->dims[2] % multiple == 0 && mel->dims[3] % multiple == 0)
        return LOFI_OK;
    char shape[128];
    lofi_stored_shape_text(shape, mel);
    return lofi_fail(err, LOFI_ERR_FORMAT, "'mel' is %s: the network needs %lld channels and sides that %lld divides",
                     shape, (long long)config->in_channels, (long long)multiple);
}

static lofi_code encode(lofi_network_run *run, const lofi_dcae_config *config, const lofi_stored_tensor *mel,
                        lofi_error *err) {
    lofi_tensor *input = lofi_graph_input(run->graph, "mel", lofi_shape_of(LOFI_F32, 4, mel->dims));
    lofi_tensor *latent = lofi_dcae_encode(&run->builder, config, input);
    lofi_graph_output(run->graph, "latent", latent);
    LOFI_TRY(lofi_network_start(run, NULL, 0, err));
    LOFI_TRY(lofi_network_feed(run, "mel", mel, 0, 1, err));
    LOFI_TRY(lofi_session_run(run->session, err));
    return lofi_network_compare(run, latent, "latent", LIMIT, err);
}

/* From the recorded latents, so that each half answers for itself. */
static lofi_code decode(lofi_network_run *run, const lofi_dcae_config *config, lofi_error *err) {
    const lofi_stored_tensor *recorded;
    LOFI_TRY(lofi_recorded_get(&recorded, run->test->recorded, "latent", 4, err));
    LOFI_TRY(lofi_network_open_loaded(run, err));
    lofi_tensor *latents = lofi_graph_input(run->graph, "latents", lofi_shape_of(LOFI_F32, 4, recorded->dims));
    lofi_tensor *decoded = lofi_dcae_decode(&run->builder, config, latents);
    lofi_graph_output(run->graph, "decoded", decoded);
    LOFI_TRY(lofi_network_start(run, NULL, 0, err));
    LOFI_TRY(lofi_network_feed(run, "latents", recorded, 0, 1, err));
    LOFI_TRY(lofi_session_run(run->session, err));
    return lofi_network_compare(run, decoded, "decoded", LIMIT, err);
}

static lofi_code compute(lofi_network_run *run, lofi_error *err) {
    const lofi_stored_tensor *mel;
    lofi_dcae_config config;
    LOFI_TRY(lofi_network_open(run, &lofi_model_music_dcae, err));
    LOFI_TRY(lofi_dcae_config_read(&config, lofi_loaded_config(run->loaded), err));
    LOFI_TRY(lofi_selftest_input(&mel, run->test, "mel", 4, err));
    LOFI_TRY(check_size(mel, &config, err));
    LOFI_TRY(encode(run, &config, mel, err));
    lofi_network_close_graph(run);
    if (!lofi_safetensors_find(run->test->recorded, "decoded")) return LOFI_OK;
    return decode(run, &config, err);
}

static lofi_code run_case(lofi_selftest *test, lofi_error *err) {
    lofi_network_run run = {.test = test};
    lofi_code code = compute(&run, err);
    lofi_network_close(&run);
    return code;
}

const lofi_selftest_case lofi_case_dcae = {.name = "dcae", .run = run_case};
