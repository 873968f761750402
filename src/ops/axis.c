/* axis.c - see axis.h. */
#include "ops/axis.h"

int64_t lofi_axis_outer(const lofi_view *view, int axis) {
    int64_t outer = 1;
    for (int i = 0; i < axis; i++) outer *= view->dims[i];
    return outer;
}

size_t lofi_axis_step(const lofi_view *view, int axis) {
    size_t step = lofi_dtype_bytes(view->dtype);
    for (int i = axis + 1; i < view->rank; i++) step *= (size_t)view->dims[i];
    return step;
}
