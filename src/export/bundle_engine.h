/* bundle_engine.h - songs computed by a bundle in ONNX Runtime: what the player will play.
 *
 * As the player does it: the tokenizer of the bundle, a batch of 1, 128 latent frames at a time into the autoencoder, one channel
 * at a time into the vocoder. Weakened networks, as entropy rectifying guidance wants them, are not in a bundle.
 */
#ifndef LOFI_EXPORT_BUNDLE_ENGINE_H
#define LOFI_EXPORT_BUNDLE_ENGINE_H

#include "diffusion/engine.h"

#define LOFI_PLAYER_FRAMES 128

/* Opens and checks all files: the names, types and axes of every model are those of bundle_parts.h. library: see
 * lofi_onnx_runtime_open. *out is yours: lofi_engine_close. */
lofi_code lofi_bundle_engine_open(lofi_engine **out, const char *folder, const char *library, int threads,
                                  lofi_error *err) LOFI_MUST_USE;

#endif
