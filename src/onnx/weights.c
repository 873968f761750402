/* weights.c - constants and weights: what is stored how, once; see onnx.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/convert.h"
#include "onnx/onnx.h"
#include "onnx/onnx_internal.h"

#define MAX_INITIALIZERS ((size_t)1 << 20)
#define CHUNK            4096

/* ---- keeping ---- */

static size_t stored_bytes(const lofi_onnx_initializer *i) {
    return (size_t)i->count * lofi_dtype_bytes(i->from);
}

static bool same(const lofi_onnx_initializer *a, const lofi_onnx_initializer *b) {
    if (a->type != b->type || a->rank != b->rank || a->from != b->from || a->weight != b->weight ||
        a->transposed != b->transposed || a->exponent != b->exponent ||
        memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims) != 0)
        return false;
    return a->data == b->data || (!a->weight && memcmp(a->data, b->data, stored_bytes(a)) == 0);
}

lofi_onnx_initializer *lofi_onnx_keep(lofi_onnx *onnx, lofi_onnx_initializer new, const char *name) {
    if (onnx->failure.code != LOFI_OK) return NULL;
    new.count = 1;
    for (int i = 0; i < new.rank; i++) new.count *= new.dims[i];
    for (size_t i = 0; i < onnx->initializer_count; i++)
        if (same(&onnx->initializers[i], &new)) return &onnx->initializers[i];
    if (lofi_grow((void **)&onnx->initializers, &onnx->initializer_capacity, onnx->initializer_count + 1,
                  sizeof *onnx->initializers, MAX_INITIALIZERS, &onnx->failure) != LOFI_OK)
        return NULL;
    if (!new.weight) {
        void *copy = lofi_onnx_scratch(onnx, (int64_t)stored_bytes(&new) + 1, 1);
        if (!copy) return NULL;
        if (new.count > 0) memcpy(copy, new.data, stored_bytes(&new));
        new.data = copy;
    }
    new.value = name ? lofi_onnx_new_value(onnx, "%s", name)
                     : lofi_onnx_new_value(onnx, "constants/%zu", onnx->initializer_count);
    if (!new.value) return NULL;
    onnx->initializers[onnx->initializer_count] = new;
    return &onnx->initializers[onnx->initializer_count++];
}

static lofi_onnx_value *constant(lofi_onnx *onnx, lofi_onnx_type type, lofi_dtype from, const void *values, int rank,
                                 const int64_t *dims) {
    lofi_onnx_initializer new = {.type = type, .from = from, .data = values, .rank = rank};
    for (int i = 0; i < rank; i++) new.dims[i] = dims[i];
    lofi_onnx_initializer *there = lofi_onnx_keep(onnx, new, NULL);
    return there ? there->value : NULL;
}

lofi_onnx_value *lofi_onnx_numbers(lofi_onnx *onnx, const float *values, int rank, const int64_t *dims) {
    return constant(onnx, LOFI_ONNX_TYPE_F32, LOFI_F32, values, rank, dims);
}

lofi_onnx_value *lofi_onnx_number(lofi_onnx *onnx, float value) {
    return lofi_onnx_numbers(onnx, &value, 0, NULL);
}

lofi_onnx_value *lofi_onnx_integers(lofi_onnx *onnx, const int64_t *values, int rank, const int64_t *dims) {
    return constant(onnx, LOFI_ONNX_TYPE_I64, LOFI_I64, values, rank, dims);
}

lofi_onnx_value *lofi_onnx_integer(lofi_onnx *onnx, int64_t value) {
    int64_t one = 1;
    return lofi_onnx_integers(onnx, &value, 1, &one);
}

/* ---- weights ---- */

static lofi_onnx_initializer *keep_weight(lofi_onnx *onnx, lofi_tensor *tensor, bool half, bool transposed,
                                          int exponent) {
    lofi_onnx_initializer new = {.type = half ? LOFI_ONNX_TYPE_F16 : LOFI_ONNX_TYPE_F32,
                                 .from = tensor->shape.dtype,
                                 .data = tensor->data,
                                 .rank = tensor->shape.rank,
                                 .transposed = transposed,
                                 .weight = true,
                                 .exponent = exponent};
    char name[512];
    if (!tensor->data) {
        lofi_onnx_fail(onnx, "the weight '%s' has no values", tensor->name);
        return NULL;
    }
    for (int i = 0; i < new.rank; i++) new.dims[i] = tensor->shape.dims[i];
    if (transposed) new.dims[0] = tensor->shape.dims[1], new.dims[1] = tensor->shape.dims[0];
    snprintf(name, sizeof name, "%s%s", tensor->name, transposed ? ".transposed" : "");
    return lofi_onnx_keep(onnx, new, name);
}

static bool in_half(const lofi_onnx *onnx, const lofi_tensor *tensor) {
    return onnx->settings.precision == LOFI_ONNX_FP16 && tensor->shape.rank >= 2;
}

lofi_onnx_value *lofi_onnx_weight(lofi_onnx *onnx, lofi_tensor *tensor) {
    bool half = in_half(onnx, tensor);
    lofi_onnx_initializer *weight = keep_weight(onnx, tensor, half, false, 0);
    if (!weight) return NULL;
    return half ? lofi_onnx_to_f32(onnx, weight->value) : weight->value;
}

lofi_onnx_value *lofi_onnx_gather_rows(lofi_onnx *onnx, const lofi_node *node, int i, lofi_onnx_value *ids) {
    lofi_tensor *table = node->inputs[i];
    if (!(table->flags & LOFI_TENSOR_PARAMETER))
        return lofi_onnx_binary(onnx, "Gather", lofi_onnx_input(onnx, node, i), ids);
    bool half = in_half(onnx, table);
    lofi_onnx_initializer *rows = keep_weight(onnx, table, half, false, 0);
    if (!rows) return NULL;
    lofi_onnx_value *found = lofi_onnx_binary(onnx, "Gather", rows->value, ids);
    return half ? lofi_onnx_to_f32(onnx, found) : found;
}

/* ---- products in half precision ---- */

/* The largest sum of magnitudes that one element of x W can have with |x| <= 1: over K, for each of the N outputs. */
static double largest_sum(lofi_onnx *onnx, const lofi_tensor *weight, bool transposed) {
    int64_t rows = weight->shape.dims[0], columns = weight->shape.dims[1];
    size_t step = lofi_dtype_bytes(weight->shape.dtype);
    double largest = 0, *sums = lofi_onnx_scratch(onnx, transposed ? 1 : columns, sizeof *sums);
    float chunk[CHUNK];
    for (int64_t row = 0; sums && row < rows; row++) {
        if (transposed) sums[0] = 0;
        for (int64_t at = 0; at < columns; at += CHUNK) {
            int64_t count = columns - at < CHUNK ? columns - at : CHUNK;
            const char *from = (const char *)weight->data + (size_t)(row * columns + at) * step;
            lofi_convert_to_f32(chunk, from, weight->shape.dtype, count);
            for (int64_t i = 0; i < count; i++) sums[transposed ? 0 : at + i] += fabs((double)chunk[i]);
        }
        if (transposed && sums[0] > largest) largest = sums[0];
    }
    for (int64_t i = 0; sums && !transposed && i < columns; i++) largest = sums[i] > largest ? sums[i] : largest;
    lofi_memory_forget(weight->data, (size_t)(rows * columns) * step);
    return largest;
}

/* The power of two that brings the largest sum just below 2^15; all zero, or not finite, stays as it is. */
static int exponent_of(double largest) {
    int exponent = 0;
    if (!(largest > 0) || isinf(largest)) return 0;
    frexp(largest, &exponent);
    return exponent - 15;
}

static lofi_onnx_value *half_product(lofi_onnx *onnx, lofi_onnx_value *x, lofi_tensor *weight, bool transposed,
                                     float alpha) {
    int exponent = weight->data ? exponent_of(largest_sum(onnx, weight, transposed)) : 0;
    lofi_onnx_initializer *matrix = keep_weight(onnx, weight, true, transposed, exponent);
    if (!matrix) return NULL;
    static const int64_t last[] = {-1};
    lofi_onnx_value *size = lofi_onnx_reduce(onnx, "ReduceMax", lofi_onnx_unary(onnx, "Abs", x), last, 1, true);
    size = lofi_onnx_binary(onnx, "Max", size, lofi_onnx_number(onnx, 1e-30f));
    lofi_onnx_value *scaled = lofi_onnx_cast(onnx, lofi_onnx_binary(onnx, "Div", x, size), LOFI_ONNX_TYPE_F16);
    lofi_onnx_value *product = lofi_onnx_to_f32(onnx, lofi_onnx_binary(onnx, "MatMul", scaled, matrix->value));
    size = lofi_onnx_binary(onnx, "Mul", size, lofi_onnx_number(onnx, ldexpf(alpha, exponent)));
    return lofi_onnx_binary(onnx, "Mul", product, size);
}

lofi_onnx_value *lofi_onnx_product(lofi_onnx *onnx, lofi_onnx_value *x, lofi_tensor *weight, bool transposed,
                                   float alpha) {
    const char *scope = onnx->scope;
    char layer[512];
    snprintf(layer, sizeof layer, "%s", weight->name);
    char *end = strrchr(layer, '.');
    if (end) *end = '\0';
    const char *named = lofi_arena_strdup(onnx->arena, layer);
    if (!named) return lofi_onnx_fail(onnx, "out of memory for names");
    onnx->scope = named;
    lofi_onnx_value *product;
    if (in_half(onnx, weight)) {
        product = half_product(onnx, x, weight, transposed, alpha);
    } else {
        lofi_onnx_initializer *matrix = keep_weight(onnx, weight, false, transposed, 0);
        product = matrix ? lofi_onnx_binary(onnx, "MatMul", x, matrix->value) : NULL;
        if (alpha != 1) product = lofi_onnx_binary(onnx, "Mul", product, lofi_onnx_number(onnx, alpha));
    }
    onnx->scope = scope;
    return product;
}
