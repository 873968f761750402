/* language_guess.h - which language a text in Latin letters is in, through libexttextcat (an optional library) and the
 * fingerprints that come with it. Private to text/.
 */
#ifndef LOFI_TEXT_LANGUAGE_GUESS_H
#define LOFI_TEXT_LANGUAGE_GUESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

typedef struct lofi_language_guesser lofi_language_guesser;

/* Opens nothing yet: the fingerprints are read by the first guess. */
lofi_code lofi_language_guesser_open(lofi_language_guesser **out, lofi_error *err) LOFI_MUST_USE;
void lofi_language_guesser_free(lofi_language_guesser *guesser); /* NULL is fine */
/* A code such as "es" of a language that lyrics can be in; "en" while English (or Scots) is among the likely ones; NULL when
 * the text is too short or too mixed, or when library or fingerprints are missing. Not to be freed. */
const char *lofi_language_guess(lofi_language_guesser *guesser, const char *text, size_t size);
/* Whether library and fingerprints are there. */
bool lofi_language_guesser_works(lofi_language_guesser *guesser);

#endif
