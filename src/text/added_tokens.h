/* added_tokens.h - the "added_tokens" part of a tokenizer.json: tokens that are found in the text before anything else
 * (leftmost, then longest), with their options single_word, lstrip, rstrip and normalized. */
#ifndef LOFI_TEXT_ADDED_TOKENS_H
#define LOFI_TEXT_ADDED_TOKENS_H

#include <jansson.h>

#include "base/error.h"
#include "text/normalizer.h"
#include "text/pieces.h"
#include "text/vocabulary.h"

typedef struct lofi_added_tokens lofi_added_tokens;

/* `json` may be NULL or null: none. `model` is the model's vocabulary with `model_size` ids: a token that is in it has
 * its id from there, the others follow behind; an "id" that says otherwise is an error. */
lofi_code lofi_added_tokens_new(lofi_added_tokens **out, const json_t *json, const lofi_normalizer *normalizer,
                                const lofi_token_vocabulary *model, int64_t model_size, lofi_error *err) LOFI_MUST_USE;
void lofi_added_tokens_free(lofi_added_tokens *tokens); /* NULL is fine */
/* One more than the largest id, or 0. */
int64_t lofi_added_tokens_end(const lofi_added_tokens *tokens);
/* The id of an added token, or -1. */
int64_t lofi_added_tokens_find(const lofi_added_tokens *tokens, const char *text);

/* Cuts the text at the added tokens and normalises what lies between. */
lofi_code lofi_added_tokens_split(const lofi_added_tokens *tokens, const lofi_normalizer *normalizer, const char *text,
                                  size_t size, lofi_pieces *out, lofi_error *err) LOFI_MUST_USE;

#endif
