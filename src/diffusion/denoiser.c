/* denoiser.c - see the header. */
#include "diffusion/denoiser.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "graph/session.h"

#define WEAK_LYRIC_FIRST 4 /* layers that entropy rectifying guidance weakens */
#define WEAK_LYRIC_END   6
#define WEAK_BLOCK_FIRST 15
#define WEAK_BLOCK_END   20

/* A condition as a step sees it. */
typedef struct encoded {
    float *states; /* [tokens, width] */
    float *mask;   /* [tokens]        */
    int64_t tokens;
    bool weak_blocks;
} encoded;

struct lofi_denoiser {
    lofi_ace_step_config config;
    lofi_graph *encode_graph, *step_graph;
    lofi_session *encode_session, *step_session;
    lofi_ace_step_conditions inputs;
    lofi_tensor *lyric_factor;
    lofi_ace_step_encoded outputs;
    lofi_tensor *latents, *frame_mask, *states, *mask, *timestep, *block_factor, *output;
    encoded conditions[LOFI_CONDITION_COUNT];
};

/* ---- building ---- */

static lofi_tensor *factor_input(lofi_graph *graph) {
    lofi_dim one = 1;
    return lofi_graph_input(graph, "query_factor", lofi_shape_of(LOFI_F32, 1, &one));
}

static lofi_code build_encoding(lofi_denoiser *d, lofi_builder builder, int threads, lofi_error *err) {
    LOFI_TRY(lofi_graph_new(&d->encode_graph, err));
    builder.graph = d->encode_graph;
    d->inputs = lofi_ace_step_condition_inputs(builder.graph, &d->config);
    d->lyric_factor = factor_input(builder.graph);
    lofi_query_scale scale = {.first = WEAK_LYRIC_FIRST, .end = WEAK_LYRIC_END, .variable = d->lyric_factor};
    d->outputs = lofi_ace_step_encode(&builder, &d->config, &d->inputs, &scale);
    lofi_graph_output(builder.graph, "states", d->outputs.states);
    lofi_graph_output(builder.graph, "mask", d->outputs.mask);
    LOFI_TRY(lofi_graph_check(builder.graph, err));
    LOFI_TRY(lofi_session_new(&d->encode_session, builder.graph, (lofi_session_options){.threads = threads}, err));
    lofi_session_set(d->encode_session, "batch", 1);
    return LOFI_OK;
}

static lofi_code build_step(lofi_denoiser *d, lofi_builder builder, int threads, lofi_error *err) {
    LOFI_TRY(lofi_graph_new(&d->step_graph, err));
    lofi_graph *graph = builder.graph = d->step_graph;
    lofi_dim frames = lofi_dim_symbol(graph, "frames"), tokens = lofi_dim_symbol(graph, "tokens"), one = 1;
    lofi_dim latent_dims[] = {1, d->config.in_channels, d->config.height, frames}, frame_dims[] = {1, frames};
    lofi_dim state_dims[] = {1, tokens, d->config.width};
    d->latents = lofi_graph_input(graph, "latents", lofi_shape_of(LOFI_F32, 4, latent_dims));
    d->frame_mask = lofi_graph_input(graph, "attention_mask", lofi_shape_of(LOFI_F32, 2, frame_dims));
    d->states = lofi_graph_input(graph, "states", lofi_shape_of(LOFI_F32, 3, state_dims));
    d->mask = lofi_graph_input(graph, "mask", lofi_shape_of(LOFI_F32, 2, state_dims));
    d->timestep = lofi_graph_input(graph, "timestep", lofi_shape_of(LOFI_F32, 1, &one));
    d->block_factor = factor_input(graph);
    lofi_query_scale scale = {.first = WEAK_BLOCK_FIRST, .end = WEAK_BLOCK_END, .variable = d->block_factor};
    lofi_ace_step_encoded inputs = {d->states, d->mask};
    lofi_tensor *output = lofi_ace_step_decode(&builder, &d->config, d->latents, d->frame_mask, &inputs, d->timestep,
                                               &scale, NULL);
    d->output = lofi_graph_output(graph, "output", output);
    LOFI_TRY(lofi_graph_check(graph, err));
    return lofi_session_new(&d->step_session, graph, (lofi_session_options){.threads = threads}, err);
}

static lofi_code build(lofi_denoiser *d, lofi_loaded *transformer, const lofi_adapter_hook *adapter, int threads,
                       lofi_error *err) {
    LOFI_TRY(lofi_ace_step_config_read(&d->config, lofi_loaded_config(transformer), err));
    if (d->config.in_channels != d->config.out_channels)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED,
                         "the transformer in '%s' takes latents of %lld channels and gives %lld: it cannot sample",
                         lofi_loaded_folder(transformer), (long long)d->config.in_channels,
                         (long long)d->config.out_channels);
    lofi_builder builder = {.source = lofi_loaded_source(transformer), .adapter = adapter};
    LOFI_TRY(build_encoding(d, builder, threads, err));
    return build_step(d, builder, threads, err);
}

lofi_code lofi_denoiser_open(lofi_denoiser **out, lofi_loaded *transformer, const lofi_adapter_hook *adapter,
                             int threads, lofi_error *err) {
    lofi_denoiser *d = calloc(1, sizeof *d);
    if (!d) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the transformer");
    lofi_code code = build(d, transformer, adapter, threads, err);
    if (code == LOFI_OK)
        *out = d;
    else
        lofi_denoiser_close(d);
    return code;
}

void lofi_denoiser_close(lofi_denoiser *d) {
    if (!d) return;
    for (int i = 0; i < LOFI_CONDITION_COUNT; i++) {
        lofi_free(d->conditions[i].states);
        lofi_free(d->conditions[i].mask);
    }
    lofi_session_free(d->encode_session);
    lofi_session_free(d->step_session);
    lofi_graph_free(d->encode_graph);
    lofi_graph_free(d->step_graph);
    free(d);
}

const lofi_ace_step_config *lofi_denoiser_config(const lofi_denoiser *d) {
    return &d->config;
}

bool lofi_denoiser_can_weaken_lyrics(const lofi_denoiser *d) {
    return d->config.lyric.blocks >= WEAK_LYRIC_END;
}

bool lofi_denoiser_can_weaken_blocks(const lofi_denoiser *d) {
    return d->config.layers >= WEAK_BLOCK_END;
}

/* ---- conditions ---- */

/* Copies `values` into an input of the network, or fills it with `otherwise` when there are none. */
static lofi_code feed(lofi_session *session, const lofi_tensor *input, const float *values, float otherwise,
                      lofi_error *err) {
    void *data;
    int64_t count;
    LOFI_TRY(lofi_session_data(session, input, &data, &count, err));
    if (values) memcpy(data, values, (size_t)count * sizeof *values);
    for (int64_t i = 0; !values && i < count; i++) ((float *)data)[i] = otherwise;
    return LOFI_OK;
}

static lofi_code feed_ids(lofi_denoiser *d, const lofi_condition_inputs *inputs, lofi_error *err) {
    void *data;
    LOFI_TRY(lofi_session_data(d->encode_session, d->inputs.lyric_token_ids, &data, NULL, err));
    int64_t *ids = data;
    for (int64_t i = 0; i < inputs->lyric; i++) {
        ids[i] = inputs->lyric_token_ids ? inputs->lyric_token_ids[i] : 0;
        if (ids[i] < 0 || ids[i] >= d->config.lyric_vocabulary)
            return lofi_fail(err, LOFI_ERR_FORMAT, "the lyrics hold token %lld, the model knows %lld of them",
                             (long long)ids[i], (long long)d->config.lyric_vocabulary);
    }
    return LOFI_OK;
}

static lofi_code encode(lofi_denoiser *d, const lofi_condition_inputs *inputs, lofi_error *err) {
    lofi_session *session = d->encode_session;
    float factor = inputs->weak_lyrics ? LOFI_WEAK_QUERIES : 1;
    lofi_session_set(session, "text", inputs->text);
    lofi_session_set(session, "lyric", inputs->lyric);
    LOFI_TRY(lofi_session_prepare(session, err));
    LOFI_TRY(feed(session, d->inputs.text_states, inputs->text_states, 0, err));
    LOFI_TRY(feed(session, d->inputs.text_mask, inputs->text_mask, 1, err));
    LOFI_TRY(feed(session, d->inputs.speaker, inputs->speaker, 0, err));
    LOFI_TRY(feed(session, d->inputs.lyric_mask, inputs->lyric_mask, 1, err));
    LOFI_TRY(feed_ids(d, inputs, err));
    LOFI_TRY(feed(session, d->lyric_factor, &factor, 0, err));
    LOFI_TRY(lofi_session_run(session, err));
    return LOFI_OK;
}

static lofi_code keep(lofi_denoiser *d, encoded *kept, int64_t tokens, lofi_error *err) {
    void *states, *mask;
    int64_t count;
    LOFI_TRY(lofi_session_data(d->encode_session, d->outputs.states, &states, &count, err));
    LOFI_TRY(lofi_session_data(d->encode_session, d->outputs.mask, &mask, NULL, err));
    if (kept->tokens != tokens) {
        lofi_free(kept->states);
        lofi_free(kept->mask);
        *kept = (encoded){0};
        LOFI_TRY(lofi_alloc((void **)&kept->states, (size_t)count, sizeof(float), "conditions", err));
        LOFI_TRY(lofi_alloc((void **)&kept->mask, (size_t)tokens, sizeof(float), "conditions", err));
        kept->tokens = tokens;
    }
    memcpy(kept->states, states, (size_t)count * sizeof(float));
    memcpy(kept->mask, mask, (size_t)tokens * sizeof(float));
    return LOFI_OK;
}

lofi_code lofi_denoiser_set_condition(lofi_denoiser *d, lofi_condition condition, const lofi_condition_inputs *inputs,
                                      lofi_error *err) {
    encoded *kept = &d->conditions[condition];
    LOFI_TRY(encode(d, inputs, err));
    LOFI_TRY(keep(d, kept, 1 + inputs->text + inputs->lyric, err));
    kept->weak_blocks = inputs->weak_blocks;
    return LOFI_OK;
}

/* ---- steps ---- */

static lofi_code prepare(lofi_denoiser *d, int64_t frames, int64_t tokens, lofi_error *err) {
    lofi_session_set(d->step_session, "frames", frames);
    lofi_session_set(d->step_session, "tokens", tokens);
    LOFI_TRY(lofi_session_prepare(d->step_session, err));
    return feed(d->step_session, d->frame_mask, NULL, 1, err);
}

lofi_code lofi_denoiser_start(lofi_denoiser *d, int64_t frames, lofi_error *err) {
    return prepare(d, frames, d->conditions[LOFI_CONDITION_FULL].tokens, err);
}

lofi_code lofi_denoiser_measure(size_t *bytes, lofi_denoiser *d, int64_t frames, int64_t text, int64_t lyric,
                                lofi_error *err) {
    LOFI_TRY(prepare(d, frames, 1 + text + lyric, err));
    *bytes = lofi_session_get_stats(d->step_session).activation_bytes;
    return LOFI_OK;
}

lofi_code lofi_denoiser_predict(lofi_denoiser *d, lofi_condition condition, const float *latents, float timestep,
                                float *output, lofi_error *err) {
    lofi_session *session = d->step_session;
    const encoded *kept = &d->conditions[condition];
    float factor = kept->weak_blocks ? LOFI_WEAK_QUERIES : 1;
    void *data;
    int64_t count;
    LOFI_TRY(feed(session, d->latents, latents, 0, err));
    LOFI_TRY(feed(session, d->states, kept->states, 0, err));
    LOFI_TRY(feed(session, d->mask, kept->mask, 0, err));
    LOFI_TRY(feed(session, d->timestep, &timestep, 0, err));
    LOFI_TRY(feed(session, d->block_factor, &factor, 0, err));
    LOFI_TRY(lofi_session_run(session, err));
    LOFI_TRY(lofi_session_data(session, d->output, &data, &count, err));
    memcpy(output, data, (size_t)count * sizeof(float));
    return LOFI_OK;
}
