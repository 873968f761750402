/* lyric_encoder.h - the lyric encoder inside of the ACE-Step transformer: a conformer without convolution and without
 * macaron halves, with relative positions of the espnet kind, layer norms before each half, and no causality.
 *
 * Follows ConformerEncoder of ACE-Step (acestep/models/lyrics_utils/lyric_encoder.py) as that model constructs it.
 */
#ifndef LOFI_MODELS_LYRIC_ENCODER_H
#define LOFI_MODELS_LYRIC_ENCODER_H

#include "models/builder.h"

typedef struct lofi_lyric_encoder_config {
    int64_t width;        /* of the embeddings and of the encoder */
    int heads;            /* divides width                        */
    int64_t linear_units; /* of the feed-forward half             */
    int blocks;
} lofi_lyric_encoder_config;

/* Dropout at all of its sites, while training with a key (lofi_builder.dropout_key). */
#define LOFI_LYRIC_ENCODER_DROPOUT 0.1f

/* embeddings: [B, S, width], mask: [B, S] (1: a token, 0: padding) -> [B, S, width]. A row without any valid token gives
 * finite numbers. Each layer is one block (lofi_graph_block_begin). query_scale: NULL or see lofi_query_scale. */
lofi_tensor *lofi_lyric_encoder_build(lofi_builder *builder, const lofi_lyric_encoder_config *config,
                                      lofi_tensor *embeddings, lofi_tensor *mask, const lofi_query_scale *query_scale);

#endif
