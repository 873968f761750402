/* scheduler.c - the list of schedulers, and the noise levels and arithmetic that they share. */
#include "diffusion/scheduler.h"

#include <math.h>
#include <string.h>

#include "diffusion/flow_schedule.h"

#define SHIFT ((double)LOFI_FLOW_SHIFT)

#define LOFI_SCHEDULER(name) extern const lofi_scheduler lofi_scheduler_##name;
#include "diffusion/schedulers.h"

static const lofi_scheduler *const all[] = {
#define LOFI_SCHEDULER(name) &lofi_scheduler_##name,
#include "diffusion/schedulers.h"
};

const lofi_scheduler *lofi_scheduler_at(size_t index) {
    return index < sizeof all / sizeof *all ? all[index] : NULL;
}

const lofi_scheduler *lofi_scheduler_find(const char *name) {
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i]->name, name) == 0) return all[i];
    return NULL;
}

/* ---- noise levels ---- */

void lofi_noise_levels_plain(lofi_noise_levels *levels, const float *sigmas, int64_t steps) {
    levels->steps = levels->evaluations = steps;
    for (int64_t i = 0; i < steps; i++) {
        levels->sigmas[i] = sigmas[i];
        levels->timesteps[i] = sigmas[i] * (float)LOFI_FLOW_STEPS;
    }
    levels->sigmas[steps] = 0;
}

/* numpy.linspace in f64, then shifted. */
static void equal_strides(float *sigmas, int64_t steps) {
    lofi_flow_schedule training;
    lofi_flow_schedule_make(&training, LOFI_FLOW_SHIFT);
    double first = (double)training.sigmas[0] * LOFI_FLOW_STEPS;
    double last = (double)training.sigmas[LOFI_FLOW_STEPS - 1] * LOFI_FLOW_STEPS;
    double stride = steps > 1 ? (last - first) / (double)(steps - 1) : 0;
    for (int64_t i = 0; i < steps; i++) {
        double t = i > 0 && i == steps - 1 ? last : (double)i * stride + first;
        double s = t / LOFI_FLOW_STEPS;
        sigmas[i] = (float)(SHIFT * s / (1 + (SHIFT - 1) * s));
    }
}

lofi_code lofi_noise_levels_make(lofi_noise_levels *out, const lofi_scheduler *scheduler, int64_t steps,
                                 lofi_error *err) {
    float sigmas[LOFI_MAX_SAMPLING_STEPS];
    if (steps < 1 || steps > LOFI_MAX_SAMPLING_STEPS)
        return lofi_fail(err, LOFI_ERR_USAGE, "%lld sampling steps: expected 1 to %d", (long long)steps,
                         LOFI_MAX_SAMPLING_STEPS);
    equal_strides(sigmas, steps);
    scheduler->expand(out, sigmas, steps);
    return LOFI_OK;
}

lofi_code lofi_noise_levels_choose(lofi_noise_levels *out, const lofi_scheduler *scheduler, const int64_t *chosen,
                                   size_t count, lofi_error *err) {
    float sigmas[LOFI_MAX_SAMPLING_STEPS], picked[LOFI_MAX_SAMPLING_STEPS];
    if (!scheduler->takes_levels)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "the scheduler '%s' cannot take chosen steps", scheduler->name);
    if (count < 1 || count > LOFI_MAX_SAMPLING_STEPS)
        return lofi_fail(err, LOFI_ERR_USAGE, "%zu chosen steps: expected 1 to %d", count, LOFI_MAX_SAMPLING_STEPS);
    for (size_t i = 0; i < count; i++)
        if (chosen[i] < 1 || chosen[i] > LOFI_MAX_SAMPLING_STEPS || (i > 0 && chosen[i] <= chosen[i - 1]))
            return lofi_fail(err, LOFI_ERR_USAGE,
                             "chosen step number %zu is %lld: expected rising numbers from 1 to %d", i + 1,
                             (long long)chosen[i], LOFI_MAX_SAMPLING_STEPS);
    lofi_noise_levels plain;
    equal_strides(sigmas, chosen[count - 1]);
    lofi_noise_levels_plain(&plain, sigmas, chosen[count - 1]);
    for (size_t i = 0; i < count; i++) {
        float s = plain.timesteps[chosen[i] - 1] / (float)LOFI_FLOW_STEPS;
        picked[i] = LOFI_FLOW_SHIFT * s / (1.0f + (LOFI_FLOW_SHIFT - 1.0f) * s);
    }
    scheduler->expand(out, picked, (int64_t)count);
    return LOFI_OK;
}

/* ---- omega ---- */

double lofi_omega_factor(double omega) {
    const double lower = 0.9, upper = 1.1;
    return lower + (upper - lower) / (1 + exp(-0.1 * omega));
}

void lofi_omega_step(float *to, const float *from, const float *slope, float stride, int64_t count, double omega) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += (double)(stride * slope[i]);
    float mean = (float)(sum / (double)count), factor = (float)lofi_omega_factor(omega);
    for (int64_t i = 0; i < count; i++) to[i] = from[i] + ((stride * slope[i] - mean) * factor + mean);
}
