/* vggish.h - VGGish: log-mel examples to embeddings, for the Frechet audio distance.
 *
 * Follows harritaylor/torchvggish (torchvggish/vggish.py) as frechet_audio_distance uses it: no final activation, no PCA, no
 * quantisation. Its weights come as one PyTorch file without a config (vggish-10086976.pth): layers, widths, and where pooling
 * stands, are read from the names and shapes of its tensors.
 */
#ifndef LOFI_MODELS_VGGISH_H
#define LOFI_MODELS_VGGISH_H

#include "models/loaded.h"

#define LOFI_VGGISH_MAX_LAYERS 32

typedef struct lofi_vggish_config {
    int convolutions, layers;                 /* of the features; of the embedding */
    int64_t module[LOFI_VGGISH_MAX_LAYERS];   /* number of each convolution in its module */
    int64_t channels[LOFI_VGGISH_MAX_LAYERS]; /* after each convolution */
    bool pooled[LOFI_VGGISH_MAX_LAYERS];      /* pooled behind it */
    int64_t widths[LOFI_VGGISH_MAX_LAYERS];   /* after each layer of the embedding */
} lofi_vggish_config;

/* A config as JSON, made from the names and shapes in `weights`. *out is yours. LOFI_ERR_FORMAT when they are none of a VGGish. */
lofi_code lofi_vggish_describe(json_t **out, const lofi_weights *weights, lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_vggish_config_read(lofi_vggish_config *out, const json_t *config, lofi_error *err) LOFI_MUST_USE;

/* The network in a folder that holds its one file. *out is yours: lofi_loaded_close. */
lofi_code lofi_vggish_open(lofi_loaded **out, const char *folder, lofi_error *err) LOFI_MUST_USE;

/* examples: [N, LOFI_VGGISH_FRAMES, LOFI_VGGISH_BANDS] -> [N, the last of widths] */
lofi_tensor *lofi_vggish_build(lofi_builder *builder, const lofi_vggish_config *config, lofi_tensor *examples);

extern const lofi_model lofi_model_vggish;

#endif
