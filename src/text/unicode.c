/* unicode.c - see unicode.h. */
#include "text/unicode.h"

#include <assert.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utf8.h>

#include "base/memory.h"

/* ICU counts in int32_t; half of that leaves room for what case mapping and normalising add. */
#define MAX_UNITS ((size_t)1 << 28)

lofi_code lofi_icu_check(UErrorCode status, const char *what, lofi_error *err) {
    if (U_SUCCESS(status)) return LOFI_OK;
    lofi_code code = status == U_MEMORY_ALLOCATION_ERROR ? LOFI_ERR_MEMORY : LOFI_ERR_UNSUPPORTED;
    return lofi_fail(err, code, "%s failed in ICU: %s", what, u_errorName(status));
}

lofi_code lofi_utf8_check(const char *text, size_t size, const char *what, lofi_error *err) {
    if (size > MAX_UNITS)
        return lofi_fail(err, LOFI_ERR_MEMORY, "%s has %zu bytes; at most %zu can be handled", what, size, MAX_UNITS);
    int32_t position = 0;
    while (position < (int32_t)size) {
        int32_t start = position;
        UChar32 character;
        U8_NEXT(text, position, (int32_t)size, character);
        if (character < 0) {
            lofi_fail(err, LOFI_ERR_FORMAT, "%s is not valid UTF-8: byte 0x%02x at offset %d", what,
                      (unsigned)(unsigned char)text[start], start);
            return lofi_hint(err, "save the text as UTF-8");
        }
    }
    return LOFI_OK;
}

int32_t lofi_utf8_next(const char *text, size_t size, size_t *position) {
    assert(*position < size);
    UChar32 character;
    size_t at = *position;
    U8_NEXT(text, at, size, character);
    *position = at;
    return character;
}

void lofi_utf8_append(lofi_buffer *buffer, int32_t character) {
    char bytes[U8_MAX_LENGTH];
    int32_t size = 0;
    U8_APPEND_UNSAFE(bytes, size, character);
    lofi_buffer_append(buffer, bytes, (size_t)size);
}

bool lofi_is_space(int32_t character) {
    return u_isUWhiteSpace(character);
}

bool lofi_is_letter(int32_t character) {
    return u_isalpha(character);
}

bool lofi_is_word(int32_t character) {
    if (character < 128) return isalnum(character) || character == '_';
    if (u_hasBinaryProperty(character, UCHAR_ALPHABETIC) || u_hasBinaryProperty(character, UCHAR_JOIN_CONTROL))
        return true;
    return (U_GET_GC_MASK(character) & (U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)) != 0;
}

void lofi_utf16_free(lofi_utf16 *text) {
    free(text->data);
    *text = (lofi_utf16)LOFI_UTF16_INIT;
}

void lofi_utf16_swap(lofi_utf16 *a, lofi_utf16 *b) {
    lofi_utf16 kept = *a;
    *a = *b;
    *b = kept;
}

static lofi_code reserve(lofi_utf16 *text, size_t units, lofi_error *err) {
    void *data = text->data;
    LOFI_TRY(lofi_grow(&data, &text->capacity, units, sizeof(UChar), MAX_UNITS, err));
    text->data = data;
    return LOFI_OK;
}

lofi_code lofi_utf16_append(lofi_utf16 *text, const UChar *units, size_t count, lofi_error *err) {
    if (count == 0) return LOFI_OK;
    LOFI_TRY(reserve(text, text->size + count, err));
    memcpy(text->data + text->size, units, count * sizeof(UChar));
    text->size += count;
    return LOFI_OK;
}

lofi_code lofi_utf16_append_utf8(lofi_utf16 *text, const char *utf8, size_t size, lofi_error *err) {
    if (size == 0) return LOFI_OK;
    LOFI_TRY(reserve(text, text->size + size, err));
    UErrorCode status = U_ZERO_ERROR;
    int32_t written = 0;
    u_strFromUTF8(text->data + text->size, (int32_t)(text->capacity - text->size), &written, utf8, (int32_t)size,
                  &status);
    LOFI_TRY(lofi_icu_check(status, "reading UTF-8", err));
    text->size += (size_t)written;
    return LOFI_OK;
}

lofi_code lofi_utf16_to_utf8(lofi_buffer *out, const UChar *units, size_t count, lofi_error *err) {
    if (count == 0) return LOFI_OK;
    char *bytes = malloc(count * 3 + 1);
    if (bytes == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate %zu bytes for text", count * 3 + 1);
    UErrorCode status = U_ZERO_ERROR;
    int32_t written = 0;
    u_strToUTF8(bytes, (int32_t)(count * 3 + 1), &written, units, (int32_t)count, &status);
    lofi_code code = lofi_icu_check(status, "writing UTF-8", err);
    if (code == LOFI_OK) {
        lofi_buffer_append(out, bytes, (size_t)written);
        code = lofi_buffer_check(out, err);
    }
    free(bytes);
    return code;
}

lofi_code lofi_utf16_lower(lofi_utf16 *text, lofi_error *err) {
    if (text->size == 0) return LOFI_OK;
    lofi_utf16 lower = LOFI_UTF16_INIT;
    LOFI_TRY(reserve(&lower, text->size * 3, err)); /* no character's lower case is longer */
    UErrorCode status = U_ZERO_ERROR;
    int32_t size = u_strToLower(lower.data, (int32_t)lower.capacity, text->data, (int32_t)text->size, "", &status);
    lofi_code code = lofi_icu_check(status, "lower-casing text", err);
    if (code == LOFI_OK) {
        lower.size = (size_t)size;
        lofi_utf16_swap(text, &lower);
    }
    lofi_utf16_free(&lower);
    return code;
}

static const UNormalizer2 *normalizer_for(lofi_normal_form form, UErrorCode *status) {
    switch (form) {
    case LOFI_NFC: return unorm2_getNFCInstance(status);
    case LOFI_NFD: return unorm2_getNFDInstance(status);
    case LOFI_NFKC: return unorm2_getNFKCInstance(status);
    case LOFI_NFKD: return unorm2_getNFKDInstance(status);
    }
    assert(0 && "unknown normal form");
    return NULL;
}

lofi_code lofi_utf16_normalize(lofi_utf16 *text, lofi_normal_form form, lofi_error *err) {
    if (text->size == 0) return LOFI_OK;
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2 *normalizer = normalizer_for(form, &status);
    LOFI_TRY(lofi_icu_check(status, "loading a normaliser", err));
    int32_t size = unorm2_normalize(normalizer, text->data, (int32_t)text->size, NULL, 0, &status);
    if (status == U_BUFFER_OVERFLOW_ERROR) status = U_ZERO_ERROR;
    LOFI_TRY(lofi_icu_check(status, "normalising text", err));
    lofi_utf16 out = LOFI_UTF16_INIT;
    LOFI_TRY(reserve(&out, (size_t)size + 1, err));
    out.size = (size_t)unorm2_normalize(normalizer, text->data, (int32_t)text->size, out.data, (int32_t)out.capacity,
                                        &status);
    lofi_code code = lofi_icu_check(status, "normalising text", err);
    if (code == LOFI_OK) lofi_utf16_swap(text, &out);
    lofi_utf16_free(&out);
    return code;
}
