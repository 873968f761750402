/* cuda_elements.h - what the .cu files share that go through elements: how many move at once. */
#ifndef LOFI_OPS_CUDA_ELEMENTS_H
#define LOFI_OPS_CUDA_ELEMENTS_H

/* Functions of C that launchers call. */
extern "C" {
#include "graph/op.h"
#include "ops/axis.h"
}

#include "ops/cuda_launch.h"
#include "ops/cuda_numbers.h"

/* Numbers that lie side by side and move at once. */
template <int lanes> struct alignas(4 * lanes) lofi_pack { float at[lanes]; };

/* Whether rows of `count` numbers are made of packs of four: where they begin, too. */
static inline bool lofi_in_fours(int64_t count, const void *a, const void *b = nullptr, const void *c = nullptr) {
    return count % 4 == 0 && ((uintptr_t)a | (uintptr_t)b | (uintptr_t)c) % 16 == 0;
}

#endif
