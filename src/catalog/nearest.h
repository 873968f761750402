/* nearest.h - which known name a mistyped one most likely meant. */
#ifndef LOFI_CATALOG_NEAREST_H
#define LOFI_CATALOG_NEAREST_H

#include <stddef.h>

/* How many single-byte edits lead from one text to the other: insert, delete, replace, or swap two neighbours (optimal
 * string alignment). ASCII letters count the same in both cases. Texts are compared in their first 128 bytes. */
size_t lofi_edit_distance(const char *left, const char *right);

/* The candidate with the smallest distance, the first of equals; NULL when there are none. Borrowed. */
const char *lofi_nearest(const char *text, const char *const *candidates, size_t count);

#endif
