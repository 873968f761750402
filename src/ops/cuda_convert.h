/* cuda_convert.h - numbers of one type made into numbers of another on the GPU: f32, bf16 and f16 to f32 or bf16. Only .cu files
 * include it. To f32 it is exact; to bf16 it rounds to the nearest, to even between two: bit by bit
 * as base/half.h. */
#ifndef LOFI_OPS_CUDA_CONVERT_H
#define LOFI_OPS_CUDA_CONVERT_H

#include "ops/cuda_launch.h"
#include "ops/cuda_numbers.h"

struct lofi_cuda_bf16 {
    uint16_t bits;
};
struct lofi_cuda_f16 {
    uint16_t bits;
};

static __device__ inline float lofi_cuda_value(float x) {
    return x;
}
static __device__ inline float lofi_cuda_value(lofi_cuda_bf16 x) {
    return __uint_as_float((unsigned)x.bits << 16);
}
static __device__ inline float lofi_cuda_value(lofi_cuda_f16 x) {
    return lofi_number_of_f16(x.bits);
}

static __device__ inline void lofi_cuda_set(float *to, float value) {
    *to = value;
}
static __device__ inline void lofi_cuda_set(lofi_cuda_bf16 *to, float value) {
    unsigned bits = __float_as_uint(value), is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
    to->bits = (uint16_t)(is_nan ? bits >> 16 | 0x40u : (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

template <class T> struct alignas(4 * sizeof(T)) lofi_cuda_quad { T values[4]; };

/* The same window [rows, columns] of each of some matrices: how far apart rows and matrices are where they are read and written,
 * in elements. */
struct lofi_cuda_window {
    int64_t matrices, rows, columns;
    int64_t from_row, from_matrix, to_row, to_matrix;
    bool quads; /* set by lofi_cuda_convert: rows are whole aligned groups of four, in both places */
};

/* Four columns to a thread. */
template <class From, class To> __global__ void lofi_cuda_convert_window(To *to, const From *from, lofi_cuda_window w) {
    int64_t groups = (w.columns + 3) / 4;
    LOFI_CUDA_FOR(i, w.matrices * w.rows * groups) {
        int64_t line = i / groups, column = (i - line * groups) * 4, matrix = line / w.rows;
        int64_t row = line - matrix * w.rows;
        const From *source = from + matrix * w.from_matrix + row * w.from_row + column;
        To *place = to + matrix * w.to_matrix + row * w.to_row + column;
        if (w.quads) {
            lofi_cuda_quad<From> in = *(const lofi_cuda_quad<From> *)source;
            lofi_cuda_quad<To> out;
            for (int j = 0; j < 4; j++) lofi_cuda_set(&out.values[j], lofi_cuda_value(in.values[j]));
            *(lofi_cuda_quad<To> *)place = out;
        } else {
            for (int64_t j = 0; j < 4 && column + j < w.columns; j++)
                lofi_cuda_set(&place[j], lofi_cuda_value(source[j]));
        }
    }
}

template <class From, class To>
static void lofi_cuda_launch_convert(lofi_cuda *cuda, void *to, const void *from, lofi_cuda_window w) {
    int64_t from_quad = (int64_t)(4 * sizeof(From)), to_quad = (int64_t)(4 * sizeof(To));
    w.quads = w.columns % 4 == 0 && w.from_row % 4 == 0 && w.from_matrix % 4 == 0 && w.to_row % 4 == 0 &&
              w.to_matrix % 4 == 0 && (intptr_t)from % from_quad == 0 && (intptr_t)to % to_quad == 0;
    int64_t threads = w.matrices * w.rows * ((w.columns + 3) / 4);
    if (!threads) return;
    LOFI_CUDA_RUN(lofi_cuda_blocks(cuda, threads), LOFI_CUDA_THREADS, 0, lofi_cuda_stream(cuda),
                  lofi_cuda_convert_window<From, To>)
    ((To *)to, (const From *)from, w);
}

template <class To>
static void lofi_cuda_convert_to(lofi_cuda *cuda, void *to, const void *from, lofi_dtype type,
                                 const lofi_cuda_window &w) {
    if (type == LOFI_BF16)
        lofi_cuda_launch_convert<lofi_cuda_bf16, To>(cuda, to, from, w);
    else if (type == LOFI_F16)
        lofi_cuda_launch_convert<lofi_cuda_f16, To>(cuda, to, from, w);
    else
        lofi_cuda_launch_convert<float, To>(cuda, to, from, w);
}

/* to_type: LOFI_F32 or LOFI_BF16. */
static inline void lofi_cuda_convert(lofi_cuda *cuda, void *to, lofi_dtype to_type, const void *from,
                                     lofi_dtype from_type, const lofi_cuda_window &w) {
    if (to_type == LOFI_BF16)
        lofi_cuda_convert_to<lofi_cuda_bf16>(cuda, to, from, from_type, w);
    else
        lofi_cuda_convert_to<float>(cuda, to, from, from_type, w);
}

#endif
