/* number_words_nl.c - Dutch: "duizendtweehonderdvierendertig", "een miljoen". */
#include "text/number_text.h"

#define MAX_DIGITS 606 /* 10^606 and more has no name */

static const char *const small[20] = {"nul",      "één",      "twee",    "drie",      "vier",     "vijf",     "zes",
                                      "zeven",    "acht",     "negen",   "tien",      "elf",      "twaalf",   "dertien",
                                      "veertien", "vijftien", "zestien", "zeventien", "achttien", "negentien"};

static void spell_below_hundred(lofi_buffer *out, int value) {
    static const char *const tens[10] = {"",        "",       "twintig",  "dertig",  "veertig",
                                         "vijftig", "zestig", "zeventig", "tachtig", "negentig"};
    if (value < 20) {
        lofi_buffer_text(out, small[value]);
        return;
    }
    int rest = value % 10;
    if (rest > 0)
        lofi_buffer_printf(out, "%s%s", rest == 1 ? "een" : small[rest], rest == 2 || rest == 3 ? "ën" : "en");
    lofi_buffer_text(out, tens[value / 10]);
}

static void spell_group(lofi_buffer *out, int value) {
    if (value >= 200) lofi_buffer_text(out, small[value / 100]);
    if (value >= 100) lofi_buffer_text(out, "honderd");
    if (value < 100 || value % 100 > 0) spell_below_hundred(out, value % 100);
}

static lofi_spelling cardinal(lofi_buffer *out, const char *digits) {
    lofi_digit_groups groups;
    if (!lofi_digit_groups_of(&groups, digits, MAX_DIGITS)) return LOFI_SPELLING_REFUSED;
    for (int i = 0; i < groups.count; i++) {
        int value = groups.values[i], power = groups.count - 1 - i;
        if (value == 0 && groups.count > 1) continue;
        if (value == 1 && power > 0)
            lofi_buffer_text(out, power > 1 ? "een" : "");
        else
            spell_group(out, value);
        if (power == 1) lofi_buffer_text(out, "duizend");
        if (power < 2) continue;
        lofi_buffer_text(out, " ");
        lofi_latin_numeral(out, power / 2, true);
        if (power / 2 == 100) lofi_shorten(out, 4);
        if (power / 2 == 100) lofi_buffer_text(out, "zend");
        lofi_buffer_text(out, power % 2 == 1 ? "iljard" : "iljoen");
        if (!lofi_groups_end(&groups, i)) lofi_buffer_text(out, " ");
    }
    return LOFI_SPELLED;
}

static lofi_spelling ordinal(lofi_buffer *out, const char *digits) {
    static const char *const endings[][2] = {
        {"nul", "nuld"},   {"één", "eerst"},   {"twee", "tweed"},     {"drie", "derd"},   {"vier", "vierd"},
        {"vijf", "vijfd"}, {"zes", "zesd"},    {"zeven", "zevend"},   {"acht", "achtst"}, {"negen", "negend"},
        {"tien", "tiend"}, {"elf", "elfd"},    {"twaalf", "twaalfd"}, {"ig", "igst"},     {"erd", "erdst"},
        {"end", "endst"},  {"joen", "joenst"}, {"rd", "rdst"}};
    lofi_buffer words = LOFI_BUFFER_INIT;
    lofi_spelling done = cardinal(&words, digits);
    (void)lofi_change_ending(&words, endings, sizeof endings / sizeof endings[0]);
    if (done == LOFI_SPELLED) lofi_buffer_text(&words, "e");
    lofi_give_words(out, &words);
    return done;
}

static lofi_spelling decimal(lofi_buffer *out, const char *number) {
    return lofi_spell_decimal(out, number, cardinal, "komma");
}

static int one_form(int64_t count) {
    (void)count;
    return 0;
}

static lofi_spelling money(lofi_buffer *out, const char *amount, const char *currency) {
    static const lofi_currency_words currencies[] = {
        {"USD", {"dollar"}, {"cent"}}, {"GBP", {"pond"}, {"penny"}}, {"EUR", {"euro"}, {"cent"}}, {.code = NULL}};
    static const lofi_money_rules rules = {
        .currencies = currencies, .cardinal = cardinal, .form = one_form, .separator = ",", .cut = ", "};
    return lofi_spell_money(out, amount, currency, &rules);
}

const lofi_number_words lofi_number_words_nl = {cardinal, ordinal, decimal, money};
