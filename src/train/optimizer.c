/* optimizer.c - single loops over flat blocks. */
#include "train/optimizer.h"

#include <math.h>

#include "kernels/parallel.h"

#define CHUNK 65536

void lofi_adamw_update(const lofi_adamw *settings, int64_t update, float *values, const float *gradient,
                       double gradient_factor, float *first, float *second, size_t count, int threads) {
    double correction1 = 1.0 - pow(settings->beta1, (double)update),
           correction2 = 1.0 - pow(settings->beta2, (double)update);
    const float keep = (float)(1.0 - settings->learning_rate * settings->weight_decay);
    const float beta1 = (float)settings->beta1, beta2 = (float)settings->beta2;
    const float rest1 = (float)(1.0 - settings->beta1), rest2 = (float)(1.0 - settings->beta2);
    const float step_size = (float)(settings->learning_rate / correction1);
    const float root_correction = (float)sqrt(correction2), epsilon = (float)settings->epsilon,
                factor = (float)gradient_factor;
    LOFI_PARALLEL_FOR(lofi_team(count > CHUNK, threads), i, count, {
        float g = gradient[i] * factor;
        float m = first[i] * beta1 + g * rest1;
        float v = second[i] * beta2 + g * g * rest2;
        first[i] = m;
        second[i] = v;
        values[i] = values[i] * keep - step_size * (m / (sqrtf(v) / root_correction + epsilon));
    });
}

static double chunk_square_sum(const float *values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)values[i] * (double)values[i];
    return sum;
}

/* Chunks of a group are summed by threads, groups in order: the result does not depend on the number of threads. */
double lofi_gradient_norm(const float *gradient, size_t count, int threads) {
    enum { GROUP = 64 };
    double total = 0;
    for (size_t start = 0; start < count; start += (size_t)GROUP * CHUNK) {
        double sums[GROUP] = {0};
        LOFI_PARALLEL_FOR(lofi_team(count > CHUNK, threads), c, GROUP, {
            size_t from = start + (size_t)c * CHUNK;
            if (from < count) sums[c] = chunk_square_sum(gradient + from, count - from < CHUNK ? count - from : CHUNK);
        });
        for (int c = 0; c < GROUP; c++) total += sums[c];
    }
    return sqrt(total);
}

double lofi_clip_factor(double norm, double max_norm) {
    if (max_norm <= 0) return 1.0;
    double factor = max_norm / (norm + 1e-6);
    return factor < 1.0 ? factor : 1.0;
}

double lofi_learning_rate(double peak, int64_t step, int64_t warmup_steps, int64_t max_steps) {
    if (step < warmup_steps) return peak * ((double)step / (double)(warmup_steps > 1 ? warmup_steps : 1));
    int64_t span = max_steps - warmup_steps;
    double progress = (double)(step - warmup_steps) / (double)(span > 1 ? span : 1);
    return peak * (progress < 1.0 ? 1.0 - progress : 0.0);
}
