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

/* Either half as a row of parts, which can be run on overlapping windows of columns with the result of the whole: only attention
 * sees all of a picture, and a part has at most one, with which it begins. What attention keeps of keys and values
 * (lofi_linear_attention_state) is gathered over all windows first, then the part is run; everything else looks at few columns
 * around each one. */
typedef enum lofi_dcae_side { LOFI_DCAE_ENCODER, LOFI_DCAE_DECODER } lofi_dcae_side;

typedef struct lofi_dcae_part {
    lofi_dcae_side side;
    int64_t in_channels, out_channels;
    int64_t in_reduction, out_reduction; /* columns of the whole half's pictures for each one here; rows too */
    int64_t reach;  /* columns of the smaller of its two pictures that a column depends on, on each side, at most */
    bool attention; /* a state is needed */
    int64_t heads;  /* of the attention: the state is [1, heads, head_width + 1, head_width] */
    int64_t state_reach; /* columns of the input on each side that what a column adds to the state depends on */
    int first, end;      /* of the half's layers and steps */
} lofi_dcae_part;

lofi_dcae_part lofi_dcae_part_first(const lofi_dcae_config *config, lofi_dcae_side side);
/* The one after `before`, which may be *out itself; false when there is none. */
bool lofi_dcae_part_next(lofi_dcae_part *out, const lofi_dcae_part *before, const lofi_dcae_config *config);

/* x: [B, in_channels, H, W] -> [B, out_channels, H', W']. state: NULL without attention. */
lofi_tensor *lofi_dcae_build_part(lofi_builder *builder, const lofi_dcae_config *config, const lofi_dcae_part *part,
                                  lofi_tensor *x, lofi_tensor *state);
/* What the positions of x that the mask [B, H * W] lets through add to the state. */
lofi_tensor *lofi_dcae_build_state(lofi_builder *builder, const lofi_dcae_config *config, const lofi_dcae_part *part,
                                   lofi_tensor *x, lofi_tensor *mask);

extern const lofi_model lofi_model_music_dcae;

#endif
