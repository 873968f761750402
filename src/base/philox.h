/* philox.h - the generator behind base/random.h, for what draws on the CPU and for what draws inside of kernels of a GPU. */
#ifndef LOFI_BASE_PHILOX_H
#define LOFI_BASE_PHILOX_H

#include <stdint.h>

#include "base/host_device.h"
#include "base/random.h"

#define LOFI_STREAM_CONSTANT 0x6c6f6669u /* "lofi" */

/* As lofi_philox4x32. */
static inline LOFI_HOST_DEVICE void lofi_philox_rounds(const uint32_t counter[4], const uint32_t key[2],
                                                       uint32_t words[4]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t even = (uint64_t)0xD2511F53u * c0;
        uint64_t odd = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(odd >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)odd;
        c2 = (uint32_t)(even >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)even;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    words[0] = c0, words[1] = c1, words[2] = c2, words[3] = c3;
}

/* A stream is 128 bits made from (seed, purpose, step): half is the key of its blocks, half the upper counter words.
 * For one seed Philox is a bijection, so no two (purpose, step) share a stream. */
typedef struct lofi_stream {
    uint32_t key[2], upper[2];
} lofi_stream;

static inline LOFI_HOST_DEVICE lofi_stream lofi_stream_open(const lofi_random *random, uint32_t attempt) {
    uint32_t key[2] = {(uint32_t)random->seed, (uint32_t)(random->seed >> 32)};
    uint32_t counter[4] = {(uint32_t)random->step, (uint32_t)(random->step >> 32), random->purpose,
                           LOFI_STREAM_CONSTANT + attempt};
    uint32_t words[4];
    lofi_philox_rounds(counter, key, words);
    lofi_stream stream = {{words[0], words[1]}, {words[2], words[3]}};
    return stream;
}

static inline LOFI_HOST_DEVICE void lofi_stream_block(const lofi_stream *stream, uint64_t index, uint32_t words[4]) {
    uint32_t counter[4] = {(uint32_t)index, (uint32_t)(index >> 32), stream->upper[0], stream->upper[1]};
    lofi_philox_rounds(counter, stream->key, words);
}

/* A word as a number in [0, 1) with 24 bits. */
static inline LOFI_HOST_DEVICE float lofi_word_uniform(uint32_t word) {
    return (float)(word >> 8) * 0x1p-24f;
}

#endif
