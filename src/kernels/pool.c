/* pool.c - see pool.h. */
#include "kernels/pool.h"

#include "kernels/parallel.h"
#include "kernels/vector.h"

/* A NaN is larger than all. */
static inline LOFI_BODY float larger(float most, float value) {
    return ((value > most) | (value != value)) ? value : most;
}

static inline LOFI_BODY float largest(const float *x, int64_t width, int64_t size) {
    float most = x[0];
    for (int64_t i = 0; i < size; i++)
        for (int64_t j = 0; j < size; j++) most = larger(most, x[i * width + j]);
    return most;
}

/* A row of `wide` cells, the first one at x. */
static inline LOFI_BODY void pool_row_body(float *out, const float *x, int64_t wide, int64_t width, int64_t size) {
    if (size == 2) {
        const float *below = x + width;
#pragma omp simd
        for (int64_t i = 0; i < wide; i++)
            out[i] = larger(larger(larger(x[2 * i], x[2 * i + 1]), below[2 * i]), below[2 * i + 1]);
    } else {
        for (int64_t i = 0; i < wide; i++) out[i] = largest(x + i * size, width, size);
    }
}
LOFI_VERSIONS(pool_row, (float *out, const float *x, int64_t wide, int64_t width, int64_t size),
              (out, x, wide, width, size))

void lofi_max_pool_run(float *out, const float *x, int64_t planes, int64_t height, int64_t width, int64_t size,
                       int threads) {
    int64_t high = height / size, wide = width / size;
    LOFI_PARALLEL_FOR(lofi_team(planes * height * width > LOFI_TEAM_ELEMENTS, threads), row, planes * high, {
        const float *from = x + (row / high * height + row % high * size) * width;
        pool_row(out + row * wide, from, wide, width, size);
    });
}
