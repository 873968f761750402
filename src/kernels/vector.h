/* vector.h - hot loops in several instruction sets, chosen when they run.
 *
 * Write the loop once as `static inline LOFI_BODY void NAME_body(...)`, with `#pragma omp simd` on it, then
 *     LOFI_VERSIONS(NAME, (float *out, const float *x, int64_t count), (out, x, count))
 * defines `static void NAME(...)`. On one machine always the same version runs, so results do not change from run to run.
 */
#ifndef LOFI_KERNELS_VECTOR_H
#define LOFI_KERNELS_VECTOR_H

#include <stdint.h>

#include "base/host_device.h"

#define LOFI_BODY LOFI_HOST_DEVICE __attribute__((always_inline))

#if defined(__x86_64__)
#ifdef LOFI_NO_AVX512 /* for measuring what a processor without it would do (docs/performance.md) */
#define LOFI_HAS_AVX512() 0
#else
#define LOFI_HAS_AVX512()                                                                                              \
    (__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
#endif
#define LOFI_HAS_AVX2() (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
#define LOFI_VERSIONS(name, parameters, arguments)                                                                     \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))) static void name##_avx512 parameters {      \
        name##_body arguments;                                                                                         \
    }                                                                                                                  \
    __attribute__((target("avx2,fma"))) static void name##_avx2 parameters {                                           \
        name##_body arguments;                                                                                         \
    }                                                                                                                  \
    static void name##_plain parameters {                                                                              \
        name##_body arguments;                                                                                         \
    }                                                                                                                  \
    static void name parameters {                                                                                      \
        if (LOFI_HAS_AVX512())                                                                                         \
            name##_avx512 arguments;                                                                                   \
        else if (LOFI_HAS_AVX2())                                                                                      \
            name##_avx2 arguments;                                                                                     \
        else                                                                                                           \
            name##_plain arguments;                                                                                    \
    }
#else
#define LOFI_VERSIONS(name, parameters, arguments)                                                                     \
    static void name parameters {                                                                                      \
        name##_body arguments;                                                                                         \
    }
#endif

/* e^x, within 1.5 units in the last place of the rounded value (checked against double in tests/unit/test_kernels.c); 0
 * and infinity where f32 ends (below about -103.97 and above 88.72), NaN for NaN. Straight code, so that loops over it
 * become vector code. Cody-Waite reduction to |r| <= ln 2 / 2, then the series of e^r; 2^n in two steps because n may
 * leave the range of exponents. */
static inline LOFI_BODY float lofi_exp_f32(float x) {
    float low = x < -104.0f ? -104.0f : x; /* both comparisons keep a NaN */
    float clamped = low > 89.0f ? 89.0f : low;
    float shifted = clamped * 0x1.715476p+0f + 0x1.8p23f; /* round(x / ln 2) in the lowest bits */
    float n = shifted - 0x1.8p23f;
    float r = (clamped - n * 0x1.62e4p-1f) - n * 0x1.7f7d1cp-20f;
    float p = 0x1.a01a02p-13f;
    p = p * r + 0x1.6c16c2p-10f;
    p = p * r + 0x1.111112p-7f;
    p = p * r + 0x1.555556p-5f;
    p = p * r + 0x1.555556p-3f;
    p = p * r + 0.5f;
    p = p * r * r + r + 1.0f;
    int32_t whole = (int32_t)(n == n ? n : 0.0f); /* converting a NaN is undefined */
    int32_t half = whole >> 1;
    union {
        int32_t bits;
        float value;
    } first = {(half + 127) << 23}, second = {(whole - half + 127) << 23};
    return p * first.value * second.value;
}

/* The part of the normal distribution beyond |x| and its density there over their common factor e^(-x^2/2): what is left
 * of rounding x^2 is put into the factor, so that the relative error stays small far out. */
typedef struct lofi_normal_tail {
    float factor; /* e^(-x^2/2) */
    float share;  /* (1 - Phi(|x|)) / factor, within 2.2 units in the last place */
} lofi_normal_tail;

/* The share is t p(t) with t = 1 / (1 + 0.3125 |x|) and p of degree 9, the polynomial with the smallest largest relative
 * error (1.1e-8) for |x| up to 15, beyond which the factor is 0. */
static inline LOFI_BODY lofi_normal_tail lofi_normal_tail_at(float x) {
    float u = __builtin_fabsf(x);
    u = u < 15.0f ? u : 15.0f;
    float t = 1.0f / (1.0f + 0.3125f * u), square = u * u;
    float rest = __builtin_fmaf(u, u, -square), factor = lofi_exp_f32(-0.5f * square);
    float p = -0x1.3ada54p-6f;
    p = p * t + 0x1.7ac374p-4f;
    p = p * t + -0x1.3a6628p-3f;
    p = p * t + 0x1.3d70fap-4f;
    p = p * t + -0x1.539662p-8f;
    p = p * t + 0x1.d27576p-5f;
    p = p * t + 0x1.6f0de8p-4f;
    p = p * t + 0x1.caafb6p-4f;
    p = p * t + 0x1.feedc8p-4f;
    p = p * t + 0x1.fea1bap-4f;
    lofi_normal_tail tail = {factor - 0.5f * rest * factor, t * p};
    return tail;
}

#endif
