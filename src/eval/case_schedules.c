/* case_schedules.c - the noise levels of training, and those of each scheduler for every number of steps that is recorded. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diffusion/flow_schedule.h"
#include "diffusion/scheduler.h"
#include "eval/selftest_case.h"

#define LIMIT 1e-6

/* "euler_27.sigmas": the scheduler and the number of steps; false when the name says something else. */
static bool parse_name(const char *name, const lofi_scheduler **scheduler, int64_t *steps) {
    static const char suffix[] = ".sigmas";
    char head[128], *end;
    size_t length = strlen(name), tail = sizeof suffix - 1;
    if (length <= tail || length - tail >= sizeof head || strcmp(name + length - tail, suffix) != 0) return false;
    snprintf(head, sizeof head, "%.*s", (int)(length - tail), name);
    char *number = strrchr(head, '_');
    if (!number) return false;
    *number++ = '\0';
    *scheduler = lofi_scheduler_find(head);
    *steps = strtoll(number, &end, 10);
    return *scheduler && *number && !*end;
}

static lofi_code compare_levels(lofi_selftest *test, const char *sigmas, const lofi_scheduler *scheduler, int64_t steps,
                                lofi_error *err) {
    char timesteps[256];
    lofi_noise_levels *levels = lofi_arena_alloc(test->arena, sizeof *levels);
    if (!levels) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the self-test");
    if (lofi_noise_levels_make(levels, scheduler, steps, err) != LOFI_OK)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' names no number of steps that can be sampled", sigmas);
    int64_t count = levels->evaluations, more = count + 1;
    snprintf(timesteps, sizeof timesteps, "%s_%lld.timesteps", scheduler->name, (long long)steps);
    LOFI_TRY(lofi_selftest_compare(test, sigmas, levels->sigmas, 1, &more, LIMIT, err));
    return lofi_selftest_compare(test, timesteps, levels->timesteps, 1, &count, LIMIT, err);
}

static lofi_code run_case(lofi_selftest *test, lofi_error *err) {
    lofi_flow_schedule schedule;
    lofi_flow_schedule_make(&schedule, LOFI_FLOW_SHIFT);
    int64_t count = LOFI_FLOW_STEPS, steps;
    LOFI_TRY(lofi_selftest_compare(test, "training.sigmas", schedule.sigmas, 1, &count, LIMIT, err));
    LOFI_TRY(lofi_selftest_compare(test, "training.timesteps", schedule.timesteps, 1, &count, LIMIT, err));
    for (size_t i = 0; i < lofi_safetensors_count(test->recorded); i++) {
        const char *name = lofi_safetensors_at(test->recorded, i)->name;
        const lofi_scheduler *scheduler;
        if (parse_name(name, &scheduler, &steps)) LOFI_TRY(compare_levels(test, name, scheduler, steps, err));
    }
    return LOFI_OK;
}

const lofi_selftest_case lofi_case_schedules = {.name = "schedules", .run = run_case};
