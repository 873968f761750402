/* frechet.c - see the header. */
#include "eval/frechet.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "kernels/kernel_libraries.h"
#include "kernels/symmetric.h"

static lofi_code new_matrix(double **out, int64_t count, lofi_error *err) {
    void *memory = NULL;
    LOFI_TRY(lofi_alloc(&memory, (size_t)count, sizeof(double), "statistics of embeddings", err));
    *out = memory;
    return LOFI_OK;
}

lofi_code lofi_moments_new(lofi_moments *out, int64_t width, lofi_error *err) {
    lofi_moments moments = {.width = width};
    if (width < 1 || width > 1 << 15)
        return lofi_fail(err, LOFI_ERR_USAGE, "embeddings of %lld numbers", (long long)width);
    lofi_code code = new_matrix(&moments.mean, width, err);
    if (code == LOFI_OK) code = new_matrix(&moments.spread, width * width, err);
    if (code == LOFI_OK)
        *out = moments;
    else
        lofi_moments_free(&moments);
    return code;
}

void lofi_moments_free(lofi_moments *moments) {
    lofi_free(moments->mean);
    lofi_free(moments->spread);
    *moments = (lofi_moments){0};
}

void lofi_moments_add(lofi_moments *moments, const double *row) {
    int64_t n = moments->width;
    double before = (double)moments->rows / (double)(moments->rows + 1);
    moments->rows++;
    for (int64_t i = 0; i < n; i++) {
        double di = row[i] - moments->mean[i];
        for (int64_t j = 0; j <= i; j++) moments->spread[i * n + j] += before * di * (row[j] - moments->mean[j]);
    }
    for (int64_t i = 0; i < n; i++) moments->mean[i] += (row[i] - moments->mean[i]) / (double)moments->rows;
}

/* The covariance, both triangles. */
static void covariance(double *out, const lofi_moments *m) {
    int64_t n = m->width;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) out[i * n + j] = out[j * n + i] = m->spread[i * n + j] / (double)(m->rows - 1);
}

static double trace(const double *a, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i * n + i];
    return sum;
}

/* out = a b, [n, n] each. */
static void multiply(double *out, const double *a, const double *b, int64_t n) {
    memset(out, 0, (size_t)(n * n) * sizeof *out);
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < n; k++)
            for (int64_t j = 0; j < n; j++) out[i * n + j] += a[i * n + k] * b[k * n + j];
}

/* The symmetric root of a covariance, which is lost; what rounding made negative counts as zero. room: [n, n], values: [n]. */
static bool root(double *out, double *a, double *room, double *values, int64_t n) {
    if (!lofi_symmetric_eigen(a, values, n, true)) return false;
    for (int64_t k = 0; k < n; k++) {
        double factor = sqrt(fmax(values[k], 0));
        for (int64_t i = 0; i < n; i++) room[k * n + i] = factor * a[k * n + i];
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = 0;
            for (int64_t k = 0; k < n; k++) sum += a[k * n + i] * room[k * n + j];
            out[i * n + j] = sum;
        }
    return true;
}

/* Sum of the roots of the eigenvalues of first^(1/2) second first^(1/2); first and second are lost. */
static bool root_trace(double *out, double *first, double *second, double *rooted, double *room, double *values,
                       int64_t n) {
    if (!root(rooted, first, room, values, n)) return false;
    multiply(room, rooted, second, n);
    multiply(first, room, rooted, n);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < i; j++) first[i * n + j] = first[j * n + i] = (first[i * n + j] + first[j * n + i]) / 2;
    if (!lofi_symmetric_eigen(first, values, n, false)) return false;
    *out = 0;
    for (int64_t i = 0; i < n; i++) *out += sqrt(fmax(values[i], 0));
    return true;
}

static lofi_code distance(double *out, const lofi_moments *a, const lofi_moments *b, double *room, lofi_error *err) {
    int64_t n = a->width;
    double *first = room, *second = room + n * n, *rooted = room + 2 * n * n, *work = room + 3 * n * n,
           *values = room + 4 * n * n, between = 0, common = 0;
    covariance(first, a);
    covariance(second, b);
    double spread = trace(first, n) + trace(second, n);
    for (int64_t i = 0; i < n; i++) between += (a->mean[i] - b->mean[i]) * (a->mean[i] - b->mean[i]);
    if (!isfinite(between + spread) || !root_trace(&common, first, second, rooted, work, values, n))
        return lofi_fail(err, LOFI_ERR_NUMERIC, "the embeddings hold values that are not finite");
    *out = between + spread - 2 * common;
    return LOFI_OK;
}

lofi_code lofi_frechet_distance(double *out, const lofi_moments *a, const lofi_moments *b, lofi_error *err) {
    double *room = NULL;
    if (a->width != b->width)
        return lofi_fail(err, LOFI_ERR_USAGE, "embeddings of %lld and %lld numbers cannot be compared",
                         (long long)a->width, (long long)b->width);
    if (a->rows < 2 || b->rows < 2)
        return lofi_fail(err, LOFI_ERR_USAGE, "a Frechet distance needs at least two embeddings on each side");
    LOFI_TRY(lofi_library_open(&lofi_library_lapacke, err));
    LOFI_TRY(new_matrix(&room, 4 * a->width * a->width + a->width, err));
    lofi_code code = distance(out, a, b, room, err);
    lofi_free(room);
    return code;
}
