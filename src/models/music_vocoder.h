/* music_vocoder.h - the vocoder of ACE-Step: a ConvNeXt backbone over the log-mel and a HiFiGAN-like head to samples.
 *
 * Follows ADaMoSHiFiGANV1 of ACE-Step (acestep/music_dcae/music_vocoder.py). Its config also holds the settings of the
 * log-mel that the audio encoder sees. Weight norm is folded when the weights are loaded.
 * Refused by name: `use_template`, for which MusicDCAE.decode has no template to give, and kernels of even size before and
 * after the steps up, which would lose samples.
 */
#ifndef LOFI_MODELS_MUSIC_VOCODER_H
#define LOFI_MODELS_MUSIC_VOCODER_H

#include "audio/log_mel.h"
#include "models/model.h"

#define LOFI_VOCODER_MAX_STAGES  16
#define LOFI_VOCODER_MAX_KERNELS 8

typedef struct lofi_vocoder_config {
    lofi_mel_settings mel;
    /* backbone */
    int64_t input_channels;
    int stages;
    int64_t depths[LOFI_VOCODER_MAX_STAGES], dims[LOFI_VOCODER_MAX_STAGES];
    int block_kernels; /* more than one: parallel blocks that are summed */
    int64_t block_kernel[LOFI_VOCODER_MAX_KERNELS];
    /* head */
    int64_t num_mels;         /* its input channels: the last of dims */
    int64_t initial_channels; /* upsample_initial_channel: halved by each step up */
    int steps;
    int64_t rates[LOFI_VOCODER_MAX_STAGES], kernels[LOFI_VOCODER_MAX_STAGES]; /* of the steps up */
    int residuals; /* residual blocks after each step, averaged */
    int64_t residual_kernels[LOFI_VOCODER_MAX_KERNELS], residual_dilations[LOFI_VOCODER_MAX_KERNELS][3];
    int64_t pre_kernel, post_kernel;
} lofi_vocoder_config;

/* Keys that are absent have the values of the original's constructor. LOFI_ERR_FORMAT naming the key when the values do
 * not make a network. */
lofi_code lofi_vocoder_config_read(lofi_vocoder_config *out, const json_t *config, lofi_error *err) LOFI_MUST_USE;
/* The settings of the log-mel alone. */
lofi_code lofi_vocoder_mel_read(lofi_mel_settings *out, const json_t *config, lofi_error *err) LOFI_MUST_USE;

/* mel: [B, input_channels, frames], the natural logarithm as lofi_mel_run gives it -> [B, num_mels, frames]. No gradient. */
lofi_tensor *lofi_vocoder_backbone(lofi_builder *builder, const lofi_vocoder_config *config, lofi_tensor *mel);
/* features: [B, num_mels, frames] -> samples [B, 1, frames * hop] in (-1, 1). No gradient. */
lofi_tensor *lofi_vocoder_head(lofi_builder *builder, const lofi_vocoder_config *config, lofi_tensor *features);

/* Both together look at no more than this many mel frames before and after the frame that a sample belongs to; all else is
 * the same wherever a piece of music is cut. */
int64_t lofi_vocoder_reach(const lofi_vocoder_config *config);

extern const lofi_model lofi_model_music_vocoder;

#endif
