/* utf8.c - checks UTF-8 byte by byte. */
#include "base/utf8.h"

#include <string.h>

/* Bytes of the well-formed character that starts at `at`, 0 when there is none; `left` bytes are there. */
static size_t character_bytes(const unsigned char *at, size_t left) {
    unsigned char lead = at[0], low = 0x80, high = 0xbf;
    if (lead < 0x80) return 1;
    if (lead < 0xc2 || lead > 0xf4) return 0;
    size_t bytes = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (bytes > left) return 0;
    if (lead == 0xe0) low = 0xa0;  /* overlong */
    if (lead == 0xed) high = 0x9f; /* surrogates */
    if (lead == 0xf0) low = 0x90;  /* overlong */
    if (lead == 0xf4) high = 0x8f; /* past U+10FFFF */
    if (at[1] < low || at[1] > high) return 0;
    for (size_t i = 2; i < bytes; i++)
        if (at[i] < 0x80 || at[i] > 0xbf) return 0;
    return bytes;
}

bool lofi_utf8_valid(const char *bytes, size_t size) {
    const unsigned char *at = (const unsigned char *)bytes;
    while (size > 0) {
        size_t step = character_bytes(at, size);
        if (step == 0) return false;
        at += step;
        size -= step;
    }
    return true;
}

bool lofi_utf8_printable(const char *text) {
    for (const char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f) return false;
    return lofi_utf8_valid(text, strlen(text));
}

size_t lofi_utf8_characters(const char *text) {
    size_t count = 0;
    for (; *text; text++) count += ((unsigned char)*text & 0xC0) != 0x80;
    return count;
}
