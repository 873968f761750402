/* case_ssl_loss.c - the losses of the self-supervised alignment, on the inputs of the transformer's case. Songs have targets of
 * their own lengths, so they are run one by one; a recorded loss is the mean over them. */
#include <stdio.h>

#include "diffusion/alignment_loss.h"
#include "eval/network_run.h"

#define LIMIT 1e-5
#define HEADS 2

static const char *const heads[HEADS] = {"mert", "hubert"};

typedef struct work {
    lofi_transformer_run transformer;
    lofi_safetensors *inputs; /* cases/transformer */
    lofi_tensor *losses[HEADS];
} work;

static lofi_code target_of(const lofi_stored_tensor **out, work *w, int head, int64_t song, lofi_error *err) {
    char name[32];
    snprintf(name, sizeof name, "%s_%lld", heads[head], (long long)song);
    return lofi_selftest_input(out, w->transformer.network.test, name, 2, err);
}

static lofi_code build(work *w, lofi_error *err) {
    lofi_transformer_run *run = &w->transformer;
    int taps[LOFI_ACE_STEP_MAX_PROJECTORS];
    LOFI_TRY(lofi_transformer_build(run, err));
    if (lofi_ace_step_taps(&run->config, taps) < HEADS)
        return lofi_fail(err, LOFI_ERR_FORMAT, "the transformer has fewer than %d heads for the alignment", HEADS);
    for (int i = 0; i < HEADS; i++) {
        lofi_graph *graph = run->network.graph;
        lofi_dim dims[] = {1, lofi_dim_symbol(graph, heads[i]), run->config.projector_widths[i]};
        lofi_tensor *target = lofi_graph_input(graph, heads[i], lofi_shape_of(LOFI_F32, 3, dims));
        lofi_tensor *told = lofi_ace_step_project(&run->network.builder, &run->config, i, run->trace.blocks[taps[i]]);
        w->losses[i] = lofi_graph_output(graph, NULL, lofi_alignment_loss(graph, told, target));
    }
    return LOFI_OK;
}

static lofi_code feed_song(work *w, int64_t song, int64_t songs, lofi_error *err) {
    static const struct {
        const char *input, *recorded;
        int rank;
    } names[] = {{"latents", "hidden_states", 4},   {"attention_mask", "attention_mask", 2},
                 {"text_states", "text_states", 3}, {"text_mask", "text_mask", 2},
                 {"speaker", "speaker", 2},         {"lyric_token_ids", "lyric_token_ids", 2},
                 {"lyric_mask", "lyric_mask", 2},   {"timestep", "timestep", 1}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const lofi_stored_tensor *tensor;
        LOFI_TRY(lofi_recorded_get(&tensor, w->inputs, names[i].recorded, names[i].rank, err));
        LOFI_TRY(lofi_network_feed(&w->transformer.network, names[i].input, tensor, (size_t)song, (size_t)songs, err));
    }
    for (int i = 0; i < HEADS; i++) {
        const lofi_stored_tensor *target;
        LOFI_TRY(target_of(&target, w, i, song, err));
        LOFI_TRY(lofi_network_feed(&w->transformer.network, heads[i], target, 0, 1, err));
    }
    return LOFI_OK;
}

/* A graph of its own for each song: lengths differ. Adds the losses to `sums`. */
static lofi_code run_song(work *w, int64_t song, int64_t songs, float sums[HEADS], lofi_error *err) {
    lofi_network_run *network = &w->transformer.network;
    const lofi_stored_tensor *latents, *text, *lyric, *targets[HEADS];
    LOFI_TRY(lofi_network_open_loaded(network, err));
    LOFI_TRY(build(w, err));
    LOFI_TRY(lofi_recorded_get(&latents, w->inputs, "hidden_states", 4, err));
    LOFI_TRY(lofi_recorded_get(&text, w->inputs, "text_states", 3, err));
    LOFI_TRY(lofi_recorded_get(&lyric, w->inputs, "lyric_token_ids", 2, err));
    for (int i = 0; i < HEADS; i++) LOFI_TRY(target_of(&targets[i], w, i, song, err));
    lofi_symbol_value symbols[] = {{"batch", 1},
                                   {"frames", latents->dims[3]},
                                   {"text", text->dims[1]},
                                   {"lyric", lyric->dims[1]},
                                   {heads[0], targets[0]->dims[0]},
                                   {heads[1], targets[1]->dims[0]}};
    LOFI_TRY(lofi_network_start(network, symbols, sizeof symbols / sizeof *symbols, err));
    LOFI_TRY(feed_song(w, song, songs, err));
    LOFI_TRY(lofi_session_run(network->session, err));
    for (int i = 0; i < HEADS; i++) {
        const float *loss;
        LOFI_TRY(lofi_network_values(&loss, NULL, network, w->losses[i], err));
        sums[i] += loss[0];
    }
    lofi_network_close_graph(network);
    return LOFI_OK;
}

static lofi_code compute(work *w, lofi_error *err) {
    lofi_network_run *network = &w->transformer.network;
    char path[LOFI_PATH_MAX];
    const lofi_stored_tensor *latents, *lyric;
    float sums[HEADS] = {0};
    LOFI_TRY(lofi_selftest_path(path, network->test, "cases/transformer.safetensors", err));
    LOFI_TRY(lofi_safetensors_open(&w->inputs, path, err));
    LOFI_TRY(lofi_recorded_get(&latents, w->inputs, "hidden_states", 4, err));
    LOFI_TRY(lofi_recorded_get(&lyric, w->inputs, "lyric_token_ids", 2, err));
    LOFI_TRY(lofi_network_open(network, &lofi_model_ace_step_transformer, err));
    LOFI_TRY(lofi_ace_step_config_read(&w->transformer.config, lofi_loaded_config(network->loaded), err));
    LOFI_TRY(lofi_network_check_ids(network->test, lyric, w->transformer.config.lyric_vocabulary, err));
    lofi_network_close_graph(network);
    int64_t songs = latents->dims[0];
    for (int64_t song = 0; song < songs; song++) LOFI_TRY(run_song(w, song, songs, sums, err));
    for (int i = 0; i < HEADS; i++) {
        char name[32];
        float mean = sums[i] / (float)songs;
        snprintf(name, sizeof name, "%s_loss", heads[i]);
        LOFI_TRY(lofi_selftest_compare_flat(network->test, name, &mean, 1, LIMIT, err));
    }
    return LOFI_OK;
}

static lofi_code run_case(lofi_selftest *test, lofi_error *err) {
    work w = {.transformer = {.network = {.test = test}}};
    lofi_code code = compute(&w, err);
    lofi_network_close(&w.transformer.network);
    lofi_safetensors_close(w.inputs);
    return code;
}

const lofi_selftest_case lofi_case_ssl_loss = {.name = "ssl_loss", .run = run_case};
