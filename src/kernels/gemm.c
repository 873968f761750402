/* gemm.c - see gemm.h. */
#include "kernels/gemm.h"

#include <assert.h>
#include <cblas.h>
#include <pthread.h>
#include <string.h>

#include "kernels/convert.h"
#include "kernels/parallel.h"
#include "kernels/small_gemm.h"

/* OpenBLAS blocks the inner dimension itself; a panel of a converted B is a few of its blocks. */
#define PANEL_K 768

/* Tiles of this size cost little more than one call for all of it (bench/gemm). */
#define TILE_N        640
#define TILE_M        672
#define TILE_M_NARROW 320 /* where C has few columns */
#define NARROW        256
#define TILE_WORK     ((int64_t)1 << 20) /* multiply-adds that are worth a thread */
#define FEW_THREADS   4

typedef struct tiling {
    int64_t rows, columns; /* how many tiles */
    int64_t height, width; /* of a tile; the last may be smaller */
} tiling;

static int64_t ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

/* Pieces of about `size`, their size a multiple of 16. */
static int64_t cut(int64_t length, int64_t size, int64_t *pieces) {
    int64_t count = clamp((length + size / 2) / size, 1, length > 0 ? length : 1);
    int64_t piece = ceil_div(ceil_div(length, count), 16) * 16;
    if (piece < 1) piece = 16;
    *pieces = length > 0 ? ceil_div(length, piece) : 0;
    return piece;
}

/* The tiles depend on the sizes alone up to FEW_THREADS threads, so that up to there the number of threads changes no bit of
 * a result: another tile may mean another kernel of OpenBLAS, with another order of additions. */
static tiling tiles_of(const lofi_gemm *gemm, int threads) {
    tiling tiles;
    if (threads < FEW_THREADS) threads = FEW_THREADS;
    int64_t m = gemm->m, n = gemm->n, k = gemm->k > 0 ? gemm->k : 1;
    int64_t height = n < NARROW && !gemm->transpose_a ? TILE_M_NARROW : TILE_M, width = TILE_N;
    while ((height < m || width < n) && clamp(m, 1, height) * clamp(n, 1, width) * k < TILE_WORK) {
        if (height < m)
            height *= 2;
        else
            width *= 2;
    }
    for (;;) {
        tiles.height = cut(m, height, &tiles.rows);
        tiles.width = cut(n, width, &tiles.columns);
        if (tiles.rows * tiles.columns >= threads || tiles.height * tiles.width * k < 2 * TILE_WORK) return tiles;
        /* What is asked for halves every time, also where rounding leaves the tile as it was. */
        if (tiles.height > tiles.width)
            height = clamp(tiles.height, 0, height) / 2;
        else
            width = clamp(tiles.width, 0, width) / 2;
        if (height < 16 || width < 16) return tiles;
    }
}

static pthread_once_t single_threaded = PTHREAD_ONCE_INIT;

extern void openblas_set_num_threads(int count);

static void make_single_threaded(void) {
    openblas_set_num_threads(1);
}

/* One call of the library for a part of the product, beta 0 or 1. A single row is a matrix times a vector: B is read
 * once, not packed. */
static void multiply(const lofi_gemm *part, float beta) {
    CBLAS_TRANSPOSE ta = part->transpose_a ? CblasTrans : CblasNoTrans,
                    tb = part->transpose_b ? CblasTrans : CblasNoTrans;
    int m = (int)part->m, n = (int)part->n, k = (int)part->k;
    if (m == 1)
        cblas_sgemv(CblasRowMajor, part->transpose_b ? CblasNoTrans : CblasTrans, part->transpose_b ? n : k,
                    part->transpose_b ? k : n, part->alpha, part->b, (int)part->b_stride, part->a,
                    part->transpose_a ? (int)part->a_stride : 1, beta, part->c, 1);
    else
        cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, part->alpha, part->a, (int)part->a_stride, part->b,
                    (int)part->b_stride, beta, part->c, (int)part->c_stride);
}

static void start_with_bias(const lofi_gemm *part) {
    if (part->bias == part->c) return; /* one row, computed in place */
    for (int64_t i = 0; i < part->m; i++)
        memcpy(part->c + i * part->c_stride, part->bias, (size_t)part->n * sizeof(float));
}

void lofi_gemm_serial(const lofi_gemm *gemm) {
    assert(gemm->b_type == LOFI_F32);
    assert(!(gemm->accumulate && gemm->bias));
    pthread_once(&single_threaded, make_single_threaded);
    if (gemm->m <= 0 || gemm->n <= 0) return;
    bool add = gemm->accumulate;
    if (gemm->bias) start_with_bias(gemm), add = true;
    if (gemm->k <= 0) {
        for (int64_t i = 0; !add && i < gemm->m; i++)
            memset(gemm->c + i * gemm->c_stride, 0, (size_t)gemm->n * sizeof(float));
        return;
    }
    if (gemm->m > 1 && gemm->m * gemm->n * gemm->k <= LOFI_SMALL_GEMM)
        lofi_small_gemm(gemm, add);
    else
        multiply(gemm, add ? 1.0f : 0.0f);
}

/* B stored in 16 bits: panels of it become f32 in `panel`, [columns of the tile, PANEL_K] or [PANEL_K, columns]. */
static void multiply_converted(const lofi_gemm *part, float *panel) {
    lofi_gemm piece = *part;
    piece.b_type = LOFI_F32;
    piece.b = panel;
    if (part->k <= 0) lofi_gemm_serial(&piece);
    for (int64_t k0 = 0; k0 < part->k; k0 += PANEL_K) {
        piece.k = clamp(part->k - k0, 0, PANEL_K);
        piece.a = part->a + (part->transpose_a ? k0 * part->a_stride : k0);
        int64_t rows = part->transpose_b ? part->n : piece.k, columns = part->transpose_b ? piece.k : part->n;
        const uint16_t *b = (const uint16_t *)part->b + (part->transpose_b ? k0 : k0 * part->b_stride);
        for (int64_t i = 0; i < rows; i++)
            lofi_convert_to_f32(panel + i * columns, b + i * part->b_stride, part->b_type, columns);
        piece.b_stride = columns;
        lofi_gemm_serial(&piece);
        piece.accumulate = true, piece.bias = NULL;
    }
}

/* The part of the product that is tile number `index`. */
static lofi_gemm tile_at(const lofi_gemm *gemm, tiling tiles, int64_t index) {
    lofi_gemm part = *gemm;
    int64_t i = index % tiles.rows * tiles.height, j = index / tiles.rows * tiles.width;
    part.m = clamp(gemm->m - i, 0, tiles.height);
    part.n = clamp(gemm->n - j, 0, tiles.width);
    part.a += gemm->transpose_a ? i : i * gemm->a_stride;
    int64_t b_offset = gemm->transpose_b ? j * gemm->b_stride : j;
    part.b = (const char *)gemm->b + b_offset * (int64_t)lofi_dtype_bytes(gemm->b_type);
    part.c += i * gemm->c_stride + j;
    if (gemm->bias) part.bias += j;
    return part;
}

static size_t panel_floats(const lofi_gemm *gemm, int threads) {
    if (gemm->b_type == LOFI_F32) return 0;
    tiling tiles = tiles_of(gemm, threads);
    return (size_t)clamp(gemm->n, 0, tiles.width) * (size_t)clamp(gemm->k, 0, PANEL_K);
}

static size_t rounded(size_t floats) {
    return (floats + 15) / 16 * 16; /* panels of different threads share no cache line */
}

size_t lofi_gemm_workspace(const lofi_gemm *gemm, int threads) {
    return rounded(panel_floats(gemm, threads)) * sizeof(float) * (size_t)threads;
}

void lofi_gemm_run_batch(const lofi_gemm *gemm, lofi_gemm_batch batch, void *workspace, int threads) {
    tiling tiles = tiles_of(gemm, threads);
    int64_t per_product = tiles.rows * tiles.columns, count = per_product * batch.count;
    size_t panel_size = rounded(panel_floats(gemm, threads));
    int64_t b_bytes = (int64_t)lofi_dtype_bytes(gemm->b_type);
    int team = lofi_team(count > 1, threads);
    pthread_once(&single_threaded, make_single_threaded);
    LOFI_PARALLEL_FOR(team, part_of_team, team, {
        int64_t first = count * part_of_team / team, last = count * (part_of_team + 1) / team;
        for (int64_t index = first; index < last; index++) {
            int64_t product = index / per_product;
            lofi_gemm whole = *gemm;
            whole.a += product * batch.a_step;
            whole.b = (const char *)whole.b + product * batch.b_step * b_bytes;
            whole.c += product * batch.c_step;
            lofi_gemm part = tile_at(&whole, tiles, index % per_product);
            if (gemm->b_type == LOFI_F32)
                lofi_gemm_serial(&part);
            else
                multiply_converted(&part, (float *)workspace + (size_t)part_of_team * panel_size);
        }
    });
}

void lofi_gemm_run(const lofi_gemm *gemm, void *workspace, int threads) {
    lofi_gemm_run_batch(gemm, (lofi_gemm_batch){.count = 1}, workspace, threads);
}
