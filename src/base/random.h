/* random.h - counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011). A value depends only on (seed, purpose, step, index): no state to save, the same on any number of threads.
 */
#ifndef LOFI_BASE_RANDOM_H
#define LOFI_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* What numbers are drawn for: draws of different purposes never share a stream. Values are part of the on-disk
 * reproducibility of runs: append, never renumber. */
typedef enum lofi_purpose {
    LOFI_RANDOM_WEIGHTS = 1, /* initial weights of a model        */
    LOFI_RANDOM_ADAPTER,     /* initial weights of an adapter     */
    LOFI_RANDOM_SPLIT,       /* train / validation split          */
    LOFI_RANDOM_ROWS,        /* order of dataset rows             */
    LOFI_RANDOM_TAGS,        /* order of tags at a visit          */
    LOFI_RANDOM_NOISE,       /* noise of a training step          */
    LOFI_RANDOM_TIMESTEP,    /* timestep of a training step       */
    LOFI_RANDOM_CONDITION,   /* condition dropout                 */
    LOFI_RANDOM_DROPOUT,     /* dropout inside networks           */
    LOFI_RANDOM_PROMPT,      /* choice of mood and tempo          */
    LOFI_RANDOM_SAMPLE,      /* noise of generation: step 0, then ping-pong's by evaluation */
    LOFI_RANDOM_TEST,        /* inputs of tests and benchmarks    */
    LOFI_RANDOM_RETAKE       /* noise mixed in for a retake       */
} lofi_purpose;

typedef struct lofi_random {
    uint64_t seed;
    uint32_t purpose;
    uint64_t step; /* training step, row number, tensor number ... */
} lofi_random;

/* A seed that nobody named, from the system: below 2^32, so that it can be read out and typed. */
uint64_t lofi_random_seed(void);

lofi_random lofi_random_at(uint64_t seed, lofi_purpose purpose, uint64_t step);

/* The generator itself: ten rounds over a 128-bit counter with a 64-bit key (test vectors: the authors' Random123). */
void lofi_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t words[4]);

/* The four 32-bit words of block `index`. */
void lofi_random_block(const lofi_random *random, uint64_t index, uint32_t words[4]);
/* Number `index` of the stream. uniform: [0, 1) with 24 bits; normal: mean 0, variance 1 (Box-Muller in double,
 * rounded to float). */
float lofi_random_uniform(const lofi_random *random, uint64_t index);
float lofi_random_normal(const lofi_random *random, uint64_t index);
/* values[i] = number first + i of the stream. Same values whatever the chunking. */
void lofi_random_fill_normal(const lofi_random *random, uint64_t first, float *values, size_t count);
void lofi_random_fill_uniform(const lofi_random *random, uint64_t first, float *values, size_t count);
/* An integer in [0, bound), without bias, bound > 0; uses block `index`. */
uint64_t lofi_random_below(const lofi_random *random, uint64_t index, uint64_t bound);
/* Fisher-Yates over `order` (0..count-1 is written first). */
void lofi_random_permutation(const lofi_random *random, size_t *order, size_t count);

#endif
