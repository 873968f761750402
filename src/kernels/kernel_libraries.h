/* kernel_libraries.h - the libraries of arithmetic, loaded when they are first used (base/library.h). */
#ifndef LOFI_KERNELS_KERNEL_LIBRARIES_H
#define LOFI_KERNELS_KERNEL_LIBRARIES_H

#include "base/library.h"

extern lofi_library lofi_library_lapacke;

/* All of them, and NULL. */
extern lofi_library *const lofi_kernel_libraries[];

#endif
