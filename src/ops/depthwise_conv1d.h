/* depthwise_conv1d.h - the attributes of depthwise_conv1d, for its kernels. */
#ifndef LOFI_OPS_DEPTHWISE_CONV1D_H
#define LOFI_OPS_DEPTHWISE_CONV1D_H

#include <stdint.h>

typedef struct lofi_depthwise_conv1d_attributes {
    int32_t flipped; /* as the gradient of x needs it: see kernels/depthwise_conv1d.h */
} lofi_depthwise_conv1d_attributes;

#endif
