/* onnx.h - a graph written as an ONNX model: what operators need to say themselves in ONNX, and the file.
 *
 *     lofi_onnx_new(&onnx, graph, settings)    a model without nodes; inputs and outputs are the graph's
 *     lofi_onnx_lower(onnx)                    every node that an output depends on, through its operator's `onnx` slot
 *     lofi_onnx_write(onnx, path, ...)         the file, written as a stream: weights are never held together in memory
 *
 * Values are what ONNX calls names: results of nodes, inputs, constants and weights. As with graphs, the first failure is
 * kept, emitting functions then return NULL and take NULL, and lofi_onnx_lower tells it.
 *
 * Dimensions: a symbol of the graph must be a dimension of one of its inputs ("frames" of [batch, 8, 16, frames]); its
 * value is read there when the model runs. So every named dimension is a dynamic axis.
 *
 * Weights are stored as the settings say. In half precision:
 *   - matrices of products are f16 and multiplied in f16, safe for any input and any weights: each row of x is divided by its
 *     largest magnitude, the weights by a power of two so that no sum of magnitudes can pass 2^15, and the result is
 *     multiplied by both in f32. Nothing on the way can leave the range of f16;
 *   - other tensors with two and more dimensions (tables, kernels of convolutions) are f16 and cast to f32 where they are used;
 *   - vectors, and all other computation, are f32.
 *
 * Source of names and numbers: onnx/onnx, onnx/onnx.proto and docs/Operators.md; opset 17 to 21.
 */
#ifndef LOFI_ONNX_ONNX_H
#define LOFI_ONNX_ONNX_H

#include "graph/op.h"

#define LOFI_ONNX_MIN_OPSET 17
#define LOFI_ONNX_MAX_OPSET 21

typedef enum lofi_onnx_precision { LOFI_ONNX_FP32, LOFI_ONNX_FP16 } lofi_onnx_precision;

typedef struct lofi_onnx_settings {
    int opset; /* LOFI_ONNX_MIN_OPSET .. LOFI_ONNX_MAX_OPSET */
    lofi_onnx_precision precision;
} lofi_onnx_settings;

/* ---- the model ---- */

/* `graph` must outlive it, and have its parameters' data set. *out is yours: lofi_onnx_free. */
lofi_code lofi_onnx_new(lofi_onnx **out, lofi_graph *graph, const lofi_onnx_settings *settings,
                        lofi_error *err) LOFI_MUST_USE;
void lofi_onnx_free(lofi_onnx *onnx); /* NULL is fine */
/* The model takes the f32 input of that name as i64 (masks of tokenizers). Before lowering. */
void lofi_onnx_take_integers(lofi_onnx *onnx, const char *input);
/* LOFI_ERR_UNSUPPORTED when an operator has no lowering, with its place and its reason. */
lofi_code lofi_onnx_lower(lofi_onnx *onnx, lofi_error *err) LOFI_MUST_USE;

typedef struct lofi_onnx_property {
    const char *key, *value;
} lofi_onnx_property;

/* Writes PATH whole or not at all, and beside it the file `weights_name` (NULL: none) with all weights: a model file may have
 * less than 2 GiB. `name` is the graph's, properties are the model's metadata. A file whose bytes depend on nothing else. */
lofi_code lofi_onnx_write(const lofi_onnx *onnx, const char *path, const char *weights_name, const char *name,
                          const lofi_onnx_property *properties, size_t property_count, lofi_error *err) LOFI_MUST_USE;

/* ---- for operators ---- */

typedef struct lofi_onnx_value lofi_onnx_value;

typedef struct lofi_onnx_attribute {
    const char *name;
    enum {
        LOFI_ONNX_INT = 2,
        LOFI_ONNX_FLOAT = 1,
        LOFI_ONNX_TEXT = 3,
        LOFI_ONNX_INTS = 7
    } kind; /* AttributeProto.type */
    int64_t integer;
    float number;
    const char *text;
    const int64_t *integers;
    int count;
} lofi_onnx_attribute;
#define LOFI_ONNX_ATTRIBUTE_INT(key, value)                                                                            \
    (lofi_onnx_attribute) {                                                                                            \
        .name = (key), .kind = LOFI_ONNX_INT, .integer = (value)                                                       \
    }
#define LOFI_ONNX_ATTRIBUTE_FLOAT(key, value)                                                                          \
    (lofi_onnx_attribute) {                                                                                            \
        .name = (key), .kind = LOFI_ONNX_FLOAT, .number = (value)                                                      \
    }
#define LOFI_ONNX_ATTRIBUTE_TEXT(key, value)                                                                           \
    (lofi_onnx_attribute) {                                                                                            \
        .name = (key), .kind = LOFI_ONNX_TEXT, .text = (value)                                                         \
    }
#define LOFI_ONNX_ATTRIBUTE_INTS(key, values, length)                                                                  \
    (lofi_onnx_attribute) {                                                                                            \
        .name = (key), .kind = LOFI_ONNX_INTS, .integers = (values), .count = (length)                                 \
    }

/* One ONNX node. inputs[i] NULL: an optional input that is left out (then pass it as LOFI_ONNX_ABSENT), or a failure. */
extern lofi_onnx_value *const LOFI_ONNX_ABSENT;
void lofi_onnx_emit(lofi_onnx *onnx, const char *type, lofi_onnx_value *const *inputs, int input_count,
                    const lofi_onnx_attribute *attributes, int attribute_count, lofi_onnx_value **outputs,
                    int output_count);
/* The same with one output, which is returned. */
lofi_onnx_value *lofi_onnx_emit1(lofi_onnx *onnx, const char *type, lofi_onnx_value *const *inputs, int input_count,
                                 const lofi_onnx_attribute *attributes, int attribute_count);
lofi_onnx_value *lofi_onnx_unary(lofi_onnx *onnx, const char *type, lofi_onnx_value *x);
lofi_onnx_value *lofi_onnx_binary(lofi_onnx *onnx, const char *type, lofi_onnx_value *a, lofi_onnx_value *b);

/* Input i of a node as f32 (ids: as i64); LOFI_ONNX_ABSENT when it is left out. */
lofi_onnx_value *lofi_onnx_input(lofi_onnx *onnx, const lofi_node *node, int i);
bool lofi_onnx_has_input(const lofi_node *node, int i);
/* The graph, for arithmetic on its dimensions. */
lofi_graph *lofi_onnx_graph(lofi_onnx *onnx);
/* Says what output i of a node is. */
void lofi_onnx_output(lofi_onnx *onnx, const lofi_node *node, int i, lofi_onnx_value *value);
/* Memory for constants on their way, zeroed; it goes with the model. NULL, and the model has failed, when there is none. */
void *lofi_onnx_scratch(lofi_onnx *onnx, int64_t count, size_t item_bytes);
/* Keeps the first failure, and returns NULL. */
lofi_onnx_value *lofi_onnx_fail(lofi_onnx *onnx, const char *format, ...) LOFI_PRINTF(2, 3);

/* Constants; equal ones are one initializer. rank 0 has no dims. */
lofi_onnx_value *lofi_onnx_numbers(lofi_onnx *onnx, const float *values, int rank, const int64_t *dims);
lofi_onnx_value *lofi_onnx_number(lofi_onnx *onnx, float value); /* rank 0 */
lofi_onnx_value *lofi_onnx_integers(lofi_onnx *onnx, const int64_t *values, int rank, const int64_t *dims);
lofi_onnx_value *lofi_onnx_integer(lofi_onnx *onnx, int64_t value); /* rank 1, one element */

/* A dimension as i64 [1], and a shape as i64 [rank]. */
lofi_onnx_value *lofi_onnx_dim(lofi_onnx *onnx, lofi_dim dim);
lofi_onnx_value *lofi_onnx_shape(lofi_onnx *onnx, int rank, const lofi_dim *dims);

/* x seen with other dimensions, of which 0 is the same one of x, and -1, once, what is left. */
lofi_onnx_value *lofi_onnx_see(lofi_onnx *onnx, lofi_onnx_value *x, int rank, const int64_t *shape);
/* The same for dimensions of the graph; `from` is the shape of x when it is one of the graph's tensors, else NULL. */
lofi_onnx_value *lofi_onnx_reshape(lofi_onnx *onnx, lofi_onnx_value *x, const lofi_shape *from, int rank,
                                   const lofi_dim *dims);
lofi_onnx_value *lofi_onnx_transpose(lofi_onnx *onnx, lofi_onnx_value *x, int rank, const int64_t *order);
/* ReduceMean, ReduceSum or ReduceMax over `count` axes, of which negative ones count from the last; over none x itself. */
lofi_onnx_value *lofi_onnx_reduce(lofi_onnx *onnx, const char *type, lofi_onnx_value *x, const int64_t *axes, int count,
                                  bool keep);
/* x[start .. end) along one axis. */
lofi_onnx_value *lofi_onnx_slice(lofi_onnx *onnx, lofi_onnx_value *x, int axis, lofi_onnx_value *start,
                                 lofi_onnx_value *end);
lofi_onnx_value *lofi_onnx_concat(lofi_onnx *onnx, lofi_onnx_value *const *parts, int count, int axis);
/* Elements as f32, as i64. */
lofi_onnx_value *lofi_onnx_to_f32(lofi_onnx *onnx, lofi_onnx_value *x);
lofi_onnx_value *lofi_onnx_to_i64(lofi_onnx *onnx, lofi_onnx_value *x);
/* x is [B, S, heads * d]: as [B, heads, S, d]; and back. */
lofi_onnx_value *lofi_onnx_split_heads(lofi_onnx *onnx, lofi_onnx_value *x, int64_t heads, int64_t width);
lofi_onnx_value *lofi_onnx_join_heads(lofi_onnx *onnx, lofi_onnx_value *x, int64_t width);
/* Softmax over the last dimension of [B, heads, S, K] where the mask [B, K] is not 0; a row without any such key is zero. mask
 * may be LOFI_ONNX_ABSENT. */
lofi_onnx_value *lofi_onnx_masked_softmax(lofi_onnx *onnx, lofi_onnx_value *scores, lofi_onnx_value *mask);
/* x [B, S, C] times mask [B, S], or x itself when that is LOFI_ONNX_ABSENT. */
lofi_onnx_value *lofi_onnx_masked_rows(lofi_onnx *onnx, lofi_onnx_value *x, lofi_onnx_value *mask);
/* 0, 1, ... length - 1 as f32 [length]. */
lofi_onnx_value *lofi_onnx_range(lofi_onnx *onnx, lofi_dim length);
/* positions [N] times `half` frequencies: angles [N, half]. */
lofi_onnx_value *lofi_onnx_angles(lofi_onnx *onnx, lofi_onnx_value *positions, const float *frequencies, int64_t half);
/* Rows of input i of a node, [rows, width], by ids -> f32 [..., width]. */
lofi_onnx_value *lofi_onnx_gather_rows(lofi_onnx *onnx, const lofi_node *node, int i, lofi_onnx_value *ids);
/* alpha x W, W being a parameter [K, N], or [N, K] when `transposed`; x is [..., K]. */
lofi_onnx_value *lofi_onnx_product(lofi_onnx *onnx, lofi_onnx_value *x, lofi_tensor *weight, bool transposed,
                                   float alpha);

#endif
