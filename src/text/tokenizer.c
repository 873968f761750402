/* tokenizer.c - see tokenizer.h. */
#include "text/tokenizer.h"

#include "base/json.h"
#include "base/memory.h"
#include "text/added_tokens.h"
#include "text/normalizer.h"
#include "text/pretokenizer.h"
#include "text/text_libraries.h"
#include "text/token_model.h"
#include "text/unicode.h"

struct lofi_tokenizer {
    lofi_normalizer *normalizer;
    lofi_pretokenizer *pretokenizer;
    lofi_token_model *model;
    lofi_added_tokens *added;
    lofi_ids before, after; /* special tokens around the text */
    bool template_has_text;
};

/* ---- post-processor ---- */

static lofi_code add_special(lofi_tokenizer *tokenizer, const char *name, const json_t *specials, lofi_error *err) {
    const json_t *special = json_object_get(specials, name);
    const json_t *ids = json_object_get(special, "ids");
    if (!json_is_array(ids))
        return lofi_fail(err, LOFI_ERR_FORMAT,
                         "post_processor TemplateProcessing names the token '%s' but gives no ids for it", name);
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const json_t *id = json_array_get(ids, i);
        if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) > INT32_MAX)
            return lofi_fail(err, LOFI_ERR_FORMAT, "post_processor TemplateProcessing has an id of '%s' that is no id",
                             name);
        lofi_ids *side = tokenizer->template_has_text ? &tokenizer->after : &tokenizer->before;
        LOFI_TRY(lofi_ids_add(side, json_integer_value(id), err));
    }
    return LOFI_OK;
}

static lofi_code load_template_part(lofi_tokenizer *tokenizer, const json_t *part, const json_t *specials,
                                    lofi_error *err) {
    const char *name = NULL;
    const json_t *special = json_object_get(part, "SpecialToken"), *sequence = json_object_get(part, "Sequence");
    if (special != NULL) {
        LOFI_TRY(lofi_json_string(&name, special, "id", "post_processor TemplateProcessing", err));
        return add_special(tokenizer, name, specials, err);
    }
    if (sequence == NULL || tokenizer->template_has_text)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED,
                         "post_processor TemplateProcessing has a part of 'single' that is not supported");
    tokenizer->template_has_text = true;
    return LOFI_OK;
}

/* ["<s>", 0] */
static lofi_code add_pair(lofi_ids *side, const json_t *json, const char *key, lofi_error *err) {
    const json_t *id = json_array_get(json_object_get(json, key), 1);
    if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) > INT32_MAX)
        return lofi_fail(err, LOFI_ERR_FORMAT, "post_processor RobertaProcessing: '%s' must be a token and its id",
                         key);
    return lofi_ids_add(side, json_integer_value(id), err);
}

static lofi_code load_post_processor(lofi_tokenizer *tokenizer, const json_t *json, lofi_error *err) {
    const char *type = NULL;
    const json_t *parts = NULL, *specials = NULL;
    if (json == NULL || json_is_null(json)) return LOFI_OK;
    LOFI_TRY(lofi_json_string(&type, json, "type", "post_processor", err));
    if (strcmp(type, "RobertaProcessing") == 0) {
        LOFI_TRY(add_pair(&tokenizer->before, json, "cls", err));
        return add_pair(&tokenizer->after, json, "sep", err);
    }
    if (strcmp(type, "TemplateProcessing") != 0)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "post_processor '%s' is not supported", type);
    LOFI_TRY(lofi_json_array(&parts, json, "single", "post_processor TemplateProcessing", err));
    LOFI_TRY(lofi_json_object(&specials, json, "special_tokens", "post_processor TemplateProcessing", err));
    for (size_t i = 0; i < json_array_size(parts); i++)
        LOFI_TRY(load_template_part(tokenizer, json_array_get(parts, i), specials, err));
    if (tokenizer->template_has_text) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT, "post_processor TemplateProcessing has no place for the text");
}

/* ---- opening ---- */

static lofi_code load(lofi_tokenizer *tokenizer, const json_t *json, lofi_error *err) {
    if (!json_is_object(json)) return lofi_fail(err, LOFI_ERR_FORMAT, "it holds no JSON object");
    LOFI_TRY(lofi_token_model_new(&tokenizer->model, json_object_get(json, "model"), err));
    LOFI_TRY(lofi_normalizer_new(&tokenizer->normalizer, json_object_get(json, "normalizer"), err));
    LOFI_TRY(lofi_pretokenizer_new(&tokenizer->pretokenizer, json_object_get(json, "pre_tokenizer"), err));
    LOFI_TRY(lofi_added_tokens_new(&tokenizer->added, json_object_get(json, "added_tokens"), tokenizer->normalizer,
                                   lofi_token_model_vocabulary(tokenizer->model),
                                   lofi_token_model_size(tokenizer->model), err));
    return load_post_processor(tokenizer, json_object_get(json, "post_processor"), err);
}

lofi_code lofi_tokenizer_open(lofi_tokenizer **out, const char *path, lofi_error *err) {
    json_t *json = NULL;
    LOFI_TRY(lofi_library_open(&lofi_library_icuuc, err));
    LOFI_TRY(lofi_json_load(&json, path, err));
    lofi_code code = LOFI_ERR_MEMORY;
    lofi_tokenizer *tokenizer = calloc(1, sizeof *tokenizer);
    if (tokenizer != NULL)
        code = load(tokenizer, json, err);
    else
        lofi_fail(err, code, "cannot allocate a tokenizer");
    json_decref(json);
    if (code != LOFI_OK) {
        lofi_tokenizer_free(tokenizer);
        return lofi_error_prefix(err, "tokenizer '%s'", path);
    }
    *out = tokenizer;
    return LOFI_OK;
}

void lofi_tokenizer_free(lofi_tokenizer *tokenizer) {
    if (tokenizer == NULL) return;
    lofi_normalizer_free(tokenizer->normalizer);
    lofi_pretokenizer_free(tokenizer->pretokenizer);
    lofi_token_model_free(tokenizer->model);
    lofi_added_tokens_free(tokenizer->added);
    lofi_ids_free(&tokenizer->before);
    lofi_ids_free(&tokenizer->after);
    free(tokenizer);
}

/* ---- encoding ---- */

static lofi_code encode_text(const lofi_tokenizer *tokenizer, const char *text, size_t size, lofi_ids *ids,
                             lofi_error *err) {
    lofi_pieces pieces = LOFI_PIECES_INIT;
    lofi_code code = lofi_added_tokens_split(tokenizer->added, tokenizer->normalizer, text, size, &pieces, err);
    if (code == LOFI_OK) code = lofi_pretokenizer_apply(tokenizer->pretokenizer, &pieces, err);
    for (size_t i = 0; i < pieces.count && code == LOFI_OK; i++) {
        const lofi_piece *piece = &pieces.items[i];
        code = piece->id >= 0
                   ? lofi_ids_add(ids, piece->id, err)
                   : lofi_token_model_encode(tokenizer->model, lofi_piece_text(&pieces, i), piece->size, ids, err);
    }
    lofi_pieces_free(&pieces);
    return code;
}

static lofi_code add_all(lofi_ids *ids, const lofi_ids *added, lofi_error *err) {
    for (size_t i = 0; i < added->count; i++) LOFI_TRY(lofi_ids_add(ids, added->items[i], err));
    return LOFI_OK;
}

static lofi_code encode(const lofi_tokenizer *tokenizer, const char *text, size_t max_tokens, lofi_ids *ids,
                        lofi_error *err) {
    size_t size = strlen(text), special = tokenizer->before.count + tokenizer->after.count;
    if (max_tokens > 0 && max_tokens < special)
        return lofi_fail(err, LOFI_ERR_USAGE,
                         "at most %zu tokens are wanted, but the tokenizer adds %zu special tokens", max_tokens,
                         special);
    LOFI_TRY(lofi_utf8_check(text, size, "the text", err));
    LOFI_TRY(add_all(ids, &tokenizer->before, err));
    LOFI_TRY(encode_text(tokenizer, text, size, ids, err));
    size_t room = max_tokens - tokenizer->after.count;
    if (max_tokens > 0 && ids->count > room) ids->count = room;
    return add_all(ids, &tokenizer->after, err);
}

lofi_code lofi_tokenizer_encode(const lofi_tokenizer *tokenizer, const char *text, size_t max_tokens, int64_t **ids,
                                size_t *count, lofi_error *err) {
    lofi_ids found = LOFI_IDS_INIT;
    lofi_code code = encode(tokenizer, text, max_tokens, &found, err);
    if (code == LOFI_OK && found.items == NULL) {
        found.items = malloc(sizeof *found.items);
        if (found.items == NULL) code = lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate token ids");
    }
    if (code != LOFI_OK) {
        lofi_ids_free(&found);
        return code;
    }
    *ids = found.items;
    *count = found.count;
    return LOFI_OK;
}

lofi_code lofi_tokenizer_count(const lofi_tokenizer *tokenizer, const char *text, int64_t *count, lofi_error *err) {
    int64_t *ids;
    size_t found;
    LOFI_TRY(lofi_tokenizer_encode(tokenizer, text, 0, &ids, &found, err));
    free(ids);
    *count = (int64_t)found;
    return LOFI_OK;
}

int64_t lofi_tokenizer_vocab_size(const lofi_tokenizer *tokenizer) {
    int64_t model = lofi_token_model_size(tokenizer->model), added = lofi_added_tokens_end(tokenizer->added);
    return model > added ? model : added;
}

int64_t lofi_tokenizer_token_id(const lofi_tokenizer *tokenizer, const char *token) {
    int64_t id = lofi_token_vocabulary_find(lofi_token_model_vocabulary(tokenizer->model), token, strlen(token));
    return id >= 0 ? id : lofi_added_tokens_find(tokenizer->added, token);
}

int64_t lofi_tokenizer_pad_id(const lofi_tokenizer *tokenizer) {
    int64_t id = lofi_tokenizer_token_id(tokenizer, "<pad>");
    return id >= 0 ? id : 0;
}
