/* flow_schedule.c - sigmas, timesteps and the density that they are drawn from; f32 as in the original. */
#include "diffusion/flow_schedule.h"

#include <math.h>

void lofi_flow_schedule_make(lofi_flow_schedule *schedule, float shift) {
    for (int i = 0; i < LOFI_FLOW_STEPS; i++) {
        float s = (float)(LOFI_FLOW_STEPS - i) / (float)LOFI_FLOW_STEPS;
        float sigma = shift * s / (1.0f + (shift - 1.0f) * s);
        schedule->sigmas[i] = sigma;
        schedule->timesteps[i] = sigma * (float)LOFI_FLOW_STEPS;
    }
}

int lofi_flow_index(float normal) {
    float density = 1.0f / (1.0f + expf(-normal));
    int index = (int)(density * (float)LOFI_FLOW_STEPS);
    return index < LOFI_FLOW_STEPS ? index : LOFI_FLOW_STEPS - 1;
}
