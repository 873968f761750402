/* merge_verify.c - does the merged model compute what base and adapters compute side by side? See merge.h. */
#include <string.h>

#include "base/difference.h"
#include "base/memory.h"
#include "base/random.h"
#include "graph/session.h"
#include "lora/merge.h"
#include "models/ace_step_transformer.h"
#include "models/loaded.h"

#define LENGTH 16 /* of every dynamic axis but the batch */

typedef struct run {
    lofi_graph *graph;
    lofi_session *session;
    lofi_ace_step_config config;
    lofi_tensor *output;
} run;

static void close_run(run *r) {
    lofi_session_free(r->session);
    lofi_graph_free(r->graph);
}

static lofi_code build(run *r, lofi_loaded *loaded, const lofi_adapter_hook *hook, int threads, lofi_error *err) {
    LOFI_TRY(lofi_ace_step_config_read(&r->config, lofi_loaded_config(loaded), err));
    LOFI_TRY(lofi_graph_new(&r->graph, err));
    lofi_builder builder = {.graph = r->graph, .source = lofi_loaded_source(loaded), .adapter = hook};
    lofi_dim batch = lofi_dim_symbol(r->graph, "batch"), frames = lofi_dim_symbol(r->graph, "frames");
    lofi_dim dims[] = {batch, r->config.in_channels, r->config.height, frames}, mask[] = {batch, frames};
    lofi_tensor *latents = lofi_graph_input(r->graph, "latents", lofi_shape_of(LOFI_F32, 4, dims));
    lofi_tensor *frame_mask = lofi_graph_input(r->graph, "attention_mask", lofi_shape_of(LOFI_F32, 2, mask));
    lofi_tensor *timestep = lofi_graph_input(r->graph, "timestep", lofi_shape_of(LOFI_F32, 1, &batch));
    lofi_ace_step_conditions conditions = lofi_ace_step_condition_inputs(r->graph, &r->config);
    lofi_ace_step_encoded encoded = lofi_ace_step_encode(&builder, &r->config, &conditions, NULL);
    r->output = lofi_ace_step_decode(&builder, &r->config, latents, frame_mask, &encoded, timestep, NULL, NULL);
    if (r->output) r->output = lofi_graph_output(r->graph, "output", r->output);
    LOFI_TRY(lofi_graph_check(r->graph, err));
    return lofi_session_new(&r->session, r->graph, (lofi_session_options){.threads = threads}, err);
}

static lofi_code feed(run *r, const lofi_tensor *tensor, lofi_error *err) {
    void *data;
    int64_t count;
    lofi_random random = lofi_random_at(11, LOFI_RANDOM_TEST, (uint64_t)strlen(tensor->name));
    LOFI_TRY(lofi_session_data(r->session, tensor, &data, &count, err));
    for (int64_t i = 0; i < count; i++) {
        if (tensor->shape.dtype == LOFI_I64)
            ((int64_t *)data)[i] = (int64_t)(lofi_random_uniform(&random, (uint64_t)i) *
                                             (float)(r->config.lyric_vocabulary - 1));
        else if (strstr(tensor->name, "mask"))
            ((float *)data)[i] = 1;
        else if (strcmp(tensor->name, "timestep") == 0)
            ((float *)data)[i] = 437.5f;
        else
            ((float *)data)[i] = lofi_random_normal(&random, (uint64_t)i);
    }
    return LOFI_OK;
}

static lofi_code compute(float **out, int64_t *count, lofi_loaded *loaded, const lofi_adapter_hook *hook, int threads,
                         lofi_error *err) {
    run r = {0};
    void *data;
    lofi_code code = build(&r, loaded, hook, threads, err);
    for (size_t i = 0; code == LOFI_OK && i < lofi_graph_symbol_count(r.graph); i++) {
        const char *name = lofi_graph_symbol_name(r.graph, i);
        lofi_session_set(r.session, name, strcmp(name, "batch") == 0 ? 1 : LENGTH);
    }
    if (code == LOFI_OK) code = lofi_session_prepare(r.session, err);
    for (size_t i = 0; code == LOFI_OK && i < lofi_graph_tensor_count(r.graph); i++)
        if (lofi_graph_tensor(r.graph, i)->flags & LOFI_TENSOR_INPUT)
            code = feed(&r, lofi_graph_tensor(r.graph, i), err);
    if (code == LOFI_OK) code = lofi_session_run(r.session, err);
    if (code == LOFI_OK) code = lofi_session_data(r.session, r.output, &data, count, err);
    if (code == LOFI_OK) code = lofi_alloc((void **)out, (size_t)*count, sizeof(float), "an output", err);
    if (code == LOFI_OK) memcpy(*out, data, (size_t)*count * sizeof(float));
    close_run(&r);
    return code;
}

static double distance(const float *a, const float *b, int64_t count) {
    lofi_difference difference = lofi_difference_of(a, b, (size_t)count);
    return lofi_difference_relative(&difference);
}

/* By the coarsest type among the matrices. */
static double limit_of(const lofi_loaded *base) {
    const lofi_weights *weights = lofi_loaded_weights(base);
    double limit = 1e-5;
    for (size_t i = 0; i < lofi_weights_count(weights); i++) {
        const lofi_stored_tensor *tensor = lofi_weights_at(weights, i);
        if (tensor->rank < 2) continue;
        if (tensor->type == LOFI_STORED_F16 && limit < 2e-3) limit = 2e-3;
        if (tensor->type == LOFI_STORED_BF16) limit = 1.5e-2;
    }
    return limit;
}

typedef struct pair {
    lofi_loaded *base, *merged;
    lofi_adapter *combined;
    float *outputs[3]; /* base alone, with adapters, merged */
} pair;

static lofi_code open_transformer(lofi_loaded **out, const char *path, lofi_error *err) {
    lofi_checkpoint_folder folder;
    LOFI_TRY(lofi_checkpoint_folder_resolve(&folder, path, err));
    return lofi_loaded_open(out, &lofi_model_ace_step_transformer, folder.component[LOFI_COMPONENT_TRANSFORMER], err);
}

static lofi_code verify(lofi_merge_check *check, pair *p, const lofi_merge_settings *s, lofi_error *err) {
    int64_t count = 0;
    LOFI_TRY(open_transformer(&p->base, s->base, err));
    LOFI_TRY(open_transformer(&p->merged, s->output, err));
    LOFI_TRY(lofi_adapter_load_all(&p->combined, s->adapters, s->adapter_count, lofi_loaded_table(p->base), NULL, err));
    lofi_attachment attachment = {.adapter = p->combined, .strength = 1};
    lofi_adapter_hook hook = lofi_attachment_hook(&attachment);
    LOFI_TRY(compute(&p->outputs[0], &count, p->base, NULL, s->threads, err));
    LOFI_TRY(compute(&p->outputs[1], &count, p->base, &hook, s->threads, err));
    LOFI_TRY(compute(&p->outputs[2], &count, p->merged, NULL, s->threads, err));
    check->relative_error = distance(p->outputs[2], p->outputs[1], count);
    check->effect = distance(p->outputs[1], p->outputs[0], count);
    check->limit = limit_of(p->base);
    return LOFI_OK;
}

lofi_code lofi_merge_verify(lofi_merge_check *check, const lofi_merge_settings *settings, lofi_error *err) {
    pair p = {0};
    lofi_code code = verify(check, &p, settings, err);
    lofi_adapter_free(p.combined);
    for (int i = 0; i < 3; i++) lofi_free(p.outputs[i]);
    lofi_loaded_close(p.base);
    lofi_loaded_close(p.merged);
    return code;
}
