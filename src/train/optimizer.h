/* optimizer.h - AdamW over one flat block, clipping by norm, and the learning rate's course; as PyTorch and the original
 * trainer compute them. */
#ifndef LOFI_TRAIN_OPTIMIZER_H
#define LOFI_TRAIN_OPTIMIZER_H

#include <stddef.h>
#include <stdint.h>

#include "graph/device.h"

/* Decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101), bias-corrected, in the order of torch.optim.AdamW. */
typedef struct lofi_adamw {
    double learning_rate, beta1, beta2, epsilon, weight_decay;
} lofi_adamw;
/* The original trainer's: betas 0.8 and 0.9, epsilon 1e-8, weight decay 0.01. */
#define LOFI_ADAMW_INIT                                                                                                \
    { 1e-4, 0.8, 0.9, 1e-8, 1e-2 }

/* One update of `values` [count] in place. first, second: moments [count], zero before update 1. `update` counts from 1.
 * The gradient is multiplied by gradient_factor first (clipping, accumulation). Element by element: threads change nothing. */
void lofi_adamw_update(const lofi_adamw *settings, int64_t update, float *values, const float *gradient,
                       double gradient_factor, float *first, float *second, size_t count, int threads);

/* The l2 norm, summed in f64 over chunks of fixed size in fixed order. Not finite when an element is not. */
double lofi_gradient_norm(const float *gradient, size_t count, int threads);
/* What a gradient of that norm is multiplied by so that it is at most max_norm: min(1, max_norm / (norm + 1e-6));
 * max_norm <= 0: 1. */
double lofi_clip_factor(double norm, double max_norm);

/* ---- where the adapter is ----
 * The same on the device where the network runs: values and gradient stay there from the first update on, and the moments lie
 * beside them; the caller's memory is brought up to date by lofi_optimizer_fetch only. Without a device everything is done in
 * the caller's memory, by the functions above. */

typedef struct lofi_optimizer lofi_optimizer;

/* Memory of the caller, `count` numbers each, that must outlive the optimizer. */
typedef struct lofi_optimizer_blocks {
    float *values;
    const float *gradient; /* what a run of the network writes */
    float *first, *second; /* moments, at the beginning */
    size_t count;
} lofi_optimizer_blocks;

/* visits: runs of the network, whose gradients are added up, for each update. *out is yours; it must be freed before the session
 * that writes the gradient. */
lofi_code lofi_optimizer_new(lofi_optimizer **out, const lofi_optimizer_blocks *blocks, lofi_device *device,
                             int64_t visits, int threads, lofi_error *err) LOFI_MUST_USE;
void lofi_optimizer_free(lofi_optimizer *optimizer); /* NULL is fine */

/* Takes the gradient of the run that has just ended; `visit` counts from 0 in each update. */
lofi_code lofi_optimizer_take(lofi_optimizer *optimizer, int64_t visit, lofi_error *err) LOFI_MUST_USE;
/* The norm of the sum of what was taken. */
lofi_code lofi_optimizer_norm(lofi_optimizer *optimizer, double *norm, lofi_error *err) LOFI_MUST_USE;
/* As lofi_adamw_update, with that sum. */
lofi_code lofi_optimizer_update(lofi_optimizer *optimizer, const lofi_adamw *settings, int64_t update,
                                double gradient_factor, lofi_error *err) LOFI_MUST_USE;
/* Values and moments, as they are now, to the caller's memory. */
lofi_code lofi_optimizer_fetch(lofi_optimizer *optimizer, lofi_error *err) LOFI_MUST_USE;

/* Linear from 0 over warmup_steps, then linear to 0 at max_steps; `step` counts from 0, so that the very first update has
 * rate 0. */
double lofi_learning_rate(double peak, int64_t step, int64_t warmup_steps, int64_t max_steps);

#endif
