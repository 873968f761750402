/* networks.c - one network of lofi, run on request: one side of bench/networks/run.py.
 *
 *     networks NETWORK FOLDER INPUTS.safetensors THREADS
 *
 * FOLDER holds the network (the transformer for those that are part of it), INPUTS a tensor for every input (peer.py writes
 * both). Reads lines from standard input and answers each with one JSON line: "run N" runs N times; "profile" gives time,
 * operations and bytes of every node since the last profile; "save FILE" writes the results of the last run; "quit" gives
 * peak memory and the session's statistics. The networks are listed in the table below; to add one is to add a line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/threads.h"
#include "common/side.h"
#include "models/clap.h"
#include "models/hubert.h"
#include "models/music_dcae.h"
#include "models/music_vocoder.h"
#include "models/umt5.h"
#include "models/vggish.h"

typedef struct network network;

typedef struct bench {
    const network *network;
    lofi_safetensors *file;
    lofi_loaded *loaded;
    lofi_session *session;
    int threads;
    size_t first_allocations; /* of the session, after the first run */
    /* a network by itself */
    lofi_graph *graph;
    lofi_builder builder;
    lofi_tensor *output;
    /* the transformer with an adapter: its session belongs to the step */
    lofi_adapter *adapter;
    lofi_step *step;
    lofi_step_inputs example;
    lofi_step_losses losses;
} bench;

struct network {
    const char *name;
    lofi_code (*load)(bench *b, const char *folder, lofi_error *err);
    /* Writes the network down with b->builder and sets b->output; NULL: a training example through a lofi_step. */
    lofi_code (*build)(bench *b, lofi_error *err);
    bool gradients; /* of that step */
};

/* ---- networks by themselves ---- */

/* The input of that name, of the size that it has in the file. */
static lofi_tensor *input(bench *b, const char *name) {
    const lofi_stored_tensor *stored = lofi_safetensors_find(b->file, name);
    if (!stored) return lofi_graph_fail(b->graph, "the inputs hold no '%s'", name);
    if (stored->rank > LOFI_MAX_RANK) return lofi_graph_fail(b->graph, "input '%s' has too many dimensions", name);
    lofi_dtype type = stored->type == LOFI_STORED_I64 ? LOFI_I64 : LOFI_F32;
    return lofi_graph_input(b->graph, name, lofi_shape_of(type, stored->rank, stored->dims));
}

static lofi_code build_umt5(bench *b, lofi_error *err) {
    lofi_umt5_config config;
    LOFI_TRY(lofi_umt5_config_read(&config, lofi_loaded_config(b->loaded), err));
    b->output = lofi_umt5_build(&b->builder, &config, input(b, "input_ids"), input(b, "attention_mask"), NULL);
    return LOFI_OK;
}

static lofi_code build_lyric_encoder(bench *b, lofi_error *err) {
    lofi_ace_step_config config;
    LOFI_TRY(lofi_ace_step_config_read(&config, lofi_loaded_config(b->loaded), err));
    lofi_tensor *ids = input(b, "lyric_token_ids"), *mask = input(b, "lyric_mask");
    b->output = lofi_ace_step_encode_lyrics(&b->builder, &config, ids, mask, NULL);
    return LOFI_OK;
}

static lofi_code build_dcae_encoder(bench *b, lofi_error *err) {
    lofi_dcae_config config;
    LOFI_TRY(lofi_dcae_config_read(&config, lofi_loaded_config(b->loaded), err));
    b->output = lofi_dcae_encode(&b->builder, &config, input(b, "mel"));
    return LOFI_OK;
}

static lofi_code build_dcae_decoder(bench *b, lofi_error *err) {
    lofi_dcae_config config;
    LOFI_TRY(lofi_dcae_config_read(&config, lofi_loaded_config(b->loaded), err));
    b->output = lofi_dcae_decode(&b->builder, &config, input(b, "latents"));
    return LOFI_OK;
}

static lofi_code build_vocoder(bench *b, lofi_error *err) {
    lofi_vocoder_config config;
    LOFI_TRY(lofi_vocoder_config_read(&config, lofi_loaded_config(b->loaded), err));
    lofi_tensor *features = lofi_vocoder_backbone(&b->builder, &config, input(b, "mel"));
    b->output = lofi_vocoder_head(&b->builder, &config, features);
    return LOFI_OK;
}

static lofi_code build_clap_audio(bench *b, lofi_error *err) {
    lofi_clap_config config;
    LOFI_TRY(lofi_clap_config_read(&config, lofi_loaded_config(b->loaded), err));
    b->output = lofi_clap_audio(&b->builder, &config, input(b, "mel"), false);
    return LOFI_OK;
}

static lofi_code build_clap_text(bench *b, lofi_error *err) {
    lofi_clap_config config;
    LOFI_TRY(lofi_clap_config_read(&config, lofi_loaded_config(b->loaded), err));
    b->output = lofi_clap_text(&b->builder, &config, input(b, "input_ids"), input(b, "position_ids"),
                               input(b, "attention_mask"));
    return LOFI_OK;
}

static lofi_code build_hubert(bench *b, lofi_error *err) {
    lofi_hubert_config config;
    LOFI_TRY(lofi_hubert_config_read(&config, lofi_loaded_config(b->loaded), err));
    b->output = lofi_hubert_build(&b->builder, &config, input(b, "samples"));
    return LOFI_OK;
}

static lofi_code build_vggish(bench *b, lofi_error *err) {
    lofi_vggish_config config;
    LOFI_TRY(lofi_vggish_config_read(&config, lofi_loaded_config(b->loaded), err));
    b->output = lofi_vggish_build(&b->builder, &config, input(b, "examples"));
    return LOFI_OK;
}

/* ---- which networks there are ---- */

#define LOADER(name, model)                                                                                            \
    static lofi_code load_##name(bench *b, const char *folder, lofi_error *err) {                                      \
        return lofi_loaded_open(&b->loaded, &model, folder, err);                                                      \
    }
LOADER(umt5, lofi_model_umt5)
LOADER(transformer, lofi_model_ace_step_transformer)
LOADER(dcae, lofi_model_music_dcae)
LOADER(vocoder, lofi_model_music_vocoder)
LOADER(clap, lofi_model_clap)
LOADER(hubert, lofi_model_hubert)

static lofi_code load_vggish(bench *b, const char *folder, lofi_error *err) {
    return lofi_vggish_open(&b->loaded, folder, err);
}

static const network networks[] = {
    {"umt5", load_umt5, build_umt5, false},
    {"lyric_encoder", load_transformer, build_lyric_encoder, false},
    {"dcae_encoder", load_dcae, build_dcae_encoder, false},
    {"dcae_decoder", load_dcae, build_dcae_decoder, false},
    {"vocoder", load_vocoder, build_vocoder, false},
    {"clap_audio", load_clap, build_clap_audio, false},
    {"clap_text", load_clap, build_clap_text, false},
    {"hubert", load_hubert, build_hubert, false},
    {"vggish", load_vggish, build_vggish, false},
    {"transformer", load_transformer, NULL, false},
    {"transformer_gradients", load_transformer, NULL, true},
};

static lofi_code find_network(const network **out, const char *name, lofi_error *err) {
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        *out = &networks[i];
        if (strcmp(networks[i].name, name) == 0) return LOFI_OK;
    }
    return lofi_fail(err, LOFI_ERR_USAGE, "there is no network '%s'", name);
}

/* ---- opening ---- */

static lofi_code feed(bench *b, const lofi_tensor *tensor, lofi_error *err) {
    const lofi_stored_tensor *stored;
    void *data;
    int64_t count;
    LOFI_TRY(lofi_safetensors_get(&stored, b->file, tensor->name, err));
    LOFI_TRY(lofi_session_data(b->session, tensor, &data, &count, err));
    if (tensor->shape.dtype == LOFI_I64)
        lofi_stored_read_i64(stored, 0, data, (size_t)count);
    else
        lofi_stored_read_f32(stored, 0, data, (size_t)count);
    return LOFI_OK;
}

static lofi_code open_graph(bench *b, lofi_error *err) {
    LOFI_TRY(lofi_graph_new(&b->graph, err));
    b->builder = (lofi_builder){.graph = b->graph, .source = lofi_loaded_source(b->loaded)};
    LOFI_TRY(b->network->build(b, err));
    lofi_graph_output(b->graph, "output", b->output);
    LOFI_TRY(lofi_session_new(&b->session, b->graph, (lofi_session_options){.threads = b->threads}, err));
    LOFI_TRY(lofi_session_prepare(b->session, err));
    for (size_t i = 0; i < lofi_graph_tensor_count(b->graph); i++) {
        const lofi_tensor *tensor = lofi_graph_tensor(b->graph, i);
        if (tensor->flags & LOFI_TENSOR_INPUT) LOFI_TRY(feed(b, tensor, err));
    }
    return LOFI_OK;
}

static lofi_code open_step(bench *b, lofi_error *err) {
    lofi_lora_config config = lofi_lora_config_default();
    const char *rank = lofi_safetensors_metadata(b->file, "rank"), *alpha = lofi_safetensors_metadata(b->file, "alpha");
    LOFI_TRY(lofi_side_whole_number(&config.rank, rank ? rank : "none", err));
    config.alpha = alpha ? strtod(alpha, NULL) : (double)config.rank;
    LOFI_TRY(lofi_adapter_new(&b->adapter, &config, lofi_loaded_table(b->loaded), err));
    LOFI_TRY(lofi_side_example(&b->example, b->file, err));
    LOFI_TRY(lofi_side_adapter(b->adapter, b->file, err));
    lofi_step_options options = {.gradients = b->network->gradients, .threads = b->threads};
    LOFI_TRY(lofi_step_new(&b->step, b->loaded, b->adapter, options, err));
    b->session = lofi_step_session(b->step);
    return LOFI_OK;
}

static lofi_code open_bench(bench *b, char **arguments, lofi_error *err) {
    int64_t threads;
    LOFI_TRY(lofi_side_whole_number(&threads, arguments[4], err));
    b->threads = (int)threads;
    LOFI_TRY(find_network(&b->network, arguments[1], err));
    LOFI_TRY(b->network->load(b, arguments[2], err));
    LOFI_TRY(lofi_safetensors_open(&b->file, arguments[3], err));
    return b->network->build ? open_graph(b, err) : open_step(b, err);
}

static void close_bench(bench *b) {
    if (!b->step) lofi_session_free(b->session);
    lofi_step_free(b->step);
    lofi_graph_free(b->graph);
    lofi_adapter_free(b->adapter);
    lofi_loaded_close(b->loaded);
    lofi_safetensors_close(b->file);
}

/* ---- requests ---- */

static lofi_code run_once(bench *b, lofi_error *err) {
    if (b->step) LOFI_TRY(lofi_step_run(b->step, &b->example, &b->losses, err));
    if (!b->step) LOFI_TRY(lofi_session_run(b->session, err));
    if (b->first_allocations == 0) b->first_allocations = lofi_session_get_stats(b->session).allocations;
    return LOFI_OK;
}

static lofi_code run_times(bench *b, const char *text, lofi_error *err) {
    int64_t count;
    LOFI_TRY(lofi_side_whole_number(&count, text, err));
    printf("{\"runs\": [");
    for (int64_t i = 0; i < count; i++) {
        int64_t start = lofi_now_ns(), processor = lofi_side_processor_ns();
        LOFI_TRY(run_once(b, err));
        printf("%s{\"ms\": %.3f, \"cpu_ms\": %.3f}", i ? ", " : "", (double)(lofi_now_ns() - start) * 1e-6,
               (double)(lofi_side_processor_ns() - processor) * 1e-6);
    }
    printf("]}\n");
    return LOFI_OK;
}

static void print_dims(const lofi_view *view) {
    for (int i = 0; i < view->rank; i++) printf("%s%lld", i ? "x" : "", (long long)view->dims[i]);
    if (view->rank == 0) printf("1");
}

/* One node: operator, shapes of its first two inputs and its first output, calls, seconds, operations, bytes. */
static void report_node(void *user, const lofi_node *node, const lofi_call *call, int64_t calls, double seconds) {
    bool *first = user;
    if (node->op->view) return;
    lofi_work work = lofi_call_work(node->op, call);
    printf("%s[\"%s\", \"", *first ? "" : ", ", node->op->name);
    for (int i = 0; i < call->input_count && i < 2; i++) {
        if (!call->inputs[i].data) continue;
        print_dims(&call->inputs[i]);
        printf(" ");
    }
    printf("-> ");
    print_dims(&call->outputs[0]);
    printf("\", %lld, %.9f, %.0f, %.0f]", (long long)calls, seconds, work.operations, work.bytes);
    *first = false;
}

static void report_profile(bench *b) {
    bool first = true;
    printf("{\"nodes\": [");
    lofi_session_profile_nodes(b->session, report_node, &first);
    lofi_session_profile(b->session, true, NULL, NULL);
    printf("]}\n");
}

static lofi_code save_output(bench *b, const char *path, lofi_error *err) {
    void *data;
    int64_t dims[LOFI_MAX_RANK];
    LOFI_TRY(lofi_session_data(b->session, b->output, &data, NULL, err));
    for (int i = 0; i < b->output->shape.rank; i++) dims[i] = lofi_session_dim(b->session, b->output, i);
    lofi_stored_tensor tensor = lofi_stored_declare("output", LOFI_STORED_F32, b->output->shape.rank, dims);
    tensor.data = data;
    return lofi_safetensors_save(path, &tensor, 1, NULL, err);
}

/* The loss, and the gradient of every factor under the name of its weight. */
static lofi_code save_step(bench *b, const char *path, lofi_error *err) {
    const float *gradient = lofi_step_gradient(b->step);
    float loss = (float)b->losses.total;
    lofi_arena *arena;
    LOFI_TRY(lofi_arena_new(&arena, err));
    size_t count = 1 + (gradient ? 2 * b->adapter->layer_count : 0);
    lofi_stored_tensor *tensors = lofi_arena_alloc(arena, count * sizeof *tensors);
    tensors[0] = lofi_stored_declare("loss", LOFI_STORED_F32, 1, (int64_t[]){1});
    tensors[0].data = &loss;
    for (size_t i = 1; i < count; i++) {
        const lofi_lora_layer *layer = &b->adapter->layers[(i - 1) / 2];
        bool a = i % 2 == 1;
        const char *name = lofi_arena_printf(arena, "%s.lora_%c.weight", layer->name, a ? 'A' : 'B');
        int64_t dims[] = {a ? layer->rank : layer->out, a ? layer->in : layer->rank};
        tensors[i] = lofi_stored_declare(name, LOFI_STORED_F32, 2, dims);
        tensors[i].data = gradient + (a ? layer->a_offset : layer->b_offset);
    }
    lofi_code code = lofi_safetensors_save(path, tensors, count, NULL, err);
    lofi_arena_free(arena);
    return code;
}

static lofi_code save(bench *b, const char *path, lofi_error *err) {
    LOFI_TRY(b->step ? save_step(b, path, err) : save_output(b, path, err));
    printf("{\"saved\": true}\n");
    return LOFI_OK;
}

static void report_memory(bench *b) {
    lofi_session_stats stats = lofi_session_get_stats(b->session);
    printf("{\"peak_bytes\": %lld, \"activation_bytes\": %zu, \"converted_bytes\": %zu, \"nodes\": %zu, "
           "\"allocations_after_first_run\": %zu}\n",
           lofi_side_peak_bytes(), stats.activation_bytes, lofi_loaded_converted_bytes(b->loaded), stats.nodes,
           stats.allocations - b->first_allocations);
}

static lofi_code serve(bench *b, lofi_error *err) {
    char line[4096];
    printf("{\"ready\": true, \"opening_peak_bytes\": %lld}\n", lofi_side_peak_bytes());
    lofi_side_restart_peak();
    while (fflush(stdout) == 0 && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, "run ", 4) == 0)
            LOFI_TRY(run_times(b, line + 4, err));
        else if (strncmp(line, "save ", 5) == 0)
            LOFI_TRY(save(b, line + 5, err));
        else if (strcmp(line, "profile") == 0)
            report_profile(b);
        else
            break;
    }
    report_memory(b);
    return LOFI_OK;
}

int main(int argument_count, char **arguments) {
    lofi_threads_bound_spinning(arguments);
    if (argument_count != 5) {
        fprintf(stderr, "usage: networks NETWORK FOLDER INPUTS THREADS\n");
        return 2;
    }
    bench b = {0};
    lofi_error err = LOFI_ERROR_INIT;
    lofi_code code = open_bench(&b, arguments, &err);
    if (code == LOFI_OK) code = serve(&b, &err);
    if (code != LOFI_OK) fprintf(stderr, "networks: %s\n", err.message);
    close_bench(&b);
    return code == LOFI_OK ? 0 : 1;
}
