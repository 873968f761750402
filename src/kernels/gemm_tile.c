/* gemm_tile.c - see gemm_tile.h. What does not depend on the instruction set; gemm_kernel.h is included for each. */
#include "kernels/gemm_tile.h"

#include <string.h>

#include "base/half.h"
#include "kernels/transpose.h"
#include "kernels/vector.h"

#define BLOCK_ROWS    672 /* of A that are packed at a time */
#define ROW_DEPTH     ((int64_t)BLOCK_ROWS * LOFI_GEMM_DEPTH)
#define BLOCK_COLUMNS 256 /* of B */

/* Packed parts of the factors: every thread has its own, in its static memory. */
static _Thread_local struct {
    float a[BLOCK_ROWS * LOFI_GEMM_DEPTH] __attribute__((aligned(64)));
    float b[BLOCK_COLUMNS * LOFI_GEMM_DEPTH] __attribute__((aligned(64)));
} rooms;

/* `length` in pieces of at most `most`, sizes differing by one at the most. */
typedef struct pieces {
    int64_t length, count;
} pieces;

static pieces cut(int64_t length, int64_t most) {
    return (pieces){length, (length + most - 1) / most};
}

static int64_t begin_of(pieces p, int64_t index) {
    return p.length * index / p.count;
}

/* What an element of C begins with: zero, or an addend. */
typedef struct start {
    const float *addend;
    int64_t row, column;
} start;

/* For element (i, j), at c: D before the first run of k, what the element holds after it. */
static start start_at(const lofi_gemm *t, int64_t i, int64_t j, const float *c, int64_t first) {
    if (first > 0) return (start){c, t->c_stride, 1};
    if (!t->addend) return (start){NULL, 0, 0};
    return (start){t->addend + i * t->addend_row + j * t->addend_column, t->addend_row, t->addend_column};
}

typedef void kernel(const float *a, const float *b, int64_t depth, float alpha, float *c, int64_t c_stride, start from);

/* ---- stored factors ---- */

/* A factor as it lies in memory; `across`: the inner dimension runs from row to row. */
typedef struct stored {
    const void *data;
    lofi_dtype type;
    int64_t stride;
    bool across;
} stored;

static stored stored_a(const lofi_gemm *t) {
    return (stored){t->a, t->a_type, t->a_stride, t->transpose_a};
}

static stored stored_b(const lofi_gemm *t) {
    return (stored){t->b, t->b_type, t->b_stride, !t->transpose_b};
}

typedef float eight __attribute__((vector_size(32), aligned(4), may_alias));
typedef uint32_t eight_bits __attribute__((vector_size(32)));
typedef uint16_t eight_halves __attribute__((vector_size(16), aligned(2), may_alias));

/* Eight neighbours as f32; exact, as base/half.h. The bits of an f16 in the place of f32's are its value times 2^-112.
 * (Returned by pointer: vectors of eight have no calling convention in the baseline instruction set.) */
static inline LOFI_BODY void load_eight(eight *out, const void *data, int64_t at, lofi_dtype type) {
    if (type == LOFI_F32) {
        *out = *(const eight *)((const float *)data + at);
        return;
    }
    eight_halves halves = *(const eight_halves *)((const uint16_t *)data + at);
    eight_bits bits = __builtin_convertvector(halves, eight_bits);
    if (type == LOFI_BF16) {
        *out = (eight)(bits << 16);
        return;
    }
    eight_bits magnitude = (bits & 0x7fff) << 13;
    eight_bits special = (eight_bits)(magnitude >= 0x0f800000) & 0x7f800000; /* infinity and NaN keep their fraction */
    *out = (eight)((eight_bits)((eight)magnitude * 0x1p112f) | special | (bits & 0x8000) << 16);
}

static inline LOFI_BODY float load_one(const void *data, int64_t at, lofi_dtype type) {
    if (type == LOFI_F32) return ((const float *)data)[at];
    uint16_t half = ((const uint16_t *)data)[at];
    return type == LOFI_BF16 ? lofi_f32_from_bf16(half) : lofi_f32_from_f16(half);
}

/* Eight rows of eight become eight columns, `out_stride` apart. */
static inline LOFI_BODY void transpose_eight(float *out, int64_t out_stride, const void *in, lofi_dtype type,
                                             int64_t in_stride) {
    lofi_eight_words rows[8];
    for (int i = 0; i < 8; i++) {
        eight values;
        load_eight(&values, in, i * in_stride, type);
        rows[i] = (lofi_eight_words)values; /* the same bits */
    }
    lofi_transpose_words(rows);
    for (int i = 0; i < 8; i++) *(eight *)(out + i * out_stride) = (eight)rows[i];
}

/* out[l * out_stride + i] = in[i * in_stride + l]. The last squares of eight overlap those before. */
static inline LOFI_BODY void pack_along(float *out, int64_t out_stride, const char *in, lofi_dtype type,
                                        int64_t in_stride, int64_t depth, int64_t width) {
    const int64_t bytes = type == LOFI_F32 ? 4 : 2;
    if (depth < 8 || width < 8) {
        for (int64_t i = 0; i < width; i++)
            for (int64_t l = 0; l < depth; l++) out[l * out_stride + i] = load_one(in, i * in_stride + l, type);
        return;
    }
    for (int64_t i = 0; i < width; i += 8) {
        if (i > width - 8) i = width - 8;
        for (int64_t l = 0; l < depth; l += 8) {
            if (l > depth - 8) l = depth - 8;
            transpose_eight(out + l * out_stride + i, out_stride, in + (i * in_stride + l) * bytes, type, in_stride);
        }
    }
}

/* out[l * out_stride + i] = in[l * in_stride + i] */
static inline LOFI_BODY void pack_across(float *out, int64_t out_stride, const char *in, lofi_dtype type,
                                         int64_t in_stride, int64_t depth, int64_t width) {
    for (int64_t l = 0; l < depth; l++) {
        float *to = out + l * out_stride;
        if (width < 8)
            for (int64_t i = 0; i < width; i++) to[i] = load_one(in, l * in_stride + i, type);
        else
            for (int64_t i = 0; i < width; i += 8) {
                if (i > width - 8) i = width - 8;
                load_eight((eight *)(to + i), in, l * in_stride + i, type);
            }
    }
}

/* out[l * out_stride + i]: the inner index first + l, the outer one begin + i. */
static inline LOFI_BODY void pack_body(float *out, int64_t out_stride, stored from, lofi_dtype type, int64_t first,
                                       int64_t depth, int64_t begin, int64_t width) {
    const int64_t bytes = type == LOFI_F32 ? 4 : 2;
    int64_t at = from.across ? first * from.stride + begin : begin * from.stride + first;
    const char *in = (const char *)from.data + at * bytes;
    if (from.across)
        pack_across(out, out_stride, in, type, from.stride, depth, width);
    else
        pack_along(out, out_stride, in, type, from.stride, depth, width);
}

/* Asks for part number `part` of `parts` of what pack_body with these arguments will read: it lies in as many places as it
 * has rows, and the processor does not guess them. */
static void ask_for(stored from, int64_t first, int64_t depth, int64_t begin, int64_t width, int64_t part,
                    int64_t parts) {
    const int64_t bytes = (int64_t)lofi_dtype_bytes(from.type), line = 64;
    int64_t rows = from.across ? depth : width, length = (from.across ? width : depth) * bytes;
    const char *in = (const char *)from.data +
                     (from.across ? first * from.stride + begin : begin * from.stride + first) * bytes;
    for (int64_t row = rows * part / parts; row < rows * (part + 1) / parts; row++)
        for (int64_t at = 0; at < length; at += line) __builtin_prefetch(in + row * from.stride * bytes + at, 0, 2);
}

/* ---- instruction sets ---- */

typedef struct variant {
    void (*tile)(const lofi_gemm *tile);
    void (*row)(const lofi_gemm *tile);
    int64_t panel;
} variant;

#define SIX(X)      X(1) X(2) X(3) X(4) X(5) X(6)
#define FOURTEEN(X) SIX(X) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)

#define VARIANT(name) name##_plain
#define TARGET
#define VECTOR_BYTES 16
#define STRIP_ROWS   6
#define EACH_HEIGHT  SIX
#include "kernels/gemm_kernel.h"
static const variant plain = {tile_plain, row_plain, 8};
#undef VARIANT
#undef TARGET
#undef VECTOR_BYTES
#undef STRIP_ROWS
#undef EACH_HEIGHT

#if defined(__x86_64__)
#define VARIANT(name) name##_avx2
#define TARGET        __attribute__((target("avx2,fma")))
#define VECTOR_BYTES  32
#define STRIP_ROWS    6
#define EACH_HEIGHT   SIX
#include "kernels/gemm_kernel.h"
static const variant avx2 = {tile_avx2, row_avx2, 16};
#undef VARIANT
#undef TARGET
#undef VECTOR_BYTES
#undef STRIP_ROWS
#undef EACH_HEIGHT

#define VARIANT(name) name##_avx512
#define TARGET        __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))
#define VECTOR_BYTES  64
#define STRIP_ROWS    14
#define EACH_HEIGHT   FOURTEEN
#include "kernels/gemm_kernel.h"
static const variant avx512 = {tile_avx512, row_avx512, 32};
#endif

static const variant *chosen(void) {
#if defined(__x86_64__)
    if (LOFI_HAS_AVX512()) return &avx512;
    if (LOFI_HAS_AVX2()) return &avx2;
#endif
    return &plain;
}

int64_t lofi_gemm_panel_width(void) {
    return chosen()->panel;
}

void lofi_gemm_tile(const lofi_gemm *tile) {
    chosen()->tile(tile);
}

void lofi_gemm_row(const lofi_gemm *tile) {
    chosen()->row(tile);
}
