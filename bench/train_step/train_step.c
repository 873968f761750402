/* train_step.c - training steps of lofi, taken one by one on request: one side of bench/train_step/run.py.
 *
 *     train_step TRANSFORMER_FOLDER INPUTS.safetensors RANK ALPHA LEARNING_RATE CHECKPOINTING(0|1) THREADS
 *
 * INPUTS holds one training example and `start.LAYER.lora_A.weight`, `start.LAYER.lora_B.weight` of every adapted layer
 * (peer.py writes it). Reads lines from standard input: "step N" takes N steps (forward, backward, clipping, AdamW) and
 * answers with one JSON line; "profile" answers with the seconds per operator since the last one; "quit" with peak memory
 * and the session's statistics.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/threads.h"
#include "common/side.h"
#include "train/optimizer.h"

#define CLIP_NORM 0.5

typedef struct bench {
    lofi_loaded *transformer;
    lofi_adapter *adapter;
    lofi_safetensors *file;
    lofi_step *step;
    lofi_step_inputs inputs;
    float *first, *second;
    double learning_rate;
    int threads;
    int64_t updates;
    size_t first_allocations; /* of the session, after the first step */
} bench;

static lofi_code open_bench(bench *b, char **arguments, lofi_error *err) {
    lofi_lora_config config = lofi_lora_config_default();
    int64_t checkpointing, threads;
    LOFI_TRY(lofi_side_whole_number(&config.rank, arguments[3], err));
    config.alpha = strtod(arguments[4], NULL);
    b->learning_rate = strtod(arguments[5], NULL);
    LOFI_TRY(lofi_side_whole_number(&checkpointing, arguments[6], err));
    LOFI_TRY(lofi_side_whole_number(&threads, arguments[7], err));
    b->threads = (int)threads;
    LOFI_TRY(lofi_loaded_open(&b->transformer, &lofi_model_ace_step_transformer, arguments[1], err));
    LOFI_TRY(lofi_adapter_new(&b->adapter, &config, lofi_loaded_table(b->transformer), err));
    LOFI_TRY(lofi_safetensors_open(&b->file, arguments[2], err));
    LOFI_TRY(lofi_side_example(&b->inputs, b->file, err));
    LOFI_TRY(lofi_side_adapter(b->adapter, b->file, err));
    size_t count = b->adapter->value_count;
    LOFI_TRY(lofi_alloc((void **)&b->first, count, sizeof(float), "first moments", err));
    LOFI_TRY(lofi_alloc((void **)&b->second, count, sizeof(float), "second moments", err));
    lofi_step_options options = {.gradients = true, .checkpoint = checkpointing != 0, .threads = b->threads};
    return lofi_step_new(&b->step, b->transformer, b->adapter, options, err);
}

static void close_bench(bench *b) {
    lofi_step_free(b->step);
    lofi_adapter_free(b->adapter);
    lofi_loaded_close(b->transformer);
    lofi_safetensors_close(b->file);
    lofi_free(b->first);
    lofi_free(b->second);
}

static lofi_code take_step(bench *b, double *loss, double *norm, lofi_error *err) {
    lofi_step_losses losses;
    LOFI_TRY(lofi_step_run(b->step, &b->inputs, &losses, err));
    *loss = losses.total;
    size_t count = b->adapter->value_count;
    const float *gradient = lofi_step_gradient(b->step);
    *norm = lofi_gradient_norm(gradient, count, b->threads);
    lofi_adamw adamw = LOFI_ADAMW_INIT;
    adamw.learning_rate = b->learning_rate;
    b->updates++;
    lofi_adamw_update(&adamw, b->updates, b->adapter->values, gradient, lofi_clip_factor(*norm, CLIP_NORM), b->first,
                      b->second, count, b->threads);
    if (b->updates == 1) b->first_allocations = lofi_session_get_stats(lofi_step_session(b->step)).allocations;
    return LOFI_OK;
}

static lofi_code take_steps(bench *b, int64_t count, lofi_error *err) {
    printf("{\"steps\": [");
    for (int64_t i = 0; i < count; i++) {
        int64_t start = lofi_now_ns(), processor = lofi_side_processor_ns();
        double loss, norm;
        LOFI_TRY(take_step(b, &loss, &norm, err));
        printf("%s{\"ms\": %.3f, \"cpu_ms\": %.3f, \"loss\": %.9g, \"norm\": %.9g}", i ? ", " : "",
               (double)(lofi_now_ns() - start) * 1e-6, (double)(lofi_side_processor_ns() - processor) * 1e-6, loss,
               norm);
    }
    printf("]}\n");
    return LOFI_OK;
}

static void report_operator(void *user, const char *operator_name, int64_t calls, double seconds) {
    bool *first = user;
    printf("%s\"%s\": [%lld, %.6f]", *first ? "" : ", ", operator_name, (long long)calls, seconds);
    *first = false;
}

static void report_profile(bench *b) {
    bool first = true;
    printf("{");
    lofi_session_profile(lofi_step_session(b->step), true, report_operator, &first);
    printf("}\n");
}

static void report_memory(bench *b) {
    lofi_session_stats stats = lofi_session_get_stats(lofi_step_session(b->step));
    printf("{\"peak_bytes\": %lld, \"activation_bytes\": %zu, \"converted_bytes\": %zu, \"adapter_parameters\": %zu, "
           "\"nodes\": %zu, "
           "\"allocations\": %zu, \"allocations_after_first_step\": %zu}\n",
           lofi_side_peak_bytes(), stats.activation_bytes, lofi_loaded_converted_bytes(b->transformer),
           b->adapter->value_count, stats.nodes, stats.allocations, stats.allocations - b->first_allocations);
}

static lofi_code serve(bench *b, lofi_error *err) {
    char line[256];
    printf("{\"ready\": true, \"opening_peak_bytes\": %lld}\n", lofi_side_peak_bytes());
    lofi_side_restart_peak();
    while (fflush(stdout) == 0 && fgets(line, sizeof line, stdin)) {
        int64_t count;
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, "step ", 5) == 0) {
            LOFI_TRY(lofi_side_whole_number(&count, line + 5, err));
            LOFI_TRY(take_steps(b, count, err));
        } else if (strcmp(line, "profile") == 0)
            report_profile(b);
        else
            break;
    }
    report_memory(b);
    return LOFI_OK;
}

int main(int argument_count, char **arguments) {
    lofi_threads_bound_spinning(arguments);
    if (argument_count != 8) {
        fprintf(stderr, "usage: train_step TRANSFORMER_FOLDER INPUTS RANK ALPHA LEARNING_RATE CHECKPOINTING THREADS\n");
        return 2;
    }
    bench b = {0};
    lofi_error err = LOFI_ERROR_INIT;
    lofi_code code = open_bench(&b, arguments, &err);
    if (code == LOFI_OK) code = serve(&b, &err);
    if (code != LOFI_OK) fprintf(stderr, "train_step: %s\n", err.message);
    close_bench(&b);
    return code == LOFI_OK ? 0 : 1;
}
