/* utf8.h - is a run of bytes valid UTF-8? */
#ifndef LOFI_BASE_UTF8_H
#define LOFI_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* True when the bytes are well-formed UTF-8 (Unicode 15, table 3-7: no overlong forms, no surrogates, at most
 * U+10FFFF). Zero bytes are characters like others. */
bool lofi_utf8_valid(const char *bytes, size_t size);

/* UTF-8 without control characters, zero-terminated: a name that can be shown and kept in JSON. */
bool lofi_utf8_printable(const char *text);

/* Unicode characters of a zero-terminated UTF-8 text. */
size_t lofi_utf8_characters(const char *text);

#endif
