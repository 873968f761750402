/* no_cuda.c - in the place of cuda_device.c in builds without CUDA. */
#include <stdio.h>

#include "graph/devices.h"

#define LACKS "this build computes on the CPU only"

lofi_code lofi_device_open_cuda(lofi_device **out, int index, bool bf16, lofi_error *err) {
    (void)out, (void)bf16;
    lofi_fail(err, LOFI_ERR_UNSUPPORTED, "device cuda:%d is not available: " LACKS, index);
    return lofi_hint(err, "build with the preset 'cuda' (docs/building.md), or leave --device out");
}

bool lofi_device_built_for_cuda(void) {
    return false;
}

size_t lofi_device_list_cuda(lofi_device_facts *facts, size_t room, char reason[256]) {
    (void)facts, (void)room;
    snprintf(reason, 256, "%s", LACKS);
    return 0;
}
