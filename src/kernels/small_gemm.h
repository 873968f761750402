/* small_gemm.h - products of up to 100^3 multiply-adds, inside of gemm.c.
 *
 * OpenBLAS has kernels of its own for such sizes on processors with AVX-512, and those allocate memory in every call; this
 * one does not. Every element of C is one sum over k in ascending order, whatever m and n are. */
#ifndef LOFI_KERNELS_SMALL_GEMM_H
#define LOFI_KERNELS_SMALL_GEMM_H

#include <stdbool.h>

#include "kernels/gemm.h"

#define LOFI_SMALL_GEMM 1000000 /* m n k up to here */

/* B must be f32. C = alpha op(A) op(B) + (C when add, else 0). */
void lofi_small_gemm(const lofi_gemm *gemm, bool add);

#endif
