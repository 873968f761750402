/* cuda_run.h - how .cu files launch a kernel. Only they include it.
 *
 *     LOFI_CUDA_RUN(blocks, threads, shared, stream, kernel<5, float>)(arguments...);
 *
 * The kernel comes last because commas may be in its name; `shared` is bytes of shared memory beyond those that the kernel declares.
 * Where no CUDA compiler is at work, LOFI_CUDA_RUN is defined already (tests/cuda/emulated.h): there the arguments of the kernel are
 * passed as they are written, so NULL, which is a number there, must not be one of them.
 */
#ifndef LOFI_KERNELS_CUDA_RUN_H
#define LOFI_KERNELS_CUDA_RUN_H

#ifndef LOFI_CUDA_RUN
#define LOFI_CUDA_RUN(blocks, threads, shared, stream, ...) __VA_ARGS__<<<blocks, threads, shared, stream>>>
#endif

#endif
