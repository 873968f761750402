/* metrics.h - what a run measured: one JSON object per line, and a picture of the loss.
 *
 * RUN/metrics.jsonl has one object per step: step, epoch, loss, denoising_loss, learning_rate, gradient_norm, seconds, and with the
 * self-supervised alignment mert_loss and m-hubert_loss (the original's names); held-out
 * measurements are objects with step, validation_loss and validation_spread. RUN/loss.svg shows them.
 */
#ifndef LOFI_TRAIN_METRICS_H
#define LOFI_TRAIN_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "models/ssl_encoder.h"

typedef struct lofi_step_metrics {
    int64_t step, epoch; /* step counts updates from 1 */
    double loss, denoising_loss, learning_rate, gradient_norm;
    double seconds; /* wall time of the step */
    int alignments; /* how many of the next there are */
    double alignment_loss[LOFI_SSL_KINDS];
} lofi_step_metrics;

typedef struct lofi_validation_metrics {
    int64_t step;
    double loss;   /* mean denoising loss over the held-out tracks */
    double spread; /* largest minus smallest over the seeds of its noise */
} lofi_validation_metrics;

typedef struct lofi_metrics lofi_metrics;

/* Opens RUN/metrics.jsonl for a run that stands at `step`: lines of later steps (from before a crash) are cut, earlier ones are
 * read back for the picture. -1: a run that begins anew, nothing is kept. *out is yours. */
lofi_code lofi_metrics_open(lofi_metrics **out, const char *run, int64_t step, lofi_error *err) LOFI_MUST_USE;
void lofi_metrics_close(lofi_metrics *metrics); /* NULL is fine */

/* LOFI_ERR_NUMERIC for values that are not finite; then, as after every failure, nothing is kept. */
lofi_code lofi_metrics_step(lofi_metrics *metrics, const lofi_step_metrics *values, lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_metrics_validation(lofi_metrics *metrics, const lofi_validation_metrics *values,
                                  lofi_error *err) LOFI_MUST_USE;
/* Whether a held-out measurement of that step is there already (a resumed run does not repeat it). */
bool lofi_metrics_has_validation(const lofi_metrics *metrics, int64_t step);

/* The mean loss of the last `count` steps (fewer at the beginning), 0 when there are none. */
double lofi_metrics_recent_loss(const lofi_metrics *metrics, size_t count);
/* The same for the first steps. */
double lofi_metrics_first_loss(const lofi_metrics *metrics, size_t count);
/* First and last held-out measurement; NULL when there is none. Borrowed until the next call that adds. */
const lofi_validation_metrics *lofi_metrics_first_validation(const lofi_metrics *metrics);
const lofi_validation_metrics *lofi_metrics_last_validation(const lofi_metrics *metrics);

/* Writes RUN/loss.svg; nothing while there is nothing to show. */
lofi_code lofi_metrics_picture(const lofi_metrics *metrics, lofi_error *err) LOFI_MUST_USE;

#endif
