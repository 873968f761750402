/* prompt.h - the prompt of a track: one line of tags.
 *
 * Order: genre, mood, instruments, tempo, production, atmosphere, vocal type; separated by comma and space; no tag twice.
 *
 * Moods: those that the style always has, and one of its mood options. Tempo: a whole number of its range ("85 bpm") and
 * the word for it ("medium tempo"). Both are drawn from the track id alone (LOFI_RANDOM_PROMPT, seeded with the 64-bit
 * FNV-1a hash of the id): the same track and styles give the same line on every machine.
 *
 * Several styles: the first leads. Each category takes the first tag of every style, then the second of every style, and
 * so on; the mood option is the leading style's; the range of the tempo is the leading style's, narrowed by every
 * further one that overlaps with what is left; "instrumental" goes when another style has a voice.
 *
 * Length: the trainer reads 256 characters and cuts the rest, after it has shuffled the tags, so anything could be cut.
 * A line that would be longer loses whole tags, the least important first: the word for the tempo, then one by one the last tag of
 * whichever of production, atmosphere, instruments, mood, genre has most tags (that order among equals); at least one of each stays,
 * and the number of the tempo and the vocal types always do.
 */
#ifndef LOFI_CATALOG_PROMPT_H
#define LOFI_CATALOG_PROMPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "catalog/mapping.h"
#include "catalog/styles.h"

#define LOFI_PROMPT_CHARACTERS_MAX 256 /* Unicode characters that reach the text encoder */

/* Appends the line, without newline, to `prompt`, and what did not fit, separated in the same way, to `left_out`.
 * styles: 1 to LOFI_TRACK_STYLES_MAX, the leading one first. */
lofi_code lofi_prompt_build(lofi_buffer *prompt, lofi_buffer *left_out, const char *track_id,
                            const lofi_style *const *styles, size_t count, lofi_error *err) LOFI_MUST_USE;

/* Unicode characters of UTF-8 text. */
size_t lofi_prompt_characters(const char *text);

#endif
