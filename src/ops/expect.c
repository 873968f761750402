/* expect.c - see expect.h. */
#include "ops/expect.h"

#include <stdarg.h>
#include <stdio.h>

lofi_code lofi_expect_rank(lofi_graph *graph, const lofi_node *node, int index, const char *what, int rank,
                           const char *form, lofi_error *err) {
    const lofi_shape *shape = &node->inputs[index]->shape;
    if (shape->dtype == LOFI_F32 && (rank < 0 || shape->rank == rank)) return LOFI_OK;
    return lofi_refuse(node, err, "%s must be %s f32, got %s", what, form, lofi_shape_text(graph, shape));
}

lofi_code lofi_expect_dims(lofi_graph *graph, const lofi_node *node, int index, const char *what, int rank,
                           const lofi_dim *dims, lofi_error *err) {
    if (index >= node->input_count || !node->inputs[index]) return LOFI_OK;
    const lofi_shape *shape = &node->inputs[index]->shape;
    bool same = shape->dtype == LOFI_F32 && shape->rank == rank;
    for (int i = 0; same && i < rank; i++) same = shape->dims[i] == dims[i];
    if (same) return LOFI_OK;
    lofi_shape expected = lofi_shape_of(LOFI_F32, rank, dims);
    return lofi_refuse(node, err, "%s must be %s, got %s", what, lofi_shape_text(graph, &expected),
                       lofi_shape_text(graph, shape));
}

lofi_code lofi_refuse(const lofi_node *node, lofi_error *err, const char *format, ...) {
    char message[900];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return lofi_fail(err, LOFI_ERR_FORMAT, "%s: %s", node->op->name, message);
}
