/* case_tokenizer.c - texts to token ids with model/umt5-base/tokenizer.json, special tokens included. */
#include <stdlib.h>

#include "eval/selftest_case.h"
#include "models/text_encoder.h"
#include "text/tokenizer.h"

static lofi_code encode_all(lofi_selftest *test, const lofi_tokenizer *tokenizer, const json_t *pairs,
                            lofi_error *err) {
    size_t differing = 0, total = 0;
    json_t *computed = json_array();
    test->output_document = json_pack("{s:O?, s:o}", "what", json_object_get(test->document, "what"), "pairs",
                                      computed);
    if (!test->output_document) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for token ids");
    for (size_t i = 0; i < json_array_size(pairs); i++) {
        json_t *pair = json_array_get(pairs, i), *recorded = json_array_get(pair, 1);
        int64_t *ids;
        size_t count;
        LOFI_TRY(lofi_tokenizer_encode(tokenizer, json_string_value(json_array_get(pair, 0)), LOFI_TEXT_MAX_TOKENS,
                                       &ids, &count, err));
        differing += lofi_selftest_differing(recorded, ids, count);
        total += json_array_size(recorded);
        json_array_append_new(computed,
                              json_pack("[O, o]", json_array_get(pair, 0), lofi_selftest_ids_json(ids, count)));
        free(ids);
    }
    return lofi_selftest_tokens(test, "ids", differing, total, err);
}

static lofi_code run_case(lofi_selftest *test, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    lofi_tokenizer *tokenizer;
    const json_t *pairs;
    LOFI_TRY(lofi_selftest_entries(&pairs, test, "pairs", 2, err));
    LOFI_TRY(lofi_selftest_path(path, test, "model/umt5-base/tokenizer.json", err));
    LOFI_TRY(lofi_tokenizer_open(&tokenizer, path, err));
    lofi_code code = encode_all(test, tokenizer, pairs, err);
    lofi_tokenizer_free(tokenizer);
    return code;
}

const lofi_selftest_case lofi_case_tokenizer = {.name = "tokenizer", .json = true, .run = run_case};
