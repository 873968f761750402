/* gemm.c - see gemm.h: which thread multiplies what. */
#include "kernels/gemm.h"

#include <string.h>

#include "kernels/gemm_tile.h"
#include "kernels/parallel.h"

#define TILE_WORK        ((int64_t)1 << 20) /* multiply-adds that are worth a thread */
#define TILES_PER_THREAD 1                  /* every tile packs its rows of A anew */
#define TILE_COLUMNS     256                /* fewer, and packing A anew for every tile begins to cost */
#define TILE_ROWS        128

typedef struct tiling {
    int64_t rows, columns; /* how many tiles */
    int64_t height, width; /* of a tile; the last may be smaller */
} tiling;

static int64_t ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Into how many of at most `wanted` parts a length of parts of at least `smallest` can be cut. */
static int64_t parts_of(int64_t length, int64_t smallest, int64_t wanted) {
    int64_t parts = least(length / smallest, wanted);
    return parts > 1 ? parts : 1;
}

/* Columns are cut first: every tile packs its rows of A. */
static tiling tiles_of(const lofi_gemm *gemm, int64_t products, int threads) {
    int64_t panel = lofi_gemm_panel_width(), work = gemm->m * gemm->n * (gemm->k > 0 ? gemm->k : 1);
    int64_t wanted = threads > 1 ? ceil_div((int64_t)threads * TILES_PER_THREAD, products) : 1;
    wanted = parts_of(work, TILE_WORK, wanted);
    int64_t columns = parts_of(gemm->n, TILE_COLUMNS, wanted);
    int64_t rows = parts_of(gemm->m, TILE_ROWS, ceil_div(wanted, columns));
    tiling tiles = {.width = ceil_div(ceil_div(gemm->n, columns), panel) * panel, .height = ceil_div(gemm->m, rows)};
    tiles.columns = ceil_div(gemm->n, tiles.width);
    tiles.rows = ceil_div(gemm->m, tiles.height);
    return tiles;
}

/* Nothing to sum over: C = D. */
static void write_addend(const lofi_gemm *g) {
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < g->n; j++)
            g->c[i * g->c_stride + j] = g->addend ? g->addend[i * g->addend_row + j * g->addend_column] : 0.0f;
}

static void multiply(const lofi_gemm *part, bool one_row) {
    if (part->k <= 0)
        write_addend(part);
    else if (one_row)
        lofi_gemm_row(part);
    else
        lofi_gemm_tile(part);
}

/* How a product is computed follows from the whole of it, never from a tile. */
static bool is_one_row(const lofi_gemm *gemm) {
    return gemm->m == 1 && !gemm->gather;
}

void lofi_gemm_serial(const lofi_gemm *gemm) {
    if (gemm->m > 0 && gemm->n > 0) multiply(gemm, is_one_row(gemm));
}

static const void *moved(const void *data, lofi_dtype type, int64_t elements) {
    return (const char *)data + elements * (int64_t)lofi_dtype_bytes(type);
}

/* Tile number `index` of the product. */
static lofi_gemm tile_at(const lofi_gemm *gemm, tiling tiles, int64_t index) {
    lofi_gemm part = *gemm;
    int64_t i = index % tiles.rows * tiles.height, j = index / tiles.rows * tiles.width;
    part.m = least(gemm->m - i, tiles.height);
    part.n = least(gemm->n - j, tiles.width);
    part.a = moved(gemm->a, gemm->a_type, gemm->transpose_a ? i : i * gemm->a_stride);
    part.b = moved(gemm->b, gemm->b_type, gemm->transpose_b ? j * gemm->b_stride : j);
    part.c += i * gemm->c_stride + j;
    if (gemm->addend) part.addend += i * gemm->addend_row + j * gemm->addend_column;
    return part;
}

static lofi_gemm product_at(const lofi_gemm *gemm, lofi_gemm_batch batch, int64_t index) {
    lofi_gemm one = *gemm;
    one.a = moved(gemm->a, gemm->a_type, index * batch.a_step);
    one.b = moved(gemm->b, gemm->b_type, index * batch.b_step);
    one.c += index * batch.c_step;
    if (gemm->addend) one.addend += index * batch.addend_step;
    return one;
}

void lofi_gemm_run_batch(const lofi_gemm *gemm, lofi_gemm_batch batch, int threads) {
    if (gemm->m <= 0 || gemm->n <= 0 || batch.count <= 0) return;
    tiling tiles = tiles_of(gemm, batch.count, threads);
    int64_t per_product = tiles.rows * tiles.columns, count = per_product * batch.count;
    bool worth_it = count > 1 && gemm->m * gemm->n * gemm->k * batch.count >= 2 * TILE_WORK;
    LOFI_PARALLEL_FOR_DYNAMIC(lofi_team(worth_it, threads), index, count, {
        lofi_gemm whole = product_at(gemm, batch, index / per_product);
        lofi_gemm part = tile_at(&whole, tiles, index % per_product);
        multiply(&part, is_one_row(gemm));
    });
}

void lofi_gemm_run(const lofi_gemm *gemm, int threads) {
    lofi_gemm_run_batch(gemm, (lofi_gemm_batch){.count = 1}, threads);
}
