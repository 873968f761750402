/* threads.h - how many threads the arithmetic uses (OpenMP and BLAS alike). */
#ifndef LOFI_BASE_THREADS_H
#define LOFI_BASE_THREADS_H

/* The processors this process may run on (its affinity, and the quota of its control group), at least 1. */
int lofi_threads_available(void);

#endif
