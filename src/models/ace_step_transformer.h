/* ace_step_transformer.h - the diffusion transformer of ACE-Step v1: conditions -> encoder states, latents -> output.
 *
 * Follows acestep/models/{ace_step_transformer,attention,customer_attention_processor}.py of ACE-Step. One token per latent
 * frame: a patch is as high as the latent and one frame wide. Per block: linear attention on rotary queries and keys,
 * softmax attention to [speaker | text | lyrics], a gated convolution; RMS norms without weights, modulated by time.
 */
#ifndef LOFI_MODELS_ACE_STEP_TRANSFORMER_H
#define LOFI_MODELS_ACE_STEP_TRANSFORMER_H

#include "models/lyric_encoder.h"
#include "models/model.h"

#define LOFI_ACE_STEP_MAX_LAYERS     256
#define LOFI_ACE_STEP_MAX_PROJECTORS 8

typedef struct lofi_ace_step_config {
    int layers, heads;                 /* num_layers, num_attention_heads                        */
    int64_t head_width;                /* attention_head_dim                                     */
    int64_t width;                     /* heads * head_width; the key inner_dim is not read      */
    int64_t hidden;                    /* (int)(width * mlp_ratio)                               */
    int64_t in_channels, out_channels; /* of the latents                                         */
    int64_t height;                    /* max_height: rows of a latent, and of a patch           */
    double rope_theta, mlp_ratio;
    int64_t speaker_width, text_width;                      /* speaker_embedding_dim, text_embedding_dim              */
    int64_t lyric_vocabulary;                               /* lyric_encoder_vocab_size                               */
    lofi_lyric_encoder_config lyric;                        /* lyric_hidden_size, lyric_encoder_attention_heads (16), */
                                                            /* lyric_encoder_linear_units (4096), _num_blocks (6)     */
    int projectors;                                         /* of the self-supervised alignment                       */
    int64_t projector_depths[LOFI_ACE_STEP_MAX_PROJECTORS]; /* ssl_encoder_depths: after which block    */
    int64_t projector_widths[LOFI_ACE_STEP_MAX_PROJECTORS]; /* ssl_latent_dims                          */
} lofi_ace_step_config;

/* Keys that are absent have the values of the original's constructor. LOFI_ERR_FORMAT or LOFI_ERR_UNSUPPORTED naming the
 * key when the values do not make a network. */
lofi_code lofi_ace_step_config_read(lofi_ace_step_config *out, const json_t *config, lofi_error *err) LOFI_MUST_USE;

/* ---- conditions ---- */

typedef struct lofi_ace_step_conditions {
    lofi_tensor *text_states;     /* [B, text, text_width]                          */
    lofi_tensor *text_mask;       /* [B, text], 1 or 0                              */
    lofi_tensor *speaker;         /* [B, speaker_width]                             */
    lofi_tensor *lyric_token_ids; /* i64 [B, lyric], each in [0, lyric_vocabulary)  */
    lofi_tensor *lyric_mask;      /* [B, lyric], 1 or 0                             */
} lofi_ace_step_conditions;

/* Graph inputs of these names, with the symbols "batch", "text" and "lyric". */
lofi_ace_step_conditions lofi_ace_step_condition_inputs(lofi_graph *graph, const lofi_ace_step_config *config);

typedef struct lofi_ace_step_encoded {
    lofi_tensor *states; /* [B, 1 + text + lyric, width]: speaker, text, lyrics */
    lofi_tensor *mask;   /* [B, 1 + text + lyric]                               */
} lofi_ace_step_encoded;

/* query_scale: NULL, or for layers of the lyric encoder. Each of them is one block (lofi_graph_block_begin). */
lofi_ace_step_encoded lofi_ace_step_encode(lofi_builder *builder, const lofi_ace_step_config *config,
                                           const lofi_ace_step_conditions *conditions,
                                           const lofi_query_scale *query_scale);
/* The part of it that looks up, encodes and projects lyrics -> [B, lyric, width]. */
lofi_tensor *lofi_ace_step_encode_lyrics(lofi_builder *builder, const lofi_ace_step_config *config,
                                         lofi_tensor *lyric_token_ids, lofi_tensor *lyric_mask,
                                         const lofi_query_scale *query_scale);

/* ---- one step ---- */

/* What can be looked at on the way. */
typedef struct lofi_ace_step_trace {
    lofi_tensor *time_embedding;                   /* [B, width]                */
    lofi_tensor *time_modulation;                  /* [B, 6 * width]            */
    lofi_tensor *patches;                          /* [B, frames, width]        */
    lofi_tensor *blocks[LOFI_ACE_STEP_MAX_LAYERS]; /* likewise, after each block */
} lofi_ace_step_trace;

/* latents: [B, in_channels, height, frames], attention_mask: [B, frames] (1: a frame), encoded: from above or inputs of
 * those shapes, timestep: [B], 0..1000 -> [B, out_channels, height, frames]. query_scale: NULL, or for blocks. trace:
 * NULL or filled. Each transformer block is one block of the graph. No gradient reaches the latents. */
lofi_tensor *lofi_ace_step_decode(lofi_builder *builder, const lofi_ace_step_config *config, lofi_tensor *latents,
                                  lofi_tensor *attention_mask, const lofi_ace_step_encoded *encoded,
                                  lofi_tensor *timestep, const lofi_query_scale *query_scale,
                                  lofi_ace_step_trace *trace);

/* ---- the self-supervised alignment ---- */

/* The blocks behind which the heads 0, 1, ... listen: in the order of the blocks, whatever the order of ssl_encoder_depths, as
 * the original pairs them. Returns how many of them there are; depths beyond the last block have none. */
int lofi_ace_step_taps(const lofi_ace_step_config *config, int blocks[LOFI_ACE_STEP_MAX_PROJECTORS]);
/* Head `index`, x: [B, frames, width] (trace->blocks of its tap) -> [B, frames, projector_widths[index]]. Frozen; gradient of
 * x. Its weights may be missing from a file: then the graph fails and names them. */
lofi_tensor *lofi_ace_step_project(lofi_builder *builder, const lofi_ace_step_config *config, int index,
                                   lofi_tensor *x);

extern const lofi_model lofi_model_ace_step_transformer;

#endif
