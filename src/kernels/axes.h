/* axes.h - the axes of an output and where its places lie in an input, for kernels that walk over tensors of any rank. */
#ifndef LOFI_KERNELS_AXES_H
#define LOFI_KERNELS_AXES_H

#include <stdint.h>

enum { lofi_max_axes = 8 };

/* Outermost first: how long an axis is, and how far its places are apart in the input (0: it is repeated). */
typedef struct lofi_axes {
    int rank;
    int64_t dims[lofi_max_axes], strides[lofi_max_axes];
} lofi_axes;

/* Adds the next axis further in. One that goes on where the axis before it stops is joined to that; one of length 1 is none. */
static inline void lofi_axes_add(lofi_axes *axes, int64_t dim, int64_t stride) {
    if (dim == 1) return;
    if (axes->rank > 0 && axes->strides[axes->rank - 1] == stride * dim) {
        axes->dims[axes->rank - 1] *= dim;
        axes->strides[axes->rank - 1] = stride;
    } else {
        axes->dims[axes->rank] = dim;
        axes->strides[axes->rank++] = stride;
    }
}

/* At least one axis, also for a single number. */
static inline void lofi_axes_finish(lofi_axes *axes) {
    if (axes->rank == 0) axes->rank = 1, axes->dims[0] = 1, axes->strides[0] = 1;
}

#endif
