/* case_vggish.c - 16 kHz sound to log-mel examples, and those to embeddings. */
#include "audio/evaluation_mel.h"
#include "eval/network_run.h"
#include "models/vggish.h"

#define LIMIT 1e-5

static lofi_code compare_examples(lofi_selftest *test, lofi_error *err) {
    const lofi_stored_tensor *audio;
    const float *samples;
    LOFI_TRY(lofi_selftest_input(&audio, test, "audio_16k", 1, err));
    LOFI_TRY(lofi_recorded_f32(&samples, test, audio, 0, audio->count, err));
    int64_t count = lofi_vggish_example_count(audio->dims[0]);
    int64_t dims[] = {count, 1, LOFI_VGGISH_FRAMES, LOFI_VGGISH_BANDS};
    float *examples = lofi_arena_alloc(test->arena, (size_t)(count * dims[2] * dims[3] + 1) * sizeof *examples);
    if (!examples) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for examples");
    LOFI_TRY(lofi_vggish_examples(examples, samples, audio->dims[0], err));
    return lofi_selftest_compare(test, "examples", examples, 4, dims, LIMIT, err);
}

/* From the recorded examples, so that each half answers for itself. */
static lofi_code compare_embedding(lofi_network_run *run, lofi_error *err) {
    char folder[LOFI_PATH_MAX];
    lofi_vggish_config config;
    const lofi_stored_tensor *recorded;
    LOFI_TRY(lofi_selftest_path(folder, run->test, "evaluation/vggish", err));
    LOFI_TRY(lofi_vggish_open(&run->loaded, folder, err));
    LOFI_TRY(lofi_vggish_config_read(&config, lofi_loaded_config(run->loaded), err));
    LOFI_TRY(lofi_network_open_loaded(run, err));
    LOFI_TRY(lofi_recorded_get(&recorded, run->test->recorded, "examples", 4, err));
    lofi_dim dims[] = {recorded->dims[0], LOFI_VGGISH_FRAMES, LOFI_VGGISH_BANDS};
    lofi_tensor *examples = lofi_graph_input(run->graph, "examples", lofi_shape_of(LOFI_F32, 3, dims));
    lofi_tensor *embedding = lofi_vggish_build(&run->builder, &config, examples);
    lofi_graph_output(run->graph, "embedding", embedding);
    LOFI_TRY(lofi_network_start(run, NULL, 0, err));
    LOFI_TRY(lofi_network_feed(run, "examples", recorded, 0, 1, err));
    LOFI_TRY(lofi_session_run(run->session, err));
    return lofi_network_compare(run, embedding, "embedding", LIMIT, err);
}

static lofi_code run_case(lofi_selftest *test, lofi_error *err) {
    lofi_network_run run = {.test = test};
    lofi_code code = compare_examples(test, err);
    if (code == LOFI_OK) code = compare_embedding(&run, err);
    lofi_network_close(&run);
    return code;
}

const lofi_selftest_case lofi_case_vggish = {.name = "vggish", .run = run_case};
