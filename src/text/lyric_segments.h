/* lyric_segments.h - how upstream cuts and respaces English lyrics before it spells them
 * (acestep/language_segmentation/LangSegment.py), as far as that does not depend on its language model: spaces around
 * numbers, after sentences and before capitals inside words; numbers at the beginning of a line become a line of their
 * own unless a word follows them directly; empty lines at the beginning are left out.
 */
#ifndef LOFI_TEXT_LYRIC_SEGMENTS_H
#define LOFI_TEXT_LYRIC_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "text/langid_model.h"

#define LOFI_SEGMENT_BREAK   '\x01' /* a line ends here, but not in the original */
#define LOFI_SEGMENT_DROPPED '\x02' /* a line of the original that is left out ended here */

/* Whether these rules hold: no tags in angle brackets, and only letters a-z and accented small Latin-1 letters; with a model
 * any Latin letters. */
bool lofi_lyric_segments_apply(const char *lyrics, size_t size, bool with_model);
/* Appends the respaced text; its lines end in newlines and in the two marks above. With a model (NULL: all is English)
 * every sentence has the language it hears, and *dominant is the code of the language that most characters are in. */
lofi_code lofi_lyric_segments_cut(const char *lyrics, size_t size, const lofi_langid *model, lofi_buffer *out,
                                  const char **dominant, lofi_error *err) LOFI_MUST_USE;

#endif
