/* residence.c - see the header. Copies are found again by the address and size of the caller's memory, which lives as long as the
 * sessions that count as users of the copy. */
#include "graph/residence.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "graph/graph_internal.h"

typedef enum copy_role { FROZEN, TRAINABLE, EXTERNAL } copy_role;

struct lofi_shared_copy {
    void *from; /* the caller's memory */
    size_t bytes;
    void *memory; /* the device's */
    int users;
    copy_role role;
    bool held; /* see lofi_device_hold */
};

/* A tensor whose memory the caller changes or reads: trainable or external. */
typedef struct resident {
    int tensor;
    unsigned char *from;
    size_t bytes;
    copy_role role;
} resident;

struct lofi_residence {
    lofi_device *device;
    void **places;
    void **
        used; /* copies that this one uses, by their memory on the device: those that travel with every run come last */
    size_t used_count, frozen_count;
};

/* ---- shared copies ---- */

/* What is frozen for one session and trained by another has two copies. */
static struct lofi_shared_copy *find_copy(const lofi_device *device, const void *from, size_t bytes, copy_role role) {
    for (size_t i = 0; i < device->copy_count; i++) {
        struct lofi_shared_copy *copy = &device->copies[i];
        if (copy->from == from && copy->bytes == bytes && copy->role == role) return copy;
    }
    return NULL;
}

static struct lofi_shared_copy *copy_in(const lofi_device *device, const void *memory) {
    struct lofi_shared_copy *copy = device->copies;
    while (copy->memory != memory) copy++;
    return copy;
}

/* Frozen ones travel once, here; the others travel with every run, so the device gets to know their memory. */
static lofi_code add_copy(lofi_device *device, struct lofi_shared_copy copy, struct lofi_shared_copy **out,
                          lofi_error *err) {
    static const char *const what[] = {"the weights of a network", "an adapter", "gradients"};
    LOFI_TRY(lofi_grow((void **)&device->copies, &device->copy_capacity, device->copy_count + 1, sizeof *device->copies,
                       SIZE_MAX / sizeof *device->copies, err));
    LOFI_TRY(device->kind->allocate(device, &copy.memory, copy.bytes, what[copy.role], err));
    lofi_code code = LOFI_OK;
    if (copy.role == FROZEN) code = device->kind->upload(device, copy.memory, copy.from, copy.bytes, err);
    if (code != LOFI_OK) {
        device->kind->release(device, copy.memory);
        return code;
    }
    if (copy.role != FROZEN) device->kind->know(device, copy.from, copy.bytes);
    device->copies[device->copy_count] = copy;
    device->copy_bytes += copy.bytes;
    *out = &device->copies[device->copy_count++];
    return LOFI_OK;
}

static void drop_copy(lofi_device *device, const void *memory) {
    struct lofi_shared_copy *copy = copy_in(device, memory);
    if (--copy->users > 0) return;
    if (copy->role != FROZEN) device->kind->forget(device, copy->from);
    device->kind->release(device, copy->memory);
    device->copy_bytes -= copy->bytes;
    *copy = device->copies[--device->copy_count];
    if (device->copy_count) return;
    free(device->copies);
    device->copies = NULL;
    device->copy_capacity = 0;
}

/* The device's memory for that of the caller. */
static lofi_code use(lofi_residence *r, void *from, size_t bytes, copy_role role, void **memory, lofi_error *err) {
    struct lofi_shared_copy *copy = find_copy(r->device, from, bytes, role);
    if (!copy)
        LOFI_TRY(
            add_copy(r->device, (struct lofi_shared_copy){.from = from, .bytes = bytes, .role = role}, &copy, err));
    copy->users++;
    *memory = copy->memory;
    r->used[r->used_count++] = copy->memory;
    return LOFI_OK;
}

void *lofi_device_hold(lofi_device *device, const void *memory, size_t bytes) {
    struct lofi_shared_copy *copy = find_copy(device, memory, bytes, TRAINABLE);
    if (!copy) copy = find_copy(device, memory, bytes, EXTERNAL);
    if (!copy) return NULL;
    copy->held = true;
    return copy->memory;
}

/* ---- one graph ---- */

static int by_address(const void *a, const void *b) {
    const resident *x = a, *y = b;
    if (x->role != y->role) return (int)x->role - (int)y->role;
    return x->from < y->from ? -1 : x->from > y->from;
}

/* Neighbours in the caller's memory share a copy. */
static lofi_code use_pieces(lofi_residence *r, resident *residents, size_t count, lofi_error *err) {
    qsort(residents, count, sizeof *residents, by_address);
    for (size_t first = 0, end; first < count; first = end) {
        const resident *start = &residents[first];
        size_t bytes = 0;
        void *memory;
        for (end = first;
             end < count && residents[end].role == start->role && residents[end].from == start->from + bytes; end++)
            bytes += residents[end].bytes;
        LOFI_TRY(use(r, start->from, bytes, start->role, &memory, err));
        for (size_t i = first; i < end; i++)
            r->places[residents[i].tensor] = (unsigned char *)memory + (residents[i].from - start->from);
    }
    return LOFI_OK;
}

static lofi_code settle(lofi_residence *r, const lofi_graph *graph, const lofi_view *views, resident *residents,
                        lofi_error *err) {
    size_t count = 0;
    for (size_t t = 0; t < graph->tensor_count; t++) {
        const lofi_tensor *tensor = graph->tensors[t];
        size_t bytes = lofi_view_bytes(&views[t]);
        copy_role role = tensor->flags & LOFI_TENSOR_EXTERNAL    ? EXTERNAL
                         : tensor->flags & LOFI_TENSOR_TRAINABLE ? TRAINABLE
                                                                 : FROZEN;
        if (!(tensor->flags & (LOFI_TENSOR_PARAMETER | LOFI_TENSOR_EXTERNAL)) || !bytes) continue;
        if (role == FROZEN)
            LOFI_TRY(use(r, tensor->data, bytes, FROZEN, &r->places[t], err));
        else
            residents[count++] = (resident){(int)t, tensor->data, bytes, role};
    }
    r->frozen_count = r->used_count;
    return use_pieces(r, residents, count, err);
}

lofi_code lofi_residence_new(lofi_residence **out, lofi_device *device, const lofi_graph *graph, const lofi_view *views,
                             lofi_error *err) {
    size_t tensors = graph->tensor_count + 1;
    lofi_residence *r = calloc(1, sizeof *r);
    resident *residents = malloc(tensors * sizeof *residents);
    if (r) {
        r->device = device;
        r->places = calloc(tensors, sizeof *r->places);
        r->used = calloc(tensors, sizeof *r->used);
    }
    lofi_code code = LOFI_OK;
    if (!r || !residents || !r->places || !r->used)
        code = lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the places of a network's weights");
    if (code == LOFI_OK) code = settle(r, graph, views, residents, err);
    free(residents);
    if (code == LOFI_OK)
        *out = r;
    else
        lofi_residence_free(r);
    return code;
}

void lofi_residence_free(lofi_residence *r) {
    if (!r) return;
    for (size_t i = 0; i < r->used_count; i++) drop_copy(r->device, r->used[i]);
    free(r->places);
    free(r->used);
    free(r);
}

void *const *lofi_residence_places(const lofi_residence *r) {
    return r->places;
}

lofi_code lofi_residence_upload(lofi_residence *r, lofi_error *err) {
    for (size_t i = r->frozen_count; i < r->used_count; i++) {
        const struct lofi_shared_copy *copy = copy_in(r->device, r->used[i]);
        if (copy->role == TRAINABLE && !copy->held)
            LOFI_TRY(r->device->kind->upload(r->device, copy->memory, copy->from, copy->bytes, err));
    }
    return LOFI_OK;
}

lofi_code lofi_residence_download(lofi_residence *r, lofi_error *err) {
    for (size_t i = r->frozen_count; i < r->used_count; i++) {
        const struct lofi_shared_copy *copy = copy_in(r->device, r->used[i]);
        if (copy->role == EXTERNAL && !copy->held)
            LOFI_TRY(r->device->kind->download(r->device, copy->from, copy->memory, copy->bytes, err));
    }
    return LOFI_OK;
}
