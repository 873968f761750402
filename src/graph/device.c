/* device.c - see the header. */
#include "graph/device.h"

static lofi_device *default_device;

void lofi_device_close(lofi_device *device) {
    if (!device) return;
    if (default_device == device) default_device = NULL;
    device->kind->close(device);
}

void lofi_device_set_default(lofi_device *device) {
    default_device = device;
}

lofi_device *lofi_device_default(void) {
    return default_device;
}
