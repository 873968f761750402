/* selftest_case.c - reading what was recorded, comparing, keeping what was computed. */
#include "eval/selftest_case.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/difference.h"

static lofi_code no_memory(lofi_error *err) {
    return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the self-test");
}

lofi_code lofi_selftest_path(char path[LOFI_PATH_MAX], const lofi_selftest *test, const char *name, lofi_error *err) {
    return lofi_path_format(path, err, "%s/%s", test->options->reference, name);
}

/* ---- recorded tensors ---- */

lofi_code lofi_recorded_get(const lofi_stored_tensor **out, const lofi_safetensors *file, const char *name, int rank,
                            lofi_error *err) {
    const lofi_stored_tensor *tensor;
    LOFI_TRY(lofi_safetensors_get(&tensor, file, name, err));
    if (tensor->rank != rank || tensor->count == 0) {
        char shape[128];
        lofi_stored_shape_text(shape, tensor);
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s': '%s' is %s, expected %d dimensions, none of them 0",
                         lofi_safetensors_path(file), name, shape, rank);
    }
    *out = tensor;
    return LOFI_OK;
}

static void mark_used(lofi_selftest *test, const lofi_stored_tensor *tensor) {
    for (size_t i = 0; i < lofi_safetensors_count(test->recorded); i++)
        if (lofi_safetensors_at(test->recorded, i) == tensor) test->used[i] = true;
}

lofi_code lofi_selftest_input(const lofi_stored_tensor **out, lofi_selftest *test, const char *name, int rank,
                              lofi_error *err) {
    LOFI_TRY(lofi_recorded_get(out, test->recorded, name, rank, err));
    mark_used(test, *out);
    return LOFI_OK;
}

lofi_code lofi_recorded_f32(const float **out, lofi_selftest *test, const lofi_stored_tensor *tensor, size_t first,
                            size_t count, lofi_error *err) {
    if (first > tensor->count || count > tensor->count - first)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' has %zu values, fewer than the other inputs need", tensor->name,
                         tensor->count);
    float *values = lofi_arena_alloc(test->arena, (count + 1) * sizeof *values);
    if (!values) return no_memory(err);
    lofi_stored_read_f32(tensor, first, values, count);
    *out = values;
    return LOFI_OK;
}

static bool is_integer(lofi_stored_type type) {
    return type != LOFI_STORED_F64 && type != LOFI_STORED_F32 && type != LOFI_STORED_F16 && type != LOFI_STORED_BF16;
}

lofi_code lofi_recorded_ids(const int64_t **out, lofi_selftest *test, const lofi_stored_tensor *tensor,
                            lofi_error *err) {
    if (!is_integer(tensor->type))
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' has type %s, expected whole numbers", tensor->name,
                         lofi_stored_type_name(tensor->type));
    int64_t *values = lofi_arena_alloc(test->arena, (tensor->count + 1) * sizeof *values);
    if (!values) return no_memory(err);
    lofi_stored_read_i64(tensor, 0, values, tensor->count);
    *out = values;
    return LOFI_OK;
}

/* ---- results ---- */

static lofi_code add_result(lofi_selftest *test, const char *tensor, double relative, double largest, double limit,
                            lofi_error *err) {
    lofi_selftest_report *report = test->report;
    LOFI_TRY(lofi_grow((void **)&report->results, &report->result_capacity, report->result_count + 1,
                       sizeof *report->results, (size_t)1 << 24, err));
    const char *name = lofi_arena_strdup(report->arena, tensor);
    if (!name) return no_memory(err);
    bool passed = relative <= limit && isfinite(largest); /* false for NaN */
    report->results[report->result_count++] = (lofi_selftest_result){.case_name = test->now->name,
                                                                     .tensor = name,
                                                                     .relative_error = relative,
                                                                     .max_abs_error = largest,
                                                                     .limit = limit,
                                                                     .passed = passed};
    report->passed += passed;
    report->failed += !passed;
    return LOFI_OK;
}

lofi_code lofi_selftest_skip(lofi_selftest *test, lofi_error *err, const char *format, ...) {
    lofi_selftest_report *report = test->report;
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    LOFI_TRY(lofi_grow((void **)&report->skipped, &report->skipped_capacity, report->skipped_count + 1,
                       sizeof *report->skipped, (size_t)1 << 20, err));
    const char *reason = lofi_arena_strdup(report->arena, text);
    if (!reason) return no_memory(err);
    report->skipped[report->skipped_count++] = (lofi_selftest_note){test->now->name, reason};
    return LOFI_OK;
}

size_t lofi_selftest_use_prefix(lofi_selftest *test, const char *prefix) {
    size_t found = 0;
    for (size_t i = 0; i < lofi_safetensors_count(test->recorded); i++) {
        if (strncmp(lofi_safetensors_at(test->recorded, i)->name, prefix, strlen(prefix)) != 0) continue;
        test->used[i] = true;
        found++;
    }
    return found;
}

/* ---- comparing ---- */

/* What was computed: f32 or i64. */
typedef struct computed {
    lofi_stored_type type;
    const void *values;
    int rank; /* -1: in the recorded shape */
    int64_t dims[LOFI_STORED_MAX_RANK];
    int64_t count;
} computed;

static double value_at(const computed *ours, size_t index) {
    return ours->type == LOFI_STORED_F32 ? (double)((const float *)ours->values)[index]
                                         : (double)((const int64_t *)ours->values)[index];
}

static bool same_shape(const computed *ours, const lofi_stored_tensor *theirs) {
    if ((size_t)ours->count != theirs->count) return false;
    return ours->rank < 0 || lofi_stored_has_shape(theirs, ours->rank, ours->dims);
}

static void measure(const computed *ours, const lofi_stored_tensor *theirs, double *relative, double *largest) {
    lofi_difference difference = {0};
    double chunk[512];
    for (size_t first = 0; first < theirs->count; first += 512) {
        size_t count = theirs->count - first < 512 ? theirs->count - first : 512;
        lofi_stored_read_f64(theirs, first, chunk, count);
        for (size_t i = 0; i < count; i++) lofi_difference_add(&difference, value_at(ours, first + i), chunk[i]);
    }
    *relative = lofi_difference_relative(&difference);
    *largest = lofi_difference_largest(&difference);
}

/* Keeps what was computed for --save-outputs, under the recorded name. */
static lofi_code keep(lofi_selftest *test, const lofi_stored_tensor *theirs, const computed *ours, lofi_error *err) {
    if (!test->options->save_outputs) return LOFI_OK;
    LOFI_TRY(lofi_grow((void **)&test->outputs, &test->output_capacity, test->output_count + 1, sizeof *test->outputs,
                       (size_t)1 << 20, err));
    lofi_stored_tensor output;
    if (ours->rank >= 0)
        output = lofi_stored_declare(theirs->name, ours->type, ours->rank, ours->dims);
    else if ((size_t)ours->count == theirs->count)
        output = lofi_stored_declare(theirs->name, ours->type, theirs->rank, theirs->dims);
    else
        output = lofi_stored_declare(theirs->name, ours->type, 1, &ours->count);
    void *copy = lofi_arena_alloc(test->arena, output.bytes + 1);
    if (!copy) return no_memory(err);
    if (output.bytes > 0) memcpy(copy, ours->values, output.bytes);
    output.data = copy;
    output.aligned = true;
    test->outputs[test->output_count++] = output;
    return LOFI_OK;
}

static lofi_code compare(lofi_selftest *test, const char *label, const char *name, const computed *ours, double limit,
                         lofi_error *err) {
    const lofi_stored_tensor *theirs;
    double relative = NAN, largest = NAN;
    LOFI_TRY(lofi_safetensors_get(&theirs, test->recorded, name, err));
    mark_used(test, theirs);
    if (same_shape(ours, theirs)) {
        measure(ours, theirs, &relative, &largest);
    } else {
        char text[128];
        lofi_stored_shape_text(text, theirs);
        lofi_warn(test->log, "%s: '%s' is recorded as %s, and came out with %lld values of another shape",
                  test->now->name, name, text, (long long)ours->count);
    }
    if (!label) LOFI_TRY(keep(test, theirs, ours, err));
    return add_result(test, label ? label : name, relative, largest, limit, err);
}

lofi_code lofi_selftest_compare(lofi_selftest *test, const char *name, const float *ours, int rank, const int64_t *dims,
                                double limit, lofi_error *err) {
    computed values = {.type = LOFI_STORED_F32, .values = ours, .rank = rank, .count = 1};
    for (int i = 0; i < rank; i++) {
        values.dims[i] = dims[i];
        values.count *= dims[i];
    }
    return compare(test, NULL, name, &values, limit, err);
}

lofi_code lofi_selftest_compare_flat(lofi_selftest *test, const char *name, const float *ours, int64_t count,
                                     double limit, lofi_error *err) {
    computed values = {.type = LOFI_STORED_F32, .values = ours, .rank = -1, .count = count};
    return compare(test, NULL, name, &values, limit, err);
}

lofi_code lofi_selftest_compare_integers(lofi_selftest *test, const char *name, const int64_t *ours, int64_t count,
                                         double limit, lofi_error *err) {
    computed values = {.type = LOFI_STORED_I64, .values = ours, .rank = -1, .count = count};
    return compare(test, NULL, name, &values, limit, err);
}

lofi_code lofi_selftest_compare_again(lofi_selftest *test, const char *label, const char *name, const float *ours,
                                      int64_t count, double limit, lofi_error *err) {
    computed values = {.type = LOFI_STORED_F32, .values = ours, .rank = -1, .count = count};
    return compare(test, label, name, &values, limit, err);
}

lofi_code lofi_selftest_absent(lofi_selftest *test, const char *name, double limit, lofi_error *err) {
    const lofi_stored_tensor *theirs;
    LOFI_TRY(lofi_safetensors_get(&theirs, test->recorded, name, err));
    mark_used(test, theirs);
    lofi_warn(test->log, "%s: nothing that is called '%s' came out", test->now->name, name);
    return add_result(test, name, NAN, NAN, limit, err);
}

/* ---- token ids ---- */

lofi_code lofi_selftest_tokens(lofi_selftest *test, const char *name, size_t differing, size_t total, lofi_error *err) {
    double share = total > 0 ? (double)differing / (double)total : (differing > 0 ? 1 : 0);
    return add_result(test, name, share, (double)differing, 0, err);
}

size_t lofi_selftest_differing(const json_t *recorded, const int64_t *ours, size_t count) {
    size_t wanted = json_array_size(recorded), common = wanted < count ? wanted : count, differing = 0;
    for (size_t i = 0; i < common; i++) {
        const json_t *id = json_array_get(recorded, i);
        differing += !json_is_integer(id) || json_integer_value(id) != ours[i];
    }
    return differing + (wanted > count ? wanted - count : count - wanted);
}

lofi_code lofi_selftest_entries(const json_t **out, const lofi_selftest *test, const char *key, size_t width,
                                lofi_error *err) {
    const json_t *entries = json_object_get(test->document, key);
    if (!json_is_array(entries) || json_array_size(entries) == 0)
        return lofi_fail(err, LOFI_ERR_FORMAT, "case '%s' has no list '%s'", test->now->name, key);
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i), *ids = json_array_get(entry, width - 1);
        bool sound = json_array_size(entry) >= width && (json_is_array(ids) || json_is_null(ids));
        for (size_t k = 0; sound && k + 1 < width; k++) sound = json_is_string(json_array_get(entry, k));
        if (!sound)
            return lofi_fail(err, LOFI_ERR_FORMAT, "case '%s': entry %zu of '%s' is damaged", test->now->name, i, key);
    }
    *out = entries;
    return LOFI_OK;
}

json_t *lofi_selftest_ids_json(const int64_t *ids, size_t count) {
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(array, json_integer((json_int_t)ids[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}
