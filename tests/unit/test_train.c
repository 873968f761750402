/* test_train.c - optimizer, schedule, adapters' files, checkpoints and metrics of training runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/random.h"
#include "diffusion/flow_schedule.h"
#include "lora/lora_file.h"
#include "store/safetensors.h"
#include "train/cache.h"
#include "train/checkpoint.h"
#include "train/metrics.h"
#include "train/optimizer.h"

static char folder[LOFI_PATH_MAX];

static int make_folder(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    snprintf(folder, sizeof folder, "train-test-%ld", (long)getpid());
    return lofi_folder_make(folder, &err) == LOFI_OK ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    return lofi_path_remove(folder, &err) == LOFI_OK ? 0 : -1;
}

static const char *path_of(const char *name) {
    static char paths[4][LOFI_PATH_MAX];
    static int next;
    char *path = paths[next++ % 4];
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_path_format(path, &err, "%s/%s", folder, name), LOFI_OK);
    return path;
}

/* ---- optimizer and schedules ---- */

static void adamw_follows_the_paper(void **state) {
    (void)state;
    enum { COUNT = 1000 };
    static float values[COUNT], first[COUNT], second[COUNT], gradient[COUNT];
    static double x[COUNT], m[COUNT], v[COUNT];
    lofi_adamw settings = LOFI_ADAMW_INIT;
    settings.learning_rate = 3e-3;
    lofi_random random = lofi_random_at(1, LOFI_RANDOM_TEST, 0);
    lofi_random_fill_normal(&random, 0, values, COUNT);
    for (int i = 0; i < COUNT; i++) x[i] = values[i];
    for (int step = 1; step <= 12; step++) {
        lofi_random_fill_normal(&random, (uint64_t)step * COUNT, gradient, COUNT);
        lofi_adamw_update(&settings, step, values, gradient, 0.5, first, second, COUNT, 2);
        for (int i = 0; i < COUNT; i++) {
            double g = 0.5 * gradient[i];
            m[i] = 0.8 * m[i] + 0.2 * g;
            v[i] = 0.9 * v[i] + 0.1 * g * g;
            double corrected_m = m[i] / (1 - pow(0.8, step)), corrected_v = v[i] / (1 - pow(0.9, step));
            x[i] -= 3e-3 * 0.01 * x[i];
            x[i] -= 3e-3 * corrected_m / (sqrt(corrected_v) + 1e-8);
        }
    }
    for (int i = 0; i < COUNT; i++) assert_float_equal(values[i], x[i], 2e-6);
}

static void norm_and_clipping(void **state) {
    (void)state;
    static float gradient[200001];
    for (size_t i = 0; i < 200001; i++) gradient[i] = (float)(i % 7) - 3;
    double sum = 0;
    for (size_t i = 0; i < 200001; i++) sum += (double)gradient[i] * gradient[i];
    double one = lofi_gradient_norm(gradient, 200001, 1), two = lofi_gradient_norm(gradient, 200001, 2);
    assert_float_equal(one, sqrt(sum), 1e-7 * sqrt(sum));
    assert_true(one == two);
    assert_float_equal(lofi_clip_factor(0.25, 0.5), 1, 0);
    assert_float_equal(lofi_clip_factor(2.0, 0.5), 0.25, 1e-6);
    assert_float_equal(lofi_clip_factor(1e9, 0), 1, 0);
    gradient[77] = NAN;
    assert_false(isfinite(lofi_gradient_norm(gradient, 200001, 2)));
}

static void learning_rate_rises_and_falls(void **state) {
    (void)state;
    assert_float_equal(lofi_learning_rate(1e-2, 0, 10, 40), 0, 0);
    assert_float_equal(lofi_learning_rate(1e-2, 5, 10, 40), 5e-3, 1e-12);
    assert_float_equal(lofi_learning_rate(1e-2, 10, 10, 40), 1e-2, 0);
    assert_float_equal(lofi_learning_rate(1e-2, 25, 10, 40), 5e-3, 1e-12);
    assert_float_equal(lofi_learning_rate(1e-2, 40, 10, 40), 0, 0);
    assert_float_equal(lofi_learning_rate(1e-2, 41, 10, 40), 0, 0);
    assert_float_equal(lofi_learning_rate(1e-2, 0, 0, 40), 1e-2, 0);
}

static void noise_levels_are_shifted(void **state) {
    (void)state;
    static lofi_flow_schedule schedule;
    lofi_flow_schedule_make(&schedule, LOFI_FLOW_SHIFT);
    assert_float_equal(schedule.sigmas[0], 1, 0);
    assert_float_equal(schedule.sigmas[500], 1.5 / 2.0, 1e-6);
    for (int i = 1; i < LOFI_FLOW_STEPS; i++)
        assert_true(schedule.sigmas[i] < schedule.sigmas[i - 1] && schedule.sigmas[i] > 0);
    assert_int_equal(lofi_flow_index(0), 500);
    assert_int_equal(lofi_flow_index(100), 999);
    assert_int_equal(lofi_flow_index(-100), 0);
}

/* ---- adapters ---- */

static lofi_weight_table sample_table(void) {
    static lofi_weight_entry entries[] = {
        {.name = "blocks.0.attn.to_q.weight", .rank = 2, .dims = {6, 4}, .used = true},
        {.name = "blocks.0.attn.to_q.bias", .rank = 1, .dims = {6}, .used = true},
        {.name = "blocks.0.attn.to_out.0.weight", .rank = 2, .dims = {4, 6}, .used = true},
        {.name = "blocks.0.attn.add_to_q_proj.weight", .rank = 2, .dims = {4, 6}, .used = false},
        {.name = "auto_q.weight", .rank = 2, .dims = {4, 4}, .used = true},
    };
    return (lofi_weight_table){.entries = entries, .count = sizeof entries / sizeof *entries};
}

static lofi_adapter *sample_adapter(void) {
    lofi_lora_config config = {
        .rank = 3, .alpha = 5, .rslora = true, .target_count = 2, .targets = {"to_q", "to_out.0"}};
    lofi_weight_table table = sample_table();
    lofi_adapter *adapter = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_adapter_new(&adapter, &config, &table, &err), LOFI_OK);
    return adapter;
}

static void fill(float *values, size_t count, uint64_t stream) {
    lofi_random random = lofi_random_at(9, LOFI_RANDOM_TEST, stream);
    lofi_random_fill_normal(&random, 0, values, count);
}

static void targets_match_whole_names(void **state) {
    (void)state;
    lofi_adapter *adapter = sample_adapter();
    assert_int_equal(adapter->layer_count, 2);
    assert_string_equal(adapter->layers[0].name, "blocks.0.attn.to_q");
    assert_string_equal(adapter->layers[1].name, "blocks.0.attn.to_out.0");
    assert_int_equal(adapter->value_count, 3 * (4 + 6) * 2);
    assert_float_equal(adapter->layers[0].scale, 5 / sqrt(3), 1e-6);
    lofi_adapter_init(adapter, 1);
    for (size_t i = 0; i < 12; i++) assert_true(fabsf(adapter->values[i]) <= 0.5f);
    for (size_t i = 12; i < 30; i++) assert_true(adapter->values[i] == 0);
    lofi_adapter_free(adapter);
}

static void unmatched_target_is_refused(void **state) {
    (void)state;
    lofi_lora_config config = {.rank = 3, .alpha = 5, .target_count = 2, .targets = {"to_q", "to_z"}};
    lofi_weight_table table = sample_table();
    lofi_adapter *adapter = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_adapter_new(&adapter, &config, &table, &err), LOFI_ERR_USAGE);
    assert_non_null(strstr(err.message, "to_z"));
}

/* The product scale * B A of a layer is what an adapter does. */
static void assert_same_effect(const lofi_adapter *a, const lofi_adapter *b, double tolerance) {
    for (size_t l = 0; l < a->layer_count; l++) {
        const lofi_lora_layer *x = &a->layers[l], *y = lofi_adapter_find(b, x->name);
        assert_non_null(y);
        for (int64_t o = 0; o < x->out; o++)
            for (int64_t i = 0; i < x->in; i++) {
                double of_x = 0, of_y = 0;
                for (int64_t r = 0; r < x->rank; r++) {
                    of_x += (double)a->values[x->b_offset + (size_t)(o * x->rank + r)] *
                            a->values[x->a_offset + (size_t)(r * x->in + i)];
                    of_y += (double)b->values[y->b_offset + (size_t)(o * y->rank + r)] *
                            b->values[y->a_offset + (size_t)(r * y->in + i)];
                }
                assert_float_equal(x->scale * of_x, y->scale * of_y, tolerance);
            }
    }
}

static void both_files_have_the_same_effect(void **state) {
    (void)state;
    lofi_adapter *adapter = sample_adapter(), *read = NULL;
    lofi_weight_table table = sample_table();
    lofi_error err = LOFI_ERROR_INIT;
    fill(adapter->values, adapter->value_count, 1);
    assert_int_equal(lofi_adapter_save(adapter, folder, NULL, &err), LOFI_OK);

    assert_int_equal(lofi_adapter_load(&read, folder, &table, NULL, &err), LOFI_OK);
    assert_same_effect(adapter, read, 0);
    lofi_adapter_free(read);
    assert_int_equal(lofi_adapter_load(&read, path_of(LOFI_LORA_DIFFUSERS_FILE), &table, NULL, &err), LOFI_OK);
    assert_float_equal(read->layers[0].scale, 1, 0);
    assert_same_effect(adapter, read, 2e-6);
    lofi_adapter_free(read);

    lofi_safetensors *file = NULL;
    float alpha = 0;
    assert_int_equal(lofi_safetensors_open(&file, path_of(LOFI_LORA_DIFFUSERS_FILE), &err), LOFI_OK);
    const lofi_stored_tensor *scalar = lofi_safetensors_find(file, "blocks.0.attn.to_q.alpha");
    assert_non_null(scalar);
    assert_int_equal(scalar->rank, 0);
    lofi_stored_read_f32(scalar, 0, &alpha, 1);
    assert_float_equal(alpha, 3, 0);
    assert_string_equal(lofi_safetensors_metadata(file, "scale"), "merged into lora_B");
    assert_string_equal(lofi_safetensors_metadata(file, "format"), "pt");
    lofi_safetensors_close(file);
    lofi_adapter_free(adapter);
}

/* Writes a diffusers-like file of one layer, with other names and perhaps an alpha. */
static void write_foreign(const char *path, const char *prefix, const char *a, const char *b, const float *alpha) {
    static float values[30];
    char names[3][128];
    int64_t a_dims[] = {3, 4}, b_dims[] = {6, 3};
    lofi_error err = LOFI_ERROR_INIT;
    fill(values, 30, 4);
    snprintf(names[0], sizeof names[0], "%sblocks.0.attn.to_q%s", prefix, a);
    snprintf(names[1], sizeof names[1], "%sblocks.0.attn.to_q%s", prefix, b);
    snprintf(names[2], sizeof names[2], "%sblocks.0.attn.to_q.alpha", prefix);
    lofi_stored_tensor tensors[] = {lofi_stored_declare(names[0], LOFI_STORED_F32, 2, a_dims),
                                    lofi_stored_declare(names[1], LOFI_STORED_F32, 2, b_dims),
                                    lofi_stored_declare(names[2], LOFI_STORED_F32, 0, NULL)};
    tensors[0].data = values;
    tensors[1].data = values + 12;
    tensors[2].data = alpha;
    assert_int_equal(lofi_safetensors_save(path, tensors, alpha ? 3 : 2, NULL, &err), LOFI_OK);
}

static void scale_of_foreign_files(void **state) {
    (void)state;
    lofi_weight_table table = sample_table();
    lofi_adapter *read = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    float alpha = 6;
    write_foreign(path_of("a.safetensors"), "diffusion_model.", ".lora_down.weight", ".lora_up.weight", &alpha);
    assert_int_equal(lofi_adapter_load(&read, path_of("a.safetensors"), &table, NULL, &err), LOFI_OK);
    assert_float_equal(read->layers[0].scale, 2, 0);
    lofi_adapter_free(read);

    FILE *stream = tmpfile();
    lofi_log log = {.stream = stream, .level = LOFI_LOG_WARNING};
    char text[512] = "";
    write_foreign(path_of("b.safetensors"), "transformer.", ".lora_A.weight", ".lora_B.weight", NULL);
    assert_int_equal(lofi_adapter_load(&read, path_of("b.safetensors"), &table, &log, &err), LOFI_OK);
    assert_float_equal(read->layers[0].scale, 1, 0);
    rewind(stream);
    assert_true(fread(text, 1, sizeof text - 1, stream) > 0);
    assert_non_null(strstr(text, "18.48")); /* 32 / sqrt(3) */
    fclose(stream);
    lofi_adapter_free(read);
}

/* How another program trained an adapter does not matter; what changes its effect does. */
static void configs_of_finished_adapters(void **state) {
    (void)state;
    static const struct {
        const char *text;
        lofi_code finished, training;
    } cases[] = {
        {"{\"r\": 4, \"lora_alpha\": 8, \"lora_dropout\": 0.1, \"target_modules\": [\"to_q\"]}", LOFI_OK,
         LOFI_ERR_UNSUPPORTED},
        {"{\"r\": 4, \"lora_alpha\": 8, \"target_modules\": \"all-linear\"}", LOFI_OK, LOFI_ERR_FORMAT},
        {"{\"r\": 4, \"lora_alpha\": 8, \"use_dora\": true, \"target_modules\": [\"to_q\"]}", LOFI_ERR_UNSUPPORTED,
         LOFI_ERR_UNSUPPORTED},
        {"{\"r\": 4, \"lora_alpha\": 8, \"alpha_pattern\": {\"to_q\": 2}, \"target_modules\": [\"to_q\"]}",
         LOFI_ERR_UNSUPPORTED, LOFI_ERR_UNSUPPORTED},
        {"{\"r\": 4, \"lora_alpha\": 8, \"target_modules\": [\"to_q\"]}", LOFI_OK, LOFI_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lofi_lora_config config;
        lofi_error err = LOFI_ERROR_INIT;
        const char *path = path_of("adapter_config_case.json");
        assert_int_equal(lofi_file_write(path, cases[i].text, strlen(cases[i].text), &err), LOFI_OK);
        assert_int_equal(lofi_lora_config_load_finished(&config, path, &err), cases[i].finished);
        assert_int_equal(lofi_lora_config_load(&config, path, &err), cases[i].training);
    }
}

static void every_misfit_is_named(void **state) {
    (void)state;
    lofi_weight_entry entries[] = {{.name = "blocks.0.attn.to_q.weight", .rank = 2, .dims = {6, 5}, .used = true}};
    lofi_weight_table table = {.entries = entries, .count = 1};
    lofi_adapter *adapter = sample_adapter(), *read = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_adapter_save(adapter, folder, NULL, &err), LOFI_OK);
    assert_int_equal(lofi_adapter_load(&read, folder, &table, NULL, &err), LOFI_ERR_FORMAT);
    assert_non_null(strstr(err.message, "2 faults"));
    assert_non_null(strstr(err.message, "blocks.0.attn.to_out.0"));
    assert_non_null(strstr(err.message, "A [3, 4]"));
    lofi_adapter_free(adapter);
}

static void layer_under_two_names_is_refused(void **state) {
    (void)state;
    static const float values[18];
    int64_t a_dims[] = {3, 4}, b_dims[] = {6, 3};
    lofi_weight_table table = sample_table();
    lofi_adapter *read = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_stored_tensor tensors[] = {
        lofi_stored_declare("blocks.0.attn.to_q.lora_A.weight", LOFI_STORED_F32, 2, a_dims),
        lofi_stored_declare("transformer.blocks.0.attn.to_q.lora_A.weight", LOFI_STORED_F32, 2, a_dims),
        lofi_stored_declare("blocks.0.attn.to_q.lora_B.weight", LOFI_STORED_F32, 2, b_dims)};
    for (int i = 0; i < 3; i++) tensors[i].data = values;
    assert_int_equal(lofi_safetensors_save(path_of("two.safetensors"), tensors, 3, NULL, &err), LOFI_OK);
    assert_int_equal(lofi_adapter_load(&read, path_of("two.safetensors"), &table, NULL, &err), LOFI_ERR_FORMAT);
    assert_non_null(strstr(err.message, "two of layer 'blocks.0.attn.to_q'"));
}

/* ---- checkpoints ---- */

typedef struct sample_state {
    lofi_training_state state;
    float moments[2][60];
} sample_state;

static void make_state(sample_state *s, int64_t step) {
    *s = (sample_state){.state = {.adapter = sample_adapter(), .step = step}};
    s->state.first = s->moments[0];
    s->state.second = s->moments[1];
    assert_true(s->state.adapter->value_count <= 60);
    fill(s->state.adapter->values, s->state.adapter->value_count, (uint64_t)step);
    fill(s->state.first, s->state.adapter->value_count, (uint64_t)step + 100);
    fill(s->state.second, s->state.adapter->value_count, (uint64_t)step + 200);
}

static void save_step(int64_t step, char path[LOFI_PATH_MAX]) {
    sample_state s;
    lofi_error err = LOFI_ERROR_INIT;
    json_t *record = json_pack("{s:s, s:s, s:s, s:s}", "program", "test", "dataset_hash", "d", "base_model_hash", "b",
                               "config_hash", "c");
    make_state(&s, step);
    assert_int_equal(lofi_checkpoint_save(path, path_of("run"), &s.state, record, &err), LOFI_OK);
    json_decref(record);
    lofi_adapter_free(s.state.adapter);
}

static size_t manifest_count(void) {
    json_t *manifest = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_json_load(&manifest, path_of("run/checkpoints/manifest.json"), &err), LOFI_OK);
    size_t count = json_array_size(json_object_get(manifest, "checkpoints"));
    json_decref(manifest);
    return count;
}

static void checkpoint_comes_back(void **state) {
    (void)state;
    char path[LOFI_PATH_MAX];
    sample_state read, expected;
    lofi_error err = LOFI_ERROR_INIT;
    json_t *record = NULL;
    save_step(10, path);
    make_state(&read, 0);
    make_state(&expected, 10);
    assert_int_equal(lofi_checkpoint_verify(path, &err), LOFI_OK);
    assert_int_equal(lofi_checkpoint_load(&read.state, &record, path, &err), LOFI_OK);
    size_t bytes = expected.state.adapter->value_count * sizeof(float);
    assert_int_equal(read.state.step, 10);
    assert_memory_equal(read.state.adapter->values, expected.state.adapter->values, bytes);
    assert_memory_equal(read.moments[0], expected.moments[0], bytes);
    assert_memory_equal(read.moments[1], expected.moments[1], bytes);
    assert_string_equal(json_string_value(json_object_get(record, "dataset_hash")), "d");
    json_decref(record);
    lofi_adapter_free(read.state.adapter);
    lofi_adapter_free(expected.state.adapter);
}

static void damaged_checkpoint_is_passed_over(void **state) {
    (void)state;
    char path[LOFI_PATH_MAX], latest[LOFI_PATH_MAX], damaged[LOFI_PATH_MAX];
    lofi_buffer bytes = LOFI_BUFFER_INIT;
    lofi_error err = LOFI_ERROR_INIT;
    int64_t step;
    save_step(10, path);
    save_step(20, path);
    assert_int_equal(manifest_count(), 2);
    assert_int_equal(lofi_checkpoint_latest(latest, &step, path_of("run"), NULL, &err), LOFI_OK);
    assert_int_equal(step, 20);

    assert_int_equal(lofi_path_format(damaged, &err, "%s/training_state.safetensors", path), LOFI_OK);
    assert_int_equal(lofi_file_read(&bytes, damaged, 1 << 20, &err), LOFI_OK);
    bytes.data[bytes.size - 3] ^= 1;
    assert_int_equal(lofi_file_write(damaged, bytes.data, bytes.size, &err), LOFI_OK);
    lofi_buffer_free(&bytes);
    assert_int_equal(lofi_checkpoint_verify(path, &err), LOFI_ERR_FORMAT);
    assert_int_equal(lofi_checkpoint_latest(latest, &step, path_of("run"), NULL, &err), LOFI_OK);
    assert_int_equal(step, 10);
    assert_int_equal(lofi_checkpoint_at(latest, path_of("run"), 15, &err), LOFI_ERR_NOT_FOUND);
    assert_non_null(strstr(err.hint, "10, 20"));
    assert_int_equal(lofi_path_remove(path_of("run"), &err), LOFI_OK);
    assert_false(lofi_checkpoint_any(path_of("run")));
}

static void lost_manifest_is_made_again(void **state) {
    (void)state;
    char path[LOFI_PATH_MAX], latest[LOFI_PATH_MAX];
    lofi_error err = LOFI_ERROR_INIT;
    int64_t step;
    save_step(10, path);
    assert_int_equal(lofi_file_write(path_of("run/checkpoints/manifest.json"), "{\"chec", 6, &err), LOFI_OK);
    assert_int_equal(lofi_checkpoint_latest(latest, &step, path_of("run"), NULL, &err), LOFI_OK);
    assert_int_equal(step, 10);
    lofi_buffer text = LOFI_BUFFER_INIT;
    assert_int_equal(lofi_file_read(&text, path_of("run/checkpoints/manifest.json"), 1 << 20, &err), LOFI_OK);
    assert_string_equal(lofi_buffer_str(&text), "{\"chec"); /* looking changes nothing */
    lofi_buffer_free(&text);
    assert_int_equal(lofi_checkpoint_set_aside_after(path_of("run"), 10, NULL, &err), LOFI_OK);
    assert_int_equal(manifest_count(), 1);
    assert_int_equal(lofi_path_remove(path_of("run"), &err), LOFI_OK);
}

/* Documents that are JSON, but not what checkpoint.json is. */
static void hostile_records_are_passed_over(void **state) {
    (void)state;
    static const char *const texts[] = {
        "[1, 2]",
        "7",
        "{}",
        "{\"step\": 20}",
        "{\"step\": \"20\", \"files\": []}",
        "{\"step\": 20, \"files\": []}",
        "{\"step\": 20, \"files\": {\"name\": 1}}",
        "{\"step\": 20, \"files\": [null]}",
        "{\"step\": 20, \"files\": [{\"name\": \"\", \"size\": 0, \"sha256\": \"\"}]}",
        "{\"step\": 20, \"files\": [{\"name\": \"training.json\", \"size\": -1, \"sha256\": \"\"}]}"};
    char path[LOFI_PATH_MAX], latest[LOFI_PATH_MAX];
    lofi_error err = LOFI_ERROR_INIT;
    int64_t step;
    save_step(10, path);
    save_step(20, path);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *file = path_of("run/checkpoints/epoch=0-step=20_lora/checkpoint.json");
        assert_int_equal(lofi_file_write(file, texts[i], strlen(texts[i]), &err), LOFI_OK);
        assert_int_not_equal(lofi_checkpoint_verify(path, &err), LOFI_OK);
        assert_int_equal(lofi_checkpoint_latest(latest, &step, path_of("run"), NULL, &err), LOFI_OK);
        assert_int_equal(step, 10);
    }
    /* The manifest may be anything too; every step is in it once. */
    static const char *const lists[] = {"[]", "{\"checkpoints\": 3}",
                                        "{\"checkpoints\": [null, 1, {}, {\"path\": 4}]}"};
    assert_int_equal(lofi_file_write(path_of("run/checkpoints/epoch=0-step=20_lora/checkpoint.json"), "[1]", 3, &err),
                     LOFI_OK);
    for (size_t i = 0; i < 2 * sizeof lists / sizeof *lists; i++) {
        const char *text = lists[i / 2];
        if (i % 2 == 0)
            assert_int_equal(lofi_file_write(path_of("run/checkpoints/manifest.json"), text, strlen(text), &err),
                             LOFI_OK);
        assert_int_equal(lofi_checkpoint_set_aside_after(path_of("run"), 20, NULL, &err), LOFI_OK);
        assert_int_equal(manifest_count(), 1);
    }
    assert_int_equal(lofi_path_remove(path_of("run"), &err), LOFI_OK);
}

static void what_is_set_aside_stays(void **state) {
    (void)state;
    char path[LOFI_PATH_MAX];
    lofi_error err = LOFI_ERROR_INIT;
    save_step(10, path);
    for (int i = 0; i < 3; i++) {
        save_step(20, path);
        assert_int_equal(lofi_checkpoint_set_aside_after(path_of("run"), 10, NULL, &err), LOFI_OK);
        assert_false(lofi_path_exists(path));
        assert_int_equal(manifest_count(), 1);
    }
    assert_true(lofi_path_is_folder(path_of("run/superseded/epoch=0-step=20_lora")));
    assert_true(lofi_path_is_folder(path_of("run/superseded/epoch=0-step=20_lora.2")));
    assert_true(lofi_path_is_folder(path_of("run/superseded/epoch=0-step=20_lora.3")));
    assert_int_equal(lofi_path_remove(path_of("run"), &err), LOFI_OK);
}

static void renamed_checkpoint_is_refused(void **state) {
    (void)state;
    char path[LOFI_PATH_MAX];
    lofi_error err = LOFI_ERROR_INIT;
    save_step(10, path);
    const char *other = path_of("run/checkpoints/epoch=0-step=11_lora");
    assert_int_equal(lofi_path_rename(path, other, &err), LOFI_OK);
    assert_int_equal(lofi_checkpoint_verify(other, &err), LOFI_ERR_FORMAT);
    assert_non_null(strstr(err.message, "step 10"));
    assert_int_equal(lofi_path_remove(path_of("run"), &err), LOFI_OK);
}

/* A link that leads to itself stands for a disk that fails: not passed over, no matter that an older one is whole. */
static void what_cannot_be_read_is_not_passed_over(void **state) {
    (void)state;
    char path[LOFI_PATH_MAX], latest[LOFI_PATH_MAX];
    lofi_error err = LOFI_ERROR_INIT;
    int64_t step = 0;
    save_step(10, path);
    save_step(20, path);
    const char *record = path_of("run/checkpoints/epoch=0-step=20_lora/checkpoint.json");
    assert_int_equal(lofi_path_remove(record, &err), LOFI_OK);
    assert_int_equal(symlink("checkpoint.json", record), 0);
    assert_int_equal(lofi_checkpoint_verify(path, &err), LOFI_ERR_IO);
    assert_int_equal(lofi_checkpoint_latest(latest, &step, path_of("run"), NULL, &err), LOFI_ERR_IO);
    assert_int_equal(lofi_path_remove(path_of("run"), &err), LOFI_OK);
}

/* ---- the cache ---- */

static lofi_code store(lofi_cache *cache, const char *kind, const char *key, int64_t count, uint64_t max_bytes) {
    static const float values[4096];
    lofi_error err = LOFI_ERROR_INIT;
    lofi_stored_tensor tensor = lofi_stored_declare("x", LOFI_STORED_F32, 1, &count);
    tensor.data = values;
    return lofi_cache_store(cache, kind, key, &tensor, 1, max_bytes, &err);
}

static bool is_cached(lofi_cache *cache, const char *kind, const char *key) {
    lofi_safetensors *file = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_cache_find(&file, cache, kind, key, &err), LOFI_OK);
    bool found = file != NULL;
    lofi_safetensors_close(file);
    return found;
}

static void each_kind_of_the_cache_has_its_own_limit(void **state) {
    (void)state;
    lofi_cache *cache = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_cache_open(&cache, path_of("cache"), &err), LOFI_OK);
    for (int i = 0; i < 8; i++) {
        char key[8];
        snprintf(key, sizeof key, "k%d", i);
        assert_int_equal(store(cache, "latents", key, 4096, 0), LOFI_OK);
        assert_int_equal(store(cache, "text", key, 4096, 40000), LOFI_OK);
        assert_true(is_cached(cache, "latents", key));
        assert_int_equal(is_cached(cache, "text", key), i < 2);
    }
    lofi_cache_close(cache);
}

static void only_damaged_entries_are_made_again(void **state) {
    (void)state;
    lofi_cache *cache = NULL;
    lofi_safetensors *file = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_cache_open(&cache, path_of("cache"), &err), LOFI_OK);
    assert_int_equal(store(cache, "latents", "whole", 7, 0), LOFI_OK);
    assert_int_equal(store(cache, "latents", "damaged", 7, 0), LOFI_OK);
    assert_int_equal(lofi_file_write(path_of("cache/latents/damaged.safetensors"), "x", 1, &err), LOFI_OK);
    assert_false(is_cached(cache, "latents", "damaged"));
    assert_false(lofi_path_exists(path_of("cache/latents/damaged.safetensors")));

    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    lofi_code code = lofi_cache_find(&file, cache, "latents", "whole", &err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(code, LOFI_ERR_IO);
    assert_null(file);
    assert_true(is_cached(cache, "latents", "whole"));
    lofi_cache_close(cache);
}

/* ---- metrics ---- */

static void run_that_begins_anew_keeps_no_metrics(void **state) {
    (void)state;
    lofi_metrics *metrics = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_folder_make(path_of("anew"), &err), LOFI_OK);
    assert_int_equal(lofi_metrics_open(&metrics, path_of("anew"), -1, &err), LOFI_OK);
    assert_int_equal(lofi_metrics_validation(metrics, &(lofi_validation_metrics){0, 0.5, 0.01}, &err), LOFI_OK);
    lofi_metrics_close(metrics);
    assert_int_equal(lofi_metrics_open(&metrics, path_of("anew"), 0, &err), LOFI_OK);
    assert_true(lofi_metrics_has_validation(metrics, 0));
    lofi_metrics_close(metrics);
    assert_int_equal(lofi_metrics_open(&metrics, path_of("anew"), -1, &err), LOFI_OK);
    assert_false(lofi_metrics_has_validation(metrics, 0));
    lofi_metrics_close(metrics);
}

static void measurements_that_are_not_finite_are_refused(void **state) {
    (void)state;
    lofi_metrics *metrics = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_folder_make(path_of("nan"), &err), LOFI_OK);
    assert_int_equal(lofi_metrics_open(&metrics, path_of("nan"), -1, &err), LOFI_OK);
    assert_int_equal(lofi_metrics_step(metrics, &(lofi_step_metrics){.step = 1, .loss = NAN}, &err), LOFI_ERR_NUMERIC);
    assert_int_equal(lofi_metrics_validation(metrics, &(lofi_validation_metrics){1, INFINITY, 0}, &err),
                     LOFI_ERR_NUMERIC);
    assert_false(lofi_metrics_has_validation(metrics, 1));
    assert_null(lofi_metrics_last_validation(metrics));
    assert_float_equal(lofi_metrics_recent_loss(metrics, 5), 0, 0);
    lofi_metrics_close(metrics);
}

/* One step, one measurement, and losses so large that a step of the axis is lost in them: a picture each time. */
static void pictures_of_extremes(void **state) {
    (void)state;
    static const double losses[][2] = {{0.5, 0.5}, {0, 0}, {1e15, 1e15 + 0.125}, {-3e38, 3e38}, {1e-300, 2e-300}};
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_folder_make(path_of("extremes"), &err), LOFI_OK);
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        lofi_metrics *metrics = NULL;
        assert_int_equal(lofi_metrics_open(&metrics, path_of("extremes"), -1, &err), LOFI_OK);
        assert_int_equal(lofi_path_remove(path_of("extremes/loss.svg"), &err), LOFI_OK);
        assert_int_equal(lofi_metrics_picture(metrics, &err), LOFI_OK);
        assert_false(lofi_path_exists(path_of("extremes/loss.svg")));
        assert_int_equal(lofi_metrics_validation(metrics, &(lofi_validation_metrics){0, losses[i][0], 0}, &err),
                         LOFI_OK);
        assert_int_equal(lofi_metrics_picture(metrics, &err), LOFI_OK);
        assert_int_equal(lofi_metrics_step(metrics, &(lofi_step_metrics){.step = 1, .loss = losses[i][1]}, &err),
                         LOFI_OK);
        assert_int_equal(lofi_metrics_picture(metrics, &err), LOFI_OK);
        lofi_buffer text = LOFI_BUFFER_INIT;
        assert_int_equal(lofi_file_read(&text, path_of("extremes/loss.svg"), 1 << 20, &err), LOFI_OK);
        assert_true(text.size < 20000 && strstr(text.data, "</svg>"));
        assert_null(strstr(text.data, "nan"));
        lofi_buffer_free(&text);
        lofi_metrics_close(metrics);
    }
}

static void metrics_after_a_crash(void **state) {
    (void)state;
    lofi_metrics *metrics = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_metrics_open(&metrics, folder, 0, &err), LOFI_OK);
    for (int64_t i = 1; i <= 30; i++) {
        lofi_step_metrics values = {
            .step = i, .loss = 2.0 / (double)i, .denoising_loss = 2.0 / (double)i, .seconds = 0.1};
        assert_int_equal(lofi_metrics_step(metrics, &values, &err), LOFI_OK);
    }
    assert_int_equal(lofi_metrics_validation(metrics, &(lofi_validation_metrics){30, 0.5, 0.01}, &err), LOFI_OK);
    assert_int_equal(lofi_metrics_picture(metrics, &err), LOFI_OK);
    lofi_metrics_close(metrics);

    /* The run stands at step 20 again; the last line was torn. */
    lofi_buffer text = LOFI_BUFFER_INIT;
    assert_int_equal(lofi_file_read(&text, path_of("metrics.jsonl"), 1 << 20, &err), LOFI_OK);
    lofi_buffer_text(&text, "{\"step\": 31, \"lo");
    assert_int_equal(lofi_file_write(path_of("metrics.jsonl"), text.data, text.size, &err), LOFI_OK);
    assert_int_equal(lofi_metrics_open(&metrics, folder, 20, &err), LOFI_OK);
    assert_false(lofi_metrics_has_validation(metrics, 30));
    assert_float_equal(lofi_metrics_recent_loss(metrics, 1), 2.0 / 20, 1e-12);
    assert_float_equal(lofi_metrics_first_loss(metrics, 2), 1.5, 1e-12);
    lofi_metrics_close(metrics);
    assert_int_equal(lofi_file_read(&text, path_of("metrics.jsonl"), 1 << 20, &err), LOFI_OK);
    size_t lines = 0;
    for (size_t i = 0; i < text.size; i++) lines += text.data[i] == '\n';
    assert_int_equal(lines, 20);
    lofi_buffer_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adamw_follows_the_paper),
        cmocka_unit_test(norm_and_clipping),
        cmocka_unit_test(learning_rate_rises_and_falls),
        cmocka_unit_test(noise_levels_are_shifted),
        cmocka_unit_test(targets_match_whole_names),
        cmocka_unit_test(unmatched_target_is_refused),
        cmocka_unit_test(both_files_have_the_same_effect),
        cmocka_unit_test(scale_of_foreign_files),
        cmocka_unit_test(configs_of_finished_adapters),
        cmocka_unit_test(every_misfit_is_named),
        cmocka_unit_test(layer_under_two_names_is_refused),
        cmocka_unit_test(checkpoint_comes_back),
        cmocka_unit_test(damaged_checkpoint_is_passed_over),
        cmocka_unit_test(lost_manifest_is_made_again),
        cmocka_unit_test(hostile_records_are_passed_over),
        cmocka_unit_test(what_is_set_aside_stays),
        cmocka_unit_test(renamed_checkpoint_is_refused),
        cmocka_unit_test(what_cannot_be_read_is_not_passed_over),
        cmocka_unit_test(each_kind_of_the_cache_has_its_own_limit),
        cmocka_unit_test(only_damaged_entries_are_made_again),
        cmocka_unit_test(run_that_begins_anew_keeps_no_metrics),
        cmocka_unit_test(measurements_that_are_not_finite_are_refused),
        cmocka_unit_test(pictures_of_extremes),
        cmocka_unit_test(metrics_after_a_crash),
    };
    return cmocka_run_group_tests_name("train", tests, make_folder, remove_folder);
}
