/* number_words_hu.c - Hungarian: "ezerkétszázharmincnégy", "kétezer-egy". */
#include "text/number_text.h"

#define MAX_DIGITS 606 /* 10^606 and more has no name */

static const char *const ones[10] = {"nulla", "egy", "kettő", "három", "négy", "öt", "hat", "hét", "nyolc", "kilenc"};

static void spell_below_hundred(lofi_buffer *out, int value) {
    static const char *const tens[10] = {"",      "tizen",  "huszon", "harminc",  "negyven",
                                         "ötven", "hatvan", "hetven", "nyolcvan", "kilencven"};
    if (value == 10 || value == 20)
        lofi_buffer_text(out, value == 10 ? "tíz" : "húsz");
    else if (value < 10)
        lofi_buffer_text(out, ones[value]);
    else
        lofi_buffer_printf(out, "%s%s", tens[value / 10], value % 10 > 0 ? ones[value % 10] : "");
}

/* `inside`: a part of a longer number, where two is "két" and zero nothing. */
static void spell_group(lofi_buffer *out, int value, bool inside) {
    if (value >= 200) spell_group(out, value / 100, true);
    if (value >= 100) lofi_buffer_text(out, "száz");
    int rest = value % 100;
    inside = inside || value >= 100;
    if (rest == 2 && inside)
        lofi_buffer_text(out, "két");
    else if (rest > 0 || !inside)
        spell_below_hundred(out, rest);
}

static lofi_spelling cardinal(lofi_buffer *out, const char *digits) {
    lofi_digit_groups groups;
    if (!lofi_digit_groups_of(&groups, digits, MAX_DIGITS)) return LOFI_SPELLING_REFUSED;
    for (int i = 0; i < groups.count; i++) {
        int value = groups.values[i], power = groups.count - 1 - i;
        if (value == 0 && groups.count > 1) continue;
        if (power != 1 || value > 1) spell_group(out, value, groups.count > 1);
        if (power == 1) lofi_buffer_text(out, "ezer");
        if (power > 1) {
            lofi_latin_numeral(out, power / 2, false);
            lofi_buffer_text(out, power % 2 == 1 ? "illiárd" : "illió");
        }
        if (!lofi_groups_end(&groups, i) && (power > 1 || value > 1)) lofi_buffer_text(out, "-");
    }
    return LOFI_SPELLED;
}

static lofi_spelling ordinal(lofi_buffer *out, const char *digits) {
    static const char *const endings[][2] = {{"nulla", "nullad"},
                                             {"egy", "egyed"},
                                             {"kettő", "ketted"},
                                             {"három", "harmad"},
                                             {"négy", "negyed"},
                                             {"öt", "ötöd"},
                                             {"hat", "hatod"},
                                             {"hét", "heted"},
                                             {"nyolc", "nyolcad"},
                                             {"kilenc", "kilenced"},
                                             {"tíz", "tized"},
                                             {"húsz", "huszad"},
                                             {"harminc", "harmincad"},
                                             {"negyven", "negyvened"},
                                             {"ötven", "ötvened"},
                                             {"hatvan", "hatvanad"},
                                             {"hetven", "hetvened"},
                                             {"nyolcvan", "nyolcvanad"},
                                             {"kilencven", "kilencvened"},
                                             {"száz", "század"},
                                             {"ezer", "ezred"},
                                             {"illió", "milliomod"},
                                             {"illiárd", "milliárdod"}};
    int64_t value = lofi_small_number(digits);
    if (value == 1 || value == 2) {
        lofi_buffer_text(out, value == 1 ? "első" : "második");
        return LOFI_SPELLED;
    }
    lofi_buffer words = LOFI_BUFFER_INIT;
    lofi_spelling done = cardinal(&words, digits);
    (void)lofi_change_ending(&words, endings, sizeof endings / sizeof endings[0]);
    if (done == LOFI_SPELLED) lofi_buffer_text(&words, "ik");
    lofi_give_words(out, &words);
    return done;
}

/* num2words looks for the power of a float with ".0" behind it, and only finds it for 7, 10 and 13 digits. */
static bool float_has_power(const char *whole) {
    while (strlen(whole) > 6) {
        size_t size = strlen(whole) + 2;
        if (size % 3 == 0) size -= 2;
        size_t power = size / 3 * 3;
        if (power >= strlen(whole)) return false;
        whole = lofi_skip_zeros(whole + strlen(whole) - power);
    }
    return true;
}

static lofi_spelling decimal(lofi_buffer *out, const char *number) {
    static const char *const parts_of[] = {"", "tized", "század", "ezred"};
    lofi_decimal parts;
    lofi_spelling done = lofi_decimal_of(&parts, number);
    if (done != LOFI_SPELLED) return done;
    size_t places = strlen(parts.fraction);
    if (parts.is_whole) return float_has_power(parts.whole) ? cardinal(out, parts.whole) : LOFI_SPELLING_REFUSED;
    if (places > 3 || parts.has_exponent) return LOFI_SPELLING_REFUSED;
    (void)cardinal(out, parts.whole);
    lofi_buffer_text(out, " egész ");
    (void)cardinal(out, parts.fraction);
    lofi_buffer_printf(out, " %s", parts_of[places]);
    return LOFI_SPELLED;
}

static lofi_spelling money(lofi_buffer *out, const char *amount, const char *currency) {
    static const lofi_currency_words currencies[] = {
        {"USD", {"dollar", "dollars"}, {"cent", "cents"}},
        {"GBP", {"pound sterling", "pounds sterling"}, {"penny", "pence"}},
        {"EUR", {"euro", "euro"}, {"cent", "cents"}},
        {.code = NULL},
    };
    static const lofi_money_rules rules = {
        .currencies = currencies, .cardinal = cardinal, .form = lofi_one_or_many, .separator = ",", .cut = ", "};
    return lofi_spell_money(out, amount, currency, &rules);
}

const lofi_number_words lofi_number_words_hu = {cardinal, ordinal, decimal, money};
