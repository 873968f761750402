/* bundle.h - the folder that the player runs: five ONNX models, the weights of the largest, tokenizer.json.
 *
 * Each file appears whole or not at all. `export.json` beside them says what each was made of (SHA-256 of the network's config
 * and weights, precision, opset, program version) and its own SHA-256: a run that died is continued, and what is there already
 * and fits is not made again.
 */
#ifndef LOFI_EXPORT_BUNDLE_H
#define LOFI_EXPORT_BUNDLE_H

#include <jansson.h>

#include "base/log.h"
#include "onnx/onnx.h"
#include "onnx/runtime.h"

typedef struct lofi_bundle_settings {
    const char *model; /* folder of a base or merged model, or a hub cache */
    const char *output;
    lofi_onnx_settings onnx;
    lofi_log *log;
} lofi_bundle_settings;

/* What was written or kept. */
typedef struct lofi_bundle_file {
    const char *name; /* lives as long as the program */
    uint64_t bytes;
    bool kept; /* was there already */
} lofi_bundle_file;

#define LOFI_BUNDLE_MAX_FILES 8

typedef struct lofi_bundle_result {
    lofi_bundle_file files[LOFI_BUNDLE_MAX_FILES];
    size_t file_count;
} lofi_bundle_result;

/* The model cannot be opened: *model_failed is set. LOFI_ERR_INTERRUPTED between two files. */
lofi_code lofi_bundle_write(lofi_bundle_result *result, bool *model_failed, const lofi_bundle_settings *settings,
                            lofi_error *err) LOFI_MUST_USE;

/* ---- proof ---- */

typedef struct lofi_bundle_check {
    const char *file, *output;
    int64_t length;                        /* of every dynamic axis but the batch */
    double relative_error, largest, limit; /* l2 in double precision; largest deviation of one element */
    bool passed;
} lofi_bundle_check;

#define LOFI_BUNDLE_LENGTHS    2
#define LOFI_BUNDLE_MAX_CHECKS 16

double lofi_bundle_limit(lofi_onnx_precision precision); /* 1e-4 in fp32, 5e-3 in fp16 */

/* Runs every model of the bundle in ONNX Runtime, and the same network in this program with the weights of settings->model, on
 * the same fixed random inputs at two lengths. What differs is no failure of the function. */
lofi_code lofi_bundle_verify(lofi_bundle_check checks[LOFI_BUNDLE_MAX_CHECKS], size_t *count,
                             lofi_onnx_runtime *runtime, const lofi_bundle_settings *settings, int threads,
                             lofi_error *err) LOFI_MUST_USE;

#endif
