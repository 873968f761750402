/* network_run.c - see the header. */
#include "eval/network_run.h"

#include <stdio.h>

static lofi_code new_graph(lofi_network_run *run, lofi_error *err) {
    LOFI_TRY(lofi_graph_new(&run->graph, err));
    run->builder = (lofi_builder){.graph = run->graph, .source = lofi_loaded_source(run->loaded)};
    return LOFI_OK;
}

lofi_code lofi_network_open_at(lofi_network_run *run, const lofi_model *model, const char *name, lofi_error *err) {
    char folder[LOFI_PATH_MAX];
    LOFI_TRY(lofi_selftest_path(folder, run->test, name, err));
    LOFI_TRY(lofi_loaded_open(&run->loaded, model, folder, err));
    return new_graph(run, err);
}

lofi_code lofi_network_open(lofi_network_run *run, const lofi_model *model, lofi_error *err) {
    char name[256];
    snprintf(name, sizeof name, "model/%s", model->name);
    return lofi_network_open_at(run, model, name, err);
}

lofi_code lofi_network_open_loaded(lofi_network_run *run, lofi_error *err) {
    return new_graph(run, err);
}

void lofi_network_close_graph(lofi_network_run *run) {
    lofi_session_free(run->session);
    lofi_graph_free(run->graph);
    run->session = NULL;
    run->graph = NULL;
}

void lofi_network_close(lofi_network_run *run) {
    lofi_network_close_graph(run);
    lofi_loaded_close(run->loaded);
    run->loaded = NULL;
}

lofi_code lofi_network_start(lofi_network_run *run, const lofi_symbol_value *symbols, size_t count, lofi_error *err) {
    LOFI_TRY(lofi_graph_check(run->graph, err));
    lofi_session_options options = {.threads = run->test->options->threads};
    LOFI_TRY(lofi_session_new(&run->session, run->graph, options, err));
    for (size_t i = 0; i < count; i++) lofi_session_set(run->session, symbols[i].name, symbols[i].value);
    LOFI_TRY(lofi_session_prepare(run->session, err));
    lofi_session_poison(run->session);
    return LOFI_OK;
}

/* ---- feeding ---- */

static lofi_code input_memory(lofi_network_run *run, const char *input, const lofi_tensor **tensor, void **data,
                              int64_t *count, lofi_error *err) {
    *tensor = lofi_graph_find(run->graph, input);
    if (!*tensor) return lofi_fail(err, LOFI_ERR_FORMAT, "the network has no input '%s'", input);
    return lofi_session_data(run->session, *tensor, data, count, err);
}

lofi_code lofi_network_feed(lofi_network_run *run, const char *input, const lofi_stored_tensor *from, size_t row,
                            size_t rows, lofi_error *err) {
    const lofi_tensor *tensor;
    void *data;
    int64_t count;
    LOFI_TRY(input_memory(run, input, &tensor, &data, &count, err));
    if (from->count != rows * (size_t)count) {
        char shape[128];
        lofi_stored_shape_text(shape, from);
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is %s: the network and the other inputs need %lld values",
                         from->name, shape, (long long)count * (long long)rows);
    }
    bool integers = tensor->shape.dtype == LOFI_I64;
    if (integers && (from->type == LOFI_STORED_F32 || from->type == LOFI_STORED_F64 || from->type == LOFI_STORED_F16 ||
                     from->type == LOFI_STORED_BF16))
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' has type %s, expected whole numbers", from->name,
                         lofi_stored_type_name(from->type));
    if (integers)
        lofi_stored_read_i64(from, row * (size_t)count, data, (size_t)count);
    else
        lofi_stored_read_f32(from, row * (size_t)count, data, (size_t)count);
    return LOFI_OK;
}

lofi_code lofi_network_feed_input(lofi_network_run *run, const char *input, const char *name, lofi_error *err) {
    const lofi_stored_tensor *from = lofi_safetensors_find(run->test->recorded, name);
    LOFI_TRY(lofi_selftest_input(&from, run->test, name, from ? from->rank : 1, err));
    return lofi_network_feed(run, input, from, 0, 1, err);
}

lofi_code lofi_network_fill(lofi_network_run *run, const char *input, float value, lofi_error *err) {
    const lofi_tensor *tensor;
    void *data;
    int64_t count;
    LOFI_TRY(input_memory(run, input, &tensor, &data, &count, err));
    for (int64_t i = 0; i < count; i++) ((float *)data)[i] = value;
    return LOFI_OK;
}

lofi_code lofi_network_check_ids(lofi_selftest *test, const lofi_stored_tensor *ids, int64_t bound, lofi_error *err) {
    const int64_t *values;
    LOFI_TRY(lofi_recorded_ids(&values, test, ids, err));
    for (size_t i = 0; i < ids->count; i++)
        if (values[i] < 0 || values[i] >= bound)
            return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' holds %lld, outside the network's vocabulary of %lld",
                             ids->name, (long long)values[i], (long long)bound);
    return LOFI_OK;
}

/* ---- results ---- */

lofi_code lofi_network_values(const float **out, int64_t *count, lofi_network_run *run, const lofi_tensor *tensor,
                              lofi_error *err) {
    void *data;
    LOFI_TRY(lofi_session_data(run->session, tensor, &data, count, err));
    *out = data;
    return LOFI_OK;
}

lofi_code lofi_network_compare(lofi_network_run *run, const lofi_tensor *tensor, const char *name, double limit,
                               lofi_error *err) {
    const float *values;
    int64_t count, dims[LOFI_MAX_RANK];
    LOFI_TRY(lofi_network_values(&values, &count, run, tensor, err));
    for (int i = 0; i < tensor->shape.rank; i++) dims[i] = lofi_session_dim(run->session, tensor, i);
    return lofi_selftest_compare(run->test, name, values, tensor->shape.rank, dims, limit, err);
}

/* ---- the transformer ---- */

lofi_code lofi_transformer_build(lofi_transformer_run *run, lofi_error *err) {
    lofi_graph *graph = run->network.graph;
    LOFI_TRY(lofi_ace_step_config_read(&run->config, lofi_loaded_config(run->network.loaded), err));
    lofi_dim batch = lofi_dim_symbol(graph, "batch"), frames = lofi_dim_symbol(graph, "frames");
    lofi_dim dims[] = {batch, run->config.in_channels, run->config.height, frames}, mask[] = {batch, frames};
    run->latents = lofi_graph_input(graph, "latents", lofi_shape_of(LOFI_F32, 4, dims));
    run->attention_mask = lofi_graph_input(graph, "attention_mask", lofi_shape_of(LOFI_F32, 2, mask));
    run->timestep = lofi_graph_input(graph, "timestep", lofi_shape_of(LOFI_F32, 1, &batch));
    run->conditions = lofi_ace_step_condition_inputs(graph, &run->config);
    run->encoded = lofi_ace_step_encode(&run->network.builder, &run->config, &run->conditions, NULL);
    run->output = lofi_ace_step_decode(&run->network.builder, &run->config, run->latents, run->attention_mask,
                                       &run->encoded, run->timestep, NULL, &run->trace);
    lofi_graph_output(graph, "output", run->output);
    return lofi_graph_check(graph, err);
}
