/* test_diffusion_denoiser.c - the transformer while sampling takes no memory per step; adapters added up; songs of a small
 * model follow from their request alone. */
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

#include "allocations.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/random.h"
#include "diffusion/denoiser.h"
#include "diffusion/generator.h"
#include "lora/lora_file.h"
#include "models/checkpoint_init.h"
#include "store/safetensors.h"

enum { FRAMES = 24, TEXT = 5, LYRIC = 7 };

static char folder[LOFI_PATH_MAX];

static void must(lofi_code code, const lofi_error *err) {
    if (code != LOFI_OK) fail_msg("%s", err->message);
}

static int make_model(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_checkpoint_summary summary;
    snprintf(folder, sizeof folder, "denoiser-test-%ld", (long)getpid());
    lofi_checkpoint_init_settings settings = {.folder = folder, .preset = "tiny", .seed = 3};
    return lofi_checkpoint_init(&summary, &settings, NULL, &err) == LOFI_OK ? 0 : -1;
}

static int remove_model(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    return lofi_path_remove(folder, &err) == LOFI_OK ? 0 : -1;
}

static lofi_loaded *open_network(const char *path) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_loaded *loaded = NULL;
    must(lofi_loaded_open(&loaded, &lofi_model_ace_step_transformer, path, &err), &err);
    return loaded;
}

static lofi_loaded *open_transformer(void) {
    char path[LOFI_PATH_MAX];
    lofi_error err = LOFI_ERROR_INIT;
    must(lofi_path_format(path, &err, "%s/ace_step_transformer", folder), &err);
    return open_network(path);
}

/* ---- the denoiser ---- */

/* A step with the conditions of small numbers; *output and latents are the caller's. */
typedef struct bench {
    lofi_loaded *transformer;
    lofi_denoiser *denoiser;
    float *text, *latents, *output;
    size_t count;
} bench;

static float *normals(size_t count, uint64_t stream) {
    float *values = malloc((count + 1) * sizeof *values);
    assert_non_null(values);
    lofi_random random = lofi_random_at(5, LOFI_RANDOM_TEST, stream);
    lofi_random_fill_normal(&random, 0, values, count);
    return values;
}

static void open_bench_of(bench *b, const char *path, lofi_adapter *adapter, lofi_attachment *attachment) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_adapter_hook hook;
    b->transformer = path ? open_network(path) : open_transformer();
    if (adapter) {
        *attachment = (lofi_attachment){.adapter = adapter, .strength = 1};
        hook = lofi_attachment_hook(attachment);
    }
    must(lofi_denoiser_open(&b->denoiser, b->transformer, adapter ? &hook : NULL, 2, &err), &err);
    const lofi_ace_step_config *config = lofi_denoiser_config(b->denoiser);
    b->count = (size_t)(config->in_channels * config->height * FRAMES);
    b->text = normals((size_t)config->text_width * TEXT, 1);
    b->latents = normals(b->count, 2);
    b->output = normals(b->count, 3);
}

static void open_bench(bench *b, lofi_adapter *adapter, lofi_attachment *attachment) {
    open_bench_of(b, NULL, adapter, attachment);
}

static void close_bench(bench *b) {
    lofi_denoiser_close(b->denoiser);
    lofi_loaded_close(b->transformer);
    free(b->text);
    free(b->latents);
    free(b->output);
}

static void predict(bench *b) {
    lofi_error err = LOFI_ERROR_INIT;
    static const int64_t ids[LYRIC] = {261, 3, 4, 5, 6, 7, 2};
    lofi_condition_inputs inputs = {.text = TEXT, .lyric = LYRIC, .text_states = b->text, .lyric_token_ids = ids};
    must(lofi_denoiser_set_condition(b->denoiser, LOFI_CONDITION_FULL, &inputs, &err), &err);
    must(lofi_denoiser_start(b->denoiser, FRAMES, &err), &err);
    must(lofi_denoiser_predict(b->denoiser, LOFI_CONDITION_FULL, b->latents, 500, b->output, &err), &err);
}

static void a_step_takes_no_memory(void **state) {
    (void)state;
    bench b;
    lofi_error err = LOFI_ERROR_INIT;
    open_bench(&b, NULL, NULL);
    predict(&b);
    long before = allocations_so_far();
    for (int i = 0; i < 5; i++)
        must(lofi_denoiser_predict(b.denoiser, LOFI_CONDITION_FULL, b.latents, 100.0f * (float)i, b.output, &err),
             &err);
    assert_int_equal(allocations_so_far() - before, 0);
    predict(&b); /* another song of the same length */
    assert_int_equal(allocations_so_far() - before, 0);
    close_bench(&b);
}

static void a_token_that_the_model_does_not_know_is_refused(void **state) {
    (void)state;
    bench b;
    lofi_error err = LOFI_ERROR_INIT;
    open_bench(&b, NULL, NULL);
    const int64_t ids[] = {lofi_denoiser_config(b.denoiser)->lyric_vocabulary}, negative[] = {-1};
    lofi_condition_inputs inputs = {.text = TEXT, .lyric = 1, .lyric_token_ids = ids};
    assert_int_equal(lofi_denoiser_set_condition(b.denoiser, LOFI_CONDITION_FULL, &inputs, &err), LOFI_ERR_FORMAT);
    inputs.lyric_token_ids = negative;
    assert_int_equal(lofi_denoiser_set_condition(b.denoiser, LOFI_CONDITION_FULL, &inputs, &err), LOFI_ERR_FORMAT);
    close_bench(&b);
}

/* ---- weakened attention ---- */

/* Every weight of the table, from the network's own description, as random numbers. */
static void write_weights(const char *path, const lofi_weight_table *table) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_stored_tensor *tensors = calloc(table->count, sizeof *tensors);
    assert_non_null(tensors);
    for (size_t i = 0; i < table->count; i++) {
        const lofi_weight_entry *entry = &table->entries[i];
        tensors[i] = lofi_stored_declare(entry->name, LOFI_STORED_F32, entry->rank, entry->dims);
        float *values = normals(tensors[i].count, 1000 + i);
        for (size_t j = 0; j < tensors[i].count; j++) values[j] *= 0.3f;
        tensors[i].data = values;
    }
    must(lofi_safetensors_save(path, tensors, table->count, NULL, &err), &err);
    for (size_t i = 0; i < table->count; i++) free((void *)(uintptr_t)tensors[i].data);
    free(tensors);
}

/* A transformer as deep as guidance that weakens it needs, and as thin as can be. */
static void write_deep_transformer(const char *path) {
    lofi_error err = LOFI_ERROR_INIT;
    char file[LOFI_PATH_MAX];
    lofi_weight_table table = {0};
    json_t *config = json_pack("{s:i, s:i, s:i, s:f, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:[], s:[]}", "num_layers",
                               20, "num_attention_heads", 1, "attention_head_dim", 4, "mlp_ratio", 1.0,
                               "speaker_embedding_dim", 4, "text_embedding_dim", 4, "lyric_encoder_vocab_size", 300,
                               "lyric_hidden_size", 4, "lyric_encoder_attention_heads", 1, "lyric_encoder_linear_units",
                               4, "lyric_encoder_num_blocks", 6, "in_channels", 8, "ssl_encoder_depths",
                               "ssl_latent_dims");
    assert_non_null(config);
    must(lofi_folder_make(path, &err), &err);
    must(lofi_path_format(file, &err, "%s/config.json", path), &err);
    must(lofi_json_save(config, file, &err), &err);
    must(lofi_model_ace_step_transformer.declare(config, &table, &err), &err);
    must(lofi_path_format(file, &err, "%s/diffusion_pytorch_model.safetensors", path), &err);
    write_weights(file, &table);
    lofi_weight_table_free(&table);
    json_decref(config);
}

static void predict_weakened(bench *b, bool lyrics, bool blocks, float *output) {
    lofi_error err = LOFI_ERROR_INIT;
    static const int64_t ids[LYRIC] = {261, 3, 4, 5, 6, 7, 2};
    lofi_condition_inputs inputs = {.text = TEXT,
                                    .lyric = LYRIC,
                                    .text_states = b->text,
                                    .lyric_token_ids = ids,
                                    .weak_lyrics = lyrics,
                                    .weak_blocks = blocks};
    must(lofi_denoiser_set_condition(b->denoiser, LOFI_CONDITION_NONE, &inputs, &err), &err);
    must(lofi_denoiser_predict(b->denoiser, LOFI_CONDITION_NONE, b->latents, 500, output, &err), &err);
}

static void weakened_conditions_change_their_own_answer_only(void **state) {
    (void)state;
    bench b;
    char path[LOFI_PATH_MAX];
    lofi_error err = LOFI_ERROR_INIT;
    must(lofi_path_format(path, &err, "%s/deep", folder), &err);
    write_deep_transformer(path);
    open_bench_of(&b, path, NULL, NULL);
    assert_true(lofi_denoiser_can_weaken_lyrics(b.denoiser));
    assert_true(lofi_denoiser_can_weaken_blocks(b.denoiser));
    predict(&b);
    size_t bytes = b.count * sizeof(float);
    float *other = normals(b.count, 9), *again = normals(b.count, 9);
    predict_weakened(&b, false, false, other);
    assert_memory_equal(other, b.output, bytes);
    predict_weakened(&b, false, true, again);
    assert_memory_not_equal(again, b.output, bytes);
    predict_weakened(&b, true, false, other);
    assert_memory_not_equal(other, b.output, bytes);
    assert_memory_not_equal(other, again, bytes);
    must(lofi_denoiser_predict(b.denoiser, LOFI_CONDITION_FULL, b.latents, 500, again, &err), &err);
    assert_memory_equal(again, b.output, bytes);
    free(other);
    free(again);
    close_bench(&b);
}

/* ---- adapters added up ---- */

static lofi_adapter *new_adapter(const lofi_loaded *transformer, int64_t rank, const char *target, uint64_t seed) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_adapter *adapter = NULL;
    lofi_lora_config config = lofi_lora_config_default();
    config.rank = rank;
    config.target_count = 2;
    snprintf(config.targets[0], sizeof config.targets[0], "to_k");
    snprintf(config.targets[1], sizeof config.targets[1], "%s", target);
    must(lofi_adapter_new(&adapter, &config, lofi_loaded_table(transformer), &err), &err);
    lofi_random random = lofi_random_at(seed, LOFI_RANDOM_TEST, 8);
    lofi_random_fill_normal(&random, 0, adapter->values, adapter->value_count);
    for (size_t i = 0; i < adapter->value_count; i++) adapter->values[i] *= 0.1f;
    return adapter;
}

/* sum over adapters of strength scale (B A)[row, column] of a layer. */
static double effect(lofi_adapter *const *adapters, const float *strengths, size_t count, const char *layer,
                     int64_t row, int64_t column) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        const lofi_lora_layer *l = lofi_adapter_find(adapters[i], layer);
        if (!l) continue;
        const float *a = adapters[i]->values + l->a_offset, *b = adapters[i]->values + l->b_offset;
        for (int64_t r = 0; r < l->rank; r++)
            sum += (double)strengths[i] * (double)l->scale * (double)b[row * l->rank + r] *
                   (double)a[r * l->in + column];
    }
    return sum;
}

static void combined_adapters_have_the_sum_of_their_effects(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_loaded *transformer = open_transformer();
    lofi_adapter *parts[] = {new_adapter(transformer, 4, "to_q", 1), new_adapter(transformer, 3, "to_v", 2),
                             new_adapter(transformer, 2, "to_q", 3)};
    static const float strengths[] = {0.7f, -1.5f, 0}, one[] = {1};
    lofi_adapter *combined = NULL;
    must(lofi_adapter_combine(&combined, parts, strengths, 3, &err), &err);
    assert_true(combined->layer_count > parts[0]->layer_count);
    for (size_t i = 0; i < combined->layer_count; i++) {
        const lofi_lora_layer *l = &combined->layers[i];
        for (int64_t row = 0; row < l->out; row += 17)
            for (int64_t column = 0; column < l->in; column += 13) {
                double wanted = effect(parts, strengths, 3, l->name, row, column);
                assert_true(fabs(effect(&combined, one, 1, l->name, row, column) - wanted) < 1e-6);
            }
    }
    assert_int_equal(lofi_adapter_find(combined, "transformer_blocks.0.attn.to_k")->rank, 7);
    lofi_adapter_free(combined);
    static const float nothing[] = {0, 0, 0};
    must(lofi_adapter_combine(&combined, parts, nothing, 3, &err), &err);
    assert_int_equal(combined->layer_count, 0);
    lofi_adapter_free(combined);
    for (int i = 0; i < 3; i++) lofi_adapter_free(parts[i]);
    lofi_loaded_close(transformer);
}

static void adapters_of_no_strength_leave_the_step_alone(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    bench plain, adapted;
    lofi_attachment attachment;
    lofi_loaded *transformer = open_transformer();
    lofi_adapter *part = new_adapter(transformer, 4, "to_q", 1), *combined = NULL;
    open_bench(&plain, NULL, NULL);
    predict(&plain);
    for (int on = 0; on < 2; on++) {
        const float strength = (float)on;
        must(lofi_adapter_combine(&combined, &part, &strength, 1, &err), &err);
        open_bench(&adapted, combined, &attachment);
        predict(&adapted);
        assert_int_equal(memcmp(adapted.output, plain.output, plain.count * sizeof(float)) != 0, on);
        close_bench(&adapted);
        lofi_adapter_free(combined);
    }
    close_bench(&plain);
    lofi_adapter_free(part);
    lofi_loaded_close(transformer);
}

/* ---- songs ---- */

static lofi_generator *open_generator(int threads) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_generator *generator = NULL;
    lofi_generator_settings settings = {.checkpoint_dir = folder, .threads = threads};
    must(lofi_generator_open(&generator, &settings, NULL, &err), &err);
    return generator;
}

static lofi_song small_song(void) {
    lofi_song song = {.prompt = "lofi, piano", .lyrics = "[verse]\nrain\n", .seconds = 2, .seed = 6};
    song.sampling = lofi_sampling_default();
    song.sampling.steps = 4;
    return song;
}

static float *sampled(lofi_generator *generator, const lofi_song *song, size_t *count) {
    lofi_error err = LOFI_ERROR_INIT;
    const float *latents;
    must(lofi_generator_sample(generator, song, &latents, &err), &err);
    *count = (size_t)(lofi_generator_channels(generator) * lofi_generator_height(generator) *
                      lofi_song_frames(song->seconds));
    float *copy = malloc(*count * sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, latents, *count * sizeof *copy);
    return copy;
}

static bool same_song(lofi_generator *generator, const lofi_song *song, const float *wanted) {
    size_t count;
    float *values = sampled(generator, song, &count);
    bool same = memcmp(values, wanted, count * sizeof *values) == 0;
    free(values);
    return same;
}

static void a_song_follows_from_its_request(void **state) {
    (void)state;
    size_t count;
    lofi_generator *generator = open_generator(2), *single = open_generator(1);
    lofi_song song = small_song(), other = song;
    float *first = sampled(generator, &song, &count);
    other.seed = 7;
    other.seconds = 3;
    free(sampled(generator, &other, &count)); /* another song in between leaves nothing behind */
    assert_true(same_song(generator, &song, first));
    assert_true(same_song(single, &song, first));
    other.seconds = song.seconds;
    assert_false(same_song(generator, &other, first));
    other = song;
    other.prompt = "metal";
    assert_false(same_song(generator, &other, first));
    other = song;
    other.lyrics = "";
    assert_false(same_song(generator, &other, first));
    free(first);
    lofi_generator_close(generator);
    lofi_generator_close(single);
}

static void a_retake_goes_from_the_song_to_another(void **state) {
    (void)state;
    size_t count;
    lofi_generator *generator = open_generator(2);
    lofi_song song = small_song();
    float *plain = sampled(generator, &song, &count);
    song.retake = true;
    song.retake_seed = 8;
    assert_true(same_song(generator, &song, plain)); /* variance 0 */
    song.retake_variance = 0.3;
    float *some = sampled(generator, &song, &count);
    assert_false(same_song(generator, &song, plain));
    song.retake_seed = 9;
    assert_false(same_song(generator, &song, some));
    free(plain);
    free(some);
    lofi_generator_close(generator);
}

/* What the seed draws can be given as noise. */
static void given_noise_is_what_sampling_begins_with(void **state) {
    (void)state;
    size_t count;
    lofi_generator *generator = open_generator(2);
    lofi_song song = small_song();
    float *plain = sampled(generator, &song, &count);
    float *noise = malloc(count * sizeof *noise);
    lofi_random random = lofi_random_at(song.seed, LOFI_RANDOM_SAMPLE, 0);
    lofi_random_fill_normal(&random, 0, noise, count);
    song.noise = noise;
    song.seed = 1000;
    assert_true(same_song(generator, &song, plain));
    noise[3] += 1;
    assert_false(same_song(generator, &song, plain));
    free(noise);
    free(plain);
    lofi_generator_close(generator);
}

static void requests_that_make_no_sense_are_refused(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_song_plan plan;
    lofi_generator *generator = open_generator(2);
    lofi_song song = small_song();
    must(lofi_generator_plan(generator, &song, &plan, &err), &err);
    assert_int_equal(plan.frames, 21);
    assert_true(plan.activation_bytes > 0);
    static const double seconds[] = {0, -1, 0.05, 601, NAN, INFINITY};
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        song.seconds = seconds[i];
        assert_int_equal(lofi_generator_plan(generator, &song, &plan, &err), LOFI_ERR_USAGE);
    }
    song = small_song();
    song.erg = LOFI_ERG_LYRIC;
    assert_int_equal(lofi_generator_erg(generator), 0); /* two layers each: nothing to weaken */
    assert_int_equal(lofi_generator_plan(generator, &song, &plan, &err), LOFI_ERR_UNSUPPORTED);
    song = small_song();
    song.retake = true;
    song.retake_variance = 1.5;
    assert_int_equal(lofi_generator_plan(generator, &song, &plan, &err), LOFI_ERR_USAGE);
    song = small_song();
    song.language = "xx";
    assert_int_equal(lofi_generator_plan(generator, &song, &plan, &err), LOFI_ERR_USAGE);
    song = small_song();
    song.prompt = "\xff";
    assert_int_equal(lofi_generator_plan(generator, &song, &plan, &err), LOFI_ERR_FORMAT);
    lofi_generator_close(generator);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_takes_no_memory),
        cmocka_unit_test(a_token_that_the_model_does_not_know_is_refused),
        cmocka_unit_test(weakened_conditions_change_their_own_answer_only),
        cmocka_unit_test(combined_adapters_have_the_sum_of_their_effects),
        cmocka_unit_test(adapters_of_no_strength_leave_the_step_alone),
        cmocka_unit_test(a_song_follows_from_its_request),
        cmocka_unit_test(a_retake_goes_from_the_song_to_another),
        cmocka_unit_test(given_noise_is_what_sampling_begins_with),
        cmocka_unit_test(requests_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, make_model, remove_model);
}
