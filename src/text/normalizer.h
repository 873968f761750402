/* normalizer.h - the "normalizer" part of a tokenizer.json.
 *
 * Known: Sequence, Precompiled, NFC, NFD, NFKC, NFKD, Lowercase, Strip, Prepend, and Replace with a String pattern or
 * with a Regex of the form X+ or X{n,} (X one plain character or \s). Anything else is refused by its name.
 *
 * NFC, NFD, NFKC and NFKD are ICU's; the library's tables are of an older Unicode, so the order of combining marks that
 * later versions of Unicode changed (such as U+0EBA) may differ. Precompiled brings its own tables and is exact.
 */
#ifndef LOFI_TEXT_NORMALIZER_H
#define LOFI_TEXT_NORMALIZER_H

#include <jansson.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

typedef struct lofi_normalizer lofi_normalizer;

/* `json` may be NULL or null: text stays as it is. */
lofi_code lofi_normalizer_new(lofi_normalizer **out, const json_t *json, lofi_error *err) LOFI_MUST_USE;
void lofi_normalizer_free(lofi_normalizer *normalizer); /* NULL is fine */
/* No text may be longer than this before, between or after the steps: replacements can multiply a text, one step after the
 * other, and a damaged file must not take all memory. A prompt ends at 256 tokens. */
#define LOFI_NORMALIZER_MAX_BYTES ((size_t)4 << 20)
/* Replaces *out by the normalised text. `text` must be valid UTF-8 and not lie in *out. LOFI_ERR_MEMORY when it grows beyond
 * LOFI_NORMALIZER_MAX_BYTES. */
lofi_code lofi_normalizer_apply(const lofi_normalizer *normalizer, const char *text, size_t size, lofi_buffer *out,
                                lofi_error *err) LOFI_MUST_USE;

#endif
