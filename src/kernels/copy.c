/* copy.c - see copy.h. */
#include "kernels/copy.h"

#include <string.h>

#include "kernels/parallel.h"

enum { parallel_bytes = 1 << 18, piece_bytes = 1 << 16 };

void lofi_copy_rows(int64_t rows, size_t bytes, const void *in, size_t in_step, void *out, size_t out_step,
                    int threads) {
    int64_t pieces = (int64_t)((bytes + piece_bytes - 1) / piece_bytes);
    LOFI_PARALLEL_FOR(lofi_team((size_t)rows * bytes > parallel_bytes, threads), job, rows * pieces, {
        size_t row = (size_t)(job / pieces), first = (size_t)(job % pieces) * piece_bytes, rest = bytes - first;
        memcpy((char *)out + row * out_step + first, (const char *)in + row * in_step + first,
               rest < piece_bytes ? rest : piece_bytes);
    });
}

void lofi_zero_rows(int64_t rows, size_t bytes, void *out, size_t out_step, int threads) {
    if (bytes == 0) return;
    LOFI_PARALLEL_FOR(lofi_team((size_t)rows * bytes > parallel_bytes, threads), row, rows,
                      { memset((char *)out + (size_t)row * out_step, 0, bytes); });
}
