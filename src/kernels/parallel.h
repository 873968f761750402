/* parallel.h - loops that several threads share.
 *
 *     LOFI_PARALLEL_FOR(team, i, count, { ... });
 *
 * runs the statement for i = 0 .. count - 1 (int64_t), in equal runs of neighbours by `team` threads, or plainly where
 * team is 1. LOFI_PARALLEL_FOR_DYNAMIC hands out one i after the other, for pieces of unequal work.
 *
 * Why not "omp parallel for if (...)": a step of training must not allocate. libgomp allocates for every parallel region
 * of one thread, and whenever the number of threads differs from the region before; clang's libomp allocates where a loop
 * is divided. So one thread is a plain loop, we divide, and `team` must be the number of threads that the caller was
 * given, or 1; lofi_team picks.
 */
#ifndef LOFI_KERNELS_PARALLEL_H
#define LOFI_KERNELS_PARALLEL_H

#include <omp.h>
#include <stdint.h>

#define LOFI_PARALLEL_FOR(team, index, count, ...)                                                                     \
    do {                                                                                                               \
        int team_ = (team);                                                                                            \
        int64_t count_ = (count);                                                                                      \
        if (team_ > 1) {                                                                                               \
            _Pragma("omp parallel num_threads(team_)") {                                                               \
                int64_t part_ = omp_get_thread_num(), parts_ = omp_get_num_threads();                                  \
                for (int64_t index = count_ * part_ / parts_; index < count_ * (part_ + 1) / parts_; index++)          \
                    __VA_ARGS__                                                                                        \
            }                                                                                                          \
        } else {                                                                                                       \
            for (int64_t index = 0; index < count_; index++) __VA_ARGS__                                               \
        }                                                                                                              \
    } while (0)

#define LOFI_PARALLEL_FOR_DYNAMIC(team, index, count, ...)                                                             \
    do {                                                                                                               \
        int team_ = (team);                                                                                            \
        int64_t count_ = (count), next_ = 0;                                                                           \
        if (team_ > 1) {                                                                                               \
            _Pragma("omp parallel num_threads(team_)") {                                                               \
                for (int64_t index; (index = __atomic_fetch_add(&next_, 1, __ATOMIC_RELAXED)) < count_;) __VA_ARGS__   \
            }                                                                                                          \
        } else {                                                                                                       \
            for (int64_t index = next_; index < count_; index++) __VA_ARGS__                                           \
        }                                                                                                              \
    } while (0)

/* Elements of a light loop (a few operations each) that are worth a team. Two threads would gain microseconds on fewer,
 * and lose milliseconds whenever the other one has no processor: on a busy machine a step of the small model, of which
 * most loops are below this, took four times the processor time. */
#define LOFI_TEAM_ELEMENTS 65536

/* All threads where the work is worth it, else one. */
#define lofi_team(worth_it, threads) ((worth_it) ? (threads) : 1)

#endif
