/* lora_combine.c - several adapters as one: A's above one another, B's side by side. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "lora/lora.h"

typedef struct sources {
    lofi_adapter *const *adapters;
    const float *strengths;
    size_t count;
} sources;

/* The layer of source `i`, or NULL when it has none or no effect. */
static const lofi_lora_layer *layer_of(const sources *from, size_t i, const char *name) {
    return from->strengths[i] == 0 ? NULL : lofi_adapter_find(from->adapters[i], name);
}

static lofi_code add_layer(lofi_adapter *combined, const sources *from, const lofi_lora_layer *first, lofi_error *err) {
    lofi_lora_layer layer = {.name = lofi_arena_strdup(combined->arena, first->name),
                             .in = first->in,
                             .out = first->out,
                             .scale = 1,
                             .a_offset = combined->value_count};
    if (!layer.name) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for an adapter");
    for (size_t i = 0; i < from->count; i++) {
        const lofi_lora_layer *part = layer_of(from, i, first->name);
        if (part) layer.rank += part->rank;
    }
    layer.b_offset = layer.a_offset + (size_t)(layer.rank * layer.in);
    combined->value_count = layer.b_offset + (size_t)(layer.rank * layer.out);
    combined->layers[combined->layer_count++] = layer;
    return LOFI_OK;
}

static lofi_code add_layers(lofi_adapter *combined, const sources *from, lofi_error *err) {
    size_t most = 1;
    for (size_t i = 0; i < from->count; i++) most += from->adapters[i]->layer_count;
    combined->layers = lofi_arena_alloc(combined->arena, most * sizeof *combined->layers);
    if (!combined->layers) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for an adapter");
    for (size_t i = 0; i < from->count; i++) {
        const lofi_adapter *adapter = from->adapters[i];
        if (from->strengths[i] == 0) continue;
        for (size_t j = 0; j < adapter->layer_count; j++)
            if (!lofi_adapter_find(combined, adapter->layers[j].name))
                LOFI_TRY(add_layer(combined, from, &adapter->layers[j], err));
    }
    return LOFI_OK;
}

static void copy_part(const lofi_adapter *combined, const lofi_lora_layer *layer, const lofi_adapter *adapter,
                      const lofi_lora_layer *part, float strength, int64_t first_rank) {
    memcpy(combined->values + layer->a_offset + (size_t)(first_rank * layer->in), adapter->values + part->a_offset,
           (size_t)(part->rank * part->in) * sizeof(float));
    float *b = combined->values + layer->b_offset + first_rank, scale = part->scale * strength;
    const float *from = adapter->values + part->b_offset;
    for (int64_t row = 0; row < part->out; row++)
        for (int64_t r = 0; r < part->rank; r++) b[row * layer->rank + r] = scale * from[row * part->rank + r];
}

static void copy_values(const lofi_adapter *combined, const sources *from) {
    for (size_t j = 0; j < combined->layer_count; j++) {
        const lofi_lora_layer *layer = &combined->layers[j];
        int64_t rank = 0;
        for (size_t i = 0; i < from->count; i++) {
            const lofi_lora_layer *part = layer_of(from, i, layer->name);
            if (!part) continue;
            copy_part(combined, layer, from->adapters[i], part, from->strengths[i], rank);
            rank += part->rank;
        }
    }
}

static lofi_code fill(lofi_adapter *combined, const sources *from, lofi_error *err) {
    LOFI_TRY(lofi_arena_new(&combined->arena, err));
    LOFI_TRY(add_layers(combined, from, err));
    LOFI_TRY(lofi_alloc((void **)&combined->values, combined->value_count, sizeof(float), "adapters", err));
    copy_values(combined, from);
    return LOFI_OK;
}

lofi_code lofi_adapter_combine(lofi_adapter **out, lofi_adapter *const *adapters, const float *strengths, size_t count,
                               lofi_error *err) {
    sources from = {adapters, strengths, count};
    lofi_adapter *combined = calloc(1, sizeof *combined);
    if (!combined) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for an adapter");
    lofi_code code = fill(combined, &from, err);
    if (code == LOFI_OK)
        *out = combined;
    else
        lofi_adapter_free(combined);
    return code;
}
