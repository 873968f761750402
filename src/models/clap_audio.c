/* clap_audio.c - the audio tower of CLAP: HTSAT, a Swin transformer over a log-mel folded into a square, and the projection.
 * Names of weights are the original's. */
#include <math.h>
#include <stdio.h>

#include "models/clap_internal.h"
#include "ops/ops.h"

#define BATCH_NORM_EPSILON 1e-5f
#define LAYER_NORM_EPSILON 1e-5f /* of the norms whose epsilon no config names */
#define MEL_KERNEL         3     /* a patch of a crop is that many times as wide */

/* ---- norms and convolutions ---- */

/* Batch norm in evaluation over one axis of x, [channels] with `after` dimensions behind it: statistics are constants. */
static lofi_tensor *batch_norm(lofi_builder *b, lofi_tensor *x, const char *name, int64_t channels, int after) {
    int64_t seen[LOFI_MAX_RANK] = {channels, 1, 1, 1, 1, 1};
    lofi_tensor *part[4];
    static const char *const names[] = {"weight", "bias", "running_mean", "running_var"};
    lofi_graph_scope_push(b->graph, "%s", name);
    for (int i = 0; i < 4; i++)
        part[i] = lofi_weight_as(b, names[i], i == 0 || i == 3 ? LOFI_FILL_ONE : LOFI_FILL_ZERO, true, 1, &channels,
                                 1 + after, seen);
    lofi_weight_unused(b, "num_batches_tracked", LOFI_FILL_ZERO, 0, NULL);
    lofi_graph_scope_pop(b->graph);
    if (lofi_graph_failed(b->graph) || !x) return NULL;
    lofi_tensor *deviation = lofi_square_root(b->graph, lofi_affine(b->graph, part[3], 1, BATCH_NORM_EPSILON));
    lofi_tensor *factor = lofi_div(b->graph, part[0], deviation);
    return lofi_add(b->graph, lofi_mul(b->graph, lofi_sub(b->graph, x, part[2]), factor), part[1]);
}

typedef struct convolution {
    int64_t in, out, high, wide; /* of the kernel */
    int32_t stride_high, stride_wide, padding;
} convolution;

static lofi_tensor *convolve(lofi_builder *b, lofi_tensor *x, const char *name, convolution c) {
    lofi_conv2d_attributes attributes = {c.stride_high, c.stride_wide, c.padding, c.padding, 1, 1, 1};
    lofi_graph_scope_push(b->graph, "%s", name);
    lofi_tensor *weight = lofi_weight(b, "weight", LOFI_FILL_MATRIX, 4, (int64_t[]){c.out, c.in, c.high, c.wide});
    lofi_tensor *bias = lofi_weight_f32(b, "bias", LOFI_FILL_ZERO, 1, &c.out);
    x = lofi_graph_failed(b->graph) ? NULL : lofi_conv2d(b->graph, x, weight, bias, attributes);
    lofi_graph_scope_pop(b->graph);
    return x;
}

/* ---- the picture ---- */

/* mel: [B, views, frames, bands] -> [B, views, size, size]: stretched to the most frames, cut into `ratio` runs, and each run
 * laid below the one before, frequencies down and time to the right. */
static lofi_tensor *picture(lofi_builder *b, const lofi_clap_audio_config *config, lofi_tensor *mel) {
    int64_t bands = config->bands, ratio = config->size / bands, frames = config->size * ratio, run = frames / ratio;
    if (!mel) return NULL;
    lofi_dim batch = mel->shape.dims[0], views = mel->shape.dims[1], now = mel->shape.dims[2];
    if (now != frames) {
        lofi_dim flat[] = {lofi_dim_mul(b->graph, batch, views), now, bands}, full[] = {batch, views, frames, bands};
        mel = lofi_interpolate_cubic(b->graph, lofi_reshape(b->graph, mel, 3, flat), frames);
        mel = lofi_reshape(b->graph, mel, 4, full);
    }
    lofi_dim cut[] = {batch, lofi_dim_mul(b->graph, views, ratio), run, bands};
    lofi_dim square[] = {batch, views, config->size, config->size};
    mel = lofi_permute(b->graph, lofi_reshape(b->graph, mel, 4, cut), (int[]){0, 1, 3, 2});
    return lofi_reshape(b->graph, mel, 4, square);
}

/* ---- fusion of the whole and its crops (attentional feature fusion, arXiv 2009.14082) ---- */

static lofi_tensor *sigmoid(lofi_builder *b, lofi_tensor *x) {
    return lofi_affine(b->graph, lofi_tanh(b->graph, lofi_affine(b->graph, x, 0.5f, 0)), 0.5f, 0.5f);
}

/* Two layers at every place, first less channels and then all; `at`: number of the first one in its module. */
static lofi_tensor *weigh(lofi_builder *b, lofi_tensor *x, const char *name, int at, int64_t all, int64_t less) {
    char first[16], first_norm[16], second[16], second_norm[16];
    snprintf(first, sizeof first, "%d", at);
    snprintf(first_norm, sizeof first_norm, "%d", at + 1);
    snprintf(second, sizeof second, "%d", at + 3);
    snprintf(second_norm, sizeof second_norm, "%d", at + 4);
    lofi_graph_scope_push(b->graph, "%s", name);
    x = batch_norm(b, convolve(b, x, first, (convolution){all, less, 1, 1, 1, 1, 0}), first_norm, less, 2);
    x = lofi_relu(b->graph, x);
    x = batch_norm(b, convolve(b, x, second, (convolution){less, all, 1, 1, 1, 1, 0}), second_norm, all, 2);
    lofi_graph_scope_pop(b->graph);
    return x;
}

static lofi_tensor *fuse(lofi_builder *b, const lofi_clap_audio_config *config, lofi_tensor *whole,
                         lofi_tensor *crops) {
    int64_t all = config->width, less = config->width / config->fusion_ratio;
    lofi_graph_scope_push(b->graph, "fusion_model");
    lofi_tensor *both = lofi_add(b->graph, whole, crops);
    lofi_tensor *near = weigh(b, both, "local_att", 0, all, less);
    lofi_tensor *far = weigh(b, lofi_mean(b->graph, both, 1u << 2 | 1u << 3, true), "global_att", 1, all, less);
    lofi_graph_scope_pop(b->graph);
    lofi_tensor *share = sigmoid(b, lofi_add(b->graph, near, far));
    lofi_tensor *first = lofi_affine(b->graph, lofi_mul(b->graph, whole, share), 2, 0);
    lofi_tensor *rest = lofi_affine(b->graph, share, -1, 1);
    return lofi_add(b->graph, first, lofi_affine(b->graph, lofi_mul(b->graph, crops, rest), 2, 0));
}

/* Patches of the crops, wider than those of the whole, side by side and filled up with zeros: as many columns as the whole. */
static lofi_tensor *crop_patches(lofi_builder *b, const lofi_clap_audio_config *config, lofi_tensor *pictures,
                                 lofi_dim columns) {
    int32_t stride = (int32_t)config->stride, padding = (int32_t)(config->patch - config->stride) / 2;
    convolution c = {1, config->width, config->patch, MEL_KERNEL * config->patch, stride, MEL_KERNEL * stride, padding};
    const int64_t crops = LOFI_CLAP_VIEWS - 1, size = config->size;
    if (!pictures) return NULL;
    lofi_dim batch = pictures->shape.dims[0], flat[] = {lofi_dim_mul(b->graph, batch, crops), 1, size, size};
    lofi_tensor *x = lofi_slice(b->graph, pictures, 1, 1, crops);
    x = convolve(b, lofi_reshape(b->graph, x, 4, flat), "mel_conv2d", c);
    if (!x) return NULL;
    lofi_dim high = x->shape.dims[2], wide = x->shape.dims[3];
    lofi_dim apart[] = {batch, crops, config->width, high, wide}, joined[] = {batch, config->width, high, crops * wide};
    x = lofi_permute(b->graph, lofi_reshape(b->graph, x, 5, apart), (int[]){0, 2, 3, 1, 4});
    return lofi_pad(b->graph, lofi_reshape(b->graph, x, 4, joined), 3, 0, columns - crops * wide);
}

/* pictures: [B, views, size, size] -> [B, side^2, width] */
static lofi_tensor *patches(lofi_builder *b, const lofi_clap_audio_config *config, lofi_tensor *pictures, bool longer) {
    int32_t stride = (int32_t)config->stride, padding = (int32_t)(config->patch - config->stride) / 2;
    int64_t side = lofi_clap_stage_side(config, 0), width = config->width;
    if (!pictures) return NULL;
    lofi_graph_scope_push(b->graph, "patch_embed");
    lofi_tensor *x = convolve(b, config->fused ? lofi_slice(b->graph, pictures, 1, 0, 1) : pictures, "proj",
                              (convolution){1, width, config->patch, config->patch, stride, stride, padding});
    if (x && longer) x = fuse(b, config, x, crop_patches(b, config, pictures, x->shape.dims[3]));
    lofi_dim dims[] = {pictures->shape.dims[0], width, side * side};
    x = lofi_permute(b->graph, lofi_reshape(b->graph, x, 3, dims), (int[]){0, 2, 1});
    if (config->patch_norm) x = lofi_normalise(b, x, "norm", width, LAYER_NORM_EPSILON);
    lofi_graph_scope_pop(b->graph);
    return x;
}

/* ---- windows ---- */

/* Sizes of one block. */
typedef struct place {
    int64_t width, side, padded; /* channels; sides of the picture, and filled up to whole windows */
    int64_t heads, window, shift;
} place;

/* Rolls both sides of x [B, side, side, C] by `by` places towards the front. */
static lofi_tensor *roll(lofi_builder *b, lofi_tensor *x, int64_t side, int64_t by) {
    for (int axis = 1; axis <= 2; axis++) {
        lofi_tensor *halves[] = {lofi_slice(b->graph, x, axis, by, side - by), lofi_slice(b->graph, x, axis, 0, by)};
        x = lofi_concat(b->graph, halves, 2, axis);
    }
    return x;
}

/* [B, padded, padded, C] -> [B * windows, window^2, C], or back. */
static lofi_tensor *partition(lofi_builder *b, lofi_tensor *x, const place *p, lofi_dim batch) {
    int64_t across = p->padded / p->window, w = p->window;
    lofi_dim cells[] = {batch, across, w, across, w, p->width};
    lofi_dim windows[] = {lofi_dim_mul(b->graph, batch, across * across), w * w, p->width};
    x = lofi_permute(b->graph, lofi_reshape(b->graph, x, 6, cells), (int[]){0, 1, 3, 2, 4, 5});
    return lofi_reshape(b->graph, x, 3, windows);
}

static lofi_tensor *join(lofi_builder *b, lofi_tensor *x, const place *p, lofi_dim batch) {
    int64_t across = p->padded / p->window, w = p->window;
    lofi_dim cells[] = {batch, across, across, w, w, p->width}, square[] = {batch, p->padded, p->padded, p->width};
    x = lofi_permute(b->graph, lofi_reshape(b->graph, x, 6, cells), (int[]){0, 1, 3, 2, 4, 5});
    return lofi_reshape(b->graph, x, 4, square);
}

/* x: [N, window^2, C] */
static lofi_tensor *attend(lofi_builder *b, const lofi_clap_audio_config *config, lofi_tensor *x, const place *p) {
    int64_t span = 2 * p->window - 1, places = p->window * p->window, table[] = {span * span, p->heads};
    lofi_window_bias_attributes windows = {(int32_t)p->window, (int32_t)p->shift, (int32_t)p->padded,
                                           (int32_t)p->padded};
    float scale = 1.0f / sqrtf((float)(p->width / p->heads));
    lofi_graph_scope_push(b->graph, "attention");
    lofi_tensor *q = lofi_pointwise(b, x, "self.query", p->width, p->width, config->query_bias, 0);
    lofi_tensor *k = lofi_pointwise(b, x, "self.key", p->width, p->width, config->query_bias, 0);
    lofi_tensor *v = lofi_pointwise(b, x, "self.value", p->width, p->width, config->query_bias, 0);
    lofi_tensor *bias = lofi_weight_f32(b, "self.relative_position_bias_table", LOFI_FILL_EMBEDDING, 2, table);
    lofi_weight_unused(b, "self.relative_position_index", LOFI_FILL_ZERO, 2, (int64_t[]){places, places});
    if (lofi_graph_failed(b->graph))
        x = NULL;
    else
        x = lofi_attention(b->graph, q, k, v, lofi_window_bias(b->graph, bias, windows), NULL, NULL, (int)p->heads,
                           scale);
    x = lofi_pointwise(b, x, "output.dense", p->width, p->width, true, 0);
    lofi_graph_scope_pop(b->graph);
    return x;
}

/* x: [B, side^2, C] */
static lofi_tensor *windowed(lofi_builder *b, const lofi_clap_audio_config *config, lofi_tensor *x, const place *p) {
    if (!x) return NULL;
    lofi_dim batch = x->shape.dims[0], more = p->padded - p->side;
    lofi_dim square[] = {batch, p->side, p->side, p->width}, flat[] = {batch, p->side * p->side, p->width};
    x = lofi_reshape(b->graph, x, 4, square);
    for (int axis = 1; axis <= 2 && more; axis++) x = lofi_pad(b->graph, x, axis, 0, more);
    if (p->shift) x = roll(b, x, p->padded, p->shift);
    x = join(b, attend(b, config, partition(b, x, p, batch), p), p, batch);
    if (p->shift) x = roll(b, x, p->padded, p->padded - p->shift);
    for (int axis = 1; axis <= 2 && more; axis++) x = lofi_slice(b->graph, x, axis, 0, p->side);
    return lofi_reshape(b->graph, x, 3, flat);
}

/* ---- stages ---- */

static lofi_tensor *block(lofi_builder *b, const lofi_clap_audio_config *config, lofi_tensor *x, const place *p) {
    int64_t hidden = (int64_t)(config->mlp_ratio * (double)p->width);
    lofi_tensor *y = lofi_normalise(b, x, "layernorm_before", p->width, config->norm_epsilon);
    x = lofi_add(b->graph, x, windowed(b, config, y, p));
    y = lofi_normalise(b, x, "layernorm_after", p->width, config->norm_epsilon);
    y = lofi_pointwise(b, y, "intermediate.dense", p->width, hidden, true, 0);
    y = lofi_pointwise(b, lofi_activate(b->graph, y, config->activation), "output.dense", hidden, p->width, true, 0);
    return lofi_add(b->graph, x, y);
}

/* Four neighbours become one place of twice the channels. */
static lofi_tensor *merge(lofi_builder *b, lofi_tensor *x, int64_t side, int64_t width) {
    int64_t half = (side + 1) / 2, more = 2 * half - side;
    if (!x) return NULL;
    lofi_dim batch = x->shape.dims[0], square[] = {batch, side, side, width};
    lofi_dim cells[] = {batch, half, 2, half, 2, width}, merged[] = {batch, half * half, 4 * width};
    x = lofi_reshape(b->graph, x, 4, square);
    for (int axis = 1; axis <= 2 && more; axis++) x = lofi_pad(b->graph, x, axis, 0, more);
    x = lofi_permute(b->graph, lofi_reshape(b->graph, x, 6, cells), (int[]){0, 1, 3, 4, 2, 5});
    lofi_graph_scope_push(b->graph, "downsample");
    x = lofi_normalise(b, lofi_reshape(b->graph, x, 3, merged), "norm", 4 * width, LAYER_NORM_EPSILON);
    x = lofi_pointwise(b, x, "reduction", 4 * width, 2 * width, false, 0);
    lofi_graph_scope_pop(b->graph);
    return x;
}

static lofi_tensor *stage(lofi_builder *b, const lofi_clap_audio_config *config, int index, lofi_tensor *x) {
    place p = {.width = lofi_clap_stage_width(config, index),
               .side = lofi_clap_stage_side(config, index),
               .heads = config->heads[index],
               .window = config->window};
    p.padded = (p.side + p.window - 1) / p.window * p.window;
    lofi_graph_scope_push(b->graph, "layers.%d", index);
    for (int64_t i = 0; i < config->depths[index]; i++) {
        p.shift = i % 2 && p.side > p.window ? p.window / 2 : 0;
        lofi_graph_scope_push(b->graph, "blocks.%d", (int)i);
        x = block(b, config, x, &p);
        lofi_graph_scope_pop(b->graph);
    }
    if (index < config->stages - 1) x = merge(b, x, p.side, p.width);
    lofi_graph_scope_pop(b->graph);
    return x;
}

lofi_tensor *lofi_clap_audio(lofi_builder *b, const lofi_clap_config *config, lofi_tensor *mel, bool longer) {
    const lofi_clap_audio_config *audio = &config->audio;
    int64_t width = lofi_clap_stage_width(audio, audio->stages - 1);
    lofi_graph_scope_push(b->graph, "audio_model.audio_encoder");
    lofi_tensor *x = batch_norm(b, mel, "batch_norm", audio->bands, 0); /* bands are the last dimension */
    x = patches(b, audio, picture(b, audio, x), longer);
    for (int i = 0; i < audio->stages; i++) x = stage(b, audio, i, x);
    x = lofi_normalise(b, x, "norm", width, LAYER_NORM_EPSILON);
    lofi_graph_scope_pop(b->graph);
    /* the original lays places out anew before it takes their mean */
    return lofi_clap_project(b, config, lofi_mean(b->graph, x, 1u << 1, false), "audio_projection", width);
}
