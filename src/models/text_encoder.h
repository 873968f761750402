/* text_encoder.h - a prompt to text states: tokenizer and UMT5 together, as the pipeline and the trainer use them.
 *
 * At most LOFI_TEXT_MAX_TOKENS tokens, the end token included (acestep: truncation, max_length=256).
 */
#ifndef LOFI_MODELS_TEXT_ENCODER_H
#define LOFI_MODELS_TEXT_ENCODER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"

#define LOFI_TEXT_MAX_TOKENS 256

typedef struct lofi_text_encoder lofi_text_encoder;

/* folder: the component's (config.json, weights, tokenizer.json). threads 0: all. *out is yours. */
lofi_code lofi_text_encoder_open(lofi_text_encoder **out, const char *folder, int threads,
                                 lofi_error *err) LOFI_MUST_USE;
void lofi_text_encoder_close(lofi_text_encoder *encoder); /* NULL is fine */

int64_t lofi_text_encoder_width(const lofi_text_encoder *encoder);
/* states: [*tokens, width], borrowed until the next call; every token is valid (its mask is 1). */
lofi_code lofi_text_encoder_run(lofi_text_encoder *encoder, const char *prompt, const float **states, int64_t *tokens,
                                lofi_error *err) LOFI_MUST_USE;

/* The same with the queries of layers 8 and 9 weakened: what entropy rectifying guidance compares with (acestep:
 * get_text_embeddings_null). LOFI_ERR_UNSUPPORTED when the encoder has no such layers. */
lofi_code lofi_text_encoder_run_weakened(lofi_text_encoder *encoder, const char *prompt, const float **states,
                                         int64_t *tokens, lofi_error *err) LOFI_MUST_USE;
bool lofi_text_encoder_can_weaken(const lofi_text_encoder *encoder);
/* How many tokens the prompt has before it is cut, the end token included. */
lofi_code lofi_text_encoder_count(const lofi_text_encoder *encoder, const char *prompt, int64_t *tokens,
                                  lofi_error *err) LOFI_MUST_USE;

/* SHA-256 of everything that the states depend on besides the prompt: tokenizer, config and weights. Reads them once. */
lofi_code lofi_text_encoder_hash(const lofi_text_encoder *encoder, char hex[LOFI_SHA256_HEX],
                                 lofi_error *err) LOFI_MUST_USE;

#endif
