/* selftest_case.h - what a case of the self-test is, and what it may call. Inside of eval/ only.
 *
 * A case reads recorded inputs, lets the program compute, and compares each recorded output by its name. What it compares
 * is also what --save-outputs writes. Tensors of the file that it neither reads nor compares are listed as skipped by
 * the runner, so nothing is left out silently.
 */
#ifndef LOFI_EVAL_SELFTEST_CASE_H
#define LOFI_EVAL_SELFTEST_CASE_H

#include <jansson.h>
#include <stdint.h>

#include "base/file.h"
#include "base/memory.h"
#include "eval/selftest.h"
#include "store/safetensors.h"

typedef struct lofi_selftest lofi_selftest;

typedef struct lofi_selftest_case {
    const char *name; /* of the file in cases/, without extension */
    bool json;        /* CASE.json instead of CASE.safetensors    */
    /* A failure means that the reference is missing something or damaged; LOFI_ERR_UNSUPPORTED that this build cannot
     * compute it, which counts as skipped. Differences are no failure. */
    lofi_code (*run)(lofi_selftest *test, lofi_error *err);
} lofi_selftest_case;

struct lofi_selftest {
    const lofi_selftest_options *options;
    lofi_selftest_report *report;
    lofi_log *log;
    lofi_arena *arena; /* lives as long as the case */
    const lofi_selftest_case *now;
    lofi_safetensors *recorded;  /* NULL for cases in JSON            */
    bool *used;                  /* one per tensor of `recorded`      */
    json_t *document;            /* NULL for cases in safetensors     */
    lofi_stored_tensor *outputs; /* for --save-outputs; their data is in the arena */
    size_t output_count, output_capacity;
    json_t *output_document; /* for --save-outputs, of cases in JSON; owned */
};

/* The reference's folder and a name in it. */
lofi_code lofi_selftest_path(char path[LOFI_PATH_MAX], const lofi_selftest *test, const char *name,
                             lofi_error *err) LOFI_MUST_USE;

/* ---- recorded tensors ---- */

/* A tensor of `file`, of that rank, no dimension 0; LOFI_ERR_NOT_FOUND or LOFI_ERR_FORMAT naming file and tensor. */
lofi_code lofi_recorded_get(const lofi_stored_tensor **out, const lofi_safetensors *file, const char *name, int rank,
                            lofi_error *err) LOFI_MUST_USE;
/* The same from the case's own file; it counts as used. */
lofi_code lofi_selftest_input(const lofi_stored_tensor **out, lofi_selftest *test, const char *name, int rank,
                              lofi_error *err) LOFI_MUST_USE;
/* Elements first .. first + count - 1 as f32, or as integers (LOFI_ERR_FORMAT when they are none), in the case's arena. */
lofi_code lofi_recorded_f32(const float **out, lofi_selftest *test, const lofi_stored_tensor *tensor, size_t first,
                            size_t count, lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_recorded_ids(const int64_t **out, lofi_selftest *test, const lofi_stored_tensor *tensor,
                            lofi_error *err) LOFI_MUST_USE;

/* ---- verdicts ---- */

/* Compares ours [dims] with the recorded tensor `name` and keeps it as an output. Another shape, or no such tensor, is
 * a failed result resp. a failure. */
lofi_code lofi_selftest_compare(lofi_selftest *test, const char *name, const float *ours, int rank, const int64_t *dims,
                                double limit, lofi_error *err) LOFI_MUST_USE;
/* As many values as recorded, seen in the recorded shape. */
lofi_code lofi_selftest_compare_flat(lofi_selftest *test, const char *name, const float *ours, int64_t count,
                                     double limit, lofi_error *err) LOFI_MUST_USE;
/* The same for whole numbers. */
lofi_code lofi_selftest_compare_integers(lofi_selftest *test, const char *name, const int64_t *ours, int64_t count,
                                         double limit, lofi_error *err) LOFI_MUST_USE;
/* Compares a second way of computing `name`; shown as `label`, not kept. */
lofi_code lofi_selftest_compare_again(lofi_selftest *test, const char *label, const char *name, const float *ours,
                                      int64_t count, double limit, lofi_error *err) LOFI_MUST_USE;
/* Recorded, and we have nothing of that name: a failed result. */
lofi_code lofi_selftest_absent(lofi_selftest *test, const char *name, double limit, lofi_error *err) LOFI_MUST_USE;
/* Tokens: how many of `total` ids differ; the limit is 0. */
lofi_code lofi_selftest_tokens(lofi_selftest *test, const char *name, size_t differing, size_t total,
                               lofi_error *err) LOFI_MUST_USE;
/* A part of the case that is not compared, and why. */
lofi_code lofi_selftest_skip(lofi_selftest *test, lofi_error *err, const char *format, ...)
    LOFI_PRINTF(3, 4) LOFI_MUST_USE;
/* All tensors whose names begin with `prefix` count as used; returns how many there are. */
size_t lofi_selftest_use_prefix(lofi_selftest *test, const char *prefix);

/* ---- token ids ---- */

/* How many of the recorded ids (a JSON array) differ from ours, position by position; what one of them has more counts too. */
size_t lofi_selftest_differing(const json_t *recorded, const int64_t *ours, size_t count);
/* The recorded entries: an array `key` of the case's document, each with at least `width` values. */
lofi_code lofi_selftest_entries(const json_t **out, const lofi_selftest *test, const char *key, size_t width,
                                lofi_error *err) LOFI_MUST_USE;
/* A new JSON array of ids, NULL when memory is out. */
json_t *lofi_selftest_ids_json(const int64_t *ids, size_t count);

#endif
