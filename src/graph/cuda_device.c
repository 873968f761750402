/* cuda_device.c - an NVIDIA GPU as a device of sessions: kernels/cuda.h seen through graph/device.h. Only in builds with CUDA. */
#include <stdio.h>
#include <stdlib.h>

#include "graph/device.h"
#include "graph/devices.h"
#include "kernels/cuda.h"

typedef struct cuda_device {
    lofi_device base;
    lofi_cuda *cuda;
} cuda_device;

static lofi_cuda *cuda_of(lofi_device *device) {
    return ((cuda_device *)device)->cuda;
}

static lofi_code allocate(lofi_device *device, void **memory, size_t bytes, const char *what, lofi_error *err) {
    return lofi_cuda_allocate(cuda_of(device), memory, bytes, what, err);
}

static void release(lofi_device *device, void *memory) {
    lofi_cuda_release(cuda_of(device), memory);
}

static lofi_code upload(lofi_device *device, void *to, const void *from, size_t bytes, lofi_error *err) {
    return lofi_cuda_upload(cuda_of(device), to, from, bytes, err);
}

static lofi_code download(lofi_device *device, void *to, const void *from, size_t bytes, lofi_error *err) {
    return lofi_cuda_download(cuda_of(device), to, from, bytes, err);
}

static lofi_code copy(lofi_device *device, void *to, const void *from, size_t bytes, lofi_error *err) {
    return lofi_cuda_copy(cuda_of(device), to, from, bytes, err);
}

static lofi_code fill(lofi_device *device, void *to, int byte, size_t bytes, lofi_error *err) {
    return lofi_cuda_fill(cuda_of(device), to, byte, bytes, err);
}

static const char *gap(const lofi_op *op) {
    return op->cuda ? NULL : op->cuda_gap;
}

static size_t workspace(const lofi_op *op, const lofi_call *call) {
    return op->cuda_workspace ? op->cuda_workspace(call) : 0;
}

static lofi_code launch(lofi_device *device, const lofi_op *op, const lofi_call *call, lofi_error *err) {
    LOFI_TRY(op->cuda(call, cuda_of(device), err));
    lofi_code code = lofi_cuda_launched(cuda_of(device), "a launch", err);
    return code == LOFI_OK ? code : lofi_error_prefix(err, "the operator '%s'", op->name);
}

static void know(lofi_device *device, void *memory, size_t bytes) {
    lofi_cuda_know(cuda_of(device), memory, bytes);
}

static void forget(lofi_device *device, void *memory) {
    lofi_cuda_forget(cuda_of(device), memory);
}

static lofi_code record(lofi_device *device, lofi_error *err) {
    return lofi_cuda_record(cuda_of(device), err);
}

static lofi_code recorded(lofi_device *device, void **recording, lofi_error *err) {
    return lofi_cuda_recorded(cuda_of(device), recording, err);
}

static lofi_code replay(lofi_device *device, void *recording, lofi_error *err) {
    return lofi_cuda_replay(cuda_of(device), recording, err);
}

static void drop(lofi_device *device, void *recording) {
    lofi_cuda_drop(cuda_of(device), recording);
}

static lofi_code add(lofi_device *device, float *to, const float *from, size_t count, lofi_error *err) {
    return lofi_cuda_add_array(cuda_of(device), to, from, count, err);
}

static lofi_code square_sum(lofi_device *device, double *sum, const float *values, size_t count, lofi_error *err) {
    return lofi_cuda_square_sum(cuda_of(device), sum, values, count, err);
}

static lofi_code adamw(lofi_device *device, const lofi_adamw_step *step, float *values, const float *gradient,
                       float *first, float *second, size_t count, lofi_error *err) {
    return lofi_cuda_adamw(cuda_of(device), step, values, gradient, first, second, count, err);
}

static lofi_code finish(lofi_device *device, lofi_error *err) {
    return lofi_cuda_finish(cuda_of(device), err);
}

static void close_device(lofi_device *device) {
    lofi_cuda_close(cuda_of(device));
    free(device);
}

static const lofi_device_kind kind = {.allocate = allocate,
                                      .release = release,
                                      .upload = upload,
                                      .download = download,
                                      .copy = copy,
                                      .fill = fill,
                                      .gap = gap,
                                      .workspace = workspace,
                                      .launch = launch,
                                      .know = know,
                                      .forget = forget,
                                      .record = record,
                                      .recorded = recorded,
                                      .replay = replay,
                                      .drop = drop,
                                      .add = add,
                                      .square_sum = square_sum,
                                      .adamw = adamw,
                                      .finish = finish,
                                      .close = close_device};

lofi_code lofi_device_open_cuda(lofi_device **out, int index, bool bf16, lofi_error *err) {
    cuda_device *device = calloc(1, sizeof *device);
    if (!device) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a device");
    device->base = (lofi_device){.kind = &kind, .bf16 = bf16};
    snprintf(device->base.name, sizeof device->base.name, "cuda:%d", index);
    lofi_code code = lofi_cuda_open(&device->cuda, index, bf16, err);
    if (code != LOFI_OK) {
        free(device);
        return code;
    }
    *out = &device->base;
    return LOFI_OK;
}

bool lofi_device_built_for_cuda(void) {
    return true;
}

size_t lofi_device_list_cuda(lofi_device_facts *facts, size_t room, char reason[256]) {
    int count = lofi_cuda_count(reason);
    for (int i = 0; i < count && (size_t)i < room; i++) {
        lofi_cuda_facts found;
        lofi_cuda_look(&found, i);
        facts[i] = (lofi_device_facts){.memory_bytes = found.memory_bytes,
                                       .free_bytes = found.free_bytes,
                                       .capability = found.capability,
                                       .driver = found.driver,
                                       .runtime = found.runtime};
        snprintf(facts[i].name, sizeof facts[i].name, "cuda:%d", i);
        snprintf(facts[i].model, sizeof facts[i].model, "%s", found.name);
        snprintf(facts[i].reason, sizeof facts[i].reason, "%s", found.reason);
    }
    return (size_t)count;
}
