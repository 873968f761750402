/* byte_level.h - the ByteLevel pre-tokenizer of the `tokenizers` library, as GPT-2 and RoBERTa have it. Private to text/.
 *
 * Text is cut by the expression
 *     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 * and every byte of a part becomes one character: printable ones of Latin-1 themselves, the others U+0100 and up in their order.
 */
#ifndef LOFI_TEXT_BYTE_LEVEL_H
#define LOFI_TEXT_BYTE_LEVEL_H

#include "text/pieces.h"

/* Cuts valid UTF-8 (only where `split`), with a space before it where `prefix` and there is none. */
lofi_code lofi_byte_level_cut(lofi_pieces *out, const char *text, size_t size, bool first, bool prefix, bool split,
                              lofi_error *err) LOFI_MUST_USE;

#endif
