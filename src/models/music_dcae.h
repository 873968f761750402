/* music_dcae.h - the autoencoder between log-mel pictures and latents: AutoencoderDC, encoder and decoder.
 *
 * Follows diffusers' AutoencoderDC (arXiv 2410.10733) with everything that a config.json of it may name: residual and
 * EfficientViT stages of any number and size, strided or pixel-unshuffling steps down, interpolating or pixel-shuffling
 * steps up, shortcuts beside them. Refused by name: "layer_norm" in the decoder, which the original applies to the width of a
 * picture and can only run where that is the number of channels.
 *
 * The original computes attention over at most attention_head_dim positions in the quadratic form
 * (K^T Q, divided by its column sums, then V), over more in the linear form. Both are
 * sum_j (q_i k_j) v_j / (sum_j q_i k_j + 1e-15) in another order of summation, so one op serves for both.
 */
#ifndef LOFI_MODELS_MUSIC_DCAE_H
#define LOFI_MODELS_MUSIC_DCAE_H

#include "models/activation.h"
#include "models/model.h"

#define LOFI_DCAE_MAX_STAGES 16
#define LOFI_DCAE_MAX_SCALES 8

/* Stage 0 is the one with the largest pictures. */
typedef struct lofi_dcae_stage {
    int64_t channels;
    int layers;     /* 0: the stage is not there, and no step down or up belongs to it */
    bool attention; /* EfficientViTBlock, else ResBlock */
    int scales;     /* of the attention, besides the plain one */
    int64_t kernels[LOFI_DCAE_MAX_SCALES];
    bool batch_norm;            /* of the decoder, instead of RMS norms: statistics of the file */
    lofi_activation activation; /* of ResBlock; the encoder's is always SiLU */
} lofi_dcae_stage;

typedef struct lofi_dcae_half {
    int stages;
    lofi_dcae_stage stage[LOFI_DCAE_MAX_STAGES];
    bool shuffle;  /* steps by pixel (un)shuffling; else strided convolution, or interpolation */
    bool shortcut; /* beside the convolution at the latents: encoder_out_shortcut, decoder_in_shortcut */
} lofi_dcae_half;

typedef struct lofi_dcae_config {
    int64_t in_channels; /* of the pictures: 2 for stereo */
    int64_t latent_channels;
    int64_t head_width; /* attention_head_dim */
    lofi_dcae_half encoder, decoder;
    lofi_activation end; /* of the decoder: decoder_conv_act_fn */
} lofi_dcae_config;

/* Keys that are absent have the values of the original's constructor. LOFI_ERR_FORMAT or LOFI_ERR_UNSUPPORTED naming the
 * key when the values do not make a network. */
lofi_code lofi_dcae_config_read(lofi_dcae_config *out, const json_t *config, lofi_error *err) LOFI_MUST_USE;

/* How many times smaller latents are than pictures, in both directions (a power of two). */
int64_t lofi_dcae_reduction(const lofi_dcae_half *half);

/* mel: [B, in_channels, H, W], H and W multiples of the reduction (as expressions too: 8 * frames)
 * -> [B, latent_channels, H / reduction, W / reduction]. No gradient. */
lofi_tensor *lofi_dcae_encode(lofi_builder *builder, const lofi_dcae_config *config, lofi_tensor *mel);
/* latents: [B, latent_channels, H, W] -> [B, in_channels, H * reduction, W * reduction]. No gradient. */
lofi_tensor *lofi_dcae_decode(lofi_builder *builder, const lofi_dcae_config *config, lofi_tensor *latents);

/* Either half in two: attention sees all of a picture, what lies between the picture and the first stage that has it (in the
 * decoder: the last one) looks at few columns around each one. So that part may be run on overlapping windows of columns, with
 * the result of the whole. */
typedef struct lofi_dcae_split {
    int64_t channels; /* of the features */
    int64_t factor;   /* columns of the picture for each column of the features */
    int64_t reach;    /* columns of features on each side that one depends on, or that its columns of the picture do */
} lofi_dcae_split;

/* start: [B, in_channels, H, W], both multiples of the factor -> features [B, channels, H / factor, W / factor];
 * end: those, multiples of what is left of the reduction -> latents. */
lofi_dcae_split lofi_dcae_encoder_split(const lofi_dcae_config *config);
lofi_tensor *lofi_dcae_encode_start(lofi_builder *builder, const lofi_dcae_config *config, lofi_tensor *mel);
lofi_tensor *lofi_dcae_encode_end(lofi_builder *builder, const lofi_dcae_config *config, lofi_tensor *features);

/* start: latents [B, latent_channels, H, W] -> features [B, channels, H', W']; end: those -> [B, in_channels, H" , W' factor]. */
lofi_dcae_split lofi_dcae_decoder_split(const lofi_dcae_config *config);
lofi_tensor *lofi_dcae_decode_start(lofi_builder *builder, const lofi_dcae_config *config, lofi_tensor *latents);
lofi_tensor *lofi_dcae_decode_end(lofi_builder *builder, const lofi_dcae_config *config, lofi_tensor *features);

extern const lofi_model lofi_model_music_dcae;

#endif
