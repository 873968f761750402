/* metrics.c - the metrics file of a run, and what it says so far. */
#include "train/metrics.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "train/metrics_internal.h"

#define MAX_STEPS ((size_t)1 << 27)

static lofi_code keep_step(lofi_metrics *metrics, const lofi_step_metrics *values, lofi_error *err) {
    LOFI_TRY(lofi_grow((void **)&metrics->steps, &metrics->step_capacity, metrics->step_count + 1,
                       sizeof *metrics->steps, MAX_STEPS, err));
    metrics->steps[metrics->step_count++] = *values;
    return LOFI_OK;
}

static lofi_code keep_validation(lofi_metrics *metrics, const lofi_validation_metrics *values, lofi_error *err) {
    LOFI_TRY(lofi_grow((void **)&metrics->validations, &metrics->validation_capacity, metrics->validation_count + 1,
                       sizeof *metrics->validations, MAX_STEPS, err));
    metrics->validations[metrics->validation_count++] = *values;
    return LOFI_OK;
}

/* ---- reading back ---- */

static int64_t integer(const json_t *object, const char *key) {
    return json_integer_value(json_object_get(object, key));
}

static double number(const json_t *object, const char *key) {
    return json_number_value(json_object_get(object, key));
}

/* Keeps one line of an earlier part of the run; those of later steps, and what is no metrics line, are dropped. */
static lofi_code read_line(lofi_metrics *metrics, lofi_buffer *kept, const char *line, size_t size, int64_t at_most,
                           lofi_error *err) {
    json_t *object;
    lofi_error ignored = LOFI_ERROR_INIT;
    if (lofi_json_parse(&object, line, size, "metrics.jsonl", &ignored) != LOFI_OK) return LOFI_OK;
    lofi_code code = LOFI_OK;
    const json_t *step = json_object_get(object, "step");
    if (json_is_integer(step) && json_integer_value(step) <= at_most) {
        if (json_object_get(object, "validation_loss")) {
            lofi_validation_metrics values = {json_integer_value(step), number(object, "validation_loss"),
                                              number(object, "validation_spread")};
            code = keep_validation(metrics, &values, err);
        } else {
            lofi_step_metrics values = {.step = json_integer_value(step),
                                        .epoch = integer(object, "epoch"),
                                        .loss = number(object, "loss"),
                                        .denoising_loss = number(object, "denoising_loss"),
                                        .learning_rate = number(object, "learning_rate"),
                                        .gradient_norm = number(object, "gradient_norm"),
                                        .seconds = number(object, "seconds")};
            code = keep_step(metrics, &values, err);
        }
        lofi_buffer_append(kept, line, size);
        lofi_buffer_text(kept, "\n");
    }
    json_decref(object);
    return code;
}

static lofi_code read_back(lofi_metrics *metrics, const char *path, int64_t at_most, lofi_error *err) {
    lofi_buffer text = LOFI_BUFFER_INIT, kept = LOFI_BUFFER_INIT;
    lofi_code code = lofi_file_read(&text, path, text.max_bytes, err);
    const char *line = lofi_buffer_str(&text), *end = line + text.size;
    while (code == LOFI_OK && line < end) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        size_t size = (size_t)((newline ? newline : end) - line);
        if (newline && size) code = read_line(metrics, &kept, line, size, at_most, err);
        line += size + 1;
    }
    if (code == LOFI_OK) code = lofi_buffer_check(&kept, err);
    if (code == LOFI_OK && kept.size != text.size) code = lofi_file_write(path, lofi_buffer_str(&kept), kept.size, err);
    lofi_buffer_free(&text);
    lofi_buffer_free(&kept);
    return code;
}

static lofi_code open_log(lofi_metrics *metrics, const char *run, int64_t step, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_format(metrics->run, err, "%s", run));
    LOFI_TRY(lofi_path_format(path, err, "%s/metrics.jsonl", run));
    if (lofi_path_exists(path)) LOFI_TRY(read_back(metrics, path, step, err));
    return lofi_line_log_open(&metrics->log, path, err);
}

lofi_code lofi_metrics_open(lofi_metrics **out, const char *run, int64_t step, lofi_error *err) {
    lofi_metrics *metrics = calloc(1, sizeof *metrics);
    if (!metrics) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for metrics");
    lofi_code code = open_log(metrics, run, step, err);
    if (code == LOFI_OK)
        *out = metrics;
    else
        lofi_metrics_close(metrics);
    return code;
}

void lofi_metrics_close(lofi_metrics *metrics) {
    if (!metrics) return;
    if (metrics->log) lofi_line_log_close(metrics->log);
    free(metrics->steps);
    free(metrics->validations);
    free(metrics);
}

/* ---- adding ---- */

/* Takes the object; NULL when it could not be made, which JSON refuses for numbers that are not finite. */
static lofi_code append(lofi_metrics *metrics, json_t *object, bool finite, lofi_error *err) {
    if (!object && !finite) return lofi_fail(err, LOFI_ERR_NUMERIC, "a measurement of the run is not finite");
    if (!object) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for metrics");
    lofi_buffer line = LOFI_BUFFER_INIT;
    lofi_code code = lofi_json_print(&line, object, false, err);
    json_decref(object);
    while (line.size && line.data[line.size - 1] == '\n') line.data[--line.size] = '\0';
    if (code == LOFI_OK) code = lofi_line_log_append(metrics->log, lofi_buffer_str(&line), err);
    lofi_buffer_free(&line);
    return code;
}

static json_t *step_object(const lofi_step_metrics *values) {
    json_t *object = json_pack("{s:I, s:I, s:f, s:f, s:f, s:f, s:f}", "step", (json_int_t)values->step, "epoch",
                               (json_int_t)values->epoch, "loss", values->loss, "denoising_loss",
                               values->denoising_loss, "learning_rate", values->learning_rate, "gradient_norm",
                               values->gradient_norm, "seconds", values->seconds);
    for (int k = 0; object && k < values->alignments; k++) {
        char name[32];
        snprintf(name, sizeof name, "%s_loss", lofi_ssl_kinds[k].name);
        json_object_set_new(object, name, json_real(values->alignment_loss[k]));
    }
    return object;
}

lofi_code lofi_metrics_step(lofi_metrics *metrics, const lofi_step_metrics *values, lofi_error *err) {
    double sum = values->loss + values->denoising_loss + values->learning_rate + values->gradient_norm +
                 values->seconds;
    for (int k = 0; k < values->alignments; k++) sum += values->alignment_loss[k];
    LOFI_TRY(append(metrics, isfinite(sum) ? step_object(values) : NULL, isfinite(sum), err));
    return keep_step(metrics, values, err);
}

lofi_code lofi_metrics_validation(lofi_metrics *metrics, const lofi_validation_metrics *values, lofi_error *err) {
    LOFI_TRY(append(metrics,
                    json_pack("{s:I, s:f, s:f}", "step", (json_int_t)values->step, "validation_loss", values->loss,
                              "validation_spread", values->spread),
                    isfinite(values->loss + values->spread), err));
    return keep_validation(metrics, values, err);
}

bool lofi_metrics_has_validation(const lofi_metrics *metrics, int64_t step) {
    for (size_t i = 0; i < metrics->validation_count; i++)
        if (metrics->validations[i].step == step) return true;
    return false;
}

static double mean_loss(const lofi_metrics *metrics, size_t from, size_t to) {
    double sum = 0;
    for (size_t i = from; i < to; i++) sum += metrics->steps[i].loss;
    return to > from ? sum / (double)(to - from) : 0;
}

double lofi_metrics_recent_loss(const lofi_metrics *metrics, size_t count) {
    size_t steps = metrics->step_count;
    return mean_loss(metrics, count < steps ? steps - count : 0, steps);
}

double lofi_metrics_first_loss(const lofi_metrics *metrics, size_t count) {
    return mean_loss(metrics, 0, count < metrics->step_count ? count : metrics->step_count);
}

const lofi_validation_metrics *lofi_metrics_first_validation(const lofi_metrics *metrics) {
    return metrics->validation_count ? &metrics->validations[0] : NULL;
}

const lofi_validation_metrics *lofi_metrics_last_validation(const lofi_metrics *metrics) {
    return metrics->validation_count ? &metrics->validations[metrics->validation_count - 1] : NULL;
}
