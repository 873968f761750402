/* merge.c - one tensor at a time from mapped files to files written whole; see merge.h. */
#include "lora/merge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/threads.h"
#include "kernels/convert.h"
#include "kernels/gemm.h"
#include "models/ace_step_transformer.h"
#include "models/loaded.h"
#include "store/safetensors.h"

#define ROWS 128 /* of a matrix at a time */

typedef struct merge {
    const lofi_merge_settings *settings;
    lofi_checkpoint_folder folder;
    lofi_loaded *base;
    lofi_adapter **adapters;
    json_t *metadata; /* what is added to each file of weights */
    lofi_merge_result *result;
} merge;

/* ---- adapters ---- */

/* The factors of one layer of one adapter, in f32. */
typedef struct factors {
    float *a, *b; /* [rank, in], [out, rank]; lofi_free */
} factors;

static lofi_code read_factors(factors *f, const lofi_adapter *adapter, const lofi_lora_layer *layer, lofi_error *err) {
    LOFI_TRY(lofi_alloc((void **)&f->a, (size_t)(layer->rank * layer->in), sizeof *f->a, "an adapter's layer", err));
    LOFI_TRY(lofi_alloc((void **)&f->b, (size_t)(layer->out * layer->rank), sizeof *f->b, "an adapter's layer", err));
    lofi_adapter_read(adapter, layer, f->a, f->b);
    return LOFI_OK;
}

static void free_factors(factors *f) {
    lofi_free(f->a);
    lofi_free(f->b);
    *f = (factors){0};
}

static bool all_finite(const float *values, int64_t count) {
    for (int64_t k = 0; k < count; k++)
        if (!isfinite(values[k])) return false;
    return true;
}

static lofi_code check_finite(const lofi_adapter *adapter, const char *path, lofi_error *err) {
    lofi_code code = LOFI_OK;
    for (size_t i = 0; i < adapter->layer_count && code == LOFI_OK; i++) {
        const lofi_lora_layer *layer = &adapter->layers[i];
        factors f = {0};
        code = read_factors(&f, adapter, layer, err);
        if (code == LOFI_OK && !(all_finite(f.a, layer->rank * layer->in) && all_finite(f.b, layer->out * layer->rank)))
            code = lofi_fail(err, LOFI_ERR_NUMERIC, "adapter '%s' holds numbers that are not finite, in layer '%s'",
                             path, layer->name);
        free_factors(&f);
    }
    return code;
}

static lofi_code describe_adapter(json_t *list, const lofi_adapter *adapter, const lofi_adapter_choice *choice,
                                  lofi_error *err) {
    char hex[LOFI_SHA256_HEX];
    LOFI_TRY(lofi_sha256_file(hex, lofi_safetensors_path(adapter->file), err));
    const char *dataset = lofi_safetensors_metadata(adapter->file, "dataset_hash");
    const char *unlicensed = lofi_safetensors_metadata(adapter->file, "unlicensed_tracks");
    json_t *entry = json_pack("{s:s, s:s, s:f, s:s*, s:s*}", "name", lofi_path_base(choice->path), "sha256", hex,
                              "strength", (double)choice->strength, "dataset_hash", dataset, "unlicensed_tracks",
                              unlicensed);
    if (entry && json_array_append_new(list, entry) == 0) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the record of a merge");
}

static lofi_code load_adapters(merge *m, lofi_error *err) {
    const lofi_merge_settings *s = m->settings;
    LOFI_TRY(lofi_alloc((void **)&m->adapters, s->adapter_count, sizeof *m->adapters, "adapters", err));
    for (size_t i = 0; i < s->adapter_count; i++) {
        LOFI_TRY(lofi_adapter_open(&m->adapters[i], s->adapters[i].path, lofi_loaded_table(m->base), s->log, err));
        LOFI_TRY(check_finite(m->adapters[i], s->adapters[i].path, err));
    }
    return LOFI_OK;
}

static lofi_code describe(merge *m, lofi_error *err) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    json_t *list = json_array();
    lofi_code code = lofi_weights_hash(m->result->base_hash, lofi_loaded_weights(m->base), err);
    for (size_t i = 0; i < m->settings->adapter_count && code == LOFI_OK; i++)
        code = describe_adapter(list, m->adapters[i], &m->settings->adapters[i], err);
    if (code == LOFI_OK) code = lofi_json_print(&text, list, false, err);
    if (code == LOFI_OK) {
        m->metadata = json_pack("{s:s, s:s, s:s}", LOFI_MERGED_BASE, m->result->base_hash, LOFI_MERGED_ADAPTERS,
                                lofi_buffer_str(&text), LOFI_MERGED_PROGRAM, "lofi " LOFI_VERSION);
        if (!m->metadata) code = lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the record of a merge");
    }
    json_decref(list);
    lofi_buffer_free(&text);
    return code;
}

/* ---- one matrix ---- */

static lofi_dtype dtype_of(const lofi_stored_tensor *tensor) {
    return tensor->type == LOFI_STORED_BF16 ? LOFI_BF16 : tensor->type == LOFI_STORED_F16 ? LOFI_F16 : LOFI_F32;
}

static void store(void *out, const float *values, lofi_dtype type, size_t count) {
    if (type == LOFI_F32) memcpy(out, values, count * sizeof *values);
    if (type == LOFI_BF16) lofi_bf16_from_f32_array(out, values, count);
    if (type == LOFI_F16) lofi_f16_from_f32_array(out, values, count);
}

/* A matrix on its way. */
typedef struct matrix {
    const merge *merge;
    const lofi_stored_tensor *tensor;
    const char *layer;
    int64_t out, in;
    factors *factors; /* of each adapter; none where it lacks the layer */
    float *values;    /* [ROWS, in] */
    void *stored;     /* the same in the tensor's type */
} matrix;

/* values [rows, in] += strength * scale * B[first .., rank] A[rank, in] for every adapter that has the layer. */
static void add_adapters(const matrix *x, int64_t first, int64_t rows) {
    const lofi_merge_settings *s = x->merge->settings;
    int threads = s->threads > 0 ? s->threads : lofi_threads_available();
    for (size_t i = 0; i < s->adapter_count; i++) {
        if (!x->factors[i].a) continue;
        const lofi_lora_layer *l = lofi_adapter_find(x->merge->adapters[i], x->layer);
        lofi_gemm gemm = {.m = rows, .n = l->in, .k = l->rank, .alpha = l->scale * s->adapters[i].strength};
        gemm.a = x->factors[i].b + first * l->rank, gemm.a_stride = l->rank;
        gemm.b = x->factors[i].a, gemm.b_type = LOFI_F32, gemm.b_stride = l->in;
        gemm.c = x->values, gemm.c_stride = l->in;
        gemm.addend = gemm.c, gemm.addend_row = l->in, gemm.addend_column = 1;
        lofi_gemm_run(&gemm, threads);
    }
}

static lofi_code open_matrix(matrix *x, lofi_error *err) {
    const lofi_merge_settings *s = x->merge->settings;
    LOFI_TRY(lofi_alloc((void **)&x->factors, s->adapter_count, sizeof *x->factors, "adapters", err));
    LOFI_TRY(lofi_alloc((void **)&x->values, (size_t)(ROWS * x->in), sizeof *x->values, "rows of a matrix", err));
    LOFI_TRY(
        lofi_alloc(&x->stored, (size_t)(ROWS * x->in), lofi_dtype_bytes(dtype_of(x->tensor)), "rows of a matrix", err));
    for (size_t i = 0; i < s->adapter_count; i++) {
        const lofi_lora_layer *l = lofi_adapter_find(x->merge->adapters[i], x->layer);
        if (l && s->adapters[i].strength != 0) LOFI_TRY(read_factors(&x->factors[i], x->merge->adapters[i], l, err));
    }
    return LOFI_OK;
}

static void close_matrix(matrix *x) {
    for (size_t i = 0; x->factors && i < x->merge->settings->adapter_count; i++) free_factors(&x->factors[i]);
    lofi_free(x->factors);
    lofi_free(x->values);
    lofi_free(x->stored);
}

static lofi_code write_merged(lofi_safetensors_writer *writer, const merge *m, const lofi_stored_tensor *tensor,
                              const char *layer, lofi_error *err) {
    int64_t out = tensor->dims[0];
    matrix x = {m, tensor, layer, out, (int64_t)tensor->count / (out ? out : 1), NULL, NULL, NULL};
    lofi_dtype type = dtype_of(tensor);
    lofi_code code = open_matrix(&x, err);
    for (int64_t first = 0; first < out && code == LOFI_OK; first += ROWS) {
        int64_t rows = out - first < ROWS ? out - first : ROWS;
        size_t count = (size_t)(rows * x.in);
        lofi_stored_read_f32(tensor, (size_t)(first * x.in), x.values, count);
        add_adapters(&x, first, rows);
        store(x.stored, x.values, type, count);
        code = lofi_safetensors_writer_bytes(writer, x.stored, count * lofi_dtype_bytes(type), err);
    }
    close_matrix(&x);
    return code;
}

/* ---- one file of weights ---- */

static bool is_adapted(const merge *m, const char *name, char layer[LOFI_WEIGHT_NAME_MAX]) {
    size_t length = strlen(name), suffix = strlen(".weight");
    if (length <= suffix || length >= LOFI_WEIGHT_NAME_MAX || strcmp(name + length - suffix, ".weight") != 0)
        return false;
    snprintf(layer, LOFI_WEIGHT_NAME_MAX, "%.*s", (int)(length - suffix), name);
    for (size_t i = 0; i < m->settings->adapter_count; i++)
        if (m->settings->adapters[i].strength != 0 && lofi_adapter_find(m->adapters[i], layer)) return true;
    return false;
}

static lofi_code write_tensor(lofi_safetensors_writer *writer, merge *m, const lofi_stored_tensor *tensor,
                              lofi_error *err) {
    char layer[LOFI_WEIGHT_NAME_MAX];
    if (lofi_interrupt_asked()) return lofi_fail(err, LOFI_ERR_INTERRUPTED, "stopped; nothing was written");
    bool adapted = is_adapted(m, tensor->name, layer);
    lofi_code code = adapted ? write_merged(writer, m, tensor, layer, err)
                             : lofi_safetensors_writer_bytes(writer, tensor->data, tensor->bytes, err);
    lofi_memory_forget(tensor->data, tensor->bytes);
    m->result->merged += adapted;
    m->result->copied += !adapted;
    m->result->bytes += tensor->bytes;
    return code;
}

static lofi_code write_file(merge *m, const lofi_safetensors *from, const char *to, lofi_error *err) {
    size_t count = lofi_safetensors_count(from);
    lofi_safetensors_writer *writer = NULL;
    lofi_stored_tensor *tensors = NULL;
    json_t *metadata = lofi_safetensors_metadata_all(from) ? json_copy((json_t *)lofi_safetensors_metadata_all(from))
                                                           : json_object();
    lofi_code code = lofi_alloc((void **)&tensors, count, sizeof *tensors, "a list of tensors", err);
    if (code == LOFI_OK && (!metadata || json_object_update(metadata, m->metadata) != 0))
        code = lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the metadata of '%s'", to);
    for (size_t i = 0; i < count && code == LOFI_OK; i++) tensors[i] = *lofi_safetensors_at(from, i);
    if (code == LOFI_OK) code = lofi_safetensors_writer_open(&writer, to, tensors, count, metadata, err);
    for (size_t i = 0; i < count && code == LOFI_OK; i++)
        code = write_tensor(writer, m, lofi_safetensors_at(from, i), err);
    if (code == LOFI_OK)
        code = lofi_safetensors_writer_commit(writer, err);
    else
        lofi_safetensors_writer_abort(writer);
    lofi_free(tensors);
    json_decref(metadata);
    return code;
}

static lofi_code write_weights(merge *m, const char *folder, lofi_error *err) {
    const lofi_weights *weights = lofi_loaded_weights(m->base);
    for (size_t i = 0; i < lofi_weights_file_count(weights); i++) {
        char to[LOFI_PATH_MAX];
        lofi_safetensors *from = NULL;
        const char *path = lofi_weights_file_path(weights, i);
        if (strcmp(lofi_path_extension(path), ".safetensors") != 0) {
            lofi_fail(err, LOFI_ERR_UNSUPPORTED, "'%s' is no safetensors file, and only such are merged into", path);
            return lofi_hint(err, "save the base model as safetensors first");
        }
        LOFI_TRY(lofi_path_format(to, err, "%s/%s", folder, lofi_path_base(path)));
        LOFI_TRY(lofi_safetensors_open(&from, path, err));
        lofi_code code = write_file(m, from, to, err);
        lofi_safetensors_close(from);
        if (code != LOFI_OK) return code;
    }
    return LOFI_OK;
}

/* ---- the folder ---- */

static bool is_weight_file(const merge *m, const char *name) {
    const lofi_weights *weights = lofi_loaded_weights(m->base);
    for (size_t i = 0; i < lofi_weights_file_count(weights); i++)
        if (strcmp(lofi_path_base(lofi_weights_file_path(weights, i)), name) == 0) return true;
    return false;
}

/* The files directly in a folder; `but_weights`: those that are merged are left out. */
static lofi_code share_files(const merge *m, const char *source, const char *target, bool but_weights,
                             lofi_error *err) {
    char from[LOFI_PATH_MAX], to[LOFI_PATH_MAX];
    lofi_listing listing = {0};
    LOFI_TRY(lofi_folder_list(&listing, source, false, NULL, NULL, err));
    lofi_code code = LOFI_OK;
    for (size_t i = 0; i < listing.count && code == LOFI_OK; i++) {
        if (but_weights && is_weight_file(m, listing.names[i])) continue;
        code = lofi_path_format(from, err, "%s/%s", source, listing.names[i]);
        if (code == LOFI_OK) code = lofi_path_format(to, err, "%s/%s", target, listing.names[i]);
        if (code == LOFI_OK) code = lofi_file_share(from, to, err);
    }
    lofi_listing_free(&listing);
    return code;
}

static lofi_code share_component(merge *m, lofi_component component, const char *target, lofi_error *err) {
    char folder[LOFI_PATH_MAX];
    bool transformer = component == LOFI_COMPONENT_TRANSFORMER;
    LOFI_TRY(lofi_path_format(folder, err, "%s/%s", target, lofi_component_folder(component)));
    LOFI_TRY(lofi_folder_make(folder, err));
    LOFI_TRY(share_files(m, m->folder.component[component], folder, transformer, err));
    return transformer ? write_weights(m, folder, err) : LOFI_OK;
}

/* Only what an earlier merge made is replaced: its weights say so. */
static bool is_ours(const char *output) {
    char folder[LOFI_PATH_MAX];
    lofi_weights *weights = NULL;
    lofi_safetensors *file = NULL;
    lofi_error ignored;
    bool ours = false;
    if (lofi_path_format(folder, &ignored, "%s/%s", output, lofi_component_folder(LOFI_COMPONENT_TRANSFORMER)) ||
        lofi_weights_open(&weights, folder, &ignored))
        return false;
    if (lofi_weights_file_count(weights) > 0 &&
        lofi_safetensors_open(&file, lofi_weights_file_path(weights, 0), &ignored) == LOFI_OK)
        ours = lofi_safetensors_metadata(file, LOFI_MERGED_ADAPTERS) != NULL;
    lofi_safetensors_close(file);
    lofi_weights_close(weights);
    return ours;
}

static lofi_code check_output(const char *output, lofi_error *err) {
    lofi_listing files = {0}, folders = {0};
    if (!lofi_path_exists(output)) return LOFI_OK;
    bool empty = lofi_path_is_folder(output) && lofi_folder_list(&files, output, false, NULL, NULL, err) == LOFI_OK &&
                 lofi_folder_list_folders(&folders, output, err) == LOFI_OK && files.count + folders.count == 0;
    lofi_listing_free(&files);
    lofi_listing_free(&folders);
    if (empty || is_ours(output)) return LOFI_OK;
    lofi_fail(err, LOFI_ERR_USAGE, "'%s' is there already and no merged model", output);
    return lofi_hint(err, "name another folder, or remove that one");
}

static lofi_code write_folder(merge *m, lofi_error *err) {
    lofi_folder_writer *writer = NULL;
    LOFI_TRY(check_output(m->settings->output, err));
    LOFI_TRY(lofi_folder_writer_open(&writer, m->settings->output, err));
    /* beside the networks: the lyric vocabulary */
    lofi_code code = share_files(m, m->folder.root, lofi_folder_writer_path(writer), false, err);
    for (int c = 0; c < LOFI_COMPONENT_COUNT && code == LOFI_OK; c++)
        code = share_component(m, (lofi_component)c, lofi_folder_writer_path(writer), err);
    if (code == LOFI_OK) return lofi_folder_writer_commit(writer, err);
    lofi_folder_writer_abort(writer);
    return code;
}

/* ---- all of it ---- */

static void close_all(merge *m) {
    for (size_t i = 0; m->adapters && i < m->settings->adapter_count; i++) lofi_adapter_free(m->adapters[i]);
    lofi_free(m->adapters);
    lofi_loaded_close(m->base);
    json_decref(m->metadata);
}

static lofi_code open_base(merge *m, lofi_error *err) {
    LOFI_TRY(lofi_checkpoint_folder_resolve(&m->folder, m->settings->base, err));
    return lofi_loaded_open(&m->base, &lofi_model_ace_step_transformer, m->folder.component[LOFI_COMPONENT_TRANSFORMER],
                            err);
}

lofi_code lofi_merge_run(lofi_merge_result *result, lofi_merge_blame *blame, const lofi_merge_settings *settings,
                         lofi_error *err) {
    merge m = {.settings = settings, .result = result};
    memset(result, 0, sizeof *result);
    *blame = LOFI_MERGE_BASE;
    lofi_code code = open_base(&m, err);
    if (code == LOFI_OK) *blame = LOFI_MERGE_ADAPTER, code = load_adapters(&m, err);
    if (code == LOFI_OK) *blame = LOFI_MERGE_ITSELF, code = describe(&m, err);
    if (code == LOFI_OK) code = write_folder(&m, err);
    close_all(&m);
    return code;
}
