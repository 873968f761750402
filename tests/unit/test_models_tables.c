/* Tables of the networks at full size against the released model's tensors, presets, and what opening a folder refuses. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "models/ace_step_transformer.h"
#include "models/loaded.h"
#include "models/umt5.h"
#include "store/safetensors.h"
#include "weight_list.h"

#define FACTS     LOFI_SOURCE_FOLDER "/tests/data/models/"
#define REFERENCE LOFI_SOURCE_FOLDER "/data/reference/"

static const lofi_model *const transformer = &lofi_model_ace_step_transformer;

static void full_transformer_is_the_released_one(void **state) {
    (void)state;
    lofi_weight_table table = {0};
    declare_preset(transformer, "full", &table);
    expect_list(transformer, &table, FACTS "ace_step_transformer.tsv", 874, 874);
    assert_int_equal(parameters(&table), 3305659264);
    lofi_weight_table_free(&table);
}

static void full_umt5_is_the_released_one(void **state) {
    (void)state;
    lofi_weight_table table = {0};
    declare_preset(&lofi_model_umt5, "full", &table);
    /* the embedding has two names in the list and one place */
    expect_list(&lofi_model_umt5, &table, FACTS "umt5-base.tsv", 123, 122);
    assert_int_equal(parameters(&table), 281861376);
    lofi_weight_table_free(&table);
}

/* ---- adapters ---- */

typedef struct asked_layers {
    char names[512][128];
    char shapes[512][32];
    size_t count;
    int64_t elements; /* of A and B at rank 256 */
} asked_layers;

static bool is_target(const char *layer) {
    static const char *const targets[] = {
        "speaker_embedder", "linear_q", "linear_k", "linear_v", "to_q", "to_k", "to_v", "to_out.0"};
    size_t length = strlen(layer);
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        size_t size = strlen(targets[i]);
        if (strcmp(layer, targets[i]) == 0) return true;
        if (length > size && layer[length - size - 1] == '.' && strcmp(layer + length - size, targets[i]) == 0)
            return true;
    }
    return false;
}

static bool note_layer(void *user, lofi_graph *graph, const char *layer, int64_t in, int64_t out, lofi_tensor **a,
                       lofi_tensor **b, float *scale) {
    asked_layers *asked = user;
    (void)graph, (void)a, (void)b, (void)scale;
    if (!is_target(layer)) return false;
    assert_true(asked->count < 512);
    snprintf(asked->names[asked->count], sizeof asked->names[0], "%s", layer);
    snprintf(asked->shapes[asked->count++], sizeof asked->shapes[0], "%lldx%lld", (long long)out, (long long)in);
    asked->elements += 256 * (in + out);
    return false;
}

static void expect_layer(void *user, const char *name, const char *shape) {
    const asked_layers *asked = user;
    for (size_t i = 0; i < asked->count; i++)
        if (strcmp(asked->names[i], name) == 0) {
            assert_string_equal(asked->shapes[i], shape);
            return;
        }
    fail_msg("no adapter is asked for '%s'", name);
}

/* Writes down the whole full-size network without weights and collects the layers that adapters are asked for. */
static void adapted_layers_are_those_of_the_original(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    json_t *json = NULL;
    lofi_ace_step_config config;
    lofi_graph *graph = NULL;
    asked_layers *asked = calloc(1, sizeof *asked);
    assert_int_equal(transformer->preset("full", &json, &err), LOFI_OK);
    assert_int_equal(lofi_ace_step_config_read(&config, json, &err), LOFI_OK);
    assert_int_equal(lofi_graph_new(&graph, &err), LOFI_OK);
    lofi_adapter_hook hook = {asked, note_layer};
    lofi_builder builder = {.graph = graph, .adapter = &hook};
    lofi_dim batch = lofi_dim_symbol(graph, "batch"), frames = lofi_dim_symbol(graph, "frames");
    lofi_tensor *latents = lofi_graph_input(graph, "latents",
                                            lofi_shape_of(LOFI_F32, 4, (lofi_dim[]){batch, 8, 16, frames}));
    lofi_tensor *mask = lofi_graph_input(graph, "attention_mask",
                                         lofi_shape_of(LOFI_F32, 2, (lofi_dim[]){batch, frames}));
    lofi_tensor *timestep = lofi_graph_input(graph, "timestep", lofi_shape_of(LOFI_F32, 1, &batch));
    lofi_ace_step_conditions conditions = lofi_ace_step_condition_inputs(graph, &config);
    lofi_ace_step_encoded encoded = lofi_ace_step_encode(&builder, &config, &conditions, NULL);
    lofi_tensor *output = lofi_ace_step_decode(&builder, &config, latents, mask, &encoded, timestep, NULL, NULL);
    if (lofi_graph_check(graph, &err)) fail_msg("%s", err.message);
    assert_int_equal(each_line(FACTS "lora_targets.tsv", expect_layer, asked), 211);
    assert_int_equal(asked->count, 211);
    assert_int_equal(asked->elements, 261881856);
    assert_string_equal(lofi_shape_text(graph, &output->shape), "[batch, 8, 16, frames] f32");
    assert_string_equal(lofi_shape_text(graph, &encoded.states->shape), "[batch, 1+text+lyric, 2560] f32");
    lofi_graph_free(graph);
    json_decref(json);
    free(asked);
}

/* ---- presets and configs ---- */

static void presets_fit_each_other(void **state) {
    (void)state;
    const char *names[] = {"tiny", "small", "full"};
    const int64_t least[] = {1000000, 80000000, 3305659264}, most[] = {4000000, 120000000, 3305659264};
    for (int i = 0; i < 3; i++) {
        lofi_error err = LOFI_ERROR_INIT;
        lofi_weight_table table = {0};
        json_t *json = NULL, *text_json = NULL;
        lofi_ace_step_config config;
        lofi_umt5_config text;
        declare_preset(transformer, names[i], &table);
        assert_in_range(parameters(&table), least[i], most[i]);
        assert_int_equal(transformer->preset(names[i], &json, &err), LOFI_OK);
        assert_int_equal(lofi_model_umt5.preset(names[i], &text_json, &err), LOFI_OK);
        assert_int_equal(lofi_ace_step_config_read(&config, json, &err), LOFI_OK);
        assert_int_equal(lofi_umt5_config_read(&text, text_json, &err), LOFI_OK);
        assert_int_equal(config.text_width, text.width);
        for (int j = 0; j < config.projectors; j++) assert_true(config.projector_depths[j] < config.layers);
        lofi_weight_table_free(&table);
        json_decref(json);
        json_decref(text_json);
    }
    lofi_error err = LOFI_ERROR_INIT;
    json_t *json = NULL;
    assert_int_equal(transformer->preset("huge", &json, &err), LOFI_ERR_USAGE);
    assert_int_equal(lofi_model_umt5.preset("huge", &json, &err), LOFI_ERR_USAGE);
    assert_null(json);
}

typedef struct bad_config {
    const lofi_model *model;
    const char *key, *value; /* JSON, put into the tiny preset; NULL removes the key */
    lofi_code code;
} bad_config;

static void senseless_configs_are_refused_by_key(void **state) {
    (void)state;
    const bad_config cases[] = {
        {transformer, "num_layers", "0", LOFI_ERR_FORMAT},
        {transformer, "num_layers", "\"three\"", LOFI_ERR_FORMAT},
        {transformer, "num_layers", "100000", LOFI_ERR_FORMAT},
        {transformer, "attention_head_dim", "15", LOFI_ERR_FORMAT},
        {transformer, "mlp_ratio", "-1", LOFI_ERR_FORMAT},
        {transformer, "mlp_ratio", "1e300", LOFI_ERR_FORMAT},
        {transformer, "rope_theta", "0", LOFI_ERR_FORMAT},
        {transformer, "patch_size", "[16, 2]", LOFI_ERR_UNSUPPORTED},
        {transformer, "patch_size", "[8, 1]", LOFI_ERR_UNSUPPORTED},
        {transformer, "patch_size", "[16]", LOFI_ERR_UNSUPPORTED},
        {transformer, "lyric_encoder_attention_heads", "5", LOFI_ERR_FORMAT},
        {transformer, "lyric_hidden_size", "63", LOFI_ERR_FORMAT},
        {transformer, "ssl_latent_dims", "[1024]", LOFI_ERR_FORMAT},
        {transformer, "ssl_latent_dims", "[1024, 0]", LOFI_ERR_FORMAT},
        {transformer, "ssl_encoder_depths", "[1, -1]", LOFI_ERR_FORMAT},
        {&lofi_model_umt5, "d_model", NULL, LOFI_ERR_FORMAT},
        {&lofi_model_umt5, "feed_forward_proj", "\"relu\"", LOFI_ERR_UNSUPPORTED},
        {&lofi_model_umt5, "layer_norm_epsilon", "0", LOFI_ERR_FORMAT},
        {&lofi_model_umt5, "relative_attention_num_buckets", "33", LOFI_ERR_FORMAT},
        {&lofi_model_umt5, "relative_attention_max_distance", "8", LOFI_ERR_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lofi_error err = LOFI_ERROR_INIT;
        lofi_weight_table table = {0};
        json_t *config = NULL;
        assert_int_equal(cases[i].model->preset("tiny", &config, &err), LOFI_OK);
        if (cases[i].value)
            json_object_set_new(config, cases[i].key, json_loads(cases[i].value, JSON_DECODE_ANY, NULL));
        else
            json_object_del(config, cases[i].key);
        lofi_code code = cases[i].model->declare(config, &table, &err);
        const char *key = strncmp(cases[i].key, "lyric", 5) == 0 ? "lyric_hidden_size" : cases[i].key;
        if (strncmp(key, "ssl", 3) == 0) key = "ssl_";
        if (strcmp(key, "patch_size") != 0 && strncmp(key, "relative", 8) != 0 && !strstr(err.message, key))
            fail_msg("'%s' is not named in: %s", key, err.message);
        if (code != cases[i].code) fail_msg("%s = %s: code %d, %s", cases[i].key, cases[i].value, code, err.message);
        lofi_weight_table_free(&table);
        json_decref(config);
    }
}

/* ---- opening a folder ---- */

static char *temporary_folder(char folder[LOFI_PATH_MAX]) {
    snprintf(folder, LOFI_PATH_MAX, "/tmp/lofi-models-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return folder;
}

#define MAX_TENSORS 256
typedef struct edited_file {
    lofi_stored_tensor tensors[MAX_TENSORS];
    size_t count;
} edited_file;

/* The small UMT5 in a new folder, with `edit` applied to its list of tensors. */
static void write_umt5(const char *folder, void (*edit)(edited_file *file)) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_safetensors *source = NULL;
    char path[LOFI_PATH_MAX];
    json_t *config = NULL;
    edited_file file = {.count = 0};
    if (lofi_json_load(&config, REFERENCE "model/umt5-base/config.json", &err) ||
        lofi_path_format(path, &err, "%s/config.json", folder) || lofi_json_save(config, path, &err) ||
        lofi_safetensors_open(&source, REFERENCE "model/umt5-base/model.safetensors", &err))
        fail_msg("%s", err.message);
    for (size_t i = 0; i < lofi_safetensors_count(source); i++)
        file.tensors[file.count++] = *lofi_safetensors_at(source, i);
    edit(&file);
    if (lofi_path_format(path, &err, "%s/model.safetensors", folder) ||
        lofi_safetensors_save(path, file.tensors, file.count, NULL, &err))
        fail_msg("%s", err.message);
    lofi_safetensors_close(source);
    json_decref(config);
}

static lofi_stored_tensor *tensor_of(edited_file *file, const char *name) {
    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->tensors[i].name, name) == 0) return &file->tensors[i];
    fail_msg("no tensor '%s'", name);
    return NULL;
}

#define BLOCK "encoder.block.1.layer.1.DenseReluDense."

static void unedited(edited_file *file) {
    (void)file;
}

static void tied_name(edited_file *file) {
    tensor_of(file, "shared.weight")->name = "encoder.embed_tokens.weight";
}

static void three_faults_and_an_extra(edited_file *file) {
    static const float values[2] = {1, 2};
    lofi_stored_tensor *wide = tensor_of(file, BLOCK "wo.weight"),
                       *typed = tensor_of(file, "encoder.final_layer_norm.weight");
    const void *wide_data = wide->data, *typed_data = typed->data;
    *wide = lofi_stored_declare(wide->name, LOFI_STORED_F32, 2, (int64_t[]){wide->dims[1], wide->dims[0]});
    *typed = lofi_stored_declare(typed->name, LOFI_STORED_I32, 1, (int64_t[]){typed->dims[0]});
    wide->data = wide_data, typed->data = typed_data;
    *tensor_of(file, BLOCK "wi_0.weight") = lofi_stored_declare("visitor.weight", LOFI_STORED_F32, 1, (int64_t[]){2});
    tensor_of(file, "visitor.weight")->data = values;
}

static void one_missing(edited_file *file) {
    *tensor_of(file, BLOCK "wi_0.weight") = file->tensors[--file->count];
}

static lofi_code open_edited(void (*edit)(edited_file *file), lofi_error *err) {
    char folder[LOFI_PATH_MAX];
    lofi_error ignored;
    lofi_loaded *loaded = NULL;
    write_umt5(temporary_folder(folder), edit);
    lofi_code code = lofi_loaded_open(&loaded, &lofi_model_umt5, folder, err);
    assert_int_equal(code == LOFI_OK, loaded != NULL);
    if (loaded) {
        const lofi_weight_source *source = lofi_loaded_source(loaded);
        const void *data = NULL;
        lofi_dtype dtype;
        int64_t dims[] = {1504, 32};
        assert_int_equal(source->find(source->user, "shared.weight", 2, dims, false, &data, &dtype, err), LOFI_OK);
        assert_non_null(data);
        assert_int_equal(source->find(source->user, "nobody.weight", 2, dims, false, &data, &dtype, &ignored),
                         LOFI_ERR_NOT_FOUND);
    }
    lofi_loaded_close(loaded);
    assert_int_equal(lofi_path_remove(folder, &ignored), LOFI_OK);
    return code;
}

static void a_good_folder_opens(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    if (open_edited(unedited, &err)) fail_msg("%s", err.message);
    if (open_edited(tied_name, &err)) fail_msg("%s", err.message);
}

static void all_faults_are_told_at_once(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(open_edited(three_faults_and_an_extra, &err), LOFI_ERR_FORMAT);
    assert_non_null(strstr(err.message, ": 3 faults: "));
    assert_non_null(strstr(err.message, "missing tensor '" BLOCK "wi_0.weight' [72, 32]"));
    assert_non_null(strstr(err.message, "'" BLOCK "wo.weight' is [72, 32], expected [32, 72]"));
    assert_non_null(strstr(err.message, "'encoder.final_layer_norm.weight' is of type I32"));
    assert_null(strstr(err.message, "visitor"));
    assert_non_null(strstr(err.hint, "lofi model check"));
    assert_int_equal(open_edited(one_missing, &err), LOFI_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, ": 1 fault: missing tensor '" BLOCK "wi_0.weight' [72, 32]"));
}

static void extra_and_unread_tensors_are_harmless(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_weight_table table = {0};
    lofi_weights *weights = NULL;
    lofi_fault_list list = {0};
    declare_preset(transformer, "full", &table);
    if (lofi_weights_open(&weights, REFERENCE "model/ace_step_transformer", &err)) fail_msg("%s", err.message);
    assert_int_equal(lofi_weights_compare(&list, transformer, &table, weights, &err), LOFI_OK);
    size_t unread = 0, extra = 0;
    for (size_t i = 0; i < list.count; i++) {
        extra += list.items[i].kind == LOFI_FAULT_EXTRA;
        unread += list.items[i].expected && !list.items[i].expected->used;
        assert_int_equal(list.items[i].harmless,
                         list.items[i].kind == LOFI_FAULT_EXTRA || !list.items[i].expected->used);
    }
    /* a small file against the full table: projections that nothing reads (8 a block) and the two alignment heads (6 each) */
    assert_int_equal(unread, 24 * 8 + 2 * 6);
    assert_int_equal(extra, 0);
    assert_int_equal(list.harmful, list.count - unread);
    lofi_fault_list_free(&list);
    lofi_weights_close(weights);
    lofi_weight_table_free(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_transformer_is_the_released_one),
        cmocka_unit_test(full_umt5_is_the_released_one),
        cmocka_unit_test(adapted_layers_are_those_of_the_original),
        cmocka_unit_test(presets_fit_each_other),
        cmocka_unit_test(senseless_configs_are_refused_by_key),
        cmocka_unit_test(a_good_folder_opens),
        cmocka_unit_test(all_faults_are_told_at_once),
        cmocka_unit_test(extra_and_unread_tensors_are_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
