/* random.c - see random.h. */
#include "base/random.h"

#include <assert.h>
#include <math.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/philox.h"

void lofi_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t words[4]) {
    lofi_philox_rounds(counter, key, words);
}

uint64_t lofi_random_seed(void) {
    uint32_t seed = 0;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed)
        seed = (uint32_t)time(NULL) ^ (uint32_t)getpid() << 16;
    return seed;
}

lofi_random lofi_random_at(uint64_t seed, lofi_purpose purpose, uint64_t step) {
    return (lofi_random){seed, (uint32_t)purpose, step};
}

void lofi_random_block(const lofi_random *random, uint64_t index, uint32_t words[4]) {
    lofi_stream stream = lofi_stream_open(random, 0);
    lofi_stream_block(&stream, index, words);
}

static void block_uniform(const lofi_stream *stream, uint64_t block, float values[4]) {
    uint32_t words[4];
    lofi_stream_block(stream, block, words);
    for (int i = 0; i < 4; i++) values[i] = lofi_word_uniform(words[i]);
}

static void block_normal(const lofi_stream *stream, uint64_t block, float values[4]) {
    uint32_t words[4];
    lofi_stream_block(stream, block, words);
    for (int i = 0; i < 4; i += 2) {
        double radius = sqrt(-2.0 * log(((double)words[i] + 0.5) * 0x1p-32));
        double angle = 6.283185307179586476925 * ((double)words[i + 1] * 0x1p-32);
        values[i] = (float)(radius * cos(angle));
        values[i + 1] = (float)(radius * sin(angle));
    }
}

typedef void block_fn(const lofi_stream *stream, uint64_t block, float values[4]);

static void fill(const lofi_random *random, uint64_t first, float *values, size_t count, block_fn *make) {
    lofi_stream stream = lofi_stream_open(random, 0);
    uint64_t index = first;
    for (size_t done = 0; done < count;) {
        float four[4];
        make(&stream, index / 4, four);
        for (uint64_t i = index % 4; i < 4 && done < count; i++, index++) values[done++] = four[i];
    }
}

float lofi_random_uniform(const lofi_random *random, uint64_t index) {
    float value;
    fill(random, index, &value, 1, block_uniform);
    return value;
}

float lofi_random_normal(const lofi_random *random, uint64_t index) {
    float value;
    fill(random, index, &value, 1, block_normal);
    return value;
}

void lofi_random_fill_normal(const lofi_random *random, uint64_t first, float *values, size_t count) {
    fill(random, first, values, count, block_normal);
}

void lofi_random_fill_uniform(const lofi_random *random, uint64_t first, float *values, size_t count) {
    fill(random, first, values, count, block_uniform);
}

/* Multiply and reject (Lemire, "Fast random integer generation in an interval", 2019): the 64-bit draws of the block in
 * turn, then those of the same block of further streams. */
uint64_t lofi_random_below(const lofi_random *random, uint64_t index, uint64_t bound) {
    assert(bound > 0);
    uint64_t threshold = (0 - bound) % bound;
    for (uint32_t attempt = 0;; attempt++) {
        lofi_stream stream = lofi_stream_open(random, attempt);
        uint32_t words[4];
        lofi_stream_block(&stream, index, words);
        for (int i = 0; i < 4; i += 2) {
            uint64_t draw = (uint64_t)words[i + 1] << 32 | words[i];
            unsigned __int128 product = (unsigned __int128)draw * bound;
            if ((uint64_t)product >= threshold) return (uint64_t)(product >> 64);
        }
    }
}

void lofi_random_permutation(const lofi_random *random, size_t *order, size_t count) {
    for (size_t i = 0; i < count; i++) order[i] = i;
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)lofi_random_below(random, i - 1, i);
        size_t kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
}
