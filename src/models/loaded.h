/* loaded.h - one component of a checkpoint folder, ready to be built: its config.json and its mapped weights.
 *
 * Opening checks everything against the table that the network declares for this config, so that building cannot meet
 * a surprise: all missing, misshapen and wrongly typed tensors are told at once. Weights stay in the mapped file; what a
 * network wants as f32 (and what lies at an odd address) is converted once, when first asked for, and kept.
 */
#ifndef LOFI_MODELS_LOADED_H
#define LOFI_MODELS_LOADED_H

#include "models/model.h"
#include "store/weights.h"

/* ---- a table against files ---- */

typedef enum lofi_fault_kind {
    LOFI_FAULT_MISSING, /* declared, not in the files           */
    LOFI_FAULT_SHAPE,   /* there, with another shape            */
    LOFI_FAULT_TYPE,    /* there, not as F32, BF16 or F16       */
    LOFI_FAULT_EXTRA    /* in the files, not declared: harmless */
} lofi_fault_kind;

typedef struct lofi_weight_fault {
    lofi_fault_kind kind;
    const char *name;
    const lofi_weight_entry *expected; /* NULL: EXTRA   */
    const lofi_stored_tensor *found;   /* NULL: MISSING */
    bool harmless;                     /* nothing reads that tensor */
} lofi_weight_fault;

typedef struct lofi_fault_list {
    lofi_weight_fault *items; /* in the order of the table, then the extra ones by name */
    size_t count, capacity;
    size_t harmful;
} lofi_fault_list;

/* Compares a table with files; *list is yours. Names of tied tensors (model->canonical_name) count as one tensor. */
lofi_code lofi_weights_compare(lofi_fault_list *list, const lofi_model *model, const lofi_weight_table *table,
                               const lofi_weights *weights, lofi_error *err) LOFI_MUST_USE;
void lofi_fault_list_free(lofi_fault_list *list); /* fine on a zeroed one */
/* "missing tensor 'a.b' [64, 64]", "'c.d' is [3, 4], expected [4, 3]", ... */
void lofi_weight_fault_text(char text[512], const lofi_weight_fault *fault);
/* The tensor of a declared weight: under its own name or one that it is tied to; NULL when neither is there. */
const lofi_stored_tensor *lofi_weights_find_declared(const lofi_model *model, const lofi_weights *weights,
                                                     const char *name);

/* ---- a component ---- */

typedef struct lofi_loaded lofi_loaded;

/* Reads FOLDER/config.json and maps the weights. *out is yours: lofi_loaded_close. Harmful faults are LOFI_ERR_FORMAT
 * (LOFI_ERR_NOT_FOUND when all of them are missing tensors) with how many and the first of them. */
lofi_code lofi_loaded_open(lofi_loaded **out, const lofi_model *model, const char *folder,
                           lofi_error *err) LOFI_MUST_USE;
/* The same for a network without config.json: `describe` makes the config from the tensors. */
lofi_code lofi_loaded_open_described(lofi_loaded **out, const lofi_model *model, const char *folder,
                                     lofi_code (*describe)(json_t **config, const lofi_weights *weights,
                                                           lofi_error *err),
                                     lofi_error *err) LOFI_MUST_USE;
/* After every graph that was built from it. */
void lofi_loaded_close(lofi_loaded *loaded); /* NULL is fine */

/* Borrowed, as is everything below. */
const json_t *lofi_loaded_config(const lofi_loaded *loaded);
const char *lofi_loaded_folder(const lofi_loaded *loaded);
const lofi_model *lofi_loaded_model(const lofi_loaded *loaded);
const lofi_weight_table *lofi_loaded_table(const lofi_loaded *loaded);
const lofi_weights *lofi_loaded_weights(const lofi_loaded *loaded);
/* For lofi_builder.source. Not for several threads at once. */
const lofi_weight_source *lofi_loaded_source(lofi_loaded *loaded);
/* Bytes of converted copies so far. */
size_t lofi_loaded_converted_bytes(const lofi_loaded *loaded);

#endif
