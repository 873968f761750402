/* ssl_encoder.h - 48 kHz stereo to what a self-supervised network hears in it: the targets of the alignment.
 *
 * Follows infer_mert_ssl and infer_mhubert_ssl of ACE-Step's trainer.py: the mean of both channels, resampled (audio/
 * resample_sinc.h), brought to mean 0 and variance 1 over the music (variance with n - 1, plus 1e-7), cut into chunks that are
 * filled up with zeros and heard one by one; of each, one state per 320 samples of music is kept.
 */
#ifndef LOFI_MODELS_SSL_ENCODER_H
#define LOFI_MODELS_SSL_ENCODER_H

#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"

typedef struct lofi_ssl_encoder lofi_ssl_encoder;

typedef struct lofi_ssl_kind {
    const char *name;           /* as its loss is called: "mert", "m-hubert" */
    int sample_rate;            /* Hz, of what it hears */
    int chunk_seconds;          /* how much of it at once */
    const char *const *folders; /* where a checkpoint folder may hold it, NULL ends */
} lofi_ssl_kind;
#define LOFI_SSL_KINDS 2
/* In the order of the transformer's heads: MERT-v1-330M, mHuBERT-147. */
extern const lofi_ssl_kind lofi_ssl_kinds[LOFI_SSL_KINDS];

/* folder: config.json and weights of a HuBERT (models/hubert.h). threads 0: all. *out is yours. */
lofi_code lofi_ssl_encoder_open(lofi_ssl_encoder **out, const lofi_ssl_kind *kind, const char *folder, int threads,
                                lofi_error *err) LOFI_MUST_USE;
void lofi_ssl_encoder_close(lofi_ssl_encoder *encoder); /* NULL is fine */

/* Numbers in a state. */
int64_t lofi_ssl_encoder_width(const lofi_ssl_encoder *encoder);

/* samples: [2, count] planar at 48 kHz, of which the first `valid` are music. *states: [*frames, width], yours through
 * lofi_free. LOFI_ERR_USAGE when there is not one sample of music at the network's rate. */
lofi_code lofi_ssl_encoder_run(lofi_ssl_encoder *encoder, const float *samples, int64_t count, int64_t valid,
                               float **states, int64_t *frames, lofi_error *err) LOFI_MUST_USE;

/* Bytes of the activations: those of one chunk, whatever the length of the music. */
size_t lofi_ssl_encoder_activation_bytes(const lofi_ssl_encoder *encoder);

/* SHA-256 of everything that the states depend on besides the samples: kind, config and weights. Reads them once. */
lofi_code lofi_ssl_encoder_hash(const lofi_ssl_encoder *encoder, char hex[LOFI_SHA256_HEX],
                                lofi_error *err) LOFI_MUST_USE;

#endif
