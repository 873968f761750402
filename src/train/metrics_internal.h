/* metrics_internal.h - the inside of lofi_metrics, for metrics.c and loss_picture.c. */
#ifndef LOFI_TRAIN_METRICS_INTERNAL_H
#define LOFI_TRAIN_METRICS_INTERNAL_H

#include "base/file.h"
#include "train/metrics.h"

struct lofi_metrics {
    char run[LOFI_PATH_MAX];
    lofi_line_log *log;
    lofi_step_metrics *steps;
    size_t step_count, step_capacity;
    lofi_validation_metrics *validations;
    size_t validation_count, validation_capacity;
};

#endif
