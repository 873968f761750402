/* small_lyric_vocab.h - a small lyric vocabulary of our own for small models, in the layout of the original's file. */
#ifndef LOFI_TEXT_SMALL_LYRIC_VOCAB_H
#define LOFI_TEXT_SMALL_LYRIC_VOCAB_H

#include <stdint.h>

#include "base/error.h"

/* Writes the file (BPE; [STOP] 0, [UNK] 1, [SPACE] 2, 256 characters and pieces, from 259 on the marks of languages and
 * sections with [START] 261). The same bytes every time. *vocab_size: rows that an embedding needs. */
lofi_code lofi_small_lyric_vocab_write(const char *path, int64_t *vocab_size, lofi_error *err) LOFI_MUST_USE;

#endif
