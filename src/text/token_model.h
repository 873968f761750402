/* token_model.h - the "model" part of a tokenizer.json: cuts one piece of text into tokens. A kind of model is one file
 * with one exported descriptor; token_model.c lists them. */
#ifndef LOFI_TEXT_TOKEN_MODEL_H
#define LOFI_TEXT_TOKEN_MODEL_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"
#include "text/pieces.h"
#include "text/vocabulary.h"

typedef struct lofi_token_model lofi_token_model;

typedef struct lofi_token_model_kind {
    const char *name; /* "type" in the file */
    /* `data` is the model's own; freed by `free`, which takes NULL. */
    lofi_code (*load)(void **data, const json_t *json, lofi_error *err);
    void (*free)(void *data);
    lofi_code (*encode)(const void *data, const char *text, size_t size, lofi_ids *ids, lofi_error *err);
    const lofi_token_vocabulary *(*vocabulary)(const void *data);
    int64_t (*size)(const void *data); /* how many entries the vocabulary lists */
} lofi_token_model_kind;

extern const lofi_token_model_kind lofi_token_model_unigram; /* unigram.c: the best path by the pieces' scores */
extern const lofi_token_model_kind lofi_token_model_bpe;     /* bpe.c: characters merged pair by pair */

lofi_code lofi_token_model_new(lofi_token_model **out, const json_t *json, lofi_error *err) LOFI_MUST_USE;
void lofi_token_model_free(lofi_token_model *model); /* NULL is fine */
/* Appends the tokens of one piece (valid UTF-8). */
lofi_code lofi_token_model_encode(const lofi_token_model *model, const char *text, size_t size, lofi_ids *ids,
                                  lofi_error *err) LOFI_MUST_USE;
const lofi_token_vocabulary *lofi_token_model_vocabulary(const lofi_token_model *model);
int64_t lofi_token_model_size(const lofi_token_model *model);

#endif
