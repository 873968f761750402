/* case_schedules.c - the noise levels of training; those of the samplers are not computed yet. */
#include "diffusion/flow_schedule.h"
#include "eval/selftest_case.h"

#define LIMIT 1e-6

static lofi_code run_case(lofi_selftest *test, lofi_error *err) {
    static const char *const samplers[] = {"euler_", "heun_", "pingpong_"};
    lofi_flow_schedule schedule;
    lofi_flow_schedule_make(&schedule, LOFI_FLOW_SHIFT);
    int64_t steps = LOFI_FLOW_STEPS;
    LOFI_TRY(lofi_selftest_compare(test, "training.sigmas", schedule.sigmas, 1, &steps, LIMIT, err));
    LOFI_TRY(lofi_selftest_compare(test, "training.timesteps", schedule.timesteps, 1, &steps, LIMIT, err));
    for (size_t i = 0; i < sizeof samplers / sizeof *samplers; i++) {
        size_t found = lofi_selftest_use_prefix(test, samplers[i]);
        if (found > 0)
            LOFI_TRY(lofi_selftest_skip(test, err,
                                        "%s*: this build does not compute the sampler's schedules (%zu tensors)",
                                        samplers[i], found));
    }
    return LOFI_OK;
}

const lofi_selftest_case lofi_case_schedules = {.name = "schedules", .run = run_case};
