/* added_tokens.c - see added_tokens.h. */
#include "text/added_tokens.h"

#include "base/json.h"
#include "base/memory.h"
#include "text/unicode.h"

typedef struct added_token {
    int64_t id;
    const char *content; /* as written */
    bool single_word, strip_left, strip_right, normalized;
} added_token;

struct lofi_added_tokens {
    lofi_arena *arena;
    added_token *items;
    size_t count;
    lofi_token_vocabulary *raw;        /* contents of tokens that are looked for in the raw text -> index into items */
    lofi_token_vocabulary *normalized; /* normalised contents of those looked for in normalised text */
    int64_t end;
};

static lofi_code load_token(added_token *token, lofi_arena *arena, const json_t *json, lofi_error *err) {
    static const char *where = "added_tokens";
    const char *content = NULL;
    bool special = false;
    LOFI_TRY(lofi_json_string(&content, json, "content", where, err));
    LOFI_TRY(lofi_json_int(&token->id, json, "id", 0, INT32_MAX, where, err));
    LOFI_TRY(lofi_json_bool_or(&special, json, "special", false, where, err));
    LOFI_TRY(lofi_json_bool_or(&token->single_word, json, "single_word", false, where, err));
    LOFI_TRY(lofi_json_bool_or(&token->strip_left, json, "lstrip", false, where, err));
    LOFI_TRY(lofi_json_bool_or(&token->strip_right, json, "rstrip", false, where, err));
    LOFI_TRY(lofi_json_bool_or(&token->normalized, json, "normalized", !special, where, err));
    token->content = lofi_arena_strdup(arena, content);
    return token->content != NULL ? LOFI_OK : lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate the added tokens");
}

static lofi_code check_id(const lofi_added_tokens *tokens, const added_token *token, const lofi_token_vocabulary *model,
                          int64_t model_size, lofi_error *err) {
    int64_t known = lofi_token_vocabulary_find(model, token->content, strlen(token->content));
    int64_t expected = known >= 0 ? known : tokens->end > model_size ? tokens->end : model_size;
    if (token->id == expected) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT, "added token '%s' says id %lld, but its place in the vocabulary is %lld",
                     token->content, (long long)token->id, (long long)expected);
}

static lofi_code register_token(lofi_added_tokens *tokens, size_t index, const lofi_normalizer *normalizer,
                                lofi_error *err) {
    const added_token *token = &tokens->items[index];
    size_t size = strlen(token->content);
    if (!token->normalized) return lofi_token_vocabulary_set(tokens->raw, token->content, size, (int64_t)index, err);
    lofi_buffer text = LOFI_BUFFER_INIT;
    lofi_code code = lofi_normalizer_apply(normalizer, token->content, size, &text, err);
    if (code == LOFI_OK && text.size > 0)
        code = lofi_token_vocabulary_set(tokens->normalized, text.data, text.size, (int64_t)index, err);
    lofi_buffer_free(&text);
    return code;
}

static lofi_code load(lofi_added_tokens *tokens, const json_t *json, const lofi_normalizer *normalizer,
                      const lofi_token_vocabulary *model, int64_t model_size, lofi_error *err) {
    LOFI_TRY(lofi_arena_new(&tokens->arena, err));
    LOFI_TRY(lofi_token_vocabulary_new(&tokens->raw, 0, err));
    LOFI_TRY(lofi_token_vocabulary_new(&tokens->normalized, 0, err));
    if (json == NULL || json_is_null(json)) return LOFI_OK;
    if (!json_is_array(json)) return lofi_fail(err, LOFI_ERR_FORMAT, "'added_tokens' must be a list");
    void *items = NULL;
    LOFI_TRY(lofi_alloc(&items, json_array_size(json), sizeof *tokens->items, "the added tokens", err));
    tokens->items = items;
    for (size_t i = 0; i < json_array_size(json); i++) {
        added_token *token = &tokens->items[i];
        LOFI_TRY(load_token(token, tokens->arena, json_array_get(json, i), err));
        if (token->content[0] == '\0') continue; /* the library leaves these out too */
        LOFI_TRY(check_id(tokens, token, model, model_size, err));
        tokens->count = i + 1;
        if (token->id >= tokens->end) tokens->end = token->id + 1;
        LOFI_TRY(register_token(tokens, i, normalizer, err));
    }
    return LOFI_OK;
}

lofi_code lofi_added_tokens_new(lofi_added_tokens **out, const json_t *json, const lofi_normalizer *normalizer,
                                const lofi_token_vocabulary *model, int64_t model_size, lofi_error *err) {
    lofi_added_tokens *tokens = calloc(1, sizeof *tokens);
    if (tokens == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate the added tokens");
    lofi_code code = load(tokens, json, normalizer, model, model_size, err);
    if (code != LOFI_OK) {
        lofi_added_tokens_free(tokens);
        return code;
    }
    *out = tokens;
    return LOFI_OK;
}

void lofi_added_tokens_free(lofi_added_tokens *tokens) {
    if (tokens == NULL) return;
    lofi_token_vocabulary_free(tokens->raw);
    lofi_token_vocabulary_free(tokens->normalized);
    lofi_free(tokens->items);
    lofi_arena_free(tokens->arena);
    free(tokens);
}

int64_t lofi_added_tokens_end(const lofi_added_tokens *tokens) {
    return tokens->end;
}

int64_t lofi_added_tokens_find(const lofi_added_tokens *tokens, const char *text) {
    for (size_t i = 0; i < tokens->count; i++)
        if (strcmp(tokens->items[i].content, text) == 0) return tokens->items[i].id;
    return -1;
}

/* ---- splitting ---- */

/* Start of the character before `at` (> 0). */
static size_t previous(const char *text, size_t at) {
    do at--;
    while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80);
    return at;
}

static bool stands_alone(const char *text, size_t size, size_t start, size_t end) {
    size_t before = start > 0 ? previous(text, start) : 0, after = end;
    if (start > 0 && lofi_is_word(lofi_utf8_next(text, size, &before))) return false;
    return end == size || !lofi_is_word(lofi_utf8_next(text, size, &after));
}

static size_t spaces_before(const char *text, size_t size, size_t start) {
    while (start > 0) {
        size_t at = previous(text, start), next = at;
        if (!lofi_is_space(lofi_utf8_next(text, size, &next))) break;
        start = at;
    }
    return start;
}

static size_t spaces_after(const char *text, size_t size, size_t end) {
    while (end < size) {
        size_t next = end;
        if (!lofi_is_space(lofi_utf8_next(text, size, &next))) break;
        end = next;
    }
    return end;
}

/* The longest token at `at`: its size, or 0. */
static size_t match_at(const lofi_token_vocabulary *contents, const char *text, size_t size, size_t at,
                       int64_t *index) {
    size_t longest = 0;
    lofi_prefixes search = lofi_prefixes_of(contents, text + at, size - at);
    while (lofi_prefixes_next(&search)) {
        longest = search.size;
        *index = search.id;
    }
    return longest;
}

static lofi_code split(const lofi_added_tokens *tokens, const lofi_token_vocabulary *contents, const char *text,
                       size_t size, bool first, lofi_pieces *out, lofi_error *err) {
    size_t done = 0;
    for (size_t at = 0; at < size && lofi_token_vocabulary_count(contents) > 0;) {
        int64_t index = -1;
        size_t matched = match_at(contents, text, size, at, &index);
        if (matched == 0) {
            at++;
            continue;
        }
        const added_token *token = &tokens->items[index];
        size_t start = at, end = at + matched;
        at = end;
        if (token->single_word && !stands_alone(text, size, start, end)) continue;
        if (token->strip_left) start = spaces_before(text, size, start);
        if (start < done) start = done;
        if (token->strip_right) end = spaces_after(text, size, end);
        LOFI_TRY(lofi_pieces_add(out, text + done, start - done, -1, first && done == 0, err));
        LOFI_TRY(lofi_pieces_add(out, text + start, end - start, token->id, first && start == 0, err));
        done = end;
    }
    return lofi_pieces_add(out, text + done, size - done, -1, first && done == 0, err);
}

lofi_code lofi_added_tokens_split(const lofi_added_tokens *tokens, const lofi_normalizer *normalizer, const char *text,
                                  size_t size, lofi_pieces *out, lofi_error *err) {
    lofi_pieces raw = LOFI_PIECES_INIT;
    lofi_buffer normal = LOFI_BUFFER_INIT;
    lofi_code code = LOFI_OK;
    LOFI_TRY_GOTO(split(tokens, tokens->raw, text, size, true, &raw, err), done);
    for (size_t i = 0; i < raw.count; i++) {
        const lofi_piece *piece = &raw.items[i];
        const char *content = lofi_piece_text(&raw, i);
        if (piece->id >= 0) {
            LOFI_TRY_GOTO(lofi_pieces_add(out, content, piece->size, piece->id, piece->first, err), done);
            continue;
        }
        LOFI_TRY_GOTO(lofi_normalizer_apply(normalizer, content, piece->size, &normal, err), done);
        LOFI_TRY_GOTO(split(tokens, tokens->normalized, lofi_buffer_str(&normal), normal.size, piece->first, out, err),
                      done);
    }
done:
    lofi_pieces_free(&raw);
    lofi_buffer_free(&normal);
    return code;
}
