/* umt5.h - the text encoder: UMT5 (T5 1.1 with a table of relative positions in every layer), encoder half only.
 *
 * Follows UMT5EncoderModel of transformers. Scores are not scaled; the embedding is not either.
 */
#ifndef LOFI_MODELS_UMT5_H
#define LOFI_MODELS_UMT5_H

#include "models/model.h"

typedef struct lofi_umt5_config {
    int64_t width;      /* d_model                          */
    int64_t head_width; /* d_kv: heads * d_kv may differ from d_model */
    int64_t hidden;     /* d_ff                             */
    int64_t vocabulary; /* vocab_size                       */
    int layers, heads;  /* num_layers, num_heads            */
    int buckets;        /* relative_attention_num_buckets   */
    int max_distance;   /* relative_attention_max_distance  */
    float norm_epsilon; /* layer_norm_epsilon               */
} lofi_umt5_config;

lofi_code lofi_umt5_config_read(lofi_umt5_config *out, const json_t *config, lofi_error *err) LOFI_MUST_USE;

/* input_ids: i64 [B, S], each in [0, vocabulary), attention_mask: [B, S] (1: a token) -> [B, S, width]; padded positions
 * have values as well. Layer by layer one block. query_scale: NULL or see lofi_query_scale. */
lofi_tensor *lofi_umt5_build(lofi_builder *builder, const lofi_umt5_config *config, lofi_tensor *input_ids,
                             lofi_tensor *attention_mask, const lofi_query_scale *query_scale);

extern const lofi_model lofi_model_umt5;

#endif
