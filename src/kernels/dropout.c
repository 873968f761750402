/* dropout.c - see dropout.h. */
#include "kernels/dropout.h"

#include "kernels/parallel.h"

#define PIECE 1024

void lofi_dropout_array(float *out, const float *x, float p, const lofi_random *random, int64_t count, int threads) {
    float scale = 1.0f / (1.0f - p);
    int64_t pieces = (count + PIECE - 1) / PIECE;
    LOFI_PARALLEL_FOR(lofi_team(pieces > 1, threads), piece, pieces, {
        float draws[PIECE];
        int64_t first = piece * PIECE, length = count - first < PIECE ? count - first : PIECE;
        lofi_random_fill_uniform(random, (uint64_t)first, draws, (size_t)length);
        for (int64_t i = 0; i < length; i++) out[first + i] = draws[i] >= p ? x[first + i] * scale : 0.0f;
    });
}
