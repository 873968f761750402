/* clap_internal.h - what the two towers of CLAP share. */
#ifndef LOFI_MODELS_CLAP_INTERNAL_H
#define LOFI_MODELS_CLAP_INTERNAL_H

#include "models/clap.h"

/* x: [B, in] -> a unit vector [B, projection], by two layers with the projection's activation between them. */
lofi_tensor *lofi_clap_project(lofi_builder *builder, const lofi_clap_config *config, lofi_tensor *x, const char *name,
                               int64_t in);

/* Channels and sides of the picture of patches after `stage`. */
int64_t lofi_clap_stage_width(const lofi_clap_audio_config *config, int stage);
int64_t lofi_clap_stage_side(const lofi_clap_audio_config *config, int stage);

#endif
