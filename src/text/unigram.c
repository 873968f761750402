/* unigram.c - Unigram model: the segmentation whose pieces' scores (log probabilities) have the largest sum.
 *
 * Must give the ids of the `tokenizers` library, so these are its rules: scores add up in double from left to right; of
 * two paths to a place the later one wins only when it is strictly better; a character that is no piece of its own
 * costs the smallest score less 10 and is the unknown token; neighbouring unknown characters become one token, or
 * their bytes' tokens with byte_fallback.
 */
#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "text/token_model.h"
#include "text/unicode.h"

#define UNKNOWN_PENALTY 10.0

typedef struct unigram {
    lofi_token_vocabulary *pieces;
    double *scores;
    size_t count;
    double smallest;
    int64_t unknown;       /* -1: none */
    int64_t byte_ids[256]; /* byte_fallback: tokens <0x00> ... <0xFF>, -1 where there is none */
    bool byte_fallback;
} unigram;

/* Best way to reach a place in the text. */
typedef struct node {
    double score;
    size_t start; /* where the last piece begins; NOWHERE while no path is known */
    int64_t id;
} node;

#define NOWHERE SIZE_MAX

static void unigram_free(void *data) {
    unigram *model = data;
    if (model == NULL) return;
    lofi_token_vocabulary_free(model->pieces);
    lofi_free(model->scores);
    free(model);
}

static lofi_code load_piece(unigram *model, size_t index, const json_t *entry, lofi_error *err) {
    const json_t *text = json_array_get(entry, 0), *score = json_array_get(entry, 1);
    if (json_array_size(entry) != 2 || !json_is_string(text) || !json_is_number(score))
        return lofi_fail(err, LOFI_ERR_FORMAT, "entry %zu of model.vocab must be [piece, score]", index);
    model->scores[index] = json_number_value(score);
    if (index == 0 || model->scores[index] < model->smallest) model->smallest = model->scores[index];
    return lofi_token_vocabulary_set(model->pieces, json_string_value(text), json_string_length(text), (int64_t)index,
                                     err);
}

static lofi_code load_pieces(unigram *model, const json_t *json, lofi_error *err) {
    const json_t *list = NULL;
    LOFI_TRY(lofi_json_array(&list, json, "vocab", "model", err));
    model->count = json_array_size(list);
    if (model->count == 0) return lofi_fail(err, LOFI_ERR_FORMAT, "model.vocab is empty");
    LOFI_TRY(lofi_token_vocabulary_new(&model->pieces, model->count, err));
    void *scores = NULL;
    LOFI_TRY(lofi_alloc(&scores, model->count, sizeof(double), "the vocabulary's scores", err));
    model->scores = scores;
    for (size_t i = 0; i < model->count; i++) LOFI_TRY(load_piece(model, i, json_array_get(list, i), err));
    return LOFI_OK;
}

static void find_bytes(unigram *model) {
    for (int byte = 0; byte < 256; byte++) {
        char name[8];
        int size = snprintf(name, sizeof name, "<0x%02X>", (unsigned)byte);
        model->byte_ids[byte] = lofi_token_vocabulary_find(model->pieces, name, (size_t)size);
    }
}

static lofi_code load_into(unigram *model, const json_t *json, lofi_error *err) {
    LOFI_TRY(load_pieces(model, json, err));
    LOFI_TRY(lofi_json_int_or(&model->unknown, json, "unk_id", -1, 0, (int64_t)model->count - 1, "model", err));
    LOFI_TRY(lofi_json_bool_or(&model->byte_fallback, json, "byte_fallback", false, "model", err));
    find_bytes(model);
    return LOFI_OK;
}

static lofi_code unigram_load(void **data, const json_t *json, lofi_error *err) {
    unigram *model = calloc(1, sizeof *model);
    if (model == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate a Unigram model");
    lofi_code code = load_into(model, json, err);
    if (code != LOFI_OK) {
        unigram_free(model);
        return code;
    }
    *data = model;
    return LOFI_OK;
}

static void offer(node *target, double score, size_t start, int64_t id) {
    if (target->start == NOWHERE || score > target->score) *target = (node){score, start, id};
}

static lofi_code fill_lattice(const unigram *model, const char *text, size_t size, node *nodes, lofi_error *err) {
    for (size_t i = 0; i <= size; i++) nodes[i] = (node){0.0, NOWHERE, -1};
    for (size_t at = 0; at < size;) {
        size_t next = at;
        (void)lofi_utf8_next(text, size, &next);
        double reached = nodes[at].score;
        bool single = false;
        lofi_prefixes search = lofi_prefixes_of(model->pieces, text + at, size - at);
        while (lofi_prefixes_next(&search)) {
            offer(&nodes[at + search.size], model->scores[search.id] + reached, at, search.id);
            if (at + search.size == next) single = true;
        }
        if (!single) {
            if (model->unknown < 0)
                return lofi_fail(err, LOFI_ERR_FORMAT,
                                 "the tokenizer has no token for '%.*s' and none for unknown text", (int)(next - at),
                                 text + at);
            offer(&nodes[next], model->smallest - UNKNOWN_PENALTY + reached, at, model->unknown);
        }
        at = next;
    }
    return LOFI_OK;
}

static lofi_code add_token(const unigram *model, const char *text, size_t size, lofi_ids *ids, lofi_error *err) {
    int64_t id = lofi_token_vocabulary_find(model->pieces, text, size);
    if (id >= 0) return lofi_ids_add(ids, id, err);
    bool bytes = model->byte_fallback;
    for (size_t i = 0; i < size && bytes; i++) bytes = model->byte_ids[(unsigned char)text[i]] >= 0;
    if (!bytes) return lofi_ids_add(ids, model->unknown, err);
    for (size_t i = 0; i < size; i++) LOFI_TRY(lofi_ids_add(ids, model->byte_ids[(unsigned char)text[i]], err));
    return LOFI_OK;
}

/* Turns the chain of nodes that ends at `size` around: afterwards nodes[start].start is where the piece ends. */
static void reverse_path(node *nodes, size_t size) {
    size_t end = size, next_end = nodes[size].start;
    int64_t id = nodes[size].id;
    while (end > 0) {
        size_t start = next_end;
        int64_t piece = id;
        next_end = nodes[start].start;
        id = nodes[start].id;
        nodes[start] = (node){0.0, end, piece};
        end = start;
    }
}

static lofi_code unigram_encode(const void *data, const char *text, size_t size, lofi_ids *ids, lofi_error *err) {
    const unigram *model = data;
    if (size == 0) return LOFI_OK;
    void *memory = NULL;
    LOFI_TRY(lofi_alloc(&memory, size + 1, sizeof(node), "tokenizing text", err));
    node *nodes = memory;
    lofi_code code = fill_lattice(model, text, size, nodes, err);
    if (code == LOFI_OK) reverse_path(nodes, size);
    for (size_t at = 0; at < size && code == LOFI_OK;) {
        size_t end = nodes[at].start;
        bool unknown = model->unknown >= 0 && nodes[at].id == model->unknown;
        while (unknown && end < size && nodes[end].id == model->unknown) end = nodes[end].start;
        code = add_token(model, text + at, end - at, ids, err);
        at = end;
    }
    lofi_free(memory);
    return code;
}

static const lofi_token_vocabulary *unigram_vocabulary(const void *data) {
    return ((const unigram *)data)->pieces;
}

static int64_t unigram_size(const void *data) {
    return (int64_t)((const unigram *)data)->count;
}

const lofi_token_model_kind lofi_token_model_unigram = {
    "Unigram", unigram_load, unigram_free, unigram_encode, unigram_vocabulary, unigram_size,
};
