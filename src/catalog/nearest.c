/* nearest.c - edit distance in three rows. */
#include "catalog/nearest.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { COMPARED_BYTES = 128 };

static unsigned char lower(char character) {
    unsigned char byte = (unsigned char)character;
    return byte >= 'A' && byte <= 'Z' ? (unsigned char)(byte - 'A' + 'a') : byte;
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

size_t lofi_edit_distance(const char *left, const char *right) {
    size_t rows[3][COMPARED_BYTES + 1];
    size_t left_size = strnlen(left, COMPARED_BYTES), right_size = strnlen(right, COMPARED_BYTES);
    for (size_t j = 0; j <= right_size; j++) rows[0][j] = j;
    for (size_t i = 1; i <= left_size; i++) {
        size_t *row = rows[i % 3], *above = rows[(i - 1) % 3], *second_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= right_size; j++) {
            unsigned char a = lower(left[i - 1]), b = lower(right[j - 1]);
            row[j] = smaller(smaller(above[j] + 1, row[j - 1] + 1), above[j - 1] + (a != b));
            bool swapped = i > 1 && j > 1 && a == lower(right[j - 2]) && lower(left[i - 2]) == b;
            if (swapped) row[j] = smaller(row[j], second_above[j - 2] + 1);
        }
    }
    return rows[left_size % 3][right_size];
}

const char *lofi_nearest(const char *text, const char *const *candidates, size_t count) {
    const char *best = NULL;
    size_t best_distance = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        size_t distance = lofi_edit_distance(text, candidates[i]);
        if (distance < best_distance) {
            best_distance = distance;
            best = candidates[i];
        }
    }
    return best;
}
