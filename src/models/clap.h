/* clap.h - CLAP: sound and text in one space. HTSAT (a Swin transformer over the log-mel), RoBERTa, and a projection of each.
 *
 * Follows ClapModel of transformers 4.50 (models/clap/modeling_clap.py) in evaluation, unfused and fused (enable_fusion, with
 * aff_2d). Embeddings are unit vectors. The log-mel comes from audio/clap_mel.h, the ids from text/.
 * Refused by name: other activations than gelu, gelu_new, relu, silu; relative positions of the text tower; other fusions than
 * aff_2d; windows that are larger than a stage, or that stages are no multiple of without padding by the original's rules;
 * spectrogram pictures that are no multiple of the mel bands.
 */
#ifndef LOFI_MODELS_CLAP_H
#define LOFI_MODELS_CLAP_H

#include "models/activation.h"
#include "models/loaded.h"
#include "models/model.h"

#define LOFI_CLAP_MAX_STAGES 8
#define LOFI_CLAP_VIEWS      4 /* of a fused clip: the whole, and three crops */

typedef struct lofi_clap_text_config {
    int64_t vocabulary, width, hidden, positions, types; /* vocab_size, hidden_size, intermediate_size,
                                                            max_position_embeddings, type_vocab_size */
    int layers, heads;
    int64_t padding; /* pad_token_id */
    float norm_epsilon;
    lofi_activation activation;
} lofi_clap_text_config;

typedef struct lofi_clap_audio_config {
    int64_t bands;         /* num_mel_bins */
    int64_t size;          /* spec_size: sides of the picture, and with `bands` the most frames of a clip */
    int64_t patch, stride; /* patch_size, patch_stride */
    int64_t width;         /* patch_embeds_hidden_size: channels of the first stage */
    int stages;
    int64_t depths[LOFI_CLAP_MAX_STAGES], heads[LOFI_CLAP_MAX_STAGES];
    int64_t window;
    double mlp_ratio;
    bool query_bias, patch_norm;
    bool fused;
    int64_t fusion_ratio; /* aff_block_r */
    float norm_epsilon;
    lofi_activation activation;
} lofi_clap_audio_config;

typedef struct lofi_clap_config {
    lofi_clap_text_config text;
    lofi_clap_audio_config audio;
    int64_t projection; /* projection_dim */
    lofi_activation projection_activation;
} lofi_clap_config;

/* Keys that are absent have the values of ClapConfig. LOFI_ERR_FORMAT or LOFI_ERR_UNSUPPORTED naming the key. */
lofi_code lofi_clap_config_read(lofi_clap_config *out, const json_t *config, lofi_error *err) LOFI_MUST_USE;

/* Most frames of a log-mel that the audio tower takes: 1,024 in the released model, of which a clip of 10 s uses 1,001. */
int64_t lofi_clap_max_frames(const lofi_clap_config *config);

/* mel: [B, views, frames, bands]; views is 1, or LOFI_CLAP_VIEWS where the model is fused; frames is a number, at most
 * lofi_clap_max_frames. longer: fused only: the crops are used beside the whole (is_longer). -> [B, projection]. */
lofi_tensor *lofi_clap_audio(lofi_builder *builder, const lofi_clap_config *config, lofi_tensor *mel, bool longer);

/* input_ids: i64 [B, S], each in [0, vocabulary); position_ids: i64 [B, S] (lofi_clap_positions); attention_mask: [B, S], 1: a
 * token -> [B, projection]. */
lofi_tensor *lofi_clap_text(lofi_builder *builder, const lofi_clap_config *config, lofi_tensor *input_ids,
                            lofi_tensor *position_ids, lofi_tensor *attention_mask);
/* Positions of a row of `count` ids: counted over what is no padding, which itself has the padding's number. */
void lofi_clap_positions(int64_t *positions, const int64_t *ids, int64_t count, int64_t padding);

/* What cosines of embeddings are multiplied with for logits_per_audio: e to the power of logit_scale_a. */
lofi_code lofi_clap_scale(double *out, const lofi_loaded *clap, lofi_error *err) LOFI_MUST_USE;

/* Not part of a checkpoint folder: preset is not used. */
extern const lofi_model lofi_model_clap;

#endif
