/* case_frechet.c - Frechet distances between recorded sets of embeddings. */
#include <stdio.h>

#include "eval/frechet.h"
#include "eval/selftest_case.h"

#define LIMIT 1e-6

static lofi_code add_rows(lofi_moments *moments, lofi_selftest *test, int64_t pair, const char *side, lofi_error *err) {
    char name[32];
    const lofi_stored_tensor *rows;
    snprintf(name, sizeof name, "%lld.%s", (long long)pair, side);
    LOFI_TRY(lofi_selftest_input(&rows, test, name, 2, err));
    LOFI_TRY(lofi_moments_new(moments, rows->dims[1], err));
    double *row = lofi_arena_alloc(test->arena, (size_t)rows->dims[1] * sizeof *row);
    if (!row) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for embeddings");
    for (int64_t i = 0; i < rows->dims[0]; i++) {
        lofi_stored_read_f64(rows, (size_t)(i * rows->dims[1]), row, (size_t)rows->dims[1]);
        lofi_moments_add(moments, row);
    }
    return LOFI_OK;
}

static lofi_code compare_pair(lofi_selftest *test, int64_t pair, lofi_moments sides[2], lofi_error *err) {
    char name[32];
    double distance;
    LOFI_TRY(add_rows(&sides[0], test, pair, "a", err));
    LOFI_TRY(add_rows(&sides[1], test, pair, "b", err));
    LOFI_TRY(lofi_frechet_distance(&distance, &sides[0], &sides[1], err));
    snprintf(name, sizeof name, "%lld.distance", (long long)pair);
    float value = (float)distance;
    return lofi_selftest_compare_flat(test, name, &value, 1, LIMIT, err);
}

static lofi_code run_case(lofi_selftest *test, lofi_error *err) {
    for (int64_t pair = 0;; pair++) {
        char name[32];
        lofi_moments sides[2] = {0};
        snprintf(name, sizeof name, "%lld.distance", (long long)pair);
        if (!lofi_safetensors_find(test->recorded, name)) return LOFI_OK;
        lofi_code code = compare_pair(test, pair, sides, err);
        lofi_moments_free(&sides[0]);
        lofi_moments_free(&sides[1]);
        LOFI_TRY(code);
    }
}

const lofi_selftest_case lofi_case_frechet = {.name = "frechet", .run = run_case};
