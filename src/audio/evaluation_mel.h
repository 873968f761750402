/* evaluation_mel.h - the log-mels that the networks of evaluation see: CLAP's and VGGish's.
 *
 * CLAP: ClapFeatureExtractor of transformers 4.50 (models/clap/feature_extraction_clap.py, audio_utils.py): frames centred on
 * their samples with mirrored ends, squared magnitudes, mel filters, 10 log10(max(x, 1e-10)). Clips shorter than max_length_s are
 * filled up by `padding`. Longer ones: without fusion one crop of that length is taken, which the original draws at random and
 * this takes from the middle; with fusion there are four views, the whole shrunk and a crop of each third, which the original
 * draws at random and this takes from the middle of each third.
 *
 * VGGish: vggish_input.py and mel_features.py of harritaylor/torchvggish: 25 ms frames every 10 ms from the first sample on,
 * magnitudes, 64 mel bands 125 to 7,500 Hz, log(x + 0.01), in examples of 96 frames (0.96 s) that follow one another; what is left
 * at the end makes none.
 */
#ifndef LOFI_AUDIO_EVALUATION_MEL_H
#define LOFI_AUDIO_EVALUATION_MEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* ---- CLAP ---- */

typedef enum lofi_clap_padding { LOFI_CLAP_REPEAT_PAD, LOFI_CLAP_REPEAT, LOFI_CLAP_PAD } lofi_clap_padding;

/* As in preprocessor_config.json. */
typedef struct lofi_clap_mel_settings {
    int sample_rate; /* sampling_rate, Hz */
    int bands;       /* feature_size */
    int n_fft, hop;  /* fft_window_size (a power of two), hop_length; samples */
    double f_min, f_max;
    int64_t clip; /* samples: max_length_s * sampling_rate */
    bool fusion;  /* truncation: "fusion", else "rand_trunc" */
    lofi_clap_padding padding;
} lofi_clap_mel_settings;

/* Keys that are absent have the values of the original's constructor. LOFI_ERR_FORMAT or LOFI_ERR_UNSUPPORTED names the key. */
lofi_code lofi_clap_mel_settings_read(lofi_clap_mel_settings *out, const json_t *config, lofi_error *err) LOFI_MUST_USE;

typedef struct lofi_clap_mel {
    float *values; /* [views, frames, bands]; yours: lofi_clap_mel_free */
    int64_t views, frames, bands;
    bool longer; /* views differ: the clip was longer than one */
} lofi_clap_mel;

/* samples: [count], mono, at settings->sample_rate. LOFI_ERR_USAGE when count is less than 1. */
lofi_code lofi_clap_mel_make(lofi_clap_mel *out, const lofi_clap_mel_settings *settings, const float *samples,
                             int64_t count, lofi_error *err) LOFI_MUST_USE;
void lofi_clap_mel_free(lofi_clap_mel *mel); /* zeroes it */

/* ---- VGGish ---- */

#define LOFI_VGGISH_RATE   16000 /* Hz */
#define LOFI_VGGISH_FRAMES 96
#define LOFI_VGGISH_BANDS  64

/* Examples that so many samples make. */
int64_t lofi_vggish_example_count(int64_t samples);
/* samples: [count], mono, 16 kHz -> examples: [lofi_vggish_example_count(count), LOFI_VGGISH_FRAMES, LOFI_VGGISH_BANDS]. */
lofi_code lofi_vggish_examples(float *examples, const float *samples, int64_t count, lofi_error *err) LOFI_MUST_USE;

#endif
