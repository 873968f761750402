/* selftest.h - does this build on this machine compute what the original computes?
 *
 * A reference is a folder with small networks and what the original code computed with them:
 *     model/       a checkpoint folder (ace_step_transformer, umt5-base, music_dcae_f8c8, music_vocoder)
 *     adapters/    one adapter as diffusers/ and as peft/ hold it
 *     cases/       CASE.safetensors or CASE.json: recorded inputs and outputs
 *     small_lyric_vocab.json
 * All sizes are read from its configs and tensors. How a case is added: eval/cases.h.
 */
#ifndef LOFI_EVAL_SELFTEST_H
#define LOFI_EVAL_SELFTEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/log.h"

typedef struct lofi_selftest_options {
    const char *reference;   /* folder                                                                         */
    const char *const *only; /* names of cases; with only_count 0: all                                         */
    size_t only_count;
    const char *save_outputs; /* folder for what was computed, made when it is not there; NULL: nothing is kept */
    const char *ace_step_dir; /* where the original's lyric vocabulary may be; may be NULL                      */
    int threads;              /* of the arithmetic; 0: all                                                      */
    bool list;                /* only find out what would be run: report->planned                               */
} lofi_selftest_options;

/* One tensor compared. */
typedef struct lofi_selftest_result {
    const char *case_name, *tensor;
    double relative_error; /* ||ours - recorded|| / ||recorded||, l2, in f64; for tokens the share of ids that differ */
    double max_abs_error;  /* largest |ours - recorded|; for tokens how many ids differ                               */
    double limit;          /* of relative_error                                                                       */
    bool passed;           /* false also when an error is not a number, or when there was nothing to compare          */
} lofi_selftest_result;

typedef struct lofi_selftest_note {
    const char *case_name, *reason;
} lofi_selftest_note;

typedef struct lofi_selftest_report {
    lofi_selftest_result *results;
    size_t result_count, result_capacity;
    size_t passed, failed;
    lofi_selftest_note *skipped; /* what was not compared, and why: a case or a part of one */
    size_t skipped_count, skipped_capacity;
    lofi_selftest_note *damaged; /* cases that could not be run to their end */
    size_t damaged_count, damaged_capacity;
    lofi_error damage;    /* the first of them; LOFI_OK: none */
    const char **planned; /* with options.list */
    size_t planned_count, planned_capacity;
    struct lofi_arena *arena; /* holds all texts */
} lofi_selftest_report;

/* Runs every case that is there and known. LOFI_OK also when limits were passed or cases are damaged: the report says so
 * (one damaged case does not keep the others from being run). Failures: LOFI_ERR_USAGE for an unknown name in `only`,
 * LOFI_ERR_NOT_FOUND when the reference or a case asked for is not there, LOFI_ERR_IO when outputs cannot be written,
 * LOFI_ERR_INTERRUPTED. *report is filled as far as things went and is yours in any case: lofi_selftest_report_free. */
lofi_code lofi_selftest_run(lofi_selftest_report *report, const lofi_selftest_options *options, lofi_log *log,
                            lofi_error *err) LOFI_MUST_USE;
void lofi_selftest_report_free(lofi_selftest_report *report); /* zeroes it; fine on a zeroed one */

#endif
