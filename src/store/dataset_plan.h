/* dataset_plan.h - inside of a plan, shared by dataset_build.c (makes it) and dataset_manifest.c (writes it). */
#ifndef LOFI_STORE_DATASET_PLAN_H
#define LOFI_STORE_DATASET_PLAN_H

#include "base/memory.h"
#include "store/dataset_build.h"

struct lofi_dataset_plan {
    lofi_arena *arena;
    lofi_dataset_request request;
    char data_dir[LOFI_PATH_MAX]; /* absolute */
    lofi_planned_track *tracks;   /* sorted by id */
    size_t count;
    const lofi_planned_track **split_tracks[2]; /* in row order */
    const lofi_dataset_track **split_rows[2];   /* the same, as rows */
    size_t split_sizes[2], split_count;
    json_t *failed, *excluded, *admitted, *review, *duplicates;
    json_t *ids; /* track ids that are in */
    double seconds;
    char hash[LOFI_SHA256_HEX];
};

extern const char *const lofi_dataset_split_names[2];

#endif
