/* alignment_loss.c - see the header. An RMS norm without weights is the unit vector times the root of its length. */
#include "diffusion/alignment_loss.h"

#include "ops/ops.h"

#define NOTHING 1e-24f /* a vector that is no longer than 1e-12 has no direction */

lofi_tensor *lofi_alignment_loss(lofi_graph *graph, lofi_tensor *estimates, lofi_tensor *targets) {
    if (lofi_graph_failed(graph) || !estimates || !targets) return NULL;
    lofi_tensor *here = lofi_interpolate(graph, estimates, targets->shape.dims[1]);
    here = lofi_rms_norm(graph, here, NULL, NULL, NOTHING);
    lofi_tensor *there = lofi_rms_norm(graph, targets, NULL, NULL, NOTHING);
    lofi_tensor *cosine = lofi_mean(graph, lofi_mul(graph, here, there), 1u << 2, false);
    lofi_tensor *mean = lofi_mean(graph, lofi_mean(graph, cosine, 1u << 1, false), 1u << 0, true);
    return lofi_affine(graph, mean, -1, 1);
}
