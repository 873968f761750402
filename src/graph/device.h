/* device.h - a processor with memory of its own that runs the nodes of a graph: what a session asks of it.
 *
 * A session without a device computes on the CPU. With one, activations and copies of the parameters lie in the device's
 * memory, operators are launched through a slot of their descriptor (graph/op.h), and the caller's inputs and outputs are
 * carried there and back (graph/session.h). Everything that is asked of a device happens in the order in which it was asked;
 * upload, copy, fill and launch may return before it has happened, and then a later call tells of a failure.
 *
 * A device is used by one thread at a time. It must outlive every session that uses it.
 */
#ifndef LOFI_GRAPH_DEVICE_H
#define LOFI_GRAPH_DEVICE_H

#include "graph/op.h"
#include "kernels/adamw.h"

typedef struct lofi_device lofi_device;

/* What a kind of device can do; every function takes the device itself first. */
typedef struct lofi_device_kind {
    /* *memory is yours: release. LOFI_ERR_MEMORY says what it was for, how much was wanted and how much is free. */
    lofi_code (*allocate)(lofi_device *device, void **memory, size_t bytes, const char *what, lofi_error *err);
    void (*release)(lofi_device *device, void *memory); /* NULL is fine */
    lofi_code (*upload)(lofi_device *device, void *to, const void *from, size_t bytes, lofi_error *err);
    /* Returns when the bytes are there, and everything asked before has happened. */
    lofi_code (*download)(lofi_device *device, void *to, const void *from, size_t bytes, lofi_error *err);
    lofi_code (*copy)(lofi_device *device, void *to, const void *from, size_t bytes, lofi_error *err);
    lofi_code (*fill)(lofi_device *device, void *to, int byte, size_t bytes, lofi_error *err);
    /* Why the operator cannot be launched here, or NULL when it can. */
    const char *(*gap)(const lofi_op *op);
    size_t (*workspace)(const lofi_op *op, const lofi_call *call);
    lofi_code (*launch)(lofi_device *device, const lofi_op *op, const lofi_call *call, lofi_error *err);
    /* Memory of this process that will travel often: the way is faster once the device knows of it. Not being able to is no error.
     * It must be told to forget before the memory is freed. */
    void (*know)(lofi_device *device, void *memory, size_t bytes);
    void (*forget)(lofi_device *device, void *memory);
    /* What is launched and copied between record and recorded is noted down and not done; *recording is yours: drop. replay does
     * all of it, with far less to do for this process than launching it anew. */
    lofi_code (*record)(lofi_device *device, lofi_error *err);
    lofi_code (*recorded)(lofi_device *device, void **recording, lofi_error *err);
    lofi_code (*replay)(lofi_device *device, void *recording, lofi_error *err);
    void (*drop)(lofi_device *device, void *recording); /* NULL is fine */
    /* Arithmetic on flat blocks of f32 in the device's memory, for what is done between the runs of a network; kernels/adamw.h. */
    lofi_code (*add)(lofi_device *device, float *to, const float *from, size_t count, lofi_error *err); /* to += from */
    /* *sum = sum of value^2, in f64; waits for it. */
    lofi_code (*square_sum)(lofi_device *device, double *sum, const float *values, size_t count, lofi_error *err);
    lofi_code (*adamw)(lofi_device *device, const lofi_adamw_step *step, float *values, const float *gradient,
                       float *first, float *second, size_t count, lofi_error *err);
    /* Waits until everything has happened. */
    lofi_code (*finish)(lofi_device *device, lofi_error *err);
    void (*close)(lofi_device *device);
} lofi_device_kind;

struct lofi_shared_copy;

struct lofi_device {
    const lofi_device_kind *kind;
    char name[32]; /* "cuda:0" */
    bool bf16;     /* products may round their operands to bf16; sums stay in f32 */
    /* Copies of parameters, shared by all sessions of the device; graph/residence.c. */
    struct lofi_shared_copy *copies;
    size_t copy_count, copy_capacity, copy_bytes;
};

void lofi_device_close(lofi_device *device); /* NULL is fine; after every session that used it */

/* Where the device keeps memory of the caller that a session there has as trainable or external, all of it in one piece; NULL when
 * no session has. From then on it is not carried any more, neither way: what is on the device counts, and kind->download fetches it,
 * as long as a session uses it. */
void *lofi_device_hold(lofi_device *device, const void *memory, size_t bytes);

/* The device of sessions whose options name none. It is NULL, the CPU, until somebody sets it: the command line, once. */
void lofi_device_set_default(lofi_device *device);
lofi_device *lofi_device_default(void);

#endif
