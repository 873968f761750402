/* HuBERT: the tables of the released networks, what a config may not say, how many states come out, and sound of any length.
 * That states and targets equal the original's is shown by the self-test (hubert_mert, hubert_mhubert, ssl_targets). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/random.h"
#include "models/hubert.h"
#include "models/ssl_encoder.h"
#include "weight_list.h"

#define FACTS LOFI_SOURCE_FOLDER "/tests/data/models/"

static void tables_are_those_of_the_released_networks(void **state) {
    (void)state;
    expect_list_of_config(&lofi_model_hubert, "{}", FACTS "mhubert-147.tsv", 211);
    expect_list_of_config(
        &lofi_model_hubert,
        "{\"feat_extract_norm\": \"layer\", \"do_stable_layer_norm\": true, \"conv_bias\": true, \"hidden_size\": 1024,"
        "\"intermediate_size\": 4096, \"num_hidden_layers\": 24, \"num_attention_heads\": 16,"
        "\"attention_relax\": 32.0, \"deepnorm\": false, \"feature_extractor_cqt\": false}",
        FACTS "mert-v1-330m.tsv", 422);
}

static void configs_that_make_no_network_are_refused_by_name(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"{\"conv_pos_batch_norm\": true}", "'conv_pos_batch_norm' is true"},
        {"{\"feature_extractor_cqt\": true}", "'feature_extractor_cqt' is true"},
        {"{\"deepnorm\": true}", "'deepnorm' is true"},
        {"{\"feat_extract_norm\": \"batch\"}", "'feat_extract_norm' is 'batch'"},
        {"{\"hidden_act\": \"mish\"}", "'hidden_act' is 'mish'"},
        {"{\"conv_dim\": [8, 8]}", "'conv_dim' and"},
        {"{\"conv_dim\": []}", "'conv_dim'"},
        {"{\"conv_stride\": [5, 2, 2, 2, 2, 2, 0]}", "'conv_stride' holds a value out of range"},
        {"{\"num_attention_heads\": 7}", "must divide 'hidden_size'"},
        {"{\"num_conv_pos_embedding_groups\": 5}", "must divide 'hidden_size'"},
        {"{\"hidden_size\": 1e300}", "'hidden_size'"},
        {"{\"layer_norm_eps\": 0}", "'layer_norm_eps'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_refusal(&lofi_model_hubert, cases[i][0], cases[i][1]);
}

static void states_are_counted_as_the_convolutions_make_them(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_hubert_config config;
    json_t *json = parsed("{}");
    must(lofi_hubert_config_read(&config, json, &err), &err);
    assert_int_equal(lofi_hubert_frames(&config, 480000), 1499);
    assert_int_equal(lofi_hubert_frames(&config, 120000), 374);
    assert_int_equal(lofi_hubert_frames(&config, 400), 1);
    assert_int_equal(lofi_hubert_frames(&config, 399), 0);
    assert_int_equal(lofi_hubert_frames(&config, 0), 0);
    json_decref(json);
}

/* Chunks of 5 s give 374 states each, the rest one per 320 samples begun; what follows the music does not change them. */
static void sound_of_any_length_is_heard(void **state) {
    (void)state;
    enum { COUNT = 6 * 48000 };
    static const struct {
        int64_t valid, frames;
    } cases[] = {{2, 1}, {640, 1}, {642, 2}, {5 * 48000, 374}, {5 * 48000 + 2, 375}, {COUNT, 374 + 75}};
    char folder[LOFI_PATH_MAX];
    lofi_error err = LOFI_ERROR_INIT;
    lofi_ssl_encoder *encoder = NULL;
    float *samples = calloc(2 * COUNT, sizeof *samples);
    lofi_random random = lofi_random_at(3, LOFI_RANDOM_TEST, 0);
    lofi_random_fill_normal(&random, 0, samples, 2 * COUNT);
    must(lofi_path_format(folder, &err, "%s/data/reference/evaluation/mert-v1-330m", LOFI_SOURCE_FOLDER), &err);
    must(lofi_ssl_encoder_open(&encoder, &lofi_ssl_kinds[0], folder, 2, &err), &err);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float *states = NULL;
        int64_t frames = 0;
        must(lofi_ssl_encoder_run(encoder, samples, COUNT, cases[i].valid, &states, &frames, &err), &err);
        assert_int_equal(frames, cases[i].frames);
        for (int64_t j = 0; j < frames * lofi_ssl_encoder_width(encoder); j++) assert_true(isfinite(states[j]));
        lofi_free(states);
    }
    float *none = NULL;
    int64_t frames = 0;
    assert_int_equal(lofi_ssl_encoder_run(encoder, samples, COUNT, 1, &none, &frames, &err), LOFI_ERR_USAGE);
    assert_int_equal(lofi_ssl_encoder_run(encoder, samples, COUNT, COUNT + 1, &none, &frames, &err), LOFI_ERR_USAGE);
    free(samples);
    lofi_ssl_encoder_close(encoder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_those_of_the_released_networks),
        cmocka_unit_test(configs_that_make_no_network_are_refused_by_name),
        cmocka_unit_test(states_are_counted_as_the_convolutions_make_them),
        cmocka_unit_test(sound_of_any_length_is_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
