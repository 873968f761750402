/* softmax_kernel.h - the loops of softmax.c for vectors of one width. No header of its own: softmax.c includes it once for each
 * instruction set, with
 *     VARIANT(name)  the name of a function there
 *     TARGET         its attribute
 *     VECTOR_BYTES   of a register
 *
 * A group is sixteen numbers in as many vectors as that takes: the compiler would make wider vectors than the processor has of
 * single numbers. Sums are kept lane by lane of a group, so that all widths give the same bytes.
 */

#define PARTS  (LANES * 4 / VECTOR_BYTES)
#define vector VARIANT(vector)
#define mask   VARIANT(mask)
#define bits   VARIANT(bits)
#define group  VARIANT(group)

typedef float vector __attribute__((vector_size(VECTOR_BYTES)));
typedef int32_t mask __attribute__((vector_size(VECTOR_BYTES)));
typedef uint32_t bits __attribute__((vector_size(VECTOR_BYTES)));
typedef struct group {
    vector part[PARTS];
} group;

#define INLINE       TARGET static inline __attribute__((always_inline))
#define EACH_PART(i) _Pragma("GCC unroll 4") for (int i = 0; i < PARTS; i++)

INLINE void VARIANT(fill)(group *out, float value) {
    const vector zero = {0};
    EACH_PART(i) out->part[i] = zero + value;
}

/* The next up to sixteen numbers, `rest` where there are none. */
INLINE void VARIANT(load)(group *out, const float *from, int64_t count, float rest) {
    float values[LANES];
    if (count < LANES) {
        for (int lane = 0; lane < LANES; lane++) values[lane] = lane < count ? from[lane] : rest;
        from = values;
    }
    EACH_PART(i) memcpy(&out->part[i], from + i * VECTOR_BYTES / 4, VECTOR_BYTES);
}

INLINE void VARIANT(store)(float *to, const group *in, int64_t count) {
    if (count >= LANES) {
        EACH_PART(i) memcpy(to + i * VECTOR_BYTES / 4, &in->part[i], VECTOR_BYTES);
    } else {
        memcpy(to, in, (size_t)count * sizeof *to);
    }
}

/* where ? a : b, element by element; `where` is all ones or all zeros. */
INLINE void VARIANT(choose)(vector *out, const mask *where, const vector *a, const vector *b) {
    *out = (vector)(((mask)*a & *where) | ((mask)*b & ~*where));
}

INLINE void VARIANT(exp_of_negative)(vector *x) {
    const vector zero = {0}, magic = zero + 12582912.0f; /* 1.5 * 2^23: leaves the rounded integer in the low bits */
    vector shifted = *x * 1.44269504f + magic;
    vector n = shifted - magic;
    vector r = (*x - n * 0.693359375f) + n * 2.12194440e-4f;
    vector p = r * (1.0f / 5040) + (1.0f / 720);
    p = p * r + (1.0f / 120);
    p = p * r + (1.0f / 24);
    p = p * r + (1.0f / 6);
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    vector result = p * (vector)(((bits)shifted << 23) + 0x3f800000u);
    mask tiny = *x < zero - 87.0f; /* the result would be less than 2e-38 */
    VARIANT(choose)(x, &tiny, &zero, &result);
}

/* Scores that do not take part become -infinity. */
INLINE float VARIANT(largest_of)(float *row, int64_t columns, const float *column_mask) {
    const vector zero = {0}, nothing = zero - INFINITY;
    group largest, x, taken;
    VARIANT(fill)(&largest, -INFINITY);
    for (int64_t j = 0; j < columns; j += LANES) {
        VARIANT(load)(&x, row + j, columns - j, -INFINITY);
        if (column_mask) {
            VARIANT(load)(&taken, column_mask + j, columns - j, 0.0f);
            EACH_PART(i) {
                mask out = taken.part[i] == zero;
                VARIANT(choose)(&x.part[i], &out, &nothing, &x.part[i]);
            }
            VARIANT(store)(row + j, &x, columns - j);
        }
        EACH_PART(i) {
            mask larger = x.part[i] > largest.part[i];
            VARIANT(choose)(&largest.part[i], &larger, &x.part[i], &largest.part[i]);
        }
    }
    float lanes[LANES], maximum = -INFINITY;
    memcpy(lanes, &largest, sizeof lanes);
    for (int lane = 0; lane < LANES; lane++) maximum = lanes[lane] > maximum ? lanes[lane] : maximum;
    return maximum;
}

INLINE void VARIANT(softmax_row)(float *row, int64_t columns, const float *column_mask) {
    float maximum = VARIANT(largest_of)(row, columns, column_mask);
    if (maximum == -INFINITY) {
        /* Nothing takes part; or every score is NaN or -infinity, and then the NaN is handed on. */
        for (int64_t j = 0; j < columns; j++) row[j] = row[j] == -INFINITY ? 0.0f : row[j];
        return;
    }
    group sum, x;
    VARIANT(fill)(&sum, 0);
    for (int64_t j = 0; j < columns; j += LANES) {
        VARIANT(load)(&x, row + j, columns - j, -INFINITY);
        EACH_PART(i) {
            x.part[i] -= maximum;
            VARIANT(exp_of_negative)(&x.part[i]);
            sum.part[i] += x.part[i];
        }
        VARIANT(store)(row + j, &x, columns - j);
    }
    float factor = 1.0f / sum_of_lanes((const float *)&sum);
    for (int64_t j = 0; j < columns; j++) row[j] *= factor;
}

TARGET static void VARIANT(forward)(float *scores, int64_t rows, int64_t columns, const float *row_mask,
                                    const float *column_mask) {
    for (int64_t i = 0; i < rows; i++) {
        float *row = scores + i * columns;
        if (row_mask && row_mask[i] == 0.0f)
            memset(row, 0, (size_t)columns * sizeof *row);
        else
            VARIANT(softmax_row)(row, columns, column_mask);
    }
}

TARGET static void VARIANT(backward)(float *dp, const float *p, int64_t rows, int64_t columns) {
    for (int64_t i = 0; i < rows; i++) {
        float *dp_row = dp + i * columns;
        const float *p_row = p + i * columns;
        group sum, a, b;
        VARIANT(fill)(&sum, 0);
        for (int64_t j = 0; j < columns; j += LANES) {
            VARIANT(load)(&a, p_row + j, columns - j, 0.0f);
            VARIANT(load)(&b, dp_row + j, columns - j, 0.0f);
            EACH_PART(k) sum.part[k] += a.part[k] * b.part[k];
        }
        float dot = sum_of_lanes((const float *)&sum);
        for (int64_t j = 0; j < columns; j++) dp_row[j] = p_row[j] * (dp_row[j] - dot);
    }
}

#undef PARTS
#undef vector
#undef mask
#undef bits
#undef group
#undef INLINE
#undef EACH_PART
#undef VARIANT
#undef TARGET
#undef VECTOR_BYTES
