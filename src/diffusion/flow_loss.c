/* flow_loss.c - see the header. */
#include "diffusion/flow_loss.h"

#include "ops/ops.h"

#define SONG_AXES (1u << 1 | 1u << 2 | 1u << 3)

/* [B] as [B, 1, 1, 1]. */
static lofi_tensor *per_song(lofi_graph *graph, lofi_tensor *x) {
    if (!x) return NULL;
    return lofi_reshape(graph, x, 4, (lofi_dim[]){x->shape.dims[0], 1, 1, 1});
}

lofi_tensor *lofi_flow_noisy(lofi_graph *graph, lofi_tensor *latents, lofi_tensor *noise, lofi_tensor *sigma) {
    lofi_tensor *level = per_song(graph, sigma);
    lofi_tensor *clean = lofi_mul(graph, lofi_affine(graph, level, -1, 1), latents);
    return lofi_add(graph, lofi_mul(graph, level, noise), clean);
}

lofi_tensor *lofi_flow_loss(lofi_graph *graph, lofi_tensor *latents, lofi_tensor *noisy, lofi_tensor *output,
                            lofi_tensor *sigma, lofi_tensor *mask) {
    if (lofi_graph_failed(graph) || !mask) return NULL;
    lofi_tensor *level = lofi_affine(graph, per_song(graph, sigma), -1, 0);
    lofi_tensor *prediction = lofi_add(graph, lofi_mul(graph, output, level), noisy);
    lofi_tensor *frames = lofi_reshape(graph, mask, 4, (lofi_dim[]){mask->shape.dims[0], 1, 1, mask->shape.dims[1]});
    lofi_tensor *error = lofi_mul(graph, lofi_sub(graph, prediction, latents), frames);
    lofi_tensor *per_row = lofi_mean(graph, lofi_square(graph, error), SONG_AXES, false);
    lofi_tensor *valid = lofi_mean(graph, mask, 1u << 1, false);
    return lofi_mean(graph, lofi_mul(graph, per_row, valid), 1u << 0, true);
}
