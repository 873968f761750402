/* builder.h - weights by name while a network is written down.
 *
 * A network's build function asks for every weight by name and shape, right where it is used. Run with weights, that
 * finds them; run without (declaring), the same function yields the table of all names and shapes, which `lofi model
 * init` fills with random numbers and `lofi model check` holds a file against. So there is one description.
 *
 * Names are joined from the graph's scope (lofi_graph_scope_push) and the given name, as PyTorch names parameters:
 * scope "transformer_blocks.3.attn" and "to_q.weight" give "transformer_blocks.3.attn.to_q.weight".
 */
#ifndef LOFI_MODELS_BUILDER_H
#define LOFI_MODELS_BUILDER_H

#include "graph/graph.h"

#define LOFI_WEIGHT_NAME_MAX 256

/* How `lofi model init` fills a tensor (the sizes of initial weights; the checkpoint of a real model ignores it). */
typedef enum lofi_fill {
    LOFI_FILL_MATRIX,    /* normal, variance 1 / fan-in          */
    LOFI_FILL_EMBEDDING, /* normal, standard deviation 0.5       */
    LOFI_FILL_ONE,       /* 1 + 0.1 normal: norm weights         */
    LOFI_FILL_ZERO       /* 0.1 normal: biases                   */
} lofi_fill;

/* One weight of a network's table. */
typedef struct lofi_weight_entry {
    const char *name;
    int rank;
    int64_t dims[LOFI_MAX_RANK];
    lofi_fill fill;
    bool used; /* false: the file holds it, nothing reads it */
} lofi_weight_entry;

typedef struct lofi_weight_table {
    lofi_weight_entry *entries; /* in the order of asking, each name once */
    size_t count, capacity;
    struct lofi_arena *arena;
} lofi_weight_table;
void lofi_weight_table_free(lofi_weight_table *table); /* fine on a zeroed one; zeroes it */
/* NULL when there is none of that name. */
const lofi_weight_entry *lofi_weight_table_find(const lofi_weight_table *table, const char *name);
/* Elements of one weight. */
int64_t lofi_weight_entry_count(const lofi_weight_entry *entry);

/* Where weights come from. find gives the memory and type of a tensor whose shape must be [dims]; as_f32 asks for f32
 * (converted once and kept by the source). The memory lives as long as the source. */
typedef struct lofi_weight_source {
    void *user;
    lofi_code (*find)(void *user, const char *name, int rank, const int64_t *dims, bool as_f32, const void **data,
                      lofi_dtype *dtype, lofi_error *err);
    /* The f32 kernel [dims] = g v / |v| of the tensors NAME_g and NAME_v; see lofi_weight_normed. Made once and kept by the
     * source. NULL: this source has no such kernels. */
    lofi_code (*find_normed)(void *user, const char *name, int rank, const int64_t *dims, int axis, const void **data,
                             lofi_error *err);
} lofi_weight_source;

/* The LoRA side of a linear layer: asked for every lofi_linear with the layer's full name ("...attn.to_q"). Returns false
 * when that layer has no adapter; else gives A [rank, in] and B [out, rank] (parameters in the graph) and the scale. */
typedef struct lofi_adapter_hook {
    void *user;
    bool (*attach)(void *user, lofi_graph *graph, const char *layer, int64_t in, int64_t out, lofi_tensor **a,
                   lofi_tensor **b, float *scale);
} lofi_adapter_hook;

typedef struct lofi_builder {
    lofi_graph *graph;
    const lofi_weight_source *source; /* NULL: declaring; weights have no data */
    lofi_weight_table *table;         /* NULL: not recorded */
    const lofi_adapter_hook *adapter; /* NULL: none */
    lofi_tensor *dropout_key;         /* i64 [2]; NULL: no dropout anywhere (evaluation) */
    int dropout_sites;                /* counted up by lofi_builder_dropout */
} lofi_builder;

/* A matrix (or convolution kernel) in the type in which it lies in the file. `name` is relative to the scope. The same
 * name asked for twice gives the same tensor. */
lofi_tensor *lofi_weight(lofi_builder *builder, const char *name, lofi_fill fill, int rank, const int64_t *dims);
/* The same, converted to f32 at load when the file holds something else: biases, norms, tables, convolutions. */
lofi_tensor *lofi_weight_f32(lofi_builder *builder, const char *name, lofi_fill fill, int rank, const int64_t *dims);
/* As lofi_weight_f32 or lofi_weight, seen in the graph with another shape of as many elements: a table [heads, width] as
 * one row, a convolution kernel [out, in, 1] as a matrix. `dims` is what the file holds, `seen` what the graph gets. */
lofi_tensor *lofi_weight_as(lofi_builder *builder, const char *name, lofi_fill fill, bool as_f32, int rank,
                            const int64_t *dims, int seen_rank, const int64_t *seen);
/* A kernel that files hold as lengths and directions (weight normalisation, Salimans and Kingma 2016): NAME_v is [dims],
 * NAME_g is 1 but for dimension `axis`, and the kernel is g v / |v| with one norm for each index of `axis`. Folded to f32
 * once, when it is first asked for, and seen as with lofi_weight_as. */
lofi_tensor *lofi_weight_normed(lofi_builder *builder, const char *name, int axis, int rank, const int64_t *dims,
                                int seen_rank, const int64_t *seen);
/* Declares a tensor that files hold and no path reads. */
void lofi_weight_unused(lofi_builder *builder, const char *name, lofi_fill fill, int rank, const int64_t *dims);

/* x [..., in] -> [..., out] with NAME.weight [out, in] and, when wanted, NAME.bias [out]; with the adapter's branch
 * scale * (x A^T) B^T where the adapter attaches one. */
lofi_tensor *lofi_linear(lofi_builder *builder, lofi_tensor *x, const char *name, int64_t in, int64_t out, bool bias);
/* A convolution with kernels of one sample, written as the linear layer that it is: NAME.weight is [out, in, 1, ...] with
 * `kernel_rank` dimensions of 1. No adapter is asked for. */
lofi_tensor *lofi_pointwise(lofi_builder *builder, lofi_tensor *x, const char *name, int64_t in, int64_t out, bool bias,
                            int kernel_rank);

/* A layer norm over the last dimension with NAME.weight and NAME.bias [channels]. */
lofi_tensor *lofi_normalise(lofi_builder *builder, lofi_tensor *x, const char *name, int64_t channels, float epsilon);
/* A convolution over time: x [B, C, S], kernel [out, C / groups, 1, k] (a picture of one row: lofi_weight_as), bias: [out] or
 * NULL -> [B, out, S']. No gradient. */
typedef struct lofi_conv1d_attributes {
    int32_t stride, padding, dilation, groups;
} lofi_conv1d_attributes;
lofi_tensor *lofi_conv1d(lofi_builder *builder, lofi_tensor *x, lofi_tensor *kernel, lofi_tensor *bias,
                         lofi_conv1d_attributes attributes);

/* Entropy rectifying guidance weakens attention by scaling the queries of the layers first .. end - 1. */
typedef struct lofi_query_scale {
    int first, end; /* first == end: nowhere */
    float factor;
    lofi_tensor *variable; /* [1]: the factor as a tensor, so that one graph computes both ways; NULL: `factor` */
} lofi_query_scale;
#define LOFI_WEAK_QUERIES 0.01f /* the factor of the original */
/* factor * query where `layer` is one of them, else the query itself. `scale` may be NULL. */
lofi_tensor *lofi_scaled_query(lofi_builder *builder, lofi_tensor *query, int layer, const lofi_query_scale *scale);

/* lofi_dropout at a new site, or x itself when there is no key or p is 0. */
lofi_tensor *lofi_builder_dropout(lofi_builder *builder, lofi_tensor *x, float p);
/* The scope and `name` joined, "a.b.c", into `full`; false (and the graph has failed) when it is longer than that. */
bool lofi_builder_name(lofi_builder *builder, char full[LOFI_WEIGHT_NAME_MAX], const char *name);

#endif
