/* ssl_encoder.c - see the header. */
#include "models/ssl_encoder.h"

#include <math.h>
#include <string.h>

#include "audio/resample_sinc.h"
#include "base/file.h"
#include "base/memory.h"
#include "graph/session.h"
#include "models/hubert.h"
#include "models/loaded.h"
#include "ops/ops.h"

#define INPUT_RATE        48000
#define CHANNELS          2
#define SAMPLES_PER_STATE 320 /* fixed in the original, whatever the strides of the network */
#define VARIANCE_EPSILON  1e-7

static const char *const mert_folders[] = {"mert-v1-330m", "MERT-v1-330M", "models--m-a-p--MERT-v1-330M", NULL};
static const char *const mhubert_folders[] = {"mhubert-147", "mHuBERT-147", "models--utter-project--mHuBERT-147", NULL};

const lofi_ssl_kind lofi_ssl_kinds[LOFI_SSL_KINDS] = {
    {.name = "mert", .sample_rate = 24000, .chunk_seconds = 5, .folders = mert_folders},
    {.name = "m-hubert", .sample_rate = 16000, .chunk_seconds = 30, .folders = mhubert_folders},
};

struct lofi_ssl_encoder {
    const lofi_ssl_kind *kind;
    lofi_loaded *weights;
    lofi_hubert_config config;
    lofi_resampler *resampler;
    lofi_graph *graph;
    lofi_session *session;
    lofi_tensor *samples, *states;
};

/* ---- opening ---- */

static int64_t chunk_of(const lofi_ssl_encoder *encoder) {
    return (int64_t)encoder->kind->sample_rate * encoder->kind->chunk_seconds;
}

static lofi_code open_parts(lofi_ssl_encoder *e, const char *folder, int threads, lofi_error *err) {
    LOFI_TRY(lofi_loaded_open(&e->weights, &lofi_model_hubert, folder, err));
    LOFI_TRY(lofi_hubert_config_read(&e->config, lofi_loaded_config(e->weights), err));
    if (lofi_hubert_frames(&e->config, chunk_of(e)) < 1)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "'%s': the network makes nothing of %d s of sound", folder,
                         e->kind->chunk_seconds);
    LOFI_TRY(lofi_resampler_new(&e->resampler, INPUT_RATE, e->kind->sample_rate, err));
    LOFI_TRY(lofi_graph_new(&e->graph, err));
    lofi_builder builder = {.graph = e->graph, .source = lofi_loaded_source(e->weights)};
    lofi_dim dims[] = {1, chunk_of(e)};
    e->samples = lofi_graph_input(e->graph, "samples", lofi_shape_of(LOFI_F32, 2, dims));
    e->states = lofi_graph_output(e->graph, "states", lofi_hubert_build(&builder, &e->config, e->samples));
    LOFI_TRY(lofi_graph_check(e->graph, err));
    return lofi_session_new(&e->session, e->graph, (lofi_session_options){.threads = threads}, err);
}

lofi_code lofi_ssl_encoder_open(lofi_ssl_encoder **out, const lofi_ssl_kind *kind, const char *folder, int threads,
                                lofi_error *err) {
    void *memory = NULL;
    LOFI_TRY(lofi_alloc(&memory, 1, sizeof(lofi_ssl_encoder), "a self-supervised network", err));
    lofi_ssl_encoder *encoder = memory;
    encoder->kind = kind;
    lofi_code code = open_parts(encoder, folder, threads, err);
    if (code == LOFI_OK)
        *out = encoder;
    else
        lofi_ssl_encoder_close(encoder);
    return code;
}

void lofi_ssl_encoder_close(lofi_ssl_encoder *encoder) {
    if (!encoder) return;
    lofi_session_free(encoder->session);
    lofi_graph_free(encoder->graph);
    lofi_resampler_free(encoder->resampler);
    lofi_loaded_close(encoder->weights);
    lofi_free(encoder);
}

int64_t lofi_ssl_encoder_width(const lofi_ssl_encoder *encoder) {
    return encoder->config.width;
}

/* ---- running ---- */

/* [2, count] at 48 kHz -> [*length] at the network's rate. */
static lofi_code hear(const lofi_ssl_encoder *e, const float *samples, int64_t count, float **out, int64_t *length,
                      lofi_error *err) {
    void *mono = NULL, *heard = NULL;
    LOFI_TRY(lofi_alloc(&mono, (size_t)count, sizeof(float), "mono sound", err));
    for (int64_t i = 0; i < count; i++) ((float *)mono)[i] = (samples[i] + samples[count + i]) / CHANNELS;
    *length = lofi_resampler_length(e->resampler, count);
    lofi_code code = lofi_alloc(&heard, (size_t)*length, sizeof(float), "resampled sound", err);
    if (code == LOFI_OK) lofi_resampler_run(e->resampler, mono, count, heard);
    lofi_free(mono);
    *out = heard;
    return code;
}

static void normalise(float *x, int64_t length, int64_t valid) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < valid; i++) sum += x[i];
    double mean = sum / (double)valid;
    for (int64_t i = 0; i < valid; i++) squares += (x[i] - mean) * (x[i] - mean);
    float centre = (float)mean, variance = valid > 1 ? (float)(squares / (double)(valid - 1)) : 0;
    float deviation = sqrtf(variance + (float)VARIANCE_EPSILON);
    for (int64_t i = 0; i < length; i++) x[i] = (x[i] - centre) / deviation;
}

/* The states of `valid` samples, chunk by chunk, into memory for all of them; returns how many. */
static lofi_code run_chunks(lofi_ssl_encoder *e, const float *x, int64_t valid, float *states, int64_t *frames,
                            lofi_error *err) {
    int64_t chunk = chunk_of(e), width = e->config.width, done = 0;
    for (int64_t first = 0; first < valid; first += chunk) {
        int64_t length = valid - first < chunk ? valid - first : chunk;
        int64_t kept = (length + SAMPLES_PER_STATE - 1) / SAMPLES_PER_STATE;
        void *data = NULL;
        LOFI_TRY(lofi_session_prepare(e->session, err));
        LOFI_TRY(lofi_session_data(e->session, e->samples, &data, NULL, err));
        memset(data, 0, (size_t)chunk * sizeof(float));
        memcpy(data, x + first, (size_t)length * sizeof(float));
        LOFI_TRY(lofi_session_run(e->session, err));
        LOFI_TRY(lofi_session_data(e->session, e->states, &data, NULL, err));
        int64_t there = lofi_session_dim(e->session, e->states, 1);
        if (kept > there) kept = there;
        memcpy(states + done * width, data, (size_t)(kept * width) * sizeof(float));
        done += kept;
    }
    *frames = done;
    return LOFI_OK;
}

lofi_code lofi_ssl_encoder_run(lofi_ssl_encoder *encoder, const float *samples, int64_t count, int64_t valid,
                               float **states, int64_t *frames, lofi_error *err) {
    int64_t length = 0, most = valid / (INPUT_RATE / encoder->kind->sample_rate);
    float *heard = NULL;
    void *memory = NULL;
    if (valid > count || most < 1)
        return lofi_fail(err, LOFI_ERR_USAGE, "there is no music for the self-supervised network to hear");
    lofi_code code = hear(encoder, samples, count, &heard, &length, err);
    if (code == LOFI_OK)
        code = lofi_alloc(&memory, (size_t)(most / SAMPLES_PER_STATE + most / chunk_of(encoder) + 2),
                          (size_t)encoder->config.width * sizeof(float), "targets of the alignment", err);
    if (code == LOFI_OK) {
        normalise(heard, length, most);
        code = run_chunks(encoder, heard, most, memory, frames, err);
    }
    lofi_free(heard);
    if (code == LOFI_OK)
        *states = memory;
    else
        lofi_free(memory);
    return code;
}

size_t lofi_ssl_encoder_activation_bytes(const lofi_ssl_encoder *encoder) {
    return lofi_session_get_stats(encoder->session).buffer_bytes;
}

/* ---- identity ---- */

lofi_code lofi_ssl_encoder_hash(const lofi_ssl_encoder *encoder, char hex[LOFI_SHA256_HEX], lofi_error *err) {
    char path[LOFI_PATH_MAX], config[LOFI_SHA256_HEX], weights[LOFI_SHA256_HEX];
    lofi_sha256 *state = NULL;
    LOFI_TRY(lofi_path_format(path, err, "%s/config.json", lofi_loaded_folder(encoder->weights)));
    LOFI_TRY(lofi_sha256_file(config, path, err));
    LOFI_TRY(lofi_weights_hash(weights, lofi_loaded_weights(encoder->weights), err));
    LOFI_TRY(lofi_sha256_new(&state, err));
    lofi_sha256_add_text(state, encoder->kind->name);
    lofi_sha256_add_text(state, config);
    lofi_sha256_add_text(state, weights);
    lofi_sha256_end(state, hex);
    return LOFI_OK;
}
