/* pool.c - see pool.h. */
#include "kernels/pool.h"

#include "kernels/parallel.h"

static float largest(const float *x, int64_t width, int64_t size) {
    float most = x[0];
    for (int64_t i = 0; i < size; i++)
        for (int64_t j = 0; j < size; j++)
            if (x[i * width + j] > most || x[i * width + j] != x[i * width + j]) most = x[i * width + j];
    return most;
}

void lofi_max_pool_run(float *out, const float *x, int64_t planes, int64_t height, int64_t width, int64_t size,
                       int threads) {
    int64_t high = height / size, wide = width / size;
    LOFI_PARALLEL_FOR(lofi_team(planes * height * width > LOFI_TEAM_ELEMENTS, threads), plane, planes, {
        const float *from = x + plane * height * width;
        for (int64_t i = 0; i < high * wide; i++)
            out[plane * high * wide + i] = largest(from + i / wide * size * width + i % wide * size, width, size);
    });
}
