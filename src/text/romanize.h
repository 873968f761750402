/* romanize.h - Korean, Chinese and Japanese text in Latin letters, as upstream's lyrics are written. Private to text/.
 *
 * Korean is a rule (hangul-romanize's academic one). Chinese needs readings of characters and phrases (pypinyin's data
 * files), Japanese a dictionary (MeCab with UniDic): both are looked for when they are first needed.
 */
#ifndef LOFI_TEXT_ROMANIZE_H
#define LOFI_TEXT_ROMANIZE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

/* What was found on this machine; opened when a line needs it. Not to be shared between threads. */
typedef struct lofi_romanizers lofi_romanizers;

lofi_code lofi_romanizers_open(lofi_romanizers **out, lofi_error *err) LOFI_MUST_USE;
void lofi_romanizers_free(lofi_romanizers *romanizers); /* NULL is fine */

/* All three append to `out`; `text` is valid UTF-8. *exact says whether upstream would write the same. */
typedef lofi_code lofi_romanize_fn(lofi_romanizers *romanizers, const char *text, size_t size, lofi_buffer *out,
                                   bool *exact, lofi_error *err);
lofi_romanize_fn lofi_romanize_ko, lofi_romanize_zh, lofi_romanize_ja;

/* ---- Chinese readings ---- */

/* pinyin_dict.json and phrases_dict.json of the pypinyin package (0.53.0). */
typedef struct lofi_pinyin lofi_pinyin;
/* LOFI_ERR_NOT_FOUND when `folder` has no such files. */
lofi_code lofi_pinyin_open(lofi_pinyin **out, const char *folder, lofi_error *err) LOFI_MUST_USE;
void lofi_pinyin_free(lofi_pinyin *pinyin); /* NULL is fine */
/* Longest phrases first, syllables with their tone behind them, 5 for none. */
lofi_code lofi_pinyin_write(const lofi_pinyin *pinyin, const char *text, size_t size, lofi_buffer *out,
                            lofi_error *err) LOFI_MUST_USE;
/* Character by character, with ICU's readings. */
lofi_code lofi_pinyin_write_plain(const char *text, size_t size, lofi_buffer *out, lofi_error *err) LOFI_MUST_USE;

/* ---- Chinese numbers ---- */

/* Numbers, dates, amounts and telephone numbers in characters, punctuation as commas (zh_num2words.py). */
lofi_code lofi_chinese_numbers(lofi_buffer *text, lofi_error *err) LOFI_MUST_USE;

#endif
