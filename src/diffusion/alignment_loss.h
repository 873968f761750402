/* alignment_loss.h - the self-supervised alignment as graph nodes: hidden states of the transformer should tell what MERT and
 * mHuBERT hear.
 *
 * Follows the end of ACEStepTransformer2DModel.decode (acestep/models/ace_step_transformer.py): estimates are interpolated
 * linearly to the length of the targets, both are normalised, and the loss is the mean of 1 - cosine over time and songs.
 */
#ifndef LOFI_DIFFUSION_ALIGNMENT_LOSS_H
#define LOFI_DIFFUSION_ALIGNMENT_LOSS_H

#include "graph/graph.h"

/* estimates: [B, frames, C], targets: [B, T, C] -> [1]. Gradient of estimates. */
lofi_tensor *lofi_alignment_loss(lofi_graph *graph, lofi_tensor *estimates, lofi_tensor *targets);

#endif
