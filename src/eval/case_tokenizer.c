/* case_tokenizer.c - texts to token ids, special tokens included: with model/umt5-base/tokenizer.json, cut to the length that the
 * text encoder takes, and with the tokenizer of CLAP, uncut. */
#include <stdlib.h>

#include "eval/selftest_case.h"
#include "models/text_encoder.h"
#include "text/tokenizer.h"

static lofi_code encode_all(lofi_selftest *test, const lofi_tokenizer *tokenizer, size_t max_tokens,
                            const json_t *pairs, lofi_error *err) {
    size_t differing = 0, total = 0;
    json_t *computed = json_array();
    test->output_document = json_pack("{s:O?, s:o}", "what", json_object_get(test->document, "what"), "pairs",
                                      computed);
    if (!test->output_document) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for token ids");
    for (size_t i = 0; i < json_array_size(pairs); i++) {
        json_t *pair = json_array_get(pairs, i), *recorded = json_array_get(pair, 1);
        int64_t *ids;
        size_t count;
        LOFI_TRY(lofi_tokenizer_encode(tokenizer, json_string_value(json_array_get(pair, 0)), max_tokens, &ids, &count,
                                       err));
        differing += lofi_selftest_differing(recorded, ids, count);
        total += json_array_size(recorded);
        json_array_append_new(computed,
                              json_pack("[O, o]", json_array_get(pair, 0), lofi_selftest_ids_json(ids, count)));
        free(ids);
    }
    return lofi_selftest_tokens(test, "ids", differing, total, err);
}

static lofi_code run_file(lofi_selftest *test, const char *name, size_t max_tokens, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    lofi_tokenizer *tokenizer;
    const json_t *pairs;
    LOFI_TRY(lofi_selftest_entries(&pairs, test, "pairs", 2, err));
    LOFI_TRY(lofi_selftest_path(path, test, name, err));
    LOFI_TRY(lofi_tokenizer_open(&tokenizer, path, err));
    lofi_code code = encode_all(test, tokenizer, max_tokens, pairs, err);
    lofi_tokenizer_free(tokenizer);
    return code;
}

static lofi_code run_umt5(lofi_selftest *test, lofi_error *err) {
    return run_file(test, "model/umt5-base/tokenizer.json", LOFI_TEXT_MAX_TOKENS, err);
}

static lofi_code run_clap(lofi_selftest *test, lofi_error *err) {
    return run_file(test, "evaluation/clap-htsat-unfused/tokenizer.json", 0, err);
}

const lofi_selftest_case lofi_case_tokenizer = {.name = "tokenizer", .json = true, .run = run_umt5};
const lofi_selftest_case lofi_case_clap_tokenizer = {.name = "clap_tokenizer", .json = true, .run = run_clap};
