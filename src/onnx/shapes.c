/* shapes.c - dimensions, and what is made of nodes that only move elements; see onnx.h. */
#include <string.h>

#include "onnx/onnx.h"
#include "onnx/onnx_internal.h"

/* ---- dimensions ---- */

static void *number(void *user, int64_t value) {
    return lofi_onnx_integer(user, value);
}

/* The value of a symbol is read from the shape of an input that has it as a dimension. */
static void *symbol(void *user, size_t index) {
    lofi_onnx *onnx = user;
    const char *name = lofi_graph_symbol_name(onnx->graph, index);
    lofi_dim dim = lofi_dim_symbol(onnx->graph, name);
    for (size_t i = 0; i < lofi_graph_tensor_count(onnx->graph); i++) {
        lofi_tensor *tensor = lofi_graph_tensor(onnx->graph, i);
        for (int axis = 0; tensor->flags & LOFI_TENSOR_INPUT && axis < tensor->shape.rank; axis++) {
            if (tensor->shape.dims[axis] != dim) continue;
            lofi_onnx_attribute part[] = {LOFI_ONNX_ATTRIBUTE_INT("start", axis),
                                          LOFI_ONNX_ATTRIBUTE_INT("end", axis + 1)};
            return lofi_onnx_emit1(onnx, "Shape", &onnx->input_names[i], 1, part, 2);
        }
    }
    return lofi_onnx_fail(onnx, "no input has the dimension '%s'", name);
}

static void *add(void *user, void *a, void *b) {
    return lofi_onnx_binary(user, "Add", a, b);
}

static void *mul(void *user, void *a, void *b) {
    return lofi_onnx_binary(user, "Mul", a, b);
}

/* ONNX rounds towards zero; lengths that are divided here are not negative. */
static void *floor_div(void *user, void *a, int64_t divisor) {
    return lofi_onnx_binary(user, "Div", a, lofi_onnx_integer(user, divisor));
}

lofi_onnx_value *lofi_onnx_dim(lofi_onnx *onnx, lofi_dim dim) {
    if (dim >= 0) return lofi_onnx_integer(onnx, dim);
    for (size_t i = 0; i < onnx->dim_count; i++)
        if (onnx->dims[i].dim == dim) return onnx->dims[i].value;
    const lofi_dim_arithmetic arithmetic = {onnx, number, symbol, add, mul, floor_div};
    const char *scope = onnx->scope;
    onnx->scope = "dimensions";
    lofi_onnx_value *value = lofi_dim_fold(onnx->graph, dim, &arithmetic);
    onnx->scope = scope;
    if (!value || lofi_grow((void **)&onnx->dims, &onnx->dim_capacity, onnx->dim_count + 1, sizeof *onnx->dims,
                            (size_t)1 << 16, &onnx->failure) != LOFI_OK)
        return NULL;
    onnx->dims[onnx->dim_count].dim = dim;
    onnx->dims[onnx->dim_count++].value = value;
    return value;
}

lofi_onnx_value *lofi_onnx_shape(lofi_onnx *onnx, int rank, const lofi_dim *dims) {
    lofi_onnx_value *parts[LOFI_MAX_RANK];
    bool fixed = true;
    for (int i = 0; i < rank; i++) fixed = fixed && dims[i] >= 0;
    int64_t length = rank;
    if (fixed) return lofi_onnx_integers(onnx, dims, 1, &length);
    for (int i = 0; i < rank; i++) parts[i] = lofi_onnx_dim(onnx, dims[i]);
    return lofi_onnx_concat(onnx, parts, rank, 0);
}

/* ---- moving elements ---- */

/* Whether the numbers of lofi_onnx_see can say it. */
static bool constant_shape(int64_t *shape, const lofi_shape *from, int rank, const lofi_dim *dims) {
    int unknown = 0;
    for (int i = 0; i < rank; i++) {
        shape[i] = dims[i];
        if (dims[i] >= 0) continue;
        bool same = from && i < from->rank && from->dims[i] == dims[i];
        shape[i] = same ? 0 : -1;
        unknown += !same;
    }
    return unknown <= 1;
}

lofi_onnx_value *lofi_onnx_see(lofi_onnx *onnx, lofi_onnx_value *x, int rank, const int64_t *shape) {
    int64_t length = rank;
    /* a constant has an address, also without elements */
    const int64_t nothing = 0, *dims = rank ? shape : &nothing;
    return lofi_onnx_binary(onnx, "Reshape", x, lofi_onnx_integers(onnx, dims, 1, &length));
}

lofi_onnx_value *lofi_onnx_reshape(lofi_onnx *onnx, lofi_onnx_value *x, const lofi_shape *from, int rank,
                                   const lofi_dim *dims) {
    int64_t shape[LOFI_MAX_RANK];
    if (constant_shape(shape, from, rank, dims)) return lofi_onnx_see(onnx, x, rank, shape);
    return lofi_onnx_binary(onnx, "Reshape", x, lofi_onnx_shape(onnx, rank, dims));
}

lofi_onnx_value *lofi_onnx_transpose(lofi_onnx *onnx, lofi_onnx_value *x, int rank, const int64_t *order) {
    lofi_onnx_attribute perm = LOFI_ONNX_ATTRIBUTE_INTS("perm", order, rank);
    return lofi_onnx_emit1(onnx, "Transpose", &x, 1, &perm, 1);
}

/* ReduceSum takes its axes as an input in every opset here, the others since opset 18. */
lofi_onnx_value *lofi_onnx_reduce(lofi_onnx *onnx, const char *type, lofi_onnx_value *x, const int64_t *axes, int count,
                                  bool keep) {
    int64_t length = count;
    lofi_onnx_attribute attributes[] = {LOFI_ONNX_ATTRIBUTE_INT("keepdims", keep),
                                        LOFI_ONNX_ATTRIBUTE_INTS("axes", axes, count)};
    bool as_input = onnx->settings.opset >= 18 || strcmp(type, "ReduceSum") == 0;
    if (count == 0) return x;
    if (!as_input) return lofi_onnx_emit1(onnx, type, &x, 1, attributes, 2);
    lofi_onnx_value *inputs[] = {x, lofi_onnx_integers(onnx, axes, 1, &length)};
    return lofi_onnx_emit1(onnx, type, inputs, 2, attributes, 1);
}

lofi_onnx_value *lofi_onnx_slice(lofi_onnx *onnx, lofi_onnx_value *x, int axis, lofi_onnx_value *start,
                                 lofi_onnx_value *end) {
    lofi_onnx_value *inputs[] = {x, start, end, lofi_onnx_integer(onnx, axis)};
    return lofi_onnx_emit1(onnx, "Slice", inputs, 4, NULL, 0);
}

lofi_onnx_value *lofi_onnx_concat(lofi_onnx *onnx, lofi_onnx_value *const *parts, int count, int axis) {
    lofi_onnx_attribute along = LOFI_ONNX_ATTRIBUTE_INT("axis", axis);
    return lofi_onnx_emit1(onnx, "Concat", parts, count, &along, 1);
}

lofi_onnx_value *lofi_onnx_split_heads(lofi_onnx *onnx, lofi_onnx_value *x, int64_t heads, int64_t width) {
    x = lofi_onnx_see(onnx, x, 4, (int64_t[]){0, 0, heads, width});
    return lofi_onnx_transpose(onnx, x, 4, (int64_t[]){0, 2, 1, 3});
}

lofi_onnx_value *lofi_onnx_join_heads(lofi_onnx *onnx, lofi_onnx_value *x, int64_t width) {
    x = lofi_onnx_transpose(onnx, x, 4, (int64_t[]){0, 2, 1, 3});
    return lofi_onnx_see(onnx, x, 3, (int64_t[]){0, 0, width});
}

lofi_onnx_value *lofi_onnx_range(lofi_onnx *onnx, lofi_dim length) {
    int64_t zero = 0, one = 1;
    lofi_onnx_value *end = lofi_onnx_see(onnx, lofi_onnx_dim(onnx, length), 0, NULL);
    lofi_onnx_value *inputs[] = {lofi_onnx_integers(onnx, &zero, 0, NULL), end,
                                 lofi_onnx_integers(onnx, &one, 0, NULL)};
    return lofi_onnx_to_f32(onnx, lofi_onnx_emit1(onnx, "Range", inputs, 3, NULL, 0));
}

lofi_onnx_value *lofi_onnx_angles(lofi_onnx *onnx, lofi_onnx_value *positions, const float *frequencies, int64_t half) {
    positions = lofi_onnx_see(onnx, positions, 2, (int64_t[]){-1, 1});
    return lofi_onnx_binary(onnx, "Mul", positions, lofi_onnx_numbers(onnx, frequencies, 2, (int64_t[]){1, half}));
}

/* ---- masks ---- */

/* Far below any score, and still a number: rows in which all are so become even, and are then set to zero. */
#define FAR_BELOW (-1e30f)

lofi_onnx_value *lofi_onnx_masked_softmax(lofi_onnx *onnx, lofi_onnx_value *scores, lofi_onnx_value *mask) {
    lofi_onnx_attribute last = LOFI_ONNX_ATTRIBUTE_INT("axis", -1);
    if (mask == LOFI_ONNX_ABSENT) return lofi_onnx_emit1(onnx, "Softmax", &scores, 1, &last, 1);
    mask = lofi_onnx_see(onnx, mask, 4, (int64_t[]){0, 1, 1, -1});
    lofi_onnx_value *choice[] = {lofi_onnx_cast(onnx, mask, LOFI_ONNX_TYPE_BOOL), scores,
                                 lofi_onnx_number(onnx, FAR_BELOW)};
    scores = lofi_onnx_emit1(onnx, "Where", choice, 3, NULL, 0);
    scores = lofi_onnx_emit1(onnx, "Softmax", &scores, 1, &last, 1);
    return lofi_onnx_binary(onnx, "Mul", scores, mask);
}

lofi_onnx_value *lofi_onnx_masked_rows(lofi_onnx *onnx, lofi_onnx_value *x, lofi_onnx_value *mask) {
    if (mask == LOFI_ONNX_ABSENT) return x;
    return lofi_onnx_binary(onnx, "Mul", x, lofi_onnx_see(onnx, mask, 3, (int64_t[]){0, -1, 1}));
}
