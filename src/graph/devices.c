/* devices.c - see the header. */
#include "graph/devices.h"

#include <stdlib.h>
#include <string.h>

lofi_code lofi_device_open(lofi_device **out, const char *name, bool bf16, lofi_error *err) {
    if (strcmp(name, "cpu") == 0) {
        *out = NULL;
        return LOFI_OK;
    }
    if (strcmp(name, "cuda") == 0) return lofi_device_open_cuda(out, 0, bf16, err);
    if (strncmp(name, "cuda:", 5) == 0 && name[5] >= '0' && name[5] <= '9') {
        char *end;
        long index = strtol(name + 5, &end, 10);
        if (*end == 0 && index < 1024) return lofi_device_open_cuda(out, (int)index, bf16, err);
    }
    lofi_fail(err, LOFI_ERR_USAGE, "'%s' is no device", name);
    return lofi_hint(err, "it is one of cpu, cuda, cuda:N with N counted from 0");
}
