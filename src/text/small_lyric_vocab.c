/* small_lyric_vocab.c - see small_lyric_vocab.h. */
#include "text/small_lyric_vocab.h"

#include <assert.h>
#include <jansson.h>

#include "base/json.h"
#include "text/unicode.h"

#define FIRST_MARK 259 /* where the original's marks begin; [START] must be 261 */

/* Every character is a piece. */
static const char *const characters = "abcdefghijklmnopqrstuvwxyz0123456789!\"'(),-./"
                                      ":;?&+*=~_`<>|¡¿…àáâãäåæçèéêëìíîïñòóôõöøùúûüýœßąćęłńśźżčďěňřšťůžğışőű";

/* Their beginnings become pieces, each by one merge more, until there are enough. */
static const char *const words = "the and ing you er in on re an to of it is me he ou at or en th st nd ll not be we "
                                 "my no so la go one two all her his "
                                 "for with rain night love time down light home still again never window music heart "
                                 "slow blue when will where here have "
                                 "this that what your from come over under word song sing dream moon star city street "
                                 "late long last hold keep left want "
                                 "know feel away gone door cold warm soft hush ooh yeah oh que der die das und les des "
                                 "che una por mais minha noche amor";

static const char *const marks = "[en] [de] [START] [fr] [es] [it] [pt] [pl] [tr] [ru] [cs] [nl] [ar] [zh-cn] [ja] "
                                 "[hu] [ko] [hi] [start] [intro] [verse] "
                                 "[chorus] [bridge] [outro] [end] [inst] [solo] [hook] [pre-chorus] [break]";

typedef struct builder {
    json_t *vocab, *merges, *added;
    int64_t count;
} builder;

static void add_mark(builder *self, const char *content) {
    json_object_set_new(self->vocab, content, json_integer(self->count));
    json_array_append_new(self->added,
                          json_pack("{s:I,s:s,s:b,s:b,s:b,s:b,s:b}", "id", (json_int_t)self->count, "content", content,
                                    "single_word", 0, "lstrip", 0, "rstrip", 0, "normalized", 0, "special", 1));
    self->count++;
}

static void add_characters(builder *self) {
    size_t size = strlen(characters);
    for (size_t at = 0; at < size;) {
        size_t start = at;
        (void)lofi_utf8_next(characters, size, &at);
        char piece[8];
        snprintf(piece, sizeof piece, "%.*s", (int)(at - start), characters + start);
        assert(json_object_get(self->vocab, piece) == NULL);
        json_object_set_new(self->vocab, piece, json_integer(self->count++));
    }
}

/* The beginnings of one word of ASCII letters. */
static void add_word(builder *self, const char *word, size_t size) {
    for (size_t length = 2; length <= size && self->count < FIRST_MARK; length++) {
        char piece[32], left[32];
        snprintf(piece, sizeof piece, "%.*s", (int)length, word);
        snprintf(left, sizeof left, "%.*s", (int)length - 1, word);
        if (json_object_get(self->vocab, piece) != NULL) continue;
        json_object_set_new(self->vocab, piece, json_integer(self->count++));
        json_array_append_new(self->merges, json_pack("[s,s]", left, (const char[]){word[length - 1], '\0'}));
    }
}

static void fill(builder *self) {
    add_mark(self, "[STOP]");
    add_mark(self, "[UNK]");
    add_mark(self, "[SPACE]");
    add_characters(self);
    for (const char *word = words; *word != '\0'; word += strspn(word, " ")) {
        size_t size = strcspn(word, " ");
        add_word(self, word, size);
        word += size;
    }
    assert(self->count == FIRST_MARK);
    for (const char *mark = marks; *mark != '\0'; mark += strspn(mark, " ")) {
        char content[32];
        size_t size = strcspn(mark, " ");
        snprintf(content, sizeof content, "%.*s", (int)size, mark);
        add_mark(self, content);
        mark += size;
    }
}

lofi_code lofi_small_lyric_vocab_write(const char *path, int64_t *vocab_size, lofi_error *err) {
    builder self = {json_object(), json_array(), json_array(), 0};
    fill(&self);
    json_t *document = json_pack("{s:s,s:n,s:n,s:o,s:n,s:{s:s},s:n,s:n,s:{s:s,s:n,s:s,s:n,s:n,s:b,s:b,s:b,s:o,s:o}}",
                                 "version", "1.0", "truncation", "padding", "added_tokens", self.added, "normalizer",
                                 "pre_tokenizer", "type", "Whitespace", "post_processor", "decoder", "model", "type",
                                 "BPE", "dropout", "unk_token", "[UNK]", "continuing_subword_prefix",
                                 "end_of_word_suffix", "fuse_unk", 0, "byte_fallback", 0, "ignore_merges", 0, "vocab",
                                 self.vocab, "merges", self.merges);
    if (document == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate a lyric vocabulary");
    lofi_code code = lofi_json_save(document, path, err);
    json_decref(document);
    if (code == LOFI_OK) *vocab_size = self.count;
    return code;
}
