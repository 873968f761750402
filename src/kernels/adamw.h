/* adamw.h - one update of AdamW (Loshchilov and Hutter, arXiv 1711.05101) over a flat block, as torch.optim.AdamW rounds it:
 *     g = factor gradient,  first = beta1 first + rest1 g,  second = beta2 second + rest2 g^2,
 *     value = keep value - step_size first / (sqrt(second) / root_correction + epsilon)
 * Element by element, in f32: the same bytes with any number of threads, and on a GPU.
 */
#ifndef LOFI_KERNELS_ADAMW_H
#define LOFI_KERNELS_ADAMW_H

#include <math.h>
#include <stddef.h>

#include "base/host_device.h"

typedef struct lofi_adamw_step {
    float factor;          /* of the gradient: clipping, accumulation */
    float beta1, beta2;    /* decay of the moments */
    float rest1, rest2;    /* 1 - beta */
    float keep;            /* 1 - learning rate * weight decay */
    float step_size;       /* learning rate / (1 - beta1^update) */
    float root_correction; /* sqrt(1 - beta2^update) */
    float epsilon;
} lofi_adamw_step;

/* For one number. */
static inline LOFI_HOST_DEVICE void lofi_adamw_number(const lofi_adamw_step *step, float *value, float gradient,
                                                      float *first, float *second) {
    float g = gradient * step->factor;
    float m = *first * step->beta1 + g * step->rest1;
    float v = *second * step->beta2 + g * g * step->rest2;
    *first = m;
    *second = v;
    *value = *value * step->keep - step->step_size * (m / (sqrtf(v) / step->root_correction + step->epsilon));
}

void lofi_adamw_array(const lofi_adamw_step *step, float *values, const float *gradient, float *first, float *second,
                      size_t count, int threads);

#endif
