/* onnx_step.c - one step of the transformer in ONNX Runtime beside this program's: same weights, inputs and threads, in turns.
 *
 *     onnx_step MODEL BUNDLE SECONDS CONDITIONS THREADS
 *
 * MODEL: a base model folder; BUNDLE: what `lofi export` made of it (the library is found as by lofi export --verify). Music of
 * SECONDS with so many condition tokens; prints the median, smallest and largest time of each and the median of the ratios.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "diffusion/generator.h"
#include "export/bundle_parts.h"
#include "graph/session.h"
#include "onnx/runtime.h"

enum { RUNS = 7, DECODER = 2, MAX_INPUTS = 8 };

typedef struct bench {
    lofi_loaded *loaded;
    lofi_graph *graph;
    lofi_session *native;
    lofi_onnx_runtime *runtime;
    lofi_onnx_session *onnx;
    lofi_onnx_array inputs[MAX_INPUTS];
    size_t count;
} bench;

static lofi_code open_bench(bench *b, char **arguments, lofi_error *err) {
    const lofi_bundle_part *part = &lofi_bundle_parts[DECODER];
    lofi_checkpoint_folder folder;
    lofi_bundle_facts facts;
    char path[LOFI_PATH_MAX];
    int threads = (int)strtol(arguments[5], NULL, 10);
    LOFI_TRY(lofi_checkpoint_folder_resolve(&folder, arguments[1], err));
    LOFI_TRY(lofi_bundle_facts_read(&facts, &folder, err));
    LOFI_TRY(lofi_loaded_open(&b->loaded, part->model, folder.component[part->component], err));
    LOFI_TRY(lofi_graph_new(&b->graph, err));
    lofi_builder builder = {.graph = b->graph, .source = lofi_loaded_source(b->loaded)};
    LOFI_TRY(part->build(&builder, lofi_loaded_config(b->loaded), &facts, err));
    LOFI_TRY(lofi_session_new(&b->native, b->graph, (lofi_session_options){.threads = threads}, err));
    lofi_session_set(b->native, "batch", 1);
    lofi_session_set(b->native, "frames", lofi_song_frames(strtod(arguments[3], NULL)));
    lofi_session_set(b->native, "conditions", strtoll(arguments[4], NULL, 10));
    LOFI_TRY(lofi_session_prepare(b->native, err));
    LOFI_TRY(lofi_path_format(path, err, "%s/%s", arguments[2], part->file));
    LOFI_TRY(lofi_onnx_runtime_open(&b->runtime, NULL, err));
    return lofi_onnx_session_open(&b->onnx, b->runtime, path, threads, err);
}

/* Normal numbers in both; masks of ones. */
static lofi_code fill(bench *b, lofi_error *err) {
    for (size_t i = 0; i < lofi_graph_tensor_count(b->graph); i++) {
        const lofi_tensor *tensor = lofi_graph_tensor(b->graph, i);
        if (!(tensor->flags & LOFI_TENSOR_INPUT)) continue;
        lofi_onnx_array *to = &b->inputs[b->count++];
        int64_t count = 1;
        *to = (lofi_onnx_array){.name = tensor->name, .dtype = LOFI_F32, .rank = tensor->shape.rank};
        for (int d = 0; d < to->rank; d++) count *= to->dims[d] = lofi_session_dim(b->native, tensor, d);
        LOFI_TRY(lofi_alloc(&to->data, (size_t)count, sizeof(float), tensor->name, err));
        lofi_random random = lofi_random_at(1, LOFI_RANDOM_TEST, i);
        bool mask = strstr(tensor->name, "mask") != NULL;
        for (int64_t k = 0; k < count; k++)
            ((float *)to->data)[k] = mask ? 1 : lofi_random_normal(&random, (uint64_t)k);
    }
    return LOFI_OK;
}

/* A run may use the memory of its inputs for something else. */
static lofi_code feed(bench *b, lofi_error *err) {
    for (size_t i = 0; i < b->count; i++) {
        void *data;
        int64_t count;
        LOFI_TRY(lofi_session_data(b->native, lofi_graph_find(b->graph, b->inputs[i].name), &data, &count, err));
        memcpy(data, b->inputs[i].data, (size_t)count * sizeof(float));
    }
    return LOFI_OK;
}

static int by_value(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void tell(const char *what, double *values, const char *unit) {
    qsort(values, RUNS, sizeof *values, by_value);
    printf("%-14s %.4g (%.4g-%.4g) %s\n", what, values[RUNS / 2], values[0], values[RUNS - 1], unit);
}

static lofi_code measure(bench *b, lofi_error *err) {
    double native[RUNS], onnx[RUNS], ratio[RUNS];
    for (int run = -1; run < RUNS; run++) { /* the first of each is not counted */
        lofi_onnx_array output = {.name = lofi_bundle_parts[DECODER].outputs[0]};
        LOFI_TRY(feed(b, err));
        int64_t start = lofi_now_ns();
        LOFI_TRY(lofi_session_run(b->native, err));
        int64_t middle = lofi_now_ns();
        LOFI_TRY(lofi_onnx_session_run(b->onnx, b->inputs, b->count, &output, 1, err));
        int64_t end = lofi_now_ns();
        lofi_free(output.data);
        if (run < 0) continue;
        native[run] = (double)(middle - start) / 1e6, onnx[run] = (double)(end - middle) / 1e6;
        ratio[run] = onnx[run] / native[run];
    }
    printf("ONNX Runtime %s\n", lofi_onnx_runtime_version(b->runtime));
    tell("this program", native, "ms");
    tell("ONNX Runtime", onnx, "ms");
    tell("ratio", ratio, "times this program's");
    return LOFI_OK;
}

int main(int argc, char **argv) {
    bench b = {0};
    lofi_error err = LOFI_ERROR_INIT;
    if (argc != 6) {
        fprintf(stderr, "usage: onnx_step MODEL BUNDLE SECONDS CONDITIONS THREADS\n");
        return 2;
    }
    lofi_code code = open_bench(&b, argv, &err);
    if (code == LOFI_OK) code = fill(&b, &err);
    if (code == LOFI_OK) code = measure(&b, &err);
    if (code != LOFI_OK) fprintf(stderr, "error: %s\n", err.message);
    for (size_t i = 0; i < b.count; i++) lofi_free(b.inputs[i].data);
    lofi_onnx_session_close(b.onnx);
    lofi_onnx_runtime_close(b.runtime);
    lofi_session_free(b.native);
    lofi_graph_free(b.graph);
    lofi_loaded_close(b.loaded);
    return code != LOFI_OK;
}
