/* loaded.c - config and mapped weights of one component, checked against the declared table. */
#include "models/loaded.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"

#define MAX_FAULTS        (1u << 20)
#define FAULTS_IN_MESSAGE 6

/* ---- a table against files ---- */

static const char *canonical(const lofi_model *model, const char *name) {
    return model->canonical_name ? model->canonical_name(name) : name;
}

const lofi_stored_tensor *lofi_weights_find_declared(const lofi_model *model, const lofi_weights *weights,
                                                     const char *name) {
    const lofi_stored_tensor *tensor = lofi_weights_find(weights, name);
    if (tensor || !model->canonical_name) return tensor;
    const char *wanted = canonical(model, name);
    for (size_t i = 0; i < lofi_weights_count(weights); i++) {
        tensor = lofi_weights_at(weights, i);
        if (strcmp(canonical(model, tensor->name), wanted) == 0) return tensor;
    }
    return NULL;
}

/* The type in a graph; false when networks cannot use the stored one. */
static bool graph_dtype(lofi_stored_type type, lofi_dtype *dtype) {
    switch (type) {
    case LOFI_STORED_F32: *dtype = LOFI_F32; return true;
    case LOFI_STORED_BF16: *dtype = LOFI_BF16; return true;
    case LOFI_STORED_F16: *dtype = LOFI_F16; return true;
    default: return false;
    }
}

static lofi_code add_fault(lofi_fault_list *list, lofi_weight_fault fault, lofi_error *err) {
    LOFI_TRY(lofi_grow((void **)&list->items, &list->capacity, list->count + 1, sizeof *list->items, MAX_FAULTS, err));
    list->items[list->count++] = fault;
    if (!fault.harmless) list->harmful++;
    return LOFI_OK;
}

static lofi_code compare_entry(lofi_fault_list *list, const lofi_model *model, const lofi_weight_entry *entry,
                               const lofi_weights *weights, lofi_error *err) {
    lofi_weight_fault fault = {.name = entry->name, .expected = entry, .harmless = !entry->used};
    lofi_dtype dtype;
    fault.found = lofi_weights_find_declared(model, weights, entry->name);
    if (!fault.found)
        fault.kind = LOFI_FAULT_MISSING;
    else if (!lofi_stored_has_shape(fault.found, entry->rank, entry->dims))
        fault.kind = LOFI_FAULT_SHAPE;
    else if (!graph_dtype(fault.found->type, &dtype))
        fault.kind = LOFI_FAULT_TYPE;
    else
        return LOFI_OK;
    return add_fault(list, fault, err);
}

static bool declared(const lofi_model *model, const lofi_weight_table *table, const char *name) {
    return lofi_weight_table_find(table, name) || lofi_weight_table_find(table, canonical(model, name));
}

static lofi_code compare_all(lofi_fault_list *list, const lofi_model *model, const lofi_weight_table *table,
                             const lofi_weights *weights, lofi_error *err) {
    for (size_t i = 0; i < table->count; i++) LOFI_TRY(compare_entry(list, model, &table->entries[i], weights, err));
    for (size_t i = 0; i < lofi_weights_count(weights); i++) {
        const lofi_stored_tensor *tensor = lofi_weights_at(weights, i);
        if (declared(model, table, tensor->name)) continue;
        lofi_weight_fault fault = {.kind = LOFI_FAULT_EXTRA, .name = tensor->name, .found = tensor, .harmless = true};
        LOFI_TRY(add_fault(list, fault, err));
    }
    return LOFI_OK;
}

lofi_code lofi_weights_compare(lofi_fault_list *list, const lofi_model *model, const lofi_weight_table *table,
                               const lofi_weights *weights, lofi_error *err) {
    lofi_fault_list found = {0};
    lofi_code code = compare_all(&found, model, table, weights, err);
    if (code == LOFI_OK)
        *list = found;
    else
        lofi_fault_list_free(&found);
    return code;
}

void lofi_fault_list_free(lofi_fault_list *list) {
    free(list->items);
    *list = (lofi_fault_list){0};
}

static void expected_text(char text[128], const lofi_weight_entry *entry) {
    lofi_stored_tensor tensor = lofi_stored_declare(entry->name, LOFI_STORED_F32, entry->rank, entry->dims);
    lofi_stored_shape_text(text, &tensor);
}

void lofi_weight_fault_text(char text[512], const lofi_weight_fault *fault) {
    char expected[128] = "", found[128] = "";
    if (fault->expected) expected_text(expected, fault->expected);
    if (fault->found) lofi_stored_shape_text(found, fault->found);
    switch (fault->kind) {
    case LOFI_FAULT_MISSING: snprintf(text, 512, "missing tensor '%s' %s", fault->name, expected); break;
    case LOFI_FAULT_SHAPE: snprintf(text, 512, "'%s' is %s, expected %s", fault->name, found, expected); break;
    case LOFI_FAULT_TYPE:
        snprintf(text, 512, "'%s' is of type %s, expected F32, BF16 or F16", fault->name,
                 lofi_stored_type_name(fault->found->type));
        break;
    case LOFI_FAULT_EXTRA: snprintf(text, 512, "unknown tensor '%s' %s", fault->name, found); break;
    }
}

/* ---- a component ---- */

/* A weight that does not lie in the file as it is used: of another type, at an odd address, or weight-normed. */
typedef struct converted {
    const lofi_stored_tensor *tensor;
    const lofi_stored_tensor *lengths; /* of a weight-normed kernel, else NULL */
    int axis;                          /* of `lengths` */
    lofi_dtype dtype;
    void *data;
} converted;

struct lofi_loaded {
    const lofi_model *model;
    char folder[LOFI_PATH_MAX];
    json_t *config;
    lofi_weight_table table;
    lofi_weights *weights;
    lofi_weight_source source;
    converted *copies;
    size_t copy_count, copy_capacity, copy_bytes;
};

/* kernel: [outer, length, inner], scaled in place so that its norms over outer and inner are `lengths`. Norms in f64. */
static void fold_norm(float *kernel, const float *lengths, int64_t outer, int64_t length, int64_t inner) {
    for (int64_t i = 0; i < length; i++) {
        double sum = 0;
        for (int64_t o = 0; o < outer; o++)
            for (int64_t k = 0; k < inner; k++) {
                double value = kernel[(o * length + i) * inner + k];
                sum += value * value;
            }
        float factor = (float)(lengths[i] / sqrt(sum));
        for (int64_t o = 0; o < outer; o++)
            for (int64_t k = 0; k < inner; k++) kernel[(o * length + i) * inner + k] *= factor;
    }
}

static lofi_code fold(const converted *copy, lofi_error *err) {
    const int64_t *dims = copy->tensor->dims;
    int64_t outer = 1, inner = 1;
    void *lengths = NULL;
    for (int i = 0; i < copy->tensor->rank; i++) {
        if (i < copy->axis) outer *= dims[i];
        if (i > copy->axis) inner *= dims[i];
    }
    LOFI_TRY(lofi_alloc(&lengths, copy->lengths->count, sizeof(float), copy->lengths->name, err));
    lofi_stored_read_f32(copy->lengths, 0, lengths, copy->lengths->count);
    fold_norm(copy->data, lengths, outer, dims[copy->axis], inner);
    lofi_free(lengths);
    return LOFI_OK;
}

static lofi_code make_copy(converted *copy, lofi_error *err) {
    const lofi_stored_tensor *tensor = copy->tensor;
    LOFI_TRY(lofi_alloc(&copy->data, tensor->count, lofi_dtype_bytes(copy->dtype), tensor->name, err));
    if (copy->dtype == LOFI_F32)
        lofi_stored_read_f32(tensor, 0, copy->data, tensor->count);
    else
        memcpy(copy->data, tensor->data, tensor->bytes);
    lofi_code code = copy->lengths ? fold(copy, err) : LOFI_OK;
    if (code != LOFI_OK) lofi_free(copy->data);
    return code;
}

/* The data of `wanted`, whose memory is not set yet: a copy that was made before, or a new one. */
static lofi_code converted_data(lofi_loaded *loaded, converted wanted, const void **data, lofi_error *err) {
    for (size_t i = 0; i < loaded->copy_count; i++) {
        const converted *copy = &loaded->copies[i];
        if (copy->tensor == wanted.tensor && copy->dtype == wanted.dtype && copy->lengths == wanted.lengths &&
            copy->axis == wanted.axis) {
            *data = copy->data;
            return LOFI_OK;
        }
    }
    LOFI_TRY(lofi_grow((void **)&loaded->copies, &loaded->copy_capacity, loaded->copy_count + 1, sizeof *loaded->copies,
                       MAX_FAULTS, err));
    LOFI_TRY(make_copy(&wanted, err));
    loaded->copies[loaded->copy_count++] = wanted;
    loaded->copy_bytes += wanted.tensor->count * lofi_dtype_bytes(wanted.dtype);
    *data = wanted.data;
    return LOFI_OK;
}

/* The tensor of that name and shape, and its type in graphs. */
static lofi_code stored_weight(const lofi_stored_tensor **out, lofi_dtype *dtype, const lofi_loaded *loaded,
                               const char *name, int rank, const int64_t *dims, lofi_error *err) {
    const lofi_stored_tensor *tensor = lofi_weights_find_declared(loaded->model, loaded->weights, name);
    if (!tensor) return lofi_fail(err, LOFI_ERR_NOT_FOUND, "'%s' holds no tensor '%s'", loaded->folder, name);
    if (!lofi_stored_has_shape(tensor, rank, dims) || !graph_dtype(tensor->type, dtype))
        return lofi_fail(err, LOFI_ERR_FORMAT, "tensor '%s' of '%s' has another shape or type", name, loaded->folder);
    *out = tensor;
    return LOFI_OK;
}

static lofi_code find_weight(void *user, const char *name, int rank, const int64_t *dims, bool as_f32,
                             const void **data, lofi_dtype *dtype, lofi_error *err) {
    lofi_loaded *loaded = user;
    const lofi_stored_tensor *tensor;
    lofi_dtype stored;
    LOFI_TRY(stored_weight(&tensor, &stored, loaded, name, rank, dims, err));
    lofi_dtype wanted = as_f32 ? LOFI_F32 : stored;
    if (stored != wanted || !tensor->aligned)
        LOFI_TRY(converted_data(loaded, (converted){.tensor = tensor, .dtype = wanted}, data, err));
    else
        *data = tensor->data;
    *dtype = wanted;
    return LOFI_OK;
}

static lofi_code find_normed(void *user, const char *name, int rank, const int64_t *dims, int axis, const void **data,
                             lofi_error *err) {
    lofi_loaded *loaded = user;
    char part[LOFI_WEIGHT_NAME_MAX + 2];
    int64_t length[LOFI_MAX_RANK] = {1, 1, 1, 1, 1, 1};
    converted kernel = {.axis = axis, .dtype = LOFI_F32};
    lofi_dtype stored;
    length[axis] = dims[axis];
    snprintf(part, sizeof part, "%s_g", name);
    LOFI_TRY(stored_weight(&kernel.lengths, &stored, loaded, part, rank, length, err));
    snprintf(part, sizeof part, "%s_v", name);
    LOFI_TRY(stored_weight(&kernel.tensor, &stored, loaded, part, rank, dims, err));
    return converted_data(loaded, kernel, data, err);
}

static lofi_code refuse(const lofi_loaded *loaded, const lofi_fault_list *list, lofi_error *err) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    size_t told = 0, missing = 0;
    for (size_t i = 0; i < list->count; i++) {
        char fault[512];
        if (list->items[i].harmless) continue;
        missing += list->items[i].kind == LOFI_FAULT_MISSING;
        if (told == FAULTS_IN_MESSAGE) continue;
        lofi_weight_fault_text(fault, &list->items[i]);
        if (text.size + strlen(fault) > 700 && told) continue;
        lofi_buffer_printf(&text, "%s%s", told++ ? "; " : "", fault);
    }
    if (told < list->harmful) lofi_buffer_printf(&text, "; and %zu more", list->harmful - told);
    lofi_code code = missing == list->harmful ? LOFI_ERR_NOT_FOUND : LOFI_ERR_FORMAT;
    lofi_fail(err, code, "model folder '%s': %zu fault%s: %s", loaded->folder, list->harmful,
              list->harmful == 1 ? "" : "s", lofi_buffer_str(&text));
    lofi_buffer_free(&text);
    lofi_hint(err, "run 'lofi model check %s'", loaded->folder);
    return code;
}

static lofi_code check_weights(const lofi_loaded *loaded, lofi_error *err) {
    lofi_fault_list list = {0};
    LOFI_TRY(lofi_weights_compare(&list, loaded->model, &loaded->table, loaded->weights, err));
    lofi_code code = list.harmful ? refuse(loaded, &list, err) : LOFI_OK;
    lofi_fault_list_free(&list);
    return code;
}

typedef lofi_code described(json_t **config, const lofi_weights *weights, lofi_error *err);

/* The config from its file, or from the tensors; then the table that it asks for. */
static lofi_code read_config(lofi_loaded *loaded, described *describe, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_format(path, err, describe ? "%s" : "%s/config.json", loaded->folder));
    LOFI_TRY(describe ? describe(&loaded->config, loaded->weights, err) : lofi_json_load(&loaded->config, path, err));
    lofi_code code = loaded->model->declare(loaded->config, &loaded->table, err);
    if (code != LOFI_OK) lofi_error_prefix(err, "'%s'", path);
    return code;
}

static lofi_code open_all(lofi_loaded *loaded, const char *folder, described *describe, lofi_error *err) {
    LOFI_TRY(lofi_path_format(loaded->folder, err, "%s", folder));
    if (describe) LOFI_TRY(lofi_weights_open(&loaded->weights, folder, err));
    LOFI_TRY(read_config(loaded, describe, err));
    if (!describe) LOFI_TRY(lofi_weights_open(&loaded->weights, folder, err));
    return check_weights(loaded, err);
}

lofi_code lofi_loaded_open_described(lofi_loaded **out, const lofi_model *model, const char *folder,
                                     described *describe, lofi_error *err) {
    void *memory = NULL;
    LOFI_TRY(lofi_alloc(&memory, 1, sizeof(lofi_loaded), "a model component", err));
    lofi_loaded *loaded = memory;
    loaded->model = model;
    loaded->source = (lofi_weight_source){loaded, find_weight, find_normed};
    lofi_code code = open_all(loaded, folder, describe, err);
    if (code == LOFI_OK)
        *out = loaded;
    else
        lofi_loaded_close(loaded);
    return code;
}

lofi_code lofi_loaded_open(lofi_loaded **out, const lofi_model *model, const char *folder, lofi_error *err) {
    return lofi_loaded_open_described(out, model, folder, NULL, err);
}

void lofi_loaded_close(lofi_loaded *loaded) {
    if (!loaded) return;
    for (size_t i = 0; i < loaded->copy_count; i++) lofi_free(loaded->copies[i].data);
    free(loaded->copies);
    lofi_weights_close(loaded->weights);
    lofi_weight_table_free(&loaded->table);
    json_decref(loaded->config);
    lofi_free(loaded);
}

const json_t *lofi_loaded_config(const lofi_loaded *loaded) {
    return loaded->config;
}

const char *lofi_loaded_folder(const lofi_loaded *loaded) {
    return loaded->folder;
}

const lofi_model *lofi_loaded_model(const lofi_loaded *loaded) {
    return loaded->model;
}

const lofi_weight_table *lofi_loaded_table(const lofi_loaded *loaded) {
    return &loaded->table;
}

const lofi_weights *lofi_loaded_weights(const lofi_loaded *loaded) {
    return loaded->weights;
}

const lofi_weight_source *lofi_loaded_source(lofi_loaded *loaded) {
    return &loaded->source;
}

size_t lofi_loaded_converted_bytes(const lofi_loaded *loaded) {
    return loaded->copy_bytes;
}
