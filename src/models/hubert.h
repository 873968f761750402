/* hubert.h - HuBERT: 16 or 24 kHz sound to hidden states, the targets of the self-supervised alignment.
 *
 * Follows HubertModel of transformers 4.50 (models/hubert/modeling_hubert.py), last_hidden_state in evaluation, without an
 * attention mask. Both layouts: norms after (mHuBERT-147: one group norm behind the first convolution) and before each part
 * (MERT-v1-330M, do_stable_layer_norm: a layer norm behind every convolution). MERT's own configs are read too: its
 * `attention_relax` rescales scores around their maximum, which softmax does not see.
 * Refused by name: `conv_pos_batch_norm`, `feature_extractor_cqt`, `deepnorm`, activations other than gelu, gelu_new, relu, silu.
 */
#ifndef LOFI_MODELS_HUBERT_H
#define LOFI_MODELS_HUBERT_H

#include "models/activation.h"
#include "models/model.h"

#define LOFI_HUBERT_MAX_CONVOLUTIONS 16

typedef struct lofi_hubert_config {
    int convolutions;
    int64_t channels[LOFI_HUBERT_MAX_CONVOLUTIONS]; /* conv_dim */
    int64_t kernels[LOFI_HUBERT_MAX_CONVOLUTIONS], strides[LOFI_HUBERT_MAX_CONVOLUTIONS];
    bool convolution_bias;                              /* conv_bias */
    bool layer_norms;                                   /* feat_extract_norm "layer", else "group" */
    bool projection_norm;                               /* feat_proj_layer_norm */
    bool stable;                                        /* do_stable_layer_norm */
    int64_t width, hidden;                              /* hidden_size, intermediate_size */
    int layers, heads;                                  /* num_hidden_layers, num_attention_heads */
    int64_t positions_kernel;                           /* num_conv_pos_embeddings */
    int64_t positions_groups;                           /* num_conv_pos_embedding_groups */
    float norm_epsilon;                                 /* layer_norm_eps */
    lofi_activation convolution_activation, activation; /* feat_extract_activation, hidden_act */
} lofi_hubert_config;

/* Keys that are absent have the values of HubertConfig. LOFI_ERR_FORMAT or LOFI_ERR_UNSUPPORTED naming the key. */
lofi_code lofi_hubert_config_read(lofi_hubert_config *out, const json_t *config, lofi_error *err) LOFI_MUST_USE;

/* Hidden states that so many samples give; 0 when they are too few. */
int64_t lofi_hubert_frames(const lofi_hubert_config *config, int64_t samples);

/* samples: [B, N], normalised as the model wants it -> [B, lofi_hubert_frames(N), width]. No gradient. */
lofi_tensor *lofi_hubert_build(lofi_builder *builder, const lofi_hubert_config *config, lofi_tensor *samples);

/* Not part of a checkpoint folder: name and preset are not used. */
extern const lofi_model lofi_model_hubert;

#endif
