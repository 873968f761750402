/* tokenizer.h - text to token ids as a tokenizer.json says, the same ids as Hugging Face's `tokenizers` library gives.
 *
 * The steps: added tokens are found in the text, what lies between is normalised (normalizer.h), cut (pretokenizer.h),
 * and turned into tokens by the model (token_model.h: Unigram for UMT5, BPE for lyrics and CLAP); then the
 * post-processor puts special tokens around (TemplateProcessing, RobertaProcessing, or none). The "truncation", "padding" and "decoder" parts of
 * the file are not used: how many tokens are wanted is said at the call. Any part of a kind that is not known is
 * refused by name when the file is opened. A tokenizer may be used by several threads.
 */
#ifndef LOFI_TEXT_TOKENIZER_H
#define LOFI_TEXT_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct lofi_tokenizer lofi_tokenizer;

/* *out is yours: lofi_tokenizer_free. */
lofi_code lofi_tokenizer_open(lofi_tokenizer **out, const char *path, lofi_error *err) LOFI_MUST_USE;
void lofi_tokenizer_free(lofi_tokenizer *tokenizer); /* NULL is fine */

/* The ids of `text` (UTF-8, zero-terminated) with the special tokens of the template. max_tokens > 0: at most so many,
 * the text's last tokens are left out, the special tokens stay; 0: all. *ids is yours (free()), never NULL; *count may
 * be 0. LOFI_ERR_FORMAT when the text is not valid UTF-8, LOFI_ERR_USAGE when max_tokens has no room for the special
 * tokens. */
lofi_code lofi_tokenizer_encode(const lofi_tokenizer *tokenizer, const char *text, size_t max_tokens, int64_t **ids,
                                size_t *count, lofi_error *err) LOFI_MUST_USE;

/* How many ids that would be with max_tokens 0. */
lofi_code lofi_tokenizer_count(const lofi_tokenizer *tokenizer, const char *text, int64_t *count,
                               lofi_error *err) LOFI_MUST_USE;

/* One more than the largest id: what an embedding table must have rows for. */
int64_t lofi_tokenizer_vocab_size(const lofi_tokenizer *tokenizer);
/* The id of a token by its exact text ("</s>"), or -1. */
int64_t lofi_tokenizer_token_id(const lofi_tokenizer *tokenizer, const char *token);
/* The id of "<pad>", or 0 when there is none. */
int64_t lofi_tokenizer_pad_id(const lofi_tokenizer *tokenizer);

#endif
