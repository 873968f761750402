/* japanese.h - Japanese lines in romaji through MeCab (an optional library) and a UniDic the user has. Private to text/. */
#ifndef LOFI_TEXT_JAPANESE_H
#define LOFI_TEXT_JAPANESE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "text/number_text.h"

typedef struct lofi_japanese lofi_japanese;

/* Whether the program was built with MeCab. */
bool lofi_japanese_built_in(void);
/* `folder` holds a compiled UniDic (sys.dic, matrix.bin, ...). LOFI_ERR_UNSUPPORTED without MeCab. */
lofi_code lofi_japanese_open(lofi_japanese **out, const char *folder, lofi_error *err) LOFI_MUST_USE;
void lofi_japanese_free(lofi_japanese *japanese); /* NULL is fine */
/* Appends one line. *exact is false when a character has no romaji. */
lofi_code lofi_japanese_write(const lofi_japanese *japanese, const char *text, size_t size, lofi_buffer *out,
                              bool *exact, lofi_error *err) LOFI_MUST_USE;

#endif
