/* Autoencoder, vocoder and audio encoder: against the original's recordings, the released tables, and odd configs. */
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

#include "audio/log_mel.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "graph/session.h"
#include "models/audio_encoder.h"
#include "models/dcae_windows.h"
#include "models/loaded.h"
#include "models/music_dcae.h"
#include "models/music_vocoder.h"
#include "ops/ops.h"
#include "store/safetensors.h"
#include "weight_list.h"

#define FACTS LOFI_SOURCE_FOLDER "/tests/data/models/"
#define LIMIT 1e-5

/* Another folder of the same layout may be given by hand. */
static const char *reference(void) {
    const char *other = getenv("LOFI_REFERENCE");
    return other ? other : LOFI_SOURCE_FOLDER "/data/reference";
}

static const char *path_of(const char *relative) {
    static char path[LOFI_PATH_MAX];
    lofi_error err = LOFI_ERROR_INIT;
    must(lofi_path_format(path, &err, "%s/%s", reference(), relative), &err);
    return path;
}

static const lofi_stored_tensor *stored(const lofi_safetensors *file, const char *name) {
    const lofi_stored_tensor *tensor = lofi_safetensors_find(file, name);
    if (!tensor) fail_msg("the case has no '%s'", name);
    return tensor;
}

static void expect_equal(const float *ours, int64_t count, const lofi_safetensors *file, const char *name) {
    const lofi_stored_tensor *theirs = stored(file, name);
    double difference = 0, size = 0;
    assert_int_equal(count, theirs->count);
    for (size_t i = 0; i < theirs->count; i++) {
        double value;
        lofi_stored_read_f64(theirs, i, &value, 1);
        difference += (ours[i] - value) * (ours[i] - value);
        size += value * value;
    }
    double error = sqrt(difference / size);
    print_message("    %-12s %.1e\n", name, error);
    if (!(error <= LIMIT)) fail_msg("%s: relative error %g, at most %g", name, error, LIMIT);
}

static float *values_of(const lofi_safetensors *file, const char *name) {
    const lofi_stored_tensor *tensor = stored(file, name);
    float *values = calloc(tensor->count, sizeof *values);
    assert_non_null(values);
    lofi_stored_read_f32(tensor, 0, values, tensor->count);
    return values;
}

/* ---- the two halves ---- */

typedef lofi_tensor *half_build(lofi_builder *builder, const lofi_dcae_config *config, lofi_tensor *x);

/* Runs one half on a recorded tensor; `factor` is what its size must be a multiple of. */
static void expect_half(half_build *build, const char *input, const char *output, int64_t factor) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_loaded *loaded = NULL;
    lofi_safetensors *recorded = NULL;
    lofi_graph *graph = NULL;
    lofi_session *session = NULL;
    lofi_dcae_config config;
    void *data = NULL;
    int64_t count = 0;
    must(lofi_loaded_open(&loaded, &lofi_model_music_dcae, path_of("model/music_dcae_f8c8"), &err), &err);
    must(lofi_safetensors_open(&recorded, path_of("cases/dcae.safetensors"), &err), &err);
    must(lofi_dcae_config_read(&config, lofi_loaded_config(loaded), &err), &err);
    must(lofi_graph_new(&graph, &err), &err);
    const lofi_stored_tensor *from = stored(recorded, input);
    lofi_builder builder = {.graph = graph, .source = lofi_loaded_source(loaded)};
    lofi_dim frames = lofi_dim_mul(graph, lofi_dim_symbol(graph, "frames"), factor);
    lofi_dim dims[] = {lofi_dim_symbol(graph, "batch"), from->dims[1], from->dims[2], frames};
    lofi_tensor *x = lofi_graph_input(graph, input, lofi_shape_of(LOFI_F32, 4, dims));
    lofi_tensor *y = lofi_graph_output(graph, output, build(&builder, &config, x));
    must(lofi_graph_check(graph, &err), &err);
    must(lofi_session_new(&session, graph, (lofi_session_options){.threads = 2}, &err), &err);
    lofi_session_set(session, "batch", from->dims[0]);
    lofi_session_set(session, "frames", from->dims[3] / factor);
    must(lofi_session_prepare(session, &err), &err);
    lofi_session_poison(session);
    must(lofi_session_data(session, x, &data, &count, &err), &err);
    assert_int_equal(count, from->count);
    lofi_stored_read_f32(from, 0, data, from->count);
    must(lofi_session_run(session, &err), &err);
    must(lofi_session_data(session, y, &data, &count, &err), &err);
    expect_equal(data, count, recorded, output);
    lofi_session_free(session);
    lofi_graph_free(graph);
    lofi_safetensors_close(recorded);
    lofi_loaded_close(loaded);
}

static void encoder_equals_the_original(void **state) {
    (void)state;
    expect_half(lofi_dcae_encode, "mel", "latent", 8);
}

static void decoder_equals_the_original(void **state) {
    (void)state;
    expect_half(lofi_dcae_decode, "latent", "decoded", 1);
}

/* ---- sound to latents ---- */

static void open_encoder(lofi_audio_encoder **encoder) {
    char vocoder[LOFI_PATH_MAX];
    lofi_error err = LOFI_ERROR_INIT;
    must(lofi_path_format(vocoder, &err, "%s/model/music_vocoder", reference()), &err);
    must(lofi_audio_encoder_open(encoder, path_of("model/music_dcae_f8c8"), vocoder, 2, &err), &err);
}

static void sound_becomes_the_original_latents(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_audio_encoder *encoder = NULL;
    lofi_safetensors *recorded = NULL;
    lofi_latents latents = {0};
    open_encoder(&encoder);
    must(lofi_safetensors_open(&recorded, path_of("cases/audio_to_latent.safetensors"), &err), &err);
    const lofi_stored_tensor *audio = stored(recorded, "audio_48k"), *latent = stored(recorded, "latent");
    float *samples = values_of(recorded, "audio_48k");
    must(lofi_audio_encoder_run(encoder, samples, audio->dims[2], &latents, &err), &err);
    assert_int_equal(latents.channels, latent->dims[1]);
    assert_int_equal(latents.height, latent->dims[2]);
    assert_int_equal(latents.frames, latent->dims[3]);
    expect_equal(latents.values, latents.channels * latents.height * latents.frames, recorded, "latent");
    free(samples);
    lofi_safetensors_close(recorded);
    lofi_audio_encoder_close(encoder);
}

/* A second length, then the first again: the same bytes; and what is above 1 is clipped before everything else. */
static void encoding_depends_on_the_samples_alone(void **state) {
    (void)state;
    enum { COUNT = 48000 };
    lofi_error err = LOFI_ERROR_INIT;
    lofi_audio_encoder *encoder = NULL;
    lofi_latents latents = {0};
    float *samples = calloc(2 * COUNT, sizeof *samples), *clipped = calloc(2 * COUNT, sizeof *clipped);
    lofi_random random = lofi_random_at(1, LOFI_RANDOM_TEST, 0);
    lofi_random_fill_normal(&random, 0, samples, 2 * COUNT);
    for (int i = 0; i < 2 * COUNT; i++) clipped[i] = samples[i] > 1 ? 1 : samples[i] < -1 ? -1 : samples[i];
    open_encoder(&encoder);
    must(lofi_audio_encoder_run(encoder, samples, COUNT, &latents, &err), &err);
    size_t bytes = (size_t)(latents.channels * latents.height * latents.frames) * sizeof(float);
    float *first = malloc(bytes);
    memcpy(first, latents.values, bytes);
    must(lofi_audio_encoder_run(encoder, samples, COUNT / 3, &latents, &err), &err);
    assert_true((size_t)latents.frames * 2 < bytes);
    must(lofi_audio_encoder_run(encoder, clipped, COUNT, &latents, &err), &err);
    assert_memory_equal(first, latents.values, bytes);
    assert_int_equal(lofi_audio_encoder_run(encoder, samples, 0, &latents, &err), LOFI_ERR_USAGE);
    free(first);
    free(samples);
    free(clipped);
    lofi_audio_encoder_close(encoder);
}

/* ---- in windows ---- */

/* Products of other sizes add in another order. A reach that is one column of features too small shows as 1e-3. */
#define SAME 2e-6

/* Copies the latents of `seconds` of noise in windows of `window` frames to *out, which the caller frees. */
static int64_t encode_noise(lofi_audio_encoder *encoder, double seconds, int64_t window, float **out) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_latents latents = {0};
    int64_t count = (int64_t)(seconds * 48000);
    float *samples = calloc((size_t)(2 * count), sizeof *samples);
    lofi_random random = lofi_random_at(3, LOFI_RANDOM_TEST, 0);
    lofi_random_fill_normal(&random, 0, samples, (size_t)(2 * count));
    lofi_audio_encoder_set_window(encoder, window);
    must(lofi_audio_encoder_run(encoder, samples, count, &latents, &err), &err);
    int64_t values = latents.channels * latents.height * latents.frames;
    *out = malloc((size_t)values * sizeof **out);
    memcpy(*out, latents.values, (size_t)values * sizeof **out);
    free(samples);
    return values;
}

/* Lengths of 1, 14, 53 and 105 frames: below, at and above a window and its reach, with odd remainders. */
static void windows_equal_the_whole(void **state) {
    (void)state;
    static const double lengths[] = {0.07, 1.3, 4.9, 9.7};
    static const int64_t windows[] = {1, 7, 14, LOFI_ENCODER_WINDOW};
    lofi_audio_encoder *encoder = NULL;
    open_encoder(&encoder);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        float *whole, *parts;
        int64_t count = encode_noise(encoder, lengths[i], 0, &whole);
        for (size_t j = 0; j < sizeof windows / sizeof *windows; j++) {
            double difference = 0, size = 0;
            assert_int_equal(encode_noise(encoder, lengths[i], windows[j], &parts), count);
            for (int64_t k = 0; k < count; k++) {
                difference += ((double)parts[k] - whole[k]) * ((double)parts[k] - whole[k]);
                size += (double)whole[k] * whole[k];
            }
            double error = sqrt(difference / size);
            print_message("    %4.2f s in windows of %2d: %.1e\n", lengths[i], (int)windows[j], error);
            if (!(error <= SAME)) fail_msg("relative difference %g, at most %g", error, SAME);
            free(parts);
        }
        free(whole);
    }
    lofi_audio_encoder_close(encoder);
}

static void memory_is_bounded_by_the_window(void **state) {
    (void)state;
    size_t bytes[3];
    static const double lengths[] = {5, 20, 20};
    static const int64_t windows[] = {16, 16, 0};
    for (int i = 0; i < 3; i++) {
        lofi_audio_encoder *encoder = NULL;
        float *latents;
        open_encoder(&encoder);
        encode_noise(encoder, lengths[i], windows[i], &latents);
        bytes[i] = lofi_audio_encoder_activation_bytes(encoder);
        free(latents);
        lofi_audio_encoder_close(encoder);
    }
    assert_int_equal(bytes[0], bytes[1]);
    assert_true(bytes[2] > 4 * bytes[1]);
}

/* ---- identity ---- */

static void copy_file(const char *folder, const char *from, const char *name) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_buffer bytes = LOFI_BUFFER_INIT;
    char path[LOFI_PATH_MAX];
    must(lofi_file_read(&bytes, from, 1 << 26, &err), &err);
    must(lofi_path_format(path, &err, "%s/%s", folder, name), &err);
    must(lofi_file_write(path, bytes.data, bytes.size, &err), &err);
    lofi_buffer_free(&bytes);
}

static void hash_of(const char *dcae, const char *vocoder, char hex[65]) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_audio_encoder *encoder = NULL;
    must(lofi_audio_encoder_open(&encoder, dcae, vocoder, 1, &err), &err);
    must(lofi_audio_encoder_hash(encoder, hex, &err), &err);
    lofi_audio_encoder_close(encoder);
}

static void hash_sees_weights_and_configs(void **state) {
    (void)state;
    char folder[] = "/tmp/lofi-dcae-XXXXXX", path[LOFI_PATH_MAX], plain[65], again[65], other[65];
    char dcae[LOFI_PATH_MAX], vocoder[LOFI_PATH_MAX];
    lofi_error err = LOFI_ERROR_INIT;
    lofi_buffer bytes = LOFI_BUFFER_INIT;
    must(lofi_path_format(dcae, &err, "%s/model/music_dcae_f8c8", reference()), &err);
    must(lofi_path_format(vocoder, &err, "%s/model/music_vocoder", reference()), &err);
    assert_non_null(mkdtemp(folder));
    copy_file(folder, path_of("model/music_dcae_f8c8/config.json"), "config.json");
    copy_file(folder, path_of("model/music_dcae_f8c8/diffusion_pytorch_model.safetensors"),
              "diffusion_pytorch_model.safetensors");
    hash_of(dcae, vocoder, plain);
    hash_of(folder, vocoder, again);
    assert_string_equal(plain, again);
    must(lofi_path_format(path, &err, "%s/diffusion_pytorch_model.safetensors", folder), &err);
    must(lofi_file_read(&bytes, path, 1 << 26, &err), &err);
    bytes.data[bytes.size - 1] ^= 1;
    must(lofi_file_write(path, bytes.data, bytes.size, &err), &err);
    hash_of(folder, vocoder, other);
    assert_string_not_equal(plain, other);
    copy_file(folder, path_of("model/music_dcae_f8c8/diffusion_pytorch_model.safetensors"),
              "diffusion_pytorch_model.safetensors");
    must(lofi_path_format(path, &err, "%s/config.json", folder), &err);
    must(lofi_file_read(&bytes, path, 1 << 20, &err), &err);
    lofi_buffer_text(&bytes, "\n");
    must(lofi_file_write(path, bytes.data, bytes.size, &err), &err);
    hash_of(folder, vocoder, other);
    assert_string_not_equal(plain, other);
    lofi_buffer_free(&bytes);
    must(lofi_path_remove(folder, &err), &err);
}

/* ---- tables ---- */

static void expect_released(const lofi_model *model, const char *list, size_t lines, int64_t elements, size_t unread) {
    lofi_weight_table table = {0};
    declare_preset(model, "full", &table);
    expect_list(model, &table, list, lines, lines);
    for (size_t i = 0; i < table.count; i++) unread -= !table.entries[i].used;
    assert_int_equal(unread, 0);
    assert_int_equal(parameters(&table), elements);
    lofi_weight_table_free(&table);
}

static void full_tables_are_the_released_ones(void **state) {
    (void)state;
    expect_released(&lofi_model_music_dcae, FACTS "music_dcae_f8c8.tsv", 192, 156812426, 0);
    expect_released(&lofi_model_music_vocoder, FACTS "music_vocoder.tsv", 713, 103138386, 2);
}

static void expect_no_fault(const lofi_model *model, const char *folder) {
    char path[LOFI_PATH_MAX];
    lofi_error err = LOFI_ERROR_INIT;
    json_t *config = NULL;
    lofi_weights *weights = NULL;
    lofi_weight_table table = {0};
    lofi_fault_list list = {0};
    must(lofi_path_format(path, &err, "%s/config.json", folder), &err);
    must(lofi_json_load(&config, path, &err), &err);
    must(model->declare(config, &table, &err), &err);
    must(lofi_weights_open(&weights, folder, &err), &err);
    must(lofi_weights_compare(&list, model, &table, weights, &err), &err);
    for (size_t i = 0; i < list.count; i++) {
        char text[512];
        lofi_weight_fault_text(text, &list.items[i]);
        print_message("    %s\n", text);
    }
    assert_int_equal(list.count, 0);
    assert_int_equal(table.count, lofi_weights_count(weights));
    lofi_fault_list_free(&list);
    lofi_weights_close(weights);
    lofi_weight_table_free(&table);
    json_decref(config);
}

static void small_files_fit_their_tables(void **state) {
    (void)state;
    expect_no_fault(&lofi_model_music_dcae, path_of("model/music_dcae_f8c8"));
    expect_no_fault(&lofi_model_music_vocoder, path_of("model/music_vocoder"));
}

/* The small vocoder's file holds the original's window and filters. */
static void mel_tables_are_those_of_the_original(void **state) {
    (void)state;
    static const char *const names[] = {"mel_transform.spectrogram.window", "mel_transform.mel_scale.fb"};
    lofi_error err = LOFI_ERROR_INIT;
    lofi_weights *weights = NULL;
    json_t *config = NULL;
    lofi_weight_table table = {0};
    must(lofi_json_load(&config, path_of("model/music_vocoder/config.json"), &err), &err);
    must(lofi_weights_open(&weights, path_of("model/music_vocoder"), &err), &err);
    must(lofi_model_music_vocoder.declare(config, &table, &err), &err);
    for (int i = 0; i < 2; i++) {
        const lofi_stored_tensor *theirs = lofi_weights_find(weights, names[i]);
        float *values = NULL;
        const lofi_weight_entry *entry = lofi_weight_table_find(&table, names[i]);
        must(lofi_model_music_vocoder.computed(config, entry, &values, &err), &err);
        assert_non_null(theirs);
        for (size_t j = 0; j < theirs->count; j++) {
            float value;
            lofi_stored_read_f32(theirs, j, &value, 1);
            if (fabsf(values[j] - value) > 1e-6f)
                fail_msg("%s[%zu]: %g, theirs %g", names[i], j, (double)values[j], (double)value);
        }
        lofi_free(values);
    }
    lofi_weight_table_free(&table);
    lofi_weights_close(weights);
    json_decref(config);
}

static void presets_grow(void **state) {
    (void)state;
    const lofi_model *models[] = {&lofi_model_music_dcae, &lofi_model_music_vocoder};
    for (int i = 0; i < 2; i++) {
        int64_t sizes[3];
        const char *names[] = {"tiny", "small", "full"};
        lofi_error err = LOFI_ERROR_INIT;
        json_t *config = NULL;
        for (int j = 0; j < 3; j++) {
            lofi_weight_table table = {0};
            declare_preset(models[i], names[j], &table);
            sizes[j] = parameters(&table);
            lofi_weight_table_free(&table);
        }
        assert_true(sizes[0] < 1000000 && sizes[0] * 4 < sizes[1] && sizes[1] * 4 < sizes[2]);
        assert_int_equal(models[i]->preset("huge", &config, &err), LOFI_ERR_USAGE);
        assert_null(config);
    }
}

/* ---- configs ---- */

/* The tiny preset with keys replaced by those of a JSON object; null removes. */
static json_t *edited(const lofi_model *model, const char *edits) {
    lofi_error err = LOFI_ERROR_INIT;
    json_t *config = NULL, *changes = json_loads(edits, 0, NULL), *value;
    const char *key;
    must(model->preset("tiny", &config, &err), &err);
    assert_non_null(changes);
    json_object_foreach(changes, key, value) json_object_set(config, key, value);
    json_decref(changes);
    return config;
}

typedef struct bad_config {
    const lofi_model *model;
    const char *edits, *named;
    lofi_code code;
} bad_config;

static void senseless_configs_are_refused_by_key(void **state) {
    (void)state;
    const lofi_model *dcae = &lofi_model_music_dcae, *vocoder = &lofi_model_music_vocoder;
    const bad_config cases[] = {
        {dcae, "{\"in_channels\": 0}", "in_channels", LOFI_ERR_FORMAT},
        {dcae, "{\"encoder_block_out_channels\": []}", "encoder_block_out_channels", LOFI_ERR_FORMAT},
        {dcae, "{\"encoder_block_out_channels\": [16, 16, 32, 0]}", "encoder_block_out_channels", LOFI_ERR_FORMAT},
        {dcae, "{\"encoder_block_out_channels\": [16, 24, 32, 64]}", "encoder_block_out_channels", LOFI_ERR_FORMAT},
        {dcae, "{\"encoder_layers_per_block\": [1, 1]}", "encoder_layers_per_block", LOFI_ERR_FORMAT},
        {dcae, "{\"encoder_layers_per_block\": [1, -1, 1, 1]}", "encoder_layers_per_block", LOFI_ERR_FORMAT},
        {dcae, "{\"encoder_layers_per_block\": [1, 0, 1, 1]}", "encoder_layers_per_block", LOFI_ERR_FORMAT},
        {dcae, "{\"encoder_block_types\": [\"ResBlock\"]}", "encoder_block_types", LOFI_ERR_FORMAT},
        {dcae, "{\"decoder_block_types\": \"MobileBlock\"}", "MobileBlock", LOFI_ERR_UNSUPPORTED},
        {dcae, "{\"decoder_norm_types\": \"layer_norm\"}", "layer_norm", LOFI_ERR_UNSUPPORTED},
        {dcae, "{\"decoder_act_fns\": [\"silu\", \"tanh\", \"silu\", \"silu\"]}", "tanh", LOFI_ERR_UNSUPPORTED},
        {dcae, "{\"decoder_act_fns\": 3}", "decoder_act_fns", LOFI_ERR_FORMAT},
        {dcae, "{\"decoder_conv_act_fn\": \"tanh\"}", "decoder_conv_act_fn", LOFI_ERR_UNSUPPORTED},
        {dcae, "{\"encoder_qkv_multiscales\": [[], [], [5], [4]]}", "encoder_qkv_multiscales", LOFI_ERR_FORMAT},
        {dcae, "{\"encoder_qkv_multiscales\": [[], [], 5, [5]]}", "encoder_qkv_multiscales", LOFI_ERR_FORMAT},
        {dcae, "{\"encoder_qkv_multiscales\": [[], []]}", "encoder_qkv_multiscales", LOFI_ERR_FORMAT},
        {dcae, "{\"attention_head_dim\": 128}", "attention_head_dim", LOFI_ERR_FORMAT},
        {dcae, "{\"latent_channels\": 7}", "latent_channels", LOFI_ERR_FORMAT},
        {vocoder, "{\"dims\": [16, 24]}", "dims", LOFI_ERR_FORMAT},
        {vocoder, "{\"depths\": [1, 1, 1, 0]}", "depths", LOFI_ERR_FORMAT},
        {vocoder, "{\"kernel_sizes\": [6]}", "kernel_sizes", LOFI_ERR_FORMAT},
        {vocoder, "{\"num_mels\": 47}", "num_mels", LOFI_ERR_FORMAT},
        {vocoder, "{\"hop_length\": 500}", "hop_length", LOFI_ERR_FORMAT},
        {vocoder, "{\"upsample_rates\": [4, 4]}", "upsample", LOFI_ERR_FORMAT},
        {vocoder, "{\"upsample_kernel_sizes\": [9, 8, 4, 4, 4, 4, 4]}", "upsample_kernel_sizes", LOFI_ERR_FORMAT},
        {vocoder, "{\"upsample_initial_channel\": 64}", "upsample_initial_channel", LOFI_ERR_FORMAT},
        {vocoder, "{\"resblock_kernel_sizes\": [3, 4]}", "resblock_kernel_sizes", LOFI_ERR_FORMAT},
        {vocoder, "{\"resblock_dilation_sizes\": [[1, 3, 5]]}", "resblock_dilation_sizes", LOFI_ERR_FORMAT},
        {vocoder, "{\"resblock_dilation_sizes\": [[1, 3], [1, 3]]}", "resblock_dilation_sizes", LOFI_ERR_FORMAT},
        {vocoder, "{\"use_template\": \"no\"}", "use_template", LOFI_ERR_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lofi_error err = LOFI_ERROR_INIT;
        lofi_weight_table table = {0};
        json_t *config = edited(cases[i].model, cases[i].edits);
        lofi_code code = cases[i].model->declare(config, &table, &err);
        if (code != cases[i].code || !strstr(err.message, cases[i].named))
            fail_msg("%s: code %d, '%s'", cases[i].edits, code, err.message);
        lofi_weight_table_free(&table);
        json_decref(config);
    }
}

/* Builds both halves of a config; the shapes must come out as the reduction says. */
static void expect_shapes(const char *edits, int64_t reduction, const char *weight, const char *shape) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_dcae_config config;
    lofi_graph *graph = NULL;
    lofi_weight_table table = {0};
    json_t *json = edited(&lofi_model_music_dcae, edits);
    must(lofi_dcae_config_read(&config, json, &err), &err);
    assert_int_equal(lofi_dcae_reduction(&config.encoder), reduction);
    assert_int_equal(lofi_dcae_reduction(&config.decoder), reduction);
    must(lofi_graph_new(&graph, &err), &err);
    lofi_builder builder = {.graph = graph, .table = &table};
    lofi_dim frames = lofi_dim_mul(graph, lofi_dim_symbol(graph, "frames"), reduction);
    lofi_dim dims[] = {2, config.in_channels, 4 * reduction, frames};
    lofi_tensor *mel = lofi_graph_input(graph, "mel", lofi_shape_of(LOFI_F32, 4, dims));
    lofi_tensor *latent = lofi_dcae_encode(&builder, &config, mel);
    lofi_tensor *decoded = lofi_dcae_decode(&builder, &config, latent);
    if (lofi_graph_check(graph, &err)) fail_msg("%s: %s", edits, err.message);
    assert_string_equal(lofi_shape_text(graph, &latent->shape), "[2, 8, 4, frames] f32");
    assert_string_equal(lofi_shape_text(graph, &decoded->shape), lofi_shape_text(graph, &mel->shape));
    const lofi_weight_entry *entry = lofi_weight_table_find(&table, weight);
    if (!entry) fail_msg("%s: no weight '%s'", edits, weight);
    lofi_stored_tensor as_stored = lofi_stored_declare(weight, LOFI_STORED_F32, entry->rank, entry->dims);
    char text[128];
    lofi_stored_shape_text(text, &as_stored);
    assert_string_equal(text, shape);
    lofi_weight_table_free(&table);
    lofi_graph_free(graph);
    json_decref(json);
}

static void every_option_of_the_config_builds(void **state) {
    (void)state;
    expect_shapes("{}", 8, "encoder.conv_in.weight", "[16, 2, 3, 3]");
    expect_shapes("{\"downsample_block_type\": \"pixel_unshuffle\", \"upsample_block_type\": \"pixel_shuffle\"}", 8,
                  "encoder.down_blocks.0.1.conv.weight", "[4, 16, 3, 3]");
    expect_shapes("{\"encoder_layers_per_block\": [0, 1, 1, 1], \"decoder_layers_per_block\": [0, 1, 1, 1]}", 8,
                  "encoder.conv_in.conv.weight", "[16, 2, 3, 3]");
    expect_shapes("{\"encoder_layers_per_block\": [0, 1, 1, 1], \"decoder_layers_per_block\": [0, 1, 1, 1], "
                  "\"downsample_block_type\": \"pixel_unshuffle\", \"upsample_block_type\": \"pixel_shuffle\"}",
                  8, "decoder.conv_out.conv.weight", "[8, 16, 3, 3]");
    expect_shapes("{\"encoder_out_shortcut\": false, \"decoder_in_shortcut\": false}", 8, "decoder.conv_in.weight",
                  "[64, 8, 3, 3]");
    expect_shapes(
        "{\"encoder_block_types\": \"EfficientViTBlock\", \"encoder_qkv_multiscales\": [[], [3], [3, 5], [7]]}", 8,
        "encoder.down_blocks.2.0.attn.to_out.weight", "[32, 96]");
    expect_shapes("{\"encoder_block_out_channels\": [8, 32], \"decoder_block_out_channels\": [8, 32], "
                  "\"encoder_layers_per_block\": [1, 2], \"decoder_layers_per_block\": [1, 2], "
                  "\"encoder_block_types\": \"ResBlock\", \"decoder_block_types\": \"ResBlock\", "
                  "\"encoder_qkv_multiscales\": [[], []], \"decoder_qkv_multiscales\": [[], []]}",
                  2, "encoder.down_blocks.1.1.conv1.weight", "[32, 32, 3, 3]");
    expect_shapes("{\"attention_head_dim\": 24, \"decoder_act_fns\": [\"relu\", \"gelu\", \"swish\", \"silu\"]}", 8,
                  "encoder.down_blocks.3.0.attn.to_q.weight", "[48, 64]");
}

/* ---- odd configs in windows ---- */

#define MAX_WEIGHTS 512

typedef struct made_weights {
    float *values[MAX_WEIGHTS];
    int count;
} made_weights;

/* Random numbers for any weight: matrices by their fan-in, all others positive (among them are variances). */
static lofi_code make_weight(void *user, const char *name, int rank, const int64_t *dims, bool as_f32,
                             const void **data, lofi_dtype *dtype, lofi_error *err) {
    made_weights *made = user;
    (void)name, (void)as_f32, (void)err;
    int64_t count = 1;
    for (int i = 0; i < rank; i++) count *= dims[i];
    float *values = malloc((size_t)count * sizeof *values), factor = 1 / sqrtf((float)(count / dims[0]));
    lofi_random random = lofi_random_at(2, LOFI_RANDOM_TEST, (uint64_t)made->count);
    assert_true(made->count < MAX_WEIGHTS);
    lofi_random_fill_normal(&random, 0, values, (size_t)count);
    for (int64_t i = 0; i < count; i++) values[i] = rank > 1 ? factor * values[i] : 0.5f + 0.1f * fabsf(values[i]);
    made->values[made->count++] = values;
    *data = values;
    *dtype = LOFI_F32;
    return LOFI_OK;
}

/* Half of `config` for `frames` latent frames in windows; the same weights and input every time. */
static lofi_columns run_half(const lofi_dcae_config *config, lofi_dcae_side side, int64_t frames, int64_t window) {
    enum { ROWS = 2 };
    lofi_error err = LOFI_ERROR_INIT;
    made_weights made = {0};
    lofi_weight_source source = {.user = &made, .find = make_weight};
    lofi_dcae_windows *half = NULL;
    lofi_columns in = {0}, out = {0};
    int64_t scale = side == LOFI_DCAE_ENCODER ? lofi_dcae_reduction(&config->encoder) : 1;
    int64_t channels = side == LOFI_DCAE_ENCODER ? config->in_channels : config->latent_channels;
    must(lofi_dcae_windows_open(&half, &source, config, side, ROWS * scale, 1, &err), &err);
    must(lofi_columns_new(&in, channels * ROWS * scale, frames * scale, "a picture", &err), &err);
    lofi_random random = lofi_random_at(4, LOFI_RANDOM_TEST, 0);
    lofi_random_fill_normal(&random, 0, in.values, (size_t)(in.rows * in.columns));
    must(lofi_dcae_windows_run(half, &in, window, &out, NULL, &err), &err);
    lofi_dcae_windows_close(half);
    for (int i = 0; i < made.count; i++) free(made.values[i]);
    return out;
}

static void expect_windows(const char *edits, lofi_dcae_side side) {
    enum { FRAMES = 25 };
    static const int64_t windows[] = {1, 6};
    lofi_error err = LOFI_ERROR_INIT;
    lofi_dcae_config config;
    json_t *json = edited(&lofi_model_music_dcae, edits);
    must(lofi_dcae_config_read(&config, json, &err), &err);
    json_decref(json);
    lofi_columns whole = run_half(&config, side, FRAMES, 0);
    for (int w = 0; w < 2; w++) {
        lofi_columns parts = run_half(&config, side, FRAMES, windows[w]);
        double difference = 0, size = 0;
        assert_int_equal(parts.columns, whole.columns);
        for (int64_t i = 0; i < whole.rows * whole.columns; i++) {
            difference += pow((double)parts.values[i] - (double)whole.values[i], 2);
            size += pow((double)whole.values[i], 2);
        }
        double error = sqrt(difference / size);
        if (!(error <= SAME)) fail_msg("%s: %g, at most %g", edits, error, SAME);
        lofi_columns_free(&parts);
    }
    lofi_columns_free(&whole);
}

/* Steps of both kinds, stages that are not there, attention nowhere, everywhere, and before stages without it. */
static void windows_equal_the_whole_for_any_config(void **state) {
    (void)state;
    static const char *const edits[] = {
        "{}",
        "{\"downsample_block_type\": \"pixel_unshuffle\", \"upsample_block_type\": \"pixel_shuffle\"}",
        "{\"encoder_layers_per_block\": [0, 1, 2, 1], \"decoder_layers_per_block\": [0, 2, 1, 1]}",
        "{\"encoder_layers_per_block\": [0, 1, 1, 1], \"decoder_layers_per_block\": [0, 1, 1, 1], "
        "\"downsample_block_type\": \"pixel_unshuffle\", \"upsample_block_type\": \"pixel_shuffle\"}",
        "{\"encoder_block_types\": \"ResBlock\", \"decoder_block_types\": \"ResBlock\"}",
        "{\"encoder_block_types\": \"EfficientViTBlock\", \"decoder_block_types\": \"EfficientViTBlock\", "
        "\"encoder_qkv_multiscales\": [[], [3], [3, 7], [5]], \"decoder_qkv_multiscales\": [[], [3], [3, 7], [5]]}",
        "{\"encoder_block_types\": [\"ResBlock\", \"EfficientViTBlock\", \"ResBlock\", \"ResBlock\"], "
        "\"decoder_block_types\": [\"ResBlock\", \"EfficientViTBlock\", \"ResBlock\", \"ResBlock\"], "
        "\"decoder_norm_types\": \"batch_norm\"}",
    };
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        expect_windows(edits[i], LOFI_DCAE_ENCODER);
        expect_windows(edits[i], LOFI_DCAE_DECODER);
    }
}

static void pictures_of_another_size_are_refused(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_dcae_config config;
    lofi_graph *graph = NULL;
    json_t *json = edited(&lofi_model_music_dcae, "{}");
    must(lofi_dcae_config_read(&config, json, &err), &err);
    must(lofi_graph_new(&graph, &err), &err);
    lofi_builder builder = {.graph = graph};
    lofi_dim dims[] = {1, 2, 128, lofi_dim_symbol(graph, "mel")};
    lofi_tensor *mel = lofi_graph_input(graph, "picture", lofi_shape_of(LOFI_F32, 4, dims));
    assert_null(lofi_dcae_encode(&builder, &config, mel));
    assert_int_equal(lofi_graph_check(graph, &err), LOFI_ERR_FORMAT);
    assert_non_null(strstr(err.message, "a multiple of 8"));
    lofi_graph_free(graph);
    json_decref(json);
}

static void parallel_blocks_are_declared(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_weight_table table = {0};
    json_t *config = edited(&lofi_model_music_vocoder, "{\"kernel_sizes\": [3, 5]}");
    must(lofi_model_music_vocoder.declare(config, &table, &err), &err);
    const lofi_weight_entry *entry = lofi_weight_table_find(&table, "backbone.stages.1.0.blocks.1.dwconv.weight");
    assert_non_null(entry);
    assert_int_equal(entry->dims[2], 5);
    lofi_weight_table_free(&table);
    json_decref(config);
}

static void vocoder_configs_that_cannot_run_are_refused_by_name(void **state) {
    (void)state;
    static const char *const changes[][2] = {{"{\"use_template\": true}", "'use_template' is true"},
                                             {"{\"pre_conv_kernel_size\": 12}", "'pre_conv_kernel_size' must be odd"},
                                             {"{\"post_conv_kernel_size\": 4}", "'post_conv_kernel_size' must be odd"}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        lofi_error err = LOFI_ERROR_INIT;
        lofi_weight_table table = {0};
        json_t *config = edited(&lofi_model_music_vocoder, changes[i][0]);
        assert_int_not_equal(lofi_model_music_vocoder.declare(config, &table, &err), LOFI_OK);
        assert_non_null(strstr(err.message, changes[i][1]));
        lofi_weight_table_free(&table);
        json_decref(config);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encoder_equals_the_original),
        cmocka_unit_test(decoder_equals_the_original),
        cmocka_unit_test(sound_becomes_the_original_latents),
        cmocka_unit_test(encoding_depends_on_the_samples_alone),
        cmocka_unit_test(windows_equal_the_whole),
        cmocka_unit_test(memory_is_bounded_by_the_window),
        cmocka_unit_test(hash_sees_weights_and_configs),
        cmocka_unit_test(full_tables_are_the_released_ones),
        cmocka_unit_test(small_files_fit_their_tables),
        cmocka_unit_test(mel_tables_are_those_of_the_original),
        cmocka_unit_test(presets_grow),
        cmocka_unit_test(senseless_configs_are_refused_by_key),
        cmocka_unit_test(every_option_of_the_config_builds),
        cmocka_unit_test(windows_equal_the_whole_for_any_config),
        cmocka_unit_test(pictures_of_another_size_are_refused),
        cmocka_unit_test(parallel_blocks_are_declared),
        cmocka_unit_test(vocoder_configs_that_cannot_run_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
