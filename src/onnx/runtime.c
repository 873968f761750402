/* runtime.c - see runtime.h. The C interface of ONNX Runtime is one table of functions; places in it and signatures are those
 * of microsoft/onnxruntime, include/onnxruntime/core/session/onnxruntime_c_api.h (version 1 of the table, which later
 * versions continue). */
#include "onnx/runtime.h"

#include <dlfcn.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

#define MAX_VALUES 64

typedef struct ort_status ort_status; /* NULL: success */
typedef void (*ort_function)(void);

/* The entry of the library. */
typedef struct ort_base {
    const ort_function *(*api)(uint32_t version);
    const char *(*version)(void);
} ort_base;

enum {
    GET_ERROR_MESSAGE = 2,
    CREATE_ENV = 3,
    CREATE_SESSION = 7,
    RUN = 9,
    CREATE_SESSION_OPTIONS = 10,
    SET_INTRA_OP_THREADS = 24,
    SESSION_INPUT_COUNT = 30,
    SESSION_OUTPUT_COUNT = 31,
    SESSION_INPUT_TYPE = 33,
    SESSION_OUTPUT_TYPE = 34,
    SESSION_INPUT_NAME = 36,
    SESSION_OUTPUT_NAME = 37,
    CREATE_TENSOR_WITH_DATA = 49,
    GET_TENSOR_DATA = 51,
    CAST_TO_TENSOR_INFO = 55,
    GET_ELEMENT_TYPE = 60,
    GET_DIMENSION_COUNT = 61,
    GET_DIMENSIONS = 62,
    GET_TYPE_AND_SHAPE = 65,
    CREATE_CPU_MEMORY_INFO = 69,
    ALLOCATOR_FREE = 76,
    GET_DEFAULT_ALLOCATOR = 78,
    RELEASE_ENV = 92,
    RELEASE_STATUS = 93,
    RELEASE_MEMORY_INFO = 94,
    RELEASE_SESSION = 95,
    RELEASE_VALUE = 96,
    RELEASE_TYPE = 98,
    RELEASE_SHAPE = 99,
    RELEASE_SESSION_OPTIONS = 100
};

enum { ELEMENT_F32 = 1, ELEMENT_I64 = 7, LOG_ERROR = 3, ARENA = 1, MEMORY_DEFAULT = 0 };

struct lofi_onnx_runtime {
    const ort_function *api;
    const char *version;
    char path[LOFI_PATH_MAX];
    void *environment, *memory, *allocator;
};

struct lofi_onnx_session {
    lofi_onnx_runtime *runtime;
    void *session;
    char *names[2][MAX_VALUES]; /* of inputs and outputs; the allocator's */
    size_t counts[2];
};

/* Calls entry PLACE, whose parameters have the types SIGNATURE. */
#define CALL(runtime, place, result, signature, ...) (((result(*) signature)(runtime)->api[place])(__VA_ARGS__))
#define RELEASE(runtime, place, what)                                                                                  \
    do {                                                                                                               \
        if (what) CALL(runtime, place, void, (void *), what);                                                          \
    } while (0)

/* LOFI_OK, or the message of the status, on one line, which is then released. */
static lofi_code checked(lofi_onnx_runtime *runtime, ort_status *status, const char *what, lofi_error *err) {
    if (!status) return LOFI_OK;
    char text[600];
    snprintf(text, sizeof text, "%s", CALL(runtime, GET_ERROR_MESSAGE, const char *, (const ort_status *), status));
    for (char *at = text; *at; at++)
        if (*at == '\n' || *at == '\r') *at = ' ';
    CALL(runtime, RELEASE_STATUS, void, (ort_status *), status);
    return lofi_fail(err, LOFI_ERR_FORMAT, "%s: ONNX Runtime %s says: %s", what, runtime->version, text);
}

/* ---- finding the library ---- */

static void *load(lofi_onnx_runtime *runtime, const char *path) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library) snprintf(runtime->path, sizeof runtime->path, "%s", path);
    return library;
}

/* The last match of a pattern: the newest version, as names go. */
static void *load_matching(lofi_onnx_runtime *runtime, const char *pattern) {
    glob_t found;
    void *library = NULL;
    if (glob(pattern, GLOB_TILDE, NULL, &found) != 0) return NULL;
    for (size_t i = found.gl_pathc; i-- > 0 && !library;) library = load(runtime, found.gl_pathv[i]);
    globfree(&found);
    return library;
}

static void *load_from_wheels(lofi_onnx_runtime *runtime) {
    static const char inside[] = "onnxruntime/capi/libonnxruntime.so*";
    static const char *const places[] = {"~/.local/lib/python3*/site-packages", "/usr/local/lib/python3*/dist-packages",
                                         "/usr/local/lib/python3*/site-packages", "/usr/lib/python3*/dist-packages",
                                         "/usr/lib/python3*/site-packages"};
    char pattern[LOFI_PATH_MAX];
    const char *environment = getenv("VIRTUAL_ENV");
    void *library = NULL;
    if (environment && *environment) {
        snprintf(pattern, sizeof pattern, "%s/lib/python3*/site-packages/%s", environment, inside);
        library = load_matching(runtime, pattern);
    }
    for (size_t i = 0; i < sizeof places / sizeof places[0] && !library; i++) {
        snprintf(pattern, sizeof pattern, "%s/%s", places[i], inside);
        library = load_matching(runtime, pattern);
    }
    return library;
}

static lofi_code find(lofi_onnx_runtime *runtime, void **library, const char *named, lofi_error *err) {
    const char *variable = getenv("LOFI_ONNXRUNTIME");
    bool by_variable = !named && variable && *variable;
    if (by_variable) named = variable;
    if (named) {
        *library = load(runtime, named);
        if (*library) return LOFI_OK;
        return lofi_fail(err, LOFI_ERR_NOT_FOUND, "cannot load ONNX Runtime%s: %s",
                         by_variable ? " (LOFI_ONNXRUNTIME)" : "", dlerror());
    }
    static const char *const names[] = {"libonnxruntime.so", "libonnxruntime.so.1"};
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !*library; i++) *library = load(runtime, names[i]);
    if (!*library) *library = load_from_wheels(runtime);
    if (*library) return LOFI_OK;
    lofi_fail(err, LOFI_ERR_NOT_FOUND, "ONNX Runtime is not installed");
    return lofi_hint(err,
                     "run 'pip install onnxruntime' or unpack a release of it, and name its libonnxruntime.so with "
                     "--onnxruntime or LOFI_ONNXRUNTIME where it is not found by itself");
}

/* ---- the library ---- */

static lofi_code start(lofi_onnx_runtime *runtime, void *library, lofi_error *err) {
    const ort_base *(*entry)(void);
    *(void **)&entry = dlsym(library, "OrtGetApiBase");
    if (!entry) return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is not ONNX Runtime", runtime->path);
    const ort_base *base = entry();
    runtime->version = base->version();
    runtime->api = base->api(1);
    if (!runtime->api)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "ONNX Runtime %s in '%s' has no C interface of version 1",
                         runtime->version, runtime->path);
    LOFI_TRY(checked(
        runtime,
        CALL(runtime, CREATE_ENV, ort_status *, (int, const char *, void **), LOG_ERROR, "lofi", &runtime->environment),
        "cannot start it", err));
    LOFI_TRY(checked(runtime,
                     CALL(runtime, CREATE_CPU_MEMORY_INFO, ort_status *, (int, int, void **), ARENA, MEMORY_DEFAULT,
                          &runtime->memory),
                     "cannot start it", err));
    return checked(runtime, CALL(runtime, GET_DEFAULT_ALLOCATOR, ort_status *, (void **), &runtime->allocator),
                   "cannot start it", err);
}

lofi_code lofi_onnx_runtime_open(lofi_onnx_runtime **out, const char *library, lofi_error *err) {
    lofi_onnx_runtime *runtime = calloc(1, sizeof *runtime);
    void *handle = NULL;
    if (!runtime) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate the handle of ONNX Runtime");
    lofi_code code = find(runtime, &handle, library, err);
    if (code == LOFI_OK) code = start(runtime, handle, err);
    if (code != LOFI_OK) {
        lofi_onnx_runtime_close(runtime);
        return code;
    }
    *out = runtime;
    return LOFI_OK;
}

void lofi_onnx_runtime_close(lofi_onnx_runtime *runtime) {
    if (!runtime) return;
    RELEASE(runtime, RELEASE_MEMORY_INFO, runtime->memory);
    RELEASE(runtime, RELEASE_ENV, runtime->environment);
    free(runtime);
}

const char *lofi_onnx_runtime_version(const lofi_onnx_runtime *runtime) {
    return runtime->version;
}

const char *lofi_onnx_runtime_path(const lofi_onnx_runtime *runtime) {
    return runtime->path;
}

/* ---- sessions ---- */

static lofi_code create(lofi_onnx_session *session, const char *path, int threads, lofi_error *err) {
    lofi_onnx_runtime *runtime = session->runtime;
    void *options = NULL;
    LOFI_TRY(checked(runtime, CALL(runtime, CREATE_SESSION_OPTIONS, ort_status *, (void **), &options), path, err));
    ort_status *status = CALL(runtime, SET_INTRA_OP_THREADS, ort_status *, (void *, int), options, threads);
    if (!status)
        status = CALL(runtime, CREATE_SESSION, ort_status *, (void *, const char *, void *, void **),
                      runtime->environment, path, options, &session->session);
    CALL(runtime, RELEASE_SESSION_OPTIONS, void, (void *), options);
    return checked(runtime, status, path, err);
}

static lofi_code read_names(lofi_onnx_session *session, int outputs, const char *path, lofi_error *err) {
    lofi_onnx_runtime *runtime = session->runtime;
    size_t count = 0;
    LOFI_TRY(checked(runtime,
                     CALL(runtime, outputs ? SESSION_OUTPUT_COUNT : SESSION_INPUT_COUNT, ort_status *,
                          (void *, size_t *), session->session, &count),
                     path, err));
    if (count > MAX_VALUES)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "'%s' has %zu inputs or outputs, at most %d are offered", path,
                         count, MAX_VALUES);
    for (size_t i = 0; i < count; i++) {
        LOFI_TRY(checked(runtime,
                         CALL(runtime, outputs ? SESSION_OUTPUT_NAME : SESSION_INPUT_NAME, ort_status *,
                              (void *, size_t, void *, char **), session->session, i, runtime->allocator,
                              &session->names[outputs][i]),
                         path, err));
        session->counts[outputs] = i + 1;
    }
    return LOFI_OK;
}

lofi_code lofi_onnx_session_open(lofi_onnx_session **out, lofi_onnx_runtime *runtime, const char *path, int threads,
                                 lofi_error *err) {
    if (!lofi_path_is_file(path)) return lofi_fail(err, LOFI_ERR_NOT_FOUND, "there is no file '%s'", path);
    lofi_onnx_session *session = calloc(1, sizeof *session);
    if (!session) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate a session for '%s'", path);
    session->runtime = runtime;
    lofi_code code = create(session, path, threads, err);
    for (int outputs = 0; outputs < 2 && code == LOFI_OK; outputs++) code = read_names(session, outputs, path, err);
    if (code != LOFI_OK) {
        lofi_onnx_session_close(session);
        return code;
    }
    *out = session;
    return LOFI_OK;
}

void lofi_onnx_session_close(lofi_onnx_session *session) {
    if (!session) return;
    lofi_onnx_runtime *runtime = session->runtime;
    for (int outputs = 0; outputs < 2; outputs++)
        for (size_t i = 0; i < session->counts[outputs]; i++) {
            ort_status *status = CALL(runtime, ALLOCATOR_FREE, ort_status *, (void *, void *), runtime->allocator,
                                      session->names[outputs][i]);
            RELEASE(runtime, RELEASE_STATUS, status);
        }
    RELEASE(runtime, RELEASE_SESSION, session->session);
    free(session);
}

const char *lofi_onnx_session_input(const lofi_onnx_session *session, size_t index) {
    return index < session->counts[0] ? session->names[0][index] : NULL;
}

const char *lofi_onnx_session_output(const lofi_onnx_session *session, size_t index) {
    return index < session->counts[1] ? session->names[1][index] : NULL;
}

/* ---- running ---- */

static lofi_code make_value(lofi_onnx_runtime *runtime, const lofi_onnx_array *array, void **value, lofi_error *err) {
    size_t bytes = lofi_dtype_bytes(array->dtype);
    for (int i = 0; i < array->rank; i++)
        if (!lofi_mul_size(bytes, (size_t)array->dims[i], &bytes))
            return lofi_fail(err, LOFI_ERR_USAGE, "input '%s' is too large", array->name);
    int type = array->dtype == LOFI_I64 ? ELEMENT_I64 : ELEMENT_F32;
    return checked(runtime,
                   CALL(runtime, CREATE_TENSOR_WITH_DATA, ort_status *,
                        (void *, void *, size_t, const int64_t *, size_t, int, void **), runtime->memory, array->data,
                        bytes, array->dims, (size_t)array->rank, type, value),
                   array->name, err);
}

static lofi_code read_shape(lofi_onnx_runtime *runtime, void *shape, lofi_onnx_array *array, lofi_error *err) {
    int type = 0;
    size_t rank = 0;
    LOFI_TRY(checked(runtime, CALL(runtime, GET_ELEMENT_TYPE, ort_status *, (void *, int *), shape, &type), array->name,
                     err));
    LOFI_TRY(checked(runtime, CALL(runtime, GET_DIMENSION_COUNT, ort_status *, (void *, size_t *), shape, &rank),
                     array->name, err));
    if (rank > LOFI_ONNX_RUNTIME_RANK || (type != ELEMENT_F32 && type != ELEMENT_I64))
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "'%s' is neither f32 nor i64 of up to %d dimensions", array->name,
                         LOFI_ONNX_RUNTIME_RANK);
    array->dtype = type == ELEMENT_I64 ? LOFI_I64 : LOFI_F32;
    array->rank = (int)rank;
    return checked(runtime,
                   CALL(runtime, GET_DIMENSIONS, ort_status *, (void *, int64_t *, size_t), shape, array->dims, rank),
                   array->name, err);
}

lofi_code lofi_onnx_session_describe(lofi_onnx_array *out, lofi_onnx_session *session, bool output, size_t index,
                                     lofi_error *err) {
    lofi_onnx_runtime *runtime = session->runtime;
    void *type = NULL, *shape = NULL;
    *out = (lofi_onnx_array){.name = output ? lofi_onnx_session_output(session, index)
                                            : lofi_onnx_session_input(session, index)};
    LOFI_TRY(checked(runtime,
                     CALL(runtime, output ? SESSION_OUTPUT_TYPE : SESSION_INPUT_TYPE, ort_status *,
                          (void *, size_t, void **), session->session, index, &type),
                     out->name, err));
    lofi_code code = checked(runtime, CALL(runtime, CAST_TO_TENSOR_INFO, ort_status *, (void *, void **), type, &shape),
                             out->name, err);
    if (code == LOFI_OK)
        code = shape ? read_shape(runtime, shape, out, err)
                     : lofi_fail(err, LOFI_ERR_UNSUPPORTED, "'%s' is no tensor", out->name);
    RELEASE(runtime, RELEASE_TYPE, type); /* and the shape, which is a part of it */
    return code;
}

static lofi_code read_value(lofi_onnx_runtime *runtime, void *value, lofi_onnx_array *array, lofi_error *err) {
    void *shape = NULL, *data = NULL;
    LOFI_TRY(checked(runtime, CALL(runtime, GET_TYPE_AND_SHAPE, ort_status *, (void *, void **), value, &shape),
                     array->name, err));
    lofi_code code = read_shape(runtime, shape, array, err);
    RELEASE(runtime, RELEASE_SHAPE, shape);
    if (code != LOFI_OK) return code;
    LOFI_TRY(checked(runtime, CALL(runtime, GET_TENSOR_DATA, ort_status *, (void *, void **), value, &data),
                     array->name, err));
    size_t count = 1;
    for (int i = 0; i < array->rank; i++) count *= (size_t)array->dims[i];
    LOFI_TRY(lofi_alloc(&array->data, count, lofi_dtype_bytes(array->dtype), array->name, err));
    if (count > 0) memcpy(array->data, data, count * lofi_dtype_bytes(array->dtype));
    return LOFI_OK;
}

lofi_code lofi_onnx_session_run(lofi_onnx_session *session, const lofi_onnx_array *inputs, size_t input_count,
                                lofi_onnx_array *outputs, size_t output_count, lofi_error *err) {
    lofi_onnx_runtime *runtime = session->runtime;
    const char *names[2][MAX_VALUES];
    void *values[2][MAX_VALUES] = {{NULL}};
    lofi_code code = LOFI_OK;
    for (size_t i = 0; i < output_count; i++) outputs[i].data = NULL;
    if (input_count > MAX_VALUES || output_count > MAX_VALUES)
        return lofi_fail(err, LOFI_ERR_USAGE, "at most %d inputs and outputs are offered", MAX_VALUES);
    for (size_t i = 0; i < input_count && code == LOFI_OK; i++) {
        names[0][i] = inputs[i].name;
        code = make_value(runtime, &inputs[i], &values[0][i], err);
    }
    for (size_t i = 0; i < output_count; i++) names[1][i] = outputs[i].name;
    if (code == LOFI_OK)
        code = checked(runtime,
                       CALL(runtime, RUN, ort_status *,
                            (void *, const void *, const char *const *, void *const *, size_t, const char *const *,
                             size_t, void **),
                            session->session, NULL, names[0], values[0], input_count, names[1], output_count,
                            values[1]),
                       "cannot run the model", err);
    for (size_t i = 0; i < output_count && code == LOFI_OK; i++)
        code = read_value(runtime, values[1][i], &outputs[i], err);
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < MAX_VALUES; i++) RELEASE(runtime, RELEASE_VALUE, values[side][i]);
    return code;
}
