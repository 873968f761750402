/* flow_schedule.h - the noise levels of training: flow matching with shifted sigmas.
 *
 * Must match ACE-Step's FlowMatchEulerDiscreteScheduler (num_train_timesteps 1000, shift 3) and get_timestep of trainer.py,
 * in f32: s = i / 1000 for i = 1000 .. 1; sigma = shift s / (1 + (shift - 1) s); timestep = 1000 sigma.
 */
#ifndef LOFI_DIFFUSION_FLOW_SCHEDULE_H
#define LOFI_DIFFUSION_FLOW_SCHEDULE_H

#include <stdint.h>

#define LOFI_FLOW_STEPS 1000
#define LOFI_FLOW_SHIFT 3.0f

typedef struct lofi_flow_schedule {
    float sigmas[LOFI_FLOW_STEPS];    /* from 1 (noise) downwards */
    float timesteps[LOFI_FLOW_STEPS]; /* what the network is told: 1000 sigma */
} lofi_flow_schedule;

void lofi_flow_schedule_make(lofi_flow_schedule *schedule, float shift);

/* The index that a standard normal number u is mapped to: floor(1000 / (1 + exp(-u))), at most 999: logit-normal (0, 1)
 * density (Esser et al., arXiv 2403.03206, section 3.1). */
int lofi_flow_index(float normal);

#endif
