/* romanize.c - what is opened when, and Korean (romanize.h). */
#include "text/romanize.h"

#include <stdlib.h>

#include "text/japanese.h"
#include "text/unicode.h"

struct lofi_romanizers {
    lofi_pinyin *pinyin; /* NULL: not found */
    lofi_japanese *japanese;
    bool pinyin_sought, japanese_sought;
};

lofi_code lofi_romanizers_open(lofi_romanizers **out, lofi_error *err) {
    *out = calloc(1, sizeof **out);
    return *out != NULL ? LOFI_OK : lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate the romanizers");
}

void lofi_romanizers_free(lofi_romanizers *romanizers) {
    if (romanizers == NULL) return;
    lofi_pinyin_free(romanizers->pinyin);
    lofi_japanese_free(romanizers->japanese);
    free(romanizers);
}

/* ---- Korean ---- */

#define HANGUL_FIRST 0xac00
#define HANGUL_LAST  0xd7a3
#define SILENT       11 /* the initial that is not spoken */

static const char *const initials[19] = {"g",  "kk", "n", "d",  "tt", "l", "m", "b", "pp", "s",
                                         "ss", "",   "j", "jj", "ch", "k", "t", "p", "h"};
static const char *const vowels[21] = {"a",  "ae", "ya", "yae", "eo", "e",  "yeo", "ye", "o",  "wa", "wae",
                                       "oe", "yo", "u",  "wo",  "we", "wi", "yu",  "eu", "ui", "i"};
static const char *const finals[28] = {"",   "g",  "kk", "gs", "n",  "nj", "nh", "d", "l",  "lg",
                                       "lm", "lb", "ls", "lt", "lp", "lh", "m",  "b", "bs", "s",
                                       "ss", "ng", "j",  "ch", "k",  "t",  "p",  "h"};

static bool is_one_of(const char *const *list, size_t count, const char *text, size_t size) {
    for (size_t i = 0; i < count; i++)
        if (strlen(list[i]) == size && strncmp(list[i], text, size) == 0) return true;
    return false;
}

/* Whether the letters of a final and the next initial could be parted in another way. */
static bool is_ambiguous(const char *final, const char *initial) {
    char both[8];
    snprintf(both, sizeof both, "%s%s", final, initial);
    size_t size = strlen(both);
    int ways = 0;
    for (size_t i = 0; i < size; i++)
        ways += is_one_of(finals, 28, both, i) && is_one_of(initials, 19, both + i, size - i);
    return ways > 1;
}

lofi_code lofi_romanize_ko(lofi_romanizers *romanizers, const char *text, size_t size, lofi_buffer *out, bool *exact,
                           lofi_error *err) {
    (void)romanizers;
    int before = -1; /* the final of the syllable before */
    *exact = true;
    for (size_t at = 0; at < size;) {
        size_t start = at;
        int32_t c = lofi_utf8_next(text, size, &at);
        if (c < HANGUL_FIRST || c > HANGUL_LAST) {
            lofi_buffer_append(out, text + start, at - start);
            before = -1;
            continue;
        }
        int index = c - HANGUL_FIRST, initial = index / 588;
        if (before >= 0 && (initial == SILENT || is_ambiguous(finals[before], initials[initial])))
            lofi_buffer_text(out, "-");
        lofi_buffer_printf(out, "%s%s%s", initials[initial], vowels[index / 28 % 21], finals[index % 28]);
        before = index % 28;
    }
    return lofi_buffer_check(out, err);
}

/* ---- Chinese ---- */

/* Where the user has the package; ICU's readings of single characters otherwise. */
static lofi_code find_pinyin(lofi_romanizers *romanizers, lofi_error *err) {
    const char *folder = getenv("LOFI_PINYIN_DIR");
    if (romanizers->pinyin_sought) return LOFI_OK;
    romanizers->pinyin_sought = true;
    return folder != NULL && folder[0] != '\0' ? lofi_pinyin_open(&romanizers->pinyin, folder, err) : LOFI_OK;
}

lofi_code lofi_romanize_zh(lofi_romanizers *romanizers, const char *text, size_t size, lofi_buffer *out, bool *exact,
                           lofi_error *err) {
    LOFI_TRY(find_pinyin(romanizers, err));
    *exact = romanizers->pinyin != NULL;
    return *exact ? lofi_pinyin_write(romanizers->pinyin, text, size, out, err)
                  : lofi_pinyin_write_plain(text, size, out, err);
}

/* ---- Japanese ---- */

lofi_code lofi_romanize_ja(lofi_romanizers *romanizers, const char *text, size_t size, lofi_buffer *out, bool *exact,
                           lofi_error *err) {
    const char *folder = getenv("LOFI_MECAB_DICT");
    if (!romanizers->japanese_sought && folder != NULL && folder[0] != '\0')
        LOFI_TRY(lofi_japanese_open(&romanizers->japanese, folder, err));
    romanizers->japanese_sought = true;
    if (romanizers->japanese != NULL) return lofi_japanese_write(romanizers->japanese, text, size, out, exact, err);
    *exact = false;
    lofi_buffer_append(out, text, size);
    return lofi_buffer_check(out, err);
}
