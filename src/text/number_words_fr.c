/* number_words_fr.c - French: "mille deux cent trente-quatre". */
#include "text/number_text.h"

#define MAX_DIGITS 606 /* 10^606 and more has no name */

static const char *const small[20] = {"zéro",     "un",     "deux",  "trois",    "quatre",   "cinq",    "six",
                                      "sept",     "huit",   "neuf",  "dix",      "onze",     "douze",   "treize",
                                      "quatorze", "quinze", "seize", "dix-sept", "dix-huit", "dix-neuf"};

/* `last`: no "mille" follows, so that quatre-vingts and cents keep their s. */
static void spell_below_hundred(lofi_buffer *out, int value, bool last) {
    static const char *const tens[10] = {"",          "",         "vingt",    "trente",       "quarante",
                                         "cinquante", "soixante", "soixante", "quatre-vingt", "quatre-vingt"};
    if (value < 20) {
        lofi_buffer_text(out, small[value]);
        return;
    }
    bool twenty_more = value / 10 == 7 || value / 10 == 9;
    int rest = value % 10 + (twenty_more ? 10 : 0);
    lofi_buffer_text(out, tens[value / 10]);
    if (rest == 0)
        lofi_buffer_text(out, value == 80 && last ? "s" : "");
    else if (rest % 10 == 1 && value < 80)
        lofi_buffer_printf(out, " et %s", small[rest]);
    else
        lofi_buffer_printf(out, "-%s", small[rest]);
}

static void spell_group(lofi_buffer *out, int value, bool last) {
    if (value >= 200) lofi_buffer_printf(out, "%s ", small[value / 100]);
    if (value >= 100) lofi_buffer_text(out, value >= 200 && value % 100 == 0 && last ? "cents" : "cent");
    if (value >= 100 && value % 100 > 0) lofi_buffer_text(out, " ");
    if (value < 100 || value % 100 > 0) spell_below_hundred(out, value % 100, last);
}

static lofi_spelling cardinal(lofi_buffer *out, const char *digits) {
    lofi_digit_groups groups;
    lofi_buffer words = LOFI_BUFFER_INIT;
    if (!lofi_digit_groups_of(&groups, digits, MAX_DIGITS)) return LOFI_SPELLING_REFUSED;
    for (int i = 0; i < groups.count; i++) {
        int value = groups.values[i], power = groups.count - 1 - i;
        if (value == 0 && groups.count > 1) continue;
        if (words.size > 0) lofi_buffer_text(&words, " ");
        if (power != 1 || value > 1) spell_group(&words, value, power != 1);
        if (power == 1) lofi_buffer_text(&words, value > 1 ? " mille" : "mille");
        if (power < 2) continue;
        lofi_buffer_text(&words, " ");
        lofi_latin_numeral(&words, power / 2, false);
        lofi_buffer_printf(&words, "%s%s", power % 2 == 1 ? "illiard" : "illion", value > 1 ? "s" : "");
    }
    lofi_give_words(out, &words);
    return LOFI_SPELLED;
}

static lofi_spelling ordinal(lofi_buffer *out, const char *digits) {
    static const char *const endings[][2] = {{"cinq", "cinquième"}, {"neuf", "neuvième"}, {"e", "ième"}};
    lofi_buffer words = LOFI_BUFFER_INIT;
    if (lofi_small_number(digits) == 1) {
        lofi_buffer_text(out, "premier");
        return LOFI_SPELLED;
    }
    lofi_spelling done = cardinal(&words, digits);
    if (!lofi_change_ending(&words, endings, 3)) lofi_buffer_text(&words, "ième");
    if (done != LOFI_SPELLED) lofi_buffer_clear(&words);
    lofi_give_words(out, &words);
    return done;
}

static lofi_spelling decimal(lofi_buffer *out, const char *number) {
    return lofi_spell_decimal(out, number, cardinal, "virgule");
}

static lofi_spelling money(lofi_buffer *out, const char *amount, const char *currency) {
    static const lofi_currency_words currencies[] = {
        {"USD", {"dollar", "dollars"}, {"cent", "cents"}},
        {"GBP", {"livre", "livres"}, {"penny", "pence"}},
        {"EUR", {"euro", "euros"}, {"centime", "centimes"}},
        {.code = NULL},
    };
    static const lofi_money_rules rules = {
        .currencies = currencies, .cardinal = cardinal, .form = lofi_one_or_many, .separator = " et", .cut = " et "};
    return lofi_spell_money(out, amount, currency, &rules);
}

const lofi_number_words lofi_number_words_fr = {cardinal, ordinal, decimal, money};
