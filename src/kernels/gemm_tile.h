/* gemm_tile.h - a product on the calling thread, inside of gemm.c.
 *
 * For every run of LOFI_GEMM_DEPTH of k: a block of A's rows is packed in strips of a few rows, then a block of B's columns in
 * panels of a few columns, and for every strip and panel one call of a kernel keeps the sums in registers. Strip and panel are
 * as large as the registers of the instruction set allow (gemm_kernel.h); strips are about equally high, so that none is left
 * with one row. Both blocks fit the second-level cache or nearly so; every thread has room for them in its static memory
 * (1.4 MB, touched when it multiplies).
 */
#ifndef LOFI_KERNELS_GEMM_TILE_H
#define LOFI_KERNELS_GEMM_TILE_H

#include "kernels/gemm.h"

/* Columns of the panels on this machine: tiles that are multiples of it waste nothing. */
int64_t lofi_gemm_panel_width(void);
/* m, n, k >= 1. */
void lofi_gemm_tile(const lofi_gemm *tile);
/* The same for m = 1, B given by `b`: a matrix times a vector reads every element of B once, so nothing is packed. Its sums
 * have an order of their own, which depends on k alone. */
void lofi_gemm_row(const lofi_gemm *tile);

#endif
