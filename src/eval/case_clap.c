/* case_clap.c - sound to its log-mel, sound and texts to embeddings, and how well they belong together. */
#include <string.h>

#include "audio/evaluation_mel.h"
#include "base/json.h"
#include "eval/network_run.h"
#include "models/clap.h"

#define LIMIT  1e-5
#define FOLDER "evaluation/clap-htsat-unfused"

typedef struct work {
    lofi_network_run run;
    lofi_clap_config config;
    const float *audio, *text; /* embeddings, in the arena of the case */
    int64_t sounds, texts;
} work;

static lofi_code read_settings(lofi_clap_mel_settings *settings, const lofi_selftest *test, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    json_t *config;
    LOFI_TRY(lofi_selftest_path(path, test, FOLDER "/preprocessor_config.json", err));
    LOFI_TRY(lofi_json_load(&config, path, err));
    lofi_code code = lofi_clap_mel_settings_read(settings, config, err);
    json_decref(config);
    return code;
}

static lofi_code compare_mel(lofi_selftest *test, lofi_error *err) {
    const lofi_stored_tensor *audio;
    const float *samples;
    lofi_clap_mel_settings settings;
    lofi_clap_mel mel;
    LOFI_TRY(read_settings(&settings, test, err));
    LOFI_TRY(lofi_selftest_input(&audio, test, "audio_48k", 1, err));
    LOFI_TRY(lofi_recorded_f32(&samples, test, audio, 0, audio->count, err));
    LOFI_TRY(lofi_clap_mel_make(&mel, &settings, samples, audio->dims[0], err));
    int64_t dims[] = {1, mel.views, mel.frames, mel.bands};
    lofi_code code = lofi_selftest_compare(test, "mel", mel.values, 4, dims, LIMIT, err);
    lofi_clap_mel_free(&mel);
    return code;
}

/* Compares an embedding and keeps it for the logits. */
static lofi_code keep(work *w, const lofi_tensor *tensor, const char *name, const float **out, lofi_error *err) {
    int64_t count = 0;
    const float *values;
    LOFI_TRY(lofi_network_compare(&w->run, tensor, name, LIMIT, err));
    LOFI_TRY(lofi_network_values(&values, &count, &w->run, tensor, err));
    float *copy = lofi_arena_alloc(w->run.test->arena, (size_t)count * sizeof *copy);
    if (!copy) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for embeddings");
    memcpy(copy, values, (size_t)count * sizeof *copy);
    *out = copy;
    return LOFI_OK;
}

/* From the recorded log-mel, so that each half answers for itself. */
static lofi_code embed_audio(work *w, lofi_error *err) {
    const lofi_stored_tensor *mel, *longer = lofi_safetensors_find(w->run.test->recorded, "is_longer");
    bool crops = false;
    LOFI_TRY(lofi_recorded_get(&mel, w->run.test->recorded, "mel", 4, err));
    int64_t views = w->config.audio.fused ? LOFI_CLAP_VIEWS : 1;
    if (mel->dims[1] != views || mel->dims[2] > lofi_clap_max_frames(&w->config) ||
        mel->dims[3] != w->config.audio.bands)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'mel' has another shape than the network takes");
    if (longer) {
        const int64_t *flag;
        LOFI_TRY(lofi_selftest_input(&longer, w->run.test, "is_longer", longer->rank, err));
        LOFI_TRY(lofi_recorded_ids(&flag, w->run.test, longer, err));
        crops = w->config.audio.fused && flag[0];
    }
    w->sounds = mel->dims[0];
    LOFI_TRY(lofi_network_open_loaded(&w->run, err));
    lofi_tensor *input = lofi_graph_input(w->run.graph, "mel", lofi_shape_of(LOFI_F32, 4, mel->dims));
    lofi_tensor *embedding = lofi_clap_audio(&w->run.builder, &w->config, input, crops);
    lofi_graph_output(w->run.graph, "audio_embedding", embedding);
    LOFI_TRY(lofi_network_start(&w->run, NULL, 0, err));
    LOFI_TRY(lofi_network_feed(&w->run, "mel", mel, 0, 1, err));
    LOFI_TRY(lofi_session_run(w->run.session, err));
    LOFI_TRY(keep(w, embedding, "audio_embedding", &w->audio, err));
    lofi_network_close_graph(&w->run);
    return LOFI_OK;
}

static lofi_code fill_positions(work *w, const lofi_tensor *tensor, const int64_t *ids, const lofi_stored_tensor *shape,
                                lofi_error *err) {
    void *data;
    LOFI_TRY(lofi_session_data(w->run.session, tensor, &data, NULL, err));
    for (int64_t row = 0; row < shape->dims[0]; row++)
        lofi_clap_positions((int64_t *)data + row * shape->dims[1], ids + row * shape->dims[1], shape->dims[1],
                            w->config.text.padding);
    return LOFI_OK;
}

static lofi_code embed_text(work *w, lofi_error *err) {
    const lofi_stored_tensor *ids;
    const int64_t *values;
    LOFI_TRY(lofi_selftest_input(&ids, w->run.test, "input_ids", 2, err));
    LOFI_TRY(lofi_network_check_ids(w->run.test, ids, w->config.text.vocabulary, err));
    LOFI_TRY(lofi_recorded_ids(&values, w->run.test, ids, err));
    if (ids->dims[1] + w->config.text.padding >= w->config.text.positions)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'input_ids' are longer than the network has positions");
    w->texts = ids->dims[0];
    LOFI_TRY(lofi_network_open_loaded(&w->run, err));
    lofi_graph *graph = w->run.graph;
    lofi_tensor *input = lofi_graph_input(graph, "input_ids", lofi_shape_of(LOFI_I64, 2, ids->dims));
    lofi_tensor *places = lofi_graph_input(graph, "position_ids", lofi_shape_of(LOFI_I64, 2, ids->dims));
    lofi_tensor *mask = lofi_graph_input(graph, "attention_mask", lofi_shape_of(LOFI_F32, 2, ids->dims));
    lofi_tensor *embedding = lofi_clap_text(&w->run.builder, &w->config, input, places, mask);
    lofi_graph_output(graph, "text_embedding", embedding);
    LOFI_TRY(lofi_network_start(&w->run, NULL, 0, err));
    LOFI_TRY(lofi_network_feed(&w->run, "input_ids", ids, 0, 1, err));
    LOFI_TRY(lofi_network_feed_input(&w->run, "attention_mask", "attention_mask", err));
    LOFI_TRY(fill_positions(w, places, values, ids, err));
    LOFI_TRY(lofi_session_run(w->run.session, err));
    return keep(w, embedding, "text_embedding", &w->text, err);
}

static lofi_code compare_logits(work *w, lofi_error *err) {
    double scale;
    int64_t width = w->config.projection, dims[] = {w->sounds, w->texts};
    LOFI_TRY(lofi_clap_scale(&scale, w->run.loaded, err));
    float *logits = lofi_arena_alloc(w->run.test->arena, (size_t)(w->sounds * w->texts) * sizeof *logits);
    if (!logits) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for logits");
    for (int64_t i = 0; i < w->sounds * w->texts; i++) {
        double sum = 0;
        for (int64_t c = 0; c < width; c++)
            sum += (double)w->audio[i / w->texts * width + c] * w->text[i % w->texts * width + c];
        logits[i] = (float)(scale * sum);
    }
    return lofi_selftest_compare(w->run.test, "logits_per_audio", logits, 2, dims, LIMIT, err);
}

static lofi_code compute(work *w, lofi_error *err) {
    LOFI_TRY(compare_mel(w->run.test, err));
    LOFI_TRY(lofi_network_open_at(&w->run, &lofi_model_clap, FOLDER, err));
    lofi_network_close_graph(&w->run);
    LOFI_TRY(lofi_clap_config_read(&w->config, lofi_loaded_config(w->run.loaded), err));
    LOFI_TRY(embed_audio(w, err));
    LOFI_TRY(embed_text(w, err));
    return compare_logits(w, err);
}

static lofi_code run_case(lofi_selftest *test, lofi_error *err) {
    work w = {.run = {.test = test}};
    lofi_code code = compute(&w, err);
    lofi_network_close(&w.run);
    return code;
}

const lofi_selftest_case lofi_case_clap = {.name = "clap", .run = run_case};
