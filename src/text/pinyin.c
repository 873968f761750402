/* pinyin.c - Chinese characters to pinyin (romanize.h). */
#include <stdlib.h>
#include <unicode/utrans.h>

#include "base/file.h"
#include "base/json.h"
#include "text/romanize.h"
#include "text/unicode.h"

struct lofi_pinyin {
    json_t *characters; /* "19968": "yī,..." */
    json_t *phrases;    /* "一丁": [["yī"], ["dīng"]] */
    json_t *prefixes;   /* every beginning of a phrase: a set */
};

void lofi_pinyin_free(lofi_pinyin *pinyin) {
    if (pinyin == NULL) return;
    json_decref(pinyin->characters);
    json_decref(pinyin->phrases);
    json_decref(pinyin->prefixes);
    free(pinyin);
}

static lofi_code load(json_t **out, const char *folder, const char *name, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_format(path, err, "%s/%s", folder, name));
    if (!lofi_path_is_file(path)) {
        lofi_fail(err, LOFI_ERR_NOT_FOUND, "'%s' is not there", path);
        return lofi_hint(err, "LOFI_PINYIN_DIR is the folder of the Python package pypinyin 0.53.0, which has %s",
                         name);
    }
    LOFI_TRY(lofi_json_load(out, path, err));
    if (json_is_object(*out)) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is no table of readings: it should be a JSON object", path);
}

static lofi_code add_prefixes(lofi_pinyin *pinyin, const char *phrase, lofi_error *err) {
    size_t size = strlen(phrase);
    for (size_t at = 0; at < size;) {
        (void)lofi_utf8_next(phrase, size, &at);
        if (json_object_getn(pinyin->prefixes, phrase, at) != NULL) continue;
        if (json_object_setn_new(pinyin->prefixes, phrase, at, json_true()) != 0)
            return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for Chinese phrases");
    }
    return LOFI_OK;
}

lofi_code lofi_pinyin_open(lofi_pinyin **out, const char *folder, lofi_error *err) {
    lofi_pinyin *pinyin = calloc(1, sizeof *pinyin);
    const char *phrase;
    json_t *readings;
    if (pinyin == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate the Chinese readings");
    lofi_code code = LOFI_OK;
    LOFI_TRY_GOTO(load(&pinyin->characters, folder, "pinyin_dict.json", err), failed);
    LOFI_TRY_GOTO(load(&pinyin->phrases, folder, "phrases_dict.json", err), failed);
    pinyin->prefixes = json_object();
    json_object_foreach(pinyin->phrases, phrase, readings) LOFI_TRY_GOTO(add_prefixes(pinyin, phrase, err), failed);
    *out = pinyin;
    return LOFI_OK;
failed:
    lofi_pinyin_free(pinyin);
    return code;
}

/* ---- syllables ---- */

/* "nǐ" to "ni3", "lǜ" to "lv4", "de" to "de5". Up to the first comma. */
static lofi_code add_syllable(lofi_buffer *out, const char *reading, size_t size, lofi_error *err) {
    static const struct {
        UChar mark;
        char tone;
    } marks[] = {{0x304, '1'}, {0x301, '2'}, {0x30c, '3'}, {0x300, '4'}};
    lofi_utf16 units = LOFI_UTF16_INIT, kept = LOFI_UTF16_INIT;
    char tone = '5';
    lofi_code code = LOFI_OK;
    LOFI_TRY_GOTO(lofi_utf16_append_utf8(&units, reading, size, err), end);
    LOFI_TRY_GOTO(lofi_utf16_normalize(&units, LOFI_NFD, err), end);
    for (size_t i = 0; i < units.size; i++) {
        UChar unit = units.data[i];
        bool is_mark = false;
        for (size_t k = 0; k < 4; k++) {
            if (marks[k].mark != unit) continue;
            tone = marks[k].tone;
            is_mark = true;
        }
        if (unit == 0x308 && kept.size > 0 && kept.data[kept.size - 1] == 'u')
            kept.data[kept.size - 1] = 'v';
        else if (!is_mark)
            LOFI_TRY_GOTO(lofi_utf16_append(&kept, &unit, 1, err), end);
    }
    LOFI_TRY_GOTO(lofi_utf16_normalize(&kept, LOFI_NFC, err), end);
    LOFI_TRY_GOTO(lofi_utf16_to_utf8(out, kept.data, kept.size, err), end);
    lofi_buffer_append(out, &tone, 1);
end:
    lofi_utf16_free(&units);
    lofi_utf16_free(&kept);
    return code;
}

static lofi_code add_character(const lofi_pinyin *pinyin, const char *text, size_t size, lofi_buffer *out,
                               lofi_error *err) {
    char key[16];
    size_t at = 0;
    snprintf(key, sizeof key, "%d", (int)lofi_utf8_next(text, size, &at));
    const char *readings = json_string_value(json_object_get(pinyin->characters, key));
    if (readings != NULL) return add_syllable(out, readings, strcspn(readings, ","), err);
    lofi_buffer_append(out, text, size); /* without a reading it stays, with a tone all the same */
    lofi_buffer_text(out, "5");
    return LOFI_OK;
}

static lofi_code add_phrase(const json_t *readings, lofi_buffer *out, lofi_error *err) {
    for (size_t i = 0; i < json_array_size(readings); i++) {
        const char *reading = json_string_value(json_array_get(json_array_get(readings, i), 0));
        if (reading == NULL) return lofi_fail(err, LOFI_ERR_FORMAT, "phrases_dict.json has a phrase without readings");
        LOFI_TRY(add_syllable(out, reading, strlen(reading), err));
    }
    return LOFI_OK;
}

/* ---- runs of characters ---- */

static bool is_han(int32_t c) {
    static const int32_t ranges[][2] = {{0x3007, 0x3007},   {0xe815, 0xe864},   {0xfa18, 0xfa18},   {0x3400, 0x4dbf},
                                        {0x4e00, 0x9fff},   {0xf900, 0xfaff},   {0x20000, 0x2a6df}, {0x2a703, 0x2b73f},
                                        {0x2b740, 0x2b81d}, {0x2b825, 0x2bf6e}, {0x2c029, 0x2ce93}, {0x2d016, 0x2d016},
                                        {0x2d11b, 0x2ebd9}, {0x2f80a, 0x2fa1f}, {0x300f7, 0x31288}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (c >= ranges[i][0] && c <= ranges[i][1]) return true;
    return false;
}

/* The bytes of the longest beginning of `text` that begins a phrase, and of the first character. */
static size_t longest_prefix(const lofi_pinyin *pinyin, const char *text, size_t size, size_t *first) {
    size_t longest = 0;
    *first = 0;
    for (size_t at = 0; at < size;) {
        (void)lofi_utf8_next(text, size, &at);
        if (*first == 0) *first = at;
        if (json_object_getn(pinyin->prefixes, text, at) == NULL) break;
        longest = at;
    }
    return longest;
}

/* As pypinyin cuts: the longest beginning of a phrase; if that is no phrase itself, one character. */
static lofi_code add_run(const lofi_pinyin *pinyin, const char *text, size_t size, lofi_buffer *out, lofi_error *err) {
    for (size_t at = 0; at < size;) {
        size_t first, longest = longest_prefix(pinyin, text + at, size - at, &first);
        const json_t *readings = longest > 0 ? json_object_getn(pinyin->phrases, text + at, longest) : NULL;
        if (readings != NULL) {
            LOFI_TRY(add_phrase(readings, out, err));
            at += longest;
        } else if (longest > 0 && at + longest == size) { /* the rest of the run: all single */
            for (size_t next = at; at < size; at = next) {
                (void)lofi_utf8_next(text, size, &next);
                LOFI_TRY(add_character(pinyin, text + at, next - at, out, err));
            }
        } else {
            LOFI_TRY(add_character(pinyin, text + at, first, out, err));
            at += first;
        }
    }
    return LOFI_OK;
}

typedef lofi_code run_fn(const lofi_pinyin *pinyin, const char *text, size_t size, lofi_buffer *out, lofi_error *err);

static lofi_code write_runs(const lofi_pinyin *pinyin, const char *text, size_t size, run_fn *run, lofi_buffer *out,
                            lofi_error *err) {
    for (size_t at = 0; at < size;) {
        size_t start = at, next = at;
        while (next < size && is_han(lofi_utf8_next(text, size, &next))) at = next;
        if (at > start)
            LOFI_TRY(run(pinyin, text + start, at - start, out, err));
        else
            lofi_buffer_append(out, text + start, next - start), at = next;
    }
    return lofi_buffer_check(out, err);
}

lofi_code lofi_pinyin_write(const lofi_pinyin *pinyin, const char *text, size_t size, lofi_buffer *out,
                            lofi_error *err) {
    return write_runs(pinyin, text, size, add_run, out, err);
}

/* ---- without the package ---- */

static lofi_code add_plain_run(const lofi_pinyin *pinyin, const char *text, size_t size, lofi_buffer *out,
                               lofi_error *err) {
    static const UChar id[] = {'H', 'a', 'n', '-', 'L', 'a', 't', 'i', 'n', 0};
    (void)pinyin;
    lofi_utf16 units = LOFI_UTF16_INIT;
    lofi_buffer latin = LOFI_BUFFER_INIT;
    UErrorCode status = U_ZERO_ERROR;
    UTransliterator *rule = utrans_openU(id, -1, UTRANS_FORWARD, NULL, 0, NULL, &status);
    lofi_code code = lofi_icu_check(status, "opening Han-Latin", err);
    for (size_t at = 0; at < size && code == LOFI_OK;) {
        size_t start = at;
        UChar reading[64] = {0};
        (void)lofi_utf8_next(text, size, &at);
        units.size = 0;
        lofi_buffer_clear(&latin);
        LOFI_TRY_GOTO(lofi_utf16_append_utf8(&units, text + start, at - start, err), end);
        memcpy(reading, units.data, units.size * sizeof *reading);
        int32_t length = (int32_t)units.size, limit = length;
        utrans_transUChars(rule, reading, &length, 64, 0, &limit, &status);
        LOFI_TRY_GOTO(lofi_icu_check(status, "reading Chinese characters", err), end);
        LOFI_TRY_GOTO(lofi_utf16_to_utf8(&latin, reading, (size_t)length, err), end);
        while (latin.size > 0 && latin.data[latin.size - 1] == ' ') latin.size--;
        LOFI_TRY_GOTO(add_syllable(out, latin.data, latin.size, err), end);
    }
end:
    if (rule != NULL) utrans_close(rule);
    lofi_utf16_free(&units);
    lofi_buffer_free(&latin);
    return code;
}

lofi_code lofi_pinyin_write_plain(const char *text, size_t size, lofi_buffer *out, lofi_error *err) {
    return write_runs(NULL, text, size, add_plain_run, out, err);
}
