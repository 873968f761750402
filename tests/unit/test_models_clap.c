/* CLAP and VGGish: the table of the released network, and what a config may not say. That embeddings equal the original's is shown
 * by the self-test (clap, vggish). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "models/clap.h"
#include "models/vggish.h"
#include "weight_list.h"

#define FACTS     LOFI_SOURCE_FOLDER "/tests/data/models/"
#define REFERENCE LOFI_SOURCE_FOLDER "/data/reference/"

static void table_is_that_of_the_released_network(void **state) {
    (void)state;
    expect_list_of_config(&lofi_model_clap, "{\"text_config\": {}, \"audio_config\": {}}",
                          FACTS "clap-htsat-unfused.tsv", 447);
}

static void configs_that_make_no_network_are_refused_by_name(void **state) {
    (void)state;
#define TEXT(keys)  "{\"text_config\": {" keys "}, \"audio_config\": {}}"
#define AUDIO(keys) "{\"text_config\": {}, \"audio_config\": {" keys "}}"
    static const char *const cases[][2] = {
        {"{}", "'text_config'"},
        {"{\"text_config\": {}}", "'audio_config'"},
        {"{\"text_config\": {}, \"audio_config\": {}, \"projection_hidden_act\": \"mish\"}", "'projection_hidden_act'"},
        {TEXT("\"position_embedding_type\": \"relative_key\""), "'position_embedding_type' is 'relative_key'"},
        {TEXT("\"num_attention_heads\": 7"), "must divide 'hidden_size'"},
        {TEXT("\"pad_token_id\": 513"), "'pad_token_id'"},
        {TEXT("\"hidden_act\": \"tanh\""), "'hidden_act' is 'tanh'"},
        {AUDIO("\"fusion_type\": \"daf_2d\", \"enable_fusion\": true"), "'fusion_type' is 'daf_2d'"},
        {AUDIO("\"enable_fusion\": true, \"aff_block_r\": 97"), "'aff_block_r'"},
        {AUDIO("\"depths\": [2, 2, 6, 0]"), "'depths' holds a value out of 1 to 256"},
        {AUDIO("\"num_attention_heads\": [4, 8]"), "do not belong together"},
        {AUDIO("\"num_attention_heads\": [5, 8, 16, 32]"), "'num_attention_heads' must divide"},
        {AUDIO("\"window_size\": 16"), "'window_size' is larger than stage 3"},
        {AUDIO("\"patch_stride\": [4, 2]"), "'patch_stride' must be one number, or two equal ones"},
        {AUDIO("\"num_mel_bins\": 60"), "'spec_size' must be a multiple of 'num_mel_bins'"},
        {AUDIO("\"flatten_patch_embeds\": false"), "'flatten_patch_embeds'"},
        {AUDIO("\"mlp_ratio\": 0"), "'mlp_ratio'"},
        {AUDIO("\"layer_norm_eps\": 1"), "'layer_norm_eps'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_refusal(&lofi_model_clap, cases[i][0], cases[i][1]);
}

static void positions_count_what_is_no_padding(void **state) {
    (void)state;
    static const int64_t ids[] = {0, 7, 1, 9, 2, 1, 1}, expected[] = {2, 3, 1, 4, 5, 1, 1};
    int64_t positions[7];
    lofi_clap_positions(positions, ids, 7, 1);
    assert_memory_equal(positions, expected, sizeof expected);
}

static void a_folder_without_a_vggish_says_so(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_loaded *loaded = NULL;
    assert_int_not_equal(lofi_vggish_open(&loaded, REFERENCE "no-such-folder", &err), LOFI_OK);
    assert_non_null(strstr(err.message, "no-such-folder"));
    assert_null(loaded);
    err = (lofi_error)LOFI_ERROR_INIT;
    assert_int_not_equal(lofi_vggish_open(&loaded, REFERENCE "evaluation/mert", &err), LOFI_OK); /* another network */
    assert_non_null(strstr(err.message, "mert"));
    assert_null(loaded);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_that_of_the_released_network),
        cmocka_unit_test(configs_that_make_no_network_are_refused_by_name),
        cmocka_unit_test(positions_count_what_is_no_padding),
        cmocka_unit_test(a_folder_without_a_vggish_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
