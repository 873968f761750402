/* The networks on the small reference model against what the original code computed: outputs, everything on the way,
 * and the gradients of adapters. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/half.h"
#include "base/json.h"
#include "diffusion/flow_loss.h"
#include "graph/session.h"
#include "models/ace_step_transformer.h"
#include "models/loaded.h"
#include "models/umt5.h"
#include "ops/gradient.h"
#include "store/safetensors.h"

#define REFERENCE      LOFI_SOURCE_FOLDER "/data/reference/"
#define OUTPUT_LIMIT   1e-5
#define GRADIENT_LIMIT 5e-5

/* ---- a graph being tested ---- */

typedef struct bench {
    lofi_loaded *loaded;
    lofi_safetensors *recorded;
    lofi_graph *graph;
    lofi_session *session;
    lofi_builder builder;
    lofi_ace_step_config config;
} bench;

static void must(lofi_code code, const lofi_error *err) {
    if (code != LOFI_OK) fail_msg("%s", err->message);
}

static void open_bench(bench *t, const lofi_model *model, const char *folder, const char *case_name) {
    lofi_error err = LOFI_ERROR_INIT;
    char path[LOFI_PATH_MAX];
    *t = (bench){0};
    must(lofi_loaded_open(&t->loaded, model, folder, &err), &err);
    must(lofi_path_format(path, &err, REFERENCE "cases/%s.safetensors", case_name), &err);
    must(lofi_safetensors_open(&t->recorded, path, &err), &err);
    must(lofi_graph_new(&t->graph, &err), &err);
    t->builder = (lofi_builder){.graph = t->graph, .source = lofi_loaded_source(t->loaded)};
    if (model == &lofi_model_ace_step_transformer)
        must(lofi_ace_step_config_read(&t->config, lofi_loaded_config(t->loaded), &err), &err);
}

static void open_transformer(bench *t, const char *case_name) {
    open_bench(t, &lofi_model_ace_step_transformer, REFERENCE "model/ace_step_transformer", case_name);
}

static void close_bench(bench *t) {
    lofi_session_free(t->session);
    lofi_graph_free(t->graph);
    lofi_safetensors_close(t->recorded);
    lofi_loaded_close(t->loaded);
}

static const lofi_stored_tensor *stored(const lofi_safetensors *file, const char *name) {
    const lofi_stored_tensor *tensor = lofi_safetensors_find(file, name);
    if (!tensor) fail_msg("the case has no '%s'", name);
    return tensor;
}

static void start(bench *t) {
    lofi_error err = LOFI_ERROR_INIT;
    must(lofi_graph_check(t->graph, &err), &err);
    must(lofi_session_new(&t->session, t->graph, (lofi_session_options){.threads = 2}, &err), &err);
}

static void prepare(bench *t) {
    lofi_error err = LOFI_ERROR_INIT;
    must(lofi_session_prepare(t->session, &err), &err);
    lofi_session_poison(t->session);
}

static void run(bench *t) {
    lofi_error err = LOFI_ERROR_INIT;
    must(lofi_session_run(t->session, &err), &err);
}

static void *data_of(bench *t, const lofi_tensor *tensor, int64_t *count) {
    lofi_error err = LOFI_ERROR_INIT;
    void *data = NULL;
    must(lofi_session_data(t->session, tensor, &data, count, &err), &err);
    return data;
}

/* Fills the input of that name from row `row` of a recorded tensor. */
static void feed(bench *t, const char *input, const lofi_stored_tensor *from, size_t row) {
    lofi_tensor *tensor = lofi_graph_find(t->graph, input);
    int64_t count = 0;
    assert_non_null(tensor);
    void *data = data_of(t, tensor, &count);
    assert_true((row + 1) * (size_t)count <= from->count);
    if (tensor->shape.dtype == LOFI_I64)
        lofi_stored_read_i64(from, row * (size_t)count, data, (size_t)count);
    else
        lofi_stored_read_f32(from, row * (size_t)count, data, (size_t)count);
}

static void fill(bench *t, const char *input, float value) {
    int64_t count = 0;
    float *data = data_of(t, lofi_graph_find(t->graph, input), &count);
    for (int64_t i = 0; i < count; i++) data[i] = value;
}

static double relative_error(const float *ours, const lofi_stored_tensor *theirs) {
    double difference = 0, size = 0;
    for (size_t i = 0; i < theirs->count; i++) {
        double value;
        lofi_stored_read_f64(theirs, i, &value, 1);
        difference += (ours[i] - value) * (ours[i] - value);
        size += value * value;
    }
    return size > 0 ? sqrt(difference / size) : sqrt(difference);
}

static void expect_output(bench *t, const lofi_tensor *tensor, const char *name) {
    const lofi_stored_tensor *theirs = stored(t->recorded, name);
    int64_t count = 0;
    const float *ours = data_of(t, tensor, &count);
    assert_int_equal(count, theirs->count);
    double error = relative_error(ours, theirs);
    print_message("    %-18s %.1e\n", name, error);
    if (!(error <= OUTPUT_LIMIT)) fail_msg("%s: relative error %g, at most %g", name, error, OUTPUT_LIMIT);
}

/* ---- text encoder ---- */

static lofi_tensor *build_umt5(bench *t, const lofi_query_scale *scale) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_umt5_config config;
    lofi_dim dims[] = {lofi_dim_symbol(t->graph, "batch"), lofi_dim_symbol(t->graph, "text")};
    must(lofi_umt5_config_read(&config, lofi_loaded_config(t->loaded), &err), &err);
    lofi_tensor *ids = lofi_graph_input(t->graph, "input_ids", lofi_shape_of(LOFI_I64, 2, dims));
    lofi_tensor *mask = lofi_graph_input(t->graph, "attention_mask", lofi_shape_of(LOFI_F32, 2, dims));
    return lofi_graph_output(t->graph, "output", lofi_umt5_build(&t->builder, &config, ids, mask, scale));
}

static void run_umt5(bench *t) {
    const lofi_stored_tensor *ids = stored(t->recorded, "input_ids");
    start(t);
    lofi_session_set(t->session, "batch", ids->dims[0]);
    lofi_session_set(t->session, "text", ids->dims[1]);
    prepare(t);
    feed(t, "input_ids", ids, 0);
    feed(t, "attention_mask", stored(t->recorded, "attention_mask"), 0);
    run(t);
}

static void umt5_equals_the_original(void **state) {
    (void)state;
    bench t;
    open_bench(&t, &lofi_model_umt5, REFERENCE "model/umt5-base", "umt5");
    lofi_tensor *output = build_umt5(&t, NULL);
    run_umt5(&t);
    expect_output(&t, output, "output");
    assert_int_equal(lofi_loaded_converted_bytes(t.loaded), 0);
    close_bench(&t);
}

/* The output with the queries of one layer scaled, by a number or by a tensor. */
static float *umt5_scaled(float factor, bool as_tensor, int64_t *count) {
    bench t;
    lofi_dim one = 1;
    lofi_query_scale scale = {.first = 1, .end = 2, .factor = as_tensor ? 7 : factor};
    open_bench(&t, &lofi_model_umt5, REFERENCE "model/umt5-base", "umt5");
    if (as_tensor)
        scale.variable = lofi_graph_parameter(t.graph, "factor", lofi_shape_of(LOFI_F32, 1, &one), &factor, false);
    lofi_tensor *output = build_umt5(&t, &scale);
    run_umt5(&t);
    const float *data = data_of(&t, output, count);
    float *copy = malloc((size_t)*count * sizeof *copy);
    memcpy(copy, data, (size_t)*count * sizeof *copy);
    close_bench(&t);
    return copy;
}

static void scaled_queries_change_the_output(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_safetensors *recorded = NULL;
    must(lofi_safetensors_open(&recorded, REFERENCE "cases/umt5.safetensors", &err), &err);
    int64_t count = 0;
    float *same = umt5_scaled(1, false, &count), *weak = umt5_scaled(0.01f, false, &count);
    float *same_too = umt5_scaled(1, true, &count), *weak_too = umt5_scaled(0.01f, true, &count);
    assert_true(relative_error(same, stored(recorded, "output")) <= OUTPUT_LIMIT);
    assert_true(relative_error(weak, stored(recorded, "output")) > 1e-3);
    assert_memory_equal(same_too, same, (size_t)count * sizeof *same);
    assert_memory_equal(weak_too, weak, (size_t)count * sizeof *weak);
    free(same), free(weak), free(same_too), free(weak_too);
    lofi_safetensors_close(recorded);
}

/* Writes the small UMT5 with values rounded to bf16, stored as such or as F32. */
static void write_rounded(const char *folder, bool as_bf16) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_safetensors *source = NULL;
    json_t *config = NULL;
    char path[LOFI_PATH_MAX];
    must(lofi_folder_make(folder, &err), &err);
    must(lofi_json_load(&config, REFERENCE "model/umt5-base/config.json", &err), &err);
    must(lofi_path_format(path, &err, "%s/config.json", folder), &err);
    must(lofi_json_save(config, path, &err), &err);
    must(lofi_safetensors_open(&source, REFERENCE "model/umt5-base/model.safetensors", &err), &err);
    size_t count = lofi_safetensors_count(source);
    lofi_stored_tensor *tensors = calloc(count, sizeof *tensors);
    for (size_t i = 0; i < count; i++) {
        const lofi_stored_tensor *from = lofi_safetensors_at(source, i);
        tensors[i] = lofi_stored_declare(from->name, as_bf16 ? LOFI_STORED_BF16 : LOFI_STORED_F32, from->rank,
                                         from->dims);
        float *values = malloc(from->count * sizeof *values);
        uint16_t *halves = malloc(from->count * sizeof *halves);
        lofi_stored_read_f32(from, 0, values, from->count);
        for (size_t j = 0; j < from->count; j++) {
            halves[j] = lofi_bf16_from_f32(values[j]);
            values[j] = lofi_f32_from_bf16(halves[j]);
        }
        tensors[i].data = as_bf16 ? (void *)halves : (void *)values;
        free(as_bf16 ? (void *)values : (void *)halves);
    }
    must(lofi_path_format(path, &err, "%s/model.safetensors", folder), &err);
    must(lofi_safetensors_save(path, tensors, count, NULL, &err), &err);
    for (size_t i = 0; i < count; i++) free((void *)(uintptr_t)tensors[i].data);
    free(tensors);
    lofi_safetensors_close(source);
    json_decref(config);
}

static float *umt5_of_folder(const char *folder, int64_t *count, size_t *converted) {
    bench t;
    open_bench(&t, &lofi_model_umt5, folder, "umt5");
    lofi_tensor *output = build_umt5(&t, NULL);
    run_umt5(&t);
    const float *data = data_of(&t, output, count);
    float *copy = malloc((size_t)*count * sizeof *copy);
    memcpy(copy, data, (size_t)*count * sizeof *copy);
    *converted = lofi_loaded_converted_bytes(t.loaded);
    close_bench(&t);
    return copy;
}

static void bf16_weights_are_used_as_they_lie(void **state) {
    (void)state;
    char folder[] = "/tmp/lofi-models-XXXXXX", half[LOFI_PATH_MAX], full[LOFI_PATH_MAX];
    lofi_error err = LOFI_ERROR_INIT;
    assert_non_null(mkdtemp(folder));
    must(lofi_path_format(half, &err, "%s/bf16", folder), &err);
    must(lofi_path_format(full, &err, "%s/f32", folder), &err);
    write_rounded(half, true);
    write_rounded(full, false);
    int64_t count = 0;
    size_t converted = 0, unconverted = 0;
    float *ours = umt5_of_folder(half, &count, &converted), *theirs = umt5_of_folder(full, &count, &unconverted);
    lofi_stored_tensor expected = lofi_stored_declare("f32", LOFI_STORED_F32, 1, &count);
    expected.data = theirs, expected.aligned = true;
    assert_true(relative_error(ours, &expected) <= OUTPUT_LIMIT);
    /* norms (five of 32) and relative positions (two of 32 x 4) only */
    assert_int_equal(converted, (5 * 32 + 2 * 32 * 4) * 4);
    assert_int_equal(unconverted, 0);
    free(ours), free(theirs);
    must(lofi_path_remove(folder, &err), &err);
}

/* The small UMT5 with one more space in the header: every tensor then lies at an odd address. */
static void write_unaligned(const char *folder) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_buffer file = LOFI_BUFFER_INIT, out = LOFI_BUFFER_INIT;
    char path[LOFI_PATH_MAX];
    uint64_t header, longer;
    must(lofi_file_read(&file, REFERENCE "model/umt5-base/model.safetensors", 1 << 24, &err), &err);
    memcpy(&header, file.data, sizeof header);
    longer = header + 1;
    lofi_buffer_append(&out, &longer, sizeof longer);
    lofi_buffer_append(&out, file.data + 8, header);
    lofi_buffer_text(&out, " ");
    lofi_buffer_append(&out, file.data + 8 + header, file.size - 8 - header);
    must(lofi_path_format(path, &err, "%s/model.safetensors", folder), &err);
    must(lofi_file_write(path, out.data, out.size, &err), &err);
    must(lofi_file_read(&file, REFERENCE "model/umt5-base/config.json", 1 << 20, &err), &err);
    must(lofi_path_format(path, &err, "%s/config.json", folder), &err);
    must(lofi_file_write(path, file.data, file.size, &err), &err);
    lofi_buffer_free(&file);
    lofi_buffer_free(&out);
}

static void unaligned_weights_are_copied(void **state) {
    (void)state;
    char folder[] = "/tmp/lofi-models-XXXXXX";
    lofi_error err = LOFI_ERROR_INIT;
    bench t;
    assert_non_null(mkdtemp(folder));
    write_unaligned(folder);
    open_bench(&t, &lofi_model_umt5, folder, "umt5");
    lofi_tensor *output = build_umt5(&t, NULL);
    run_umt5(&t);
    expect_output(&t, output, "output");
    int64_t values = 0;
    const lofi_weight_table *table = lofi_loaded_table(t.loaded);
    for (size_t i = 0; i < table->count; i++) values += lofi_weight_entry_count(&table->entries[i]);
    assert_int_equal(lofi_loaded_converted_bytes(t.loaded), values * 4);
    close_bench(&t);
    must(lofi_path_remove(folder, &err), &err);
}

/* ---- lyric encoder ---- */

static lofi_tensor *build_lyrics(bench *t) {
    lofi_dim dims[] = {lofi_dim_symbol(t->graph, "batch"), lofi_dim_symbol(t->graph, "lyric")};
    lofi_tensor *ids = lofi_graph_input(t->graph, "lyric_token_ids", lofi_shape_of(LOFI_I64, 2, dims));
    lofi_tensor *mask = lofi_graph_input(t->graph, "lyric_mask", lofi_shape_of(LOFI_F32, 2, dims));
    return lofi_graph_output(t->graph, "output", lofi_ace_step_encode_lyrics(&t->builder, &t->config, ids, mask, NULL));
}

static void start_lyrics(bench *t) {
    const lofi_stored_tensor *ids = stored(t->recorded, "lyric_token_ids");
    start(t);
    lofi_session_set(t->session, "batch", ids->dims[0]);
    lofi_session_set(t->session, "lyric", ids->dims[1]);
    prepare(t);
    feed(t, "lyric_token_ids", ids, 0);
    feed(t, "lyric_mask", stored(t->recorded, "lyric_mask"), 0);
}

static void lyric_encoder_equals_the_original(void **state) {
    (void)state;
    bench t;
    open_transformer(&t, "lyric_encoder");
    lofi_tensor *output = build_lyrics(&t);
    start_lyrics(&t);
    run(&t);
    expect_output(&t, output, "output");
    close_bench(&t);
}

static void lyric_encoder_drops_out_by_key(void **state) {
    (void)state;
    bench t;
    float results[3][4096];
    int64_t count = 0;
    open_transformer(&t, "lyric_encoder");
    t.builder.dropout_key = lofi_graph_input(t.graph, "dropout_key", lofi_shape_of(LOFI_I64, 1, (lofi_dim[]){2}));
    lofi_tensor *output = build_lyrics(&t);
    /* embedding, scaled embedding, positions; in each layer after attention, inside of and after the feed-forward half */
    assert_int_equal(t.builder.dropout_sites, 3 + 3 * t.config.lyric.blocks);
    start_lyrics(&t);
    for (int i = 0; i < 3; i++) {
        int64_t *key = data_of(&t, t.builder.dropout_key, &count);
        key[0] = 7, key[1] = i / 2; /* seed, step: the first two alike */
        run(&t);
        const float *values = data_of(&t, output, &count);
        assert_in_range(count, 1, 4096);
        memcpy(results[i], values, (size_t)count * sizeof *values);
    }
    assert_memory_equal(results[0], results[1], (size_t)count * sizeof(float));
    assert_memory_not_equal(results[0], results[2], (size_t)count * sizeof(float));
    double error = relative_error(results[0], stored(t.recorded, "output"));
    assert_true(error > 0.01 && error < 2);
    close_bench(&t);
}

/* ---- transformer ---- */

typedef struct step_tensors {
    lofi_tensor *latents, *mask, *timestep, *output;
    lofi_ace_step_conditions conditions;
    lofi_ace_step_encoded encoded;
    lofi_ace_step_trace trace;
} step_tensors;

static void build_inputs(bench *t, step_tensors *s) {
    lofi_graph *graph = t->graph;
    lofi_dim batch = lofi_dim_symbol(graph, "batch"), frames = lofi_dim_symbol(graph, "frames");
    lofi_dim dims[] = {batch, t->config.in_channels, t->config.height, frames}, mask_dims[] = {batch, frames};
    s->latents = lofi_graph_input(graph, "latents", lofi_shape_of(LOFI_F32, 4, dims));
    s->mask = lofi_graph_input(graph, "attention_mask", lofi_shape_of(LOFI_F32, 2, mask_dims));
    s->timestep = lofi_graph_input(graph, "timestep", lofi_shape_of(LOFI_F32, 1, &batch));
    s->conditions = lofi_ace_step_condition_inputs(graph, &t->config);
}

static void build_step(bench *t, step_tensors *s, lofi_tensor *latents) {
    s->encoded = lofi_ace_step_encode(&t->builder, &t->config, &s->conditions, NULL);
    s->output = lofi_ace_step_decode(&t->builder, &t->config, latents, s->mask, &s->encoded, s->timestep, NULL,
                                     &s->trace);
}

static void set_sizes(bench *t, int64_t batch, int64_t frames, int64_t text, int64_t lyric) {
    lofi_session_set(t->session, "batch", batch);
    lofi_session_set(t->session, "frames", frames);
    lofi_session_set(t->session, "text", text);
    lofi_session_set(t->session, "lyric", lyric);
    prepare(t);
}

static void mark_outputs(bench *t, step_tensors *s) {
    lofi_graph_output(t->graph, "encoder_states", s->encoded.states);
    lofi_graph_output(t->graph, "encoder_mask", s->encoded.mask);
    lofi_graph_output(t->graph, "time_embedding", s->trace.time_embedding);
    lofi_graph_output(t->graph, "time_modulation", s->trace.time_modulation);
    lofi_graph_output(t->graph, "patches", s->trace.patches);
    for (int i = 0; i < t->config.layers; i++) lofi_graph_output(t->graph, NULL, s->trace.blocks[i]);
    lofi_graph_output(t->graph, "output", s->output);
}

static void transformer_equals_the_original(void **state) {
    (void)state;
    static const char *const inputs[] = {"attention_mask",  "text_states", "text_mask", "speaker",
                                         "lyric_token_ids", "lyric_mask",  "timestep"};
    bench t;
    step_tensors s = {0};
    open_transformer(&t, "transformer");
    build_inputs(&t, &s);
    build_step(&t, &s, s.latents);
    mark_outputs(&t, &s);
    start(&t);
    const lofi_stored_tensor *latents = stored(t.recorded, "hidden_states");
    set_sizes(&t, latents->dims[0], latents->dims[3], stored(t.recorded, "text_mask")->dims[1],
              stored(t.recorded, "lyric_mask")->dims[1]);
    feed(&t, "latents", latents, 0);
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) feed(&t, inputs[i], stored(t.recorded, inputs[i]), 0);
    run(&t);
    expect_output(&t, s.encoded.states, "encoder_states");
    expect_output(&t, s.encoded.mask, "encoder_mask");
    expect_output(&t, s.trace.time_embedding, "time_embedding");
    expect_output(&t, s.trace.time_modulation, "time_modulation");
    expect_output(&t, s.trace.patches, "patches");
    for (int i = 0; i < t.config.layers; i++) {
        char name[16];
        snprintf(name, sizeof name, "block_%d", i);
        expect_output(&t, s.trace.blocks[i], name);
    }
    expect_output(&t, s.output, "output");
    close_bench(&t);
}

static void unconditional_transformer_equals_the_original(void **state) {
    (void)state;
    bench t;
    step_tensors s = {0};
    open_transformer(&t, "transformer_unconditional");
    build_inputs(&t, &s);
    build_step(&t, &s, s.latents);
    lofi_graph_output(t.graph, "output", s.output);
    start(&t);
    const lofi_stored_tensor *latents = stored(t.recorded, "hidden_states");
    set_sizes(&t, latents->dims[0], latents->dims[3], stored(t.recorded, "text_states")->dims[1],
              stored(t.recorded, "lyric_mask")->dims[1]);
    feed(&t, "latents", latents, 0);
    feed(&t, "timestep", stored(t.recorded, "timestep"), 0);
    feed(&t, "text_states", stored(t.recorded, "text_states"), 0);
    feed(&t, "lyric_token_ids", stored(t.recorded, "lyric_token_ids"), 0);
    feed(&t, "lyric_mask", stored(t.recorded, "lyric_mask"), 0);
    fill(&t, "attention_mask", 1);
    fill(&t, "text_mask", 1);
    fill(&t, "speaker", 0);
    run(&t);
    expect_output(&t, s.output, "output");
    close_bench(&t);
}

static void latents_of_another_shape_are_refused(void **state) {
    (void)state;
    bench t;
    step_tensors s = {0};
    lofi_error err = LOFI_ERROR_INIT;
    open_transformer(&t, "transformer");
    build_inputs(&t, &s);
    lofi_tensor *flat = lofi_graph_input(t.graph, "flat", lofi_shape_of(LOFI_F32, 3, s.latents->shape.dims));
    build_step(&t, &s, flat);
    assert_null(s.output);
    assert_int_equal(lofi_graph_check(t.graph, &err), LOFI_ERR_FORMAT);
    assert_non_null(strstr(err.message, "expected [batch, 8, 16, frames]"));
    close_bench(&t);
}

/* ---- gradients of adapters ---- */

#define MAX_ADAPTED 256

typedef struct adapted {
    const lofi_safetensors *values;
    float scale;
    lofi_tensor *tensors[2 * MAX_ADAPTED];
    char names[2 * MAX_ADAPTED][160];
    size_t count;
} adapted;

static lofi_tensor *factor(adapted *a, lofi_graph *graph, const char *layer, const char *which, int64_t rows,
                           int64_t columns) {
    char name[192];
    assert_true(a->count < 2 * MAX_ADAPTED);
    snprintf(a->names[a->count], sizeof a->names[0], "%s.%s.weight", layer, which);
    snprintf(name, sizeof name, "adapter.%s", a->names[a->count]);
    const lofi_stored_tensor *tensor = lofi_safetensors_find(a->values, name);
    if (!tensor) return NULL;
    assert_true(tensor->rank == 2 && tensor->aligned);
    if (rows >= 0) assert_int_equal(tensor->dims[0], rows);
    if (columns >= 0) assert_int_equal(tensor->dims[1], columns);
    lofi_shape shape = lofi_shape_of(LOFI_F32, 2, tensor->dims);
    a->tensors[a->count] = lofi_graph_parameter(graph, a->names[a->count], shape, (void *)(uintptr_t)tensor->data,
                                                true);
    return a->tensors[a->count++];
}

static bool attach(void *user, lofi_graph *graph, const char *layer, int64_t in, int64_t out, lofi_tensor **a,
                   lofi_tensor **b, float *scale) {
    adapted *adapter = user;
    *a = factor(adapter, graph, layer, "lora_A", -1, in);
    if (!*a) return false;
    *b = factor(adapter, graph, layer, "lora_B", out, -1);
    *scale = adapter->scale;
    return true;
}

static double metadata_number(const lofi_safetensors *file, const char *key) {
    const char *text = lofi_safetensors_metadata(file, key);
    assert_non_null(text);
    return strtod(text, NULL);
}

static void feed_training_row(bench *t, const lofi_safetensors *rows) {
    static const char *const inputs[] = {"latents",   "noise",   "sigma",           "timestep",  "text_states",
                                         "text_mask", "speaker", "lyric_token_ids", "lyric_mask"};
    const lofi_stored_tensor *latents = stored(rows, "latents");
    set_sizes(t, latents->dims[1], latents->dims[4], stored(rows, "text_mask")->dims[2],
              stored(rows, "lyric_mask")->dims[2]);
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) feed(t, inputs[i], stored(rows, inputs[i]), 0);
    fill(t, "attention_mask", 1);
}

static lofi_tensor *build_loss(bench *t) {
    step_tensors s = {0};
    build_inputs(t, &s);
    lofi_tensor *noise = lofi_graph_input(t->graph, "noise", s.latents->shape);
    lofi_tensor *sigma = lofi_graph_input(t->graph, "sigma", s.timestep->shape);
    lofi_tensor *noisy = lofi_flow_noisy(t->graph, s.latents, noise, sigma);
    build_step(t, &s, noisy);
    return lofi_flow_loss(t->graph, s.latents, noisy, s.output, sigma, s.mask);
}

static size_t expect_gradients(bool checkpoint) {
    lofi_error err = LOFI_ERROR_INIT;
    bench t;
    adapted *adapter = calloc(1, sizeof *adapter);
    lofi_safetensors *rows = NULL;
    lofi_tensor *gradients[2 * MAX_ADAPTED] = {0};
    double worst = 0;
    open_transformer(&t, "gradients");
    must(lofi_safetensors_open(&rows, REFERENCE "cases/train_inputs.safetensors", &err), &err);
    adapter->values = t.recorded;
    adapter->scale = (float)(metadata_number(rows, "alpha") / sqrt(metadata_number(rows, "rank")));
    lofi_adapter_hook hook = {adapter, attach};
    t.builder.adapter = &hook;
    lofi_tensor *loss = lofi_graph_output(t.graph, "loss", build_loss(&t));
    must(lofi_graph_check(t.graph, &err), &err);
    must(lofi_graph_differentiate(t.graph, loss, adapter->tensors, adapter->count, NULL,
                                  (lofi_gradient_options){.checkpoint = checkpoint}, gradients, &err),
         &err);
    start(&t);
    feed_training_row(&t, rows);
    run(&t);
    expect_output(&t, loss, "loss");
    for (size_t i = 0; i < adapter->count; i++) {
        char name[192];
        int64_t count = 0;
        snprintf(name, sizeof name, "grad.%s", adapter->names[i]);
        const lofi_stored_tensor *theirs = stored(t.recorded, name);
        const float *ours = data_of(&t, gradients[i], &count);
        assert_int_equal(count, theirs->count);
        double error = relative_error(ours, theirs);
        if (!(error <= GRADIENT_LIMIT)) fail_msg("%s: relative error %g, at most %g", name, error, GRADIENT_LIMIT);
        if (error > worst) worst = error;
    }
    size_t bytes = lofi_session_get_stats(t.session).activation_bytes, adapted_count = adapter->count;
    size_t recorded = 0;
    for (size_t i = 0; i < lofi_safetensors_count(t.recorded); i++)
        recorded += strncmp(lofi_safetensors_at(t.recorded, i)->name, "grad.", 5) == 0;
    assert_int_equal(adapted_count, recorded);
    print_message("    worst of %zu gradients %.1e, activations %zu bytes\n", adapted_count, worst, bytes);
    close_bench(&t);
    lofi_safetensors_close(rows);
    free(adapter);
    return bytes;
}

static void gradients_equal_the_original(void **state) {
    (void)state;
    expect_gradients(false);
}

static void checkpointed_gradients_equal_the_original(void **state) {
    (void)state;
    size_t with = expect_gradients(true), without = expect_gradients(false);
    assert_true(with < without);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(umt5_equals_the_original),
        cmocka_unit_test(scaled_queries_change_the_output),
        cmocka_unit_test(bf16_weights_are_used_as_they_lie),
        cmocka_unit_test(unaligned_weights_are_copied),
        cmocka_unit_test(lyric_encoder_equals_the_original),
        cmocka_unit_test(lyric_encoder_drops_out_by_key),
        cmocka_unit_test(transformer_equals_the_original),
        cmocka_unit_test(unconditional_transformer_equals_the_original),
        cmocka_unit_test(latents_of_another_shape_are_refused),
        cmocka_unit_test(gradients_equal_the_original),
        cmocka_unit_test(checkpointed_gradients_equal_the_original),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
