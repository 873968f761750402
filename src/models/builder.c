/* builder.c - weights by name, linear layers with their adapter branch, dropout sites. */
#include "models/builder.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "ops/ops.h"

#define MAX_WEIGHTS (1u << 20)

/* ---- the table ---- */

void lofi_weight_table_free(lofi_weight_table *table) {
    free(table->entries);
    lofi_arena_free(table->arena);
    *table = (lofi_weight_table){0};
}

const lofi_weight_entry *lofi_weight_table_find(const lofi_weight_table *table, const char *name) {
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->entries[i].name, name) == 0) return &table->entries[i];
    return NULL;
}

int64_t lofi_weight_entry_count(const lofi_weight_entry *entry) {
    int64_t count = 1;
    for (int i = 0; i < entry->rank; i++) count *= entry->dims[i];
    return count;
}

static bool same_dims(const lofi_weight_entry *entry, int rank, const int64_t *dims) {
    return entry->rank == rank && (rank == 0 || memcmp(entry->dims, dims, (size_t)rank * sizeof *dims) == 0);
}

static lofi_code table_add(lofi_weight_table *table, const lofi_weight_entry *entry, lofi_error *err) {
    if (!table->arena) LOFI_TRY(lofi_arena_new(&table->arena, err));
    LOFI_TRY(lofi_grow((void **)&table->entries, &table->capacity, table->count + 1, sizeof *table->entries,
                       MAX_WEIGHTS, err));
    const char *name = lofi_arena_strdup(table->arena, entry->name);
    if (!name) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the names of weights");
    table->entries[table->count] = *entry;
    table->entries[table->count++].name = name;
    return LOFI_OK;
}

static bool record(lofi_builder *builder, const char *full, lofi_fill fill, bool used, int rank, const int64_t *dims) {
    if (!builder->table) return true;
    const lofi_weight_entry *known = lofi_weight_table_find(builder->table, full);
    if (known) {
        if (same_dims(known, rank, dims)) return true;
        lofi_graph_fail(builder->graph, "weight '%s' is asked for with two shapes", full);
        return false;
    }
    lofi_weight_entry entry = {.name = full, .rank = rank, .fill = fill, .used = used};
    for (int i = 0; i < rank; i++) entry.dims[i] = dims[i];
    lofi_error failure = LOFI_ERROR_INIT;
    if (table_add(builder->table, &entry, &failure) == LOFI_OK) return true;
    lofi_graph_fail(builder->graph, "%s", failure.message);
    return false;
}

/* ---- weights ---- */

bool lofi_builder_name(lofi_builder *builder, char full[LOFI_WEIGHT_NAME_MAX], const char *name) {
    const char *scope = lofi_graph_scope(builder->graph);
    int length = snprintf(full, LOFI_WEIGHT_NAME_MAX, "%s%s%s", scope, *scope ? "." : "", name);
    if (length >= 0 && length < LOFI_WEIGHT_NAME_MAX) return true;
    lofi_graph_fail(builder->graph, "the name of a weight is longer than %d bytes", LOFI_WEIGHT_NAME_MAX - 1);
    return false;
}

static bool same_shape(const lofi_tensor *tensor, const lofi_shape *shape) {
    if (tensor->shape.rank != shape->rank) return false;
    for (int i = 0; i < shape->rank; i++)
        if (tensor->shape.dims[i] != shape->dims[i]) return false;
    return true;
}

/* The parameter of that name when the graph has it; *clash when the name is taken by something else. */
static lofi_tensor *known_parameter(lofi_builder *builder, const char *full, const lofi_shape *shape, bool *clash) {
    lofi_tensor *tensor = lofi_graph_find(builder->graph, full);
    *clash = tensor && (!(tensor->flags & LOFI_TENSOR_PARAMETER) || !same_shape(tensor, shape));
    return tensor;
}

/* A parameter that is in the graph already; *done is set when there is nothing more to do. */
static lofi_tensor *known_or_clash(lofi_builder *builder, const char *full, const lofi_shape *shape, bool *done) {
    bool clash = false;
    lofi_tensor *known = known_parameter(builder, full, shape, &clash);
    *done = known || clash;
    if (clash) return lofi_graph_fail(builder->graph, "'%s' is already in the graph as something else", full);
    return known;
}

/* What a source is asked for. */
typedef struct weight_request {
    int rank;
    const int64_t *dims;
    bool as_f32;
    int axis; /* of weight norm; PLAIN: there is none */
} weight_request;
#define PLAIN (-1)

static lofi_code fetch(const lofi_weight_source *source, const char *full, const weight_request *request,
                       const void **data, lofi_dtype *dtype, lofi_error *err) {
    if (request->axis == PLAIN)
        return source->find(source->user, full, request->rank, request->dims, request->as_f32, data, dtype, err);
    if (!source->find_normed)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "'%s' has weight norm, which is not read here", full);
    return source->find_normed(source->user, full, request->rank, request->dims, request->axis, data, err);
}

/* The parameter `full`, from the source where there is one. */
static lofi_tensor *parameter(lofi_builder *builder, const char *full, const weight_request *request, int seen_rank,
                              const int64_t *seen) {
    lofi_shape shape = lofi_shape_of(LOFI_F32, seen_rank, seen);
    bool done = false;
    lofi_tensor *known = known_or_clash(builder, full, &shape, &done);
    if (done) return known;
    const void *data = NULL;
    lofi_error failure = LOFI_ERROR_INIT;
    if (builder->source && fetch(builder->source, full, request, &data, &shape.dtype, &failure) != LOFI_OK)
        return lofi_graph_fail(builder->graph, "%s", failure.message);
    /* parameters are only read; the graph's pointer is writable because trainable ones are not */
    return lofi_graph_parameter(builder->graph, full, shape, (void *)(uintptr_t)data, false);
}

lofi_tensor *lofi_weight_as(lofi_builder *builder, const char *name, lofi_fill fill, bool as_f32, int rank,
                            const int64_t *dims, int seen_rank, const int64_t *seen) {
    char full[LOFI_WEIGHT_NAME_MAX];
    assert(rank <= LOFI_MAX_RANK && seen_rank <= LOFI_MAX_RANK);
    if (lofi_graph_failed(builder->graph) || !lofi_builder_name(builder, full, name)) return NULL;
    if (!record(builder, full, fill, true, rank, dims)) return NULL;
    return parameter(builder, full, &(weight_request){rank, dims, as_f32, PLAIN}, seen_rank, seen);
}

static bool record_normed(lofi_builder *builder, const char *full, int axis, int rank, const int64_t *dims) {
    char part[LOFI_WEIGHT_NAME_MAX];
    int64_t lengths[LOFI_MAX_RANK] = {1, 1, 1, 1, 1, 1};
    lengths[axis] = dims[axis];
    if (snprintf(part, sizeof part, "%s_g", full) >= (int)sizeof part) {
        lofi_graph_fail(builder->graph, "the name of a weight is longer than %d bytes", LOFI_WEIGHT_NAME_MAX - 1);
        return false;
    }
    if (!record(builder, part, LOFI_FILL_ONE, true, rank, lengths)) return false;
    part[strlen(part) - 1] = 'v';
    return record(builder, part, LOFI_FILL_MATRIX, true, rank, dims);
}

lofi_tensor *lofi_weight_normed(lofi_builder *builder, const char *name, int axis, int rank, const int64_t *dims,
                                int seen_rank, const int64_t *seen) {
    char full[LOFI_WEIGHT_NAME_MAX];
    assert(rank <= LOFI_MAX_RANK && seen_rank <= LOFI_MAX_RANK && axis >= 0 && axis < rank);
    if (lofi_graph_failed(builder->graph) || !lofi_builder_name(builder, full, name)) return NULL;
    if (!record_normed(builder, full, axis, rank, dims)) return NULL;
    return parameter(builder, full, &(weight_request){rank, dims, true, axis}, seen_rank, seen);
}

lofi_tensor *lofi_weight(lofi_builder *builder, const char *name, lofi_fill fill, int rank, const int64_t *dims) {
    return lofi_weight_as(builder, name, fill, false, rank, dims, rank, dims);
}

lofi_tensor *lofi_weight_f32(lofi_builder *builder, const char *name, lofi_fill fill, int rank, const int64_t *dims) {
    return lofi_weight_as(builder, name, fill, true, rank, dims, rank, dims);
}

void lofi_weight_unused(lofi_builder *builder, const char *name, lofi_fill fill, int rank, const int64_t *dims) {
    char full[LOFI_WEIGHT_NAME_MAX];
    assert(rank <= LOFI_MAX_RANK);
    if (lofi_graph_failed(builder->graph) || !lofi_builder_name(builder, full, name)) return;
    record(builder, full, fill, false, rank, dims);
}

/* ---- layers ---- */

static lofi_tensor *with_adapter(lofi_builder *builder, lofi_tensor *x, lofi_tensor *y, const char *name, int64_t in,
                                 int64_t out) {
    const lofi_adapter_hook *hook = builder->adapter;
    char full[LOFI_WEIGHT_NAME_MAX];
    lofi_tensor *a = NULL, *b = NULL;
    float scale = 1;
    if (!hook || !y || !lofi_builder_name(builder, full, name)) return y;
    if (!hook->attach(hook->user, builder->graph, full, in, out, &a, &b, &scale)) return y;
    lofi_matmul_attributes down = {.transpose_b = 1, .alpha = 1}, up = {.transpose_b = 1, .alpha = scale};
    return lofi_matmul(builder->graph, lofi_matmul(builder->graph, x, a, NULL, down), b, y, up);
}

static lofi_tensor *affine_layer(lofi_builder *builder, lofi_tensor *x, const char *name, int64_t in, int64_t out,
                                 bool bias, int kernel_rank) {
    char weight[LOFI_WEIGHT_NAME_MAX], offset[LOFI_WEIGHT_NAME_MAX];
    int64_t dims[LOFI_MAX_RANK] = {out, in, 1, 1, 1, 1};
    assert(kernel_rank >= 0 && 2 + kernel_rank <= LOFI_MAX_RANK);
    snprintf(weight, sizeof weight, "%s.weight", name);
    snprintf(offset, sizeof offset, "%s.bias", name);
    lofi_tensor *w = lofi_weight_as(builder, weight, LOFI_FILL_MATRIX, false, 2 + kernel_rank, dims, 2, dims);
    lofi_tensor *c = bias ? lofi_weight_f32(builder, offset, LOFI_FILL_ZERO, 1, &out) : NULL;
    if (!w || (bias && !c)) return NULL;
    return lofi_matmul(builder->graph, x, w, c, (lofi_matmul_attributes){.transpose_b = 1, .alpha = 1});
}

lofi_tensor *lofi_linear(lofi_builder *builder, lofi_tensor *x, const char *name, int64_t in, int64_t out, bool bias) {
    return with_adapter(builder, x, affine_layer(builder, x, name, in, out, bias, 0), name, in, out);
}

lofi_tensor *lofi_pointwise(lofi_builder *builder, lofi_tensor *x, const char *name, int64_t in, int64_t out, bool bias,
                            int kernel_rank) {
    return affine_layer(builder, x, name, in, out, bias, kernel_rank);
}

lofi_tensor *lofi_normalise(lofi_builder *builder, lofi_tensor *x, const char *name, int64_t channels, float epsilon) {
    lofi_graph_scope_push(builder->graph, "%s", name);
    lofi_tensor *weight = lofi_weight_f32(builder, "weight", LOFI_FILL_ONE, 1, &channels);
    lofi_tensor *bias = lofi_weight_f32(builder, "bias", LOFI_FILL_ZERO, 1, &channels);
    x = lofi_graph_failed(builder->graph) ? NULL : lofi_layer_norm(builder->graph, x, weight, bias, epsilon);
    lofi_graph_scope_pop(builder->graph);
    return x;
}

lofi_tensor *lofi_conv1d(lofi_builder *builder, lofi_tensor *x, lofi_tensor *kernel, lofi_tensor *bias,
                         lofi_conv1d_attributes attributes) {
    if (lofi_graph_failed(builder->graph) || !x || !kernel) return NULL;
    const lofi_dim *d = x->shape.dims;
    lofi_conv2d_attributes picture = {.stride_h = 1,
                                      .stride_w = attributes.stride,
                                      .padding_w = attributes.padding,
                                      .dilation_h = 1,
                                      .dilation_w = attributes.dilation,
                                      .groups = attributes.groups};
    x = lofi_reshape(builder->graph, x, 4, (lofi_dim[]){d[0], d[1], 1, d[2]});
    x = lofi_conv2d(builder->graph, x, kernel, bias, picture);
    if (!x) return NULL;
    d = x->shape.dims;
    return lofi_reshape(builder->graph, x, 3, (lofi_dim[]){d[0], d[1], d[3]});
}

lofi_tensor *lofi_scaled_query(lofi_builder *builder, lofi_tensor *query, int layer, const lofi_query_scale *scale) {
    if (!scale || layer < scale->first || layer >= scale->end) return query;
    if (scale->variable) return query ? lofi_mul(builder->graph, query, scale->variable) : NULL;
    return lofi_affine(builder->graph, query, scale->factor, 0);
}

lofi_tensor *lofi_builder_dropout(lofi_builder *builder, lofi_tensor *x, float p) {
    if (!builder->dropout_key || p <= 0) return x;
    return lofi_dropout(builder->graph, x, builder->dropout_key, p, builder->dropout_sites++);
}
