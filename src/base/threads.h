/* threads.h - how many threads the arithmetic uses (OpenMP and BLAS alike). */
#ifndef LOFI_BASE_THREADS_H
#define LOFI_BASE_THREADS_H

/* The processors this process may run on (its affinity, and the quota of its control group), at least 1. */
int lofi_threads_available(void);

/* Loops that are not told how many threads to use take so many from now on: those of spectrograms, resampling and new weights.
 * 0 changes nothing: as many as there are processors. */
void lofi_threads_limit(int threads);

/* To be called before anything is done or printed. libgomp lets threads that wait spin for milliseconds unless its environment says otherwise:
 * on a machine that has other work a training step then takes several times as long. It reads the environment before
 * main, so the program is started anew, once, with GOMP_SPINCOUNT set: as long as the next loop is usually away. That costs
 * little, as the libraries of arithmetic and sound are not loaded before they are used (library.h). Does nothing where the user
 * has set GOMP_SPINCOUNT or OMP_WAIT_POLICY, or where starting anew is not possible. */
void lofi_threads_bound_spinning(char **arguments);

#endif
