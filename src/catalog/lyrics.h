/* lyrics.h - lyrics files: "[Instrumental]" alone, or sections such as [Intro] [Verse] [Chorus] [Bridge] [Outro].
 *
 * Lyrics that somebody gave are never changed: this program writes the one line for music without words, and only where
 * nothing stands.
 */
#ifndef LOFI_CATALOG_LYRICS_H
#define LOFI_CATALOG_LYRICS_H

#include <stdbool.h>
#include <stddef.h>

/* What a lyrics file of a track without words holds. */
#define LOFI_LYRICS_INSTRUMENTAL "[Instrumental]\n"

/* Whether a text says that there are no words: nothing but white space and "[Instrumental]", in any case of letters. */
bool lofi_lyrics_are_instrumental(const char *text, size_t size);

#endif
