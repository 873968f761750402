/* cuda_launch.h - what every .cu file of this folder starts from: the form of a launcher.
 *
 * A launcher unpacks a lofi_call as the operator's cpu() does, launches kernels in the device's stream and returns; what a
 * launch failed with is asked afterwards, by the caller. No launcher allocates, waits or adds atomically: sums have one order.
 */
#ifndef LOFI_OPS_CUDA_LAUNCH_H
#define LOFI_OPS_CUDA_LAUNCH_H

#include "kernels/cuda_run.h"
#include "ops/cuda_slot.h"

#define LOFI_CUDA_LAUNCHER(op)                                                                                         \
    extern "C" lofi_code lofi_cuda_launch_##op(const lofi_call *call, struct lofi_cuda *cuda, lofi_error *err)

#endif
