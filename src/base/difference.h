/* difference.h - how far two series of numbers are apart, added up number by number in double precision. */
#ifndef LOFI_BASE_DIFFERENCE_H
#define LOFI_BASE_DIFFERENCE_H

#include <stddef.h>

/* Zeroed at first. */
typedef struct lofi_difference {
    double squares, size; /* sums of (ours - theirs)^2 and of theirs^2 */
    double most;
} lofi_difference;

void lofi_difference_add(lofi_difference *difference, double ours, double theirs);
/* l2 of the difference over l2 of theirs (over 1 where theirs is all zero); NaN when a number was one. */
double lofi_difference_relative(const lofi_difference *difference);
/* Of one element; NaN when a number was one. */
double lofi_difference_largest(const lofi_difference *difference);
/* All of them at once. */
lofi_difference lofi_difference_of(const float *ours, const float *theirs, size_t count);

#endif
