/* unicode.h - UTF-8 and UTF-16 text, character classes and case, through ICU. Private to text/. */
#ifndef LOFI_TEXT_UNICODE_H
#define LOFI_TEXT_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unicode/utypes.h>

#include "base/buffer.h"
#include "base/error.h"

/* ---- UTF-8 ---- */

/* LOFI_ERR_FORMAT naming the first bad byte when `text` is not valid UTF-8. */
lofi_code lofi_utf8_check(const char *text, size_t size, const char *what, lofi_error *err) LOFI_MUST_USE;
/* The character at *position, which moves behind it. The text must be valid UTF-8 and *position < size. */
int32_t lofi_utf8_next(const char *text, size_t size, size_t *position);
void lofi_utf8_append(lofi_buffer *buffer, int32_t character);

/* ---- character classes ---- */

/* Unicode's White_Space property: what the `tokenizers` library calls whitespace. */
bool lofi_is_space(int32_t character);
bool lofi_is_letter(int32_t character);
/* A \w of Unicode regular expressions (UTS #18): alphabetic, mark, decimal digit, connector, join control. */
bool lofi_is_word(int32_t character);

/* ---- UTF-16, as ICU's string functions want it ---- */

typedef struct lofi_utf16 {
    UChar *data; /* NULL while empty */
    size_t size, capacity;
} lofi_utf16;

#define LOFI_UTF16_INIT                                                                                                \
    { NULL, 0, 0 }

void lofi_utf16_free(lofi_utf16 *text);
void lofi_utf16_swap(lofi_utf16 *a, lofi_utf16 *b);
lofi_code lofi_utf16_append(lofi_utf16 *text, const UChar *units, size_t count, lofi_error *err) LOFI_MUST_USE;
/* Appends valid UTF-8. */
lofi_code lofi_utf16_append_utf8(lofi_utf16 *text, const char *utf8, size_t size, lofi_error *err) LOFI_MUST_USE;
/* Appends to a buffer of UTF-8. */
lofi_code lofi_utf16_to_utf8(lofi_buffer *out, const UChar *units, size_t count, lofi_error *err) LOFI_MUST_USE;
/* Full lower case, independent of the locale (as Python's str.lower). */
lofi_code lofi_utf16_lower(lofi_utf16 *text, lofi_error *err) LOFI_MUST_USE;

typedef enum lofi_normal_form { LOFI_NFC, LOFI_NFD, LOFI_NFKC, LOFI_NFKD } lofi_normal_form;
lofi_code lofi_utf16_normalize(lofi_utf16 *text, lofi_normal_form form, lofi_error *err) LOFI_MUST_USE;

/* LOFI_OK, or a failure naming ICU's error and `what` was being done. */
lofi_code lofi_icu_check(UErrorCode status, const char *what, lofi_error *err) LOFI_MUST_USE;

#endif
