/* window.h - what slice and pad share: a window of an axis, and the builder that makes pad the reverse of slice. */
#ifndef LOFI_OPS_WINDOW_H
#define LOFI_OPS_WINDOW_H

#include "graph/op.h"

typedef struct lofi_window_attributes {
    int64_t axis;
    lofi_dim start;  /* where the smaller tensor lies along the axis of the larger one */
    lofi_dim length; /* of the axis in the result: of the window (slice), or of the whole (pad) */
} lofi_window_attributes;

/* x among zeros: from `start` on along an axis that is then `total` long. */
lofi_tensor *lofi_pad_into(lofi_graph *graph, lofi_tensor *x, int axis, lofi_dim start, lofi_dim total);

#endif
