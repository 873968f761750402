/* upstream.h - training by the original trainer (`--engine ace-step`): the same checks, then its trainer.py with its flags.
 *
 * ACE_STEP_DIR must be a checkout of ACE-Step with trainer.py; its Python is ACE_STEP_DIR/venv/bin/python or .venv/bin/python
 * where one of them is, else python3. This program needs no Python; the original does.
 */
#ifndef LOFI_TRAIN_UPSTREAM_H
#define LOFI_TRAIN_UPSTREAM_H

#include "train/trainer.h"

/* Checks base model, dataset and audio, writes RUN/lora_config.json, and runs the trainer until it ends; its output goes where
 * ours goes. Settings that the original does not have are not looked at. dry_run: checks, and tells the command line.
 * LOFI_ERR_NOT_FOUND: no trainer or no Python; LOFI_ERR_INTERRUPTED: it was ended by SIGINT or SIGTERM; LOFI_ERR_IO: it
 * failed. */
lofi_code lofi_train_upstream(const lofi_train_settings *settings, lofi_log *log, lofi_error *err) LOFI_MUST_USE;

#endif
