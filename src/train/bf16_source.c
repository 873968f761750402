/* bf16_source.c - see the header. */
#include "train/bf16_source.h"

#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "base/memory.h"

/* One rounded tensor. */
typedef struct rounded {
    char *name;
    uint16_t *values;
} rounded;

struct lofi_bf16_source {
    const lofi_weight_source *inner;
    lofi_weight_source view;
    rounded *items;
    size_t count, capacity;
};

static void round_values(uint16_t *out, const void *data, lofi_dtype dtype, size_t count) {
    if (dtype == LOFI_F32) {
        lofi_bf16_from_f32_array(out, data, count);
        return;
    }
    for (size_t i = 0; i < count; i++) out[i] = lofi_bf16_from_f32(lofi_f32_from_f16(((const uint16_t *)data)[i]));
}

static lofi_code keep_rounded(lofi_bf16_source *source, const char *name, const void *data, lofi_dtype dtype,
                              size_t count, const void **out, lofi_error *err) {
    rounded item = {0};
    LOFI_TRY(lofi_grow((void **)&source->items, &source->capacity, source->count + 1, sizeof *source->items,
                       (size_t)1 << 20, err));
    LOFI_TRY(lofi_alloc((void **)&item.values, count, sizeof *item.values, "a weight rounded to bf16", err));
    item.name = strdup(name);
    if (!item.name) {
        lofi_free(item.values);
        return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a weight rounded to bf16");
    }
    round_values(item.values, data, dtype, count);
    source->items[source->count++] = item;
    *out = item.values;
    return LOFI_OK;
}

static lofi_code find(void *user, const char *name, int rank, const int64_t *dims, bool as_f32, const void **data,
                      lofi_dtype *dtype, lofi_error *err) {
    lofi_bf16_source *source = user;
    LOFI_TRY(source->inner->find(source->inner->user, name, rank, dims, as_f32, data, dtype, err));
    if (as_f32 || (*dtype != LOFI_F32 && *dtype != LOFI_F16)) return LOFI_OK;
    for (size_t i = 0; i < source->count; i++)
        if (strcmp(source->items[i].name, name) == 0) {
            *data = source->items[i].values;
            *dtype = LOFI_BF16;
            return LOFI_OK;
        }
    size_t count = 1;
    for (int i = 0; i < rank; i++) count *= (size_t)dims[i];
    LOFI_TRY(keep_rounded(source, name, *data, *dtype, count, data, err));
    *dtype = LOFI_BF16;
    return LOFI_OK;
}

lofi_code lofi_bf16_source_new(lofi_bf16_source **out, const lofi_weight_source *inner, lofi_error *err) {
    lofi_bf16_source *source = calloc(1, sizeof *source);
    if (!source) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for weights rounded to bf16");
    source->inner = inner;
    source->view = (lofi_weight_source){.user = source, .find = find};
    *out = source;
    return LOFI_OK;
}

void lofi_bf16_source_free(lofi_bf16_source *source) {
    if (!source) return;
    for (size_t i = 0; i < source->count; i++) {
        free(source->items[i].name);
        lofi_free(source->items[i].values);
    }
    free(source->items);
    free(source);
}

const lofi_weight_source *lofi_bf16_source_view(const lofi_bf16_source *source) {
    return &source->view;
}
