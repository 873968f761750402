/* host_device.h - marks a small function of a header that is computed on the CPU and inside of kernels of a GPU, so that both go
 * by one formula. Such a function must be C and C++ at once. */
#ifndef LOFI_BASE_HOST_DEVICE_H
#define LOFI_BASE_HOST_DEVICE_H

#ifdef __CUDACC__
#define LOFI_HOST_DEVICE __host__ __device__
#else
#define LOFI_HOST_DEVICE
#endif

#endif
