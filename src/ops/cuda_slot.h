/* cuda_slot.h - the CUDA slot of an operator's descriptor. In a build with CUDA it is filled by the launcher of that name, which
 * a .cu file of this folder defines by LOFI_CUDA_LAUNCHER (ops/cuda_launch.h); in another build it says what the build lacks. */
#ifndef LOFI_OPS_CUDA_SLOT_H
#define LOFI_OPS_CUDA_SLOT_H

#include "graph/op.h"

#ifdef LOFI_CUDA
#define LOFI_CUDA_SLOT(op) .cuda = lofi_cuda_launch_##op
/* With scratch: lofi_cuda_OP_workspace says how many bytes. */
#define LOFI_CUDA_SLOT_WITH_WORKSPACE(op) .cuda = lofi_cuda_launch_##op, .cuda_workspace = lofi_cuda_##op##_workspace
#else
#define LOFI_CUDA_SLOT(op)                .cuda_gap = "this build has no CUDA kernels"
#define LOFI_CUDA_SLOT_WITH_WORKSPACE(op) LOFI_CUDA_SLOT(op)
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define LOFI_CUDA_OP(op)                                                                                               \
    lofi_code lofi_cuda_launch_##op(const lofi_call *call, struct lofi_cuda *cuda, lofi_error *err);
#define LOFI_CUDA_OP_WITH_WORKSPACE(op)                                                                                \
    LOFI_CUDA_OP(op)                                                                                                   \
    size_t lofi_cuda_##op##_workspace(const lofi_call *call);
#include "ops/cuda_list.h"
#undef LOFI_CUDA_OP
#undef LOFI_CUDA_OP_WITH_WORKSPACE

#ifdef __cplusplus
}
#endif
#endif
