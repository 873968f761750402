/* step.c - the graph of a training step, and filling it. */
#include "train/step.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "diffusion/alignment_loss.h"
#include "diffusion/flow_loss.h"
#include "ops/gradient.h"
#include "ops/ops.h"
#include "train/bf16_source.h"

struct lofi_step {
    lofi_ace_step_config config;
    lofi_step_options options;
    lofi_graph *graph;
    lofi_session *session;
    lofi_attachment attachment;
    lofi_bf16_source *rounded; /* with options.bf16; borrowed with options.rounded_by */
    lofi_ace_step_conditions conditions;
    lofi_tensor *latents, *noise, *attention_mask, *sigma, *timestep, *dropout_key;
    lofi_tensor *targets[LOFI_ACE_STEP_MAX_PROJECTORS];
    lofi_tensor *loss, *denoising, *alignment[LOFI_ACE_STEP_MAX_PROJECTORS];
    float *gradient;
    size_t gradient_count;
};

/* ---- building ---- */

static void make_inputs(lofi_step *step) {
    lofi_graph *graph = step->graph;
    lofi_dim batch = lofi_dim_symbol(graph, "batch"), frames = lofi_dim_symbol(graph, "frames");
    lofi_dim latent[] = {batch, step->config.in_channels, step->config.height, frames};
    step->conditions = lofi_ace_step_condition_inputs(graph, &step->config);
    step->latents = lofi_graph_input(graph, "latents", lofi_shape_of(LOFI_F32, 4, latent));
    step->noise = lofi_graph_input(graph, "noise", lofi_shape_of(LOFI_F32, 4, latent));
    step->attention_mask = lofi_graph_input(graph, "attention_mask",
                                            lofi_shape_of(LOFI_F32, 2, (lofi_dim[]){batch, frames}));
    step->sigma = lofi_graph_input(graph, "sigma", lofi_shape_of(LOFI_F32, 1, &batch));
    step->timestep = lofi_graph_input(graph, "timestep", lofi_shape_of(LOFI_F32, 1, &batch));
    if (step->options.dropout)
        step->dropout_key = lofi_graph_input(graph, "dropout_key", lofi_shape_of(LOFI_I64, 1, (lofi_dim[]){2}));
}

/* Frames of a target: as many as its network made of the song, whatever the frames of the latents. */
static const char *const target_symbols[LOFI_ACE_STEP_MAX_PROJECTORS] = {
    "target_0", "target_1", "target_2", "target_3", "target_4", "target_5", "target_6", "target_7"};

/* The mean loss of all heads; NULL without alignment. */
static lofi_tensor *align(lofi_step *step, lofi_builder *builder, const lofi_ace_step_trace *trace) {
    lofi_graph *graph = step->graph;
    int taps[LOFI_ACE_STEP_MAX_PROJECTORS], count = step->options.alignments;
    lofi_tensor *sum = NULL;
    lofi_ace_step_taps(&step->config, taps);
    for (int i = 0; i < count; i++) {
        lofi_dim dims[] = {lofi_dim_symbol(graph, "batch"), lofi_dim_symbol(graph, target_symbols[i]),
                           step->config.projector_widths[i]};
        step->targets[i] = lofi_graph_input(graph, target_symbols[i], lofi_shape_of(LOFI_F32, 3, dims));
        lofi_tensor *told = lofi_ace_step_project(builder, &step->config, i, trace->blocks[taps[i]]);
        step->alignment[i] = lofi_graph_output(graph, NULL, lofi_alignment_loss(graph, told, step->targets[i]));
        sum = i ? lofi_add(graph, sum, step->alignment[i]) : step->alignment[i];
    }
    return count ? lofi_affine(graph, sum, 1.0f / (float)count, 0) : NULL;
}

static void build_network(lofi_step *step, lofi_loaded *transformer) {
    lofi_adapter_hook hook = lofi_attachment_hook(&step->attachment);
    lofi_ace_step_trace trace = {0};
    lofi_builder builder = {.graph = step->graph,
                            .source = step->rounded ? lofi_bf16_source_view(step->rounded)
                                                    : lofi_loaded_source(transformer),
                            .dropout_key = step->dropout_key,
                            .adapter = step->attachment.adapter ? &hook : NULL};
    lofi_ace_step_encoded encoded = lofi_ace_step_encode(&builder, &step->config, &step->conditions, NULL);
    lofi_tensor *noisy = lofi_flow_noisy(step->graph, step->latents, step->noise, step->sigma);
    lofi_tensor *output = lofi_ace_step_decode(&builder, &step->config, noisy, step->attention_mask, &encoded,
                                               step->timestep, NULL, &trace);
    lofi_tensor *loss = lofi_flow_loss(step->graph, step->latents, noisy, output, step->sigma, step->attention_mask);
    lofi_tensor *alignment = align(step, &builder, &trace);
    step->denoising = loss;
    if (alignment)
        loss = lofi_add(step->graph, loss, lofi_affine(step->graph, alignment, step->options.alignment_coefficient, 0));
    step->loss = lofi_graph_output(step->graph, "loss", loss);
    lofi_graph_output(step->graph, "denoising_loss", step->denoising); /* the same one without alignment */
}

static lofi_code differentiate(lofi_step *step, lofi_error *err) {
    const lofi_adapter *adapter = step->attachment.adapter;
    size_t count = 2 * adapter->layer_count;
    lofi_tensor **wanted = calloc(count, sizeof *wanted), **grads = calloc(count, sizeof *grads);
    void **places = calloc(count, sizeof *places);
    lofi_code code = LOFI_OK;
    if (!wanted || !grads || !places) code = lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for gradients");
    if (code == LOFI_OK) code = lofi_attachment_tensors(adapter, step->graph, wanted, err);
    for (size_t i = 0; i < count && code == LOFI_OK; i++)
        places[i] = step->gradient + (i % 2 ? adapter->layers[i / 2].b_offset : adapter->layers[i / 2].a_offset);
    lofi_gradient_options options = {.checkpoint = step->options.checkpoint};
    if (code == LOFI_OK)
        code = lofi_graph_differentiate(step->graph, step->loss, wanted, count, places, options, grads, err);
    free(wanted);
    free(grads);
    free(places);
    return code;
}

static lofi_code check_heads(const lofi_step *step, const lofi_loaded *transformer, lofi_error *err) {
    int taps[LOFI_ACE_STEP_MAX_PROJECTORS], heads = lofi_ace_step_taps(&step->config, taps);
    if (step->options.alignments <= heads) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_UNSUPPORTED,
                     "'%s': the transformer has %d heads for the self-supervised alignment, %d are wanted",
                     lofi_loaded_folder(transformer), heads, step->options.alignments);
}

static lofi_code build(lofi_step *step, lofi_loaded *transformer, lofi_error *err) {
    LOFI_TRY(lofi_ace_step_config_read(&step->config, lofi_loaded_config(transformer), err));
    LOFI_TRY(check_heads(step, transformer, err));
    LOFI_TRY(lofi_graph_new(&step->graph, err));
    if (step->options.rounded_by)
        step->rounded = step->options.rounded_by->rounded;
    else if (step->options.bf16)
        LOFI_TRY(lofi_bf16_source_new(&step->rounded, lofi_loaded_source(transformer), err));
    make_inputs(step);
    build_network(step, transformer);
    LOFI_TRY(lofi_graph_check(step->graph, err));
    if (step->options.gradients) {
        step->gradient_count = step->attachment.adapter->value_count;
        LOFI_TRY(
            lofi_alloc((void **)&step->gradient, step->gradient_count, sizeof(float), "the adapter's gradients", err));
        LOFI_TRY(differentiate(step, err));
    }
    return lofi_session_new(&step->session, step->graph, (lofi_session_options){.threads = step->options.threads}, err);
}

lofi_code lofi_step_new(lofi_step **out, lofi_loaded *transformer, lofi_adapter *adapter, lofi_step_options options,
                        lofi_error *err) {
    lofi_step *step = calloc(1, sizeof *step);
    if (!step) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a training step");
    step->options = options;
    /* Also where only the loss is wanted: the adapter is trained elsewhere between two runs. */
    step->attachment = (lofi_attachment){.adapter = adapter, .trainable = true, .strength = 1.0f};
    lofi_code code = build(step, transformer, err);
    if (code == LOFI_OK)
        *out = step;
    else
        lofi_step_free(step);
    return code;
}

void lofi_step_free(lofi_step *step) {
    if (!step) return;
    lofi_session_free(step->session);
    lofi_graph_free(step->graph);
    if (!step->options.rounded_by) lofi_bf16_source_free(step->rounded);
    lofi_free(step->gradient);
    free(step);
}

/* ---- running ---- */

static lofi_code check_ids(const lofi_step *step, const lofi_step_inputs *inputs, lofi_error *err) {
    for (int64_t i = 0; i < inputs->batch * inputs->lyric; i++)
        if (inputs->lyric_token_ids[i] < 0 || inputs->lyric_token_ids[i] >= step->config.lyric_vocabulary) {
            lofi_fail(err, LOFI_ERR_USAGE, "lyric token %lld is outside the model's vocabulary of %lld",
                      (long long)inputs->lyric_token_ids[i], (long long)step->config.lyric_vocabulary);
            return lofi_hint(err, "use the lyric vocabulary that belongs to the model");
        }
    return LOFI_OK;
}

static lofi_code fill(lofi_step *step, lofi_tensor *tensor, const void *values, lofi_error *err) {
    void *data;
    int64_t count;
    LOFI_TRY(lofi_session_data(step->session, tensor, &data, &count, err));
    memcpy(data, values, (size_t)count * lofi_dtype_bytes(tensor->shape.dtype));
    return LOFI_OK;
}

static lofi_code fill_all(lofi_step *step, const lofi_step_inputs *inputs, lofi_error *err) {
    LOFI_TRY(fill(step, step->latents, inputs->latents, err));
    LOFI_TRY(fill(step, step->noise, inputs->noise, err));
    LOFI_TRY(fill(step, step->attention_mask, inputs->attention_mask, err));
    LOFI_TRY(fill(step, step->sigma, inputs->sigma, err));
    LOFI_TRY(fill(step, step->timestep, inputs->timestep, err));
    LOFI_TRY(fill(step, step->conditions.text_states, inputs->text_states, err));
    LOFI_TRY(fill(step, step->conditions.text_mask, inputs->text_mask, err));
    LOFI_TRY(fill(step, step->conditions.speaker, inputs->speaker, err));
    LOFI_TRY(fill(step, step->conditions.lyric_token_ids, inputs->lyric_token_ids, err));
    LOFI_TRY(fill(step, step->conditions.lyric_mask, inputs->lyric_mask, err));
    for (int i = 0; i < step->options.alignments; i++) LOFI_TRY(fill(step, step->targets[i], inputs->targets[i], err));
    if (!step->dropout_key) return LOFI_OK;
    int64_t key[] = {(int64_t)inputs->seed, (int64_t)inputs->step};
    return fill(step, step->dropout_key, key, err);
}

static lofi_code read_loss(lofi_step *step, const lofi_tensor *tensor, double *loss, lofi_error *err) {
    void *value;
    LOFI_TRY(lofi_session_data(step->session, tensor, &value, NULL, err));
    *loss = *(const float *)value;
    return LOFI_OK;
}

static void set_sizes(lofi_step *step, const lofi_step_inputs *inputs) {
    lofi_session_set(step->session, "batch", inputs->batch);
    lofi_session_set(step->session, "frames", inputs->frames);
    lofi_session_set(step->session, "text", inputs->text);
    lofi_session_set(step->session, "lyric", inputs->lyric);
    for (int i = 0; i < step->options.alignments; i++)
        lofi_session_set(step->session, target_symbols[i], inputs->target_frames[i]);
}

lofi_code lofi_step_run(lofi_step *step, const lofi_step_inputs *inputs, lofi_step_losses *losses, lofi_error *err) {
    lofi_step_losses read = {0};
    LOFI_TRY(check_ids(step, inputs, err));
    set_sizes(step, inputs);
    lofi_code code = lofi_session_prepare(step->session, err);
    if (code == LOFI_ERR_MEMORY)
        lofi_hint(err, "shorter songs, a smaller --lora-rank and --gradient-checkpointing on need less");
    LOFI_TRY(code);
    LOFI_TRY(fill_all(step, inputs, err));
    LOFI_TRY(lofi_session_run(step->session, err));
    LOFI_TRY(read_loss(step, step->loss, &read.total, err));
    LOFI_TRY(read_loss(step, step->denoising, &read.denoising, err));
    for (int i = 0; i < step->options.alignments; i++)
        LOFI_TRY(read_loss(step, step->alignment[i], &read.alignment[i], err));
    *losses = read;
    return LOFI_OK;
}

const lofi_ace_step_config *lofi_step_config(const lofi_step *step) {
    return &step->config;
}

const float *lofi_step_gradient(const lofi_step *step) {
    return step->gradient;
}

lofi_session *lofi_step_session(lofi_step *step) {
    return step->session;
}
