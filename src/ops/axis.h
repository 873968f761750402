/* axis.h - sizes around one axis of a tensor at run time. */
#ifndef LOFI_OPS_AXIS_H
#define LOFI_OPS_AXIS_H

#include "graph/op.h"

/* How many places the axes before `axis` have together. */
int64_t lofi_axis_outer(const lofi_view *view, int axis);
/* Bytes from one place along `axis` to the next. */
size_t lofi_axis_step(const lofi_view *view, int axis);

#endif
