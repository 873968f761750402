/* optimizer.c - single loops over flat blocks, here or on a device. */
#include "train/optimizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "kernels/parallel.h"

#define CHUNK 65536

static lofi_adamw_step step_of(const lofi_adamw *settings, int64_t update, double gradient_factor) {
    double correction1 = 1.0 - pow(settings->beta1, (double)update),
           correction2 = 1.0 - pow(settings->beta2, (double)update);
    return (lofi_adamw_step){.factor = (float)gradient_factor,
                             .beta1 = (float)settings->beta1,
                             .beta2 = (float)settings->beta2,
                             .rest1 = (float)(1.0 - settings->beta1),
                             .rest2 = (float)(1.0 - settings->beta2),
                             .keep = (float)(1.0 - settings->learning_rate * settings->weight_decay),
                             .step_size = (float)(settings->learning_rate / correction1),
                             .root_correction = (float)sqrt(correction2),
                             .epsilon = (float)settings->epsilon};
}

void lofi_adamw_update(const lofi_adamw *settings, int64_t update, float *values, const float *gradient,
                       double gradient_factor, float *first, float *second, size_t count, int threads) {
    lofi_adamw_step step = step_of(settings, update, gradient_factor);
    lofi_adamw_array(&step, values, gradient, first, second, count, threads);
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

/* ---- where the adapter is ---- */

struct lofi_optimizer {
    lofi_optimizer_blocks blocks;
    lofi_device *device; /* NULL: everything is in the caller's memory */
    int64_t visits;
    int threads;
    float *sum; /* of gradients, where there is more than one visit; the device's with a device */
    /* On a device, from the first visit on. */
    bool settled;
    float *values, *gradient, *first, *second;
};

static size_t bytes_of(const lofi_optimizer *o) {
    return o->blocks.count * sizeof(float);
}

lofi_code lofi_optimizer_new(lofi_optimizer **out, const lofi_optimizer_blocks *blocks, lofi_device *device,
                             int64_t visits, int threads, lofi_error *err) {
    lofi_optimizer *o = calloc(1, sizeof *o);
    if (!o) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for an optimizer");
    *o = (lofi_optimizer){.blocks = *blocks, .device = device, .visits = visits, .threads = threads};
    lofi_code code = LOFI_OK;
    if (visits > 1 && !device)
        code = lofi_alloc((void **)&o->sum, blocks->count, sizeof(float), "the sum of gradients", err);
    if (code == LOFI_OK)
        *out = o;
    else
        free(o);
    return code;
}

void lofi_optimizer_free(lofi_optimizer *o) {
    if (!o) return;
    if (o->device) {
        o->device->kind->release(o->device, o->first);
        o->device->kind->release(o->device, o->second);
        o->device->kind->release(o->device, o->sum);
    } else {
        lofi_free(o->sum);
    }
    free(o);
}

static lofi_code place_moment(lofi_optimizer *o, float **place, const float *from, const char *what, lofi_error *err) {
    if (!*place) LOFI_TRY(o->device->kind->allocate(o->device, (void **)place, bytes_of(o), what, err));
    return o->device->kind->upload(o->device, *place, from, bytes_of(o), err);
}

/* The network has run once, so its session has brought adapter and gradient there. */
static lofi_code settle(lofi_optimizer *o, lofi_error *err) {
    lofi_device *device = o->device;
    o->values = lofi_device_hold(device, o->blocks.values, bytes_of(o));
    o->gradient = lofi_device_hold(device, o->blocks.gradient, bytes_of(o));
    if (!o->values || !o->gradient)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "%s does not hold the adapter in one piece", device->name);
    LOFI_TRY(place_moment(o, &o->first, o->blocks.first, "the optimizer's first moments", err));
    LOFI_TRY(place_moment(o, &o->second, o->blocks.second, "the optimizer's second moments", err));
    if (o->visits > 1 && !o->sum)
        LOFI_TRY(device->kind->allocate(device, (void **)&o->sum, bytes_of(o), "the sum of gradients", err));
    o->settled = true;
    return LOFI_OK;
}

static lofi_code take_on_device(lofi_optimizer *o, int64_t visit, lofi_error *err) {
    lofi_code code = o->settled ? LOFI_OK : settle(o, err);
    if (code == LOFI_ERR_MEMORY) lofi_hint(err, "a smaller --lora-rank and shorter songs need less");
    LOFI_TRY(code);
    if (o->visits == 1) return LOFI_OK;
    if (visit == 0) return o->device->kind->copy(o->device, o->sum, o->gradient, bytes_of(o), err);
    return o->device->kind->add(o->device, o->sum, o->gradient, o->blocks.count, err);
}

lofi_code lofi_optimizer_take(lofi_optimizer *o, int64_t visit, lofi_error *err) {
    const float *gradient = o->blocks.gradient;
    if (o->device) return take_on_device(o, visit, err);
    if (o->visits > 1 && visit == 0) memcpy(o->sum, gradient, bytes_of(o));
    for (size_t i = 0; visit > 0 && i < o->blocks.count; i++) o->sum[i] += gradient[i];
    return LOFI_OK;
}

lofi_code lofi_optimizer_norm(lofi_optimizer *o, double *norm, lofi_error *err) {
    if (!o->device) {
        *norm = lofi_gradient_norm(o->sum ? o->sum : o->blocks.gradient, o->blocks.count, o->threads);
        return LOFI_OK;
    }
    double sum;
    LOFI_TRY(o->device->kind->square_sum(o->device, &sum, o->sum ? o->sum : o->gradient, o->blocks.count, err));
    *norm = sqrt(sum);
    return LOFI_OK;
}

lofi_code lofi_optimizer_update(lofi_optimizer *o, const lofi_adamw *settings, int64_t update, double gradient_factor,
                                lofi_error *err) {
    const lofi_optimizer_blocks *b = &o->blocks;
    lofi_adamw_step step = step_of(settings, update, gradient_factor);
    if (o->device)
        return o->device->kind->adamw(o->device, &step, o->values, o->sum ? o->sum : o->gradient, o->first, o->second,
                                      b->count, err);
    lofi_adamw_array(&step, b->values, o->sum ? o->sum : b->gradient, b->first, b->second, b->count, o->threads);
    return LOFI_OK;
}

lofi_code lofi_optimizer_fetch(lofi_optimizer *o, lofi_error *err) {
    if (!o->settled) return LOFI_OK; /* everything is in the caller's memory */
    LOFI_TRY(o->device->kind->download(o->device, o->blocks.values, o->values, bytes_of(o), err));
    LOFI_TRY(o->device->kind->download(o->device, o->blocks.first, o->first, bytes_of(o), err));
    return o->device->kind->download(o->device, o->blocks.second, o->second, bytes_of(o), err);
}
