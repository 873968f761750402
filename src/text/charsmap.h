/* charsmap.h - SentencePiece's precompiled normaliser ("Precompiled" in tokenizer.json).
 *
 * The base64 text holds: the size in bytes of a double-array trie (uint32, little-endian), its units (uint32 each), and
 * zero-terminated replacement texts that its leaves point to. It is applied as the `tokenizers` library does: the text
 * is taken grapheme cluster by grapheme cluster; a cluster of fewer than six bytes for which any rule matches is
 * replaced as a whole by the rule of its SHORTEST matching prefix; otherwise each of its characters is replaced for
 * itself.
 */
#ifndef LOFI_TEXT_CHARSMAP_H
#define LOFI_TEXT_CHARSMAP_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

typedef struct lofi_charsmap lofi_charsmap;

lofi_code lofi_charsmap_new(lofi_charsmap **out, const char *base64, lofi_error *err) LOFI_MUST_USE;
void lofi_charsmap_free(lofi_charsmap *map); /* NULL is fine */
/* Appends the normalised text. `text` must be valid UTF-8. */
lofi_code lofi_charsmap_apply(const lofi_charsmap *map, const char *text, size_t size, lofi_buffer *out,
                              lofi_error *err) LOFI_MUST_USE;

#endif
