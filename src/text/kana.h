/* kana.h - kana in Hepburn romaji, as the `cutlet` package has it. Private to text/. */
#ifndef LOFI_TEXT_KANA_H
#define LOFI_TEXT_KANA_H

#include <stdbool.h>

#include "base/buffer.h"

/* Appends hiragana or katakana in romaji; a small tsu at the end stays as it is. False when a character has none. */
bool lofi_kana_write(const char *kana, lofi_buffer *out);
/* What is written for a punctuation mark, "" for those that are left out. */
const char *lofi_kana_symbol(const char *mark);
/* Ends in a small tsu that waits for the next word. */
bool lofi_kana_is_open(const lofi_buffer *romaji);

#endif
