/* transpose.h - small squares of numbers, rows to columns, in registers. For code that LOFI_VERSIONS makes or that has a
 * target attribute: what it becomes depends on the instruction set.
 *
 * Each turns `rows` over in place: rows[i][j] becomes rows[j][i], by pairs, fours, halves. Numbers are bits here.
 */
#ifndef LOFI_KERNELS_TRANSPOSE_H
#define LOFI_KERNELS_TRANSPOSE_H

#include <stdint.h>

#include "kernels/vector.h"

typedef uint16_t lofi_eight_halves __attribute__((vector_size(16), aligned(2), may_alias));
typedef uint32_t lofi_eight_words __attribute__((vector_size(32), aligned(4), may_alias));
typedef uint64_t lofi_four_doubles __attribute__((vector_size(32), aligned(8), may_alias));

#define LOFI_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)

static inline LOFI_BODY void lofi_transpose_halves(lofi_eight_halves rows[8]) {
    lofi_eight_halves pairs[8], fours[8];
    for (int i = 0; i < 8; i += 2) {
        pairs[i] = LOFI_SHUFFLE(rows[i], rows[i + 1], 0, 8, 1, 9, 2, 10, 3, 11);
        pairs[i + 1] = LOFI_SHUFFLE(rows[i], rows[i + 1], 4, 12, 5, 13, 6, 14, 7, 15);
    }
    for (int i = 0; i < 8; i += 4)
        for (int half = 0; half < 2; half++) {
            fours[i + 2 * half] = LOFI_SHUFFLE(pairs[i + half], pairs[i + 2 + half], 0, 1, 8, 9, 2, 3, 10, 11);
            fours[i + 2 * half + 1] = LOFI_SHUFFLE(pairs[i + half], pairs[i + 2 + half], 4, 5, 12, 13, 6, 7, 14, 15);
        }
    for (int i = 0; i < 4; i++) {
        rows[2 * i] = LOFI_SHUFFLE(fours[i], fours[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        rows[2 * i + 1] = LOFI_SHUFFLE(fours[i], fours[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}

static inline LOFI_BODY void lofi_transpose_words(lofi_eight_words rows[8]) {
    lofi_eight_words pairs[8], fours[8];
    for (int i = 0; i < 8; i += 2) {
        pairs[i] = LOFI_SHUFFLE(rows[i], rows[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        pairs[i + 1] = LOFI_SHUFFLE(rows[i], rows[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
    for (int i = 0; i < 8; i += 4)
        for (int half = 0; half < 2; half++) {
            fours[i + 2 * half] = LOFI_SHUFFLE(pairs[i + half], pairs[i + 2 + half], 0, 1, 8, 9, 4, 5, 12, 13);
            fours[i + 2 * half + 1] = LOFI_SHUFFLE(pairs[i + half], pairs[i + 2 + half], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    for (int i = 0; i < 4; i++) {
        rows[i] = LOFI_SHUFFLE(fours[i], fours[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        rows[i + 4] = LOFI_SHUFFLE(fours[i], fours[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}

static inline LOFI_BODY void lofi_transpose_doubles(lofi_four_doubles rows[4]) {
    lofi_four_doubles pairs[4];
    for (int i = 0; i < 4; i += 2) {
        pairs[i] = LOFI_SHUFFLE(rows[i], rows[i + 1], 0, 4, 2, 6);
        pairs[i + 1] = LOFI_SHUFFLE(rows[i], rows[i + 1], 1, 5, 3, 7);
    }
    for (int i = 0; i < 2; i++) {
        rows[i] = LOFI_SHUFFLE(pairs[i], pairs[i + 2], 0, 1, 4, 5);
        rows[i + 2] = LOFI_SHUFFLE(pairs[i], pairs[i + 2], 2, 3, 6, 7);
    }
}

#endif
