/* lyric_language.c - see lyric_language.h. */
#include "text/lyric_language.h"

#include <unicode/uchar.h>
#include <unicode/uregex.h>
#include <unicode/uscript.h>

#include "text/lyric_languages.h"
#include "text/unicode.h"

static const lofi_lyric_language *const languages[] = {
#define ROW(code) &lofi_lyric_language_##code,
    LOFI_LYRIC_LANGUAGES(ROW)
#undef ROW
};

#define LANGUAGE_COUNT (sizeof languages / sizeof languages[0])

const lofi_lyric_language *lofi_lyric_language_find(const char *code) {
    size_t size = strcspn(code, "-"); /* without the region */
    for (size_t i = 0; i < LANGUAGE_COUNT; i++)
        if (strlen(languages[i]->code) == size && strncmp(languages[i]->code, code, size) == 0) return languages[i];
    return NULL;
}

const lofi_lyric_language *lofi_lyric_language_at(size_t index) {
    return index < LANGUAGE_COUNT ? languages[index] : NULL;
}

/* ---- Python's character classes ---- */

static bool is_python_word(int32_t c) {
    return c == '_' || (U_GET_GC_MASK(c) & (U_GC_L_MASK | U_GC_N_MASK)) != 0;
}

static bool is_python_space(int32_t c) {
    return lofi_is_space(c) || (c >= 0x1c && c <= 0x1f);
}

/* ---- replacing plain text ---- */

static void swap_buffers(lofi_buffer *a, lofi_buffer *b) {
    lofi_buffer kept = *a;
    *a = *b;
    *b = kept;
}

/* A word of `text` ends before, or begins at, `at`. */
static bool word_before(const char *text, size_t size, size_t at) {
    if (at == 0) return false;
    do at--;
    while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80);
    return is_python_word(lofi_utf8_next(text, size, &at));
}

static bool word_at(const char *text, size_t size, size_t at) {
    return at < size && is_python_word(lofi_utf8_next(text, size, &at));
}

typedef struct replacement {
    const char *from, *to;
    bool word_start; /* no word character before it */
    bool word_end;   /* none behind it */
} replacement;

static lofi_code replace(lofi_buffer *text, const replacement *rule, lofi_error *err) {
    const char *data = lofi_buffer_str(text);
    size_t from_size = strlen(rule->from), copied = 0;
    lofi_buffer out = LOFI_BUFFER_INIT;
    for (const char *hit = data; (hit = strstr(hit, rule->from)) != NULL;) {
        size_t at = (size_t)(hit - data);
        bool blocked = rule->word_start && word_before(data, text->size, at);
        if (blocked || (rule->word_end && word_at(data, text->size, at + from_size))) {
            hit++;
            continue;
        }
        lofi_buffer_append(&out, data + copied, at - copied);
        lofi_buffer_text(&out, rule->to);
        copied = at + from_size;
        hit += from_size;
    }
    lofi_code code = LOFI_OK;
    if (copied > 0) {
        lofi_buffer_append(&out, data + copied, text->size - copied);
        code = lofi_buffer_check(&out, err);
        if (code == LOFI_OK) swap_buffers(text, &out);
    }
    lofi_buffer_free(&out);
    return code;
}

static lofi_code expand_abbreviations(const lofi_lyric_language *language, lofi_buffer *text, lofi_error *err) {
    for (size_t i = 0; language->abbreviations != NULL && language->abbreviations[i][0] != NULL; i++) {
        char from[64];
        const char *const *pair = language->abbreviations[i];
        snprintf(from, sizeof from, "%s%s", pair[0], language->abbreviation_words ? "" : ".");
        LOFI_TRY(replace(text, &(replacement){from, pair[1], true, language->abbreviation_words}, err));
    }
    return LOFI_OK;
}

static void trim(lofi_buffer *text, lofi_buffer *out) {
    const char *data = lofi_buffer_str(text);
    size_t begin = text->size, end = 0;
    for (size_t at = 0; at < text->size;) {
        size_t start = at;
        if (is_python_space(lofi_utf8_next(data, text->size, &at))) continue;
        if (end == 0) begin = start;
        end = at;
    }
    if (end > begin) lofi_buffer_append(out, data + begin, end - begin);
}

static lofi_code expand_symbols(const lofi_lyric_language *language, lofi_buffer *text, lofi_error *err) {
    static const char *const symbols[] = {"&", "@", "%", "#", "$", "£", "°"};
    if (language->symbols[0] == NULL) return LOFI_OK;
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        LOFI_TRY(replace(text, &(replacement){symbols[i], language->symbols[i], false, false}, err));
        LOFI_TRY(replace(text, &(replacement){"  ", " ", false, false}, err));
    }
    lofi_buffer out = LOFI_BUFFER_INIT;
    trim(text, &out);
    lofi_code code = lofi_buffer_check(&out, err);
    swap_buffers(text, &out);
    lofi_buffer_free(&out);
    return code;
}

static lofi_code collapse_whitespace(lofi_buffer *text, lofi_error *err) {
    const char *data = lofi_buffer_str(text);
    lofi_buffer out = LOFI_BUFFER_INIT;
    bool in_space = false;
    for (size_t at = 0; at < text->size;) {
        size_t start = at;
        bool space = is_python_space(lofi_utf8_next(data, text->size, &at));
        if (space && !in_space) lofi_buffer_text(&out, " ");
        if (!space) lofi_buffer_append(&out, data + start, at - start);
        in_space = space;
    }
    lofi_code code = lofi_buffer_check(&out, err);
    swap_buffers(text, &out);
    lofi_buffer_free(&out);
    return code;
}

static lofi_code lower(lofi_buffer *text, lofi_error *err) {
    lofi_utf16 units = LOFI_UTF16_INIT;
    lofi_code code = lofi_utf16_append_utf8(&units, lofi_buffer_str(text), text->size, err);
    if (code == LOFI_OK) code = lofi_utf16_lower(&units, err);
    lofi_buffer_clear(text);
    if (code == LOFI_OK) code = lofi_utf16_to_utf8(text, units.data, units.size, err);
    lofi_utf16_free(&units);
    return code;
}

/* ---- numbers ---- */

typedef lofi_spelling spell_fn(const lofi_lyric_language *language, const char *match, lofi_buffer *out);

static lofi_spelling drop_commas(const lofi_lyric_language *language, const char *match, lofi_buffer *out) {
    char group = language->comma_groups ? ',' : '.';
    for (; *match != '\0'; match++)
        if (*match != group) lofi_buffer_append(out, match, 1);
    return LOFI_SPELLED;
}

/* What is left of "$1,50" for a number: digits and points, commas taken for points. */
static lofi_spelling spell_money(const lofi_lyric_language *language, const char *match, lofi_buffer *out,
                                 const char *currency) {
    lofi_buffer amount = LOFI_BUFFER_INIT;
    for (; *match != '\0'; match++) {
        char c = *match == ',' ? '.' : *match;
        if ((c >= '0' && c <= '9') || c == '.') lofi_buffer_append(&amount, &c, 1);
    }
    lofi_spelling done = language->numbers->money(out, lofi_buffer_str(&amount), currency);
    lofi_buffer_free(&amount);
    return done;
}

static lofi_spelling spell_pounds(const lofi_lyric_language *language, const char *match, lofi_buffer *out) {
    return spell_money(language, match, out, "GBP");
}

static lofi_spelling spell_dollars(const lofi_lyric_language *language, const char *match, lofi_buffer *out) {
    return spell_money(language, match, out, "USD");
}

static lofi_spelling spell_euros(const lofi_lyric_language *language, const char *match, lofi_buffer *out) {
    return spell_money(language, match, out, "EUR");
}

static lofi_spelling spell_decimal(const lofi_lyric_language *language, const char *match, lofi_buffer *out) {
    lofi_buffer number = LOFI_BUFFER_INIT;
    for (; *match != '\0'; match++) lofi_buffer_append(&number, *match == ',' ? "." : match, 1);
    lofi_spelling done = language->numbers->decimal(out, lofi_buffer_str(&number));
    lofi_buffer_free(&number);
    return done;
}

static lofi_spelling spell_ordinal(const lofi_lyric_language *language, const char *match, lofi_buffer *out) {
    lofi_buffer digits = LOFI_BUFFER_INIT;
    lofi_buffer_append(&digits, match, strspn(match, "0123456789"));
    lofi_spelling done = language->numbers->ordinal(out, lofi_buffer_str(&digits));
    lofi_buffer_free(&digits);
    return done;
}

static lofi_spelling spell_cardinal(const lofi_lyric_language *language, const char *match, lofi_buffer *out) {
    return language->numbers->cardinal(out, match);
}

/* Python's \b, and one to three digits with their groups behind. */
#define WORD         "[\\p{L}\\p{N}_]"
#define BOUNDARY     "(?:(?<=" WORD ")(?!" WORD ")|(?<!" WORD ")(?=" WORD "))"
#define COMMA_GROUPS BOUNDARY "\\d{1,3}(?:,\\d{3})*(?:\\.\\d+)?" BOUNDARY
#define DOT_GROUPS   BOUNDARY "\\d{1,3}(?:[^\\n]\\d{3})*(?:,\\d+)?" BOUNDARY /* any character, as upstream has it */
#define AMOUNT(sign) sign "[0-9.,]*[0-9]|[0-9.,]*[0-9]" sign

static lofi_code spell_matches(const lofi_lyric_language *language, URegularExpression *regex, const lofi_utf16 *text,
                               spell_fn *spell, lofi_utf16 *out, lofi_spelling *done, lofi_error *err) {
    UErrorCode status = U_ZERO_ERROR;
    lofi_buffer match = LOFI_BUFFER_INIT, words = LOFI_BUFFER_INIT;
    lofi_code code = LOFI_OK;
    size_t copied = 0;
    while (code == LOFI_OK && *done == LOFI_SPELLED && uregex_findNext(regex, &status)) {
        size_t start = (size_t)uregex_start(regex, 0, &status), end = (size_t)uregex_end(regex, 0, &status);
        lofi_buffer_clear(&match);
        lofi_buffer_clear(&words);
        LOFI_TRY_GOTO(lofi_utf16_to_utf8(&match, text->data + start, end - start, err), end);
        *done = spell(language, lofi_buffer_str(&match), &words);
        LOFI_TRY_GOTO(lofi_utf16_append(out, text->data + copied, start - copied, err), end);
        LOFI_TRY_GOTO(lofi_buffer_check(&words, err), end);
        LOFI_TRY_GOTO(lofi_utf16_append_utf8(out, lofi_buffer_str(&words), words.size, err), end);
        copied = end;
    }
    code = lofi_icu_check(status, "looking for numbers", err);
    if (code == LOFI_OK) code = lofi_utf16_append(out, text->data + copied, text->size - copied, err);
end:
    lofi_buffer_free(&match);
    lofi_buffer_free(&words);
    return code;
}

/* Replaces every match. When a match cannot be spelled, *done says so and the text stays as it was. */
static lofi_code spell_pattern(const lofi_lyric_language *language, const char *pattern, spell_fn *spell,
                               lofi_utf16 *text, lofi_spelling *done, lofi_error *err) {
    UErrorCode status = U_ZERO_ERROR;
    lofi_utf16 units = LOFI_UTF16_INIT, out = LOFI_UTF16_INIT;
    *done = LOFI_SPELLED;
    if (text->size == 0) return LOFI_OK;
    LOFI_TRY(lofi_utf16_append_utf8(&units, pattern, strlen(pattern), err));
    URegularExpression *regex = uregex_open(units.data, (int32_t)units.size, 0, NULL, &status);
    lofi_utf16_free(&units);
    if (U_SUCCESS(status)) uregex_setText(regex, text->data, (int32_t)text->size, &status);
    lofi_code code = lofi_icu_check(status, "reading a pattern of numbers", err);
    if (code == LOFI_OK) code = spell_matches(language, regex, text, spell, &out, done, err);
    if (code == LOFI_OK && *done == LOFI_SPELLED) lofi_utf16_swap(text, &out);
    if (regex != NULL) uregex_close(regex);
    lofi_utf16_free(&out);
    return code;
}

static lofi_code spell_currencies(const lofi_lyric_language *language, lofi_utf16 *text, lofi_spelling *done,
                                  lofi_error *err) {
    static const struct {
        const char *pattern;
        spell_fn *spell;
    } currencies[] = {{AMOUNT("£"), spell_pounds}, {AMOUNT("\\$"), spell_dollars}, {AMOUNT("€"), spell_euros}};
    for (size_t i = 0; i < 3; i++) {
        LOFI_TRY(spell_pattern(language, currencies[i].pattern, currencies[i].spell, text, done, err));
        if (*done != LOFI_SPELLED) break;
    }
    if (*done == LOFI_SPELLING_REFUSED) *done = LOFI_SPELLED; /* the other currencies are given up, the rest goes on */
    return LOFI_OK;
}

static lofi_code spell_numbers(const lofi_lyric_language *language, lofi_utf16 *text, lofi_spelling *done,
                               lofi_error *err) {
    char ordinals[256];
    snprintf(ordinals, sizeof ordinals, "[0-9]+(?:%s)", language->ordinal_endings);
    const struct {
        const char *pattern;
        spell_fn *spell;
    } kinds[] = {{"[0-9]+[.,][0-9]+", spell_decimal}, {ordinals, spell_ordinal}, {"[0-9]+", spell_cardinal}};
    LOFI_TRY(spell_pattern(language, language->comma_groups ? COMMA_GROUPS : DOT_GROUPS, drop_commas, text, done, err));
    LOFI_TRY(spell_currencies(language, text, done, err));
    for (size_t i = language->numbers->decimal == NULL; i < sizeof kinds / sizeof kinds[0] && *done == LOFI_SPELLED;
         i++)
        LOFI_TRY(spell_pattern(language, kinds[i].pattern, kinds[i].spell, text, done, err));
    return LOFI_OK;
}

static bool has_digit(const char *text, size_t size) {
    for (size_t at = 0; at < size;)
        if (u_isdigit(lofi_utf8_next(text, size, &at))) return true;
    return false;
}

static lofi_code expand_numbers(const lofi_lyric_language *language, lofi_buffer *text, unsigned *approximation,
                                lofi_error *err) {
    lofi_utf16 units = LOFI_UTF16_INIT;
    if (!has_digit(lofi_buffer_str(text), text->size)) return LOFI_OK;
    if (language->numbers == NULL) {
        *approximation |= LOFI_LYRIC_NUMBERS_KEPT;
        return LOFI_OK;
    }
    lofi_spelling done = LOFI_SPELLED;
    lofi_code code = lofi_utf16_append_utf8(&units, lofi_buffer_str(text), text->size, err);
    if (code == LOFI_OK) code = spell_numbers(language, &units, &done, err);
    if (done == LOFI_SPELLING_UNKNOWN) *approximation |= LOFI_LYRIC_NUMBERS_KEPT;
    if (code == LOFI_OK && done == LOFI_SPELLED) {
        lofi_buffer_clear(text);
        code = lofi_utf16_to_utf8(text, units.data, units.size, err);
    }
    lofi_utf16_free(&units);
    return code;
}

/* ---- the whole ---- */

static lofi_code clean(const lofi_lyric_language *language, lofi_buffer *text, unsigned *approximation,
                       lofi_error *err) {
    if (language->untouched) return LOFI_OK;
    if (language->plain) {
        LOFI_TRY(lower(text, err));
        return collapse_whitespace(text, err);
    }
    LOFI_TRY(replace(text, &(replacement){"\"", "", false, false}, err));
    if (language->dotted_capital) LOFI_TRY(replace(text, &(replacement){"İ", "i", false, false}, err));
    LOFI_TRY(lower(text, err));
    if (language->rewrite != NULL)
        LOFI_TRY(language->rewrite(text, err));
    else
        LOFI_TRY(expand_numbers(language, text, approximation, err));
    LOFI_TRY(expand_abbreviations(language, text, err));
    LOFI_TRY(expand_symbols(language, text, err));
    return collapse_whitespace(text, err);
}

lofi_code lofi_lyric_clean(const lofi_lyric_language *language, const char *line, size_t size, lofi_buffer *out,
                           unsigned *approximation, lofi_error *err) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    *approximation = LOFI_LYRIC_EXACT;
    lofi_buffer_append(&text, line, size);
    lofi_code code = lofi_buffer_check(&text, err);
    if (code == LOFI_OK) code = clean(language, &text, approximation, err);
    if (code == LOFI_OK) {
        lofi_buffer_append(out, lofi_buffer_str(&text), text.size);
        code = lofi_buffer_check(out, err);
    }
    lofi_buffer_free(&text);
    return code;
}

lofi_code lofi_lyric_spell(const lofi_lyric_language *language, lofi_romanizers *romanizers, const char *line,
                           size_t size, lofi_buffer *out, unsigned *approximation, lofi_error *err) {
    if (language->romanize == NULL) return lofi_lyric_clean(language, line, size, out, approximation, err);
    lofi_buffer text = LOFI_BUFFER_INIT;
    bool exact = true;
    lofi_code code = lofi_lyric_clean(language, line, size, &text, approximation, err);
    if (code == LOFI_OK) code = language->romanize(romanizers, lofi_buffer_str(&text), text.size, out, &exact, err);
    if (!exact) *approximation |= LOFI_LYRIC_WITHOUT_CLEANER;
    lofi_buffer_free(&text);
    return code;
}

/* ---- detection ---- */

typedef struct script_language {
    UScriptCode script;
    const char *code;
} script_language;

const lofi_lyric_language *lofi_lyric_language_detect(const char *text, size_t size) {
    static const script_language scripts[] = {
        {USCRIPT_LATIN, "en"}, {USCRIPT_HIRAGANA, "ja"}, {USCRIPT_KATAKANA, "ja"}, {USCRIPT_HANGUL, "ko"},
        {USCRIPT_HAN, "zh"},   {USCRIPT_CYRILLIC, "ru"}, {USCRIPT_ARABIC, "ar"},   {USCRIPT_DEVANAGARI, "hi"},
    };
    enum { COUNT = sizeof scripts / sizeof scripts[0] };
    size_t letters[COUNT] = {0};
    for (size_t at = 0; at < size;) {
        UErrorCode status = U_ZERO_ERROR;
        int32_t c = lofi_utf8_next(text, size, &at);
        if (c < 0 || !u_isalpha(c)) continue;
        UScriptCode script = uscript_getScript(c, &status);
        for (size_t i = 0; i < COUNT; i++)
            if (U_SUCCESS(status) && scripts[i].script == script) letters[i]++;
    }
    letters[1] += letters[2];
    if (letters[1] > 0) letters[1] += letters[4]; /* Han among kana is Japanese */
    if (letters[1] > 0) letters[4] = 0;
    letters[2] = 0;
    size_t best = 0;
    for (size_t i = 1; i < COUNT; i++)
        if (letters[i] > letters[best]) best = i;
    return lofi_lyric_language_find(scripts[best].code);
}
