/* dcae_windows.h - a half of the autoencoder run in windows of time, with the result of the whole.
 *
 * Part by part (lofi_dcae_part): where a part begins with attention, what attention keeps of all columns is gathered first, in
 * windows too. So the activations follow the window, and only what goes from part to part follows the music: the deepest pictures,
 * 64 KB for each latent frame in the released model, twice.
 */
#ifndef LOFI_MODELS_DCAE_WINDOWS_H
#define LOFI_MODELS_DCAE_WINDOWS_H

#include "models/music_dcae.h"
#include "models/windowed.h"

typedef struct lofi_dcae_windows lofi_dcae_windows;

/* One half for pictures (encoder) or latents (decoder) of `rows` rows. Source and config must outlive it. *out is yours. */
lofi_code lofi_dcae_windows_open(lofi_dcae_windows **out, const lofi_weight_source *source,
                                 const lofi_dcae_config *config, lofi_dcae_side side, int64_t rows, int threads,
                                 lofi_error *err) LOFI_MUST_USE;
void lofi_dcae_windows_close(lofi_dcae_windows *half); /* NULL is fine */

/* in: [channels * rows, columns], columns a multiple of the reduction for the encoder; freed as soon as it is used up.
 * window: latent frames at a time; 0: all. *out is yours, also after a failure. progress may be NULL. */
lofi_code lofi_dcae_windows_run(lofi_dcae_windows *half, lofi_columns *in, int64_t window, lofi_columns *out,
                                const lofi_windowed_progress *progress, lofi_error *err) LOFI_MUST_USE;

/* Bytes of the largest activation buffer so far: parts have theirs one after the other. */
size_t lofi_dcae_windows_activation_bytes(const lofi_dcae_windows *half);

#endif
