/* lora.h - low-rank adapters (Hu et al., arXiv 2106.09685): y = W x + b + scale B (A x) beside chosen linear layers.
 *
 * All A and B of an adapter lie in one flat block of f32, layer after layer, A [rank, in] before B [out, rank], so that
 * clipping and the optimizer are single loops. The scale is alpha / sqrt(rank) when rank-stabilised (Kalajdzievski,
 * arXiv 2312.03732), else alpha / rank.
 *
 * The files (lora_file.h) are those of diffusers and PEFT.
 */
#ifndef LOFI_LORA_LORA_H
#define LOFI_LORA_LORA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/builder.h"

#define LOFI_LORA_MAX_TARGETS 32
#define LOFI_LORA_MAX_RANK    4096

typedef struct lofi_lora_config {
    int64_t rank; /* 1..LOFI_LORA_MAX_RANK */
    double alpha; /* > 0 */
    bool rslora;
    size_t target_count;
    /* A layer is adapted when its name is a target or ends in '.' and a target, as PEFT matches them. */
    char targets[LOFI_LORA_MAX_TARGETS][64];
} lofi_lora_config;

/* Rank 256, alpha 32, rank-stabilised, and the eight targets of the original trainer. */
lofi_lora_config lofi_lora_config_default(void);
/* A JSON file with PEFT's keys: r, lora_alpha, use_rslora, target_modules. Keys that would change the arithmetic in a way
 * that this program does not offer (dropout, bias, DoRA, patterns), and keys that it does not know, are refused unless
 * they are off. */
lofi_code lofi_lora_config_load(lofi_lora_config *config, const char *path, lofi_error *err) LOFI_MUST_USE;
/* The adapter_config.json beside a finished adapter of any program: only rank, alpha and rslora are taken. Refused is what
 * changes the effect of an adapter in a way that this program does not have (DoRA, bias, patterns of rank or alpha); how it
 * was trained (dropout, which layers) does not matter any more. */
lofi_code lofi_lora_config_load_finished(lofi_lora_config *config, const char *path, lofi_error *err) LOFI_MUST_USE;
double lofi_lora_scale(const lofi_lora_config *config);
bool lofi_lora_matches(const lofi_lora_config *config, const char *layer);

typedef struct lofi_lora_layer {
    const char *name; /* "transformer_blocks.0.attn.to_q" */
    int64_t in, out, rank;
    float scale;               /* what B (A x) is multiplied by */
    size_t a_offset, b_offset; /* into the flat block, in floats */
} lofi_lora_layer;

typedef struct lofi_adapter {
    lofi_lora_config config; /* of adapters of other programs: the rank and alpha of their first layer */
    lofi_lora_layer *layers;
    size_t layer_count;
    float *values; /* value_count floats */
    size_t value_count;
    struct lofi_arena *arena;
    struct lofi_safetensors *file; /* of lofi_adapter_open (lora_file.h), which leaves values NULL; else NULL */
} lofi_adapter;

/* Zeroed A and B for every linear layer of the table that the config names. *out is yours. LOFI_ERR_NOT_FOUND when no
 * layer matches; LOFI_ERR_USAGE when a target matches none. */
lofi_code lofi_adapter_new(lofi_adapter **out, const lofi_lora_config *config, const lofi_weight_table *table,
                           lofi_error *err) LOFI_MUST_USE;
void lofi_adapter_free(lofi_adapter *adapter); /* NULL is fine */
/* A uniform in +-1/sqrt(in) (PEFT's default: Kaiming with a = sqrt(5)), B zero: the adapter starts without effect. */
void lofi_adapter_init(lofi_adapter *adapter, uint64_t seed);
const lofi_lora_layer *lofi_adapter_find(const lofi_adapter *adapter, const char *layer);

/* Several adapters as one: beside each layer the sum of their branches, each times its strength. A layer's rank is the sum of
 * theirs, its scale 1: scales and strengths are multiplied into B. Adapters of strength 0 are left out; when nothing is left
 * the result has no layer. *out is yours. */
lofi_code lofi_adapter_combine(lofi_adapter **out, lofi_adapter *const *adapters, const float *strengths, size_t count,
                               lofi_error *err) LOFI_MUST_USE;

/* For lofi_builder.adapter. The graph's parameters are called LAYER.lora_A.weight and LAYER.lora_B.weight and point into
 * adapter->values; the adapter must outlive the graph. */
typedef struct lofi_attachment {
    lofi_adapter *adapter;
    bool trainable; /* its values may change between runs, and gradients be wanted */
    float strength; /* multiplies every scale; 1 is the adapter as trained */
} lofi_attachment;
lofi_adapter_hook lofi_attachment_hook(lofi_attachment *attachment);
/* The parameters of an attached adapter in the order of the flat block: tensors[2 i] is A, tensors[2 i + 1] is B of layer i
 * (room for 2 * layer_count). LOFI_ERR_NOT_FOUND names a layer that the graph did not ask for. */
lofi_code lofi_attachment_tensors(const lofi_adapter *adapter, const lofi_graph *graph, lofi_tensor **tensors,
                                  lofi_error *err) LOFI_MUST_USE;

#endif
