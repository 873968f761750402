/* runtime.h - ONNX Runtime, loaded when it is asked for: models are run by the program that players use.
 *
 * Nothing is linked. The shared library is the one that is named, or that LOFI_ONNXRUNTIME names, or the first that is found:
 * by the system's loader, then inside of Python packages (virtual environment, home, system). Only functions that every
 * ONNX Runtime since 1.2 has are called; its table of functions only grows.
 */
#ifndef LOFI_ONNX_RUNTIME_H
#define LOFI_ONNX_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "kernels/dtype.h"

#define LOFI_ONNX_RUNTIME_RANK 8

typedef struct lofi_onnx_runtime lofi_onnx_runtime;
/* library: a path, or NULL to look for one. *out is yours. LOFI_ERR_NOT_FOUND with a hint how to get it. */
lofi_code lofi_onnx_runtime_open(lofi_onnx_runtime **out, const char *library, lofi_error *err) LOFI_MUST_USE;
/* After its sessions. The library itself stays loaded: its threads do not bear being unloaded. NULL is fine. */
void lofi_onnx_runtime_close(lofi_onnx_runtime *runtime);
const char *lofi_onnx_runtime_version(const lofi_onnx_runtime *runtime); /* "1.20.1" */
const char *lofi_onnx_runtime_path(const lofi_onnx_runtime *runtime);

typedef struct lofi_onnx_session lofi_onnx_session;
/* A model file, on the CPU with so many threads (0: all). *out is yours. LOFI_ERR_FORMAT with what ONNX Runtime says. */
lofi_code lofi_onnx_session_open(lofi_onnx_session **out, lofi_onnx_runtime *runtime, const char *path, int threads,
                                 lofi_error *err) LOFI_MUST_USE;
void lofi_onnx_session_close(lofi_onnx_session *session); /* NULL is fine */
/* In the order of the file; borrowed, NULL beyond the last. */
const char *lofi_onnx_session_input(const lofi_onnx_session *session, size_t index);
const char *lofi_onnx_session_output(const lofi_onnx_session *session, size_t index);

/* Element type and dimensions of a value; -1 for a dynamic one. data is NULL. LOFI_ERR_UNSUPPORTED for other types than f32 and
 * i64. */
struct lofi_onnx_array;
lofi_code lofi_onnx_session_describe(struct lofi_onnx_array *out, lofi_onnx_session *session, bool output, size_t index,
                                     lofi_error *err) LOFI_MUST_USE;

typedef struct lofi_onnx_array {
    const char *name;
    lofi_dtype dtype; /* LOFI_F32 or LOFI_I64 */
    int rank;
    int64_t dims[LOFI_ONNX_RUNTIME_RANK];
    void *data; /* row-major */
} lofi_onnx_array;

/* Inputs by name; of the outputs only the names are read, the rest is filled. Data of outputs is yours: lofi_free, also of
 * those already filled when it fails (NULL where not). */
lofi_code lofi_onnx_session_run(lofi_onnx_session *session, const lofi_onnx_array *inputs, size_t input_count,
                                lofi_onnx_array *outputs, size_t output_count, lofi_error *err) LOFI_MUST_USE;

#endif
