/* devices.h - the devices that a build knows, by their names on the command line. */
#ifndef LOFI_GRAPH_DEVICES_H
#define LOFI_GRAPH_DEVICES_H

#include "graph/device.h"

/* "cpu" gives *out NULL; "cuda" is the first GPU, "cuda:N" number N, counted from 0. bf16: products may round their operands.
 * LOFI_ERR_USAGE for another name; LOFI_ERR_UNSUPPORTED says what the build, the machine or the GPU lacks. *out is yours:
 * lofi_device_close. */
lofi_code lofi_device_open(lofi_device **out, const char *name, bool bf16, lofi_error *err) LOFI_MUST_USE;

/* A GPU, for reports. */
typedef struct lofi_device_facts {
    char name[32], model[128];
    size_t memory_bytes, free_bytes;
    int capability;      /* 90 for 9.0 */
    int driver, runtime; /* CUDA versions, 13000 for 13.0: the newest that the driver serves, and the program's */
    char reason[256];    /* why it cannot be used; "" when it can */
} lofi_device_facts;

bool lofi_device_built_for_cuda(void);
/* How many GPUs there are; facts about the first `room` of them. 0 with a reason: what the build or the machine lacks. */
size_t lofi_device_list_cuda(lofi_device_facts *facts, size_t room, char reason[256]);

/* Inside of graph/: cuda_device.c, or no_cuda.c in builds without CUDA. */
lofi_code lofi_device_open_cuda(lofi_device **out, int index, bool bf16, lofi_error *err) LOFI_MUST_USE;

#endif
