/* device_option.h - what --device and --precision of a command that runs networks come to. */
#ifndef LOFI_CLI_DEVICE_OPTION_H
#define LOFI_CLI_DEVICE_OPTION_H

#include "base/log.h"
#include "graph/devices.h"

#define LOFI_DEVICE_HELP "what computes the networks: cpu, cuda (the first GPU) or cuda:N"

/* Opens the device of that name ("cpu": *out is NULL) for all sessions that follow. bf16: products may round their operands there.
 * Of a GPU, `log` is told how far it has been tested; NULL: nobody is. *out is yours: lofi_device_close, after the last of these
 * sessions. Errors as of lofi_device_open. */
lofi_code lofi_use_device(lofi_device **out, const char *name, bool bf16, lofi_log *log, lofi_error *err) LOFI_MUST_USE;

/* For commands in which --precision ("fp32", "bf16") is a matter of the device alone: LOFI_ERR_USAGE for bf16 on the CPU. */
lofi_code lofi_use_device_in(lofi_device **out, const char *name, const char *precision, lofi_log *log,
                             lofi_error *err) LOFI_MUST_USE;

#endif
