/* record.h - what a run was made from: kept beside every checkpoint (training.json), and compared when a run goes on. */
#ifndef LOFI_TRAIN_RECORD_H
#define LOFI_TRAIN_RECORD_H

#include <jansson.h>

#include "models/loaded.h"
#include "train/trainer.h"

/* {"program", "experiment", "seed", "dataset_hash", "base_model_hash", "config_hash", "unlicensed_tracks", "configuration": {...}}.
 * ssl_hashes: of the self-supervised networks, [LOFI_SSL_KINDS], or NULL without alignment.
 * The base model's hash is SHA-256 over the names and contents of the transformer's weight files. *out is yours. */
lofi_code lofi_record_make(json_t **out, const lofi_train_settings *settings, const lofi_loaded *transformer,
                           const char *dataset_hash, const char *unlicensed, const char *const *ssl_hashes,
                           lofi_error *err) LOFI_MUST_USE;

/* A run that goes on must have the same base model, seed and adapter (LOFI_ERR_USAGE names the first that differs). Other
 * settings and the dataset may change; each change is warned about. */
lofi_code lofi_record_compare(const json_t *now, const json_t *before, lofi_log *log, lofi_error *err) LOFI_MUST_USE;

#endif
