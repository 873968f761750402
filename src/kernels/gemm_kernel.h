/* gemm_kernel.h - the product of a tile for one instruction set; gemm_tile.c includes it once for each, having defined
 *     VARIANT(name)   the name with the instruction set in it
 *     TARGET          its target attribute, or nothing
 *     VECTOR_BYTES    of a register
 *     STRIP_ROWS      rows of A that are multiplied at a time: STRIP_ROWS * 2 registers hold sums
 *     EACH_HEIGHT(X)  X(1) to X(STRIP_ROWS): there is a kernel for each
 */

#define VECTOR_FLOATS (VECTOR_BYTES / 4)
#define PANEL         (2 * VECTOR_FLOATS)
#define lanes         VARIANT(lanes)
typedef float lanes __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));

/* The sums of `rows` x PANEL elements over `depth`: a is a packed strip [depth, rows], b a packed panel [depth, PANEL].
 * c = alpha sums + addend. `rows` is a constant in every caller, so that the sums stay in registers. */
static inline LOFI_BODY void VARIANT(multiply)(const int rows, const float *a, const float *b, int64_t depth,
                                               float alpha, float *c, int64_t c_stride, start from) {
    lanes sum[STRIP_ROWS][2];
    for (int r = 0; r < rows; r++) {
        sum[r][0] = sum[r][1] = (lanes){0};
        __builtin_prefetch(c + r * c_stride, 1);
        __builtin_prefetch(c + r * c_stride + PANEL - 1, 1);
    }
    for (int64_t l = 0; l < depth; l++, a += rows, b += PANEL) {
        lanes right0 = *(const lanes *)b, right1 = *(const lanes *)(b + VECTOR_FLOATS);
        for (int r = 0; r < rows; r++) {
            lanes left = a[r] - (lanes){0};
            sum[r][0] += left * right0;
            sum[r][1] += left * right1;
        }
    }
    /* Else the compiler keeps fourteen addresses through the loop, in registers that the sums need. */
    __asm__("" : "+r"(c), "+r"(c_stride));
    /* Three loops, so that each is unrolled with its sums still in registers. */
    const float *addend = from.addend;
#define WRITE(left, right) *(lanes *)c = (left), *(lanes *)(c + VECTOR_FLOATS) = (right)
    if (!addend) {
#pragma GCC unroll 14
        for (int r = 0; r < rows; r++, c += c_stride) WRITE(sum[r][0] * alpha, sum[r][1] * alpha);
    } else if (from.column) {
#pragma GCC unroll 14
        for (int r = 0; r < rows; r++, c += c_stride, addend += from.row)
            WRITE(sum[r][0] * alpha + *(const lanes *)addend,
                  sum[r][1] * alpha + *(const lanes *)(addend + VECTOR_FLOATS));
    } else {
#pragma GCC unroll 14
        for (int r = 0; r < rows; r++, c += c_stride, addend += from.row)
            WRITE(sum[r][0] * alpha + *addend, sum[r][1] * alpha + *addend);
    }
#undef WRITE
}

#define KERNEL(rows)                                                                                                   \
    TARGET static void VARIANT(kernel_##rows)(const float *a, const float *b, int64_t depth, float alpha, float *c,    \
                                              int64_t c_stride, start from) {                                          \
        VARIANT(multiply)(rows, a, b, depth, alpha, c, c_stride, from);                                                \
    }
EACH_HEIGHT(KERNEL)

#define KERNEL_NAME(rows) VARIANT(kernel_##rows),
static kernel *const VARIANT(kernels)[STRIP_ROWS + 1] = {NULL, EACH_HEIGHT(KERNEL_NAME)};

/* One strip times one panel of `width` columns. Where those are fewer than PANEL, through a square of its own. */
static void VARIANT(strip_times_panel)(int64_t rows, const float *a, const float *b, int64_t depth, float alpha,
                                       float *c, int64_t c_stride, start from, int64_t width) {
    if (width == PANEL) {
        VARIANT(kernels)[rows](a, b, depth, alpha, c, c_stride, from);
        return;
    }
    float square[STRIP_ROWS * PANEL] __attribute__((aligned(64)));
    if (from.addend)
        for (int64_t r = 0; r < rows; r++)
            for (int64_t j = 0; j < PANEL; j++)
                square[r * PANEL + j] = from.addend[r * from.row + (j < width ? j : 0) * from.column];
    start inside = {from.addend ? square : NULL, PANEL, 1};
    VARIANT(kernels)[rows](a, b, depth, alpha, square, PANEL, inside);
    for (int64_t r = 0; r < rows; r++) memcpy(c + r * c_stride, square + r * PANEL, (size_t)width * sizeof *c);
}

/* ---- packing ---- */

TARGET static void VARIANT(pack)(float *out, int64_t out_stride, stored from, int64_t first, int64_t depth,
                                 int64_t begin, int64_t width) {
    switch (from.type) {
    case LOFI_BF16: pack_body(out, out_stride, from, LOFI_BF16, first, depth, begin, width); break;
    case LOFI_F16: pack_body(out, out_stride, from, LOFI_F16, first, depth, begin, width); break;
    default: pack_body(out, out_stride, from, LOFI_F32, first, depth, begin, width);
    }
}

/* The columns [left, right) of B as panels, one after the other. */
static void VARIANT(pack_panels)(const lofi_gemm *t, float *out, int64_t first, int64_t depth, int64_t left,
                                 int64_t right) {
    stored b = stored_b(t);
    int64_t whole = left + (right - left) / PANEL * PANEL;
    if (right > whole) memset(out + (whole - left) * depth, 0, (size_t)(depth * PANEL) * sizeof *out);
    /* A few rows at a time: they are read along, whatever the panels' width. */
    int64_t rows = !t->gather && b.across ? 8 : depth;
    for (int64_t l = 0; l < depth; l += rows)
        for (int64_t j = left; j < right; j += PANEL) {
            float *to = out + (j - left) * depth + l * PANEL;
            int64_t count = depth - l < rows ? depth - l : rows, width = j < whole ? PANEL : right - whole;
            if (t->gather)
                t->gather(t->b, to, PANEL, first + l, count, j, width);
            else
                VARIANT(pack)(to, PANEL, b, first + l, count, j, width);
        }
}

/* ---- a tile ---- */

/* The rows [begin, begin + height) of C, their part of A packed in `rooms.a`, for one run of k. */
static void VARIANT(multiply_block)(const lofi_gemm *t, int64_t begin, int64_t height, int64_t first, int64_t depth) {
    pieces strips = cut(height, STRIP_ROWS);
    for (int64_t left = 0; left < t->n; left += BLOCK_COLUMNS) {
        int64_t right = t->n - left < BLOCK_COLUMNS ? t->n : left + BLOCK_COLUMNS;
        VARIANT(pack_panels)(t, rooms.b, first, depth, left, right);
        int64_t next = t->gather ? 0 : t->n - right < BLOCK_COLUMNS ? t->n - right : BLOCK_COLUMNS;
        for (int64_t s = 0; s < strips.count; s++) {
            int64_t i = begin_of(strips, s), rows = begin_of(strips, s + 1) - i;
            ask_for(stored_b(t), first, depth, right, next, s, strips.count);
            for (int64_t j = left; j < right; j += PANEL) {
                float *c = t->c + (begin + i) * t->c_stride + j;
                start from = start_at(t, begin + i, j, c, first);
                VARIANT(strip_times_panel)
                (rows, rooms.a + i * depth, rooms.b + (j - left) * depth, depth, t->alpha, c, t->c_stride, from,
                 right - j < PANEL ? right - j : PANEL);
            }
        }
    }
}

static void VARIANT(tile)(const lofi_gemm *t) {
    pieces blocks = cut(t->m, BLOCK_ROWS);
    for (int64_t first = 0; first < t->k; first += LOFI_GEMM_DEPTH) {
        int64_t depth = t->k - first < LOFI_GEMM_DEPTH ? t->k - first : LOFI_GEMM_DEPTH;
        for (int64_t block = 0; block < blocks.count; block++) {
            int64_t begin = begin_of(blocks, block), height = begin_of(blocks, block + 1) - begin;
            pieces strips = cut(height, STRIP_ROWS);
            for (int64_t s = 0; s < strips.count; s++) {
                int64_t i = begin_of(strips, s), rows = begin_of(strips, s + 1) - i;
                VARIANT(pack)(rooms.a + i * depth, rows, stored_a(t), first, depth, begin + i, rows);
            }
            VARIANT(multiply_block)(t, begin, height, first, depth);
        }
    }
}

/* ---- one row ---- */

/* The sum of x times `count` elements that lie side by side, in four sums of eight lanes. */
static inline LOFI_BODY float VARIANT(dot)(const float *x, const void *y, lofi_dtype type, int64_t count) {
    eight sums[4] = {{0}};
    int64_t l = 0;
    for (; l + 32 <= count; l += 32)
        for (int v = 0; v < 4; v++) {
            eight right;
            load_eight(&right, y, l + 8 * v, type);
            sums[v] += *(const eight *)(x + l + 8 * v) * right;
        }
    float rest = 0;
    for (; l < count; l++) rest += x[l] * load_one(y, l, type);
    eight all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    return (((all[0] + all[4]) + (all[1] + all[5])) + ((all[2] + all[6]) + (all[3] + all[7]))) + rest;
}

static inline LOFI_BODY void VARIANT(row_body)(const lofi_gemm *t, lofi_dtype type, const float *x, int64_t first,
                                               int64_t depth) {
    size_t bytes = type == LOFI_F32 ? 4 : 2;
    if (t->transpose_b) {
        for (int64_t j = 0; j < t->n; j++) {
            start from = start_at(t, 0, j, t->c + j, first);
            float sum = VARIANT(dot)(x, (const char *)t->b + (size_t)(j * t->b_stride + first) * bytes, type, depth);
            t->c[j] = sum * t->alpha + (from.addend ? *from.addend : 0.0f);
        }
        return;
    }
    for (int64_t j = 0; j < t->n; j += 64) {
        int64_t width = t->n - j < 64 ? t->n - j : 64;
        float sums[64] = {0};
        for (int64_t l = 0; l < depth; l++) {
            const char *row = (const char *)t->b + (size_t)((first + l) * t->b_stride + j) * bytes;
            int64_t i = 0;
            for (; i + 8 <= width; i += 8) {
                eight right;
                load_eight(&right, row, i, type);
                *(eight *)(sums + i) += x[l] * right;
            }
            for (; i < width; i++) sums[i] += x[l] * load_one(row, i, type);
        }
        for (int64_t i = 0; i < width; i++) {
            start from = start_at(t, 0, j + i, t->c + j + i, first);
            t->c[j + i] = sums[i] * t->alpha + (from.addend ? *from.addend : 0.0f);
        }
    }
}

TARGET static void VARIANT(row)(const lofi_gemm *t) {
    for (int64_t first = 0; first < t->k; first += ROW_DEPTH) {
        int64_t depth = t->k - first < ROW_DEPTH ? t->k - first : ROW_DEPTH;
        pack_body(rooms.a, 1, stored_a(t), t->a_type, first, depth, 0, 1);
        switch (t->b_type) {
        case LOFI_BF16: VARIANT(row_body)(t, LOFI_BF16, rooms.a, first, depth); break;
        case LOFI_F16: VARIANT(row_body)(t, LOFI_F16, rooms.a, first, depth); break;
        default: VARIANT(row_body)(t, LOFI_F32, rooms.a, first, depth);
        }
    }
}

#undef KERNEL
#undef KERNEL_NAME
#undef PANEL
#undef VECTOR_FLOATS
#undef lanes
