/* train_step.c - training steps of lofi, taken one by one on request: one side of bench/train_step/run.py.
 *
 *     train_step TRANSFORMER_FOLDER INPUTS.safetensors RANK ALPHA LEARNING_RATE CHECKPOINTING(0|1) THREADS
 *
 * INPUTS holds one training example and `start.LAYER.lora_A.weight`, `start.LAYER.lora_B.weight` of every adapted layer
 * (peer.py writes it). Reads lines from standard input: "step N" takes N steps (forward, backward, clipping, AdamW) and
 * answers with one JSON line; "profile" answers with the seconds per operator since the last one; "quit" with peak memory
 * and the session's statistics.
 */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/threads.h"
#include "store/safetensors.h"
#include "train/optimizer.h"
#include "train/step.h"

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

static lofi_code need(const lofi_stored_tensor **out, const bench *b, const char *name, int rank, lofi_error *err) {
    LOFI_TRY(lofi_safetensors_get(out, b->file, name, err));
    if ((*out)->rank == rank && (*out)->aligned) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT, "input '%s' has %d dimensions, expected %d", name, (*out)->rank, rank);
}

static lofi_code read_floats(const float **out, const bench *b, const char *name, int rank, lofi_error *err) {
    const lofi_stored_tensor *tensor;
    LOFI_TRY(need(&tensor, b, name, rank, err));
    if (tensor->type != LOFI_STORED_F32) return lofi_fail(err, LOFI_ERR_FORMAT, "input '%s' is not F32", name);
    *out = tensor->data;
    return LOFI_OK;
}

static lofi_code read_inputs(bench *b, lofi_error *err) {
    lofi_step_inputs *in = &b->inputs;
    const lofi_stored_tensor *latents, *text, *lyric;
    LOFI_TRY(need(&latents, b, "latents", 4, err));
    LOFI_TRY(need(&text, b, "text_states", 3, err));
    LOFI_TRY(need(&lyric, b, "lyric_token_ids", 2, err));
    if (lyric->type != LOFI_STORED_I64) return lofi_fail(err, LOFI_ERR_FORMAT, "input 'lyric_token_ids' is not I64");
    in->batch = latents->dims[0];
    in->frames = latents->dims[3];
    in->text = text->dims[1];
    in->lyric = lyric->dims[1];
    in->lyric_token_ids = lyric->data;
    LOFI_TRY(read_floats(&in->latents, b, "latents", 4, err));
    LOFI_TRY(read_floats(&in->noise, b, "noise", 4, err));
    LOFI_TRY(read_floats(&in->attention_mask, b, "attention_mask", 2, err));
    LOFI_TRY(read_floats(&in->text_states, b, "text_states", 3, err));
    LOFI_TRY(read_floats(&in->text_mask, b, "text_mask", 2, err));
    LOFI_TRY(read_floats(&in->lyric_mask, b, "lyric_mask", 2, err));
    LOFI_TRY(read_floats(&in->speaker, b, "speaker", 2, err));
    LOFI_TRY(read_floats(&in->sigma, b, "sigma", 1, err));
    return read_floats(&in->timestep, b, "timestep", 1, err);
}

static lofi_code read_factor(bench *b, const char *layer, const char *factor, float *values, int64_t rows,
                             int64_t columns, lofi_error *err) {
    char name[512];
    const lofi_stored_tensor *tensor;
    snprintf(name, sizeof name, "start.%s.%s.weight", layer, factor);
    LOFI_TRY(lofi_safetensors_get(&tensor, b->file, name, err));
    if (!lofi_stored_has_shape(tensor, 2, (int64_t[]){rows, columns}))
        return lofi_fail(err, LOFI_ERR_FORMAT, "input '%s' has not the shape [%lld, %lld]", name, (long long)rows,
                         (long long)columns);
    lofi_stored_read_f32(tensor, 0, values, tensor->count);
    return LOFI_OK;
}

static lofi_code read_adapter(bench *b, lofi_error *err) {
    for (size_t i = 0; i < b->adapter->layer_count; i++) {
        const lofi_lora_layer *layer = &b->adapter->layers[i];
        LOFI_TRY(
            read_factor(b, layer->name, "lora_A", b->adapter->values + layer->a_offset, layer->rank, layer->in, err));
        LOFI_TRY(
            read_factor(b, layer->name, "lora_B", b->adapter->values + layer->b_offset, layer->out, layer->rank, err));
    }
    return LOFI_OK;
}

static lofi_code whole_number(int64_t *out, const char *text, lofi_error *err) {
    char *end;
    *out = strtoll(text, &end, 10);
    if (end != text && *end == 0 && *out >= 0) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_USAGE, "'%s' is not a whole number", text);
}

static lofi_code open_bench(bench *b, char **arguments, lofi_error *err) {
    lofi_lora_config config = lofi_lora_config_default();
    int64_t checkpointing, threads;
    LOFI_TRY(whole_number(&config.rank, arguments[3], err));
    config.alpha = strtod(arguments[4], NULL);
    b->learning_rate = strtod(arguments[5], NULL);
    LOFI_TRY(whole_number(&checkpointing, arguments[6], err));
    LOFI_TRY(whole_number(&threads, arguments[7], err));
    b->threads = (int)threads;
    LOFI_TRY(lofi_loaded_open(&b->transformer, &lofi_model_ace_step_transformer, arguments[1], err));
    LOFI_TRY(lofi_adapter_new(&b->adapter, &config, lofi_loaded_table(b->transformer), err));
    LOFI_TRY(lofi_safetensors_open(&b->file, arguments[2], err));
    LOFI_TRY(read_inputs(b, err));
    LOFI_TRY(read_adapter(b, err));
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

/* Time that all threads of this process have had a processor. */
static int64_t processor_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static lofi_code take_steps(bench *b, int64_t count, lofi_error *err) {
    printf("{\"steps\": [");
    for (int64_t i = 0; i < count; i++) {
        int64_t start = lofi_now_ns(), processor = processor_ns();
        double loss, norm;
        LOFI_TRY(take_step(b, &loss, &norm, err));
        printf("%s{\"ms\": %.3f, \"cpu_ms\": %.3f, \"loss\": %.9g, \"norm\": %.9g}", i ? ", " : "",
               (double)(lofi_now_ns() - start) * 1e-6, (double)(processor_ns() - processor) * 1e-6, loss, norm);
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

/* Forgets the largest resident size so far: opening is measured apart from the steps. */
static void restart_peak(void) {
    int file = open("/proc/self/clear_refs", O_WRONLY);
    if (file < 0 || write(file, "5", 1) != 1) fprintf(stderr, "train_step: the peak memory includes opening\n");
    if (file >= 0) close(file);
}

/* The largest resident size of this process, in bytes; 0 when the system does not tell. */
static long long peak_bytes(void) {
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    long long kilobytes = 0;
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %lld", &kilobytes) == 1) break;
    if (status) fclose(status);
    return kilobytes * 1024;
}

static void report_memory(bench *b) {
    lofi_session_stats stats = lofi_session_get_stats(lofi_step_session(b->step));
    printf("{\"peak_bytes\": %lld, \"activation_bytes\": %zu, \"converted_bytes\": %zu, \"adapter_parameters\": %zu, "
           "\"nodes\": %zu, "
           "\"allocations\": %zu, \"allocations_after_first_step\": %zu}\n",
           peak_bytes(), stats.activation_bytes, lofi_loaded_converted_bytes(b->transformer), b->adapter->value_count,
           stats.nodes, stats.allocations, stats.allocations - b->first_allocations);
}

static lofi_code serve(bench *b, lofi_error *err) {
    char line[256];
    printf("{\"ready\": true, \"opening_peak_bytes\": %lld}\n", peak_bytes());
    restart_peak();
    while (fflush(stdout) == 0 && fgets(line, sizeof line, stdin)) {
        int64_t count;
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, "step ", 5) == 0) {
            LOFI_TRY(whole_number(&count, line + 5, err));
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
