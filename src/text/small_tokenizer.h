/* small_tokenizer.h - a small text tokenizer of our own for small models, in the layout of umt5-base's files. */
#ifndef LOFI_TEXT_SMALL_TOKENIZER_H
#define LOFI_TEXT_SMALL_TOKENIZER_H

#include <stdint.h>

#include "base/error.h"

/* Writes tokenizer.json (Unigram with byte fallback; <pad> 0, </s> 1, <unk> 2), tokenizer_config.json and
 * special_tokens_map.json into a folder that is there. The same bytes every time. transformers' AutoTokenizer opens it
 * as T5TokenizerFast. *vocab_size: rows that an embedding needs. */
lofi_code lofi_small_tokenizer_write(const char *folder, int64_t *vocab_size, lofi_error *err) LOFI_MUST_USE;

#endif
