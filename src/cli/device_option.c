/* device_option.c - see the header. */
#include "cli/device_option.h"

#include <string.h>

lofi_code lofi_use_device(lofi_device **out, const char *name, bool bf16, lofi_log *log, lofi_error *err) {
    LOFI_TRY(lofi_device_open(out, name, bf16, err));
    lofi_device_set_default(*out);
    if (*out && log)
        lofi_warn(
            log, "the kernels for GPUs have been tested in emulation only: 'lofi selftest --device %s' tests them here",
            (*out)->name);
    return LOFI_OK;
}

lofi_code lofi_use_device_in(lofi_device **out, const char *name, const char *precision, lofi_log *log,
                             lofi_error *err) {
    bool bf16 = strcmp(precision, "bf16") == 0;
    if (bf16 && strcmp(name, "cpu") == 0) {
        lofi_fail(err, LOFI_ERR_USAGE, "--precision bf16 is for GPUs: the arithmetic on the CPU is fp32");
        return lofi_hint(err, "name a GPU with --device, or leave --precision out");
    }
    return lofi_use_device(out, name, bf16, log, err);
}
