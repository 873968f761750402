/* adapter_output.c - what lofi computes with an adapter, for adapter_check.py.
 *
 *     adapter_output TRANSFORMER_FOLDER ADAPTER STRENGTH INPUTS.safetensors OUTPUT.safetensors
 *
 * ADAPTER is a folder or a file, as `lofi train` writes them and others read them; "none" for the base model. INPUTS holds
 * hidden_states, attention_mask, text_states, text_mask, speaker, lyric_token_ids, lyric_mask and timestep; OUTPUT gets
 * `output`, in the shape of hidden_states.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "graph/session.h"
#include "lora/lora_file.h"
#include "models/ace_step_transformer.h"
#include "models/loaded.h"
#include "store/safetensors.h"

typedef struct run {
    lofi_log log;
    lofi_loaded *transformer;
    lofi_adapter *adapter;
    lofi_attachment attachment;
    lofi_ace_step_config config;
    lofi_graph *graph;
    lofi_session *session;
    lofi_safetensors *inputs;
    lofi_tensor *hidden, *attention_mask, *timestep, *output;
    lofi_ace_step_conditions conditions;
} run;

static lofi_code build(run *r, lofi_error *err) {
    LOFI_TRY(lofi_ace_step_config_read(&r->config, lofi_loaded_config(r->transformer), err));
    LOFI_TRY(lofi_graph_new(&r->graph, err));
    lofi_dim batch = lofi_dim_symbol(r->graph, "batch"), frames = lofi_dim_symbol(r->graph, "frames");
    lofi_dim latent[] = {batch, r->config.in_channels, r->config.height, frames}, mask[] = {batch, frames};
    r->conditions = lofi_ace_step_condition_inputs(r->graph, &r->config);
    r->hidden = lofi_graph_input(r->graph, "hidden_states", lofi_shape_of(LOFI_F32, 4, latent));
    r->attention_mask = lofi_graph_input(r->graph, "attention_mask", lofi_shape_of(LOFI_F32, 2, mask));
    r->timestep = lofi_graph_input(r->graph, "timestep", lofi_shape_of(LOFI_F32, 1, &batch));
    lofi_adapter_hook hook = lofi_attachment_hook(&r->attachment);
    lofi_builder builder = {
        .graph = r->graph, .source = lofi_loaded_source(r->transformer), .adapter = r->adapter ? &hook : NULL};
    lofi_ace_step_encoded encoded = lofi_ace_step_encode(&builder, &r->config, &r->conditions, NULL);
    lofi_tensor *output = lofi_ace_step_decode(&builder, &r->config, r->hidden, r->attention_mask, &encoded,
                                               r->timestep, NULL, NULL);
    r->output = lofi_graph_output(r->graph, "output", output);
    LOFI_TRY(lofi_graph_check(r->graph, err));
    return lofi_session_new(&r->session, r->graph, (lofi_session_options){0}, err);
}

static lofi_code input_of(const lofi_stored_tensor **out, const run *r, const char *name, int rank, lofi_error *err) {
    LOFI_TRY(lofi_safetensors_get(out, r->inputs, name, err));
    if ((*out)->rank == rank) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT, "input '%s' has %d dimensions, expected %d", name, (*out)->rank, rank);
}

static lofi_code set_sizes(run *r, lofi_error *err) {
    const lofi_stored_tensor *hidden, *text, *lyric;
    LOFI_TRY(input_of(&hidden, r, "hidden_states", 4, err));
    LOFI_TRY(input_of(&text, r, "text_states", 3, err));
    LOFI_TRY(input_of(&lyric, r, "lyric_token_ids", 2, err));
    lofi_session_set(r->session, "batch", hidden->dims[0]);
    lofi_session_set(r->session, "frames", hidden->dims[3]);
    lofi_session_set(r->session, "text", text->dims[1]);
    lofi_session_set(r->session, "lyric", lyric->dims[1]);
    return lofi_session_prepare(r->session, err);
}

static lofi_code fill(run *r, lofi_tensor *tensor, const char *name, lofi_error *err) {
    const lofi_stored_tensor *values;
    void *data;
    int64_t count;
    LOFI_TRY(lofi_safetensors_get(&values, r->inputs, name, err));
    LOFI_TRY(lofi_session_data(r->session, tensor, &data, &count, err));
    if (values->count != (size_t)count)
        return lofi_fail(err, LOFI_ERR_FORMAT, "input '%s' has %zu values, expected %lld", name, values->count,
                         (long long)count);
    bool whole = values->type == LOFI_STORED_I64 || values->type == LOFI_STORED_I32;
    if (whole != (tensor->shape.dtype == LOFI_I64))
        return lofi_fail(err, LOFI_ERR_FORMAT, "input '%s' has the wrong type", name);
    if (whole)
        lofi_stored_read_i64(values, 0, data, values->count);
    else
        lofi_stored_read_f32(values, 0, data, values->count);
    return LOFI_OK;
}

static lofi_code compute(run *r, lofi_error *err) {
    LOFI_TRY(set_sizes(r, err));
    LOFI_TRY(fill(r, r->hidden, "hidden_states", err));
    LOFI_TRY(fill(r, r->attention_mask, "attention_mask", err));
    LOFI_TRY(fill(r, r->timestep, "timestep", err));
    LOFI_TRY(fill(r, r->conditions.text_states, "text_states", err));
    LOFI_TRY(fill(r, r->conditions.text_mask, "text_mask", err));
    LOFI_TRY(fill(r, r->conditions.speaker, "speaker", err));
    LOFI_TRY(fill(r, r->conditions.lyric_token_ids, "lyric_token_ids", err));
    LOFI_TRY(fill(r, r->conditions.lyric_mask, "lyric_mask", err));
    LOFI_TRY(lofi_session_run(r->session, err));
    return LOFI_OK;
}

static lofi_code write_output(run *r, const char *path, lofi_error *err) {
    int64_t dims[4];
    void *data;
    for (int i = 0; i < 4; i++) dims[i] = lofi_session_dim(r->session, r->output, i);
    LOFI_TRY(lofi_session_data(r->session, r->output, &data, NULL, err));
    lofi_stored_tensor tensor = lofi_stored_declare("output", LOFI_STORED_F32, 4, dims);
    tensor.data = data;
    tensor.aligned = true;
    return lofi_safetensors_save(path, &tensor, 1, NULL, err);
}

static lofi_code run_all(run *r, char **arguments, lofi_error *err) {
    LOFI_TRY(lofi_loaded_open(&r->transformer, &lofi_model_ace_step_transformer, arguments[1], err));
    if (strcmp(arguments[2], "none") != 0)
        LOFI_TRY(lofi_adapter_load(&r->adapter, arguments[2], lofi_loaded_table(r->transformer), &r->log, err));
    r->attachment = (lofi_attachment){.adapter = r->adapter, .strength = strtof(arguments[3], NULL)};
    LOFI_TRY(build(r, err));
    LOFI_TRY(lofi_safetensors_open(&r->inputs, arguments[4], err));
    LOFI_TRY(compute(r, err));
    return write_output(r, arguments[5], err);
}

int main(int argument_count, char **arguments) {
    if (argument_count != 6) {
        fprintf(stderr, "usage: adapter_output TRANSFORMER_FOLDER ADAPTER STRENGTH INPUTS OUTPUT\n");
        return 2;
    }
    run r = {.log = lofi_log_standard(LOFI_LOG_INFO)};
    lofi_error err = LOFI_ERROR_INIT;
    lofi_code code = run_all(&r, arguments, &err);
    if (code != LOFI_OK) fprintf(stderr, "adapter_output: %s\n", err.message);
    lofi_session_free(r.session);
    lofi_graph_free(r.graph);
    lofi_adapter_free(r.adapter);
    lofi_loaded_close(r.transformer);
    lofi_safetensors_close(r.inputs);
    return code == LOFI_OK ? 0 : 1;
}
