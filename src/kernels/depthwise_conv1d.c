/* depthwise_conv1d.c - see depthwise_conv1d.h. The weight is turned to [taps, channels] in f32 first, so that the inner
 * loop runs over channels. */
#include "kernels/depthwise_conv1d.h"

#include <string.h>

#include "base/half.h"
#include "kernels/parallel.h"
#include "kernels/vector.h"

#define SMALL 8192

static inline LOFI_BODY void add_products_body(float *out, const float *x, const float *weight, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) out[i] += x[i] * weight[i];
}
LOFI_VERSIONS(add_products, (float *out, const float *x, const float *weight, int64_t count), (out, x, weight, count))

size_t lofi_depthwise_conv1d_workspace(int64_t channels, int64_t taps) {
    return (size_t)channels * (size_t)taps * sizeof(float);
}

static float weight_at(const void *weight, lofi_dtype type, int64_t index) {
    if (type == LOFI_BF16) return lofi_f32_from_bf16(((const uint16_t *)weight)[index]);
    if (type == LOFI_F16) return lofi_f32_from_f16(((const uint16_t *)weight)[index]);
    return ((const float *)weight)[index];
}

static void turn(float *out, const void *weight, lofi_dtype type, int64_t channels, int64_t taps, bool flipped) {
    for (int64_t j = 0; j < taps; j++)
        for (int64_t c = 0; c < channels; c++)
            out[j * channels + c] = weight_at(weight, type, c * taps + (flipped ? taps - 1 - j : j));
}

void lofi_depthwise_conv1d_run(float *out, const float *x, const void *weight, lofi_dtype weight_type,
                               const float *bias, int64_t batch, int64_t length, int64_t channels, int64_t taps,
                               bool flipped, void *workspace, int threads) {
    float *turned = workspace;
    turn(turned, weight, weight_type, channels, taps, flipped);
    int64_t rows = batch * length;
    int team = rows * channels > SMALL ? threads : 1;
    LOFI_PARALLEL_FOR(team, row, rows, {
        int64_t position = row % length;
        float *target = out + row * channels;
        if (bias)
            memcpy(target, bias, (size_t)channels * sizeof(float));
        else
            memset(target, 0, (size_t)channels * sizeof(float));
        for (int64_t j = 0; j < taps; j++) {
            int64_t from = position + j - taps / 2;
            if (from < 0 || from >= length) continue;
            add_products(target, x + (row + j - taps / 2) * channels, turned + j * channels, channels);
        }
    });
}
