/* bundle_verify.c - is what ONNX Runtime computes what this program computes? See bundle.h. */
#include <math.h>
#include <string.h>

#include "base/difference.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "export/bundle.h"
#include "export/bundle_parts.h"
#include "graph/session.h"

#define MAX_INPUTS 8

static const int64_t lengths[LOFI_BUNDLE_LENGTHS] = {16, 43};

double lofi_bundle_limit(lofi_onnx_precision precision) {
    return precision == LOFI_ONNX_FP16 ? 5e-3 : 1e-4;
}

typedef struct verification {
    const lofi_bundle_part *part;
    lofi_loaded *loaded;
    lofi_graph *graph;
    lofi_session *native;
    lofi_onnx_session *onnx;
    lofi_bundle_facts facts;
    lofi_onnx_array inputs[MAX_INPUTS], output[MAX_INPUTS];
    size_t input_count, output_count;
} verification;

/* What belongs to one length. */
static void free_arrays(verification *v) {
    for (size_t i = 0; i < v->input_count; i++) lofi_free(v->inputs[i].data);
    for (size_t i = 0; i < v->output_count; i++) lofi_free(v->output[i].data);
    v->input_count = v->output_count = 0;
}

static void close_all(verification *v) {
    free_arrays(v);
    lofi_onnx_session_close(v->onnx);
    lofi_session_free(v->native);
    lofi_graph_free(v->graph);
    lofi_loaded_close(v->loaded);
}

static lofi_code open_both(verification *v, const char *network, const char *path, lofi_onnx_runtime *runtime,
                           int threads, lofi_error *err) {
    LOFI_TRY(lofi_loaded_open(&v->loaded, v->part->model, network, err));
    LOFI_TRY(lofi_graph_new(&v->graph, err));
    lofi_builder builder = {.graph = v->graph, .source = lofi_loaded_source(v->loaded)};
    LOFI_TRY(v->part->build(&builder, lofi_loaded_config(v->loaded), &v->facts, err));
    LOFI_TRY(lofi_session_new(&v->native, v->graph, (lofi_session_options){.threads = threads}, err));
    return lofi_onnx_session_open(&v->onnx, runtime, path, threads, err);
}

static bool is_mask(const char *name) {
    return strstr(name, "mask") != NULL;
}

/* Fixed numbers: normal; tokens of the vocabulary; masks that end in a padded quarter; a time in the middle. */
static float value_of(const verification *v, const lofi_tensor *tensor, int64_t index, int64_t row) {
    lofi_random random = lofi_random_at(7, LOFI_RANDOM_TEST, (uint64_t)tensor->index);
    if (is_mask(tensor->name)) return index % row < row - row / 4 ? 1 : 0;
    if (strcmp(tensor->name, "timestep") == 0) return 437.5f;
    if (tensor->shape.dtype != LOFI_I64) return lofi_random_normal(&random, (uint64_t)index);
    return floorf(lofi_random_uniform(&random, (uint64_t)index) * (float)(v->facts.vocabulary - 1));
}

static bool as_integers(const verification *v, const lofi_tensor *tensor) {
    for (int i = 0; v->part->integer_inputs[i]; i++)
        if (strcmp(v->part->integer_inputs[i], tensor->name) == 0) return true;
    return tensor->shape.dtype == LOFI_I64;
}

static void put(void *data, lofi_dtype dtype, int64_t index, float value) {
    if (dtype == LOFI_I64)
        ((int64_t *)data)[index] = (int64_t)value;
    else
        ((float *)data)[index] = value;
}

static lofi_code feed(verification *v, const lofi_tensor *tensor, lofi_error *err) {
    lofi_onnx_array *to = &v->inputs[v->input_count];
    int64_t count = 0;
    void *native = NULL;
    lofi_error ignored;
    *to = (lofi_onnx_array){.name = tensor->name, .dtype = as_integers(v, tensor) ? LOFI_I64 : LOFI_F32};
    to->rank = tensor->shape.rank;
    count = 1;
    for (int i = 0; i < to->rank; i++) count *= to->dims[i] = lofi_session_dim(v->native, tensor, i);
    LOFI_TRY(lofi_alloc(&to->data, (size_t)count, lofi_dtype_bytes(to->dtype), tensor->name, err));
    v->input_count++;
    /* an input that nothing reads has no memory */
    if (lofi_session_data(v->native, tensor, &native, NULL, &ignored) != LOFI_OK) native = NULL;
    for (int64_t i = 0; i < count; i++) {
        float value = value_of(v, tensor, i, to->dims[to->rank - 1]);
        put(to->data, to->dtype, i, value);
        if (native) put(native, tensor->shape.dtype, i, value);
    }
    return LOFI_OK;
}

static lofi_code run_both(verification *v, int64_t length, lofi_error *err) {
    for (size_t i = 0; i < lofi_graph_symbol_count(v->graph); i++) {
        const char *name = lofi_graph_symbol_name(v->graph, i);
        lofi_session_set(v->native, name, strcmp(name, "batch") == 0 ? 1 : length);
    }
    LOFI_TRY(lofi_session_prepare(v->native, err));
    for (size_t i = 0; i < lofi_graph_tensor_count(v->graph); i++) {
        const lofi_tensor *tensor = lofi_graph_tensor(v->graph, i);
        if (tensor->flags & LOFI_TENSOR_INPUT) LOFI_TRY(feed(v, tensor, err));
    }
    while (v->part->outputs[v->output_count]) {
        v->output[v->output_count].name = v->part->outputs[v->output_count];
        v->output_count++;
    }
    LOFI_TRY(lofi_session_run(v->native, err));
    return lofi_onnx_session_run(v->onnx, v->inputs, v->input_count, v->output, v->output_count, err);
}

static lofi_code judge(lofi_bundle_check *check, const verification *v, const lofi_onnx_array *got, lofi_error *err) {
    const lofi_tensor *tensor = lofi_graph_find(v->graph, got->name);
    int64_t count = 0, there = 1;
    void *data;
    LOFI_TRY(lofi_session_data(v->native, tensor, &data, &count, err));
    for (int i = 0; i < got->rank; i++) there *= got->dims[i];
    if (there != count || got->dtype != LOFI_F32)
        return lofi_fail(err, LOFI_ERR_LIMIT, "'%s' of %s has %lld elements, expected %lld", got->name, v->part->file,
                         (long long)there, (long long)count);
    check->file = v->part->file;
    check->output = got->name;
    lofi_difference difference = lofi_difference_of(got->data, data, (size_t)count);
    check->relative_error = lofi_difference_relative(&difference);
    check->largest = lofi_difference_largest(&difference);
    check->passed = check->relative_error <= check->limit;
    return LOFI_OK;
}

static lofi_code verify_length(lofi_bundle_check *checks, size_t *count, verification *v, int64_t length, double limit,
                               lofi_error *err) {
    free_arrays(v);
    LOFI_TRY(run_both(v, length, err));
    for (size_t i = 0; i < v->output_count; i++) {
        if (*count == LOFI_BUNDLE_MAX_CHECKS) return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "too many outputs");
        lofi_bundle_check *check = &checks[*count];
        *check = (lofi_bundle_check){.length = length, .limit = limit};
        LOFI_TRY(judge(check, v, &v->output[i], err));
        ++*count;
    }
    return LOFI_OK;
}

lofi_code lofi_bundle_verify(lofi_bundle_check checks[LOFI_BUNDLE_MAX_CHECKS], size_t *count,
                             lofi_onnx_runtime *runtime, const lofi_bundle_settings *settings, int threads,
                             lofi_error *err) {
    lofi_checkpoint_folder folder;
    char path[LOFI_PATH_MAX];
    lofi_bundle_facts facts;
    double limit = lofi_bundle_limit(settings->onnx.precision);
    *count = 0;
    LOFI_TRY(lofi_checkpoint_folder_resolve(&folder, settings->model, err));
    LOFI_TRY(lofi_bundle_facts_read(&facts, &folder, err));
    for (int p = 0; p < LOFI_BUNDLE_PARTS; p++) {
        verification v = {.part = &lofi_bundle_parts[p], .facts = facts};
        LOFI_TRY(lofi_path_format(path, err, "%s/%s", settings->output, v.part->file));
        lofi_code code = open_both(&v, folder.component[v.part->component], path, runtime, threads, err);
        for (int l = 0; l < LOFI_BUNDLE_LENGTHS && code == LOFI_OK; l++)
            code = verify_length(checks, count, &v, lengths[l], limit, err);
        close_all(&v);
        if (code != LOFI_OK) return code;
    }
    return LOFI_OK;
}
