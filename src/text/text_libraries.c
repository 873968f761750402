/* text_libraries.c - see text_libraries.h: every function of ICU, MeCab, libexttextcat and liblzma that this folder calls. */
#include "text/text_libraries.h"

#include <stddef.h>
#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uregex.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>
#include <unicode/utext.h>
#include <unicode/utrans.h>
#include <unicode/uvernum.h>

#ifdef LOFI_HAVE_MECAB
#include <mecab.h>
#endif
#ifdef LOFI_HAVE_TEXTCAT
#include <libexttextcat/textcat.h>
#endif
#ifdef LOFI_HAVE_LZMA
#include <lzma.h>
#endif

#define ICU_PACKAGE "libicu" U_ICU_VERSION_SHORT

lofi_library lofi_library_icuuc = {.file = LOFI_FILE_icuuc, .package = ICU_PACKAGE};
lofi_library lofi_library_icui18n = {.file = LOFI_FILE_icui18n, .package = ICU_PACKAGE};
#ifdef LOFI_HAVE_MECAB
lofi_library lofi_library_mecab = {.file = LOFI_FILE_mecab};
#endif
#ifdef LOFI_HAVE_TEXTCAT
lofi_library lofi_library_exttextcat = {.file = LOFI_FILE_exttextcat};
#endif
#ifdef LOFI_HAVE_LZMA
lofi_library lofi_library_lzma = {.file = LOFI_FILE_lzma};
#endif

lofi_library *const lofi_text_libraries[] = {
    &lofi_library_icuuc,
    &lofi_library_icui18n,
#ifdef LOFI_HAVE_MECAB
    &lofi_library_mecab,
#endif
#ifdef LOFI_HAVE_TEXTCAT
    &lofi_library_exttextcat,
#endif
#ifdef LOFI_HAVE_LZMA
    &lofi_library_lzma,
#endif
    NULL,
};

/* ---- ICU: characters and strings ---- */

int8_t u_charType(UChar32 c) {
    return LOFI_IMPORTED(icuuc, u_charType)(c);
}
const char *u_errorName(UErrorCode code) {
    return LOFI_IMPORTED(icuuc, u_errorName)(code);
}
UBool u_hasBinaryProperty(UChar32 c, UProperty which) {
    return LOFI_IMPORTED(icuuc, u_hasBinaryProperty)(c, which);
}
UBool u_isUWhiteSpace(UChar32 c) {
    return LOFI_IMPORTED(icuuc, u_isUWhiteSpace)(c);
}
UBool u_isalpha(UChar32 c) {
    return LOFI_IMPORTED(icuuc, u_isalpha)(c);
}
UBool u_isdigit(UChar32 c) {
    return LOFI_IMPORTED(icuuc, u_isdigit)(c);
}
UChar *u_strFromUTF8(UChar *dest, int32_t destCapacity, int32_t *pDestLength, const char *src, int32_t srcLength,
                     UErrorCode *pErrorCode) {
    return LOFI_IMPORTED(icuuc, u_strFromUTF8)(dest, destCapacity, pDestLength, src, srcLength, pErrorCode);
}
int32_t u_strToLower(UChar *dest, int32_t destCapacity, const UChar *src, int32_t srcLength, const char *locale,
                     UErrorCode *pErrorCode) {
    return LOFI_IMPORTED(icuuc, u_strToLower)(dest, destCapacity, src, srcLength, locale, pErrorCode);
}
char *u_strToUTF8(char *dest, int32_t destCapacity, int32_t *pDestLength, const UChar *src, int32_t srcLength,
                  UErrorCode *pErrorCode) {
    return LOFI_IMPORTED(icuuc, u_strToUTF8)(dest, destCapacity, pDestLength, src, srcLength, pErrorCode);
}
UBreakIterator *ubrk_clone(const UBreakIterator *bi, UErrorCode *status) {
    return LOFI_IMPORTED(icuuc, ubrk_clone)(bi, status);
}
void ubrk_close(UBreakIterator *bi) {
    LOFI_IMPORTED(icuuc, ubrk_close)(bi);
}
int32_t ubrk_first(UBreakIterator *bi) {
    return LOFI_IMPORTED(icuuc, ubrk_first)(bi);
}
int32_t ubrk_next(UBreakIterator *bi) {
    return LOFI_IMPORTED(icuuc, ubrk_next)(bi);
}
UBreakIterator *ubrk_open(UBreakIteratorType type, const char *locale, const UChar *text, int32_t textLength,
                          UErrorCode *status) {
    return LOFI_IMPORTED(icuuc, ubrk_open)(type, locale, text, textLength, status);
}
void ubrk_setUText(UBreakIterator *bi, UText *text, UErrorCode *status) {
    LOFI_IMPORTED(icuuc, ubrk_setUText)(bi, text, status);
}
const UNormalizer2 *unorm2_getNFCInstance(UErrorCode *pErrorCode) {
    return LOFI_IMPORTED(icuuc, unorm2_getNFCInstance)(pErrorCode);
}
const UNormalizer2 *unorm2_getNFDInstance(UErrorCode *pErrorCode) {
    return LOFI_IMPORTED(icuuc, unorm2_getNFDInstance)(pErrorCode);
}
const UNormalizer2 *unorm2_getNFKCInstance(UErrorCode *pErrorCode) {
    return LOFI_IMPORTED(icuuc, unorm2_getNFKCInstance)(pErrorCode);
}
const UNormalizer2 *unorm2_getNFKDInstance(UErrorCode *pErrorCode) {
    return LOFI_IMPORTED(icuuc, unorm2_getNFKDInstance)(pErrorCode);
}
int32_t unorm2_normalize(const UNormalizer2 *norm2, const UChar *src, int32_t length, UChar *dest, int32_t capacity,
                         UErrorCode *pErrorCode) {
    return LOFI_IMPORTED(icuuc, unorm2_normalize)(norm2, src, length, dest, capacity, pErrorCode);
}
UScriptCode uscript_getScript(UChar32 codepoint, UErrorCode *err) {
    return LOFI_IMPORTED(icuuc, uscript_getScript)(codepoint, err);
}
UText *utext_close(UText *ut) {
    return LOFI_IMPORTED(icuuc, utext_close)(ut);
}
UText *utext_openUTF8(UText *ut, const char *s, int64_t length, UErrorCode *status) {
    return LOFI_IMPORTED(icuuc, utext_openUTF8)(ut, s, length, status);
}

/* ---- ICU: regular expressions and transliteration ---- */

void uregex_close(URegularExpression *regexp) {
    LOFI_IMPORTED(icui18n, uregex_close)(regexp);
}
int32_t uregex_end(URegularExpression *regexp, int32_t groupNum, UErrorCode *status) {
    return LOFI_IMPORTED(icui18n, uregex_end)(regexp, groupNum, status);
}
UBool uregex_findNext(URegularExpression *regexp, UErrorCode *status) {
    return LOFI_IMPORTED(icui18n, uregex_findNext)(regexp, status);
}
URegularExpression *uregex_open(const UChar *pattern, int32_t patternLength, uint32_t flags, UParseError *pe,
                                UErrorCode *status) {
    return LOFI_IMPORTED(icui18n, uregex_open)(pattern, patternLength, flags, pe, status);
}
void uregex_setText(URegularExpression *regexp, const UChar *text, int32_t textLength, UErrorCode *status) {
    LOFI_IMPORTED(icui18n, uregex_setText)(regexp, text, textLength, status);
}
int32_t uregex_start(URegularExpression *regexp, int32_t groupNum, UErrorCode *status) {
    return LOFI_IMPORTED(icui18n, uregex_start)(regexp, groupNum, status);
}
void utrans_close(UTransliterator *trans) {
    LOFI_IMPORTED(icui18n, utrans_close)(trans);
}
UTransliterator *utrans_openU(const UChar *id, int32_t idLength, UTransDirection dir, const UChar *rules,
                              int32_t rulesLength, UParseError *parseError, UErrorCode *pErrorCode) {
    return LOFI_IMPORTED(icui18n, utrans_openU)(id, idLength, dir, rules, rulesLength, parseError, pErrorCode);
}
void utrans_transUChars(const UTransliterator *trans, UChar *text, int32_t *textLength, int32_t textCapacity,
                        int32_t start, int32_t *limit, UErrorCode *status) {
    LOFI_IMPORTED(icui18n, utrans_transUChars)(trans, text, textLength, textCapacity, start, limit, status);
}

/* ---- MeCab ---- */

#ifdef LOFI_HAVE_MECAB
void mecab_destroy(mecab_t *mecab) {
    LOFI_IMPORTED(mecab, mecab_destroy)(mecab);
}
mecab_t *mecab_new(int argc, char **argv) {
    return LOFI_IMPORTED(mecab, mecab_new)(argc, argv);
}
const mecab_node_t *mecab_sparse_tonode2(mecab_t *mecab, const char *text, size_t size) {
    return LOFI_IMPORTED(mecab, mecab_sparse_tonode2)(mecab, text, size);
}
const char *mecab_strerror(mecab_t *mecab) {
    return LOFI_IMPORTED(mecab, mecab_strerror)(mecab);
}
#endif

/* ---- libexttextcat ---- */

#ifdef LOFI_HAVE_TEXTCAT
void *special_textcat_Init(const char *conffile, const char *prefix) {
    return LOFI_IMPORTED(exttextcat, special_textcat_Init)(conffile, prefix);
}
char *textcat_Classify(void *handle, const char *buffer, size_t size) {
    return LOFI_IMPORTED(exttextcat, textcat_Classify)(handle, buffer, size);
}
void textcat_Done(void *handle) {
    LOFI_IMPORTED(exttextcat, textcat_Done)(handle);
}
#endif

/* ---- liblzma ---- */

#ifdef LOFI_HAVE_LZMA
lzma_ret lzma_stream_buffer_decode(uint64_t *memlimit, uint32_t flags, const lzma_allocator *allocator,
                                   const uint8_t *in, size_t *in_pos, size_t in_size, uint8_t *out, size_t *out_pos,
                                   size_t out_size) {
    return LOFI_IMPORTED(lzma, lzma_stream_buffer_decode)(memlimit, flags, allocator, in, in_pos, in_size, out, out_pos,
                                                          out_size);
}
#endif
