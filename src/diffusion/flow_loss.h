/* flow_loss.h - flow matching as graph nodes: what a training step feeds the network and what it is asked for.
 *
 * Follows run_step of ACE-Step's trainer.py. With clean latents x0, noise e and sigma of the timestep:
 *     noisy      = sigma e + (1 - sigma) x0
 *     prediction = noisy - sigma output                     (an estimate of x0)
 *     loss       = mean over the batch of  mean((mask (prediction - x0))^2) mean(mask)
 * Both inner means run over all channels, rows and frames of a song, masked ones included.
 */
#ifndef LOFI_DIFFUSION_FLOW_LOSS_H
#define LOFI_DIFFUSION_FLOW_LOSS_H

#include "graph/graph.h"

/* latents, noise: [B, C, H, frames], sigma: [B] -> [B, C, H, frames] */
lofi_tensor *lofi_flow_noisy(lofi_graph *graph, lofi_tensor *latents, lofi_tensor *noise, lofi_tensor *sigma);

/* latents, noisy, output: [B, C, H, frames], sigma: [B], mask: [B, frames] of 1 and 0 -> [1] */
lofi_tensor *lofi_flow_loss(lofi_graph *graph, lofi_tensor *latents, lofi_tensor *noisy, lofi_tensor *output,
                            lofi_tensor *sigma, lofi_tensor *mask);

#endif
