/* allocations.h - counts the calls of malloc and its relatives in the whole test program, by standing in for them. */
#ifndef LOFI_TESTS_ALLOCATIONS_H
#define LOFI_TESTS_ALLOCATIONS_H

#include <stdbool.h>

/* False under a sanitizer, which stands in for them itself: then the count stays 0. */
bool allocations_are_counted(void);
long allocations_so_far(void);

#endif
