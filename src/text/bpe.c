/* bpe.c - byte pair encoding over characters: neighbouring tokens are merged, the best ranked pair first, of equal pairs
 * the leftmost. As the `tokenizers` library does it without dropout, prefixes, suffixes and byte fallback, all of which
 * are refused by name. */
#include "base/json.h"
#include "base/memory.h"
#include "text/token_model.h"
#include "text/unicode.h"

typedef struct merge {
    int64_t left, right; /* ids; left -1: a free place */
    int64_t rank, result;
} merge;

typedef struct bpe {
    lofi_token_vocabulary *pieces;
    size_t count;
    merge *merges; /* open addressing by the pair */
    size_t merge_slots;
    int64_t unknown; /* -1: unknown characters are left out */
    bool fuse_unknown;
} bpe;

/* A token of the word being merged. */
typedef struct symbol {
    int64_t id; /* -1: merged into the one before */
    int64_t previous, next;
} symbol;

/* A pair that could be merged, in a heap. */
typedef struct candidate {
    int64_t rank, position, result;
} candidate;

typedef struct word {
    symbol *symbols;
    size_t count, capacity;
    candidate *heap;
    size_t heap_count, heap_capacity;
} word;

#define MAX_WORD ((size_t)1 << 28)

static void bpe_free(void *data) {
    bpe *model = data;
    if (model == NULL) return;
    lofi_token_vocabulary_free(model->pieces);
    lofi_free(model->merges);
    free(model);
}

/* ---- reading ---- */

static merge *merge_slot(const bpe *model, int64_t left, int64_t right) {
    size_t mask = model->merge_slots - 1;
    uint64_t hash = ((uint64_t)left << 32 ^ (uint64_t)right) * 0x9e3779b97f4a7c15ull;
    size_t at = (size_t)(hash >> 20) & mask;
    while (model->merges[at].left >= 0 && (model->merges[at].left != left || model->merges[at].right != right))
        at = (at + 1) & mask;
    return &model->merges[at];
}

static lofi_code load_pieces(bpe *model, const json_t *json, lofi_error *err) {
    const json_t *table = NULL;
    LOFI_TRY(lofi_json_object(&table, json, "vocab", "model", err));
    model->count = json_object_size(table);
    LOFI_TRY(lofi_token_vocabulary_new(&model->pieces, model->count, err));
    const char *text;
    json_t *id;
    json_object_foreach((json_t *)table, text, id) {
        if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) > INT32_MAX)
            return lofi_fail(err, LOFI_ERR_FORMAT, "the id of '%.64s' in model.vocab must be an integer of at least 0",
                             text);
        LOFI_TRY(lofi_token_vocabulary_set(model->pieces, text, strlen(text), json_integer_value(id), err));
    }
    return LOFI_OK;
}

/* A merge is "left right" or ["left", "right"]. */
static bool split_merge(const json_t *entry, const char **left, size_t *left_size, const char **right) {
    if (json_is_string(entry)) {
        const char *text = json_string_value(entry), *space = strchr(text, ' ');
        if (space == NULL || strchr(space + 1, ' ') != NULL) return false;
        *left = text;
        *left_size = (size_t)(space - text);
        *right = space + 1;
        return true;
    }
    const json_t *first = json_array_get(entry, 0), *second = json_array_get(entry, 1);
    if (json_array_size(entry) != 2 || !json_is_string(first) || !json_is_string(second)) return false;
    *left = json_string_value(first);
    *left_size = json_string_length(first);
    *right = json_string_value(second);
    return true;
}

static lofi_code load_merge(bpe *model, size_t rank, const json_t *entry, lofi_buffer *joined, lofi_error *err) {
    const char *left = NULL, *right = NULL;
    size_t left_size = 0;
    if (!split_merge(entry, &left, &left_size, &right))
        return lofi_fail(err, LOFI_ERR_FORMAT, "entry %zu of model.merges must be a pair", rank);
    lofi_buffer_clear(joined);
    lofi_buffer_append(joined, left, left_size);
    lofi_buffer_text(joined, right);
    LOFI_TRY(lofi_buffer_check(joined, err));
    int64_t a = lofi_token_vocabulary_find(model->pieces, left, left_size);
    int64_t b = lofi_token_vocabulary_find(model->pieces, right, strlen(right));
    int64_t result = lofi_token_vocabulary_find(model->pieces, lofi_buffer_str(joined), joined->size);
    if (a < 0 || b < 0 || result < 0)
        return lofi_fail(err, LOFI_ERR_FORMAT,
                         "entry %zu of model.merges joins '%.*s' and '%.64s', which model.vocab lacks", rank,
                         left_size > 64 ? 64 : (int)left_size, left, right);
    *merge_slot(model, a, b) = (merge){a, b, (int64_t)rank, result};
    return LOFI_OK;
}

static lofi_code load_merges(bpe *model, const json_t *json, lofi_error *err) {
    const json_t *list = NULL;
    LOFI_TRY(lofi_json_array(&list, json, "merges", "model", err));
    model->merge_slots = 64;
    while (model->merge_slots < json_array_size(list) * 2 + 2) model->merge_slots *= 2;
    void *merges = NULL;
    LOFI_TRY(lofi_alloc(&merges, model->merge_slots, sizeof(merge), "the merges", err));
    model->merges = merges;
    for (size_t i = 0; i < model->merge_slots; i++) model->merges[i].left = -1;
    lofi_buffer joined = LOFI_BUFFER_INIT;
    lofi_code code = LOFI_OK;
    for (size_t i = 0; i < json_array_size(list) && code == LOFI_OK; i++)
        code = load_merge(model, i, json_array_get(list, i), &joined, err);
    lofi_buffer_free(&joined);
    return code;
}

static lofi_code refuse_options(const json_t *json, lofi_error *err) {
    static const char *const texts[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    static const char *const flags[] = {"byte_fallback", "ignore_merges"};
    for (size_t i = 0; i < 2; i++) {
        const char *text = NULL;
        bool flag = false;
        LOFI_TRY(lofi_json_string_or(&text, json, texts[i], "", "model", err));
        LOFI_TRY(lofi_json_bool_or(&flag, json, flags[i], false, "model", err));
        if (text[0] != '\0' || flag)
            return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "a BPE model with %s is not supported",
                             flag ? flags[i] : texts[i]);
    }
    double dropout = 0;
    LOFI_TRY(lofi_json_number_or(&dropout, json, "dropout", 0, "model", err));
    if (dropout != 0) return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "a BPE model with dropout is not supported");
    return LOFI_OK;
}

static lofi_code load_into(bpe *model, const json_t *json, lofi_error *err) {
    const char *unknown = NULL;
    LOFI_TRY(refuse_options(json, err));
    LOFI_TRY(load_pieces(model, json, err));
    LOFI_TRY(load_merges(model, json, err));
    LOFI_TRY(lofi_json_bool_or(&model->fuse_unknown, json, "fuse_unk", false, "model", err));
    LOFI_TRY(lofi_json_string_or(&unknown, json, "unk_token", NULL, "model", err));
    model->unknown = unknown == NULL ? -1 : lofi_token_vocabulary_find(model->pieces, unknown, strlen(unknown));
    if (unknown != NULL && model->unknown < 0)
        return lofi_fail(err, LOFI_ERR_FORMAT, "model.unk_token '%s' is not in model.vocab", unknown);
    return LOFI_OK;
}

static lofi_code bpe_load(void **data, const json_t *json, lofi_error *err) {
    bpe *model = calloc(1, sizeof *model);
    if (model == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate a BPE model");
    lofi_code code = load_into(model, json, err);
    if (code != LOFI_OK) {
        bpe_free(model);
        return code;
    }
    *data = model;
    return LOFI_OK;
}

/* ---- merging ---- */

static bool better(const candidate *a, const candidate *b) {
    return a->rank != b->rank ? a->rank < b->rank : a->position < b->position;
}

static lofi_code push(word *self, candidate added, lofi_error *err) {
    void *heap = self->heap;
    LOFI_TRY(lofi_grow(&heap, &self->heap_capacity, self->heap_count + 1, sizeof added, MAX_WORD * 3, err));
    self->heap = heap;
    size_t at = self->heap_count++;
    for (; at > 0 && better(&added, &self->heap[(at - 1) / 2]); at = (at - 1) / 2)
        self->heap[at] = self->heap[(at - 1) / 2];
    self->heap[at] = added;
    return LOFI_OK;
}

static candidate pop(word *self) {
    candidate best = self->heap[0], moved = self->heap[--self->heap_count];
    size_t at = 0;
    for (;;) {
        size_t child = at * 2 + 1;
        if (child >= self->heap_count) break;
        if (child + 1 < self->heap_count && better(&self->heap[child + 1], &self->heap[child])) child++;
        if (!better(&self->heap[child], &moved)) break;
        self->heap[at] = self->heap[child];
        at = child;
    }
    self->heap[at] = moved;
    return best;
}

/* Offers the pair that begins at `position`. */
static lofi_code offer(const bpe *model, word *self, int64_t position, lofi_error *err) {
    if (position < 0 || self->symbols[position].next < 0) return LOFI_OK;
    const merge *found = merge_slot(model, self->symbols[position].id, self->symbols[self->symbols[position].next].id);
    if (found->left < 0) return LOFI_OK;
    return push(self, (candidate){found->rank, position, found->result}, err);
}

static lofi_code add_symbol(word *self, int64_t id, lofi_error *err) {
    void *symbols = self->symbols;
    LOFI_TRY(lofi_grow(&symbols, &self->capacity, self->count + 1, sizeof(symbol), MAX_WORD, err));
    self->symbols = symbols;
    int64_t at = (int64_t)self->count++;
    self->symbols[at] = (symbol){id, at - 1, -1};
    if (at > 0) self->symbols[at - 1].next = at;
    return LOFI_OK;
}

static lofi_code split_characters(const bpe *model, word *self, const char *text, size_t size, lofi_error *err) {
    bool after_unknown = false;
    for (size_t at = 0; at < size;) {
        size_t start = at;
        (void)lofi_utf8_next(text, size, &at);
        int64_t id = lofi_token_vocabulary_find(model->pieces, text + start, at - start);
        bool unknown = id < 0;
        if (unknown) id = model->unknown;
        if (id >= 0 && !(unknown && after_unknown && model->fuse_unknown)) LOFI_TRY(add_symbol(self, id, err));
        after_unknown = unknown;
    }
    return LOFI_OK;
}

static lofi_code merge_symbols(const bpe *model, word *self, lofi_error *err) {
    for (size_t i = 0; i < self->count; i++) LOFI_TRY(offer(model, self, (int64_t)i, err));
    while (self->heap_count > 0) {
        candidate best = pop(self);
        symbol *left = &self->symbols[best.position];
        if (left->id < 0 || left->next < 0) continue;
        symbol *right = &self->symbols[left->next];
        const merge *still = merge_slot(model, left->id, right->id);
        if (still->left < 0 || still->result != best.result) continue;
        left->id = best.result;
        left->next = right->next;
        right->id = -1;
        if (left->next >= 0) self->symbols[left->next].previous = best.position;
        LOFI_TRY(offer(model, self, left->previous, err));
        LOFI_TRY(offer(model, self, best.position, err));
    }
    return LOFI_OK;
}

static lofi_code bpe_encode(const void *data, const char *text, size_t size, lofi_ids *ids, lofi_error *err) {
    const bpe *model = data;
    word self = {0};
    lofi_code code = split_characters(model, &self, text, size, err);
    if (code == LOFI_OK) code = merge_symbols(model, &self, err);
    for (size_t i = 0; i < self.count && code == LOFI_OK; i++)
        if (self.symbols[i].id >= 0) code = lofi_ids_add(ids, self.symbols[i].id, err);
    free(self.symbols);
    free(self.heap);
    return code;
}

static const lofi_token_vocabulary *bpe_vocabulary(const void *data) {
    return ((const bpe *)data)->pieces;
}

static int64_t bpe_size(const void *data) {
    return (int64_t)((const bpe *)data)->count;
}

const lofi_token_model_kind lofi_token_model_bpe = {
    "BPE", bpe_load, bpe_free, bpe_encode, bpe_vocabulary, bpe_size,
};
