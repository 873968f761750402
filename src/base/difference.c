/* difference.c - see difference.h. */
#include "base/difference.h"

#include <math.h>

void lofi_difference_add(lofi_difference *difference, double ours, double theirs) {
    double apart = fabs(ours - theirs);
    difference->squares += apart * apart;
    difference->size += theirs * theirs;
    if (!(apart <= difference->most)) difference->most = apart; /* keeps NaN */
}

double lofi_difference_relative(const lofi_difference *difference) {
    return difference->size > 0 ? sqrt(difference->squares / difference->size) : sqrt(difference->squares);
}

double lofi_difference_largest(const lofi_difference *difference) {
    return isnan(difference->squares) ? (double)NAN : difference->most;
}

lofi_difference lofi_difference_of(const float *ours, const float *theirs, size_t count) {
    lofi_difference difference = {0};
    for (size_t i = 0; i < count; i++) lofi_difference_add(&difference, (double)ours[i], (double)theirs[i]);
    return difference;
}
