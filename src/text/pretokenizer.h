/* pretokenizer.h - the "pre_tokenizer" part of a tokenizer.json: cuts text before the model sees it.
 *
 * Known: Sequence, WhitespaceSplit, Whitespace, Metaspace (both spellings: add_prefix_space, prepend_scheme),
 * ByteLevel (byte_level.h).
 * Anything else is refused by its name.
 */
#ifndef LOFI_TEXT_PRETOKENIZER_H
#define LOFI_TEXT_PRETOKENIZER_H

#include <jansson.h>

#include "base/error.h"
#include "text/pieces.h"

typedef struct lofi_pretokenizer lofi_pretokenizer;

/* `json` may be NULL or null: pieces stay as they are. */
lofi_code lofi_pretokenizer_new(lofi_pretokenizer **out, const json_t *json, lofi_error *err) LOFI_MUST_USE;
void lofi_pretokenizer_free(lofi_pretokenizer *pretokenizer); /* NULL is fine */
/* Cuts every piece that is no added token. */
lofi_code lofi_pretokenizer_apply(const lofi_pretokenizer *pretokenizer, lofi_pieces *pieces,
                                  lofi_error *err) LOFI_MUST_USE;

#endif
