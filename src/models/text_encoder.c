/* text_encoder.c - see the header. */
#include "models/text_encoder.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "graph/session.h"
#include "models/loaded.h"
#include "models/umt5.h"
#include "text/tokenizer.h"

#define WEAK_FIRST 8 /* layers that entropy rectifying guidance weakens */
#define WEAK_END   10

struct lofi_text_encoder {
    lofi_tokenizer *tokenizer;
    lofi_loaded *weights;
    lofi_umt5_config config;
    lofi_graph *graph;
    lofi_session *session;
    lofi_tensor *ids, *mask, *query_factor, *states;
};

static lofi_code build(lofi_text_encoder *encoder, int threads, lofi_error *err) {
    LOFI_TRY(lofi_umt5_config_read(&encoder->config, lofi_loaded_config(encoder->weights), err));
    LOFI_TRY(lofi_graph_new(&encoder->graph, err));
    lofi_dim dims[] = {1, lofi_dim_symbol(encoder->graph, "text")};
    encoder->ids = lofi_graph_input(encoder->graph, "input_ids", lofi_shape_of(LOFI_I64, 2, dims));
    encoder->mask = lofi_graph_input(encoder->graph, "attention_mask", lofi_shape_of(LOFI_F32, 2, dims));
    lofi_dim one = 1;
    encoder->query_factor = lofi_graph_input(encoder->graph, "query_factor", lofi_shape_of(LOFI_F32, 1, &one));
    lofi_query_scale scale = {.first = WEAK_FIRST, .end = WEAK_END, .variable = encoder->query_factor};
    lofi_builder builder = {.graph = encoder->graph, .source = lofi_loaded_source(encoder->weights)};
    lofi_tensor *states = lofi_umt5_build(&builder, &encoder->config, encoder->ids, encoder->mask, &scale);
    encoder->states = lofi_graph_output(encoder->graph, "states", states);
    LOFI_TRY(lofi_graph_check(encoder->graph, err));
    return lofi_session_new(&encoder->session, encoder->graph, (lofi_session_options){.threads = threads}, err);
}

static lofi_code open_parts(lofi_text_encoder *encoder, const char *folder, int threads, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_format(path, err, "%s/tokenizer.json", folder));
    LOFI_TRY(lofi_tokenizer_open(&encoder->tokenizer, path, err));
    LOFI_TRY(lofi_loaded_open(&encoder->weights, &lofi_model_umt5, folder, err));
    LOFI_TRY(build(encoder, threads, err));
    int64_t tokens = lofi_tokenizer_vocab_size(encoder->tokenizer);
    if (tokens <= encoder->config.vocabulary) return LOFI_OK;
    lofi_fail(err, LOFI_ERR_FORMAT, "'%s' has %lld tokens, but the text encoder beside it knows only %lld", path,
              (long long)tokens, (long long)encoder->config.vocabulary);
    return lofi_hint(err, "use the tokenizer.json that belongs to the model");
}

lofi_code lofi_text_encoder_open(lofi_text_encoder **out, const char *folder, int threads, lofi_error *err) {
    lofi_text_encoder *encoder = calloc(1, sizeof *encoder);
    if (!encoder) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the text encoder");
    lofi_code code = open_parts(encoder, folder, threads, err);
    if (code == LOFI_OK)
        *out = encoder;
    else
        lofi_text_encoder_close(encoder);
    return code;
}

void lofi_text_encoder_close(lofi_text_encoder *encoder) {
    if (!encoder) return;
    lofi_session_free(encoder->session);
    lofi_graph_free(encoder->graph);
    lofi_loaded_close(encoder->weights);
    lofi_tokenizer_free(encoder->tokenizer);
    free(encoder);
}

int64_t lofi_text_encoder_width(const lofi_text_encoder *encoder) {
    return encoder->config.width;
}

static lofi_code run(lofi_text_encoder *encoder, const int64_t *ids, size_t count, float query_factor,
                     const float **states, lofi_error *err) {
    void *data;
    lofi_session_set(encoder->session, "text", (int64_t)count);
    LOFI_TRY(lofi_session_prepare(encoder->session, err));
    LOFI_TRY(lofi_session_data(encoder->session, encoder->ids, &data, NULL, err));
    memcpy(data, ids, count * sizeof *ids);
    LOFI_TRY(lofi_session_data(encoder->session, encoder->mask, &data, NULL, err));
    for (size_t i = 0; i < count; i++) ((float *)data)[i] = 1.0f;
    LOFI_TRY(lofi_session_data(encoder->session, encoder->query_factor, &data, NULL, err));
    *(float *)data = query_factor;
    LOFI_TRY(lofi_session_run(encoder->session, err));
    LOFI_TRY(lofi_session_data(encoder->session, encoder->states, &data, NULL, err));
    *states = data;
    return LOFI_OK;
}

static lofi_code run_prompt(lofi_text_encoder *encoder, const char *prompt, float query_factor, const float **states,
                            int64_t *tokens, lofi_error *err) {
    int64_t *ids;
    size_t count;
    LOFI_TRY(lofi_tokenizer_encode(encoder->tokenizer, prompt, LOFI_TEXT_MAX_TOKENS, &ids, &count, err));
    lofi_code code = count ? run(encoder, ids, count, query_factor, states, err)
                           : lofi_fail(err, LOFI_ERR_FORMAT, "the tokenizer makes no token of the prompt '%s'", prompt);
    free(ids);
    if (code == LOFI_OK) *tokens = (int64_t)count;
    return code;
}

lofi_code lofi_text_encoder_run(lofi_text_encoder *encoder, const char *prompt, const float **states, int64_t *tokens,
                                lofi_error *err) {
    return run_prompt(encoder, prompt, 1, states, tokens, err);
}

bool lofi_text_encoder_can_weaken(const lofi_text_encoder *encoder) {
    return encoder->config.layers >= WEAK_END;
}

lofi_code lofi_text_encoder_run_weakened(lofi_text_encoder *encoder, const char *prompt, const float **states,
                                         int64_t *tokens, lofi_error *err) {
    if (!lofi_text_encoder_can_weaken(encoder))
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "the text encoder has %d layers, weakening it needs %d",
                         encoder->config.layers, WEAK_END);
    return run_prompt(encoder, prompt, LOFI_WEAK_QUERIES, states, tokens, err);
}

lofi_code lofi_text_encoder_count(const lofi_text_encoder *encoder, const char *prompt, int64_t *tokens,
                                  lofi_error *err) {
    return lofi_tokenizer_count(encoder->tokenizer, prompt, tokens, err);
}

static lofi_code hash_parts(const lofi_text_encoder *encoder, char parts[3][LOFI_SHA256_HEX], lofi_error *err) {
    static const char *const names[] = {"tokenizer.json", "config.json"};
    char path[LOFI_PATH_MAX];
    for (int i = 0; i < 2; i++) {
        LOFI_TRY(lofi_path_format(path, err, "%s/%s", lofi_loaded_folder(encoder->weights), names[i]));
        LOFI_TRY(lofi_sha256_file(parts[i], path, err));
    }
    return lofi_weights_hash(parts[2], lofi_loaded_weights(encoder->weights), err);
}

lofi_code lofi_text_encoder_hash(const lofi_text_encoder *encoder, char hex[LOFI_SHA256_HEX], lofi_error *err) {
    char parts[3][LOFI_SHA256_HEX];
    lofi_sha256 *sha;
    LOFI_TRY(hash_parts(encoder, parts, err));
    LOFI_TRY(lofi_sha256_new(&sha, err));
    for (int i = 0; i < 3; i++) lofi_sha256_add_text(sha, parts[i]);
    lofi_sha256_end(sha, hex);
    return LOFI_OK;
}
