/* pretokenizer.c - see pretokenizer.h. A flat list of steps; a kind of step is one row of `kinds`. */
#include "text/pretokenizer.h"

#include "base/json.h"
#include "base/memory.h"
#include "text/byte_level.h"
#include "text/unicode.h"

#define MAX_DEPTH 16
#define MAX_STEPS 256

typedef enum prefix_rule { PREFIX_ALWAYS, PREFIX_FIRST, PREFIX_NEVER } prefix_rule;

typedef struct step step;
typedef lofi_code cut_fn(const step *self, const char *text, size_t size, bool first, lofi_pieces *out,
                         lofi_error *err);

struct step {
    cut_fn *cut;
    char mark[8]; /* Metaspace: what stands for a space */
    size_t mark_size;
    prefix_rule prefix;
    bool split, add_space; /* add_space: ByteLevel */
};

struct lofi_pretokenizer {
    step *steps;
    size_t count, capacity;
};

static lofi_code cut_at_whitespace(const step *self, const char *text, size_t size, bool first, lofi_pieces *out,
                                   lofi_error *err) {
    (void)self;
    size_t begin = 0;
    for (size_t at = 0; at < size;) {
        size_t start = at;
        if (!lofi_is_space(lofi_utf8_next(text, size, &at))) continue;
        LOFI_TRY(lofi_pieces_add(out, text + begin, start - begin, -1, first && begin == 0, err));
        begin = at;
    }
    return lofi_pieces_add(out, text + begin, size - begin, -1, first && begin == 0, err);
}

static int word_class(int32_t character) {
    return lofi_is_space(character) ? 0 : lofi_is_word(character) ? 1 : 2;
}

/* Runs of word characters and runs of what is neither word nor whitespace. */
static lofi_code cut_into_words(const step *self, const char *text, size_t size, bool first, lofi_pieces *out,
                                lofi_error *err) {
    (void)self;
    size_t begin = 0;
    int current = 0;
    for (size_t at = 0; at < size;) {
        size_t start = at;
        int next = word_class(lofi_utf8_next(text, size, &at));
        if (next == current) continue;
        if (current != 0) LOFI_TRY(lofi_pieces_add(out, text + begin, start - begin, -1, first && begin == 0, err));
        begin = start;
        current = next;
    }
    if (current == 0) return LOFI_OK;
    return lofi_pieces_add(out, text + begin, size - begin, -1, first && begin == 0, err);
}

static lofi_code mark_spaces(const step *self, const char *text, size_t size, bool first, lofi_buffer *marked,
                             lofi_error *err) {
    bool has_mark = size > 0 && text[0] == ' ';
    if (size >= self->mark_size && memcmp(text, self->mark, self->mark_size) == 0) has_mark = true;
    bool wanted = self->prefix == PREFIX_ALWAYS || (self->prefix == PREFIX_FIRST && first);
    if (size > 0 && wanted && !has_mark) lofi_buffer_append(marked, self->mark, self->mark_size);
    for (size_t i = 0; i < size; i++) {
        if (text[i] == ' ')
            lofi_buffer_append(marked, self->mark, self->mark_size);
        else
            lofi_buffer_append(marked, text + i, 1);
    }
    return lofi_buffer_check(marked, err);
}

static lofi_code cut_at_marks(const step *self, const lofi_buffer *marked, bool first, lofi_pieces *out,
                              lofi_error *err) {
    const char *text = lofi_buffer_str(marked);
    size_t begin = 0, size = marked->size;
    for (size_t at = self->mark_size; at + self->mark_size <= size; at++) {
        if (memcmp(text + at, self->mark, self->mark_size) != 0) continue;
        if (at <= begin) continue;
        LOFI_TRY(lofi_pieces_add(out, text + begin, at - begin, -1, first && begin == 0, err));
        begin = at;
    }
    return lofi_pieces_add(out, text + begin, size - begin, -1, first && begin == 0, err);
}

static lofi_code cut_metaspace(const step *self, const char *text, size_t size, bool first, lofi_pieces *out,
                               lofi_error *err) {
    lofi_buffer marked = LOFI_BUFFER_INIT;
    lofi_code code = mark_spaces(self, text, size, first, &marked, err);
    if (code == LOFI_OK)
        code = self->split ? cut_at_marks(self, &marked, first, out, err)
                           : lofi_pieces_add(out, lofi_buffer_str(&marked), marked.size, -1, first, err);
    lofi_buffer_free(&marked);
    return code;
}

static lofi_code cut_into_bytes(const step *self, const char *text, size_t size, bool first, lofi_pieces *out,
                                lofi_error *err) {
    return lofi_byte_level_cut(out, text, size, first, self->add_space, self->split, err);
}

static lofi_code load_byte_level(step *self, const json_t *json, lofi_error *err) {
    self->cut = cut_into_bytes;
    LOFI_TRY(lofi_json_bool_or(&self->add_space, json, "add_prefix_space", true, "pre_tokenizer ByteLevel", err));
    return lofi_json_bool_or(&self->split, json, "use_regex", true, "pre_tokenizer ByteLevel", err);
}

static lofi_code load_whitespace_split(step *self, const json_t *json, lofi_error *err) {
    (void)json;
    (void)err;
    self->cut = cut_at_whitespace;
    return LOFI_OK;
}

static lofi_code load_whitespace(step *self, const json_t *json, lofi_error *err) {
    (void)json;
    (void)err;
    self->cut = cut_into_words;
    return LOFI_OK;
}

static lofi_code load_prefix(step *self, const json_t *json, lofi_error *err) {
    const char *scheme = NULL;
    bool add = true;
    LOFI_TRY(lofi_json_string_or(&scheme, json, "prepend_scheme", "always", "pre_tokenizer Metaspace", err));
    LOFI_TRY(lofi_json_bool_or(&add, json, "add_prefix_space", true, "pre_tokenizer Metaspace", err));
    if (strcmp(scheme, "always") == 0)
        self->prefix = PREFIX_ALWAYS;
    else if (strcmp(scheme, "first") == 0)
        self->prefix = PREFIX_FIRST;
    else if (strcmp(scheme, "never") == 0)
        self->prefix = PREFIX_NEVER;
    else
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED,
                         "pre_tokenizer Metaspace has prepend_scheme '%s', which is not known", scheme);
    if (!add && self->prefix != PREFIX_NEVER)
        return lofi_fail(err, LOFI_ERR_FORMAT,
                         "pre_tokenizer Metaspace: add_prefix_space false contradicts prepend_scheme '%s'", scheme);
    return LOFI_OK;
}

static lofi_code load_metaspace(step *self, const json_t *json, lofi_error *err) {
    const char *mark = NULL;
    LOFI_TRY(lofi_json_string(&mark, json, "replacement", "pre_tokenizer Metaspace", err));
    size_t size = strlen(mark), end = 0;
    if (size > 0) (void)lofi_utf8_next(mark, size, &end);
    if (size == 0 || end != size)
        return lofi_fail(err, LOFI_ERR_FORMAT, "pre_tokenizer Metaspace: 'replacement' must be one character");
    memcpy(self->mark, mark, size);
    self->mark_size = size;
    self->cut = cut_metaspace;
    LOFI_TRY(lofi_json_bool_or(&self->split, json, "split", true, "pre_tokenizer Metaspace", err));
    return load_prefix(self, json, err);
}

static const struct {
    const char *name;
    lofi_code (*load)(step *self, const json_t *json, lofi_error *err);
} kinds[] = {
    {"WhitespaceSplit", load_whitespace_split},
    {"Whitespace", load_whitespace},
    {"Metaspace", load_metaspace},
    {"ByteLevel", load_byte_level},
};

static lofi_code load_step(lofi_pretokenizer *pretokenizer, const char *type, const json_t *json, lofi_error *err) {
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, type) != 0) continue;
        void *steps = pretokenizer->steps;
        LOFI_TRY(lofi_grow(&steps, &pretokenizer->capacity, pretokenizer->count + 1, sizeof(step), MAX_STEPS, err));
        pretokenizer->steps = steps;
        step *self = &pretokenizer->steps[pretokenizer->count++];
        *self = (step){0};
        LOFI_TRY(kinds[i].load(self, json, err));
        /* What "first" means behind a cut depends on the library's bookkeeping of original places. */
        if (self->prefix == PREFIX_FIRST && pretokenizer->count > 1)
            return lofi_fail(err, LOFI_ERR_UNSUPPORTED,
                             "pre_tokenizer Metaspace with prepend_scheme 'first' behind another one is not supported");
        return LOFI_OK;
    }
    return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "pre_tokenizer '%s' is not supported", type);
}

static lofi_code load(lofi_pretokenizer *pretokenizer, const json_t *json, int depth, lofi_error *err) {
    const char *type = NULL;
    if (depth > MAX_DEPTH) return lofi_fail(err, LOFI_ERR_FORMAT, "pre_tokenizers are nested too deeply");
    LOFI_TRY(lofi_json_string(&type, json, "type", "pre_tokenizer", err));
    if (strcmp(type, "Sequence") != 0) return load_step(pretokenizer, type, json, err);
    const json_t *list = NULL;
    LOFI_TRY(lofi_json_array(&list, json, "pretokenizers", "pre_tokenizer Sequence", err));
    for (size_t i = 0; i < json_array_size(list); i++)
        LOFI_TRY(load(pretokenizer, json_array_get(list, i), depth + 1, err));
    return LOFI_OK;
}

lofi_code lofi_pretokenizer_new(lofi_pretokenizer **out, const json_t *json, lofi_error *err) {
    lofi_pretokenizer *pretokenizer = calloc(1, sizeof *pretokenizer);
    if (pretokenizer == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate a pre-tokenizer");
    if (json != NULL && !json_is_null(json)) {
        lofi_code code = load(pretokenizer, json, 0, err);
        if (code != LOFI_OK) {
            lofi_pretokenizer_free(pretokenizer);
            return code;
        }
    }
    *out = pretokenizer;
    return LOFI_OK;
}

void lofi_pretokenizer_free(lofi_pretokenizer *pretokenizer) {
    if (pretokenizer == NULL) return;
    free(pretokenizer->steps);
    free(pretokenizer);
}

static lofi_code apply_step(const step *self, const lofi_pieces *in, lofi_pieces *out, lofi_error *err) {
    for (size_t i = 0; i < in->count; i++) {
        const lofi_piece *piece = &in->items[i];
        const char *text = lofi_piece_text(in, i);
        if (piece->id >= 0)
            LOFI_TRY(lofi_pieces_add(out, text, piece->size, piece->id, piece->first, err));
        else
            LOFI_TRY(self->cut(self, text, piece->size, piece->first, out, err));
    }
    return LOFI_OK;
}

lofi_code lofi_pretokenizer_apply(const lofi_pretokenizer *pretokenizer, lofi_pieces *pieces, lofi_error *err) {
    lofi_pieces next = LOFI_PIECES_INIT;
    lofi_code code = LOFI_OK;
    for (size_t i = 0; i < pretokenizer->count && code == LOFI_OK; i++) {
        lofi_pieces_clear(&next);
        code = apply_step(&pretokenizer->steps[i], pieces, &next, err);
        lofi_pieces_swap(pieces, &next);
    }
    lofi_pieces_free(&next);
    return code;
}
