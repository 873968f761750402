/* vocabulary.h - a table from pieces of text to ids: what a tokenizer knows. Open addressing, FNV-1a. */
#ifndef LOFI_TEXT_VOCABULARY_H
#define LOFI_TEXT_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct lofi_token_vocabulary lofi_token_vocabulary;

lofi_code lofi_token_vocabulary_new(lofi_token_vocabulary **out, size_t expected, lofi_error *err) LOFI_MUST_USE;
void lofi_token_vocabulary_free(lofi_token_vocabulary *vocabulary); /* NULL is fine */

/* The bytes are copied. A piece that is there already gets the new id. */
lofi_code lofi_token_vocabulary_set(lofi_token_vocabulary *vocabulary, const char *text, size_t size, int64_t id,
                                    lofi_error *err) LOFI_MUST_USE;
/* The id, or -1. */
int64_t lofi_token_vocabulary_find(const lofi_token_vocabulary *vocabulary, const char *text, size_t size);
/* How many different pieces. */
size_t lofi_token_vocabulary_count(const lofi_token_vocabulary *vocabulary);

/* All pieces that `text` begins with, shortest first:
 *     lofi_prefixes search = lofi_prefixes_of(vocabulary, text, size);
 *     while (lofi_prefixes_next(&search)) use search.size and search.id */
typedef struct lofi_prefixes {
    const lofi_token_vocabulary *vocabulary;
    const char *text;
    size_t limit; /* no piece is longer */
    size_t size;  /* bytes of the piece found last */
    int64_t id;   /* its id */
    uint64_t hash;
} lofi_prefixes;
lofi_prefixes lofi_prefixes_of(const lofi_token_vocabulary *vocabulary, const char *text, size_t size);
bool lofi_prefixes_next(lofi_prefixes *search);

#endif
