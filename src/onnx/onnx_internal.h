/* onnx_internal.h - the inside of lofi_onnx, for onnx/ only. */
#ifndef LOFI_ONNX_ONNX_INTERNAL_H
#define LOFI_ONNX_ONNX_INTERNAL_H

#include "base/memory.h"
#include "onnx/onnx.h"

struct lofi_onnx_value {
    const char *name;
};

typedef struct lofi_onnx_record {
    const char *type, *name;
    int input_count, output_count;
    lofi_onnx_value **inputs, **outputs;
    lofi_onnx_attribute *attributes;
    int attribute_count;
} lofi_onnx_record;

/* TensorProto.DataType */
typedef enum lofi_onnx_type {
    LOFI_ONNX_TYPE_F32 = 1,
    LOFI_ONNX_TYPE_I64 = 7,
    LOFI_ONNX_TYPE_BOOL = 9,
    LOFI_ONNX_TYPE_F16 = 10
} lofi_onnx_type;

/* A constant or a weight. Its bytes are `data` converted from `from` to `type`, times 2^-exponent, rows and columns swapped
 * when `transposed` (of a matrix whose dims are those after it). */
typedef struct lofi_onnx_initializer {
    lofi_onnx_value *value;
    lofi_onnx_type type;
    int rank;
    int64_t dims[LOFI_MAX_RANK], count;
    const void *data; /* of a parameter, or in the arena */
    lofi_dtype from;
    bool transposed, weight; /* weight: lies in the weights' file when there is one */
    int exponent;
} lofi_onnx_initializer;

struct lofi_onnx {
    lofi_graph *graph;
    lofi_onnx_settings settings;
    lofi_arena *arena;
    lofi_onnx_value **values;      /* by index of the graph's tensors */
    lofi_onnx_value **input_names; /* likewise: the model's inputs, before a cast */
    bool *takes_integers;          /* likewise */
    lofi_onnx_record *records;
    size_t record_count, record_capacity;
    lofi_onnx_initializer *initializers;
    size_t initializer_count, initializer_capacity;
    struct lofi_onnx_known_dim {
        lofi_dim dim;
        lofi_onnx_value *value;
    } * dims;
    size_t dim_count, dim_capacity;
    const char *scope; /* of the node that is being lowered, "" outside of any */
    size_t serial;
    lofi_error failure;
};

/* A new value "SCOPE/TYPE_SERIAL". */
lofi_onnx_value *lofi_onnx_new_value(lofi_onnx *onnx, const char *format, ...) LOFI_PRINTF(2, 3);
lofi_onnx_value *lofi_onnx_cast(lofi_onnx *onnx, lofi_onnx_value *x, lofi_onnx_type type);
/* Keeps an initializer; an equal one that is there already is returned instead. `name` NULL: made up. */
lofi_onnx_initializer *lofi_onnx_keep(lofi_onnx *onnx, lofi_onnx_initializer initializer, const char *name);
/* A parameter as f32 in its own layout. */
lofi_onnx_value *lofi_onnx_weight(lofi_onnx *onnx, lofi_tensor *tensor);

#endif
